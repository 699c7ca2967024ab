"""More sums by hand: each figure an hour as quantity × price, with what bills beside the
GPUs. Prices: us-east-1 where nothing else is said; AWS' lists, Google's and Azure's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal as D
from typing import Any, Final, NamedTuple

import pytest

from tests.supplies import TODAY, resource, stack
from zerofloor.cost.estimate import Estimate
from zerofloor.judge import judge
from zerofloor.money import Money
from zerofloor.prices.book import Key, Price, open_book
from zerofloor.settings import parse
from zerofloor.stack import UNKNOWN, Resource

MONTH: Final = 730
"""Hours in a month, for what is listed by the month."""
G4, G5, G6E, P4D, P5 = D("0.526"), D("1.006"), D("1.861"), D("21.957642"), D("55.04")
GP2, GP3 = D("0.10") / MONTH, D("0.08") / MONTH
EKS, NAT, LB, IP = D("0.10"), D("0.045"), D("0.0225"), D("0.005")
NONE = D(0)

GROUP, CLUSTER, ASG = (
    "aws:eks/nodeGroup:NodeGroup",
    "aws:eks/cluster:Cluster",
    "aws:autoscaling/group:Group",
)
NODE_POOL, NODE_CLASS = (
    "kubernetes:karpenter.sh/v1:NodePool",
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
)


def eks(name: str, kind: str, nodes: tuple[int, int, int], **more: Any) -> Resource:
    least, desired, most = nodes
    scaling = {"minSize": least, "desiredSize": desired, "maxSize": most}
    inputs = {"clusterName": "ml", "instanceTypes": [kind], "scalingConfig": scaling, **more}
    return resource(GROUP, name, inputs)


def cluster(version: str = "1.35") -> Resource:
    return resource(CLUSTER, "ml", {"name": "ml", "version": version})


def vm(kind: str, zone: str = "us-east-1a", **more: Any) -> Resource:
    inputs = {"instanceType": kind, "availabilityZone": zone, **more}
    return resource("aws:ec2/instance:Instance", "box", inputs)


def disk(size: int, kind: str = "gp3") -> dict[str, Any]:
    return {"volumeSize": size, "volumeType": kind}


def volume(size: int, **more: Any) -> Resource:
    return resource("aws:ebs/volume:Volume", "data", {"size": size, **more})


def asg(kind: str, size: int, **group: Any) -> tuple[Resource, Resource]:
    mappings = [{"ebs": disk(size)}]
    made = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        {"instanceType": kind, "blockDeviceMappings": mappings},
    )
    inputs = {"name": "gpu", "launchTemplate": {"id": UNKNOWN}, **group}
    return made, resource(ASG, "gpu", inputs, {"launchTemplate": [made.urn]})


def action(name: str, size: int, cron: str) -> Resource:
    inputs = {
        "autoscalingGroupName": "gpu",
        "minSize": size,
        "maxSize": 4,
        "desiredCapacity": size,
        "recurrence": cron,
        "scheduledActionName": name,
    }
    return resource("aws:autoscaling/schedule:Schedule", name, inputs)


def pool(
    *types: str, capacity: tuple[str, ...] = ("on-demand",), size: str = "100Gi"
) -> list[Resource]:
    requirements = [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": list(types)},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": list(capacity)},
    ]
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    spec = {
        "limits": {"nvidia.com/gpu": 8},
        "template": {"spec": {"requirements": requirements, "nodeClassRef": reference}},
    }
    ebs = {"ebs": {"volumeSize": size, "volumeType": "gp3"}}
    return [
        resource(NODE_POOL, "gpu", {"metadata": {"name": "gpu"}, "spec": spec}),
        resource(
            NODE_CLASS,
            "gpu",
            {"metadata": {"name": "gpu"}, "spec": {"blockDeviceMappings": [ebs]}},
        ),
    ]


def pods(replicas: int, gpus: int) -> Resource:
    container = {"name": "c", "image": "i", "resources": {"limits": {"nvidia.com/gpu": gpus}}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}},
    }
    inputs = {"metadata": {"name": "x", "namespace": "ml"}, "spec": spec}
    return resource("kubernetes:apps/v1:Deployment", "x", inputs)


def endpoint(kind: str, number: int) -> list[Resource]:
    variant = {
        "variantName": "a",
        "modelName": "m",
        "instanceType": kind,
        "initialInstanceCount": number,
    }
    token = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
    config = resource(token, "config", {"productionVariants": [variant]})
    uses = {"endpointConfigName": [config.urn]}
    inputs = {"endpointConfigName": UNKNOWN}
    return [config, resource("aws:sagemaker/endpoint:Endpoint", "e", inputs, uses)]


def gcp(kind: str, called: str, /, **inputs: Any) -> Resource:
    return resource(f"gcp:{kind}", called, inputs)


AT_ZERO = eks("gpu", "g5.xlarge", (0, 0, 0))
BUSY = {"traffic": {"busyHoursPerWeek": 40, "burstsPerWeek": 5, "replicas": 2}}
WAIT = D(840) / 3600
"""The longest default cold start: 120 s for a node, 600 s for the image, 120 s for the model."""


class Sum(NamedTuple):
    name: str
    resources: list[Resource]
    floor: D = NONE
    desired: D = NONE
    ceiling: D = NONE
    residual: D = NONE
    settings: Mapping[str, Any] = {}
    own: Mapping[Key, str] = {}


SUMS: Final = [
    Sum(
        "one group, its cluster, a NAT gateway and a load balancer",
        [
            eks("gpu", "g6e.xlarge", (1, 1, 3), diskSize=150),
            cluster(),
            resource("aws:ec2/natGateway:NatGateway", "nat", {}),
            resource("aws:lb/loadBalancer:LoadBalancer", "lb", {}),
        ],
        floor=G6E + 150 * GP3,
        desired=G6E + 150 * GP3,
        ceiling=3 * (G6E + 150 * GP3),
        residual=EKS + NAT + LB,
    ),
    Sum(
        "extended support is six times the price",
        [AT_ZERO, cluster("1.31")],
        residual=D("0.60"),
    ),
    Sum(
        "two CPU groups beside a GPU group at zero",
        [
            eks("gpu", "g5.xlarge", (0, 0, 2), diskSize=100),
            eks("cpu", "m5.xlarge", (2, 3, 5), diskSize=50),
            eks("tiny", "t3.medium", (1, 1, 1)),
        ],
        ceiling=2 * (G5 + 100 * GP3),
        residual=3 * (D("0.192") + 50 * GP3) + D("0.0416") + 20 * GP3,
    ),
    Sum(
        "eight A100 and a volume with more than the included IOPS and throughput",
        [
            vm("p4d.24xlarge", rootBlockDevice=disk(200)),
            volume(1000, type="gp3", iops=6000, throughput=500),
        ],
        floor=P4D + 200 * GP3,
        desired=P4D + 200 * GP3,
        ceiling=P4D + 200 * GP3,
        residual=1000 * GP3 + (3000 * D("0.005") + 375 * D("0.04")) / MONTH,
    ),
    Sum(
        "an instance with two disks of two kinds",
        [vm("g4dn.xlarge", rootBlockDevice=disk(50), ebsBlockDevices=[disk(500, "gp2")])],
        floor=G4 + 50 * GP3 + 500 * GP2,
        desired=G4 + 50 * GP3 + 500 * GP2,
        ceiling=G4 + 50 * GP3 + 500 * GP2,
    ),
    Sum(
        "in Ireland, where the disk has no price here",
        [vm("g4dn.xlarge", "eu-west-1a", rootBlockDevice=disk(50))],
        floor=D("0.587"),
        desired=D("0.587"),
        ceiling=D("0.587"),
    ),
    Sum(
        "in Singapore by the price list of 2026-08",
        [AT_ZERO, volume(100, type="gp3", availabilityZone="ap-southeast-1a")],
        residual=100 * D("0.096") / MONTH,
    ),
    Sum(
        "an Auto Scaling group of two",
        list(asg("g5.xlarge", 120, minSize=2, maxSize=5, desiredCapacity=2)),
        floor=2 * (G5 + 120 * GP3),
        desired=2 * (G5 + 120 * GP3),
        ceiling=5 * (G5 + 120 * GP3),
    ),
    Sum(
        "a stopped warm pool of two",
        list(
            asg(
                "g5.xlarge",
                120,
                minSize=0,
                maxSize=4,
                desiredCapacity=0,
                warmPool={"poolState": "Stopped", "minSize": 2, "maxGroupPreparedCapacity": 2},
            )
        ),
        ceiling=4 * (G5 + 120 * GP3),
        residual=2 * 120 * GP3,
    ),
    Sum(
        "office hours, five days of nine",
        [
            *asg("g5.xlarge", 100, minSize=0, maxSize=4, desiredCapacity=0),
            action("up", 3, "0 9 * * 1-5"),
            action("down", 0, "0 18 * * 1-5"),
        ],
        floor=3 * (G5 + 100 * GP3) * 45 / 168,
        ceiling=4 * (G5 + 100 * GP3),
    ),
    Sum(
        "weekends alone",
        [
            *asg("p4d.24xlarge", 500, minSize=0, maxSize=4, desiredCapacity=0),
            action("up", 1, "0 0 * * 6"),
            action("down", 0, "0 0 * * 1"),
        ],
        floor=(P4D + 500 * GP3) * 48 / 168,
        ceiling=4 * (P4D + 500 * GP3),
    ),
    Sum(
        "a pod on Karpenter with its node's disk",
        [*pool("g6e.xlarge"), pods(1, 1)],
        floor=G6E + 100 * GP3,
        desired=G6E + 100 * GP3,
        ceiling=G6E + 100 * GP3,
    ),
    Sum(
        "three pods of two GPUs on nodes of eight",
        [*pool("p5.48xlarge", size="1Ti"), pods(3, 2)],
        floor=P5 + 1024 * GP3,
        desired=P5 + 1024 * GP3,
        ceiling=P5 + 1024 * GP3,
    ),
    Sum(
        "nothing asks, nothing runs",
        [*pool("g6e.xlarge"), pods(0, 1)],
    ),
    Sum(
        "a SageMaker endpoint of two",
        endpoint("ml.g5.xlarge", 2),
        floor=2 * D("1.408"),
        desired=2 * D("1.408"),
        ceiling=2 * D("1.408"),
    ),
    Sum(
        "a SageMaker endpoint of eight H100",
        endpoint("ml.p5.48xlarge", 1),
        floor=D("63.296"),
        desired=D("63.296"),
        ceiling=D("63.296"),
    ),
    Sum(
        "spot without a spot price counts on demand",
        [eks("gpu", "p3.2xlarge", (1, 1, 2), capacityType="SPOT")],
        floor=D("3.06") + 20 * GP3,
        desired=D("3.06") + 20 * GP3,
        ceiling=2 * (D("3.06") + 20 * GP3),
    ),
    Sum(
        "a savings plan of one's own",
        [eks("gpu", "p5.48xlarge", (1, 1, 1))],
        floor=D("31.5") + 20 * GP3,
        desired=D("31.5") + 20 * GP3,
        ceiling=D("31.5") + 20 * GP3,
        own={Key("aws", "p5.48xlarge", "us-east-1"): "31.5"},
    ),
    Sum(
        "a NAT gateway at a price of one's own",
        [AT_ZERO, resource("aws:ec2/natGateway:NatGateway", "nat", {})],
        residual=D("0.03"),
        own={Key("aws", "nat gateway", "*"): "0.03"},
    ),
    Sum(
        "two idle addresses and a network load balancer",
        [
            AT_ZERO,
            resource("aws:ec2/eip:Eip", "a", {}),
            resource("aws:ec2/eip:Eip", "b", {}),
            resource("aws:lb/loadBalancer:LoadBalancer", "lb", {"loadBalancerType": "network"}),
        ],
        residual=2 * IP + LB,
    ),
    Sum(
        "a claim of 200 GiB",
        [
            AT_ZERO,
            cluster(),
            resource(
                "kubernetes:core/v1:PersistentVolumeClaim",
                "models",
                {
                    "metadata": {"name": "models"},
                    "spec": {
                        "storageClassName": "gp3",
                        "resources": {"requests": {"storage": "200Gi"}},
                    },
                },
            ),
        ],
        residual=EKS + 200 * GP3,
    ),
    Sum(
        "two kinds of GPU group",
        [
            eks("a", "g5.xlarge", (1, 1, 2), diskSize=30),
            eks("b", "g4dn.xlarge", (2, 2, 4), diskSize=40),
        ],
        floor=G5 + 30 * GP3 + 2 * (G4 + 40 * GP3),
        desired=G5 + 30 * GP3 + 2 * (G4 + 40 * GP3),
        ceiling=2 * (G5 + 30 * GP3) + 4 * (G4 + 40 * GP3),
    ),
    Sum(
        "two H100 nodes that are never lowered",
        [eks("gpu", "p5.48xlarge", (0, 2, 3), diskSize=2000)],
        floor=2 * (P5 + 2000 * GP3),
        desired=2 * (P5 + 2000 * GP3),
        ceiling=3 * (P5 + 2000 * GP3),
    ),
    Sum(
        "a reservation that nothing uses",
        [
            resource(
                "aws:ec2/capacityReservation:CapacityReservation",
                "odcr",
                {
                    "instanceType": "p4d.24xlarge",
                    "instanceCount": 3,
                    "availabilityZone": "us-east-1a",
                    "instancePlatform": "Linux/UNIX",
                },
            )
        ],
        floor=3 * P4D,
        desired=3 * P4D,
        ceiling=3 * P4D,
    ),
    Sum(
        "a GKE pool of two with SSD disks",
        [
            gcp(
                "container/cluster:Cluster",
                "gke",
                location="us-central1-a",
                name="gke",
                removeDefaultNodePool=True,
            ),
            gcp(
                "container/nodePool:NodePool",
                "l4",
                cluster="gke",
                nodeCount=2,
                nodeConfig={
                    "machineType": "g2-standard-4",
                    "diskSizeGb": 300,
                    "diskType": "pd-ssd",
                },
            ),
        ],
        floor=2 * (D("0.706832") + 300 * D("0.17") / MONTH),
        desired=2 * (D("0.706832") + 300 * D("0.17") / MONTH),
        ceiling=2 * (D("0.706832") + 300 * D("0.17") / MONTH),
        residual=D("0.10"),
    ),
    Sum(
        "a Google machine with its boot disk",
        [
            gcp(
                "compute/instance:Instance",
                "vm",
                zone="us-central1-a",
                machineType="g2-standard-4",
                bootDisk={"initializeParams": {"size": 200, "type": "pd-balanced"}},
            )
        ],
        floor=D("0.706832") + 200 * D("0.10") / MONTH,
        desired=D("0.706832") + 200 * D("0.10") / MONTH,
        ceiling=D("0.706832") + 200 * D("0.10") / MONTH,
    ),
    Sum(
        "the same, stopped: its disk stays",
        [
            gcp(
                "compute/instance:Instance",
                "vm",
                zone="us-central1-a",
                machineType="g2-standard-4",
                desiredStatus="TERMINATED",
                bootDisk={"initializeParams": {"size": 200, "type": "pd-balanced"}},
            )
        ],
        ceiling=D("0.706832"),
        residual=200 * D("0.10") / MONTH,
    ),
    Sum(
        "a Google group of two with the disks of its template, one of them another's",
        [
            gcp(
                "compute/instanceTemplate:InstanceTemplate",
                "l4",
                name="l4",
                machineType="g2-standard-4",
                disks=[
                    {"boot": True, "diskSizeGb": 200, "diskType": "pd-balanced"},
                    {"diskSizeGb": 300, "diskType": "pd-ssd"},
                    {"source": "data", "diskSizeGb": 1000},
                ],
            ),
            gcp(
                "compute/instanceGroupManager:InstanceGroupManager",
                "l4",
                name="l4",
                zone="us-central1-a",
                baseInstanceName="l4",
                targetSize=2,
                versions=[{"instanceTemplate": "l4"}],
            ),
        ],
        floor=2 * (D("0.706832") + (200 * D("0.10") + 300 * D("0.17")) / MONTH),
        desired=2 * (D("0.706832") + (200 * D("0.10") + 300 * D("0.17")) / MONTH),
        ceiling=2 * (D("0.706832") + (200 * D("0.10") + 300 * D("0.17")) / MONTH),
    ),
    Sum(
        "Inferentia, and Trainium at zero",
        [
            eks("inf", "inf2.xlarge", (1, 1, 1)),
            eks("trn", "trn1.32xlarge", (0, 0, 1)),
        ],
        floor=D("0.7582") + 20 * GP3,
        desired=D("0.7582") + 20 * GP3,
        ceiling=D("0.7582") + D("21.5") + 2 * 20 * GP3,
    ),
    Sum(
        "an instance and what stays without it",
        [
            vm("g6e.xlarge", rootBlockDevice=disk(100)),
            volume(400, type="gp2"),
            resource("aws:ec2/eip:Eip", "ip", {}),
        ],
        floor=G6E + 100 * GP3,
        desired=G6E + 100 * GP3,
        ceiling=G6E + 100 * GP3,
        residual=400 * GP2 + IP,
    ),
    Sum(
        "a floor of one under a ceiling of ten",
        [eks("gpu", "g6e.xlarge", (1, 1, 10), diskSize=500), cluster()],
        floor=G6E + 500 * GP3,
        desired=G6E + 500 * GP3,
        ceiling=10 * (G6E + 500 * GP3),
        residual=EKS,
    ),
]


def estimate_of(one: Sum) -> Estimate:
    own = {
        key: Price(key, Money(D(amount)), "hour", "contract", "2026-10-01", "override")
        for key, amount in one.own.items()
    }
    settings = parse(dict(one.settings), "test")
    return judge((stack(*one.resources),), open_book(own), settings, TODAY).estimate


@pytest.mark.parametrize("one", SUMS, ids=lambda one: one.name)
def test_the_sum_is_quantity_times_price(one: Sum) -> None:
    found = estimate_of(one)
    assert found.residual is not None
    assert found.idle is not None
    expected = (one.floor, one.desired, one.ceiling, one.residual, one.floor + one.residual)
    amounts = (found.floor, found.desired, found.ceiling, found.residual, found.idle)
    assert [round(amount.hourly.amount, 10) for amount in amounts] == [
        round(value, 10) for value in expected
    ]


def test_there_are_thirty_or_more_and_each_is_another() -> None:
    assert len({one.name for one in SUMS}) == len(SUMS) >= 30


@pytest.mark.parametrize("one", SUMS, ids=lambda one: one.name)
def test_the_resources_together_with_the_residual_are_the_whole(one: Sum) -> None:
    found = estimate_of(one)
    for figure in ("floor", "desired", "ceiling"):
        parts = sum((getattr(cost, figure).hourly.amount for cost in found.resources), D(0))
        assert round(parts, 10) == round(getattr(found, figure).hourly.amount, 10)


def test_expected_under_traffic_has_the_disks_too() -> None:
    """Two replicas, 40 h in five bursts: each adds a cold start."""
    group = eks("gpu", "g5.xlarge", (0, 0, 4), diskSize=100)
    found = estimate_of(
        Sum("busy", [group], settings={**BUSY, "trust": {"clusterAutoscaler": True}})
    )
    assert found.expected is not None
    (cost,) = found.resources
    hours = next(
        item.quantity * 168
        for item in found.items
        if item.unit == "node" and item.counts_in == ("expected",)
    )
    assert hours >= 2 * (40 + 5 * WAIT)  # and the idle tails of the cluster autoscaler
    node = G5 + 100 * GP3
    assert round(found.expected.hourly.amount, 9) == round(node * hours / 168, 9)
    assert cost.expected is not None
    assert cost.expected.hourly == found.expected.hourly
