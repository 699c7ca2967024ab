"""What Google declarations cost an hour while idle, worked out by hand from public price lists: the
region comes from the resource, its zone, its cluster, its provider or the configuration."""

from __future__ import annotations

import datetime
from decimal import Decimal as D
from typing import Any

import pytest

from tests.cases import stack_of
from zerofloor.cost.estimate import Estimate
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.settings import Settings

TODAY = datetime.date(2026, 11, 27)


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


def residual(estimate: Estimate) -> D:
    assert estimate.residual is not None
    return estimate.residual.hourly.amount.quantize(D("0.0001"))


VM = "gcp:compute/instance:Instance"
CLUSTER = declared(
    "gcp:container/cluster:Cluster",
    {"name": "ml", "location": "europe-west4", "removeDefaultNodePool": True},
    "ml",
)
POOL = "gcp:container/nodePool:NodePool"
RUN = "gcp:cloudrunv2/service:Service"
CONTAINER = {"resources": {"limits": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}}}
L4_SERVICE = {
    "location": "us-central1",
    "template": {
        "nodeSelector": {"accelerator": "nvidia-l4"},
        "scaling": {"minInstanceCount": 1},
        "containers": [CONTAINER],
    },
}
UNREDUNDANT = {
    **L4_SERVICE,
    "template": {**L4_SERVICE["template"], "gpuZonalRedundancyDisabled": True},  # type: ignore[dict-item]
}


def with_limits(cpu: str, memory: str) -> dict[str, Any]:
    """The service whose container has these limits."""
    limits = {"cpu": cpu, "memory": memory, "nvidia.com/gpu": "1"}
    containers = [{"resources": {"limits": limits}}]
    return {**L4_SERVICE, "template": {**L4_SERVICE["template"], "containers": containers}}  # type: ignore[dict-item]


LARGE_SERVICE = with_limits("8", "32Gi")
SMALL_SERVICE = with_limits("2", "8Gi")
T4 = [{"type": "nvidia-tesla-t4", "count": 2}]

PRICED = [
    # g2-standard-4 in us-central1: 0.706832 (karpenter-provider-gcp, 2026-08-03).
    ((VM, {"zone": "us-central1-a", "machineType": "g2-standard-4"}), "0.706832"),
    # The same as spot: 0.397336.
    (
        (
            VM,
            {
                "zone": "us-central1-a",
                "machineType": "g2-standard-4",
                "scheduling": {"provisioningModel": "SPOT"},
            },
        ),
        "0.397336",
    ),
    # n1-standard-8 0.38 and two T4 at 0.35 each: 1.08 (SkyPilot's catalogue).
    (
        (VM, {"zone": "us-central1-b", "machineType": "n1-standard-8", "guestAccelerators": T4}),
        "1.08",
    ),
    # Three nodes of g2-standard-24 at 2.102975 in the cluster's region.
    (
        (POOL, {"cluster": "ml", "nodeCount": 1, "nodeConfig": {"machineType": "g2-standard-24"}}),
        "6.308925",
    ),
    # v5litepod-8: 9.60; the same by the chip, 8 x 1.20.
    (("gcp:tpu/v2Vm:V2Vm", {"zone": "us-west4-a", "acceleratorType": "v5litepod-8"}), "9.6"),
    # v5p 2x2x1: four chips at 4.20.
    (
        (
            "gcp:tpu/v2Vm:V2Vm",
            {"zone": "us-east5-a", "acceleratorConfig": {"type": "V5P", "topology": "2x2x1"}},
        ),
        "16.8",
    ),
    # A GKE node of four v5e chips at 1.56 in each of three zones.
    (
        (
            POOL,
            {"cluster": "ml", "nodeCount": 1, "nodeConfig": {"machineType": "ct5lp-hightpu-4t"}},
        ),
        "18.72",
    ),
    # L4 with redundancy 1.04724, four vCPU at 0.0648, 16 GiB at 0.0072: 1.42164.
    ((RUN, L4_SERVICE), "1.42164"),
    # Without redundancy 0.67212 and the same 0.3744: 1.04652.
    ((RUN, UNREDUNDANT), "1.04652"),
    # Eight vCPU and 32 GiB beside it: 1.04724 + 8 * 0.0648 + 32 * 0.0072.
    ((RUN, LARGE_SERVICE), "1.79604"),
    # Two vCPU and 8 GiB are less than the smallest instance with an L4 has: priced as that.
    ((RUN, SMALL_SERVICE), "1.42164"),
    # A reservation of two a2-highgpu-1g at 3.673385.
    (
        (
            "gcp:compute/reservation:Reservation",
            {
                "zone": "us-central1-c",
                "specificReservation": {
                    "count": 2,
                    "instanceProperties": {"machineType": "a2-highgpu-1g"},
                },
            },
        ),
        "7.34677",
    ),
]


@pytest.mark.parametrize(("one", "hourly"), PRICED)
def test_idle_price_an_hour(one: tuple[str, dict[str, Any]], hourly: str) -> None:
    found = report(declared(*one), CLUSTER).estimate
    assert found.floor.hourly.amount == D(hourly)
    assert not found.unpriced


@pytest.mark.parametrize(
    ("props", "config", "hourly"),
    [
        ({"zone": "europe-west4-b"}, {}, "0.742916"),
        ({}, {"gcp:zone": "us-central1-a"}, "0.706832"),
        ({}, {"gcp:region": "europe-west4", "gcp:zone": "europe-west4-a"}, "0.742916"),
        ({"zone": "us-west4-a"}, {"gcp:region": "europe-west4"}, "0.796105"),
    ],
)
def test_the_region_of_a_vm(props: dict[str, Any], config: dict[str, str], hourly: str) -> None:
    vm = declared(VM, {"machineType": "g2-standard-4", **props})
    assert report(vm, config=config).estimate.floor.hourly.amount == D(hourly)


def test_a_card_and_its_machine_are_printed_each() -> None:
    vm = {"zone": "us-central1-b", "machineType": "n1-standard-8", "guestAccelerators": T4}
    items = [item for item in report(declared(VM, vm)).estimate.items if "floor" in item.counts_in]
    assert [item.price.amount for item in items] == [D("0.70"), D("0.38")]
    assert [item.quantity for item in items] == [1, 1]
    assert "nvidia-tesla-t4" in items[0].what
    assert "n1-standard-8" in items[1].what


def test_a_machine_without_a_price_leaves_the_cards_as_a_lower_bound() -> None:
    vm = {"zone": "us-central1-b", "machineType": "n1-highmem-8", "guestAccelerators": T4}
    found = report(declared(VM, vm)).estimate
    assert found.floor.hourly.amount == D("0.70")
    assert any("lower bound" in item.what for item in found.items)


def test_the_fee_of_a_service_is_said_and_left_out() -> None:
    pool = {
        "region": "us-central1",
        "dedicatedResources": {
            "minReplicaCount": 1,
            "machineSpec": {"machineType": "g2-standard-4"},
        },
    }
    kind = "gcp:vertex/aiDeploymentResourcePool:AiDeploymentResourcePool"
    found = report(declared(kind, pool)).estimate
    assert found.floor.hourly.amount == D("0.706832")
    assert any("Vertex AI's own fee" in item.what for item in found.items)


def test_what_is_not_sold_on_demand_is_unpriced() -> None:
    """No on-demand price of a3-ultragpu exists: never 0, and it blocks."""
    found = report(declared(VM, {"zone": "us-central1-a", "machineType": "a3-ultragpu-8g"}))
    assert found.floor.verdict == "held"
    assert found.estimate.unpriced


def test_what_bills_beside_the_gpus() -> None:
    """The cluster's fee 0.10, and each GPU node's 200 GB of pd-ssd at 0.17 a month and GB; the disk
    of a stopped VM stays."""
    cluster = declared(
        "gcp:container/cluster:Cluster",
        {"name": "z", "location": "us-central1-a", "removeDefaultNodePool": True},
        "z",
    )
    pool = declared(
        POOL,
        {
            "cluster": "z",
            "nodeCount": 2,
            "nodeConfig": {"machineType": "g2-standard-4", "diskSizeGb": 200, "diskType": "pd-ssd"},
        },
    )
    estimate = report(cluster, pool).estimate
    assert residual(estimate) == D("0.1000")
    nodes = 2 * (D("0.706832") + 200 * D("0.17") / 730)
    assert round(estimate.floor.hourly.amount, 6) == round(nodes, 6)
    stopped = declared(
        VM,
        {
            "zone": "us-central1-a",
            "machineType": "g2-standard-4",
            "desiredStatus": "TERMINATED",
            "bootDisk": {"initializeParams": {"size": 100, "type": "pd-balanced"}},
        },
        "vm",
    )
    found = report(stopped)
    assert found.floor.verdict == "zero"
    assert residual(found.estimate) == (D(10) / 730).quantize(D("0.0001"))


def test_a_card_without_a_price_never_costs_only_its_machine() -> None:
    """K80 are no longer sold: the n1-standard-8 alone has a price, the node has none."""
    cards = [{"type": "nvidia-tesla-k80", "count": 1}]
    vm = {"zone": "us-central1-a", "machineType": "n1-standard-8", "guestAccelerators": cards}
    found = report(declared(VM, vm)).estimate
    assert found.unpriced
    assert found.floor.hourly.amount == 0
