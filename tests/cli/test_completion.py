"""Completion in a real bash; zsh and fish as far as their syntax goes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.command import zerofloor


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["zerofloor", "ch"], ["check"]),
        (["zerofloor", "check", "--adv"], ["--advisory"]),
        (["zerofloor", "check", "--format", "sa"], ["sarif"]),
        (["zerofloor", "check", "--fail-on", ""], ["new", "worse", "all"]),
        (["zerofloor", "prices", "s"], ["show"]),
        (["zerofloor", "schema", "ba"], ["baseline"]),
    ],
)
def test_bash_offers_what_fits(words: list[str], offered: list[str], tmp_path: Path) -> None:
    script = zerofloor("completion", "bash", cwd=tmp_path).out
    quoted = " ".join(f"'{word}'" for word in words)
    call = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _zerofloor; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{call}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == offered


def test_zsh_and_fish_name_every_command(tmp_path: Path) -> None:
    for shell in ("zsh", "fish"):
        out = zerofloor("completion", shell, cwd=tmp_path).out
        for name in ("check", "preview", "baseline", "--advisory".removeprefix("--")):
            assert name in out
