"""`zerofloor live` and `zerofloor reap` on moto's account."""

from __future__ import annotations

import datetime
import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from moto import mock_aws

from tests.cli.command import Done, zerofloor
from tests.live.aws_account import (
    NOW,
    REGION,
    client,
    export,
    gpu_use,
    instances_of,
    make_group,
    run_instance,
    size_of,
    state_of,
)

GROUP = "aws:autoscaling/group:Group"
INSTANCE = "aws:ec2/instance:Instance"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
DOCS = Path(__file__).parents[2] / "docs" / "live.md"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that is made, as an IAM action."""
    made: list[str] = []
    original = botocore.client.BaseClient._make_api_call

    def recorded(self: Any, operation: str, given: Any) -> Any:
        service = self.meta.service_model.signing_name
        service = {"monitoring": "cloudwatch"}.get(service, service)
        made.append(f"{service}:{operation}")
        return original(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    return made


def live(*states: str, **options: Any) -> tuple[Done, dict[str, dict[str, Any]]]:
    done = zerofloor("live", *states, "--format", "json", "--now", NOW.isoformat(), cwd=Path.cwd())
    found = json.loads(done.out)["found"] if done.out else []
    return done, {one["id"]: one for one in found}


def reap(*arguments: str, cwd: Path) -> Done:
    return zerofloor("reap", *arguments, "--now", NOW.isoformat(), cwd=cwd)


def test_what_no_stack_declares_is_orphaned(tmp_path: Path) -> None:
    idle, busy, unknown = (run_instance() for _ in range(3))
    gpu_use(idle, 0, 0)
    gpu_use(busy, 0, 70)
    run_instance("m5.large")
    done, found = live(export(tmp_path))
    assert done.code == 1
    assert {one: (found[one]["state"], found[one]["use"]) for one in found} == {
        idle: ("orphaned", "idle"),
        busy: ("orphaned", "busy"),
        unknown: ("orphaned", "unknown"),
    }
    # g5.xlarge in us-east-1: 1.006 an hour × 730.
    assert found[idle]["monthly"] == {"amount": "734.38", "currency": "USD"}


def test_a_metric_that_has_stopped_shows_use_but_not_idleness(tmp_path: Path) -> None:
    """Its agent wrote for the last time ten hours ago."""
    silent, busy = run_instance(), run_instance()
    for instance, value in ((silent, 0.0), (busy, 40.0)):
        client("cloudwatch").put_metric_data(
            Namespace="CWAgent",
            MetricData=[
                {
                    "MetricName": "nvidia_smi_utilization_gpu",
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                    "Timestamp": NOW - datetime.timedelta(hours=10),
                    "Value": value,
                }
            ],
        )
    _, found = live(export(tmp_path))
    assert (found[silent]["use"], found[busy]["use"]) == ("unknown", "busy")


def test_a_region_that_is_named_twice_counts_once(tmp_path: Path) -> None:
    run_instance()
    twice = ("--region", REGION, "--region", REGION)
    _, found = live(export(tmp_path), *twice)
    done = zerofloor("live", export(tmp_path), *twice, cwd=tmp_path)
    assert len(found) == 1
    assert done.out.startswith("1 GPU in account")


def test_what_a_stack_declares_is_its_own(tmp_path: Path) -> None:
    instance = run_instance()
    make_group("zero", 1, 2)
    client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="zero", MinSize=0)
    make_group("floor", 1, 2)
    make_group("raised", 1, 2)
    for one in instances_of("zero"):
        gpu_use(one, 0)
    state = export(
        tmp_path,
        {"type": INSTANCE, "inputs": {}, "outputs": {"id": instance}},
        {"type": GROUP, "inputs": {"minSize": 0, "maxSize": 2}, "outputs": {"name": "zero"}},
        {"type": GROUP, "inputs": {"minSize": 1, "maxSize": 2}, "outputs": {"name": "floor"}},
        {"type": GROUP, "inputs": {"minSize": 0, "maxSize": 2}, "outputs": {"name": "raised"}},
    )
    done, found = live(state)
    assert done.code == 1
    assert {name: one["state"] for name, one in found.items()} == {
        instance: "held as declared",
        "zero": "idle though allowed",
        "floor": "held as declared",
        "raised": "drifted",
    }
    assert found["raised"]["stack"] == "shop/dev"
    # A g5.12xlarge has four A10G.
    assert found["zero"]["gpus"] == 4


def test_a_karpenter_node_is_the_clusters(tmp_path: Path) -> None:
    node = run_instance(**{"karpenter.sh/nodepool": "gpu"})
    _, found = live(export(tmp_path))
    assert found[node]["state"] == "managed by a cluster"


def test_a_node_group_stands_for_its_machines(tmp_path: Path) -> None:
    eks = client("eks")
    subnets = [one["SubnetId"] for one in client("ec2").describe_subnets()["Subnets"][:2]]
    eks.create_cluster(
        name="main",
        roleArn="arn:aws:iam::123456789012:role/x",
        resourcesVpcConfig={"subnetIds": subnets},
    )
    made = eks.create_nodegroup(
        clusterName="main",
        nodegroupName="gpu",
        subnets=subnets,
        nodeRole="arn:aws:iam::123456789012:role/x",
        instanceTypes=["g5.xlarge"],
        scalingConfig={"minSize": 0, "maxSize": 3, "desiredSize": 1},
    )["nodegroup"]
    behind = made["resources"]["autoScalingGroups"][0]["name"]
    run_instance(**{"aws:autoscaling:groupName": behind})
    inputs = {"scalingConfig": {"minSize": 0, "maxSize": 3}}
    outputs = {"clusterName": "main", "nodeGroupName": "gpu"}
    state = export(
        tmp_path, {"type": "aws:eks/nodeGroup:NodeGroup", "inputs": inputs, "outputs": outputs}
    )
    _, found = live(state)
    assert list(found) == ["main/gpu"]
    assert found["main/gpu"]["state"] == "running"


def make_endpoint(name: str) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model(
        ModelName=f"m-{name}",
        PrimaryContainer={"Image": "x"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/x",
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"c-{name}",
        ProductionVariants=[
            {
                "VariantName": "all",
                "ModelName": f"m-{name}",
                "InstanceType": "ml.g4dn.xlarge",
                "InitialInstanceCount": 2,
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"c-{name}")


def test_an_endpoint_is_its_stacks_or_nobodys(tmp_path: Path) -> None:
    make_endpoint("e")
    _, found = live(export(tmp_path, {"type": ENDPOINT, "inputs": {"name": "e"}}))
    assert found["e"]["state"] == "held as declared"
    _, found = live(export(tmp_path))
    assert (found["e"]["state"], found["e"]["gpus"]) == ("orphaned", 2)


def measure(namespace: str, metric: str, hours: int, values: list[float], **of: str) -> None:
    """Puts these values to a metric, so many hours before NOW."""
    for value in values:
        client("cloudwatch").put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": key, "Value": name} for key, name in of.items()],
                    "Timestamp": NOW - datetime.timedelta(hours=hours),
                    "Value": value,
                }
            ],
        )


def test_use_is_told_by_calls_and_by_the_load_of_a_gpu(tmp_path: Path) -> None:
    """No metric, one with a value, one at zero, and one without a point in the last hours: no call
    writes no point, and a silent agent measures nothing."""
    series: dict[str, tuple[int, list[float]]] = {
        "none": (1, []),
        "busy": (1, [0.0, 80.0, 3.0]),
        "idle": (1, [0.0]),
        "old": (500, [9.0]),
    }
    instances = {}
    for name, (hours, values) in series.items():
        make_endpoint(name)
        measure("AWS/SageMaker", "Invocations", hours, values, EndpointName=name)
        instances[name] = run_instance()
        load = "nvidia_smi_utilization_gpu"
        measure("CWAgent", load, hours, values, InstanceId=instances[name])
    instances["one of two"] = run_instance("g5.12xlarge")
    for index, value in (("0", 80.0), ("1", 0.0)):
        of = {"InstanceId": instances["one of two"], "index": index}
        measure("CWAgent", "nvidia_smi_utilization_gpu", 1, [value], **of)
    _, found = live(export(tmp_path))
    assert {name: found[name]["use"] for name in series} == {
        "none": "unknown", "busy": "busy", "idle": "idle", "old": "idle",
    }  # fmt: skip
    assert {name: found[instance]["use"] for name, instance in instances.items()} == {
        "none": "unknown", "busy": "busy", "idle": "idle", "old": "unknown", "one of two": "busy",
    }  # fmt: skip


def test_what_cannot_be_read_is_named_and_the_rest_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    instance = run_instance()
    original = botocore.client.BaseClient._make_api_call

    def refusing(self: Any, operation: str, given: Any) -> Any:
        if operation in ("ListClusters", "ListEndpoints"):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return original(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refusing)
    done, found = live(export(tmp_path))
    assert done.code == 2
    assert list(found) == [instance]
    assert "eks:ListClusters in us-east-1: AccessDenied: no" in done.err
    refused = reap(export(tmp_path), "--apply", "0", cwd=tmp_path)
    assert refused.code == 2
    assert "nothing is changed" in refused.err


def allowed(heading: str) -> set[str]:
    """The actions of a policy in the docs."""
    page = DOCS.read_text()
    block = re.search(rf"## {heading}.*?```json\n(.*?)```", page, re.S)
    assert block is not None
    return {
        action for statement in json.loads(block[1])["Statement"] for action in statement["Action"]
    }


def test_live_needs_no_more_than_its_policy(tmp_path: Path, calls: list[str]) -> None:
    gpu_use(run_instance(), 0)
    make_group("g", 1, 1)
    calls.clear()
    live(export(tmp_path))
    assert set(calls) <= allowed("The policy for live")
    assert all(re.search(r":(Describe|List|Get)", call) for call in calls)


def test_told_twice_with_a_notice_and_an_undo(tmp_path: Path, calls: list[str]) -> None:
    instance = run_instance()
    make_group("forgotten", 1, 2)
    (member,) = instances_of("forgotten")
    for one in (instance, member):
        gpu_use(one, 0)
    state = export(tmp_path)
    calls.clear()
    dry = reap(state, cwd=tmp_path)
    assert dry.code == 0
    assert "2 targets" in dry.out
    assert "0 ready" in dry.out
    assert not [call for call in calls if not re.search(r":(Describe|List|Get)", call)]
    early = reap(state, "--apply", "2", cwd=tmp_path)
    assert early.code == 2
    assert "0 can be put to zero now" in early.err
    assert reap(state, "--notice", "--grace-hours", "0", cwd=tmp_path).code == 0
    wrong = reap(state, "--apply", "1", cwd=tmp_path)
    assert "but 2 can be put to zero now" in wrong.err
    assert state_of(instance) == "running"
    done = reap(state, "--apply", "2", "--undo-file", str(tmp_path / "undo.json"), cwd=tmp_path)
    assert done.code == 0, done.err
    assert state_of(instance) == "stopped"
    assert size_of("forgotten") == (0, 0, 2)
    assert zerofloor("reap", "--undo", str(tmp_path / "undo.json"), cwd=tmp_path).code == 0
    assert state_of(instance) == "running"
    assert size_of("forgotten") == (1, 1, 2)
    assert set(calls) <= allowed("The policy for live") | allowed("The policy for reap")


@pytest.fixture
def two_to_stop(tmp_path: Path) -> tuple[str, list[str]]:
    """A state, and two idle instances that no stack declares and that have their notice."""
    instances = sorted(run_instance() for _ in range(2))
    for one in instances:
        gpu_use(one, 0)
    state = export(tmp_path)
    assert reap(state, "--notice", "--grace-hours", "0", cwd=tmp_path).code == 0
    return state, instances


def stages(path: Path) -> list[str]:
    return [one["stage"] for one in json.loads(path.read_text())["undo"]]


def test_the_undo_file_is_there_before_the_change_and_true_after_an_abort(
    tmp_path: Path, two_to_stop: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, instances = two_to_stop
    undo = tmp_path / "zerofloor-undo.json"
    seen: list[list[str]] = []
    original = botocore.client.BaseClient._make_api_call

    def aborted(self: Any, operation: str, given: Any) -> Any:
        if operation == "StopInstances":
            seen.append(stages(undo))
            if len(seen) == 2:
                raise KeyboardInterrupt
        return original(self, operation, given)

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", aborted)
        assert reap(state, "--apply", "2", cwd=tmp_path).code not in (0, 1)
    assert seen == [["planned", "planned"], ["done", "planned"]]
    assert stages(undo) == ["done", "planned"]
    assert [state_of(one) for one in instances] == ["stopped", "running"]
    occupied = reap(state, "--apply", "1", cwd=tmp_path)
    assert occupied.code == 2
    assert "changes that are not undone" in occupied.err
    assert [state_of(one) for one in instances] == ["stopped", "running"]
    assert "Restored 2 of 2" in zerofloor("reap", "--undo", undo, cwd=tmp_path).out
    assert stages(undo) == ["undone", "undone"]
    assert [state_of(one) for one in instances] == ["running", "running"]
    assert reap(state, "--apply", "2", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    "place", ["absent/undo.json", "export.json/undo.json", "full", "/dev/full"]
)
def test_without_an_undo_file_nothing_is_changed(
    tmp_path: Path,
    two_to_stop: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    state, instances = two_to_stop
    if place == "full":

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
    done = reap(state, "--apply", "2", "--undo-file", place, cwd=tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert place in done.err
    assert [state_of(one) for one in instances] == ["running", "running"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.json"]


def test_a_refused_change_is_no_change_to_undo(
    tmp_path: Path, two_to_stop: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    state, instances = two_to_stop
    original = botocore.client.BaseClient._make_api_call

    def refusing(self: Any, operation: str, given: Any) -> Any:
        if operation == "StopInstances" and given["InstanceIds"] == instances[:1]:
            answer = {"Error": {"Code": "Denied", "Message": "no"}}
            answer["ResponseMetadata"] = {"HTTPStatusCode": "403"}
            raise ClientError(answer, operation)
        return original(self, operation, given)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", refusing)
    done = reap(state, "--apply", "2", cwd=tmp_path)
    assert done.code == 2
    assert f"EC2 instance {instances[0]} in us-east-1: Denied: no" in done.err
    assert "Put 1 to zero" in done.out
    undo = tmp_path / "zerofloor-undo.json"
    assert stages(undo) == ["failed", "done"]
    assert "Restored 1 of 1" in zerofloor("reap", "--undo", undo, cwd=tmp_path).out


def test_what_a_stack_owns_is_left_unless_told(tmp_path: Path) -> None:
    make_group("mine", 1, 2)
    client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="mine", MinSize=0)
    (member,) = instances_of("mine")
    gpu_use(member, 0)
    state = export(
        tmp_path,
        {"type": GROUP, "inputs": {"minSize": 0, "maxSize": 2}, "outputs": {"name": "mine"}},
    )
    left = reap(state, cwd=tmp_path)
    assert "shop/dev declares it: change the program, or add --owned" in left.out
    assert "1 target" in reap(state, "--owned", cwd=tmp_path).out


@pytest.mark.parametrize(
    ("values", "kind"), [((0, 50), "g5.xlarge"), ((), "g5.xlarge")], ids=["busy", "unknown"]
)
def test_what_is_not_shown_to_be_idle_is_left(
    tmp_path: Path, values: tuple[float, ...], kind: str
) -> None:
    instance = run_instance(kind)
    gpu_use(instance, *values)
    done = reap(export(tmp_path), cwd=tmp_path)
    assert "0 targets" in done.out
    assert f"Left: EC2 instance {instance}" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("live", "absent.json"), "can't be read"),
        (("live", "pod.yaml"), "pod.yaml: not a state: give `pulumi stack export`"),
        (("live", "export.json", "--now", "yesterday"), "not a time"),
        (("reap",), "name the states"),
        (("reap", "--undo", "export.json"), "not an undo file"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    export(tmp_path)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    tmp_path.joinpath("pod.yaml").write_text(pod)
    done = zerofloor(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
