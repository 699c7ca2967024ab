"""What a hold says to change ends it: applied as data, the stack is judged again."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.cases import stack_of
from tests.hiding import floor_of
from tests.platforms.stacks import labelled
from zerofloor.capacity import Change
from zerofloor.settings import parse
from zerofloor.values import keys

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
            changed = copy.deepcopy(dict(stack.cases[0]))
            for change in hold.change:
                apply(changed, change)
            after = floor_of(stack_of(changed), settings)
            left = [
                (other.urn, other.cause)
                for entry in after.entries
                for other in entry.holds
                if (other.urn, other.cause) == (hold.urn, hold.cause)
            ]
            assert not left, (hold.change, after.verdict)
            # Pods of a pool that is gone are another question.
            assert all(open_point.urn != hold.urn for open_point in after.undecided)


def apply(case: dict[str, Any], change: Change) -> None:
    """A change to a declaration, as `zerofloor fix` makes it."""
    resource = next(r for r in case["resources"] if r["urn"] == change.urn)
    *steps, last = keys(change.path)
    inner = resource["props"]
    for index, step in enumerate(steps):
        if isinstance(step, str) and isinstance(inner, dict) and inner.get(step) is None:
            following = [*steps, last][index + 1]
            inner[step] = [] if isinstance(following, int) else {}
        inner = inner[step]
    if change.to is None:
        inner.pop(last, None)
    else:
        inner[last] = change.to
