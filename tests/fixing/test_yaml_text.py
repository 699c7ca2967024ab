"""One value changed; every other byte stays."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zerofloor.fixing.paths import Steps, changed
from zerofloor.fixing.yaml_text import NotEditable, find_object, set_value

TEXT = """\
# kept
spec:   # and this
    replicas: 3    # three
    list:
      - name: "a"
        flag: yes
      - {name: b, keep: 'x', flag: true}
    nested:
      deep: {x: 1}
      gone: [1,
             2]

    empty:
    last: "z"
"""


@pytest.mark.parametrize(
    ("steps", "to", "old", "new"),
    [
        (("spec", "replicas"), 0, "replicas: 3    #", "replicas: 0    #"),
        (("spec", "list", 0, "name"), "c", '"a"', "c"),
        (("spec", "list", 1, "flag"), False, "flag: true", "flag: false"),
        (("spec", "list", 1, "flag"), None, ", flag: true", ""),
        (("spec", "list", 1, "name"), None, "{name: b, ", "{"),
        (("spec", "nested", "deep", "x"), None, "{x: 1}", "{}"),
        (("spec", "nested", "deep", "x"), None, "deep: {x: 1}", "deep: {}"),
        (("spec", "nested", "gone"), None, "      gone: [1,\n             2]\n", ""),
        (("spec", "nested", "gone"), [3], "[1,\n             2]", "[3]"),
        (("spec", "empty"), {"a": 1}, "empty:\n", "empty: {a: 1}\n"),
        (("spec", "nested", "new"), "off", "      deep:", "      new: 'off'\n      deep:"),
        (("spec", "nested", "new", "a.b"), 1, "      deep:", "      new: {a.b: 1}\n      deep:"),
        (("spec", "nested", "deep", "y"), 2, "{x: 1}", "{y: 2, x: 1}"),
        (("spec", "list", 0, "new"), 1, '- name: "a"', '- new: 1\n        name: "a"'),
    ],
)
def test_one_value(steps: Steps, to: Any, old: str, new: str) -> None:
    assert TEXT.count(old) == 1
    edited = set_value(TEXT, 0, steps, to)
    assert edited == TEXT.replace(old, new)
    assert yaml.safe_load(edited) == changed(yaml.safe_load(TEXT), steps, to)


@pytest.mark.parametrize(
    ("text", "steps", "to"),
    [
        ("a: &x {n: 1}\nb: *x\n", ("b", "n"), 0),
        ("a: [1]\n", ("a", 3), 0),
        ("a: 1\n", ("a", "b"), 0),
        ("a:\n- first: 1\n  then: 2\n", ("a", 0, "first"), None),
    ],
)
def test_what_a_person_must_do(text: str, steps: Steps, to: Any) -> None:
    with pytest.raises(NotEditable):
        set_value(text, 0, steps, to)


def test_the_only_property_leaves_an_empty_object() -> None:
    text = "a:  # why\n  only: 1\nb: 2\n"
    assert set_value(text, 0, ("a", "only"), None) == "a: {}  # why\nb: 2\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("l:\n  - a: 1\n    b: 2\n  - c: 3  # last\nd: 4\n", "l:\n  - c: 3  # last\nd: 4\n"),
        ("l:\n- a: 1\n\n- c: 3\n", "l:\n\n- c: 3\n"),
        ("l: [{a: 1}, {c: 3}]\n", "l: [{c: 3}]\n"),
        ("l: [1, 2] # x\n", "l: [2] # x\n"),
        ("d: 4\nl:\n- a: 1\n", "d: 4\n"),
        ("d: 4\nl: [1]\n", "d: 4\n"),
    ],
)
def test_an_element_of_a_list_is_removed_and_the_only_one_with_its_list(
    text: str, wanted: str
) -> None:
    assert set_value(text, 0, ("l", 0), None) == wanted


def test_the_last_element_of_a_list_is_removed() -> None:
    assert set_value("l:\n- 1\n- 2\nd: 4\n", 0, ("l", 1), None) == "l:\n- 1\nd: 4\n"
    assert set_value("l: [1, 2]\n", 0, ("l", 1), None) == "l: [1]\n"


def test_an_object_is_found_by_type_and_name() -> None:
    text = """\
---
# nothing
---
apiVersion: v1
kind: List
items:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}
- {apiVersion: apps/v1, kind: Deployment}
- {apiVersion: apps/v1, metadata: {name: a, namespace: x}}
- {kind: Deployment, metadata: {name: a, namespace: x}}
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a, namespace: x}}
- {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: x}}
"""
    token = "kubernetes:apps/v1:Deployment"
    assert find_object(text, token, "x/a") == (0, ("items", 6))
    assert find_object(text, "kubernetes:core/v1:Pod", "x/a") == (0, ("items", 5))
    assert find_object(text, token, "default/a") == (0, ("items", 0))
    with pytest.raises(NotEditable):
        find_object(text, token, "default/b")


plain = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab: #-{}'\"\n", max_size=4)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from("abcd"), values, min_size=1),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=3),
    st.integers(0, 9) | st.booleans() | st.just("off"),
    st.sampled_from([True, False, None]),
)
def test_the_text_says_what_the_value_would_be(
    value: dict[str, Any], path: list[str], to: Any, flow: bool | None
) -> None:
    """Whatever the style: the edited text reads as the value changed directly."""
    text = yaml.safe_dump(value, default_flow_style=flow)
    steps = tuple(path)
    try:
        edited = set_value(text, 0, steps, to)
    except NotEditable:
        return
    assert yaml.safe_load(edited) == changed(value, steps, to)
