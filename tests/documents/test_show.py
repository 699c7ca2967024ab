"""`zerofloor.show`: a stack as plain data."""

from __future__ import annotations

import json

import pytest

from tests.cases import DATA, cases, stack_of
from zerofloor.documents import read_file
from zerofloor.reports.show import plain, shown
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

URN = "urn:pulumi:dev::app::aws:ec2/instance:Instance::box"


def test_one_resource_in_full() -> None:
    resource = Resource(
        urn=URN,
        type="aws:ec2/instance:Instance",
        name="box",
        inputs={"b": [UNKNOWN, {"d": SECRET, "c": 1.0}], "a": "x"},
        parent="urn:p",
        op="update",
        provider="urn:q::id",
        property_dependencies={"b": ("urn:r",), "a": ()},
        ignore_changes=("a",),
        source_position="__main__.py:22",
    )
    stack = Stack(
        kind="program",
        resources=(resource,),
        project="app",
        name="dev",
        previewed_by="in-process",
        notes=("n",),
    )
    assert json.dumps(shown(stack)) == json.dumps(
        {
            "kind": "program",
            "project": "app",
            "stack": "dev",
            "previewed_by": "in-process",
            "document": "",
            "config": None,
            "notes": ["n"],
            "resources": [
                {
                    "urn": URN,
                    "type": "aws:ec2/instance:Instance",
                    "name": "box",
                    "parent": "urn:p",
                    "op": "update",
                    "provider": "urn:q::id",
                    "propertyDependencies": {"a": [], "b": ["urn:r"]},
                    "ignoreChanges": ["a"],
                    "sourcePosition": "__main__.py:22",
                    "inputs": {
                        "a": "x",
                        "b": [{"$unknown": True}, {"c": 1, "d": {"$secret": True}}],
                    },
                }
            ],
        }
    )


def test_whole_numbers_are_integers() -> None:
    assert [repr(plain(value)) for value in (1.0, 2.5, 10**20, True)] == [
        "1",
        "2.5",
        "100000000000000000000",
        "True",
    ]


@pytest.mark.parametrize(
    "path", sorted((DATA / "engine").glob("*show-sames.digest.json")), ids=lambda path: path.name
)
def test_digest_and_event_log_show_the_same_inputs(path: object) -> None:
    digest = DATA / "engine" / str(path).rpartition("/")[2]
    log = digest.with_name(digest.name.replace("-show-sames.digest.json", ".events.jsonl"))
    a, b = (shown(read_file(file))["resources"] for file in (digest, log))
    assert [json.dumps(r["inputs"]) for r in a] == [json.dumps(r["inputs"]) for r in b]


def test_every_case_is_read_and_shown() -> None:
    for name, case in cases().items():
        stack = stack_of(case)
        leaving = sum(r.get("op") == "delete" for r in case["resources"])
        assert len(stack.resources) == len(case["resources"]) + 1 - leaving, name
        assert json.loads(json.dumps(shown(stack), allow_nan=False))["resources"]
