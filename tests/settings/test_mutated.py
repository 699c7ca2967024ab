"""Mutated settings: each is read or refused in one line, and nothing of a file is quoted but its
keys."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from zerofloor.errors import InputError
from zerofloor.settings import Settings, load

EXAMPLES = [
    (Path(__file__).parents[2] / "tools" / name).read_text()
    for name in ("zerofloor.example.yaml", "policy.example.yaml")
]
SPLICES = [
    "", ":", "- ", "{", "}", "[", "]", "&a ", "*a", "!!python/object:os.system ", "!x ", "| ", "> ", '"', "'", "\t",
    "\x00", "\u202e", "null", "~", ".nan", ".inf", "1e999", "-1", "2026-02-30", "true", "off", "#", "<<: ", "? ",
    "%YAML 1.2\n", "---\n", "...\n", "PLANTED", "😀", "9" * 400,
]  # fmt: skip


def mutant(seed: int) -> str:
    """One of the examples with a few splices, deletions and swapped lines."""
    rng = random.Random(seed)
    text = rng.choice(EXAMPLES)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        match rng.randrange(4):
            case 0:
                text = text[:at] + rng.choice(SPLICES) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randint(1, 40) :]
            case 2:
                lines = text.splitlines(keepends=True)
                rng.shuffle(lines[: rng.randrange(len(lines))])
                first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[first], lines[second] = lines[second], lines[first]
                text = "".join(lines)
            case _:
                text = text[:at] + rng.choice(SPLICES) + text[at + 1 :]
    return text


def judge_mutants(folder: Path, seeds: range) -> int:
    """How many are read as settings; anything but settings or one clear line fails."""
    (folder / "base.example.yaml").write_text("undecided: error\n")
    read = 0
    for seed in seeds:
        path = folder / "zerofloor.yaml"
        path.write_text(mutant(seed), encoding="utf-8", errors="surrogatepass")
        try:
            assert isinstance(load(path), Settings)
            read += 1
        except InputError as error:
            text = str(error)
            assert "zerofloor.yaml" in text or "base.example" in text or "can't be read" in text
            assert "\n" not in text
            assert "demo in December" not in text  # A value of the file.
    return read


def test_each_of_some_mutants_is_read_or_refused(tmp_path: Path) -> None:
    assert 0 < judge_mutants(tmp_path, range(400)) < 400


@pytest.mark.long
def test_each_of_twenty_thousand_mutants_is_read_or_refused(tmp_path: Path) -> None:
    judge_mutants(tmp_path, range(20_000))
