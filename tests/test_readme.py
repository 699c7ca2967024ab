"""What the README prints is what a fresh clone prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.command import TODAY, zerofloor

ROOT = Path(__file__).parents[1]
COMMANDS = {"make preview": ("dev", 0), "make preview STACK=idle": ("idle", 1)}


def quoted(command: str) -> list[str]:
    """The output that the README shows for a command, in the pieces that `…` divides."""
    (block,) = re.findall(
        rf"```console\n\$ {re.escape(command)}\n(.*?)```",
        (ROOT / "README.md").read_text(),
        re.DOTALL,
    )
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
