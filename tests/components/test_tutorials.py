"""The tutorials, as a reader would follow them: each program is previewed, and what the page shows
is what the command says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "tutorials"
BLOCKS = re.compile(r"^```(python|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps() -> dict[str, tuple[str, list[str]]]:
    """By page and number: a program, and the lines that its preview shows."""
    found: dict[str, tuple[str, list[str]]] = {}
    for page in sorted(PAGES.glob("*.md")):
        if page.stem == "ec2-without-kubernetes":  # It has files of its own: test_tutorial_ec2.py.
            continue
        program = ""
        for kind, text in BLOCKS.findall(page.read_text(encoding="utf-8")):
            if kind == "python":
                program = text
            elif text.startswith("$ zerofloor preview"):
                found[f"{page.stem} {len(found)}"] = program, text.splitlines()[1:]
    return found


STEPS = steps()


@pytest.mark.parametrize("name", STEPS)
def test_a_tutorial_does_what_it_shows(name: str, tmp_path: Path) -> None:
    program, lines = STEPS[name]
    assert program
    (tmp_path / "Pulumi.yaml").write_text("name: tutorial\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "__main__.py").write_text(program)
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("zerofloor")), "preview", ".", "--stack", "dev"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = " ".join((ran.stdout + ran.stderr).split())
    for line in lines:
        assert " ".join(line.split()) in said, f"{line}\n\nis not in\n\n{ran.stdout}{ran.stderr}"
    assert ran.returncode == int(any(line.startswith("FAIL") for line in lines)) or lines[
        0
    ].startswith("the lease")


def test_there_are_tutorials() -> None:
    assert {name.rpartition(" ")[0] for name in STEPS} >= {
        "adopt-with-gpu-scaler",
        "experiment-with-a-lease",
        "first-model-server",
        "queue-worker",
    }
