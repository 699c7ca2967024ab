"""What a finding proposes as data, applied: what it named is held no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.hiding import floor_of
from tests.platforms.stacks import labelled
from zerofloor.capacity import Change
from zerofloor.settings import parse
from zerofloor.stack import Stack
from zerofloor.values import keys


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
        after = floor_of(_changed(stack.parts[0], changes), settings)
        assert after.verdict != "held", (name, changes)
        tried += 1
    assert tried > 50


def _changed(stack: Stack, changes: tuple[Change, ...]) -> Stack:
    resources = []
    for resource in stack.resources:
        inputs: Any = resource.inputs
        for step in changes:
            if step.urn == resource.urn:
                inputs = _set(inputs, keys(step.path), step.to)
        resources.append(replace(resource, inputs=inputs))
    return replace(stack, resources=tuple(resources))


def _set(value: Any, path: tuple[str | int, ...], to: Any) -> Any:
    if not path:
        return to
    head, *rest = path
    if isinstance(head, int):
        return [_set(v, tuple(rest), to) if i == head else v for i, v in enumerate(value)]
    known = value if isinstance(value, Mapping) else {}
    return {**known, head: _set(known.get(head), tuple(rest), to)}
