"""Karpenter's instance types, from the project's own instance table and price snapshot, so that
both speak of the same machines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from zerofloor.hardware.instances import accelerated_types, snapshot_rows

REGION = "us-east-1"
ZONES = ("test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d")
CPU_TYPES = {
    "m7i.large": (2, 8),
    "m7i.xlarge": (4, 16),
    "m7i.4xlarge": (16, 64),
    "m7i.16xlarge": (64, 256),
}
"""vCPUs and GiB of the CPU machines."""


def instance_types() -> list[dict[str, Any]]:
    """The file that INSTANCE_TYPES_FILE_PATH names: every AWS accelerator type with a price in the
    region, and a few CPU types."""
    gpu, cpu = _prices("gpu_prices.csv"), _prices("cpu_prices.csv")
    types = [
        _type(
            shape.instance_type,
            shape.vcpus,
            shape.memory_gib,
            gpu[shape.instance_type],
            {_resource(shape.accelerator): str(int(shape.gpus))},
        )
        for shape in accelerated_types("aws")
        if shape.gpus
        and shape.gpus == int(shape.gpus)
        and shape.vcpus
        and shape.memory_gib
        and "on_demand" in gpu.get(shape.instance_type, {})
    ]
    return types + [
        _type(name, Decimal(vcpus), Decimal(gib), cpu[name], {})
        for name, (vcpus, gib) in CPU_TYPES.items()
    ]


SPOT_SHARE = Decimal("0.4")
"""Of the on-demand price, where the snapshot has no spot price in the region: Karpenter needs one
to offer the market at all."""


def _prices(table: str) -> dict[str, dict[str, Decimal]]:
    prices: dict[str, dict[str, Decimal]] = {}
    for row in snapshot_rows(table):
        if (
            row["cloud"] == "aws"
            and row["region"] == REGION
            and row["purchase_option"] in ("on_demand", "spot")
        ):
            prices.setdefault(row["instance_type"], {})[row["purchase_option"]] = Decimal(
                row["usd_per_hour"]
            )
    return prices


def _type(
    name: str, vcpus: Decimal, gib: Decimal, prices: dict[str, Decimal], extra: dict[str, str]
) -> dict[str, Any]:
    offered = {
        "on-demand": prices["on_demand"],
        "spot": prices.get("spot", prices["on_demand"] * SPOT_SHARE),
    }
    return {
        "name": name,
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": {
            "cpu": str(vcpus),
            "memory": f"{int(gib)}Gi",
            "pods": "110",
            "ephemeral-storage": "200Gi",
            **extra,
        },
        "offerings": [
            _offering(market, zone, price) for market, price in offered.items() for zone in ZONES
        ],
    }


def _offering(market: str, zone: str, price: Decimal) -> dict[str, Any]:
    requirements = {"karpenter.sh/capacity-type": market, "topology.kubernetes.io/zone": zone}
    return {
        "Price": float(price),
        "Available": True,
        "Requirements": [
            {"key": key, "operator": "In", "values": [value]} for key, value in requirements.items()
        ],
    }


def _resource(accelerator: str) -> str:
    # The names that the vendors' device plugins give their resources.
    if "Gaudi" in accelerator:
        return "habana.ai/gaudi"
    if "Inferentia" in accelerator or "Trainium" in accelerator:
        return "aws.amazon.com/neuron"
    if "Radeon" in accelerator:
        return "amd.com/gpu"
    return "qualcomm.com/qaic" if "Qualcomm" in accelerator else "nvidia.com/gpu"
