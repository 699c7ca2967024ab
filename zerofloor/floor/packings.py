"""The pods of an estate packed into its nodes: in the hours of an idle week, at creation and at
peak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from zerofloor.capacity import WEEK, Pool
from zerofloor.floor.matching import Meeting
from zerofloor.floor.packing import Group, Nodes, Packed, pack
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value

_MOST_PODS: Final = 100_000
"""More pods than that are packed as that many: the ceiling is a money figure, not a plan."""


class Demand(Value, frozen=True, kw_only=True):
    """The workloads of an estate under their scalers."""

    workloads: tuple[Scaled, ...]
    daemons: tuple[Scaled, ...]
    """One pod on each node that matches."""


class Level(Value, frozen=True):
    """What is needed in those hours of a week in which at least everything of so many hours is
    held."""

    hours: Decimal
    standing: Mapping[str, int]
    packed: Packed


class Packings(Value, frozen=True):
    """What runs in the hours of an idle week, at creation, and at the busiest."""

    levels: tuple[Level, ...]
    desired: Packed
    busiest: Packed

    @property
    def peak(self) -> Packed:
        """The hours of an idle week in which the most runs."""
        return self.levels[-1].packed


Asker: TypeAlias = tuple[Scaled, ...]
"""Workloads whose pods ask for the same kind of GPU and may land on the same pools."""


def pack_everything(meeting: Meeting, demand: Demand) -> Packings:
    """The estate's pods in its nodes: by hours of an idle week, at creation, at the busiest."""
    daemons = tuple(group_of(s, 1) for s in demand.daemons)
    levels = tuple(_pack_levels(meeting, demand.workloads, daemons))
    at_creation = {
        pool.key: max(pool.desired or 0, levels[0].standing.get(pool.key, 0))
        for pool in meeting.pools
        if pool.shapes
    }
    return Packings(
        levels=levels,
        desired=pack(meeting, at_creation, _desired_pods(demand), daemons),
        busiest=pack(meeting, levels[-1].standing, _most_pods(demand), daemons),
    )


def _pack_levels(
    meeting: Meeting, workloads: tuple[Scaled, ...], daemons: tuple[Group, ...]
) -> Iterator[Level]:
    """From what is held all week to the peak of the schedules (which are assumed to coincide)."""
    for hours in sorted(_hours_of(meeting.pools, workloads), reverse=True):
        standing = {pool.key: own for pool in meeting.pools if (own := own_nodes(pool, hours))}
        kept = ((s, s.pods(hours)) for s in workloads)
        groups = (Group(s.workload.key, s.workload.pod, pods) for s, pods in kept if pods)
        yield Level(hours, standing, pack(meeting, standing, groups, daemons))


def _hours_of(pools: Iterable[Pool], workloads: Iterable[Scaled]) -> set[Decimal]:
    hours = {WEEK}
    for pool in pools:
        hours.update(hold.hours_per_week for hold in (*pool.holds, *pool.extra))
    for s in workloads:
        hours.update(hold.hours_per_week for hold in s.holds)
    return hours


def _desired_pods(demand: Demand) -> Iterator[Group]:
    for s in demand.workloads:
        if s.desired:
            yield group_of(s, s.desired)


def _most_pods(demand: Demand) -> Iterator[Group]:
    for s in demand.workloads:
        if s.ceiling:
            yield group_of(s, min(s.ceiling, _MOST_PODS))


def group_of(s: Scaled, replicas: int) -> Group:
    pods = 1 if s.workload.daemon else replicas * s.workload.pods_per_replica
    return Group(s.workload.key, s.workload.pod, pods)


def own_nodes(pool: Pool, hours: Decimal) -> int:
    """Nodes that a pool's own declaration keeps for at least so many hours of a week."""
    if not pool.shapes:
        return 0
    largest = max((hold.least for hold in pool.holds if hold.hours_per_week >= hours), default=0)
    return largest + sum(hold.least for hold in pool.extra if hold.hours_per_week >= hours)


def nodes_for(pool: Pool, s: Scaled, pods: int) -> tuple[Nodes, ...]:
    """The nodes that a pool by itself would add for some pods of a workload."""
    return pack(Meeting((pool,)), {}, (Group(s.workload.key, s.workload.pod, pods),)).nodes.get(
        pool.key, ()
    )


def is_of_unknown_type(pool: Pool) -> bool:
    """Whether what its nodes are can't be read, so that they may have GPUs."""
    return not pool.shapes and pool.placement is not None


def only_gpu(pool: Pool) -> bool:
    """Whether every node of the pool has a GPU."""
    return bool(pool.shapes) and all(is_gpu(shape) for shape in pool.shapes)


def has_gpu(pool: Pool) -> bool:
    """Whether a node of the pool can have a GPU."""
    return any(is_gpu(shape) for shape in pool.shapes)


def is_gpu(shape: Shape) -> bool:
    return shape.gpus != 0


def follows_pods(pool: Pool) -> bool:
    """Whether waiting pods decide how many nodes there are and of which type."""
    return pool.placement is not None and pool.placement.karpenter
