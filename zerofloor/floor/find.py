"""The joint analysis: pools, workloads and scalers together → what is held after a week without a
request, and by what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec.structs import replace

from zerofloor.capacity import Assumption, Capacity, Notice, Pool, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.floor.doubts import find_doubts
from zerofloor.floor.entries import pool_entries, workload_entry
from zerofloor.floor.matching import Meeting, kind_of
from zerofloor.floor.misfits import find_misfits
from zerofloor.floor.packing import Packed
from zerofloor.floor.packings import (
    Asker,
    Demand,
    Packings,
    has_gpu,
    is_of_unknown_type,
    only_gpu,
    pack_everything,
)
from zerofloor.floor.result import Entry, Floor, Verdict
from zerofloor.floor.retained import Retained, doubt, doubt_eviction, find_retained
from zerofloor.floor.scaling import Scaled, scale
from zerofloor.hardware.instances import Shape
from zerofloor.prices.ranking import cheapest_first, is_listed
from zerofloor.structs import Value


def find_floor(capacity: Capacity, estate: Estate) -> Floor:
    """The verdict on an estate's capacity, with an entry for each pool and workload that has to do
    with a GPU."""
    meeting = Meeting(ready_pools(capacity))
    demand = _find_demand(capacity, estate, meeting.pools)
    packings = pack_everything(meeting, demand)
    reasons = _find_reasons(capacity, meeting, demand, packings)
    entries = sorted(_build_entries(meeting, demand, packings, reasons), key=_by_place)
    misfits = tuple(find_misfits(meeting, demand.workloads))
    return _sum_up(tuple(entries), capacity, demand, packings, misfits)


def ready_pools(capacity: Capacity) -> tuple[Pool, ...]:
    """The pools, the types of each in the order in which they are taken."""
    pools = (
        replace(pool, shapes=_in_order(pool)) if len(pool.shapes) > 1 else pool
        for pool in capacity.pools
    )
    unread = tuple(
        w
        for w in capacity.workloads
        if (w.daemon and w.pod.do_not_disrupt is None) or (w.schedule_hidden and w.ceiling != 0)
    )
    staying = tuple(
        w
        for w in capacity.workloads
        if w.pod.unevictable
        and w.ceiling != 0
        and not w.daemon
        and not w.pod.wants_gpu
        and w.kind not in ("Job", "CronJob")
    )
    if staying:
        pools = (doubt_eviction(pool, staying) for pool in tuple(pools))
    if not unread:
        return tuple(pools)
    return tuple(doubt(pool, unread) for pool in pools)


def _in_order(pool: Pool) -> tuple[Shape, ...]:
    """A pool's shapes as they are taken: in the declared order, or the cheapest first.

    A type without GPUs that has no price is taken before all others.
    """
    if pool.prioritized:
        return pool.shapes
    unpriced = tuple(shape for shape in pool.shapes if shape.gpus == 0 and not is_listed(shape))
    priced = (shape for shape in pool.shapes if shape not in unpriced)
    return (*unpriced, *cheapest_first(priced))


def _concerns_gpus(workload: Workload) -> bool:
    """Whether a workload has to do with GPUs where no pool has any."""
    pod = workload.pod
    # Of a workload without a GPU there is a word only where the API server refuses its GPUs.
    return pod.wants_gpu or pod.pinned or workload.pod_unread or bool(workload.notices)


def _find_demand(capacity: Capacity, estate: Estate, pools: tuple[Pool, ...]) -> Demand:
    """The workloads under their scalers; those without a GPU only where GPU nodes can take them."""
    near_gpus = any(
        pool.placement is not None and (has_gpu(pool) or is_of_unknown_type(pool)) for pool in pools
    )
    scaled = [s for s in scale(capacity, estate) if near_gpus or _concerns_gpus(s.workload)]
    return Demand(
        workloads=tuple(s for s in scaled if not s.workload.daemon),
        daemons=tuple(s for s in scaled if s.workload.daemon),
    )


class _Reasons(Value, frozen=True, kw_only=True):
    """Who is behind the nodes of a pool, each by the key of a pool or workload."""

    askers: Mapping[str, tuple[Asker, ...]]
    """By pool: the workloads that ask for GPUs and that it would take, equal pods together."""
    carried: Mapping[str, tuple[Scaled, ...]]
    """By pool: the workloads whose pods it carries in an idle week."""
    strays: Mapping[str, tuple[Pool, ...]]
    """By workload without GPUs: the GPU pools that provision nodes for it."""
    doubts: Mapping[str, tuple[Undecided, ...]]
    """By workload without GPUs: what is hidden, if it may keep a GPU node for that."""
    retained: Mapping[str, Retained]
    """By pool: the nodes that stay after the busy hour."""


def _find_reasons(
    capacity: Capacity, meeting: Meeting, demand: Demand, packings: Packings
) -> _Reasons:
    askers = _find_askers(meeting, demand.workloads)
    return _Reasons(
        askers=askers,
        carried=_find_carried(demand.workloads, packings.peak),
        strays=_find_strays(meeting.pools, demand.workloads, packings.peak),
        doubts=find_doubts(meeting, demand, packings),
        retained=find_retained(meeting.pools, askers, capacity),
    )


def _find_askers(
    meeting: Meeting, workloads: tuple[Scaled, ...]
) -> Mapping[str, tuple[Asker, ...]]:
    alike: dict[object, list[Scaled]] = {}
    for s in workloads:
        if s.workload.pod.wants_gpu:
            kind = kind_of(s.workload.pod), s.workload.pod.tolerations
            alike.setdefault(kind, []).append(s)
    askers: dict[str, list[Asker]] = defaultdict(list)
    for same in alike.values():
        for pool, _ in meeting.takers(same[0].workload.pod):
            askers[pool.key].append(tuple(same))
    return {key: tuple(groups) for key, groups in askers.items()}


def _find_carried(
    workloads: tuple[Scaled, ...], packed: Packed
) -> Mapping[str, tuple[Scaled, ...]]:
    carried: dict[str, list[Scaled]] = defaultdict(list)
    for s in workloads:
        for key in packed.carried_by.get(s.workload.key, ()):
            carried[key].append(s)
    return {key: tuple(scaled) for key, scaled in carried.items()}


def _find_strays(
    pools: tuple[Pool, ...], workloads: tuple[Scaled, ...], packed: Packed
) -> Mapping[str, tuple[Pool, ...]]:
    without_gpu = {s.workload.key for s in workloads if not s.workload.pod.wants_gpu}
    strays: dict[str, list[Pool]] = defaultdict(list)
    for pool in pools:
        if not only_gpu(pool):
            continue
        for key in packed.brought.get(pool.key, ()):
            if key in without_gpu:
                strays[key].append(pool)
    return {key: tuple(pools) for key, pools in strays.items()}


def _build_entries(
    meeting: Meeting, demand: Demand, packings: Packings, reasons: _Reasons
) -> Iterator[Entry]:
    for pool in meeting.pools:
        yield from pool_entries(
            pool,
            askers=reasons.askers.get(pool.key, ()),
            carried=reasons.carried.get(pool.key, ()),
            packings=packings,
            retained=reasons.retained.get(pool.key),
        )
    for s in demand.workloads:
        strays = reasons.strays.get(s.workload.key, ())
        entry = workload_entry(
            s,
            meeting=meeting,
            strays=strays,
            doubts=reasons.doubts.get(s.workload.key, ()),
            packings=packings,
        )
        if entry is not None:
            yield entry


def _by_place(entry: Entry) -> tuple[str, str, str, str]:
    first = ""
    if entry.supply is not None and entry.supply.shapes:
        first = entry.supply.shapes[0].instance_type
    return entry.urn, entry.platform, entry.name, first


def _sum_up(
    entries: tuple[Entry, ...],
    capacity: Capacity,
    demand: Demand,
    packings: Packings,
    misfits: tuple[Notice, ...],
) -> Floor:
    """The verdict over all entries. GPUs and nodes count once, where they bill."""
    undecided = {u for entry in entries for u in entry.undecided} | set(capacity.undecided)
    verdict = Verdict.ZERO
    if any(entry.verdict is Verdict.HELD for entry in entries):
        verdict = Verdict.HELD
    elif undecided:
        verdict = Verdict.UNDECIDED
    billing = [entry for entry in entries if entry.supply is not None]
    return Floor(
        verdict=verdict,
        gpus=None if verdict is Verdict.UNDECIDED else _sum_gpus(billing),
        nodes=None if verdict is Verdict.UNDECIDED else _sum_nodes(billing),
        entries=entries,
        undecided=tuple(sorted(undecided, key=lambda u: (u.urn, u.path, u.why))),
        notices=_collect_notices(entries, capacity, demand, misfits),
        assumptions=_collect_assumptions(entries, capacity, demand, packings),
        accounted=capacity.accounted,
    )


def _sum_gpus(billing: list[Entry]) -> Decimal:
    return sum((entry.gpus for entry in billing if entry.gpus is not None), Decimal(0))


def _sum_nodes(billing: list[Entry]) -> int | None:
    """None where the number of nodes of a held entry is not known."""
    total = 0
    for entry in billing:
        if entry.verdict is Verdict.UNDECIDED:
            continue
        if entry.nodes is None:
            return None
        total += entry.nodes
    return total


def _collect_notices(
    entries: tuple[Entry, ...], capacity: Capacity, demand: Demand, misfits: tuple[Notice, ...]
) -> tuple[Notice, ...]:
    relevant = {entry.urn for entry in entries}
    notices = [n for pool in capacity.pools if pool.urn in relevant for n in pool.notices]
    notices += [n for s in demand.workloads for n in s.notices]
    notices += (*capacity.notices, *misfits)
    unique: dict[tuple[str, str, str], Notice] = {}
    for notice in notices:
        unique.setdefault((notice.urn, notice.cause.value, notice.message), notice)
    return tuple(unique[key] for key in sorted(unique))


def _collect_assumptions(
    entries: tuple[Entry, ...], capacity: Capacity, demand: Demand, packings: Packings
) -> tuple[Assumption, ...]:
    relevant = {entry.urn for entry in entries}
    assumptions = {a for pool in capacity.pools if pool.urn in relevant for a in pool.assumptions}
    for s in demand.workloads:
        if s.workload.urn in relevant:
            assumptions.update(s.assumptions)
    assumptions.update(capacity.assumptions)
    # A hint may be why something is no entry: what the verdict rests on is printed all the same.
    given = [a for pool in capacity.pools for a in pool.assumptions]
    given += [a for workload in capacity.workloads for a in workload.assumptions]
    assumptions.update(a for a in given if a.source == "hint")
    assumptions.update(_assume_elsewhere(demand.workloads, packings.peak))
    return tuple(sorted(assumptions, key=lambda a: (a.what, a.because, a.source)))


def _assume_elsewhere(workloads: tuple[Scaled, ...], peak: Packed) -> Iterable[Assumption]:
    for s in workloads:
        if s.workload.pod.wants_gpu and s.workload.key in peak.elsewhere:
            yield Assumption(
                f"{s.workload.kind} {s.workload.name} runs in a cluster whose GPU nodes are not "
                "declared here",
                "no pool here is meant for its pods, so their GPUs are counted by themselves",
            )
