"""What the AWS readers say beside the floor: labels, taints, market, region, price, replacement,
evidence, schedules."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from zerofloor import platforms
from zerofloor.capacity import WEEK, Pool, Taint
from zerofloor.estate import estate
from zerofloor.platforms.aws.rows import ROWS
from zerofloor.platforms.aws.schedule import Move, Sizes, levels, readable
from zerofloor.settings import parse
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

URN = "urn:pulumi:dev::shop::"


def resource(token: str, name: str, inputs: dict[str, Any], **more: Any) -> Resource:
    return Resource(f"{URN}{token}::{name}", token, name, inputs, **more)


def pools(
    *resources: Resource, settings: Any = None, config: dict[str, str] | None = None
) -> tuple[Pool, ...]:
    stack = Stack("digest", tuple(sorted(resources, key=lambda r: r.urn)), config=config)
    return platforms.read(estate((stack,), parse(settings or {}, "test"))).pools


def node_group(**inputs: Any) -> Resource:
    sizes = {"minSize": 1, "desiredSize": 1, "maxSize": 3}
    return resource(
        "aws:eks/nodeGroup:NodeGroup",
        "gpu",
        {
            "clusterName": "ml",
            "nodeGroupName": "gpus",
            "instanceTypes": ["g5.xlarge"],
            "scalingConfig": sizes,
            **inputs,
        },
    )


@pytest.mark.parametrize(
    ("requirements", "number"),
    [
        ({"acceleratorCount": {"min": 1, "max": 1}, "acceleratorTypes": ["gpu"]}, 1),
        ({"acceleratorCount": {"min": 0, "max": 0}}, 0),
        (None, 0),
    ],
)
def test_instances_that_ecs_manages_are_a_pool_where_they_may_have_a_gpu(
    requirements: dict[str, Any] | None, number: int
) -> None:
    whole = {"vcpuCount": {"min": 4}, "memoryMib": {"min": 8192}, **(requirements or {})}
    template = {} if requirements is None else {"instanceRequirements": whole}
    managed = {"managedInstancesProvider": {"instanceLaunchTemplate": template}}
    token = "aws:ecs/capacityProvider:CapacityProvider"
    assert len(pools(resource(token, "cp", {"name": "mi", **managed}))) == number


@pytest.mark.parametrize("of_component", [True, False])
def test_a_components_group_carries_the_labels_that_the_component_gives_it(
    of_component: bool,
) -> None:
    """Without the component they stand in user data, which says nothing to this tool."""
    component = resource("eks:index:NodeGroup", "train", {"labels": {"team": "nlp"}})
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate", "lt", {"name": "lt", "instanceType": "g5.xlarge"}
    )
    group = resource(
        "aws:autoscaling/group:Group",
        "asg",
        {
            "minSize": 1,
            "maxSize": 3,
            "launchTemplate": {"name": "lt"},
            "tags": [{"key": "kubernetes.io/cluster/ml", "value": "owned"}],
        },
        parent=component.urn if of_component else None,
    )
    found = [pool for pool in pools(component, template, group) if pool.urn == group.urn]
    assert len(found) == 1
    placement = found[0].placement
    assert placement is not None
    assert placement.labels.get("team") == ("nlp" if of_component else None)
    assert placement.open_labels is not of_component


def test_a_node_group_carries_labels_and_taints() -> None:
    cluster = resource("aws:eks/cluster:Cluster", "c", {"name": "ml"})
    taints = [
        {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"},
        {"key": "old", "effect": "PREFER_NO_SCHEDULE"},
    ]
    (pool,) = pools(
        cluster,
        node_group(labels={"team": "nlp", "secret": UNKNOWN}, taints=taints, capacityType="SPOT"),
    )
    assert pool.placement is not None
    assert pool.placement.labels["team"] == "nlp"
    assert pool.placement.labels["secret"] is None
    assert pool.placement.labels["node.kubernetes.io/instance-type"] == "g5.xlarge"
    assert pool.placement.labels["eks.amazonaws.com/nodegroup"] == "gpus"
    assert pool.placement.labels["eks.amazonaws.com/capacityType"] == "SPOT"
    assert pool.placement.taints == (
        Taint("gpu", "yes", "NoSchedule"),
        Taint("old", "", "PreferNoSchedule"),
    )
    assert pool.market == "spot"
    assert (pool.desired, pool.ceiling) == (1, 3)


def test_hidden_labels_leave_any_label_open() -> None:
    (pool,) = pools(node_group(labels=SECRET))
    assert pool.placement is not None
    assert pool.placement.open_labels


def test_a_group_of_fixed_size_brings_no_node() -> None:
    (fixed,) = pools(node_group(scalingConfig={"minSize": 2, "desiredSize": 2, "maxSize": 2}))
    (growing,) = pools(node_group())
    assert fixed.placement is not None
    assert growing.placement is not None
    assert (fixed.placement.grows, growing.placement.grows) == (False, True)


def test_an_autoscaler_that_never_scales_down_keeps_what_came() -> None:
    values = {"extraArgs": {"scale-down-enabled": "false"}}
    chart = resource(
        "kubernetes:helm.sh/v3:Release", "ca", {"chart": "cluster-autoscaler", "values": values}
    )
    (pool,) = pools(chart, node_group(scalingConfig={"minSize": 0, "desiredSize": 0, "maxSize": 3}))
    assert pool.placement is not None
    assert pool.placement.retained is not None
    assert pool.placement.retained.urn == chart.urn


@pytest.mark.parametrize(
    ("arguments", "wanted"), [({}, 600), ({"scale-down-unneeded-time": "2m"}, 120)]
)
def test_an_autoscaler_removes_nodes_after_its_delay(
    arguments: dict[str, str], wanted: int
) -> None:
    chart = resource(
        "kubernetes:helm.sh/v3:Release",
        "ca",
        {"chart": "cluster-autoscaler", "values": {"extraArgs": arguments}},
    )
    (pool,) = pools(chart, node_group())
    assert pool.placement is not None
    assert pool.placement.reclaim == wanted


@pytest.mark.parametrize(
    ("inputs", "config", "settings", "region"),
    [
        ({"region": "eu-west-1"}, {"aws:region": "us-west-2"}, {}, "eu-west-1"),
        ({"availabilityZone": "ap-south-1b"}, None, {}, "ap-south-1"),
        ({}, {"aws:region": "us-west-2"}, {}, "us-west-2"),
        ({}, None, {"region": {"aws": "eu-central-1"}}, "eu-central-1"),
        ({"region": UNKNOWN}, {"aws:region": "us-west-2"}, {}, None),
        ({}, None, {}, None),
    ],
)
def test_region(
    inputs: dict[str, Any], config: dict[str, str] | None, settings: Any, region: str | None
) -> None:
    instance = resource("aws:ec2/instance:Instance", "box", {"instanceType": "g5.xlarge", **inputs})
    (pool,) = pools(instance, config=config, settings=settings)
    assert pool.region == region


def test_windows_nodes_have_the_price_and_the_label_of_windows() -> None:
    (pool,) = pools(node_group(amiType="WINDOWS_FULL_2022_x86_64"))
    assert pool.os == "windows"
    assert pool.placement is not None
    assert pool.placement.labels["kubernetes.io/os"] == "windows"
    assert [p.os for p in pools(node_group(amiType="AL2023_x86_64_NVIDIA"))] == ["linux"]


def test_a_dedicated_host_has_its_own_price() -> None:
    (pool,) = pools(
        resource("aws:ec2/dedicatedHost:DedicatedHost", "host", {"instanceType": "p3.2xlarge"})
    )
    assert (pool.price_as, pool.shapes[0].instance_type, pool.shapes[0].gpus) == (
        "dedicated-host",
        "p3.16xlarge",
        Decimal(8),
    )


def test_a_replacement_created_first_bills_twice() -> None:
    instance = resource("aws:ec2/instance:Instance", "box", {"instanceType": "g5.xlarge"})
    (pool,) = pools(replace(instance, op="replace", replaced_before_delete=True))
    assert pool.overlap == 1
    assert pools(instance)[0].overlap == 0
    (group,) = pools(replace(node_group(), replaced_before_delete=True))
    assert group.overlap == 1


def test_ignored_changes_are_evidence_and_no_autoscaler() -> None:
    group = replace(
        node_group(scalingConfig={"minSize": 0, "desiredSize": 2, "maxSize": 3}),
        ignore_changes=("scalingConfig.desiredSize",),
    )
    (pool,) = pools(group)
    (hold,) = pool.holds
    assert hold.units == 2
    assert ("ignoreChanges", "scalingConfig.desiredSize") in [
        (link.path, link.value) for link in hold.evidence
    ]
    # An update would not apply it, so that no machine may.
    assert hold.change == ()
    assert "remove scalingConfig.desiredSize from ignoreChanges" in hold.fix


def test_a_minimum_and_a_desired_size_go_to_zero_together() -> None:
    sizes = {"minSize": 1, "desiredSize": 2, "maxSize": 3}
    (pool,) = pools(node_group(scalingConfig=sizes))
    for hold in pool.holds:
        assert [(change.path, change.to) for change in hold.change] == [
            ("scalingConfig.minSize", 0),
            ("scalingConfig.desiredSize", 0),
        ]


def test_evidence_leads_from_the_group_over_its_template_to_the_type() -> None:
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate", "lt", {"instanceType": "p5.48xlarge"}
    )
    group = resource(
        "aws:autoscaling/group:Group",
        "asg",
        {"minSize": 1, "maxSize": 1, "launchTemplate": {"id": UNKNOWN}},
        property_dependencies={"launchTemplate": (template.urn,)},
    )
    (pool,) = pools(template, group)
    chain = [
        (link.urn.rsplit("::", 1)[-1], link.path, link.value) for link in pool.holds[0].evidence
    ]
    assert chain == [
        ("asg", "launchTemplate.id", UNKNOWN),
        ("lt", "instanceType", "p5.48xlarge"),
        ("asg", "minSize", 1),
    ]


def test_a_service_has_its_own_price() -> None:
    notebook = resource(
        "aws:sagemaker/notebookInstance:NotebookInstance", "nb", {"instanceType": "ml.g5.xlarge"}
    )
    (pool,) = pools(notebook)
    assert (pool.price_as, pool.shapes[0].instance_type) == ("sagemaker", "g5.xlarge")


def test_auto_mode_offers_pods_without_gpus_a_place() -> None:
    config = {"enabled": True, "nodePools": ["general-purpose", "system"]}
    cluster = resource("aws:eks/cluster:Cluster", "c", {"name": "ml", "computeConfig": config})
    found = pools(cluster)
    assert [pool.name for pool in found] == ["general-purpose", "system"]
    assert all(shape.gpus == 0 for pool in found for shape in pool.shapes)
    assert (
        pools(
            replace(cluster, inputs={"name": "ml", "computeConfig": {**config, "enabled": False}})
        )
        == ()
    )


def test_a_cpu_group_outside_kubernetes_is_no_pool() -> None:
    group = resource(
        "aws:autoscaling/group:Group",
        "asg",
        {"minSize": 2, "maxSize": 2, "launchConfiguration": "lc"},
    )
    configuration = resource(
        "aws:ec2/launchConfiguration:LaunchConfiguration",
        "lc",
        {"name": "lc", "instanceType": "m5.large"},
    )
    assert pools(group, configuration) == ()
    owned = replace(
        group,
        inputs={**group.inputs, "tags": [{"key": "kubernetes.io/cluster/ml", "value": "owned"}]},
    )
    assert [pool.platform for pool in pools(owned, configuration)] == [
        "EKS self-managed node group"
    ]


def test_a_secret_never_reaches_a_part() -> None:
    instance = resource(
        "aws:ec2/instance:Instance", "box", {"instanceType": SECRET, "userData": SECRET}
    )
    (pool,) = pools(instance)
    assert pool.undecided
    assert "secret" in pool.undecided[0].why


def move(
    cron: str | None,
    minimum: int | None = None,
    maximum: int | None = None,
    desired: int | None = None,
) -> Move:
    return Move(cron, minimum, maximum, desired)


@pytest.mark.parametrize(
    ("start", "changes", "lowered", "held"),
    [
        (
            Sizes(0, 4, 0),
            [move("0 8 * * *", desired=2), move("0 20 * * *", desired=0)],
            False,
            [(2, 84)],
        ),
        (Sizes(0, 4, 0), [move("0 8 * * 1", desired=3)], False, [(3, 168)]),
        (
            Sizes(0, 4, 1),
            [move("0 8 * * MON-FRI", desired=3), move("0 18 * * MON-FRI", desired=1)],
            False,
            [(3, 50), (1, 168)],
        ),
        (
            Sizes(0, 4, 2),
            [move("0 0 * * SAT", maximum=0), move("0 0 * * MON", maximum=4)],
            False,
            [],
        ),
        (
            Sizes(0, 4, 0),
            [move("0 8 * * *", minimum=1), move("0 18 * * *", minimum=0)],
            True,
            [(1, 70)],
        ),
        (
            Sizes(0, 4, 0),
            [move("0 8 * * *", minimum=1), move("0 18 * * *", minimum=0)],
            False,
            [(1, 168)],
        ),
        (Sizes(0, 4, 0), [move(None, desired=2)], False, [(2, 168)]),
        (Sizes(0, 4, 3), [move(None, desired=0)], False, []),
        (
            Sizes(0, 4, 0),
            [move("0 22 * * FRI", desired=1), move("0 2 * * SAT", desired=0)],
            False,
            [(1, 4)],
        ),
    ],
)
def test_hours_of_schedules(
    start: Sizes, changes: list[Move], lowered: bool, held: list[tuple[int, int]]
) -> None:
    assert levels(start, changes, lowered) == tuple(
        (level, Decimal(hours)) for level, hours in held
    )


def test_a_day_of_the_month_counts_by_its_share() -> None:
    held = levels(
        Sizes(0, 1, 0), [move("0 0 1 * *", desired=1), move("0 0 2 * *", desired=0)], False
    )
    # 48 days of 1461 in a leap cycle: 48 × 168 / 1461.
    assert held == ((1, (Decimal(48) * WEEK / 1461).quantize(Decimal("0.01"))),)


def test_what_fires_every_minute_of_four_years_is_not_worked_out() -> None:
    assert levels(Sizes(0, 1, 0), [move("* * 1-15 * *", desired=1)], False) is None
    assert not readable("every morning")
    assert not readable(None)


def test_rows_are_complete() -> None:
    for row in ROWS:
        assert row.source
        assert row.fix
        assert row.because
        assert all(":" in token for token in row.tokens)
