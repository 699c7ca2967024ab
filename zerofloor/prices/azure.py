"""What Azure's services sell by meters of their own: Container Apps by GPU, vCPU and memory,
OpenAI by provisioned throughput unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from zerofloor.patterns import lazy
from zerofloor.prices.embedded import ManagedRow, Row, managed_rows

CONTAINER_APPS: Final = "container-apps"
OPENAI: Final = "azure-openai"

_REGION: Final = "eastus"
"""The only region whose Container Apps meters the snapshot has."""

_VCPU: Final = Decimal("0.000024") * 3600
_GIB: Final = Decimal("0.000003") * 3600
"""USD an hour for an active vCPU and an active GiB (Container Apps, consumption plan, eastus,
2026-08-01): they are charged beside the GPU's meter."""

_REPLICA: Final = lazy(
    r"consumption-gpu-nc\d+(?:as)?-(t4|a100)(?: with ([\d.]+) vcpu and ([\d.]+) gib)?"
)
_UNITS: Final = lazy(r"(\d{1,6}) ptu globalprovisionedmanaged")
_WHOLE: Final = {"t4": (Decimal(8), Decimal(56)), "a100": (Decimal(24), Decimal(220))}


def price_of(item: str, region: str, service: str) -> Row | None:
    """The price of one hour, `item` in lower case; None where the snapshot has none."""
    if service == CONTAINER_APPS:
        return _replica(item, region)
    return _throughput(item) if service == OPENAI else None


def _replica(item: str, region: str) -> Row | None:
    match = _REPLICA.fullmatch(item)
    if match is None or region != _REGION:
        return None
    meter = next(
        (row for row in _rows("azure-container-apps", "GPU meter alone") if _is(row, match[1])),
        None,
    )
    if meter is None:
        return None
    whole = _WHOLE[match[1]]
    vcpus = whole[0] if match[2] is None else Decimal(match[2])
    memory = whole[1] if match[3] is None else Decimal(match[3])
    return Row(
        usd=meter.usd + vcpus * _VCPU + memory * _GIB,
        unit="hour",
        source=meter.source,
        as_of=meter.as_of,
    )


def _throughput(item: str) -> Row | None:
    match = _UNITS.fullmatch(item)
    found = next(iter(_rows("azure-openai", "Provisioned Managed Global Unit")), None)
    if match is None or found is None:
        return None
    return Row(
        usd=Decimal(match[1]) * found.usd, unit="hour", source=found.source, as_of=found.as_of
    )


def _is(row: ManagedRow, gpu: str) -> bool:
    return row.gpu.lower().startswith(gpu)


def _rows(provider: str, product: str) -> list[ManagedRow]:
    return [row for row in managed_rows(provider) if product in row.product]
