"""Each component once, by the file of its name."""

import runpy
from pathlib import Path

for example in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    runpy.run_path(str(example))
