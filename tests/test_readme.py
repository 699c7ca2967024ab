"""What the README prints is what a fresh clone prints."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.cli.command import TODAY, zerofloor

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = {"make preview": ("dev", 0), "make preview STACK=idle": ("idle", 1)}


def quoted(command: str) -> list[str]:
    """The output that the README shows for a command, in the pieces that `…` divides."""
    (block,) = re.findall(rf"```console\n\$ {re.escape(command)}\n(.*?)```", README, re.DOTALL)
    return [
        piece.strip("\n") for piece in re.split(r"^…$", block, flags=re.MULTILINE) if piece.strip()
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_shows_the_real_output(command: str) -> None:
    stack, code = COMMANDS[command]
    done = zerofloor("preview", ".", "--stack", stack, "--engine", "in-process", *TODAY, cwd=ROOT)
    assert done.code == code, done.err
    start = 0
    for piece in quoted(command):
        found = done.out.find(f"{piece}\n", start)
        assert found >= 0, f"the README shows\n{piece}\nbut the command prints\n{done.out}"
        start = found + len(piece)


def test_every_extra_is_named() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    table = re.search(r"\| extra \| for \|\n(.*?)\n\n", README, re.DOTALL)
    assert table is not None
    named = {
        name for row in table[1].splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == set(extras)


def test_the_numbers_of_the_lab_are_those_of_its_page() -> None:
    page = (ROOT / "docs" / "evidence" / "how-do-we-know.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| **all**"))
    cells = [cell.strip(" *") for cell in row.strip("|").split("|")]
    scenarios, agreed, undecided, beyond, *differed = cells[1:]
    assert not any(differed)
    assert (
        f"Of {scenarios} scenarios {agreed} agreed, {beyond} went beyond what manifests show, "
        f"{undecided} were undecided, and none differed"
    ) in README
