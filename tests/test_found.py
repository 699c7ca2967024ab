"""What outside tests found wrong once, each with what it must give (tests/data/found/index.tsv).

A line is `file, command, expected, why`. `expected` is joined by ` & `, alternatives by ` || `: zero,
pass (exit 0), held, held:N, undecided, blocked (exit 1: held, undecided or an error), not0, exit2,
`[stdout|stderr|finding]~REGEX`, `!~` for its absence. The case is copied under a neutral name.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import TODAY, Done, zerofloor

DATA = Path(__file__).parent / "data" / "found"
LINES = [
    tuple(line.split("\t"))
    for line in (DATA / "index.tsv").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith(("#", "file\t"))
]


@dataclass(frozen=True)
class Outcome:
    """What a command gave."""

    done: Done
    report: dict[str, Any]

    @property
    def verdict(self) -> str | None:
        return (self.report.get("floor") or {}).get("verdict")

    @property
    def gpus(self) -> float | None:
        return (self.report.get("floor") or {}).get("gpus")

    @property
    def findings(self) -> list[str]:
        """One line for each finding that is not waived: rule, name, severity, URN, texts."""
        fields = ("rule", "name", "severity", "urn", "message", "fix")
        found = [f for f in self.report.get("findings") or [] if not f.get("waived_by")]
        return [" ".join(str(f.get(name) or "") for name in fields) for f in found]


@pytest.mark.parametrize("line", LINES, ids=[line[0] for line in LINES])
def test_what_was_found_stays_mended(line: tuple[str, ...], tmp_path: Path) -> None:
    name, command, expected, why = line
    outcome = run(name, command, tmp_path)
    assert "Traceback" not in outcome.done.err
    assert "internal error" not in outcome.done.err
    ways = [way.split(" & ") for way in expected.split(" || ")]
    told = (why, expected, outcome.done.code, outcome.verdict, outcome.gpus, outcome.done.err)
    assert any(all(holds(token.strip(), outcome) for token in way) for way in ways), told


def run(name: str, command: str, folder: Path) -> Outcome:
    """The command on the case, copied under a name that tells nothing."""
    top, _, rest = name.partition("/")
    source = DATA / top
    case = folder / ("case" + ("" if source.is_dir() else source.suffix))
    if source.is_dir():
        shutil.copytree(source, case, symlinks=True)
    else:
        shutil.copy(source, case)
    verb, *options = [word.replace("{dir}", str(case)) for word in shlex.split(command)]
    if verb in ("check", "preview"):
        dated = [*options, *TODAY]
        options = dated if "--format" in options else [*dated, "--format", "json"]
    done = zerofloor(verb, *options, case / rest if rest else case, cwd=folder)
    try:
        report = json.loads(done.out)
    except ValueError:
        report = {}
    return Outcome(done, report if isinstance(report, dict) else {})


def holds(token: str, outcome: Outcome) -> bool:
    """Whether one condition holds."""
    if text := re.fullmatch(r"(stdout|stderr|finding)(!?)~(.*)", token, re.DOTALL):
        where, absent, pattern = text.groups()
        places = {"stdout": [outcome.done.out], "stderr": [outcome.done.err]}
        texts = places.get(where, outcome.findings)
        return any(re.search(pattern, one) for one in texts) != bool(absent)
    kind, _, number = token.partition(":")
    if number:
        return outcome.verdict == kind and outcome.gpus == float(number)
    code = outcome.done.code
    an_error = any(re.match(r"\S* \S* error ", finding) for finding in outcome.findings)
    return {
        "zero": code == 0 and outcome.verdict == "zero",
        "pass": code == 0,
        "held": code == 1 and outcome.verdict == "held",
        "undecided": code == 1 and outcome.verdict == "undecided",
        "not0": code in (1, 2),
        "exit2": code == 2,
        "blocked": code == 1 and (outcome.verdict in ("held", "undecided") or an_error),
    }[kind]
