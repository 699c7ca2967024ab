"""A change to a declaration, as a finding carries it, applied to a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zerofloor.capacity import Change
from zerofloor.fixing.paths import changed, steps_of
from zerofloor.stack import Stack


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
