"""Puts the policy pack together for `pulumi policy publish`: `python -m tools.pack_dist` →
dist/pack.

A published pack is the tar of its own folder, so launcher, wheel and requirement have to lie in
one.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Write dist/pack anew and print its path."""
    folder = ROOT / "dist" / "pack"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)],
        check=True,
    )
    wheel = next(folder.glob("zerofloor-*.whl")).name
    shutil.copy(ROOT / "policies" / "__main__.py", folder)
    # The engine makes this virtual environment beside the launcher and installs the requirement
    # into it.
    manifest = (
        (ROOT / "policies" / "PulumiPolicy.yaml")
        .read_text(encoding="utf-8")
        .replace("../.venv", "venv")
    )
    (folder / "PulumiPolicy.yaml").write_text(manifest, encoding="utf-8")
    (folder / "requirements.txt").write_text(f"./{wheel}[pulumi]\n", encoding="utf-8")
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()
