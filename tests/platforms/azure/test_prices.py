"""What Azure declarations cost an hour while idle, worked out by hand from public price lists: the
region comes from the resource, what it belongs to, its group, its provider or the configuration."""

from __future__ import annotations

import datetime
from decimal import Decimal as D
from typing import Any

import pytest

from tests.cases import stack_of
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.settings import Settings

TODAY = datetime.date(2026, 11, 27)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def declared(kind: str, props: dict[str, Any], name: str = "one") -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "urn": f"urn:pulumi:dev::case::{kind}::{name}",
        "props": props,
    }


def report(*resources: dict[str, Any], config: dict[str, str] | None = None) -> Report:
    stack = stack_of({"resources": list(resources), "config": config or {}})
    return judge((stack,), open_book(), Settings(), TODAY)


GROUP = declared(
    "azure-native:resources:ResourceGroup", {"resourceGroupName": "ml", "location": "westeurope"}
)
VM = {"hardwareProfile": {"vmSize": "Standard_NC24ads_A100_v4"}}
CLUSTER = declared(
    "azure-native:containerservice:ManagedCluster",
    {
        "resourceName": "ml",
        "location": "West Europe",
        "agentPoolProfiles": [
            {"name": "s", "mode": "System", "count": 1, "vmSize": "Standard_D4s_v5"}
        ],
    },
    "cluster",
)
POOL = {
    "resourceName": "ml",
    "agentPoolName": "gpu",
    "mode": "User",
    "vmSize": "Standard_NC4as_T4_v3",
    "count": 2,
}
ENVIRONMENT = declared(
    "azure-native:app:ManagedEnvironment",
    {
        "environmentName": "env",
        "location": "eastus",
        "workloadProfiles": [
            {"name": "t4", "workloadProfileType": "Consumption-GPU-NC8as-T4"},
            {"name": "a100", "workloadProfileType": "Consumption-GPU-NC24-A100"},
        ],
    },
    "env",
)


def app(profile: str, resources: dict[str, Any] | None) -> dict[str, Any]:
    container = {"name": "c", "image": "i", **({"resources": resources} if resources else {})}
    props = {
        "environmentId": "/subscriptions/s/resourceGroups/ml/managedEnvironments/env",
        "location": "eastus",
        "workloadProfileName": profile,
        "template": {"containers": [container], "scale": {"minReplicas": 1}},
    }
    return declared("azure-native:app:ContainerApp", props, "app")


@pytest.mark.parametrize(
    ("resources", "config", "hourly"),
    [
        # The size's list price in the resource's own location.
        ([declared("azure-native:compute:VirtualMachine", {**VM, "location": "eastus"})], {}, "3.673"),
        # In the configuration's location, in either provider's words.
        ([declared("azure-native:compute:VirtualMachine", VM)], {"azure-native:location": "SwedenCentral"}, "4.775"),
        # In its resource group's.
        ([GROUP, declared("azure-native:compute:VirtualMachine", {**VM, "resourceGroupName": "ml"})], {}, "4.775"),
        # A pool is where its cluster is: two T4 nodes at 0.658.
        ([CLUSTER, declared("azure-native:containerservice:AgentPool", POOL)], {}, "1.316"),
        # Two nodes of eight H100.
        (
            [
                declared(
                    "azure:containerservice/kubernetesClusterNodePool:KubernetesClusterNodePool",
                    {"name": "h", "kubernetesClusterId": UNKNOWN, "vmSize": "Standard_ND96isr_H100_v5", "nodeCount": 2},
                )
            ],
            {"azure:location": "eastus"},
            "196.64",
        ),
        # Three of a scale set at 3.06.
        (
            [
                declared(
                    "azure:compute/linuxVirtualMachineScaleSet:LinuxVirtualMachineScaleSet",
                    {"sku": "Standard_NC6s_v3", "instances": 3, "location": "East US"},
                )
            ],
            {},
            "9.18",
        ),
        # One node of a compute cluster.
        (
            [
                declared(
                    "azure-native:machinelearningservices:Compute",
                    {
                        "location": "eastus",
                        "properties": {
                            "computeType": "AmlCompute",
                            "properties": {
                                "vmSize": "STANDARD_NC96ADS_A100_V4",
                                "scaleSettings": {"minNodeCount": 1, "maxNodeCount": 2},
                            },
                        },
                    },
                )
            ],
            {},
            "14.692",
        ),
        # A reservation of two.
        (
            [
                declared(
                    "azure-native:compute:CapacityReservation",
                    {
                        "location": "eastus",
                        "capacityReservationGroupName": "g",
                        "sku": {"name": "Standard_NC40ads_H100_v5", "capacity": 2},
                    },
                )
            ],
            {},
            "13.96",
        ),
        # GPU 0.000073, 4 vCPU at 0.000024 and 8 GiB at 0.000003 a second.
        ([ENVIRONMENT, app("t4", {"cpu": 4, "memory": "8Gi"})], {}, "0.6948"),
        # GPU 0.000529, 24 vCPU and 220 GiB: the whole profile where nothing smaller is asked for.
        ([ENVIRONMENT, app("a100", None)], {}, "6.354"),
        # 15 units at one dollar.
        (
            [
                declared(
                    "azure-native:cognitiveservices:Deployment",
                    {
                        "accountName": "a",
                        "sku": {"name": "GlobalProvisionedManaged", "capacity": 15},
                        "properties": {"model": {"name": "gpt-4o"}},
                    },
                )
            ],
            {"azure-native:location": "eastus"},
            "15",
        ),
    ],
)  # fmt: skip
def test_floor_by_hand(resources: list[Any], config: dict[str, str], hourly: str) -> None:
    found = report(*resources, config=config)
    assert found.floor.verdict == "held"
    assert found.estimate.floor.hourly.amount == D(hourly), found.estimate.items


@pytest.mark.parametrize(
    "resource",
    [
        declared(
            "azure:batch/pool:Pool",
            {
                "vmSize": "Standard_NC6s_v3",
                "location": "eastus",
                "fixedScale": {"targetDedicatedNodes": 0, "targetLowPriorityNodes": 1},
            },
        ),
        declared(
            "azure-native:cognitiveservices:Deployment",
            {"sku": {"name": "ProvisionedManaged", "capacity": 50}, "location": "eastus"},
        ),
        declared("azure-native:compute:VirtualMachine", {**VM, "location": UNKNOWN}, "somewhere"),
    ],
)
def test_what_has_no_price_is_unpriced_never_free(resource: dict[str, Any]) -> None:
    found = report(resource)
    assert found.floor.verdict == "held"
    assert any(gap.blocks for gap in found.estimate.gaps)


def test_what_bills_at_zero_gpus() -> None:
    cluster = declared(
        "azure:containerservice/kubernetesCluster:KubernetesCluster",
        {
            "name": "ml",
            "location": "eastus",
            "skuTier": "Standard",
            "networkProfile": {"outboundType": "userDefinedRouting"},
            "defaultNodePool": {"name": "s", "vmSize": "Standard_D4s_v5", "nodeCount": 1},
        },
        "cluster",
    )
    pool = declared(
        "azure:containerservice/kubernetesClusterNodePool:KubernetesClusterNodePool",
        {
            "name": "gpu",
            "kubernetesClusterId": "/x/managedClusters/ml",
            "vmSize": "Standard_NC4as_T4_v3",
            "autoScalingEnabled": True,
            "minCount": 0,
            "maxCount": 2,
        },
        "gpu",
    )
    disk = declared(
        "azure-native:compute/v20240302:Disk",
        {"location": "eastus", "diskSizeGB": 128, "sku": {"name": "Premium_LRS"}},
        "disk",
    )
    address = declared(
        "azure:network/publicIp:PublicIp", {"location": "eastus", "sku": "Standard"}, "ip"
    )
    found = report(cluster, pool, disk, address)
    assert found.floor.verdict == "zero"
    # 0.10 the Standard tier, 19.71 a month the P10 disk, 0.005 the address.
    assert found.estimate.residual is not None
    assert found.estimate.residual.hourly.amount == D("0.105") + D("19.71") / 730
    # The system pool runs, too; its size has no price here, so it is named.
    (system,) = [gap for gap in found.estimate.gaps if "Standard_D4s_v5" in gap.what]
    assert (system.lacks, system.blocks) == (("residual",), False)
