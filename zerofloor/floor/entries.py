"""The entry of each pool and workload: its verdict, what holds it, what bills for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, assert_never

from msgspec.structs import replace

from zerofloor.capacity import WEEK, Cause, Evidence, Hold, Market, PodDemand, Pool, Undecided
from zerofloor.floor.matching import Meeting, selects_nodes, shapes_for, tolerates
from zerofloor.floor.packing import Nodes, Packed
from zerofloor.floor.packings import (
    Asker,
    Level,
    Packings,
    follows_pods,
    has_gpu,
    is_gpu,
    is_of_unknown_type,
    nodes_for,
    only_gpu,
    own_nodes,
)
from zerofloor.floor.result import Entry, EntryKind, Supply, Verdict
from zerofloor.floor.retained import Retained
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value
from zerofloor.words import counted, verb


def pool_entries(
    pool: Pool,
    *,
    askers: tuple[Asker, ...],
    carried: tuple[Scaled, ...],
    packings: Packings,
    retained: Retained | None,
) -> Iterator[Entry]:
    """The entries of a pool: one, or one a shape where its floor has several; none for a pool that
    has nothing to do with GPUs."""
    seen = _look_at(pool, packings, retained)
    if not (seen.running or only_gpu(pool) or seen.undecided or retained):
        return
    rows = seen.running or (Nodes(_usual_shapes(pool, askers), 0),)
    carrying = _carrying(carried, pool, packings.peak)
    links = (*pool.evidence, *(e for hold in seen.holds for e in hold.evidence), *carrying)
    evidence = _distinct(links)
    for index, nodes in enumerate(rows):
        supply = _supply_of_row(pool, nodes, seen, packings, askers)
        if index:
            # What belongs to the pool as a whole stands with its first row.
            supply = replace(supply, ceiling=0, overlap=0)
        else:
            desired = _desired_in_first_row(pool, packings.desired, nodes)
            ceiling = _ceiling(pool, askers, packings.busiest, rows)
            supply = replace(
                supply,
                desired=desired,
                ceiling=ceiling,
                open_start=bool(seen.undecided) and (pool.desired is None or not desired),
                open_demand=any(s.undecided for same in askers for s in same),
            )
        undecided = seen.undecided if index == 0 else ()
        yield _pool_entry(pool, supply, replace(seen, undecided=undecided), evidence)


class _Seen(Value, frozen=True, kw_only=True):
    """What is certain of a pool without any request."""

    running: tuple[Nodes, ...]
    """Its nodes with GPUs, at the peak of an idle week; empty: none is certain."""
    holds: tuple[Hold, ...]
    undecided: tuple[Undecided, ...]
    hours: Decimal
    """Hours of a week in which any of them runs."""
    all_week: bool
    """Whether they run all week, whatever the schedules say."""


def _look_at(pool: Pool, packings: Packings, retained: Retained | None) -> _Seen:
    at_peak = packings.peak.nodes.get(pool.key, ())
    running = tuple(nodes for nodes in at_peak if is_gpu(nodes.shapes[0]))
    holds = tuple(hold for hold in (*pool.holds, *pool.extra) if hold.least)
    undecided = pool.undecided
    mixed = has_gpu(pool) and not only_gpu(pool) and not follows_pods(pool)
    if mixed:
        # Its nodes may all be of a type without GPUs.
        holds = ()
        own = own_nodes(pool, Decimal(0))
        if own:
            running, undecided = (), (*undecided, _undecided_mix(pool, own))
    if retained is not None:
        return _Seen(
            running=running or (retained.nodes,),
            holds=(*holds, retained.hold),
            undecided=undecided,
            hours=WEEK,
            all_week=True,
        )
    with_nodes = [level.hours for level in packings.levels if level.packed.nodes.get(pool.key)]
    hours = max(with_nodes, default=WEEK) if running else WEEK
    return _Seen(running=running, holds=holds, undecided=undecided, hours=hours, all_week=False)


def _undecided_mix(pool: Pool, nodes: int) -> Undecided:
    why = f"Its {counted(nodes, 'node')} may be of a type with GPUs or of one without"
    return Undecided(pool.urn, "", why, "Name types of one kind, or add a waiver")


def _pool_entry(pool: Pool, supply: Supply, seen: _Seen, evidence: tuple[Evidence, ...]) -> Entry:
    nodes = supply.nodes
    verdict = _verdict(held=bool(nodes), undecided=bool(seen.undecided))
    holds = tuple(sorted(seen.holds, key=lambda h: (-h.least, h.urn, h.cause.value)))
    known = verdict is not Verdict.UNDECIDED
    return Entry(
        urn=pool.urn,
        kind=EntryKind.POOL,
        name=pool.name,
        platform=pool.platform,
        verdict=verdict,
        gpus=_gpus_per_node(supply.shapes) * nodes if known else None,
        nodes=nodes if known else None,
        hours_per_week=seen.hours if nodes else Decimal(0),
        evidence=evidence,
        holds=holds if nodes else (),
        undecided=seen.undecided,
        supply=supply,
    )


def _verdict(*, held: bool, undecided: bool) -> Verdict:
    if held:
        return Verdict.HELD
    return Verdict.UNDECIDED if undecided else Verdict.ZERO


def _gpus_per_node(shapes: tuple[Shape, ...]) -> Decimal:
    """GPUs of the node that the platform would take; at least one where no table has the count."""
    if not shapes:
        return Decimal(0)
    return Decimal(1) if shapes[0].gpus is None else shapes[0].gpus


def _supply_of_row(
    pool: Pool, nodes: Nodes, seen: _Seen, packings: Packings, askers: tuple[Asker, ...]
) -> Supply:
    count = nodes.count if pool.shapes else 0
    first = nodes.shapes[0] if nodes.shapes else None
    hours = count * WEEK if seen.all_week else _node_hours(pool, packings.levels, first)
    tail = max((s.idle_tail for same in askers for s in same), default=Decimal(0))
    reclaim = pool.placement.reclaim if pool.placement else Decimal(0)
    return Supply(
        cloud=pool.cloud,
        shapes=nodes.shapes,
        market=pool.market,
        falls_back=pool.falls_back,
        region=pool.region,
        price_as=pool.price_as,
        nodes=count,
        node_hours_per_week=hours,
        desired=_nodes_of(pool, packings.desired, first),
        ceiling=0,
        idle_tail=tail + reclaim + pool.idle_tail,
        overlap=pool.overlap,
        os=pool.os,
        model=pool.model,
    )


def _node_hours(pool: Pool, levels: tuple[Level, ...], shape: Shape | None) -> Decimal:
    return _hours_by_level((level.hours, _nodes_of(pool, level.packed, shape)) for level in levels)


def _hours_by_level(levels: Iterable[tuple[Decimal, int]]) -> Decimal:
    """Node-hours of a week: each level's nodes beyond those of the levels that last longer."""
    total = Decimal(0)
    before = 0
    for hours, nodes in levels:
        total += max(0, nodes - before) * hours
        before = max(before, nodes)
    return total


def _nodes_of(pool: Pool, packed: Packed, shape: Shape | None) -> int:
    nodes = packed.nodes.get(pool.key, ())
    return sum(some.count for some in nodes if some.shapes[0] == shape)


def _desired_in_first_row(pool: Pool, desired: Packed, nodes: Nodes) -> int:
    """Nodes at creation; those of shapes that the floor does not have count with its first row."""
    at_creation = [n for n in desired.nodes.get(pool.key, ()) if is_gpu(n.shapes[0])]
    total = sum(n.count for n in at_creation)
    if len(at_creation) <= 1:
        return total
    first = nodes.shapes[0] if nodes.shapes else None
    return sum(n.count for n in at_creation if n.shapes[0] == first) or total


def _ceiling(
    pool: Pool, askers: tuple[Asker, ...], busiest: Packed, rows: tuple[Nodes, ...]
) -> int | None:
    """Nodes at most: the pool's own maximum, or what its pods and limits allow; None: unlimited."""
    floor = sum(nodes.count for nodes in rows)
    if pool.ceiling is not None:
        return max(pool.ceiling, floor)
    if not follows_pods(pool):
        return None
    if askers and all(_is_bounded(s) for same in askers for s in same):
        most = (n.count for n in busiest.nodes.get(pool.key, ()) if is_gpu(n.shapes[0]))
        return max(floor, sum(most))
    limits = pool.placement.limits if pool.placement else {}
    per_node = rows[0].shapes[0].gpus if rows[0].shapes else None
    if not per_node:
        return None
    allowed = [int(limit // per_node) for name, limit in limits.items() if is_accelerator(name)]
    return max(floor, min(allowed)) if allowed else None


def _is_bounded(s: Scaled) -> bool:
    return s.ceiling is not None and not s.undecided


def _usual_shapes(pool: Pool, askers: tuple[Asker, ...]) -> tuple[Shape, ...]:
    """What a node of a pool that holds nothing would be: the cheapest that its pods fit on, else
    the cheapest with a GPU."""
    for same in askers:
        for s in same[:_TRIED]:
            nodes = nodes_for(pool, s, 1)
            if nodes:
                return nodes[0].shapes
    return tuple(shape for shape in pool.shapes if is_gpu(shape))


_TRIED: Final = 20
"""Of so many workloads with like pods one fits on a node, if any does."""


class _Whereabouts(Value, frozen=True, kw_only=True):
    """Where the pods of a workload are in an idle week."""

    pods: int
    """Pods that are kept."""
    pending: int
    """Of those, pods that a pool is meant for and none can take."""
    elsewhere: int
    """Of those, pods that no pool in the estate is meant for."""
    carried_by: tuple[str, ...]
    """The pools (URNs) whose nodes carry them."""
    strays: tuple[Pool, ...]
    """For pods without a GPU: the GPU pools that provision nodes for them."""


def workload_entry(
    s: Scaled,
    *,
    meeting: Meeting,
    strays: tuple[Pool, ...],
    doubts: tuple[Undecided, ...],
    packings: Packings,
) -> Entry | None:
    """The entry of a workload; None where it neither asks for GPUs nor keeps a GPU node.

    `doubts`: why its pods may keep a GPU node.
    """
    pod = s.workload.pod
    where = _locate(s, strays, packings.peak, meeting.by_key)
    undecided = _open_points(s, where, meeting, doubts)
    # A pod that insists on a GPU node keeps one, whether or not it asks for its GPUs.
    outside = (pod.wants_gpu or pod.pinned) and not meeting.meant(pod)
    if not pod.wants_gpu and not strays and not undecided and not outside:
        return None
    holds = _holds_of(s, strays)
    running = where.pods - where.pending if pod.wants_gpu or outside else len(strays)
    verdict = _verdict(held=running > 0 and bool(holds), undecided=bool(undecided))
    supply = _own_supply(s, packings, where.elsewhere) if outside else None
    if supply is not None and undecided and not supply.desired:
        supply = replace(supply, open_start=True)
    held = verdict is Verdict.HELD
    links = (*s.evidence, *s.workload.evidence, *(e for hold in holds for e in hold.evidence))
    name = f"{s.workload.name} ({s.workload.part})" if s.workload.part else s.workload.name
    return Entry(
        urn=s.workload.urn,
        kind=EntryKind.WORKLOAD,
        name=name,
        platform=s.workload.kind,
        verdict=verdict,
        gpus=_gpus_of(s, verdict, running, supply, where),
        nodes=None if verdict is Verdict.UNDECIDED else _own_nodes_of(supply),
        hours_per_week=max(hold.hours_per_week for hold in holds) if held else Decimal(0),
        evidence=_distinct(links),
        holds=holds if held else (),
        undecided=undecided,
        supply=supply,
        carried_by=where.carried_by,
    )


def _locate(
    s: Scaled, strays: tuple[Pool, ...], peak: Packed, pools: Mapping[str, Pool]
) -> _Whereabouts:
    key = s.workload.key
    carrying = (pools[pool].urn for pool in peak.carried_by.get(key, ()))
    return _Whereabouts(
        pods=s.pods(Decimal(0)),
        pending=peak.pending.get(key, 0),
        elsewhere=peak.elsewhere.get(key, 0),
        carried_by=tuple(dict.fromkeys(carrying)),
        strays=strays,
    )


def _open_points(
    s: Scaled, where: _Whereabouts, meeting: Meeting, doubts: tuple[Undecided, ...]
) -> tuple[Undecided, ...]:
    """What is undecided of a workload, where it can matter to a GPU."""
    pod = s.workload.pod
    if pod.wants_gpu and where.pending:
        return (*s.undecided, _unplaced(s, meeting, where.pending))
    if pod.wants_gpu or s.workload.pod_unread or (pod.pinned and not meeting.meant(pod)):
        return s.undecided
    if doubts:
        return doubts
    if (where.elsewhere or s.undecided) and selects_nodes(pod):
        return _on_unknown_nodes(pod, meeting)
    return ()


def _on_unknown_nodes(pod: PodDemand, meeting: Meeting) -> tuple[Undecided, ...]:
    """What can't be read of a pool that the pod selects: its nodes may have GPUs."""
    for pool in meeting.pools:
        any_node = replace(pool, shapes=(Shape(pool.cloud, "", None),))
        if is_of_unknown_type(pool) and shapes_for(any_node, pod) and tolerates(pod, pool):
            why = (
                f"Pods select the nodes of {pool.name}, whose type isn't known: they may have GPUs"
            )
            settle = "Give the type in the program or its config so that the preview knows it"
            return (Undecided(pool.urn, "", why, settle),)
    return ()


def _holds_of(s: Scaled, strays: tuple[Pool, ...]) -> tuple[Hold, ...]:
    holds = tuple(hold for hold in s.holds if hold.least)
    if not strays or not holds:
        return holds
    largest = holds[0]
    if largest.cause is Cause.CAPACITY_BUFFER:
        return (largest,)
    return (_stray(s, largest, strays),)


def _gpus_of(
    s: Scaled, verdict: Verdict, running: int, supply: Supply | None, where: _Whereabouts
) -> Decimal | None:
    """GPUs that are certainly held: those that the pods ask for, or those of whole nodes that run
    for them alone."""
    match verdict:
        case Verdict.ZERO:
            return Decimal(0)
        case Verdict.UNDECIDED:
            return None
        case Verdict.HELD:
            return _held_gpus(s, running, supply, where)
    assert_never(verdict)


def _held_gpus(s: Scaled, running: int, supply: Supply | None, where: _Whereabouts) -> Decimal:
    pod = s.workload.pod
    whole_nodes = supply is not None and (supply.shapes or not pod.wants_gpu)
    if supply is not None and whole_nodes and supply.nodes and not where.carried_by:
        each = supply.shapes[0].gpus if supply.shapes else None
        return (each or Decimal(1)) * supply.nodes
    return (pod.gpus or Decimal(1 if pod.open_count else 0)) * running


def _own_nodes_of(supply: Supply | None) -> int | None:
    """Nodes outside the estate; None where their size, and so their number, is not known."""
    if supply is None or (supply.nodes and not supply.shapes):
        return None
    return supply.nodes


def _own_supply(s: Scaled, packings: Packings, elsewhere: int) -> Supply:
    """What bills for pods that no pool of the estate is meant for: nodes of the type that they
    select, else of none that is known."""
    shape = s.workload.node_shape
    per_node = _pods_per_node(s, shape)
    hours = _hours_by_level(
        (level.hours, -(-level.packed.elsewhere.get(s.workload.key, 0) // per_node))
        for level in packings.levels
    )
    at_creation = packings.desired.elsewhere.get(s.workload.key, 0)
    ceiling = None if s.ceiling is None else -(-s.ceiling * s.workload.pods_per_replica // per_node)
    return Supply(
        cloud=shape.cloud if shape else "",
        shapes=(shape,) if shape else (),
        market=Market.ON_DEMAND,
        region=s.workload.region,
        price_as=None,
        nodes=-(-elsewhere // per_node),
        node_hours_per_week=hours,
        desired=-(-at_creation // per_node),
        ceiling=ceiling,
        idle_tail=s.idle_tail,
    )


_MANY: Final = 10**6


def _pods_per_node(s: Scaled, shape: Shape | None) -> int:
    gpus = s.workload.pod.gpus
    if not s.workload.pod.wants_gpu and not s.workload.pod.one_per_node:
        return _MANY  # Pods that ask for no GPU share a node.
    if shape is None or not shape.gpus or not gpus or s.workload.pod.one_per_node:
        return 1
    return max(1, int(shape.gpus // gpus))


def _unplaced(s: Scaled, meeting: Meeting, pending: int) -> Undecided:
    meant = [pool for pool, _ in meeting.meant(s.workload.pod)]
    kept_off = [pool.name for pool in meant if not tolerates(s.workload.pod, pool)]
    names = ", ".join(sorted(pool.name for pool in meant))
    why = (
        f"not tolerate the taints of {', '.join(sorted(kept_off))}"
        if len(kept_off) == len(meant)
        else "not fit its size or limit"
    )
    does = verb(pending, "selects", "select"), verb(pending, "does", "do")
    text = (
        f"{counted(pending, 'pod')} {does[0]} pool {names} but {does[1]} {why}; a pool outside "
        "this document may take them"
    )
    return Undecided(
        s.workload.urn,
        "",
        text,
        (
            "Let the pool take them (tolerations, limits, sizes), or check them together with the "
            "other pool's stack (--join)"
        ),
    )


def _stray(s: Scaled, hold: Hold, strays: tuple[Pool, ...]) -> Hold:
    pool = strays[0]
    because = Evidence(
        pool.urn,
        "",
        None,
        f"nothing keeps pods without a GPU off {pool.name}, which is tried first for them",
    )
    fix = (
        f"Give {pool.name} a NoSchedule taint that GPU workloads tolerate, or the CPU NodePool a "
        "higher weight"
    )
    return Hold(
        cause=Cause.STRAY_POD,
        urn=s.workload.urn,
        units=hold.units,
        evidence=(*hold.evidence, because),
        fix=fix,
        hours_per_week=hold.hours_per_week,
    )


def _carrying(carried: tuple[Scaled, ...], pool: Pool, packed: Packed) -> tuple[Evidence, ...]:
    provisioned_for = packed.brought.get(pool.key, ())
    return tuple(
        _carried_pods(s, pool)
        for s in carried
        if s.workload.pod.wants_gpu or s.workload.key in provisioned_for
    )


def _carried_pods(s: Scaled, pool: Pool) -> Evidence:
    count = s.pods(Decimal(0))
    owner = f"{s.workload.kind} {s.workload.name}"
    runs = verb(count, "runs", "run")
    because = f"{counted(count, 'pod')} of {owner} {runs} on {pool.name} without a request"
    return Evidence(s.workload.urn, "", None, because)


def _distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(
        {(link.urn, link.path, link.because, repr(link.value)): link for link in evidence}.values()
    )
