"""What a hold says to change ends it: applied as data, the stack is judged again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.changes import apply
from tests.hiding import floor_of
from tests.platforms.stacks import labelled
from zerofloor.settings import parse

STACKS = {
    name: stack
    for name, stack in labelled(Path(__file__).parent).items()
    if stack.label["verdict"] == "held" and len(stack.cases) == 1
}


@pytest.mark.parametrize("name", STACKS)
def test_an_applied_change_ends_the_hold(name: str) -> None:
    stack = STACKS[name]
    settings = parse(dict(stack.settings), "test")
    for entry in floor_of(stack.parts[0], settings).entries:
        for hold in entry.holds:
            if not hold.change:
                continue
            after = floor_of(apply(stack.parts[0], hold.change), settings)
            left = [
                (other.urn, other.cause)
                for entry in after.entries
                for other in entry.holds
                if (other.urn, other.cause) == (hold.urn, hold.cause)
            ]
            assert not left, (hold.change, after.verdict)
            # Pods of a pool that is gone are another question.
            assert all(open_point.urn != hold.urn for open_point in after.undecided)
