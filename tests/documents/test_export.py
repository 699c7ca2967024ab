"""Stack exports and checkpoints beyond those that the engine wrote for tests/data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hiding import floor_of
from zerofloor.documents import read
from zerofloor.errors import InputError

URN = "urn:pulumi:dev::app::aws:ec2/instance:Instance::box"
OTHER = "urn:pulumi:dev::app::aws:ec2/instance:Instance::other"


def state(urn: str = URN, **more: Any) -> dict[str, Any]:
    return {
        "urn": urn,
        "custom": True,
        "id": "i-1",
        "type": "aws:ec2/instance:Instance",
        "inputs": {"instanceType": "g5.xlarge"},
        **more,
    }


def export(*resources: dict[str, Any], version: int = 3, **more: Any) -> bytes:
    return json.dumps(
        {"version": version, "deployment": {"resources": list(resources), **more}}
    ).encode()


def test_a_checkpoint_wraps_the_same_deployment() -> None:
    checkpoint = {
        "version": 3,
        "checkpoint": {"stack": "organization/app/dev", "latest": {"resources": [state()]}},
    }
    (box,) = read("dev.json", json.dumps(checkpoint).encode()).resources
    assert (box.urn, box.op, box.inputs) == (URN, "same", {"instanceType": "g5.xlarge"})


def test_what_is_external_was_read() -> None:
    (box,) = read("e.json", export(state(external=True))).resources
    assert box.op == "read"


def test_what_is_about_to_go_is_left_out_and_noted() -> None:
    found = read(
        "e.json", export(state(), state(delete=True), state(OTHER, pendingReplacement=True))
    )
    assert [r.urn for r in found.resources] == [URN]
    assert len(found.notes) == 2
    assert found.notes[0].startswith(f"{URN} is about to be deleted")
    assert found.notes[1].startswith(f"{OTHER} is deleted and not yet created again")


def test_an_interrupted_operation_is_noted_without_its_inputs() -> None:
    pending = [
        {"type": "creating", "resource": state(OTHER, inputs={"password": "hf_planted_secret"})},
        {"type": "updating"},
    ]
    found = read("e.json", export(state(), pending_operations=pending))
    assert found.notes[0].startswith(f"creating {OTHER} was under way")
    assert "hf_planted_secret" not in repr(found)


def test_links_exist_from_version_3_on() -> None:
    (box,) = read("e.json", export(state(propertyDependencies={"a": [OTHER, URN]}))).resources
    assert box.property_dependencies == {"a": (URN, OTHER)}
    (box,) = read("e.json", export(state(), version=2)).resources
    assert box.property_dependencies is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (export(state(), state()), f"{URN} is there twice"),
        (export(version=5), "version 5: versions 1 to 4 are known"),
        (
            b'{"version": 3, "deployment": null, "checkpoint": {"latest": null}}',
            "nothing has been deployed",
        ),
        (
            b'{"version": 3, "deployment": {"resources": [{"urn": 5}]}}',
            r"Expected `str`, got `int` - at `\$\.deployment\.resources\[0\]\.urn`",
        ),
        (export(state("not a urn")), "is not a URN"),
    ],
)
def test_a_broken_export_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read("e.json", data)


def test_a_baseline_makes_no_sense_for_what_is_whole() -> None:
    baseline = read("e.json", export(state()))
    with pytest.raises(InputError, match="takes no --baseline"):
        read("e.json", export(state()), baseline=baseline)
    with pytest.raises(InputError, match="take no --baseline"):
        read("m.yaml", b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", baseline=baseline)


def test_what_was_being_created_when_an_update_stopped_is_left_over() -> None:
    urn = "urn:pulumi:dev::app::aws:ec2/instance:Instance::gpu"
    begun = state(urn, inputs={"instanceType": "p4d.24xlarge"})
    pending = {"pending_operations": [{"type": "creating", "resource": begun}]}
    text = json.dumps({"version": 3, "deployment": pending})
    stack = read("state.json", text.encode())
    assert [(r.urn, r.op) for r in stack.leftovers] == [(urn, "create")]
    assert floor_of(stack).verdict == "undecided"
