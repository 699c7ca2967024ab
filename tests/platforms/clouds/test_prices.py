"""What the smaller clouds' GPUs cost an hour by the price lists, worked out by hand; what is sold in
another currency is unpriced and says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.outcomes import report_on
from zerofloor.stack import Resource, Stack

PRICED: list[tuple[str, dict[str, Any], str]] = [
    # 8 × 4.41 an hour.
    ("digitalocean:index/droplet:Droplet", {"size": "gpu-h100x8-640gb", "region": "x"}, "35.28"),
    # Two bare-metal nodes of four GB200 at 16.00.
    (
        "oci:ContainerEngine/nodePool:NodePool",
        {"nodeShape": "BM.GPU.GB200.4", "nodeConfigDetails": {"size": 2}},
        "128",
    ),
    ("linode:index/instance:Instance", {"type": "g2-gpu-rtx4000a1-s", "region": "x"}, "0.52"),
    ("vultr:index/instance:Instance", {"plan": "vcg-a40-24c-120g-48vram"}, "1.712"),
    (
        "kubernetes:compute.coreweave.com/v1alpha1:NodePool",
        {"spec": {"instanceType": "gd-8xh100ib-i128", "targetNodes": 2}},
        "98.48",
    ),
    # Preemptible: 8 × 2.15.
    (
        "nebius:index/computeV1Instance:ComputeV1Instance",
        {
            "resources": {"platform": "gpu-h100-sxm", "preset": "8gpu-128vcpu-1600gb"},
            "preemptible": {"onPreemption": "STOP"},
        },
        "17.2",
    ),
    ("lambdalabs:index/instance:Instance", {"instanceTypeName": "gpu_8x_h100_sxm5"}, "31.92"),
    ("crusoe:index/computeInstance:ComputeInstance", {"type": "l40s-48gb.4x"}, "6"),
    # One replica of two H100 at 7.00 a GPU-hour.
    (
        "fireworks:index:Deployment",
        {
            "baseModel": "m",
            "acceleratorType": "NVIDIA_H100_80GB",
            "acceleratorCount": 2,
            "minReplicaCount": 1,
        },
        "14",
    ),
    # Two workers of one A100 80GB at 0.00076 a second.
    ("runpod:index:Endpoint", {"gpuIds": "AMPERE_80", "workersMin": 2}, "5.472"),
]

UNPRICED: list[tuple[str, dict[str, Any], str]] = [
    ("scaleway:instance/server:Server", {"type": "L4-1-24G"}, "EUR"),
    (
        "ovh:CloudProject/kubeNodePool:KubeNodePool",
        {"flavorName": "h100-380", "desiredNodes": 1},
        "EUR",
    ),
    ("alicloud:ecs/instance:Instance", {"instanceType": "ecs.gn7i-c8g1.2xlarge"}, "no price"),
    (
        "snowflake:index/computePool:ComputePool",
        {"instanceFamily": "GPU_NV_S", "minNodes": 1, "autoSuspendSecs": 0},
        "no price",
    ),
]


def _stack(kind: str, inputs: dict[str, Any]) -> Stack:
    return Stack("digest", (Resource(f"urn:pulumi:dev::x::{kind}::r", kind, "r", inputs),))


@pytest.mark.parametrize(("kind", "inputs", "hourly"), PRICED)
def test_priced(kind: str, inputs: dict[str, Any], hourly: str) -> None:
    estimate = report_on(_stack(kind, inputs)).estimate
    assert estimate.floor.hourly.amount == Decimal(hourly)
    assert estimate.floor.hourly.currency == "USD"
    assert not estimate.unpriced


@pytest.mark.parametrize(("kind", "inputs", "why"), UNPRICED)
def test_unpriced_is_never_zero_dollars(kind: str, inputs: dict[str, Any], why: str) -> None:
    report = report_on(_stack(kind, inputs))
    assert len(report.estimate.unpriced) == 1
    assert any(why in gap.why for gap in report.estimate.gaps)
    assert report.floor.verdict == "held"


def test_a_long_window_is_a_warning() -> None:
    """A cluster that idles ten hours before it terminates bills them after each use."""
    inputs = {"nodeTypeId": "g5.xlarge", "numWorkers": 1, "autoterminationMinutes": 600}
    report = report_on(_stack("databricks:index/cluster:Cluster", inputs))
    assert report.floor.verdict == "zero"
    assert {entry.supply.idle_tail for entry in report.floor.entries if entry.supply} == {
        Decimal(36000)
    }
    assert [finding.name for finding in report.findings] == ["long-idle-tail"] * len(
        report.findings
    )
    assert report.findings


def test_databricks_machines_are_priced_in_their_cloud() -> None:
    """Two g5.xlarge of us-east-1 at 1.006; the DBU charge is an assumption that is printed."""
    kind = "databricks:index/instancePool:InstancePool"
    stack = Stack(
        "digest",
        (
            Resource(
                f"urn:pulumi:dev::x::{kind}::r",
                kind,
                "r",
                {"nodeTypeId": "g5.xlarge", "minIdleInstances": 2},
            ),
        ),
        config={"aws:region": "us-east-1"},
    )
    report = report_on(stack)
    assert report.estimate.floor.hourly.amount == Decimal("2.012")
    assert any("DBU" in assumption.because for assumption in report.floor.assumptions)


@pytest.mark.parametrize(
    ("model", "compared"),
    [
        ("accounts/fireworks/models/gpt-oss-120b", True),
        # One of the account's own has no serverless price, nor has an unlisted one.
        ("accounts/acme/models/gpt-oss-120b", False),
        ("accounts/fireworks/models/nobody-lists-it", False),
    ],
)
def test_a_deployment_is_compared_with_its_own_model_serverless(model: str, compared: bool) -> None:
    inputs = {"baseModel": model, "acceleratorType": "NVIDIA_H100_80GB", "acceleratorCount": 2}
    found = report_on(_stack("fireworks:index:Deployment", inputs)).estimate.break_even
    assert (found is not None) == compared
    if found is not None:
        # Two H100 at 7.00 an hour for 730 hours; 0.15 and 0.60 a million tokens, a quarter out.
        blended = Decimal("0.15") * Decimal("0.75") + Decimal("0.60") * Decimal("0.25")
        assert found.dedicated_monthly.amount == Decimal("10220")
        assert found.tokens_per_month == Decimal(10220) / blended * 1_000_000
