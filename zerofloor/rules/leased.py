"""Checks over leases: which ran out, end soon or can't be read, once for each thing that is
leased."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Final, TypeAlias

from zerofloor.capacity import Capacity, Evidence
from zerofloor.leases import Lease, leases
from zerofloor.rules.rule import Judged, Problem
from zerofloor.stack import Resource
from zerofloor.words import counted, shown

SOON: Final = datetime.timedelta(days=3)
"""How long before its end a lease is reported."""

Carried: TypeAlias = tuple[Resource, Lease, int]
"""A resource, its lease, and how many others are not reported since they carry the same one."""


def carried_leases(judged: Judged) -> Iterator[Carried]:
    """The leases of an estate with GPUs.

    Tags are often put on everything at once: of the resources with the same end, those that make
    or scale GPUs are reported, or the first one if there are none.
    """
    if not judged.floor.entries:
        return
    by_end: dict[datetime.datetime | str, list[tuple[Resource, Lease]]] = {}
    for urn in sorted(judged.estate.by_urn):
        resource = judged.estate.by_urn[urn]
        for lease in leases(resource.inputs):
            end = lease.ends or f"{lease.why}: {shown(lease.value)}"
            by_end.setdefault(end, []).append((resource, lease))
    if not by_end:
        return
    own = _gpu_urns(judged.capacity)
    for group in by_end.values():
        chosen = [pair for pair in group if pair[0].urn in own] or group[:1]
        others = len(group) - len(chosen)
        for index, (resource, lease) in enumerate(chosen):
            yield resource, lease, others if index == 0 else 0


def lease_problem(carried: Carried, fault: str, fix: str) -> Problem:
    """The finding about one lease."""
    resource, lease, others = carried
    kind = resource.type.rsplit(":", 1)[-1]
    also = f"; {counted(others, 'other resource')} with the same" if others else ""
    return Problem(
        resource.urn,
        (
            f"The lease of {kind} {resource.name} {fault} "
            f"({lease.path} is {shown(lease.value)}{also})."
        ),
        fix,
        (Evidence(resource.urn, lease.path, lease.value, fault),),
        place=lease.path,
    )


def _gpu_urns(capacity: Capacity) -> frozenset[str]:
    """What makes GPUs, asks for them or scales either."""
    return frozenset(
        (
            *(pool.urn for pool in capacity.pools),
            *(workload.urn for workload in capacity.workloads),
            *(scaler.urn for scaler in capacity.scalers),
        )
    )
