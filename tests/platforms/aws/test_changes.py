"""What a hold says to change is applied and judged again: it is gone, and nothing got worse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.hiding import floor_of
from tests.platforms.stacks import Labelled, labelled
from zerofloor.capacity import Change, Hold
from zerofloor.settings import parse
from zerofloor.stack import Stack

STACKS = {
    name: stack
    for name, stack in labelled(Path(__file__).parent).items()
    if stack.label["verdict"] == "held" and len(stack.parts) == 1
}


@pytest.mark.parametrize("name", STACKS)
def test_a_change_ends_its_hold(name: str) -> None:
    stack = STACKS[name]
    settings = parse(dict(stack.settings), "test")
    before = floor_of(stack.parts[0], settings)
    holds = [hold for entry in before.entries for hold in entry.holds if hold.change]
    for hold in holds:
        after = floor_of(_changed(stack, hold.change), settings)
        left = [_told(other) for entry in after.entries for other in entry.holds]
        assert _told(hold) not in left, hold.fix
        assert (after.gpus or 0) <= (before.gpus or 0), hold.fix


def _told(hold: Hold) -> tuple[Any, ...]:
    places = tuple(link.path for link in hold.evidence)
    return hold.cause, hold.urn, hold.units, hold.hours_per_week, places


def _changed(stack: Labelled, changes: tuple[Change, ...]) -> Stack:
    part = stack.parts[0]
    for change in changes:
        keys = [int(k[1:-1]) if k[0] == "[" else k for k in _KEYS.findall(change.path)]
        part = replace(
            part,
            resources=tuple(
                replace(r, inputs=_set(r.inputs, keys, change.to)) if r.urn == change.urn else r
                for r in part.resources
            ),
        )
    return part


_KEYS = re.compile(r"[^.\[\]]+|\[\d+\]")


def _set(value: Any, keys: list[Any], to: Any) -> Any:
    if not keys:
        return to
    if isinstance(keys[0], int):
        return [_set(v, keys[1:], to) if i == keys[0] else v for i, v in enumerate(value)]
    known = value if isinstance(value, Mapping) else {}
    return {**known, keys[0]: _set(known.get(keys[0]), keys[1:], to)}
