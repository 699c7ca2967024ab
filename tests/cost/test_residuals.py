"""What still bills at zero GPUs, read from the resources and priced; what has no price is named."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from tests.supplies import TODAY, floor, resource, stack, supply
from zerofloor.cost.estimate import Estimate
from zerofloor.cost.reckon import estimate
from zerofloor.estate import estate
from zerofloor.floor.result import Floor, Supply, Verdict
from zerofloor.prices.book import PriceBook, open_book
from zerofloor.settings import Settings
from zerofloor.stack import UNKNOWN, Resource

ASG, GROUP, INSTANCE = (
    "aws:autoscaling/group:Group",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:ec2/instance:Instance",
)
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GP3 = D("0.08") / 730


def rest(
    *resources: Resource,
    held: Mapping[str, Supply] | None = None,
    region: str = "us-east-1",
    today: datetime.date = TODAY,
    book: PriceBook | None = None,
) -> Estimate:
    """The estimate of these resources; `held` says by resource name what each holds, beside a GPU
    pool that is at zero."""
    urns = {one.name: one.urn for one in resources}
    pools = floor({"idle": supply("g5.xlarge", nodes=0), **(held or {})})
    entries = tuple(replace(entry, urn=urns.get(entry.name, entry.urn)) for entry in pools.entries)
    whole = estate((stack(*resources, config={"aws:region": region}),), Settings())
    return estimate(replace(pools, entries=entries), whole, book or open_book(), today)


def same(found: Estimate, expected: D, floor: D = D(0)) -> None:
    """Compares the residual, and what the floor costs beside its GPU nodes."""
    assert found.residual is not None
    amounts = (found.residual.hourly.amount, *_disks(found))
    assert tuple(round(one, 12) for one in amounts) == (round(expected, 12), round(floor, 12)), [
        (item.what, item.quantity, item.counts_in) for item in found.items
    ]


def _disks(found: Estimate) -> tuple[D]:
    items = [one for one in found.items if "floor" in one.counts_in and one.unit != "node"]
    return (sum((item.price.amount * item.quantity for item in items), D(0)),)


MAPPING = {
    "blockDeviceMappings": [
        {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 200, "volumeType": "gp3"}}
    ]
}
WARM = {"minSize": 0, "maxSize": 5, "desiredCapacity": 1, "launchTemplate": {"id": UNKNOWN}}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        ("aws:eks/cluster:Cluster", {"version": "1.35"}, D("0.1")),
        ("aws:eks/cluster:Cluster", {"version": "1.31"}, D("0.6")),
        (
            "aws:eks/cluster:Cluster",
            {"version": "1.31", "upgradePolicy": {"supportType": "STANDARD"}},
            D("0.1"),
        ),
        ("aws:eks/cluster:Cluster", {}, D("0.1")),
        ("aws:ec2/natGateway:NatGateway", {}, D("0.045")),
        ("aws:lb/loadBalancer:LoadBalancer", {}, D("0.0225")),
        ("aws:lb/loadBalancer:LoadBalancer", {"loadBalancerType": "network"}, D("0.0225")),
        ("aws:ec2/eip:Eip", {"domain": "vpc"}, D("0.005")),
        ("aws:ebs/volume:Volume", {"size": 100, "type": "gp3"}, 100 * GP3),
        ("aws:ebs/volume:Volume", {"size": 100}, 100 * D("0.10") / 730),
        (
            "aws:ebs/volume:Volume",
            {"size": 500, "type": "gp3", "iops": 4000, "throughput": 250},
            (500 * D("0.08") + 1000 * D("0.005") + 125 * D("0.04")) / 730,
        ),
        (
            "aws:ebs/volume:Volume",
            {"size": 500, "type": "gp3", "iops": 3000, "throughput": 125},
            500 * GP3,
        ),
        ("kubernetes:core/v1:Service", {"spec": {"type": "ClusterIP"}}, D(0)),
        (
            "kubernetes:core/v1:Service",
            {
                "metadata": {
                    "annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "external"}
                },
                "spec": {"type": "LoadBalancer"},
            },
            D("0.0225"),
        ),
        (
            "kubernetes:core/v1:Service",
            {"spec": {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}},
            D("0.0225"),
        ),
        (
            "kubernetes:networking.k8s.io/v1:Ingress",
            {"spec": {"ingressClassName": "alb"}},
            D("0.0225"),
        ),
        ("kubernetes:networking.k8s.io/v1:Ingress", {"spec": {"ingressClassName": "nginx"}}, D(0)),
        (
            "kubernetes:core/v1:PersistentVolumeClaim",
            {"spec": {"storageClassName": "gp3", "resources": {"requests": {"storage": "100Gi"}}}},
            100 * GP3,
        ),
        (
            GROUP,
            {
                "instanceTypes": ["m5.large"],
                "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4},
            },
            2 * D("0.096") + 2 * 20 * GP3,
        ),
        (GROUP, {"scalingConfig": {"minSize": 1, "maxSize": 4}}, D("0.0416") + 20 * GP3),
        (
            GROUP,
            {"instanceTypes": ["m5.large"], "diskSize": 50, "scalingConfig": {"minSize": 2}},
            2 * D("0.096") + 2 * 50 * GP3,
        ),
        (
            GROUP,
            {
                "instanceTypes": ["m5.large"],
                "scalingConfig": {"minSize": 0, "desiredSize": 0, "maxSize": 4},
            },
            D(0),
        ),
    ],
)
def test_priced_by_hand(kind: str, inputs: dict[str, Any], expected: D) -> None:
    found = rest(resource(kind, "one", inputs))
    same(found, expected)
    assert found.unpriced == ()
    assert found.gaps == ()


@pytest.mark.parametrize(
    ("kind", "inputs", "says"),
    [
        ("aws:elb/loadBalancer:LoadBalancer", {}, "no price for classic load balancer"),
        (
            "kubernetes:core/v1:Service",
            {"spec": {"type": "LoadBalancer"}},
            "no price for classic load balancer",
        ),
        (
            "aws:lb/loadBalancer:LoadBalancer",
            {"loadBalancerType": UNKNOWN},
            "unknown kind of load balancer",
        ),
        ("aws:ebs/volume:Volume", {"size": UNKNOWN}, "its size is unknown"),
        ("aws:ebs/volume:Volume", {"size": 100, "type": "io2"}, "no price for EBS volume (io2)"),
        ("aws:ebs/snapshot:Snapshot", {}, "EBS snapshot"),
        ("aws:efs/fileSystem:FileSystem", {}, "no price for EFS file system"),
        ("gcp:container/cluster:Cluster", {}, "no price for GKE cluster management"),
        ("azure-native:network:LoadBalancer", {}, "no price for load balancer, by its rules"),
        (
            "kubernetes:core/v1:PersistentVolumeClaim",
            {"spec": {"resources": {"requests": {"storage": "100Gi"}}}},
            "disk of the volume claim",
        ),
        (
            GROUP,
            {
                "instanceTypes": ["m5.large"],
                "capacityType": "SPOT",
                "scalingConfig": {"minSize": 1},
            },
            "no spot price for m5.large",
        ),
        (
            GROUP,
            {"instanceTypes": ["m5.large"], "scalingConfig": {"minSize": UNKNOWN}},
            "its size is unknown",
        ),
    ],
)
def test_what_has_no_price_is_a_footnote_and_blocks_nothing(
    kind: str, inputs: dict[str, Any], says: str
) -> None:
    found = rest(resource(kind, "one", inputs))
    # The disk of a CPU node has a price where the node has none.
    spot = inputs.get("capacityType") == "SPOT"
    same(found, 20 * GP3 if spot else D(0))
    assert found.unpriced == ()
    assert any(says in note and "::one" in note for note in found.footnotes), found.footnotes


def test_in_another_region_the_us_east_1_figure_stands_beside_and_does_not_count() -> None:
    found = rest(resource("aws:ec2/natGateway:NatGateway", "nat", {}), region="eu-west-1")
    same(found, D(0))
    assert "(on-demand in us-east-1: $0.0450/h)" in " ".join(found.footnotes)
    disk = rest(
        resource("aws:ebs/volume:Volume", "disk", {"size": 100, "type": "gp3"}), region="eu-west-1"
    )
    assert "on-demand in us-east-1: $0.0110/h" in " ".join(disk.footnotes)


def test_extended_support_begins_the_day_after_standard_support_ends() -> None:
    cluster = resource("aws:eks/cluster:Cluster", "eks", {"version": "1.34"})
    same(rest(cluster, today=datetime.date(2026, 12, 2)), D("0.1"))
    same(rest(cluster, today=datetime.date(2026, 12, 3)), D("0.6"))


@pytest.mark.parametrize(("nodes", "expected"), [(0, D(0)), (2, 2 * 20 * GP3)])
def test_disks_of_nodes_bill_while_the_nodes_are_held(nodes: int, expected: D) -> None:
    group = resource(
        GROUP, "gpu", {"instanceTypes": ["g5.xlarge"], "scalingConfig": {"minSize": nodes}}
    )
    found = rest(group, held={"gpu": supply("g5.xlarge", nodes=nodes, ceiling=4)})
    same(found, D(0), floor=expected)
    at_most = 4 * (D("1.006") + 20 * GP3) + 4 * D("1.006")  # and the idle pool's nodes
    assert round(found.ceiling.hourly.amount, 12) == round(at_most, 12)
    (cost,) = [one for one in found.resources if one.name == "gpu"]
    assert round(cost.ceiling.hourly.amount, 12) == round(4 * (D("1.006") + 20 * GP3), 12)


AKS_POOL = "azure:containerservice/kubernetesClusterNodePool:KubernetesClusterNodePool"


@pytest.mark.parametrize(
    ("disk", "hourly", "note"),
    [
        # A Premium SSD of up to 128 GiB is a P10, $19.71 a month.
        ({"osDiskType": "Managed", "osDiskSizeGb": 100}, 2 * D("19.71") / 730, False),
        ({"osDiskType": "Ephemeral", "osDiskSizeGb": 100}, D(0), False),
        ({"osDiskType": "Managed"}, D(0), True),
        ({"osDiskSizeGb": 100}, D(0), True),
        ({"osDiskType": UNKNOWN, "osDiskSizeGb": 100}, D(0), True),
    ],
)
def test_the_os_disks_of_aks_nodes_are_part_of_the_machine_or_bill_or_are_named(
    disk: dict[str, Any], hourly: D, note: bool
) -> None:
    pool = resource(
        AKS_POOL,
        "gpu",
        {"vmSize": "Standard_NC4as_T4_v3", "nodeCount": 2, "location": "eastus", **disk},
    )
    held = {"gpu": supply("Standard_NC4as_T4_v3", cloud="azure", region="eastus", nodes=2)}
    found = rest(pool, held=held)
    same(found, D(0), floor=hourly)
    assert ("OS disk of each node of gpu" in " ".join(found.footnotes)) is note


def test_disks_of_nodes_that_a_schedule_holds_count_for_its_hours() -> None:
    group = resource(
        GROUP,
        "gpu",
        {"instanceTypes": ["g5.xlarge"], "diskSize": 100, "scalingConfig": {"minSize": 0}},
    )
    found = rest(group, held={"gpu": supply("g5.xlarge", nodes=1, hours=42)})
    same(found, D(0), floor=100 * GP3 * 42 / 168)


def test_cpu_nodes_of_a_self_managed_group_of_a_cluster() -> None:
    template = resource(TEMPLATE, "lt", {"instanceType": "m5.large"})
    inputs = {"minSize": 1, "maxSize": 4, "desiredCapacity": 2, "launchTemplate": {"id": UNKNOWN}}
    tagged = {
        **inputs,
        "tags": [{"key": "kubernetes.io/cluster/ml", "value": "owned", "propagateAtLaunch": True}],
    }
    uses = {"launchTemplate": [template.urn]}
    same(rest(template, resource(ASG, "cpu", tagged, uses)), 2 * D("0.096"))
    with_disk = resource(TEMPLATE, "lt", {"instanceType": "m5.large", **MAPPING})
    nodes = 2 * (D("0.096") + 200 * GP3)
    same(rest(with_disk, resource(ASG, "cpu", tagged, uses)), nodes)
    same(
        rest(template, resource(ASG, "web", inputs, uses)), D(0)
    )  # nothing says that a pool needs it
    same(
        rest(
            resource(TEMPLATE, "lt", {"instanceType": "g5.xlarge"}),
            resource(ASG, "cpu", tagged, uses),
        ),
        D(0),
    )


def test_auto_mode_has_a_fee_that_is_named() -> None:
    cluster = resource(
        "aws:eks/cluster:Cluster", "ml", {"version": "1.35", "computeConfig": {"enabled": True}}
    )
    assert "no price for EKS Auto Mode's fee on top of each of its nodes" in " ".join(
        rest(cluster).footnotes
    )


def test_disks_of_a_launch_template_and_of_karpenters_nodes() -> None:
    template = resource(TEMPLATE, "lt", MAPPING)
    group = resource(
        ASG,
        "gpu",
        {"minSize": 2, "maxSize": 2, "launchTemplate": {"id": UNKNOWN}},
        {"launchTemplate": [template.urn]},
    )
    found = rest(template, group, held={"gpu": supply("g5.xlarge", nodes=2)})
    same(found, D(0), floor=2 * 200 * GP3)
    inputs = {
        "metadata": {"name": "gpu"},
        "spec": {"blockDeviceMappings": [{"ebs": {"volumeSize": "300Gi", "volumeType": "gp3"}}]},
    }
    node_class = resource("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "class", inputs)
    pool = resource(
        "kubernetes:karpenter.sh/v1:NodePool",
        "pool",
        {"spec": {"template": {"spec": {"nodeClassRef": {"name": "gpu"}}}}},
    )
    found = rest(node_class, pool, held={"pool": supply("g5.xlarge", nodes=3)})
    same(found, D(0), floor=3 * 300 * GP3)
    same(rest(node_class, pool, held={"pool": supply("g5.xlarge", nodes=0)}), D(0))


@pytest.mark.parametrize(("spec", "gb"), [({"ephemeralStorage": {"size": "300Gi"}}, 300), ({}, 80)])
def test_the_disk_of_auto_modes_nodes(spec: dict[str, Any], gb: int) -> None:
    node_class = resource(
        "kubernetes:eks.amazonaws.com/v1:NodeClass",
        "class",
        {"metadata": {"name": "gpu"}, "spec": spec},
    )
    pool = resource(
        "kubernetes:karpenter.sh/v1:NodePool",
        "pool",
        {"spec": {"template": {"spec": {"nodeClassRef": {"name": "gpu"}}}}},
    )
    found = rest(node_class, pool, held={"pool": supply("g5.xlarge", nodes=3)})
    same(found, D(0), floor=3 * gb * GP3)


@pytest.mark.parametrize(
    ("warm", "disks"),
    [
        ({"poolState": "Stopped", "minSize": 2, "maxGroupPreparedCapacity": 2}, 2),
        (
            {"poolState": "Hibernated"},
            4,
        ),  # all that is prepared, the group's maximum of 5, less the desired one
        ({"maxGroupPreparedCapacity": 3}, 2),
        ({"poolState": "Running", "minSize": 2}, 0),  # these bill as nodes, not as disks
    ],
)
def test_a_warm_pool_keeps_its_disks(warm: dict[str, Any], disks: int) -> None:
    template = resource(TEMPLATE, "lt", MAPPING)
    group = resource(ASG, "gpu", {**WARM, "warmPool": warm}, {"launchTemplate": [template.urn]})
    same(rest(template, group, held={"gpu": supply("g5.xlarge", nodes=0)}), disks * 200 * GP3)


def test_a_stopped_instance_keeps_its_disks() -> None:
    inputs = {
        "rootBlockDevice": {"volumeSize": 100, "volumeType": "gp3"},
        "ebsBlockDevices": [{"volumeSize": 500, "volumeType": "gp2"}],
    }
    machine = resource(INSTANCE, "box", inputs)
    disks = (100 * D("0.08") + 500 * D("0.10")) / 730
    same(rest(machine, held={"box": supply("g5.xlarge", nodes=0, ceiling=0)}), disks)
    same(rest(machine, held={"box": supply("g5.xlarge", ceiling=1)}), D(0), floor=disks)
    # One that a schedule stops keeps them all week.
    by_day = rest(machine, held={"box": supply("g5.xlarge", hours=50, ceiling=1)})
    same(by_day, D(0), floor=disks)


def test_the_disk_of_a_node_that_says_no_size_is_named_and_marks_the_residual() -> None:
    found = rest(resource(INSTANCE, "box", {}), held={"box": supply("g5.xlarge", ceiling=1)})
    (gap,) = found.gaps
    assert (gap.why, gap.settle) == (
        "its size comes from the AMI",
        "set rootBlockDevice.volumeSize",
    )
    assert (gap.lacks, gap.blocks) == (("residual",), False)
    assert (
        "aws:ec2/instance:Instance::box: no price for root disk of the instance: its size comes "
        "from the AMI."
    ) in found.footnotes


def test_a_machine_without_a_gpu_is_none_of_our_business() -> None:
    same(rest(resource(INSTANCE, "bastion", {"rootBlockDevice": {"volumeSize": 100}})), D(0))


def test_a_stack_without_a_gpu_has_no_residuals() -> None:
    whole = estate((stack(resource("aws:ec2/natGateway:NatGateway", "nat", {})),), Settings())
    found = estimate(Floor(Verdict.ZERO, D(0), 0, ()), whole, open_book(), TODAY)
    assert (found.items, found.residual, found.idle) == ((), None, None)


def test_what_is_only_read_is_not_this_stacks_bill() -> None:
    same(rest(resource("aws:ec2/natGateway:NatGateway", "nat", {}, op="read")), D(0))


@pytest.mark.parametrize("junk", [UNKNOWN, None, [], "x", -1, {"a": UNKNOWN}, float("nan"), 10**30])
def test_junk_in_any_property_ends_in_no_traceback(junk: Any) -> None:
    kinds = (
        "aws:eks/cluster:Cluster",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:ebs/volume:Volume",
        "kubernetes:core/v1:Service",
        "kubernetes:core/v1:PersistentVolumeClaim",
        "kubernetes:karpenter.sh/v1:NodePool",
        "kubernetes:networking.k8s.io/v1:Ingress",
        GROUP,
        ASG,
        INSTANCE,
    )
    props = (
        "version", "upgradePolicy", "loadBalancerType", "size", "type", "iops", "spec", "metadata", "scalingConfig", "instanceTypes",
        "launchTemplate", "mixedInstancesPolicy", "warmPool", "rootBlockDevice", "ebsBlockDevices", "diskSize", "capacityType",
    )  # fmt: skip
    for kind in kinds:
        for prop in props:
            one = resource(
                kind,
                "one",
                {prop: junk, **({"launchTemplate": {"id": UNKNOWN}} if prop == "warmPool" else {})},
            )
            found = rest(one, held={"one": supply("g5.xlarge", nodes=1)})
            assert found.residual is not None
            assert found.residual.hourly.amount >= 0
            rest(one)


def test_machines_without_a_gpu_that_count_nowhere_are_named() -> None:
    counted = resource(
        GROUP, "cpu", {"instanceTypes": ["m5.large"], "scalingConfig": {"minSize": 1}}
    )
    single = resource(INSTANCE, "bastion", {"instanceType": "t3.small"})
    pool = resource("kubernetes:karpenter.sh/v1:NodePool", "cpu-pool", {"spec": {}})
    said = " ".join(rest(counted, single, pool).footnotes)
    assert "Machines without a GPU that aren't counted: bastion, cpu-pool." in said
    assert "aren't counted" not in " ".join(rest(counted).footnotes)
