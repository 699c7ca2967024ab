"""`make release`: builds sdist and wheel into dist/, checks them, tries the wheel in an empty
environment, and gives the changelog's unreleased part this version's heading.

It uploads nothing and sets no tag.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

DIST = ROOT / "dist"
UNRELEASED = "## Unreleased"


def main() -> int:
    """Exit 1 where a step fails; the step's own output says why."""
    from zerofloor import __version__

    for kind in ("*.whl", "*.tar.gz"):
        for old in DIST.glob(kind):
            old.unlink()
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST), str(ROOT))
    built = sorted(map(str, (*DIST.glob("*.whl"), *DIST.glob("*.tar.gz"))))
    _run(sys.executable, "-m", "twine", "check", "--strict", *built)
    _try_out(next(one for one in built if one.endswith(".whl")), __version__)
    _changelog(__version__, datetime.datetime.now(datetime.UTC).date())
    _say(f"{', '.join(Path(one).name for one in built)}: checked and tried in an empty environment")
    return 0


def _try_out(wheel: str, version: str) -> None:
    """The wheel with what it depends on and nothing else: every command answers."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "venv"
        _run(sys.executable, "-m", "venv", str(place))
        _run(str(place / "bin" / "pip"), "install", "--quiet", wheel)
        command = str(place / "bin" / "zerofloor")
        shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
        if shown.stdout.strip() != version:
            raise SystemExit(f"the wheel says {shown.stdout.strip()}, the source {version}")
        from zerofloor.cli.main import COMMANDS

        for name in COMMANDS:
            _run(command, name, "--help", quiet=True)
        _run(command, "rules", quiet=True)


def _changelog(version: str, day: datetime.date) -> None:
    path = ROOT / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8")
    if re.search(rf"^## {re.escape(version)}\b", text, re.M):
        return
    if UNRELEASED not in text:
        raise SystemExit(f"CHANGELOG.md has neither '{UNRELEASED}' nor '## {version}'")
    heading = f"{UNRELEASED}\n\n## {version} ({day.isoformat()})"
    path.write_text(text.replace(UNRELEASED, heading, 1), encoding="utf-8")
    _say(f"CHANGELOG.md: what was unreleased is {version} now; commit it")


def _run(*command: str, quiet: bool = False) -> None:
    done = subprocess.run(command, capture_output=quiet, check=False)
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
