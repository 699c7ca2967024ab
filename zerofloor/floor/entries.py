"""The entry of each pool and workload: its verdict, what holds it, what bills for it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from zerofloor.capacity import WEEK, Cause, Evidence, Hold, Pool, Undecided
from zerofloor.floor.matching import Meeting, tolerates
from zerofloor.floor.packing import Group, Nodes, Packed, pack
from zerofloor.floor.packings import (
    Asker,
    Level,
    Packings,
    follows_pods,
    is_gpu,
    nodes_for,
    only_gpu,
    own_nodes,
)
from zerofloor.floor.result import Entry, Supply, Verdict
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import Shape


def pool_entries(
    pool: Pool,
    askers: tuple[Asker, ...],
    carried: tuple[Scaled, ...],
    packings: Packings,
    kept: tuple[Hold, Nodes] | None,
) -> Iterable[Entry]:
    """The entries of a pool: one, or one a shape where its floor has several; none for a pool that
    is no matter of GPUs."""
    levels = packings.levels
    peak = packings.peak.nodes.get(pool.key, ())
    peak = tuple(nodes for nodes in peak if is_gpu(nodes.shapes[0]))
    only_gpu = bool(pool.shapes) and all(is_gpu(shape) for shape in pool.shapes)
    mixed = not only_gpu and any(is_gpu(shape) for shape in pool.shapes) and not follows_pods(pool)
    undecided = pool.undecided
    if mixed and own_nodes(pool, Decimal(0)):
        why = (
            f"its {own_nodes(pool, Decimal(0))} nodes may be of a type with GPUs or of one without"
        )
        undecided = (
            *undecided,
            Undecided(pool.urn, "", why, "Name types of one kind, or add a waiver"),
        )
        peak = ()
    if not (peak or only_gpu or undecided or kept):
        return
    holds = tuple(hold for hold in (*pool.holds, *pool.extra) if hold.least and not mixed)
    if kept is not None:
        holds = (*holds, kept[0])
        if not peak:
            peak = (kept[1],)
    if kept is not None or not peak:
        hours = WEEK
    else:
        hours = max(
            (level.hours for level in levels if level.packed.nodes.get(pool.key)), default=WEEK
        )
    evidence = _distinct(
        (
            *pool.evidence,
            *(e for hold in holds for e in hold.evidence),
            *_carrying(carried, pool, packings.peak),
        )
    )
    rows = peak or (Nodes(_usual(pool, askers), 0),)
    tail = max((s.idle_tail for same in askers for s in same), default=Decimal(0))
    for index, nodes in enumerate(rows):
        first = nodes.shapes[0] if nodes.shapes else None
        count = nodes.count if pool.shapes else 0
        gpus = (
            Decimal(0)
            if first is None
            else (Decimal(1) if first.gpus is None else first.gpus) * count
        )
        verdict: Verdict = "held" if count else "undecided" if undecided else "zero"
        yield Entry(
            urn=pool.urn,
            kind="pool",
            name=pool.name,
            platform=pool.platform,
            verdict=verdict,
            gpus=None if verdict == "undecided" else gpus,
            nodes=None if verdict == "undecided" else count,
            hours_per_week=hours if count else Decimal(0),
            evidence=evidence,
            holds=tuple(sorted(holds, key=lambda h: (-h.least, h.urn, h.cause.value)))
            if count
            else (),
            undecided=undecided if index == 0 else (),
            supply=Supply(
                cloud=pool.cloud,
                shapes=nodes.shapes,
                market=pool.market,
                region=pool.region,
                price_as=pool.price_as,
                nodes=count,
                node_hours_per_week=count * WEEK
                if kept is not None
                else _node_hours(pool, levels, first),
                desired=_desired(pool, packings.desired, first, index == 0),
                ceiling=_ceiling(pool, askers, packings.busiest, rows) if index == 0 else 0,
                idle_tail=tail + (pool.placement.reclaim if pool.placement else Decimal(0)),
                overlap=pool.overlap if index == 0 else 0,
                os=pool.os,
            ),
        )


def _node_hours(pool: Pool, levels: tuple[Level, ...], shape: Shape | None) -> Decimal:
    total = Decimal(0)
    before = 0
    for level in levels:
        now = sum(
            nodes.count
            for nodes in level.packed.nodes.get(pool.key, ())
            if nodes.shapes[0] == shape
        )
        total += max(0, now - before) * level.hours
        before = max(before, now)
    return total


def _desired(pool: Pool, desired: Packed, shape: Shape | None, first: bool) -> int:
    """Nodes at creation; those of shapes that the floor does not have count with its first row."""
    nodes = [n for n in desired.nodes.get(pool.key, ()) if is_gpu(n.shapes[0])]
    own = sum(n.count for n in nodes if n.shapes[0] == shape)
    return (
        max(own, 0)
        if not first
        else max(sum(n.count for n in nodes), 0)
        if len(nodes) <= 1
        else own or sum(n.count for n in nodes)
    )


def _ceiling(
    pool: Pool, askers: tuple[Asker, ...], busiest: Packed, rows: tuple[Nodes, ...]
) -> int | None:
    """Nodes at most: the pool's own maximum, or what its pods and limits allow; None where nothing
    limits it."""
    floor = sum(nodes.count for nodes in rows)
    if pool.ceiling is not None or not follows_pods(pool):
        return None if pool.ceiling is None else max(pool.ceiling, floor)
    if askers and all(s.ceiling is not None and not s.undecided for same in askers for s in same):
        return max(
            floor,
            sum(
                nodes.count for nodes in busiest.nodes.get(pool.key, ()) if is_gpu(nodes.shapes[0])
            ),
        )
    limits = pool.placement.limits if pool.placement else {}
    per_node = rows[0].shapes[0].gpus if rows[0].shapes else None
    allowed = [
        int(limit // per_node)
        for name, limit in limits.items()
        if is_accelerator(name) and per_node
    ]
    return max(floor, min(allowed)) if allowed else None


def _usual(pool: Pool, askers: tuple[Asker, ...]) -> tuple[Shape, ...]:
    """What a node of a pool that holds nothing would be: the cheapest that its pods fit on, else
    the cheapest with a GPU."""
    for same in askers:
        for s in same[:_TRIED]:
            one = nodes_for(pool, s, 1)
            if one:
                return one[0].shapes
    return tuple(shape for shape in pool.shapes if is_gpu(shape))


_TRIED: Final = 20
"""Of so many workloads with like pods one will fit on a node, if any does."""


def workload_entry(
    s: Scaled, meeting: Meeting, strays: tuple[Pool, ...], packings: Packings
) -> Entry | None:
    workload = s.workload
    urn = workload.urn
    pods = s.pods(Decimal(0))
    peak = packings.peak
    pending = peak.pending.get(workload.key, 0)
    elsewhere = peak.elsewhere.get(workload.key, 0)
    carried = tuple(
        dict.fromkeys(key.partition("#")[0] for key in peak.carried_by.get(workload.key, ()))
    )
    matters = (
        workload.pod.wants_gpu
        or workload.pod_unread
        or (bool(s.undecided) and _may_stray(s, meeting, packings.levels[-1]))
    )
    undecided = s.undecided if matters else ()
    if pending and workload.pod.wants_gpu:
        undecided = (*undecided, _unplaced(s, meeting, pending))
    if not workload.pod.wants_gpu and not strays and not undecided:
        return None
    holds = tuple(hold for hold in s.holds if hold.least)
    if strays:
        holds = tuple(
            hold if hold.cause is Cause.CAPACITY_BUFFER else _stray(s, hold, strays)
            for hold in holds[:1]
        )
    evidence = (*s.evidence, *workload.evidence, *(e for hold in holds for e in hold.evidence))
    running = pods - pending if workload.pod.wants_gpu else len(strays)
    homeless = workload.pod.wants_gpu and not meeting.meant(workload.pod)
    supply = _own_supply(s, packings, elsewhere) if homeless else None
    gpus = (workload.pod.gpus or Decimal(1 if workload.pod.open_count else 0)) * running
    nodes: int | None = None
    if supply is not None:
        # Of what size the nodes are that carry them elsewhere, and so how many, nothing says.
        nodes = supply.nodes if supply.shapes or not supply.nodes else None
        if supply.shapes and supply.nodes and not carried:
            gpus = (supply.shapes[0].gpus or Decimal(1)) * supply.nodes
    verdict: Verdict = "held" if running > 0 and holds else "undecided" if undecided else "zero"
    hours = max((hold.hours_per_week for hold in holds), default=Decimal(0))
    return Entry(
        urn=urn,
        kind="workload",
        name=f"{workload.name} ({workload.part})" if workload.part else workload.name,
        platform=workload.kind,
        verdict=verdict,
        gpus=None if verdict == "undecided" else gpus if verdict == "held" else Decimal(0),
        nodes=nodes if verdict != "undecided" else None,
        hours_per_week=hours if verdict == "held" else Decimal(0),
        evidence=_distinct(evidence),
        holds=holds if verdict == "held" else (),
        undecided=undecided,
        supply=supply,
        carried_by=carried,
    )


def _may_stray(s: Scaled, meeting: Meeting, busiest: Level) -> bool:
    """Whether a pod without a GPU, of a workload whose pods can't be counted, would bring a node
    with GPUs."""
    if not any(only_gpu(pool) for pool, _ in meeting.takers(s.workload.pod)):
        return False
    brought = pack(meeting, busiest.standing, (Group(s.workload.key, s.workload.pod, 1),)).brought
    return any(pool.key in brought and only_gpu(pool) for pool in meeting.pools)


def _own_supply(s: Scaled, packings: Packings, elsewhere: int) -> Supply:
    """What bills for pods that no pool of the estate is meant for: nodes of the type that they
    select, else of none that is known."""
    shape = s.workload.node_shape
    per_node = _pods_per_node(s, shape)
    hours = Decimal(0)
    before = 0
    for level in packings.levels:
        now = -(-level.packed.elsewhere.get(s.workload.key, 0) // per_node)
        hours += max(0, now - before) * level.hours
        before = max(before, now)
    at_creation = packings.desired.elsewhere.get(s.workload.key, 0)
    ceiling = None if s.ceiling is None else -(-s.ceiling * s.workload.pods_per_replica // per_node)
    return Supply(
        cloud=shape.cloud if shape else "",
        shapes=(shape,) if shape else (),
        market="on-demand",
        region=s.workload.region,
        price_as=None,
        nodes=-(-elsewhere // per_node),
        node_hours_per_week=hours,
        desired=-(-at_creation // per_node),
        ceiling=ceiling,
        idle_tail=s.idle_tail,
    )


def _pods_per_node(s: Scaled, shape: Shape | None) -> int:
    gpus = s.workload.pod.gpus
    if shape is None or not shape.gpus or not gpus or s.workload.pod.one_per_node:
        return 1
    return max(1, int(shape.gpus // gpus))


def _unplaced(s: Scaled, meeting: Meeting, pending: int) -> Undecided:
    meant = [pool for pool, _ in meeting.meant(s.workload.pod)]
    kept_off = [pool.name for pool in meant if not tolerates(s.workload.pod, pool)]
    names = ", ".join(sorted(pool.name for pool in meant))
    why = (
        f"taints of {', '.join(sorted(kept_off))} keep them off"
        if len(kept_off) == len(meant)
        else "their size or a limit keeps them off"
    )
    text = (
        f"{pending} of its pods are meant for {names} and can't run there: {why}; another "
        "pool, outside what is judged here, may take them"
    )
    return Undecided(
        s.workload.urn,
        "",
        text,
        (
            "Let the pool take them (tolerations, limits, sizes), or judge the other pool "
            "along (--join)"
        ),
    )


def _stray(s: Scaled, hold: Hold, strays: tuple[Pool, ...]) -> Hold:
    pool = strays[0]
    because = Evidence(
        pool.urn,
        "spec.template.spec.taints",
        None,
        f"nothing keeps pods without a GPU off {pool.name}, which is tried first for them",
    )
    fix = f"Give {pool.name} a NoSchedule taint, or the CPU NodePool a higher weight"
    return Hold(
        Cause.STRAY_POD,
        s.workload.urn,
        hold.units,
        (*hold.evidence, because),
        fix,
        hold.hours_per_week,
    )


def _carrying(carried: tuple[Scaled, ...], pool: Pool, packed: Packed) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            s.workload.urn,
            "",
            None,
            (
                f"{s.pods(Decimal(0))} pods of {s.workload.kind} {s.workload.name} run on "
                f"{pool.name} without a request"
            ),
        )
        for s in carried
        if s.workload.pod.wants_gpu or s.workload.key in packed.brought.get(pool.key, ())
    )


def _distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(
        {(link.urn, link.path, link.because, repr(link.value)): link for link in evidence}.values()
    )
