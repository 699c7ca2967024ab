"""Raising a minimum or a number of machines never lowers the floor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.hiding import Hiding, floor_of, hidings
from tests.platforms.stacks import labelled
from zerofloor.settings import parse
from zerofloor.stack import UNKNOWN, Resource

NUMBERS = {
    "count",
    "nodeCount",
    "minCount",
    "capacity",
    "instances",
    "minimum",
    "minNodeCount",
    "minReplicas",
    "minimumCount",
    "targetDedicatedNodes",
    "targetLowPriorityNodes",
    "maxReadyCapacity",
    "minReadyCapacity",
    "replicas",
}


def test_a_higher_number_is_no_lower_floor() -> None:
    wrong: list[str] = []
    for name, stack in labelled(Path(__file__).parent).items():
        if len(stack.parts) != 1:
            continue
        settings = parse(dict(stack.settings), "test")
        before = floor_of(stack.parts[0], settings)
        if before.verdict != "held":
            continue
        for hiding in hidings(name, stack.parts[0]):
            if hiding.hidden is not UNKNOWN or hiding.path[-1] not in NUMBERS:
                continue
            resources = tuple(_raised(r, hiding) for r in stack.parts[0].resources)
            after = floor_of(replace(stack.parts[0], resources=resources), settings)
            lower = after.verdict == "held" and (after.gpus or 0) < (before.gpus or 0)
            if after.verdict == "zero" or lower:
                wrong.append(f"{hiding.shown}: {before.gpus} -> {after.verdict} {after.gpus}")
    assert not wrong, "\n".join(wrong)


def _raised(resource: Resource, hiding: Hiding) -> Resource:
    if resource.urn != hiding.urn:
        return resource
    return replace(resource, inputs=_with(resource.inputs, hiding.path))


def _with(value: Any, path: tuple[str | int, ...]) -> Any:
    if not path:
        if isinstance(value, str) and value.isdigit():
            return str(int(value) + 1)
        return value + 1 if isinstance(value, int) and not isinstance(value, bool) else value
    head, *rest = path
    if isinstance(head, int):
        return [_with(v, tuple(rest)) if i == head else v for i, v in enumerate(value)]
    return {**value, head: _with(value[head], tuple(rest))}
