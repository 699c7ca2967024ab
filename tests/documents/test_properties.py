"""Property values as the engine serialises them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zerofloor.documents.properties import DEEPEST, LAST_APPLIED, inputs_of, value_of
from zerofloor.stack import SECRET, UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_MARK = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
BOOLEAN = "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (STRING, UNKNOWN),
        (BOOLEAN, UNKNOWN),
        (f"subnet-{STRING}", UNKNOWN),
        (f"{BOOLEAN} or not", UNKNOWN),
        ("04da6b54", "04da6b54"),
        ("[secret]", SECRET),
        ("a [secret] agent", "a [secret] agent"),
        (["[secret]", STRING, "c"], [SECRET, UNKNOWN, "c"]),
        (1.0, 1),
        (2.5, 2.5),
        (-0.0, 0),
        (10**30, 10**30),
        (True, True),
        ({"a": None, "b": 1}, {"b": 1}),
        ([None, 1], [None, 1]),
        (
            {"__defaults": ["x"], "a": {"__defaults": [], "b": [{"__defaults": [], "c": 1.0}]}},
            {"a": {"b": [{"c": 1}]}},
        ),
        ({"__provider": "code", "__internal": {}, "__other": 1}, {"__other": 1}),
        ({SIGNATURE: SECRET_MARK, "ciphertext": "v1:abc"}, SECRET),
        ({SIGNATURE: SECRET_MARK, "plaintext": '"hf_planted_secret"'}, SECRET),
        ({SIGNATURE: OUTPUT_MARK}, UNKNOWN),
        ({SIGNATURE: OUTPUT_MARK, "value": "x", "dependencies": []}, "x"),
        ({SIGNATURE: OUTPUT_MARK, "value": "hf_planted_secret", "secret": True}, SECRET),
        ({SIGNATURE: OUTPUT_MARK, "value": {"a": STRING}}, {"a": UNKNOWN}),
        (
            {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "ab", "text": "kind: Pod"},
            {"text": "kind: Pod"},
        ),
        (
            {
                SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7",
                "hash": "ab",
                "assets": {"a": {SIGNATURE: SECRET_MARK}},
            },
            {"assets": {"a": SECRET}},
        ),
        (
            {
                SIGNATURE: "5cf8f73096256a8f31e491e813e4eb8e",
                "urn": "urn:pulumi:a::b::c::d",
                "id": STRING,
            },
            {"urn": "urn:pulumi:a::b::c::d", "id": UNKNOWN},
        ),
        ({SIGNATURE: "803fd3297a5875dc03ca845dda5d2a98", "value": "/w=="}, "/w=="),
        ({SIGNATURE: "a mark of a later engine", "value": 0}, UNKNOWN),
        ({SIGNATURE: 5}, UNKNOWN),
    ],
)
def test_values(raw: Any, value: Any) -> None:
    before = json.dumps(raw)
    found = value_of(raw)
    assert found == value
    assert type(found) is type(value)
    assert json.dumps(raw) == before, "what was read is not changed in place"


def test_what_needs_no_change_is_not_copied() -> None:
    raw = {"a": [1, {"b": "c"}], "d": {"e": 2.5, "f": ["g"]}}
    assert value_of(raw) is raw


def test_nesting_is_bounded() -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = {"a": value}
        return value

    assert value_of(nested(DEEPEST)) == nested(DEEPEST)
    with pytest.raises(RecursionError):
        value_of(nested(DEEPEST + 2))


def test_the_content_of_a_kubernetes_secret_is_secret_unmarked_too() -> None:
    raw = {
        "apiVersion": "v1",
        "kind": "Secret",
        "stringData": {"token": "hf_planted_secret"},
        "data": {"k": "aGZf"},
    }
    assert inputs_of("kubernetes:core/v1:Secret", raw) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "stringData": SECRET,
        "data": SECRET,
    }
    for kind in ("core/v1:SecretPatch", "core/v1:SecretList", "yaml/v2:ConfigGroup"):
        inside = {"items": [raw], "objs": [raw]} if "Patch" not in kind else raw
        assert "hf_planted" not in repr(inputs_of(f"kubernetes:{kind}", inside))
    applied = {"annotations": {LAST_APPLIED: "hf_planted_secret", "keep": "x"}, "name": "s"}
    assert inputs_of("kubernetes:core/v1:Secret", {"metadata": applied})["metadata"] == {
        "annotations": {"keep": "x"},
        "name": "s",
    }
    assert inputs_of("kubernetes:core/v1:ConfigMap", {"data": {"k": "v"}}) == {"data": {"k": "v"}}


def test_absent_inputs_are_none_at_all() -> None:
    assert inputs_of("aws:ec2/vpc:Vpc", None) == {}
