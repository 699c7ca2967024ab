"""Hiding one value of a labelled stack never makes an exception, and never a pass out of a
failure: each value of each case and scenario, at every depth, as unknown and as secret."""

from __future__ import annotations

from functools import cache

import pytest

from tests.hiding import Hiding, floor_of, hide, hidings, stacks
from zerofloor.stack import Stack

SLICES = 24
"""The stacks are spread over so many tests, which run side by side."""

ALLOWED = {
    # A Node object is no machine: it is undecided only because its status names a GPU, which a
    # program never declares.
    ("N41_unmanaged_gpu_node", "status"),
}


@cache
def _failing() -> tuple[tuple[str, Stack], ...]:
    """Those that fail: hiding a value of one that passes can't make a wrong pass."""
    return tuple(
        (name, stack) for name, stack in stacks().items() if floor_of(stack).verdict != "zero"
    )


@pytest.mark.parametrize("number", range(SLICES))
def test_a_hidden_value_never_makes_a_pass(number: int) -> None:
    wrong = [
        f"{hiding.shown}"
        for name, stack in _failing()[number::SLICES]
        for hiding in hidings(name, stack)
        if floor_of(hide(stack, hiding)).verdict == "zero" and not _is_allowed(hiding)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("number", range(SLICES))
def test_a_hidden_value_never_makes_an_exception(number: int) -> None:
    """Every 31st value of the stacks that pass: what is hidden there may raise the verdict."""
    failing = {name for name, _ in _failing()}
    passing = [(name, stack) for name, stack in stacks().items() if name not in failing]
    for name, stack in passing[number::SLICES]:
        for hiding in list(hidings(name, stack))[::31]:
            floor_of(hide(stack, hiding))


def _is_allowed(hiding: Hiding) -> bool:
    return (hiding.stack, ".".join(map(str, hiding.path))) in ALLOWED
