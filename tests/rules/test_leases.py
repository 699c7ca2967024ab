"""Leases as the gate sees them: wherever a platform keeps tags, by the date from outside, at every
way in."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cases import digest_of
from tests.cli.command import ZERO, zerofloor
from tests.documents.terraform_plans import plan
from tests.engine.test_servicer import configure_stack, resource, told, whole
from tests.estates.backends import Backend
from tests.estates.backends import resource as deployed
from zerofloor.engine.servicer import Pack
from zerofloor.leases import moment

END = "2026-11-24"
"""Of every lease here; its last day."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

GROUP: dict[str, Any] = {
    "minSize": 0,
    "maxSize": 1,
    "desiredCapacity": 0,
    "mixedInstancesPolicy": {
        "launchTemplate": {
            "launchTemplateSpecification": {"launchTemplateId": "lt-1"},
            "overrides": [{"instanceType": "g5.xlarge"}],
        }
    },
}
NODES: dict[str, Any] = {
    "clusterName": "c",
    "instanceTypes": ["g5.xlarge"],
    "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 1},
}
GKE: dict[str, Any] = {
    "cluster": "c",
    "autoscaling": {"minNodeCount": 0, "maxNodeCount": 1},
    "nodeConfig": {"machineType": "g2-standard-4"},
}
AKS: dict[str, Any] = {
    "resourceGroupName": "r",
    "resourceName": "c",
    "vmSize": "Standard_NC24ads_A100_v4",
    "enableAutoScaling": True,
    "count": 0,
    "minCount": 0,
    "maxCount": 1,
}
POOL = ("aws:eks/nodeGroup:NodeGroup", "pool", NODES)
"""A pool at zero without a lease."""

CARRIERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "group": (
        "aws:autoscaling/group:Group",
        GROUP | {"tags": [{"key": "zerofloor/expires-at", "value": END}]},
        "tags[0].value",
    ),
    "group's tag": (
        "aws:autoscaling/tag:Tag",
        {
            "autoscalingGroupName": "g",
            "tag": {"key": "zerofloor/expires-at", "value": END, "propagateAtLaunch": False},
        },
        "tag[0].value",
    ),
    "node group": (
        "aws:eks/nodeGroup:NodeGroup",
        NODES | {"tags": {"zerofloor-expires-at": END}},
        "tags.zerofloor-expires-at",
    ),
    "GKE node pool": (
        "gcp:container/nodePool:NodePool",
        GKE | {"nodeConfig": {"machineType": "g2-standard-4", "resourceLabels": {"zerofloor-expires-at": END}}},
        "nodeConfig.resourceLabels.zerofloor-expires-at",
    ),
    "AKS agent pool": (
        "azure-native:containerservice:AgentPool",
        AKS | {"tags": {"zerofloor-expires-at": END}},
        "tags.zerofloor-expires-at",
    ),
    "namespace": (
        "kubernetes:core/v1:Namespace",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "annotations": {"zerofloor/expires-at": END}}},
        "metadata.annotations.zerofloor/expires-at",
    ),
}  # fmt: skip


def digest(*resources: tuple[str, str, dict[str, Any]]) -> str:
    """A preview that declares them."""
    listed = [{"type": type_, "name": name, "props": props} for type_, name, props in resources]
    return digest_of({"resources": listed}).decode()


def leases_in(folder: Path, document: str, today: str, *more: str) -> list[dict[str, Any]]:
    """The findings about leases in one document, by `zerofloor check`; the exit fits them."""
    done = zerofloor(
        "check", "-", "--format", "json", "--today", today, *more, cwd=folder, stdin=document
    )
    findings = json.loads(done.out)["findings"]
    found = [one for one in findings if one["rule"] in ("GPU208", "GPU209")]
    errors = [one for one in findings if one["severity"] == "error"]
    assert done.code == int(bool(errors))
    return found


def told_of(findings: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["rule"], one["severity"]) for one in findings]


@pytest.mark.parametrize("name", CARRIERS)
def test_an_expired_lease_fails_the_gate_and_says_what_where_and_what_to_do(
    name: str, tmp_path: Path
) -> None:
    type_, inputs, path = CARRIERS[name]
    document = digest(POOL, (type_, "trial", inputs))
    [finding] = leases_in(tmp_path, document, "2026-11-25")
    assert told_of([finding]) == [("GPU208", "error")]
    assert finding["message"] == (
        f"The lease of {type_.rpartition(':')[2]} trial expired at 2026-11-25 00:00 UTC "
        f"({path} is {END})."
    )
    assert finding["fix"] == (
        f"Remove the resource from the program, or set a later date in {path}."
    )


@pytest.mark.parametrize(
    ("today", "says"),
    [
        ("2026-11-20", []),
        ("2026-11-21", [("GPU209", "warning")]),
        ("2026-11-24", [("GPU209", "warning")]),
        ("2026-11-25", [("GPU208", "error")]),
        ("2027-11-24", [("GPU208", "error")]),
    ],
)
def test_the_day_decides(today: str, says: list[tuple[str, str]], tmp_path: Path) -> None:
    assert told_of(leases_in(tmp_path, digest(("aws:autoscaling/group:Group", "g", CARRIERS["group"][1])), today)) == says  # fmt: skip


@pytest.mark.parametrize(
    ("value", "last_day"),
    [
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T18:00Z", "2026-11-24"),
        ("2026-11-25T00:00Z", "2026-11-24"),
        ("2026-11-25T01:00+02:00", "2026-11-24"),
        ("2026-11-24T23:30-01:00", "2026-11-25"),
    ],
)
def test_the_last_day_is_the_last_on_a_part_of_which_it_is_in_force(
    value: str, last_day: str, tmp_path: Path
) -> None:
    manifest = annotated(value)
    day = datetime.date.fromisoformat(last_day)
    after = day + datetime.timedelta(days=1)
    assert told_of(leases_in(tmp_path, manifest, day.isoformat())) == [("GPU209", "warning")]
    assert told_of(leases_in(tmp_path, manifest, after.isoformat())) == [("GPU208", "error")]


def annotated(value: Any, key: str = "zerofloor/expires-at") -> str:
    """A Deployment at zero with a lease."""
    manifest = yaml.safe_load(ZERO)
    manifest["metadata"]["annotations"] = {key: value}
    return json.dumps(manifest)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("next friday", "it must be a date or a time with its zone"),
        ("2026-02-30", "it must be a date or a time with its zone"),
        ("2026-12-31T18:00", "it must be a date or a time with its zone"),
        ("9999-12-31", "it must be a date or a time with its zone"),
        ("", "it must be a date or a time with its zone"),
        (20261231, "it must be a date or a time with its zone"),
        (["2026-12-31"], "it must be a date or a time with its zone"),
    ],
)
def test_a_lease_that_cannot_be_read_fails(value: Any, why: str, tmp_path: Path) -> None:
    [finding] = leases_in(tmp_path, annotated(value), "2026-01-01")
    assert told_of([finding]) == [("GPU208", "error")]
    assert f"can't be read because {why}" in finding["message"]
    assert finding["fix"].startswith("Set metadata.annotations.zerofloor/expires-at to a date")


@pytest.mark.parametrize("value", [UNKNOWN, "[secret]"])
def test_a_hidden_lease_fails(value: str, tmp_path: Path) -> None:
    inputs = NODES | {"tags": {"zerofloor-expires-at": value}}
    document = digest(("aws:eks/nodeGroup:NodeGroup", "g", inputs))
    [finding] = leases_in(tmp_path, document, "2026-01-01")
    assert told_of([finding]) == [("GPU208", "error")]
    assert "because its value is " in finding["message"]
    (tmp_path / "zerofloor.yaml").write_text("undecided: warning\n")
    assert told_of(leases_in(tmp_path, document, "2026-01-01")) == [("GPU208", "warning")]


def test_a_misspelt_key_is_no_lease_that_nobody_sees(tmp_path: Path) -> None:
    [finding] = leases_in(tmp_path, annotated(END, "zerofloor/expires_at"), "2026-01-01")
    assert told_of([finding]) == [("GPU208", "error")]
    assert finding["fix"] == "Rename zerofloor/expires_at to zerofloor/expires-at."
    assert leases_in(tmp_path, annotated("w-1", "zerofloor-waive"), "2026-01-01") == []


def test_other_dates_and_hidden_tags_are_none(tmp_path: Path) -> None:
    assert leases_in(tmp_path, annotated(END, "acme.com/expires-at"), "2027-01-01") == []
    hidden = digest(("aws:eks/nodeGroup:NodeGroup", "g", NODES | {"tags": UNKNOWN}))
    assert leases_in(tmp_path, hidden, "2027-01-01") == []


def test_a_stack_without_a_gpu_gets_no_word(tmp_path: Path) -> None:
    bucket = ("aws:s3/bucket:Bucket", "b", {"tags": {"zerofloor/expires-at": END}})
    assert leases_in(tmp_path, digest(bucket), "2027-01-01") == []


def test_tags_on_everything_are_reported_where_the_gpus_are(tmp_path: Path) -> None:
    tags = {"tags": {"zerofloor/expires-at": END}}
    bucket, topic = ("aws:s3/bucket:Bucket", tags), ("aws:sns/topic:Topic", tags)
    node_group = ("aws:eks/nodeGroup:NodeGroup", "gpus", NODES | tags)
    everything = [(bucket[0], "a", bucket[1]), (topic[0], "t", topic[1])]
    [finding] = leases_in(tmp_path, digest(node_group, *everything), "2027-01-01")
    assert finding["urn"].endswith("::gpus")
    assert "; 2 other resources with the same)" in finding["message"]
    # Without a lease on the GPUs themselves the first one stands for all.
    [finding] = leases_in(tmp_path, digest(POOL, *everything), "2027-01-01")
    assert "; 1 other resource with the same)" in finding["message"]


def test_a_terraform_plan(tmp_path: Path) -> None:
    written: dict[str, dict[str, Any]] = {
        "aws_autoscaling_group.trial": {
            "min_size": 0,
            "max_size": 1,
            "desired_capacity": 0,
            "mixed_instances_policy": [
                {"launch_template": [{"override": [{"instance_type": "g5.xlarge"}]}]}
            ],
            "tag": [
                {"key": "zerofloor/expires-at", "value": END, "propagate_at_launch": False},
            ],
        },
        "aws_eks_node_group.trial": {
            "cluster_name": "c",
            "instance_types": ["g5.xlarge"],
            "scaling_config": [{"min_size": 0, "desired_size": 0, "max_size": 1}],
            "tags": {"zerofloor/expires-at": END},
        },
    }
    found = leases_in(tmp_path, plan(written).decode(), "2027-01-01")
    assert told_of(found) == [("GPU208", "error")] * 2


def test_an_audit_sees_it_by_its_date(tmp_path: Path) -> None:
    backend = Backend(tmp_path / "backend")
    inputs = NODES | {"tags": {"zerofloor/expires-at": END}}
    backend.add("shop", "dev", deployed("aws:eks/nodeGroup:NodeGroup", "trial", inputs))
    for today, code in (("2026-11-24", 0), ("2026-11-25", 1)):
        done = zerofloor("audit", backend.url, "--today", today, cwd=tmp_path)
        assert done.code == code, done.out + done.err
        assert ("GPU208" in done.out) == bool(code)


def test_the_pack_blocks_on_its_day(tmp_path: Path) -> None:
    trial = resource(
        "kubernetes:keda.sh/v1alpha1:ScaledObject",
        "trial",
        {"metadata": {"name": "trial", "annotations": {"zerofloor/expires-at": END}}},
    )
    group = resource(*POOL)
    for day, says in ((24, ("ADVISORY", "GPU209", "trial")), (25, ("MANDATORY", "GPU208", "trial"))):  # fmt: skip
        pack = Pack(tmp_path, datetime.date(2026, 11, day))
        configure_stack(pack)
        for request in (trial, group):
            pack.Analyze(request, None)
        assert says in told(pack.AnalyzeStack(whole(trial, group), None))


def test_the_page_shows_what_the_command_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/tutorials/experiment-with-a-lease.md").read_text()
    manifest = page.split("```yaml\n")[1].partition("```")[0]
    command, *lines = page.split("```console\n$ zerofloor ")[-1].partition("```")[0].splitlines()
    (tmp_path / "trial.yaml").write_text(manifest)
    done = zerofloor(*command.split(), cwd=tmp_path)
    said = " ".join(done.out.split())
    assert done.code == 1
    assert [line for line in lines if line not in said] == []


def test_a_moment_is_a_day_or_a_time_with_a_zone() -> None:
    assert moment("2026-12-31") == datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
    assert moment("2026-12-31T18:00+01:00").isoformat() == "2026-12-31T17:00:00+00:00"
    for wrong in ("0001-01-01T00:00+23:00", "2026-1-1", "1", "20261231"):
        with pytest.raises(ValueError, match="must be a date"):
            moment(wrong)
