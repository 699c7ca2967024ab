"""What runs in the hours of an idle week, at creation and at the busiest: the pods of an estate
packed into its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from zerofloor.capacity import WEEK, Pool
from zerofloor.floor.matching import Meeting
from zerofloor.floor.packing import Group, Nodes, Packed, pack
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.instances import Shape


@dataclass(frozen=True, slots=True)
class Level:
    """What is needed in those hours of a week in which at least everything of so many hours is
    held."""

    hours: Decimal
    standing: Mapping[str, int]
    packed: Packed


@dataclass(frozen=True, slots=True)
class Packings:
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


def levels_of(
    meeting: Meeting, scaled: tuple[Scaled, ...], daemons: tuple[Group, ...]
) -> tuple[Level, ...]:
    """From what is held all week to what is held at the peak of the schedules (which are taken to
    coincide)."""
    hours = {WEEK}
    hours.update(
        hold.hours_per_week for pool in meeting.pools for hold in (*pool.holds, *pool.extra)
    )
    hours.update(hold.hours_per_week for s in scaled for hold in s.holds)
    found: list[Level] = []
    for level in sorted(hours, reverse=True):
        standing = {pool.key: own for pool in meeting.pools if (own := own_nodes(pool, level))}
        groups = (
            Group(s.workload.key, s.workload.pod, pods) for s in scaled if (pods := s.pods(level))
        )
        found.append(Level(level, standing, pack(meeting, standing, groups, daemons)))
    return tuple(found)


def own_nodes(pool: Pool, hours: Decimal) -> int:
    """Nodes that a pool's own declaration keeps for at least so many hours of a week."""
    if not pool.shapes:
        return 0
    largest = max((hold.least for hold in pool.holds if hold.hours_per_week >= hours), default=0)
    return largest + sum(hold.least for hold in pool.extra if hold.hours_per_week >= hours)


def nodes_for(pool: Pool, s: Scaled, pods: int) -> tuple[Nodes, ...]:
    """The nodes that a pool by itself would bring for some pods of a workload."""
    return pack(Meeting((pool,)), {}, (Group(s.workload.key, s.workload.pod, pods),)).nodes.get(
        pool.key, ()
    )


def only_gpu(pool: Pool) -> bool:
    return bool(pool.shapes) and all(is_gpu(shape) for shape in pool.shapes)


def is_gpu(shape: Shape) -> bool:
    return shape.gpus != 0


def follows_pods(pool: Pool) -> bool:
    """Whether waiting pods decide how many nodes there are and of which type."""
    return pool.placement is not None and pool.placement.karpenter
