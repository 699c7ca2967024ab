"""Each change that a hold of any table carries, applied and judged again: the hold is gone or
smaller, and nothing else is worse."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.changes import apply
from tests.hiding import floor_of
from tests.platforms.stacks import Labelled, every_stack
from zerofloor.capacity import Hold
from zerofloor.floor.result import Entry, Floor
from zerofloor.settings import parse

STACKS = {
    name: stack
    for name, stack in every_stack().items()
    if len(stack.parts) == 1 and stack.label["verdict"] == "held"
}
IN_A_TEMPLATE = "templateBody"
"""A property of a CloudFormation template: a change of its text is not made here."""


UNSETTLED = {
    "azure/aks: managed GPU pools have no autoscaler: managed",
    "azure/machine_learning: an online deployment keeps its instances: autoscale minimum 1",
    "kubernetes/charts: a chart's Deployment under a scaler of the stack: to one, a part of its "
    "name hidden",
}
"""Where zero is possible and what the platform then does is not documented, or a hidden name leaves
open whether the scaler is that of the chart: it stays undecided."""


@pytest.mark.parametrize("name", STACKS)
def test_a_change_helps(name: str) -> None:
    stack = STACKS[name]
    before = _floor(stack)
    for entry, hold in _holds(before):
        if any(change.path.startswith(IN_A_TEMPLATE) for change in hold.change):
            continue
        after = floor_of(apply(stack.parts[0], hold.change), parse(dict(stack.settings), "test"))
        told = f"{hold.fix} {hold.change}: {_shown(before)} became {_shown(after)}"
        assert _still(after, entry, hold) < hold.least, told
        if len(after.undecided) >= len(before.undecided):  # What was undecided may be held now.
            assert _held(after) <= _held(before), told
        if name not in UNSETTLED and not _held_elsewhere(before, entry):
            assert len(after.undecided) <= len(before.undecided), told


def _held_elsewhere(floor: Floor, entry: Entry) -> bool:
    """Whether something else holds GPUs too: pods that still ask have nowhere to go then."""
    return any(other.holds for other in floor.entries if other is not entry)


def _holds(floor: Floor) -> Iterator[tuple[Entry, Hold]]:
    for entry in floor.entries:
        for hold in entry.holds:
            if hold.change:
                yield entry, hold


def _still(floor: Floor, entry: Entry, hold: Hold) -> int:
    """How many units the same cause keeps in the same place."""
    return max(
        (
            other.least
            for one in floor.entries
            if (one.urn, one.name) == (entry.urn, entry.name)
            for other in one.holds
            if (other.urn, other.cause) == (hold.urn, hold.cause)
            and other.evidence[-1].path == hold.evidence[-1].path
        ),
        default=0,
    )


def _held(floor: Floor) -> Decimal:
    return sum(
        (entry.gpus for entry in floor.entries if entry.verdict == "held" and entry.gpus),
        Decimal(0),
    )


def _floor(stack: Labelled) -> Floor:
    return floor_of(stack.parts[0], parse(dict(stack.settings), "test"))


def _shown(floor: Floor) -> str:
    return f"{floor.verdict} {floor.gpus} {[u.why for u in floor.undecided]}"
