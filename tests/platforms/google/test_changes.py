"""What a hold says to change ends it: applied as data, the stack is judged again. Raising a minimum
never lowers the floor."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cases import stack_of
from tests.changes import apply
from tests.hiding import floor_of
from tests.platforms.stacks import labelled
from zerofloor.settings import parse

TABLES = labelled(Path(__file__).parent)
HELD = {
    name: stack
    for name, stack in TABLES.items()
    if stack.label["verdict"] == "held" and len(stack.cases) == 1
}


@pytest.mark.parametrize("name", HELD)
def test_an_applied_change_ends_the_hold(name: str) -> None:
    stack = HELD[name]
    settings = parse(dict(stack.settings), "test")
    for entry in floor_of(stack.parts[0], settings).entries:
        for hold in entry.holds:
            if not hold.change:
                continue
            after = floor_of(apply(stack.parts[0], hold.change), settings)
            left = [
                other.evidence
                for entry_after in after.entries
                for other in entry_after.holds
                if (other.urn, other.cause) == (hold.urn, hold.cause)
                and other.evidence == hold.evidence
            ]
            assert not left, (hold.change, after.verdict)
            assert after.verdict in ("zero", "held"), after.undecided


COUNTS = {
    "minNodeCount",
    "totalMinNodeCount",
    "nodeCount",
    "initialNodeCount",
    "minReplicas",
    "minNumReplicas",
    "minReplicaCount",
    "minInstanceCount",
    "manualInstanceCount",
    "targetSize",
    "poolSize",
    "numInstances",
    "staticNodeCount",
    "replicas",
    "minRequiredReplicas",
}


def _numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, (*path, index))
    elif path and path[-1] in COUNTS and str(value).isdigit():
        yield path


RAISED = [
    name
    for name, stack in TABLES.items()
    # A node without GPUs may take pods off one with GPUs.
    if len(stack.cases) == 1 and not name.startswith("strays: ")
]


@pytest.mark.parametrize("name", RAISED)
def test_raising_a_minimum_never_lowers_the_floor(name: str) -> None:
    stack = TABLES[name]
    settings = parse(dict(stack.settings), "test")
    before = floor_of(stack.parts[0], settings)
    for index, resource in enumerate(stack.cases[0]["resources"]):
        for path in _numbers(resource["props"]):
            changed = copy.deepcopy(dict(stack.cases[0]))
            inner = changed["resources"][index]["props"]
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = type(inner[path[-1]])(int(inner[path[-1]]) + 1)
            after = floor_of(stack_of(changed), settings)
            assert after.verdict != "zero" or before.verdict == "zero", path
            if after.gpus is not None and before.gpus is not None:
                assert after.gpus >= (before.gpus or Decimal(0)), path
