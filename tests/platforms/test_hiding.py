"""Each value of each stack of the tables hidden, at every depth: no failing gate passes, no held becomes zero."""

from __future__ import annotations

from fnmatch import fnmatchcase as fnmatch
from pathlib import Path

import pytest

from tests.hiding import floor_of, hide, hidings
from tests.platforms.stacks import labelled
from zerofloor.settings import parse

HERE = Path(__file__).parent
WAITING: set[str] = set()
"""Folders whose readers still lose some hidden values: each leaves this list when they don't."""
_TYPED = "a hidden value is taken to have the type that its field has"
_DRIVER = (
    "a driver's or an operator's chart asks for no GPU itself, and its values are often outputs"
)
_NET = "a type that nobody reads is asked for what it says, and for what a machine hides"
ALLOWED: dict[str, str] = {
    "launches: state machines that start what stays: instances: definition": (
        "most definitions name a function that isn't there yet: what isn't known starts nothing"
    ),
    "keda: what the definition and the operator refuse: a number in the metadata: *": _TYPED,
    "keda: what the definition and the operator refuse: a switch in the metadata: *": _TYPED,
    "keda: what the definition and the operator refuse: a fallback *: spec.fallback": _TYPED,
    "keda: what the definition and the operator refuse: *: spec.pollingInterval": _TYPED,
    "charts: *: operator with a GPU of its own: values*": _DRIVER,
    "charts: unknown types: *": _NET,
}
"""What is safe to lose, by a pattern of `file: pair: name: path`, with the reason."""

TABLES = sorted(
    path.relative_to(HERE).as_posix()
    for path in HERE.glob("*/*.yaml")
    if path.parent.name not in WAITING
)


@pytest.mark.parametrize("table", TABLES)
def test_a_hidden_value_never_makes_a_pass(table: str) -> None:
    wrong: list[str] = []
    for name, stack in labelled((HERE / table).parent).items():
        if not name.startswith(f"{Path(table).stem}: ") or len(stack.parts) != 1:
            continue
        chosen = parse(dict(stack.settings), "test")
        before = floor_of(stack.parts[0], chosen)
        if before.verdict == "zero":
            continue
        for hiding in hidings(name, stack.parts[0]):
            after = floor_of(hide(stack.parts[0], hiding), chosen)
            where = f"{name}: {'.'.join(map(str, hiding.path))}"
            if after.verdict == "zero" and not any(fnmatch(where, one) for one in ALLOWED):
                wrong.append(f"{before.verdict} {before.gpus}: {where} {hiding.hidden!r}")
    assert not wrong, "\n".join(wrong)
