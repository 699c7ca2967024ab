"""The pipeline in one call, and what one resource decides by itself."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from tests.cases import cases, stack_of
from zerofloor import rules
from zerofloor.judge import judge, judge_resource
from zerofloor.prices.book import open_book
from zerofloor.report import Finding
from zerofloor.reports import json_report
from zerofloor.settings import Settings, parse
from zerofloor.stack import Resource, Stack

TODAY = datetime.date(2026, 11, 24)
PREFIX = "urn:pulumi:dev::shop::"
PROVIDER = Resource(
    f"{PREFIX}pulumi:providers:aws::west", "pulumi:providers:aws", "west", {"region": "us-west-2"}
)


def resource(kind: str, inputs: dict[str, Any], **more: Any) -> Resource:
    return Resource(f"{PREFIX}{kind}::it", kind, "it", inputs, **more)


INSTANCE = resource(
    "aws:ec2/instance:Instance",
    {"instanceType": "g6e.xlarge", "ami": "ami-1"},
    provider=f"{PROVIDER.urn}::id",
)
POD_SPEC = {
    "containers": [
        {"name": "c", "image": "pytorch", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    ]
}
LABELS = {"app": "it"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}


def alone(one: Resource, settings: Settings | None = None) -> tuple[Finding, ...]:
    stack = Stack("program", (PROVIDER, one), "shop", "dev", {}, "engine")
    return judge_resource(one, stack, open_book(), settings or Settings(), TODAY)


@pytest.mark.parametrize(
    ("rule", "one"),
    [
        ("always-on-instance-holds-gpu", INSTANCE),
        (
            "bare-pod-holds-gpu",
            resource("kubernetes:core/v1:Pod", {"metadata": {"name": "it"}, "spec": POD_SPEC}),
        ),
        (
            "pool-minimum-holds-gpu",
            resource(
                "aws:eks/nodeGroup:NodeGroup",
                {
                    "instanceTypes": ["g5.xlarge"],
                    "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 1},
                },
            ),
        ),
        (
            "reservation-bills-unused",
            resource(
                "aws:ec2/capacityReservation:CapacityReservation",
                {"instanceType": "p5.48xlarge", "instanceCount": 1},
            ),
        ),
        # Services that scale themselves.
        (
            "scaler-minimum-holds-gpu",
            resource(
                "fireworks:index:Deployment",
                {
                    "baseModel": "m",
                    "acceleratorType": "NVIDIA_H100_80GB",
                    "acceleratorCount": 1,
                    "minReplicaCount": 1,
                },
            ),
        ),
        (
            "scaler-minimum-holds-gpu",
            resource(
                "gcp:cloudrunv2/service:Service",
                {
                    "location": "us-central1",
                    "template": {
                        "scaling": {"minInstanceCount": 1},
                        "nodeSelector": {"accelerator": "nvidia-l4"},
                        "containers": [
                            {"image": "x", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
                        ],
                    },
                },
            ),
        ),
    ],
)
def test_what_one_resource_decides(rule: str, one: Resource) -> None:
    found = alone(one)
    assert [(finding.name, finding.severity, finding.urn) for finding in found] == [
        (rule, "error", one.urn)
    ]


@pytest.mark.parametrize(
    "one",
    [
        resource(
            "kubernetes:apps/v1:Deployment",
            {
                "metadata": {"name": "it"},
                "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": TEMPLATE},
            },
        ),
        resource(
            "aws:eks/nodeGroup:NodeGroup",
            {
                "instanceTypes": ["g5.xlarge"],
                "scalingConfig": {"minSize": 0, "desiredSize": 1, "maxSize": 1},
            },
        ),
        resource(
            "aws:autoscaling/group:Group",
            {"minSize": 1, "maxSize": 1, "launchTemplate": {"id": "lt-1"}},
        ),
        resource("aws:ec2/instance:Instance", {"instanceType": "t3.large"}),
        resource("aws:s3/bucket:Bucket", {}),
    ],
    ids=lambda one: one.type,
)
def test_what_needs_the_others_is_left_to_the_whole(one: Resource) -> None:
    """A scaler or an autoscaler may come later; a type may stand in another resource."""
    assert alone(one) == ()


def test_the_region_of_a_lone_resource_comes_from_its_provider() -> None:
    """g6e.xlarge in us-west-2: $1.861 an hour × 730."""
    (found,) = alone(INSTANCE)
    assert found.monthly is not None
    assert str(found.monthly.cents().amount) == "1358.53"


def test_a_waiver_holds_for_a_lone_resource_too() -> None:
    waiver = {
        "rule": "GPU014",
        "urn": "*",
        "reason": "a demo",
        "owner": "ml",
        "expires": "2026-12-31",
    }
    assert (
        alone(INSTANCE, parse({"waivers": [{**waiver, "maxMonthlyUsd": 1400}]}, "test"))[
            0
        ].waived_by
        is not None
    )
    assert (
        alone(INSTANCE, parse({"waivers": [{**waiver, "maxMonthlyUsd": 1300}]}, "test"))[
            0
        ].waived_by
        is None
    )


def test_a_lone_resource_is_reported_the_same_in_the_whole() -> None:
    """So that the stack pass can leave out what the resource pass has said."""
    whole = judge((Stack("program", (INSTANCE, PROVIDER)),), open_book(), Settings(), TODAY)
    assert set(alone(INSTANCE)) <= set(whole.findings)


def test_notes_of_a_reader_are_printed_assumptions() -> None:
    stack = Stack("program", (), notes=("aws:getRegion answered us-east-1",))
    report = judge((stack,), open_book(), Settings(), TODAY)
    assert [assumption.what for assumption in report.assumptions] == [
        "aws:getRegion answered us-east-1"
    ]


def test_every_held_gpu_is_reported_and_nothing_else_fails() -> None:
    """Over all labelled stacks: held or undecided blocks, zero does not, and a finding names a
    resource of the stack."""
    for name, case in cases().items():
        stack = stack_of(case)
        report = judge((stack,), open_book(), Settings(), TODAY)
        errors = [finding for finding in report.findings if finding.severity == "error"]
        assert (report.gate == "fail") == bool(errors), name
        assert bool(errors) == (report.floor.verdict != "zero"), (
            name,
            report.floor.verdict,
            errors,
        )
        assert {finding.urn for finding in report.findings} <= {
            resource.urn for resource in stack.resources
        } | {""}, name


def test_the_order_of_resources_and_stacks_changes_nothing() -> None:
    stacks = [
        stack_of(cases()[name])
        for name in ("010_aicr_eks_inference_p5", "033_strand_gke_dev_pool_zero_deploy_one")
    ]
    backwards = [replace(stack, resources=stack.resources[::-1]) for stack in stacks[::-1]]
    one, other = (
        json_report.data(judge(found, open_book(), Settings(), TODAY))
        for found in (stacks, backwards)
    )
    for key in ("floor", "estimate", "capacity", "findings", "assumptions"):
        assert one[key] == other[key]


def test_resource_rules_are_those_that_one_resource_decides() -> None:
    assert {rule.name for rule in rules.all_rules() if rule.scope == "resource"} == {
        "bare-pod-holds-gpu",
        "endless-job-holds-gpu",
        "interactive-session-holds-gpu",
        "pool-minimum-holds-gpu",
        "always-on-instance-holds-gpu",
        "static-node-pool-holds-gpu",
        "reservation-bills-unused",
        "provisioned-endpoint-holds-gpu",
    }
