"""A document that leaves out what a property was computed from (an event log) never makes a pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.platforms.stacks import Labelled, every_stack, floor_of

FAILING = {
    name: stack
    for name, stack in every_stack().items()
    if len(stack.parts) == 1 and stack.label["verdict"] != "zero"
}
FOLDERS = sorted({name.partition("/")[0] for name in FAILING})


def passes_without_links(stack: Labelled, *, told: bool) -> bool:
    """Whether it is zero once no property says what it was computed from: `told`, that it was
    computed from nothing; else nothing at all."""
    links: dict[str, tuple[str, ...]] | None = {} if told else None
    resources = tuple(
        replace(resource, property_dependencies=links) for resource in stack.parts[0].resources
    )
    bare = replace(stack.parts[0], resources=resources)
    return floor_of(replace(stack, parts=(bare,))).verdict == "zero"


@pytest.mark.parametrize("told", [False, True], ids=["no-links", "empty-links"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_losing_the_links_never_makes_a_pass(folder: str, told: bool) -> None:
    wrong = [
        name
        for name, stack in FAILING.items()
        if name.startswith(f"{folder}/") and passes_without_links(stack, told=told)
    ]
    assert not wrong
