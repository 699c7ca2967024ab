"""Capacity reservations: they bill used or not; a machine that uses one replaces it (Azure,
"On-demand capacity reservation")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from zerofloor.capacity import WEEK, Cause, Part, Pool
from zerofloor.estate import Estate
from zerofloor.platforms.azure import aks, compute
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.pools import Supply, fixed, pools
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.stack import Hidden

RESERVATIONS: Final = (
    "azure-native:compute:CapacityReservation",
    "azure:compute/capacityReservation:CapacityReservation",
)
GROUPS: Final = (
    "azure-native:compute:CapacityReservationGroup",
    "azure:compute/capacityReservationGroup:CapacityReservationGroup",
)
READS: Final = frozenset({*RESERVATIONS, *GROUPS})

_USES: Final = (
    "capacityReservation.capacityReservationGroup.id",
    "virtualMachineProfile.capacityReservation.capacityReservationGroup.id",
    "capacityReservationGroupId",
    "capacityReservationGroupID",
)


def read(estate: Estate) -> Iterator[Part]:
    """Every reservation, less what machines of the estate use of it."""
    sources = tuple(azure.declared(estate, *RESERVATIONS))
    if not sources:
        return
    used = _used(estate)
    for source in sources:
        yield from _reservation(estate, source, used)


def _used(estate: Estate) -> Mapping[tuple[str, str], int]:
    """By reservation group and size (in lower case): the machines that bill all week and use it."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for part in (*compute.read(estate), *aks.read(estate)):
        if not isinstance(part, Pool) or len(part.shapes) != 1 or part.urn not in estate.by_urn:
            continue
        resource = estate.by_urn[part.urn]
        source = Declared(resource, resource.inputs, resource.name)
        prefix = f"{part.part}." if part.part else ""
        group = _group(estate, source, *(f"{prefix}{path}" for path in _USES))
        if group is not None:
            lasting = (hold.least for hold in part.holds if hold.hours_per_week == WEEK)
            found[group, part.shapes[0].instance_type.lower()] += max(lasting, default=0)
    return found


def _group(estate: Estate, source: Declared, *paths: str) -> str | None:
    """Which group a property certainly means: its key, else its name."""
    field = source.field(*paths)
    if field.is_absent:
        return None
    link = azure.linked(estate, source, field.path, GROUPS)
    if link.certain is not None:
        return link.certain.key
    if isinstance(field.value, str) and not link.found:
        return field.value.rstrip("/").rsplit("/", 1)[-1].lower()
    return None


def _reservation(
    estate: Estate, source: Declared, used: Mapping[tuple[str, str], int]
) -> Iterator[Part]:
    field = source.field("sku") if isinstance(source.inputs.get("sku"), Hidden) else None
    field = field or source.field("sku.name")
    found = azure.machines(estate, source, field.path, field.value)
    number = size(source, ["sku.capacity"])
    if isinstance(number, Size) and number.value is None:
        number = source.open("sku.capacity", "How much is reserved isn't given")
    group = _group(estate, source, "capacityReservationGroupName", "capacityReservationGroupId")
    taken = used.get((group or "", str(field.value).lower()), 0)
    if isinstance(number, Size) and number.known is not None and taken:
        rest = max(0, number.known - taken)
        number = replace(number, value=rest, default=f"{taken} of it is in use and counts there")
    supply = Supply(source=source, platform="Capacity reservation", machines=found)
    held = fixed(
        supply,
        number,
        cause=Cause.RESERVATION,
        because="reserved capacity bills, used or not",
        fix="Set sku.capacity to 0",
    )
    yield from pools(estate, held)
