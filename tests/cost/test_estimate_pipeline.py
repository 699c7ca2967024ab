"""Money through the whole pipeline, from resources to the report: what the platforms read is what
is priced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

from tests.supplies import TODAY, resource, stack
from zerofloor.cost.estimate import Estimate
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import parse
from zerofloor.stack import UNKNOWN, Resource

GP3 = D("0.08") / 730
EKS_DISK = 20 * GP3
"""Of each node of an EKS group that doesn't say its size (EKS API reference, CreateNodegroup)."""


def estimate_of(
    *resources: Resource,
    settings: Mapping[str, Any] | None = None,
    config: Mapping[str, str] | None = None,
) -> Estimate:
    given = parse(dict(settings or {}), "test")
    return judge((stack(*resources, config=config),), open_book(), given, TODAY).estimate


def hourly(found: Estimate) -> tuple[D, D, D, D]:
    assert found.residual is not None
    amounts = (found.floor, found.desired, found.ceiling, found.residual)
    return rounded(*(amount.hourly.amount for amount in amounts))


def rounded(floor: D, desired: D, ceiling: D, residual: D = D(0)) -> tuple[D, D, D, D]:
    return round(floor, 12), round(desired, 12), round(ceiling, 12), round(residual, 12)


def each(node: D, nodes: tuple[int, int, int], residual: D = D(0)) -> tuple[D, D, D, D]:
    """Nodes in floor, desired and ceiling, each with its disk."""
    floor, desired, ceiling = nodes
    return rounded(node * floor, node * desired, node * ceiling, residual)


def eks(least: Any, desired: Any, most: Any, *types: str, **more: Any) -> Resource:
    inputs = {
        "clusterName": "ml",
        "instanceTypes": list(types),
        "scalingConfig": {"minSize": least, "desiredSize": desired, "maxSize": most},
        **more,
    }
    return resource("aws:eks/nodeGroup:NodeGroup", "gpu", inputs)


TEMPLATE = resource(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "lt",
    {
        "instanceType": "g5.xlarge",
        "blockDeviceMappings": [{"ebs": {"volumeSize": 100, "volumeType": "gp3"}}],
    },
)


def asg(**inputs: Any) -> Resource:
    whole = {"launchTemplate": {"id": UNKNOWN, "version": "$Latest"}, **inputs}
    return resource("aws:autoscaling/group:Group", "gpu", whole, {"launchTemplate": [TEMPLATE.urn]})


def machine(kind: str = "g5.xlarge", **inputs: Any) -> Resource:
    return resource(
        "aws:ec2/instance:Instance",
        "box",
        {
            "instanceType": kind,
            "rootBlockDevice": {"volumeSize": 100, "volumeType": "gp3"},
            **inputs,
        },
    )


def test_an_eks_group_with_its_cluster_and_a_nat_gateway() -> None:
    found = estimate_of(
        eks(1, 2, 4, "g6e.xlarge", diskSize=80),
        resource("aws:eks/cluster:Cluster", "ml", {"name": "ml", "version": "1.35"}),
        resource("aws:ec2/natGateway:NatGateway", "nat", {}),
        settings={"trust": {"clusterAutoscaler": True}},
    )
    assert hourly(found) == each(D("1.861") + 80 * GP3, (1, 2, 4), D("0.1") + D("0.045"))
    assert found.idle is not None
    assert round(found.idle.hourly.amount, 12) == round(
        D("1.861") + 80 * GP3 + D("0.1") + D("0.045"), 12
    )


def test_an_eks_group_whose_desired_nodes_nobody_lowers() -> None:
    found = estimate_of(eks(0, 2, 4, "p5.48xlarge"))
    assert hourly(found) == each(D("55.04") + EKS_DISK, (2, 2, 4))


def test_an_auto_scaling_group_of_two_beside_a_warm_pool() -> None:
    warm = {"poolState": "Stopped", "minSize": 1, "maxGroupPreparedCapacity": 3}
    found = estimate_of(TEMPLATE, asg(minSize=2, maxSize=4, desiredCapacity=2, warmPool=warm))
    # 3 are prepared beside the 2 desired ones: one disk stays when no node runs.
    assert hourly(found) == each(D("1.006") + 100 * GP3, (2, 2, 4), 1 * 100 * GP3)


def test_a_warm_pool_that_runs_bills_as_nodes() -> None:
    warm = {"poolState": "Running", "minSize": 1, "maxGroupPreparedCapacity": 3}
    found = estimate_of(TEMPLATE, asg(minSize=1, maxSize=4, desiredCapacity=1, warmPool=warm))
    assert hourly(found)[0] == round((D("1.006") + 100 * GP3) * (1 + 2), 12)


def test_a_schedule_bills_its_hours() -> None:
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

    found = estimate_of(
        TEMPLATE,
        asg(name="gpu", minSize=0, maxSize=4, desiredCapacity=0),
        action("up", 2, "0 8 * * 1-5"),
        action("down", 0, "0 18 * * 1-5"),
    )
    node = D("1.006") + 100 * GP3
    assert round(found.floor.hourly.amount, 9) == round(node * 2 * (5 * 10) / 168, 9)
    assert found.desired.hourly.amount == 0


def test_an_instance_by_its_zone_and_its_disk() -> None:
    found = estimate_of(machine("g4dn.xlarge", availabilityZone="eu-west-1b"))
    assert hourly(found)[:3] == (D("0.587"), D("0.587"), D("0.587"))
    # The disk's price in eu-west-1 is not in the book: a footnote.
    assert hourly(found)[3] == 0
    assert any("on-demand in us-east-1: $0.0110/h" in note for note in found.footnotes)


def test_a_replacement_bills_twice_once() -> None:
    found = estimate_of(replace(machine(), op="replace", replaced_before_delete=True))
    assert hourly(found)[0] == round(D("1.006") + 100 * GP3, 12)
    assert found.once is not None
    assert round(found.once.amount, 12) == round(D("1.006") * 840 / 3600, 12)


def test_a_capacity_reservation_bills_unused() -> None:
    inputs = {
        "instanceType": "p4d.24xlarge",
        "instanceCount": 2,
        "availabilityZone": "us-east-1a",
        "instancePlatform": "Linux/UNIX",
    }
    found = estimate_of(resource("aws:ec2/capacityReservation:CapacityReservation", "odcr", inputs))
    assert found.floor.hourly.amount == D("21.957642") * 2


def pool(values: list[str], capacity: str = "on-demand") -> list[Resource]:
    requirements = [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": values},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]},
    ]
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    spec = {
        "template": {"spec": {"requirements": requirements, "nodeClassRef": reference}},
        "limits": {"nvidia.com/gpu": 8},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "60s"},
    }
    ebs = {"volumeSize": "200Gi", "volumeType": "gp3"}
    return [
        resource(
            "kubernetes:karpenter.sh/v1:NodePool",
            "gpu",
            {"metadata": {"name": "gpu"}, "spec": spec},
        ),
        resource(
            "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
            "class",
            {
                "metadata": {"name": "gpu"},
                "spec": {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": ebs}]},
            },
        ),
    ]


def server(replicas: int, gpus: int = 1) -> Resource:
    container = {
        "name": "vllm",
        "image": "vllm",
        "resources": {"requests": {"nvidia.com/gpu": gpus}, "limits": {"nvidia.com/gpu": gpus}},
    }
    template = {"metadata": {"labels": {"app": "vllm"}}, "spec": {"containers": [container]}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "vllm"}},
        "template": template,
    }
    return resource(
        "kubernetes:apps/v1:Deployment",
        "vllm",
        {"metadata": {"name": "vllm", "namespace": "default"}, "spec": spec},
    )


def test_karpenter_takes_the_cheapest_that_fits_up_to_the_dearest() -> None:
    found = estimate_of(*pool(["g6e.2xlarge", "g6e.xlarge"]), server(1))
    assert hourly(found)[0] == round(D("1.861") + 200 * GP3, 12)
    assert found.floor.up_to is not None
    assert round(found.floor.up_to.amount, 12) == round(D("2.24208") + 200 * GP3, 12)
    assert hourly(found)[3] == 0
    assert found.unpriced == ()


def test_a_deployment_at_zero_costs_nothing_on_karpenter() -> None:
    found = estimate_of(*pool(["g6e.xlarge"]), server(0))
    assert (hourly(found)[0], hourly(found)[3]) == (D(0), D(0))


def test_a_pod_of_one_gpu_on_a_node_of_eight_bills_eight() -> None:
    found = estimate_of(*pool(["p5.48xlarge"]), server(1))
    assert hourly(found)[0] == round(D("55.04") + 200 * GP3, 12)


def test_karpenters_spot_nodes_are_priced_as_spot() -> None:
    found = estimate_of(*pool(["p5.48xlarge"], "spot"), server(1, 8))
    assert hourly(found)[0] == round(D("14.246") + 200 * GP3, 12)


def test_the_region_comes_from_the_settings_where_nothing_else_says_it() -> None:
    without = estimate_of(machine(), config={"other": "x"})
    assert without.unpriced == (machine().urn,)
    assert any("`region: {aws: us-east-1}` in zerofloor.yaml" in note for note in without.footnotes)
    by_setting = estimate_of(
        machine(), config={"other": "x"}, settings={"region": {"aws": "us-west-2"}}
    )
    assert hourly(by_setting)[0] == round(D("1.006") + 100 * GP3, 12)  # gp3 costs the same there


def test_a_region_that_is_hidden_is_not_replaced_by_that_of_the_config() -> None:
    assert estimate_of(machine(region=UNKNOWN), config={"aws:region": "us-west-2"}).unpriced == (
        machine().urn,
    )
    in_a_zone = estimate_of(machine(availabilityZone=UNKNOWN), config={"aws:region": "us-west-2"})
    assert hourly(in_a_zone)[0] == round(D("1.006") + 100 * GP3, 12)


def test_an_undecided_group_is_in_its_region() -> None:
    (gap,) = (gap for gap in estimate_of(eks(-1, 0, 2, "p5e.48xlarge")).gaps if "p5e" in gap.what)
    assert "no price for p5e.48xlarge in us-east-1" in gap.why


def sagemaker(kind: str) -> tuple[Resource, Resource]:
    variant = {
        "variantName": "a",
        "modelName": "m",
        "instanceType": kind,
        "initialInstanceCount": 2,
    }
    configuration = resource(
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "config",
        {"productionVariants": [variant]},
    )
    endpoint = resource(
        "aws:sagemaker/endpoint:Endpoint",
        "llm",
        {"endpointConfigName": UNKNOWN},
        {"endpointConfigName": [configuration.urn]},
    )
    return configuration, endpoint


def test_a_sagemaker_endpoint_has_sagemakers_price_and_not_ec2s() -> None:
    # $1.408 on SageMaker's price list of 2026-09-25, $1.006 on EC2's.
    found = estimate_of(*sagemaker("ml.g5.xlarge"))
    assert hourly(found) == each(D("1.408"), (2, 2, 2))
    assert found.unpriced == ()
    (item,) = found.items
    assert item.source.startswith("AWS Price List (AmazonSageMaker, us-east-1)")


def test_a_sagemaker_type_that_is_not_in_the_book_is_unpriced() -> None:
    configuration, endpoint = sagemaker("ml.g5.48xlarge")
    found = estimate_of(configuration, endpoint)
    assert (found.floor.hourly.amount, found.unpriced) == (D(0), (endpoint.urn,))
    elsewhere = estimate_of(*sagemaker("ml.g5.xlarge"), config={"aws:region": "eu-west-1"})
    assert elsewhere.unpriced == (endpoint.urn,)


def test_a_spot_type_without_a_spot_price_bounds_the_range_of_those_with_one() -> None:
    """p5.48xlarge has a spot price ($14.246), p4d.24xlarge has none: it costs at most its on-demand
    price ($21.957642), and the platform may take either."""
    nodes, node_class = pool(["p5.48xlarge", "p4d.24xlarge"], "spot")
    found = estimate_of(nodes, node_class, server(1, 8))
    assert found.unpriced == ()
    assert hourly(found)[0] == round(D("14.246") + 200 * GP3, 12)
    assert found.floor.up_to is not None
    assert round(found.floor.up_to.amount, 12) == round(D("21.957642") + 200 * GP3, 12)
    assert not any("probably not offered" in note for note in found.footnotes)


def test_a_pool_of_spot_and_on_demand_nodes_is_a_range() -> None:
    """p5.48xlarge in us-east-1: $14.246 spot (snapshot), $55.04 on demand, which is bought where
    there is no spot capacity (Karpenter docs, "Capacity Type")."""

    def mixed(*capacity: str) -> Estimate:
        nodes, node_class = pool(["p5.48xlarge"])
        spec = nodes.inputs["spec"]["template"]["spec"]
        spec["requirements"][1] = {
            "key": "karpenter.sh/capacity-type",
            "operator": "In",
            "values": list(capacity),
        }
        return estimate_of(nodes, node_class, server(1, 8))

    disk = 200 * GP3
    both = mixed("spot", "on-demand")
    assert hourly(both)[0] == round(D("14.246") + disk, 12)
    assert both.floor.up_to is not None
    assert round(both.floor.up_to.amount, 12) == round(D("55.04") + disk, 12)
    (node,) = [item for item in both.items if item.unit == "node" and "floor" in item.counts_in]
    assert "most expensive on-demand, where there are no spot nodes" in node.what
    assert mixed("spot").floor.up_to is None
    assert hourly(mixed("on-demand"))[0] == round(D("55.04") + disk, 12)


def test_a_stack_of_cpu_machines_has_no_bill_here() -> None:
    found = estimate_of(machine("t3.large"), resource("aws:ec2/natGateway:NatGateway", "nat", {}))
    assert (found.items, found.unpriced, found.footnotes) == ((), (), ())
    assert (found.residual, found.idle) == (None, None)  # not looked at, so not $0 either


def test_a_dedicated_host_is_not_priced_as_a_plain_machine() -> None:
    host = resource(
        "aws:ec2/dedicatedHost:DedicatedHost",
        "host",
        {"instanceFamily": "g5", "availabilityZone": "us-east-1a"},
    )
    found = estimate_of(host)
    assert (found.floor.hourly.amount, found.unpriced) == (D(0), (host.urn,))
    assert estimate_of(machine(tenancy="dedicated")).unpriced == (machine().urn,)


def test_another_operating_system_is_not_priced_as_linux() -> None:
    group = eks(1, 1, 1, "g5.xlarge", amiType="WINDOWS_CORE_2022_x86_64")
    (gap,) = [gap for gap in estimate_of(group).gaps if gap.blocks]
    assert "no price for g5.xlarge with windows in us-east-1" in gap.why
    assert gap.elsewhere == "with Linux on-demand in us-east-1: $1.01/h"
    linux = estimate_of(eks(1, 1, 1, "g5.xlarge", amiType="AL2023_x86_64_NVIDIA"))
    assert hourly(linux) == each(D("1.006") + EKS_DISK, (1, 1, 1))
    reserved = {"instanceType": "g5.xlarge", "instanceCount": 1, "availabilityZone": "us-east-1a"}
    kind = "aws:ec2/capacityReservation:CapacityReservation"
    of_windows = resource(kind, "cr", {**reserved, "instancePlatform": "Windows"})
    assert estimate_of(of_windows).unpriced == (of_windows.urn,)
    assert estimate_of(
        resource(kind, "cr", {**reserved, "instancePlatform": "Linux/UNIX"})
    ).floor.hourly.amount == D("1.006")


def test_each_operating_system_beside_another_has_its_own_price() -> None:
    linux = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "a-linux",
        {**dict(eks(1, 1, 1, "g5.xlarge").inputs), "amiType": "AL2023_x86_64_NVIDIA"},
    )
    windows = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "b-windows",
        {**dict(eks(1, 1, 1, "g5.xlarge").inputs), "amiType": "WINDOWS_CORE_2022_x86_64"},
    )
    found = estimate_of(linux, windows)
    assert found.unpriced == (windows.urn,)
    assert hourly(found)[0] == round(D("1.006") + 2 * EKS_DISK, 12)


def test_a_pool_that_keeps_no_node_leaves_its_cluster_fee() -> None:
    cluster = resource("gcp:container/cluster:Cluster", "gke", {"location": "us-central1"})
    pool = resource(
        "gcp:container/nodePool:NodePool",
        "l4",
        {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4", "count": 1}]}},
    )
    found = estimate_of(cluster, pool)
    assert [item.what for item in found.items] == ["GKE cluster management in us-central1"]
    assert hourly(found)[3] == D("0.1")  # USD an hour (Infracost's golden, 2026-07-01)


def test_a_disk_from_an_image_is_told_to_have_no_known_size() -> None:
    pool = resource(
        "gcp:container/nodePool:NodePool",
        "l4",
        {
            "location": "us-central1-a",
            "nodeCount": 1,
            "nodeConfig": {
                "machineType": "g2-standard-4",
                "secondaryBootDisks": [{"diskImage": "global/images/models"}],
            },
        },
    )
    (gap,) = estimate_of(pool).gaps
    assert (gap.what, gap.why) == (
        "disk of each node of l4 from an image",
        "its size is unknown",
    )
    assert gap.lacks == ("residual",)
