"""What must hold on every platform: no value crashes, order does not matter. That no hidden value
makes a pass is tried whole in test_hiding."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import stack_of
from tests.platforms.stacks import every_stack
from zerofloor import platforms
from zerofloor.estate import estate
from zerofloor.floor.find import find_floor
from zerofloor.floor.result import Floor
from zerofloor.settings import parse

STACKS = {name: stack for name, stack in every_stack().items() if len(stack.cases) == 1}


def floor(case: Mapping[str, Any], chosen: Any = None) -> Floor:
    whole = estate((stack_of(case),), parse(dict(chosen or {}), "test"))
    return find_floor(platforms.read(whole), whole)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inner:
        yield from _leaves(item, (*path, key))


HOSTILE: list[Any] = [
    None,
    True,
    -1,
    10**9,
    0.5,
    "",
    "-3",
    "many",
    [],
    {},
    [[]],
    {"": None},
    "x" * 5000,
]


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.data())
def test_no_value_of_a_wrong_type_crashes(data: st.DataObject) -> None:
    stack = STACKS[data.draw(st.sampled_from(list(STACKS)))]
    changed = copy.deepcopy(stack.cases[0])
    resource = data.draw(st.sampled_from(changed["resources"]))
    paths = list(_leaves(resource["props"]))
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    inner = resource["props"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = data.draw(st.sampled_from(HOSTILE))
    floor(changed, stack.settings)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_order_does_not_matter(data: st.DataObject) -> None:
    stack = STACKS[data.draw(st.sampled_from(list(STACKS)))]
    case = stack.cases[0]
    shuffled = {**case, "resources": data.draw(st.permutations(case["resources"]))}
    assert floor(shuffled, stack.settings) == floor(case, stack.settings)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_a_bucket_changes_nothing(data: st.DataObject) -> None:
    stack = STACKS[data.draw(st.sampled_from(list(STACKS)))]
    case = stack.cases[0]
    bucket = {"type": "aws:s3/bucket:Bucket", "name": "more", "props": {"bucket": "models"}}
    more = {**case, "resources": [*case["resources"], bucket]}
    assert floor(more, stack.settings) == floor(case, stack.settings)
