"""The joint analysis: pools, workloads and scalers together → what is held after a week without a
request, and by what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Assumption, Capacity, Notice, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.floor.entries import pool_entries, workload_entry
from zerofloor.floor.matching import Meeting, kind_of
from zerofloor.floor.packing import Group, Packed, pack
from zerofloor.floor.packings import Asker, Packings, is_gpu, levels_of, only_gpu
from zerofloor.floor.result import Entry, Floor, Verdict
from zerofloor.floor.retained import doubted, retained
from zerofloor.floor.scaling import Scaled, scale
from zerofloor.hardware.instances import Shape
from zerofloor.prices.ranking import cheapest_first


def find_floor(capacity: Capacity, estate: Estate) -> Floor:
    """The verdict on an estate's capacity, with an entry for each pool and workload that has to do
    with a GPU."""
    pools = tuple(
        replace(pool, shapes=_ordered(pool)) if len(pool.shapes) > 1 else pool
        for pool in capacity.pools
    )
    unread = tuple(w for w in capacity.workloads if w.daemon and w.pod.do_not_disrupt is None)
    pools = tuple(doubted(pool, unread) for pool in pools) if unread else pools
    meeting = Meeting(pools)
    near_gpus = any(
        pool.placement is not None and any(is_gpu(shape) for shape in pool.shapes) for pool in pools
    )
    scaled = tuple(
        s
        for s in scale(capacity, estate)
        if near_gpus or s.workload.pod.wants_gpu or s.workload.pod_unread
    )
    daemons = tuple(Group(s.workload.key, s.workload.pod, 1) for s in scaled if s.workload.daemon)
    scaled = tuple(s for s in scaled if not s.workload.daemon)
    levels = levels_of(meeting, scaled, daemons)
    peak = levels[-1].packed
    desired = pack(
        meeting,
        {
            pool.key: max(pool.desired or 0, levels[0].standing.get(pool.key, 0))
            for pool in pools
            if pool.shapes
        },
        (
            Group(s.workload.key, s.workload.pod, s.desired * s.workload.pods_per_replica)
            for s in scaled
            if s.desired
        ),
        daemons,
    )
    packings = Packings(
        levels, desired, pack(meeting, levels[-1].standing, _busiest(scaled), daemons)
    )
    askers = _askers(meeting, scaled)
    kept = retained(pools, askers, capacity)
    carried = _carried(scaled, peak)
    strays = _strays(pools, scaled, peak)
    entries = [
        *(
            entry
            for pool in pools
            for entry in pool_entries(
                pool,
                askers.get(pool.key, ()),
                carried.get(pool.key, ()),
                packings,
                kept.get(pool.key),
            )
        ),
        *(
            entry
            for s in scaled
            if (entry := workload_entry(s, meeting, strays.get(s.workload.key, ()), packings))
            is not None
        ),
    ]
    entries.sort(key=lambda entry: (entry.urn, entry.platform, entry.name, _first_type(entry)))
    undecided = tuple(
        sorted(
            {u for entry in entries for u in entry.undecided} | set(capacity.undecided), key=_place
        )
    )
    gpus = sum(
        (entry.gpus for entry in entries if entry.supply is not None and entry.gpus is not None),
        Decimal(0),
    )
    counted = [
        entry.nodes
        for entry in entries
        if entry.supply is not None and entry.verdict != "undecided"
    ]
    nodes = None if None in counted else sum(number for number in counted if number is not None)
    held = any(entry.verdict == "held" for entry in entries)
    verdict: Verdict = "held" if held else "undecided" if undecided else "zero"
    relevant = {entry.urn for entry in entries}
    return Floor(
        verdict=verdict,
        gpus=None if verdict == "undecided" else gpus,
        nodes=None if verdict == "undecided" else nodes,
        entries=tuple(entries),
        undecided=undecided,
        notices=_unique_notices(
            [
                *(n for pool in pools if pool.urn in relevant for n in pool.notices),
                *(n for s in scaled for n in s.notices),
                *capacity.notices,
            ]
        ),
        assumptions=_unique_assumptions(
            [
                *(a for pool in pools if pool.urn in relevant for a in pool.assumptions),
                *(a for s in scaled if s.workload.urn in relevant for a in s.assumptions),
                *capacity.assumptions,
                *_elsewhere(scaled, peak),
            ]
        ),
    )


def _unique_notices(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    found: dict[tuple[str, str, str], Notice] = {}
    for notice in notices:
        found.setdefault((notice.urn, notice.cause.value, notice.message), notice)
    return tuple(found[key] for key in sorted(found))


def _unique_assumptions(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    return tuple(sorted(set(assumptions), key=lambda a: (a.what, a.because)))


def _place(undecided: Undecided) -> tuple[str, str, str]:
    return undecided.urn, undecided.path, undecided.why


def _elsewhere(scaled: tuple[Scaled, ...], peak: Packed) -> Iterable[Assumption]:
    for s in scaled:
        if s.workload.pod.wants_gpu and s.workload.key in peak.elsewhere:
            what = (
                f"{s.workload.kind} {s.workload.name} runs in a cluster whose GPU nodes are "
                "not declared here"
            )
            yield Assumption(
                what,
                "no pool of the estate is meant for its pods, so their demand counts by itself",
            )


def _first_type(entry: Entry) -> str:
    return (
        entry.supply.shapes[0].instance_type
        if entry.supply is not None and entry.supply.shapes
        else ""
    )


def _askers(meeting: Meeting, scaled: tuple[Scaled, ...]) -> Mapping[str, tuple[Asker, ...]]:
    """By pool (URN): the workloads that ask for GPUs and that it would take, those with equal pods
    together."""
    alike: dict[object, list[Scaled]] = {}
    for s in scaled:
        if s.workload.pod.wants_gpu:
            alike.setdefault((kind_of(s.workload.pod), s.workload.pod.tolerations), []).append(s)
    found: dict[str, list[Asker]] = defaultdict(list)
    for same in alike.values():
        for pool, _ in meeting.takers(same[0].workload.pod):
            found[pool.key].append(tuple(same))
    return {urn: tuple(askers) for urn, askers in found.items()}


def _carried(scaled: tuple[Scaled, ...], packed: Packed) -> Mapping[str, tuple[Scaled, ...]]:
    """By pool (URN): the workloads whose pods it carries."""
    found: dict[str, list[Scaled]] = defaultdict(list)
    for s in scaled:
        for urn in packed.carried_by.get(s.workload.key, ()):
            found[urn].append(s)
    return {urn: tuple(carried) for urn, carried in found.items()}


def _strays(
    pools: tuple[Pool, ...], scaled: tuple[Scaled, ...], packed: Packed
) -> Mapping[str, tuple[Pool, ...]]:
    """By workload without GPUs (its key): the GPU pools that bring nodes for it."""
    without = {s.workload.key for s in scaled if not s.workload.pod.wants_gpu}
    found: dict[str, list[Pool]] = defaultdict(list)
    for pool in pools:
        if pool.key in packed.brought and only_gpu(pool):
            for key in packed.brought[pool.key]:
                if key in without:
                    found[key].append(pool)
    return {key: tuple(strays) for key, strays in found.items()}


def _ordered(pool: Pool) -> tuple[Shape, ...]:
    """A pool's shapes in the order in which they are taken: as declared, or cheapest first.

    What stands for any CPU type has no price and comes before all.
    """
    if pool.prioritized:
        return pool.shapes
    unpriced = tuple(shape for shape in pool.shapes if shape.gpus == 0 and shape.vcpus is None)
    return (
        *unpriced,
        *cheapest_first((shape for shape in pool.shapes if shape not in unpriced), "on-demand"),
    )


def _busiest(scaled: tuple[Scaled, ...]) -> Iterable[Group]:
    for s in scaled:
        if s.ceiling:
            yield Group(
                s.workload.key,
                s.workload.pod,
                min(s.ceiling, _MOST_PODS) * s.workload.pods_per_replica,
            )


_MOST_PODS: Final = 100_000
