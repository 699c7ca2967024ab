"""A change to a declaration, as a finding carries it, applied to a stack."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from zerofloor.capacity import Change
from zerofloor.stack import Stack

_STEP = re.compile(r'\["([^"]*)"\]|\[(\d+)\]|([^.\[\]]+)')


def steps_of(path: str) -> tuple[str | int, ...]:
    """`spec.triggers[0].metadata["a.b"]` → ("spec", "triggers", 0, "metadata", "a.b")."""
    found: list[str | int] = []
    for key, index, name in _STEP.findall(path):
        found.append(int(index) if index else key or name)
    return tuple(found)


def apply(stack: Stack, changes: Sequence[Change]) -> Stack:
    """The stack with all the changes made."""
    for change in changes:
        urns = [r.urn for r in stack.resources]
        assert change.urn in urns, f"{change.urn} is not in the stack"
        resources = tuple(
            replace(r, inputs=changed(r.inputs, steps_of(change.path), change.to))
            if r.urn == change.urn
            else r
            for r in stack.resources
        )
        stack = replace(stack, resources=resources)
    return stack


def changed(value: Any, steps: tuple[str | int, ...], to: Any) -> Any:
    """A value with `to` at a path; None takes it away."""
    if not steps:
        return to
    head, rest = steps[0], steps[1:]
    if isinstance(head, int) and head == 0 and isinstance(value, Mapping):
        return changed(value, rest, to)  # A lone object where a list belongs.
    if isinstance(head, int):
        listed = list(value) if isinstance(value, list | tuple) else []
        assert head < len(listed), f"no element {head}"
        new = changed(listed[head], rest, to)
        return [*listed[:head], *([] if new is None else [new]), *listed[head + 1 :]]
    known = dict(value) if isinstance(value, Mapping) else {}
    new = changed(known.get(head), rest, to)
    if new is None:
        known.pop(head, None)
    else:
        known[head] = new
    return known
