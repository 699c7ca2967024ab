"""What the real engine wrote, read back: tests/data/engine, made by program.py there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cases import DATA
from zerofloor.documents import read_file
from zerofloor.errors import InputError
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

ENGINE = DATA / "engine"
PREFIX = "urn:pulumi:dev::demo::"
GROUP = f"{PREFIX}aws:eks/nodeGroup:NodeGroup::"

# By hand from program.py: the stack, one explicit provider, a VPC, three node groups, a launch
# template, a group, a node pool,
# the component and its three children, an instance.
EVERYTHING = {
    "pulumi:pulumi:Stack::demo-dev",
    "pulumi:providers:aws::europe",
    "aws:ec2/vpc:Vpc::vpc",
    "aws:eks/nodeGroup:NodeGroup::floor-group",
    "aws:eks/nodeGroup:NodeGroup::unknown-type",
    "aws:eks/nodeGroup:NodeGroup::secret-type",
    "aws:ec2/launchTemplate:LaunchTemplate::template",
    "aws:autoscaling/group:Group::group",
    "kubernetes:karpenter.sh/v1:NodePool::pool",
    "demo:serving:Server::vllm",
    "demo:serving:Server$kubernetes:core/v1:Secret::vllm",
    "demo:serving:Server$kubernetes:apps/v1:Deployment::vllm",
    "demo:serving:Server$kubernetes:keda.sh/v1alpha1:ScaledObject::vllm-scaler",
    "aws:ec2/instance:Instance::extra",
}


def stack(file: str, **options: Stack) -> Stack:
    return read_file(ENGINE / file, baseline=options.get("baseline"))


def by_urn(stack: Stack) -> dict[str, Resource]:
    return {r.urn: r for r in stack.resources}


def essence(stack: Stack) -> list[tuple[object, ...]]:
    """What a document of any kind must tell alike."""
    return [
        (r.urn, r.type, r.name, r.parent, r.op, r.provider, r.inputs, r.custom)
        for r in stack.resources
    ]


@pytest.mark.parametrize(
    "file", ["create.digest.json", "create.events.jsonl", "create-policy.events.jsonl"]
)
def test_a_first_preview_holds_every_resource_sorted(file: str) -> None:
    found = stack(file)
    assert [r.urn for r in found.resources] == sorted(PREFIX + urn for urn in EVERYTHING)
    assert {r.op for r in found.resources} == {"create"}
    assert (found.project, found.name) == ("demo", "dev")
    assert found.config == {"demo:extra": "true", "demo:floor": "0"}
    assert found.document == str(ENGINE / file)


def test_what_a_digest_says_of_a_resource() -> None:
    group = by_urn(stack("create.digest.json"))[GROUP + "floor-group"]
    assert group == Resource(
        urn=GROUP + "floor-group",
        type="aws:eks/nodeGroup:NodeGroup",
        name="floor-group",
        inputs={
            "capacityType": "ON_DEMAND",
            "clusterName": "serving",
            "instanceTypes": ["g6e.xlarge"],
            "nodeRoleArn": "arn:aws:iam::123456789012:role/node",
            "scalingConfig": {"desiredSize": 1, "maxSize": 4, "minSize": 0},
            "subnetIds": ["subnet-1"],
        },
        parent=PREFIX + "pulumi:pulumi:Stack::demo-dev",
        op="create",
        provider=PREFIX
        + "pulumi:providers:aws::default_7_51_1::04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        property_dependencies={
            "capacityType": (),
            "clusterName": (),
            "instanceTypes": (),
            "nodeRoleArn": (),
            "scalingConfig": (),
            "subnetIds": (),
        },
        ignore_changes=("scalingConfig.desiredSize",),
        source_position="__main__.py:15",
    )


def test_links_components_and_parents() -> None:
    found = by_urn(stack("create.digest.json"))
    links = found[PREFIX + "aws:autoscaling/group:Group::group"].property_dependencies
    assert links is not None
    assert links["launchTemplate"] == (PREFIX + "aws:ec2/launchTemplate:LaunchTemplate::template",)
    assert links["maxSize"] == ()
    assert not found[PREFIX + "demo:serving:Server::vllm"].custom
    assert (
        found[PREFIX + "demo:serving:Server$kubernetes:apps/v1:Deployment::vllm"].parent
        == PREFIX + "demo:serving:Server::vllm"
    )


def test_an_event_log_has_no_links_and_says_so() -> None:
    assert {r.property_dependencies for r in stack("create.events.jsonl").resources} == {None}


@pytest.mark.parametrize("file", ["create.digest.json", "create.events.jsonl"])
def test_unknown_and_secret_inputs(file: str) -> None:
    found = by_urn(stack(file))
    assert found[GROUP + "unknown-type"].inputs["instanceTypes"] == [UNKNOWN]
    assert found[GROUP + "secret-type"].inputs["instanceTypes"] == [SECRET]
    assert found[PREFIX + "aws:autoscaling/group:Group::group"].inputs["launchTemplate"] == {
        "id": UNKNOWN,
        "version": "$Latest",
    }
    assert (
        found[PREFIX + "demo:serving:Server$kubernetes:core/v1:Secret::vllm"].inputs["stringData"]
        is SECRET
    )


@pytest.mark.parametrize("step", ["create", "raise-floor", "replace", "delete", "same"])
def test_digest_and_event_log_of_one_preview_tell_the_same(step: str) -> None:
    digest = stack("create.digest.json" if step == "create" else f"{step}-show-sames.digest.json")
    assert essence(digest) == essence(stack(f"{step}.events.jsonl"))


def test_a_raised_floor_is_an_update_with_the_new_inputs() -> None:
    group = by_urn(stack("raise-floor-show-sames.digest.json"))[GROUP + "floor-group"]
    assert group.op == "update"
    # The program says 2 desired, and that changes of it are ignored: the engine keeps the deployed
    # 1.
    assert group.inputs["scalingConfig"] == {"desiredSize": 1, "maxSize": 4, "minSize": 2}


@pytest.mark.parametrize("file", ["replace.events.jsonl", "replace-show-sames.digest.json"])
def test_a_replacement_is_one_resource_with_the_new_inputs(file: str) -> None:
    found = stack(file)
    group = by_urn(found)[GROUP + "floor-group"]
    assert len(found.resources) == len(EVERYTHING)
    assert (group.op, group.replaced_before_delete, group.inputs["instanceTypes"]) == (
        "replace",
        True,
        ["p5.48xlarge"],
    )


def test_the_order_of_a_replacement_is_an_assumption_only_where_the_document_hides_it() -> None:
    assert stack("replace.events.jsonl").notes == ()
    (note,) = stack("replace-show-sames.digest.json").notes
    assert note.startswith(GROUP + "floor-group")


@pytest.mark.parametrize("file", ["delete.events.jsonl", "delete-show-sames.digest.json"])
def test_a_deleted_resource_leaves(file: str) -> None:
    urns = {r.urn.removeprefix(PREFIX) for r in stack(file).resources}
    assert urns == EVERYTHING - {"aws:ec2/instance:Instance::extra"}


def test_what_is_deployed() -> None:
    found = by_urn(stack("deployed.export.json"))
    assert {urn.removeprefix(PREFIX) for urn in found} == EVERYTHING | {
        "pulumi:providers:aws::default_7_51_1",
        "pulumi:providers:kubernetes::default_4_34_2",
    }
    assert {r.op for r in found.values()} == {"same"}
    assert found[GROUP + "secret-type"].inputs["instanceTypes"] == [SECRET]
    assert found[GROUP + "unknown-type"].inputs["instanceTypes"] == ["arn:aws:echo:::vpc"]
    assert found[GROUP + "floor-group"].ignore_changes == ("scalingConfig.desiredSize",)


@pytest.mark.parametrize(
    ("step", "left_out"), [("raise-floor", 10), ("replace", 12), ("delete", 12), ("same", 13)]
)
def test_a_default_digest_is_partial(step: str, left_out: int) -> None:
    with pytest.raises(
        InputError,
        match=(
            rf"partial: it counts {left_out} more resources than it shows \(same: "
            rf"{left_out}\): run it with --show-sames"
        ),
    ):
        stack(f"{step}.digest.json")


@pytest.mark.parametrize("step", ["raise-floor", "replace", "delete", "same"])
def test_a_default_digest_is_filled_from_what_was_deployed(step: str) -> None:
    filled = stack(f"{step}.digest.json", baseline=stack("deployed.export.json"))
    whole = stack(f"{step}-show-sames.digest.json")

    def without_ids(stack: Stack) -> list[tuple[object, ...]]:
        # Deployed, an unknown has become a value; the rest is the same.
        return [
            (r.urn, r.op, r.parent, r.property_dependencies, r.ignore_changes, sorted(r.inputs))
            for r in stack.resources
        ]

    assert without_ids(filled) == without_ids(whole)
    assert any("were taken from" in note for note in filled.notes)


def test_a_baseline_of_another_stack_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(
        (ENGINE / "deployed.export.json")
        .read_bytes()
        .replace(b"urn:pulumi:dev::", b"urn:pulumi:prod::")
    )
    with pytest.raises(InputError, match="another stack"):
        stack("raise-floor.digest.json", baseline=read_file(other))


def test_a_baseline_that_lacks_a_resource_does_not_fill_the_gap() -> None:
    export = read_file(ENGINE / "deployed.export.json")
    without = tuple(r for r in export.resources if r.name != "unknown-type")
    poorer = Stack(
        kind="export", resources=without, project="demo", name="dev", document="poorer.json"
    )
    with pytest.raises(InputError, match=r"poorer\.json does not fill the gap"):
        stack("raise-floor.digest.json", baseline=poorer)


def every_document() -> list[Path]:
    return sorted([*ENGINE.glob("*.json"), *ENGINE.glob("*.jsonl")])


@pytest.mark.parametrize("path", every_document(), ids=lambda path: path.name)
def test_no_secret_gets_past_the_reader(path: Path) -> None:
    assert b"hf_planted_secret" not in path.read_bytes(), (
        "the fixture is clean; the plant below is the test"
    )
    plant: list[Callable[[bytes], bytes]] = [
        lambda data: data.replace(b'"ciphertext": "[secret]"', b'"plaintext": "hf_planted_secret"'),
        lambda data: data.replace(b'"ciphertext":"[secret]"', b'"plaintext":"hf_planted_secret"'),
        lambda data: data.replace(b'"ciphertext": "v1:', b'"plaintext": "hf_planted_secret'),
        lambda data: data.replace(
            b'"stringData": "[secret]"', b'"stringData": {"token": "hf_planted_secret"}'
        ),
    ]
    data = path.read_bytes()
    for sow in plant:
        data = sow(data)
    planted = (
        path.name.startswith(
            ("same.digest", "raise-floor.digest", "replace.digest", "delete.digest")
        )
        or b"hf_planted" in data
    )
    assert planted
    from zerofloor.documents import read

    baseline = (
        stack("deployed.export.json")
        if path.name.count(".digest") and "show" not in path.name and "create" not in path.name
        else None
    )
    assert "hf_planted_secret" not in repr(read("planted", data, baseline=baseline))
