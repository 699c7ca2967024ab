"""The example scripts run, and show what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

SHOWN = {
    "adopt.sh": ["advisory: the gate fails", "[existing]", "Waived by ml-platform", "PASS  No GPU"],
    "raise-floor.sh": ["::error file=__main__.py", "| change a month |", "+$1,374.53"],
    "waiver-runs-out.sh": [
        "(until 2026-12-15, up to $1,400 a month)",
        "expired on 2026-12-15, 1 day ago",
        "permits $1,000 a month, and the cost is $1,374.53, $374.53 more",
    ],
}


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_runs_and_shows_what_it_says(name: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(EXAMPLES / name)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stdout
    text = " ".join(done.stdout.split())
    for shown in SHOWN[name]:
        assert " ".join(shown.split()) in text, done.stdout


def test_every_script_is_listed_and_tried() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.sh")} - {"common.sh"}
    assert scripts == set(SHOWN)
    page = (EXAMPLES / "README.md").read_text()
    assert all(f"[{name}]({name})" in page for name in scripts)
