"""The pack, started by hand with one change: it also writes the stack that it judges to the file
that RECORD names."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zerofloor.engine import analyzer, servicer
from zerofloor.judge import judge
from zerofloor.reports.show import shown
from zerofloor.stack import Stack


def recording(stacks: Sequence[Stack], *more: Any) -> Any:
    Path(os.environ["RECORD"]).write_text(json.dumps(shown(stacks[0])))
    return judge(stacks, *more)


if __name__ == "__main__":
    vars(servicer)["judge"] = recording
    analyzer.main()
