"""What a finding proposes as data, applied: what it named is held no more."""

from __future__ import annotations

from pathlib import Path

from tests.changes import apply
from tests.hiding import floor_of
from tests.platforms.stacks import labelled
from zerofloor.settings import parse


def test_applied_changes_end_the_hold() -> None:
    tried = 0
    for name, stack in labelled(Path(__file__).parent).items():
        if len(stack.parts) != 1:
            continue
        settings = parse(dict(stack.settings), "test")
        before = floor_of(stack.parts[0], settings)
        holds = [hold for entry in before.entries for hold in entry.holds]
        if not holds or not all(hold.change for hold in holds):
            continue
        changes = tuple(step for hold in holds for step in hold.change)
        after = floor_of(apply(stack.parts[0], changes), settings)
        assert after.verdict != "held", (name, changes)
        tried += 1
    assert tried > 50
