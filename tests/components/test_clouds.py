"""What the components on cloud instances declare: as the providers and the clouds want it, and
what the analysis says of each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.components.providers import SDKS, api_errors, sdk_errors
from zerofloor.engine.program import preview_in_process
from zerofloor.floor.result import Entry
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import Settings
from zerofloor.stack import UNKNOWN, Resource, Stack


class Declared:
    """The preview of clouds/, by type and Pulumi name."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.by_name: Mapping[tuple[str, str], Resource] = {
            (resource.type, resource.name): resource for resource in stack.resources
        }
        self.report = judge((stack,), open_book(), Settings(), datetime.date(2026, 11, 27))

    def inputs(self, token: str, name: str) -> Mapping[str, Any]:
        return self.by_name[token, name].inputs

    def made(self, component: str) -> list[Resource]:
        """What one component declares."""
        urns = {r.urn for r in self.stack.resources if r.name == component and not r.custom}
        return [resource for resource in self.stack.resources if resource.parent in urns]

    def entries(self, component: str) -> list[Entry]:
        urns = {resource.urn for resource in self.made(component)}
        return [entry for entry in self.report.floor.entries if entry.urn in urns]


@pytest.fixture(scope="session")
def declared() -> Declared:
    folder = Path(__file__).parent / "clouds"
    return Declared(preview_in_process(folder, "dev", time_limit=60))


def of_providers(declared: Declared) -> list[Resource]:
    return [
        resource
        for resource in declared.stack.resources
        if resource.type.split(":")[0] in SDKS and resource.name != "network"
    ]


def test_every_resource_is_as_the_providers_sdk_types_it(declared: Declared) -> None:
    found = {one.urn: sdk_errors(one.type, one.inputs) for one in of_providers(declared)}
    assert {urn: errors for urn, errors in found.items() if errors} == {}
    assert len(found) > 20


def test_the_check_sees_wrong_properties() -> None:
    wrong = {
        "clusterName": "c",
        "nodeRoleArn": "r",
        "subnetIds": "s",
        "scalingConfig": {"minSize": "0", "maxSize": 1},
        "taint": [],
    }
    assert sdk_errors("aws:eks/nodeGroup:NodeGroup", wrong) == [
        "NodeGroup.subnetIds: 's' is not typing.Sequence[typing.Union[str, "
        "collections.abc.Awaitable[str], pulumi.output.Output[NoneType]]]",
        "NodeGroup.scalingConfig.minSize: '0' is not <class 'int'>",
        "NodeGroup.scalingConfig.desiredSize: is required",
        "NodeGroup.taint: NodeGroupArgs has no such property",
    ]
    pool = {"resourceGroupName": "g", "resourceName": "c", "mode": "Users"}
    assert sdk_errors("azure-native:containerservice:AgentPool", pool) == [
        "AgentPool.mode: 'Users' is none of ['Gateway', 'System', 'User']"
    ]


@pytest.mark.parametrize(
    ("component", "verdict", "gpus", "nodes"),
    [
        ("eks", "zero", 0, 0),
        ("eks-all", "zero", 0, 0),
        ("eks-neuron", "zero", 0, 0),
        ("eks-arm", "zero", 0, 0),
        # Two nodes of four L40S each (EC2, "G6e instances").
        ("eks-min", "held", 8, 2),
    ],
)
def test_the_floor_of_each(
    declared: Declared, component: str, verdict: str, gpus: int, nodes: int
) -> None:
    (entry,) = declared.entries(component)
    assert (entry.verdict, entry.gpus, entry.nodes) == (verdict, Decimal(gpus), nodes)
    assert entry.undecided == ()


@pytest.mark.parametrize(("component", "ceiling"), [("eks", 4), ("eks-min", 4), ("eks-all", 2)])
def test_the_ceiling_is_the_argument(declared: Declared, component: str, ceiling: int) -> None:
    (entry,) = declared.entries(component)
    assert entry.supply is not None
    assert entry.supply.ceiling == ceiling


def test_children_have_their_component_as_parent(declared: Declared) -> None:
    assert all(
        resource.parent is not None and "zerofloor:index:" in resource.parent
        for resource in of_providers(declared)
    )


# EKS

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def test_a_node_group_is_empty_until_the_autoscaler_fills_it(declared: Declared) -> None:
    group = declared.by_name[GROUP, "eks"]
    assert group.inputs["scalingConfig"] == {"minSize": 0, "desiredSize": 0, "maxSize": 4}
    assert group.ignore_changes == ("scalingConfig.desiredSize",)
    assert group.inputs["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    ]
    assert group.inputs["capacityType"] == "ON_DEMAND"
    assert declared.inputs(GROUP, "eks-all")["capacityType"] == "SPOT"
    assert declared.inputs(GROUP, "eks-all")["nodeGroupName"] == "Renamed_1"


def test_the_image_has_the_drivers_of_its_types(declared: Declared) -> None:
    images = {name: declared.inputs(GROUP, name)["amiType"] for name in ("eks", "eks-arm")}
    assert images == {"eks": "AL2023_x86_64_NVIDIA", "eks-arm": "AL2023_ARM_64_NVIDIA"}
    assert declared.inputs(GROUP, "eks-neuron")["amiType"] == "AL2023_x86_64_NEURON"
    assert declared.inputs(GROUP, "eks-neuron")["taints"][0]["key"] == "aws.amazon.com/neuron"


def test_eks_accepts_the_groups(declared: Declared) -> None:
    for resource in declared.stack.resources:
        if resource.type == GROUP:
            inputs = dict(resource.inputs)
            inputs.pop("region", None)
            names = {
                "nodeGroupName": "nodegroupName",
                "nodeRoleArn": "nodeRole",
                "subnetIds": "subnets",
            }
            request = {names.get(key, key): value for key, value in inputs.items()}
            assert api_errors("eks", "CreateNodegroupRequest", request) == []


def tags_of(declared: Declared, component: str) -> dict[str, Any]:
    found = {}
    for resource in declared.made(component):
        if resource.type == "aws:autoscaling/tag:Tag":
            assert resource.inputs["autoscalingGroupName"] is UNKNOWN
            tag = resource.inputs["tag"]
            assert tag["propagateAtLaunch"] is False
            prefix = "k8s.io/cluster-autoscaler/node-template/"
            assert tag["key"].startswith(prefix)
            found[tag["key"].removeprefix(prefix)] = tag["value"]
    return found


def test_an_autoscaler_knows_the_nodes_of_an_empty_group(declared: Declared) -> None:
    assert tags_of(declared, "eks-min") == {
        "label/eks.amazonaws.com/nodegroup": "eks-min",
        "resources/nvidia.com/gpu": "4",
        "taint/nvidia.com/gpu": "present:NoSchedule",
    }
    # A g5.xlarge has one GPU and a g5.12xlarge four, so no number is right.
    assert tags_of(declared, "eks-all") == {
        "label/eks.amazonaws.com/nodegroup": "Renamed_1",
        "label/tier": "gpu",
        "label/zone": UNKNOWN,
        "taint/nvidia.com/gpu": "present:NoSchedule",
    }


def test_the_nodes_disks(declared: Declared) -> None:
    plain, own = (declared.inputs(TEMPLATE, f"{name}-template") for name in ("eks", "eks-all"))
    assert plain["blockDeviceMappings"][0]["deviceName"] == "/dev/xvda"
    assert plain["blockDeviceMappings"][0]["ebs"]["throughput"] == 250
    assert own["blockDeviceMappings"] == [
        {
            "deviceName": "/dev/xvdb",
            "ebs": {
                "volumeSize": 500,
                "volumeType": "gp3",
                "throughput": 125,
                "encrypted": "true",
                "deleteOnTermination": "true",
            },
        }
    ]
    assert "userData" in plain
    assert "userData" not in own
    assert "userData" not in declared.inputs(TEMPLATE, "eks-neuron-template")
