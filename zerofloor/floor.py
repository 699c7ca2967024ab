"""The joint analysis: pools, workloads and scalers together → what is held after a week without a request, and by what."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from zerofloor.accelerators import is_accelerator
from zerofloor.capacity import WEEK, Assumption, Capacity, Cause, Evidence, Hold, Market, Notice, Pool, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.instances import Shape
from zerofloor.joint.matching import Meeting, kind_of, shapes_for, tolerates
from zerofloor.joint.packing import Group, Nodes, Packed, pack
from zerofloor.joint.scaling import Scaled, scale
from zerofloor.prices.ranking import cheapest_first
from zerofloor.schedules import BadSchedule, hours_for

Verdict = Literal["zero", "held", "undecided"]


@dataclass(frozen=True, slots=True)
class Supply:
    """What bills: nodes of a pool, or the nodes that pods need where no pool of theirs is declared."""

    cloud: str
    """aws, gcp, azure, …; empty where nothing says it."""
    shapes: tuple[Shape, ...]
    """What a node may be, cheapest by the us-east-1 list first; empty where not known."""
    market: Market
    region: str | None
    price_as: str | None
    """The service whose price applies (`sagemaker`, …); None: the cloud's plain machine."""
    nodes: int
    """Nodes held at one time, without a request."""
    node_hours_per_week: Decimal
    """Node-hours of a week without a request: a schedule's share counts for its hours."""
    desired: int
    """Nodes at creation."""
    ceiling: int | None
    """Nodes at most; None: unbounded."""
    idle_tail: Decimal = Decimal(0)
    """Seconds from the last request until the node is gone, by the scalers and reclaimers in the stack."""
    overlap: int = 0
    """Nodes that bill twice while a create-before-delete replacement runs."""
    os: str = "linux"
    """linux or windows: each has its own price."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One pool or workload with its verdict."""

    urn: str
    kind: Literal["pool", "workload"]
    name: str
    platform: str
    """EKS managed node group, Deployment, …"""
    verdict: Verdict
    gpus: Decimal | None
    """GPUs that are certainly held at one time; None where undecided and nothing is held for certain."""
    nodes: int | None
    """Nodes that are certainly held; None for a workload that a pool of the estate carries, or where not known."""
    hours_per_week: Decimal
    """Hours of a week in which anything is held."""
    evidence: tuple[Evidence, ...]
    holds: tuple[Hold, ...] = ()
    """What holds it, the most first."""
    undecided: tuple[Undecided, ...] = ()
    supply: Supply | None = None
    """What bills for this entry; None for a workload whose pods a pool of the estate carries (that pool bills)."""
    carried_by: tuple[str, ...] = ()
    """For a workload the pools (URNs) whose nodes its held pods need."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The verdict on an estate."""

    verdict: Verdict
    gpus: Decimal | None
    nodes: int | None
    entries: tuple[Entry, ...]
    """Sorted by URN; only what has to do with a GPU (a CPU group is no entry)."""
    undecided: tuple[Undecided, ...] = ()
    """All of them, those of the entries included."""
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def find_floor(capacity: Capacity, estate: Estate) -> Floor:
    """The verdict on an estate's capacity, with an entry for each pool and workload that has to do with a GPU."""
    pools = tuple(replace(pool, shapes=_ordered(pool)) if len(pool.shapes) > 1 else pool for pool in capacity.pools)
    unread = tuple(w for w in capacity.workloads if w.daemon and w.pod.do_not_disrupt is None)
    pools = tuple(_doubted(pool, unread) for pool in pools) if unread else pools
    meeting = Meeting(pools)
    near_gpus = any(pool.placement is not None and any(_is_gpu(shape) for shape in pool.shapes) for pool in pools)
    scaled = tuple(s for s in scale(capacity, estate) if near_gpus or s.workload.pod.wants_gpu or s.workload.pod_unread)
    daemons = tuple(Group(s.workload.key, s.workload.pod, 1) for s in scaled if s.workload.daemon)
    scaled = tuple(s for s in scaled if not s.workload.daemon)
    levels = _levels(meeting, scaled, daemons)
    peak = levels[-1].packed
    desired = pack(
        meeting,
        {pool.key: max(pool.desired or 0, levels[0].standing.get(pool.key, 0)) for pool in pools if pool.shapes},
        (Group(s.workload.key, s.workload.pod, s.desired * s.workload.pods_per_replica) for s in scaled if s.desired),
        daemons,
    )
    packings = _Packings(levels, desired, pack(meeting, levels[-1].standing, _busiest(scaled), daemons))
    askers = _askers(meeting, scaled)
    kept = _retained(pools, askers, capacity)
    carried = _carried(scaled, peak)
    strays = _strays(pools, scaled, peak)
    entries = [
        *(
            entry
            for pool in pools
            for entry in _pool_entries(pool, askers.get(pool.key, ()), carried.get(pool.key, ()), packings, kept.get(pool.key))
        ),
        *(entry for s in scaled if (entry := _workload_entry(s, meeting, strays.get(s.workload.key, ()), packings)) is not None),
    ]
    entries.sort(key=lambda entry: (entry.urn, entry.platform, entry.name, _first_type(entry)))
    undecided = tuple(sorted({u for entry in entries for u in entry.undecided} | set(capacity.undecided), key=_place))
    gpus = sum((entry.gpus for entry in entries if entry.supply is not None and entry.gpus is not None), Decimal(0))
    counted = [entry.nodes for entry in entries if entry.supply is not None and entry.verdict != "undecided"]
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


@dataclass(frozen=True, slots=True)
class _Level:
    """What is needed in those hours of a week in which at least everything of so many hours is held."""

    hours: Decimal
    standing: Mapping[str, int]
    packed: Packed


@dataclass(frozen=True, slots=True)
class _Packings:
    """What runs in the hours of an idle week, at creation, and at the busiest."""

    levels: tuple[_Level, ...]
    desired: Packed
    busiest: Packed

    @property
    def peak(self) -> Packed:
        """The hours of an idle week in which the most runs."""
        return self.levels[-1].packed


Asker: TypeAlias = tuple[Scaled, ...]
"""Workloads whose pods ask for the same kind of GPU and may land on the same pools."""


def _levels(meeting: Meeting, scaled: tuple[Scaled, ...], daemons: tuple[Group, ...]) -> tuple[_Level, ...]:
    """From what is held all week to what is held at the peak of the schedules (which are taken to coincide)."""
    hours = {WEEK}
    hours.update(hold.hours_per_week for pool in meeting.pools for hold in (*pool.holds, *pool.extra))
    hours.update(hold.hours_per_week for s in scaled for hold in s.holds)
    found: list[_Level] = []
    for level in sorted(hours, reverse=True):
        standing = {pool.key: own for pool in meeting.pools if (own := _own(pool, level))}
        groups = (Group(s.workload.key, s.workload.pod, pods) for s in scaled if (pods := s.pods(level)))
        found.append(_Level(level, standing, pack(meeting, standing, groups, daemons)))
    return tuple(found)


def _own(pool: Pool, hours: Decimal) -> int:
    """Nodes that a pool's own declaration keeps for at least so many hours of a week."""
    if not pool.shapes:
        return 0
    largest = max((hold.least for hold in pool.holds if hold.hours_per_week >= hours), default=0)
    return largest + sum(hold.least for hold in pool.extra if hold.hours_per_week >= hours)


def _ordered(pool: Pool) -> tuple[Shape, ...]:
    """A pool's shapes in the order in which they are taken: as declared, or cheapest first.

    What stands for any CPU type has no price and comes before all.
    """
    if pool.prioritized:
        return pool.shapes
    unpriced = tuple(shape for shape in pool.shapes if shape.gpus == 0 and shape.vcpus is None)
    return (*unpriced, *cheapest_first((shape for shape in pool.shapes if shape not in unpriced), "on-demand"))


def _busiest(scaled: tuple[Scaled, ...]) -> Iterable[Group]:
    for s in scaled:
        if s.ceiling:
            yield Group(s.workload.key, s.workload.pod, min(s.ceiling, _MOST_PODS) * s.workload.pods_per_replica)


_MOST_PODS: Final = 100_000


def _askers(meeting: Meeting, scaled: tuple[Scaled, ...]) -> Mapping[str, tuple[Asker, ...]]:
    """By pool (URN): the workloads that ask for GPUs and that it would take, those with equal pods together."""
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


def _strays(pools: tuple[Pool, ...], scaled: tuple[Scaled, ...], packed: Packed) -> Mapping[str, tuple[Pool, ...]]:
    """By workload without GPUs (its key): the GPU pools that bring nodes for it."""
    without = {s.workload.key for s in scaled if not s.workload.pod.wants_gpu}
    found: dict[str, list[Pool]] = defaultdict(list)
    for pool in pools:
        if pool.key in packed.brought and _only_gpu(pool):
            for key in packed.brought[pool.key]:
                if key in without:
                    found[key].append(pool)
    return {key: tuple(strays) for key, strays in found.items()}


def _retained(pools: tuple[Pool, ...], askers: Mapping[str, tuple[Asker, ...]], capacity: Capacity) -> Mapping[str, tuple[Hold, Nodes]]:
    """Pools (by URN) whose nodes stay after the busy hour, with the hold and the least that stays.

    That needs pods that bring nodes: those of the estate, or, where it has none for the pool, those that it is there for.
    """
    kept: dict[str, tuple[Hold, Nodes]] = {}
    pinning = tuple(workload for workload in capacity.workloads if workload.daemon and workload.pod.do_not_disrupt)
    for pool in pools:
        placement = pool.placement
        if placement is None or placement.expires:
            continue
        hold = placement.retained or _pinned_by_daemon(pool, pinning) or _reused(pool, askers.get(pool.key, ()))
        gpu_shapes = tuple(shape for shape in pool.shapes if _is_gpu(shape))
        if hold is None or not gpu_shapes or not placement.grows:
            continue
        meant = askers.get(pool.key, ())
        coming = next((s for same in meant for s in same if s.ceiling != 0 or s.desired), None)
        if coming is not None:
            nodes = _nodes_for(pool, coming, coming.workload.pods_per_replica)
            if nodes:
                kept[pool.key] = (hold, Nodes(nodes[0].shapes, 1))
        elif not meant and len(gpu_shapes) == len(pool.shapes):
            kept[pool.key] = (hold, Nodes(gpu_shapes, 1))
    return kept


def _nodes_for(pool: Pool, s: Scaled, pods: int) -> tuple[Nodes, ...]:
    """The nodes that a pool by itself would bring for some pods of a workload."""
    return pack(Meeting((pool,)), {}, (Group(s.workload.key, s.workload.pod, pods),)).nodes.get(pool.key, ())


def _doubted(pool: Pool, unread: tuple[Workload, ...]) -> Pool:
    """The pool, undecided where a daemon whose annotations can't be read may keep its nodes."""
    placement = pool.placement
    if placement is None or placement.expires or not (placement.grows and _by_pods(pool)) or not any(map(_is_gpu, pool.shapes)):
        return pool
    for workload in unread:
        if workload.pod_unread or (
            shapes_for(pool, replace(workload.pod, accelerators={}, open_count=False)) and tolerates(workload.pod, pool)
        ):
            why = f"the annotations of its pods are not known at preview: do-not-disrupt would keep each node of {pool.name}"
            path, settle = "spec.template.metadata.annotations", "Give the annotations in the program so that the preview knows them"
            return replace(pool, undecided=(*pool.undecided, Undecided(workload.urn, path, why, settle)))
    return pool


def _pinned_by_daemon(pool: Pool, pinning: tuple[Workload, ...]) -> Hold | None:
    """A daemon whose pods must not be disrupted keeps each node that it runs on (seen: shared/truth N55)."""
    for workload in pinning if _by_pods(pool) else ():
        if shapes_for(pool, replace(workload.pod, accelerators={}, open_count=False)) and tolerates(workload.pod, pool):
            path = 'spec.template.metadata.annotations["karpenter.sh/do-not-disrupt"]'
            because = Evidence(workload.urn, path, "true", f"its pod on each node of {pool.name} keeps Karpenter from removing the node")
            return Hold(Cause.PROTECTED, workload.urn, None, (because,), f"Remove {path}")
    return None


def _reused(pool: Pool, askers: tuple[Asker, ...]) -> Hold | None:
    """A job that runs again before the last run's node is gone: the node never goes (seen: shared/truth T12)."""
    wait = pool.placement.reclaim if pool.placement else Decimal(0)
    if not _by_pods(pool) or wait < 60:
        return None
    for s in (s for same in askers for s in same if s.workload.schedule and s.ceiling != 0):
        schedule = s.workload.schedule or ""
        try:
            covered = hours_for(schedule, datetime.timedelta(seconds=int(wait)))
        except BadSchedule:
            continue
        if covered >= WEEK:
            why = f"{s.workload.kind} {s.workload.name} runs again before an idle node is gone, so its node stays all week"
            path = "spec.disruption.consolidateAfter"
            because = (
                Evidence(s.workload.urn, "spec.schedule", schedule, why),
                Evidence(pool.urn, path, None, f"an idle node stays {wait:f} s"),
            )
            return Hold(Cause.NEVER_EMPTIED, pool.urn, None, because, f"Set {path} of {pool.name} below the time between two runs")
    return None


def _pool_entries(
    pool: Pool, askers: tuple[Asker, ...], carried: tuple[Scaled, ...], packings: _Packings, kept: tuple[Hold, Nodes] | None
) -> Iterable[Entry]:
    """The entries of a pool: one, or one a shape where its floor has several; none for a pool that is no matter of GPUs."""
    levels = packings.levels
    peak = packings.peak.nodes.get(pool.key, ())
    peak = tuple(nodes for nodes in peak if _is_gpu(nodes.shapes[0]))
    only_gpu = bool(pool.shapes) and all(_is_gpu(shape) for shape in pool.shapes)
    mixed = not only_gpu and any(_is_gpu(shape) for shape in pool.shapes) and not _by_pods(pool)
    undecided = pool.undecided
    if mixed and _own(pool, Decimal(0)):
        why = f"its {_own(pool, Decimal(0))} nodes may be of a type with GPUs or of one without"
        undecided = (*undecided, Undecided(pool.urn, "", why, "Name types of one kind, or add a waiver"))
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
        hours = max((level.hours for level in levels if level.packed.nodes.get(pool.key)), default=WEEK)
    evidence = _distinct((*pool.evidence, *(e for hold in holds for e in hold.evidence), *_carrying(carried, pool, packings.peak)))
    rows = peak or (Nodes(_usual(pool, askers), 0),)
    tail = max((s.idle_tail for same in askers for s in same), default=Decimal(0))
    for index, nodes in enumerate(rows):
        first = nodes.shapes[0] if nodes.shapes else None
        count = nodes.count if pool.shapes else 0
        gpus = Decimal(0) if first is None else (Decimal(1) if first.gpus is None else first.gpus) * count
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
            holds=tuple(sorted(holds, key=lambda h: (-h.least, h.urn, h.cause.value))) if count else (),
            undecided=undecided if index == 0 else (),
            supply=Supply(
                cloud=pool.cloud,
                shapes=nodes.shapes,
                market=pool.market,
                region=pool.region,
                price_as=pool.price_as,
                nodes=count,
                node_hours_per_week=count * WEEK if kept is not None else _node_hours(pool, levels, first),
                desired=_desired(pool, packings.desired, first, index == 0),
                ceiling=_ceiling(pool, askers, packings.busiest, rows) if index == 0 else 0,
                idle_tail=tail + (pool.placement.reclaim if pool.placement else Decimal(0)),
                overlap=pool.overlap if index == 0 else 0,
                os=pool.os,
            ),
        )


def _node_hours(pool: Pool, levels: tuple[_Level, ...], shape: Shape | None) -> Decimal:
    total = Decimal(0)
    before = 0
    for level in levels:
        now = sum(nodes.count for nodes in level.packed.nodes.get(pool.key, ()) if nodes.shapes[0] == shape)
        total += max(0, now - before) * level.hours
        before = max(before, now)
    return total


def _desired(pool: Pool, desired: Packed, shape: Shape | None, first: bool) -> int:
    """Nodes at creation; those of shapes that the floor does not have count with its first row."""
    nodes = [n for n in desired.nodes.get(pool.key, ()) if _is_gpu(n.shapes[0])]
    own = sum(n.count for n in nodes if n.shapes[0] == shape)
    return max(own, 0) if not first else max(sum(n.count for n in nodes), 0) if len(nodes) <= 1 else own or sum(n.count for n in nodes)


def _ceiling(pool: Pool, askers: tuple[Asker, ...], busiest: Packed, rows: tuple[Nodes, ...]) -> int | None:
    """Nodes at most: the pool's own maximum, or what its pods and limits allow; None where nothing limits it."""
    floor = sum(nodes.count for nodes in rows)
    if pool.ceiling is not None or not _by_pods(pool):
        return None if pool.ceiling is None else max(pool.ceiling, floor)
    if askers and all(s.ceiling is not None and not s.undecided for same in askers for s in same):
        return max(floor, sum(nodes.count for nodes in busiest.nodes.get(pool.key, ()) if _is_gpu(nodes.shapes[0])))
    limits = pool.placement.limits if pool.placement else {}
    per_node = rows[0].shapes[0].gpus if rows[0].shapes else None
    allowed = [int(limit // per_node) for name, limit in limits.items() if is_accelerator(name) and per_node]
    return max(floor, min(allowed)) if allowed else None


def _usual(pool: Pool, askers: tuple[Asker, ...]) -> tuple[Shape, ...]:
    """What a node of a pool that holds nothing would be: the cheapest that its pods fit on, else the cheapest with a GPU."""
    for same in askers:
        for s in same[:_TRIED]:
            one = _nodes_for(pool, s, 1)
            if one:
                return one[0].shapes
    return tuple(shape for shape in pool.shapes if _is_gpu(shape))


_TRIED: Final = 20
"""Of so many workloads with like pods one will fit on a node, if any does."""


def _workload_entry(s: Scaled, meeting: Meeting, strays: tuple[Pool, ...], packings: _Packings) -> Entry | None:
    workload = s.workload
    urn = workload.urn
    pods = s.pods(Decimal(0))
    peak = packings.peak
    pending = peak.pending.get(workload.key, 0)
    elsewhere = peak.elsewhere.get(workload.key, 0)
    carried = tuple(dict.fromkeys(key.partition("#")[0] for key in peak.carried_by.get(workload.key, ())))
    matters = workload.pod.wants_gpu or workload.pod_unread or (bool(s.undecided) and _may_stray(s, meeting, packings.levels[-1]))
    undecided = s.undecided if matters else ()
    if pending and workload.pod.wants_gpu:
        undecided = (*undecided, _unplaced(s, meeting, pending))
    if not workload.pod.wants_gpu and not strays and not undecided:
        return None
    holds = tuple(hold for hold in s.holds if hold.least)
    if strays:
        holds = tuple(hold if hold.cause is Cause.CAPACITY_BUFFER else _stray(s, hold, strays) for hold in holds[:1])
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


def _may_stray(s: Scaled, meeting: Meeting, busiest: _Level) -> bool:
    """Whether a pod without a GPU, of a workload whose pods can't be counted, would bring a node with GPUs."""
    if not any(_only_gpu(pool) for pool, _ in meeting.takers(s.workload.pod)):
        return False
    brought = pack(meeting, busiest.standing, (Group(s.workload.key, s.workload.pod, 1),)).brought
    return any(pool.key in brought and _only_gpu(pool) for pool in meeting.pools)


def _own_supply(s: Scaled, packings: _Packings, elsewhere: int) -> Supply:
    """What bills for pods that no pool of the estate is meant for: nodes of the type that they select, else of none that is known."""
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
        f"taints of {', '.join(sorted(kept_off))} keep them off" if len(kept_off) == len(meant) else "their size or a limit keeps them off"
    )
    text = (
        f"{pending} of its pods are meant for {names} and can't run there: {why}; another pool, outside what is judged here, may take them"
    )
    return Undecided(
        s.workload.urn, "", text, "Let the pool take them (tolerations, limits, sizes), or judge the other pool along (--join)"
    )


def _stray(s: Scaled, hold: Hold, strays: tuple[Pool, ...]) -> Hold:
    pool = strays[0]
    because = Evidence(
        pool.urn, "spec.template.spec.taints", None, f"nothing keeps pods without a GPU off {pool.name}, which is tried first for them"
    )
    fix = f"Give {pool.name} a NoSchedule taint, or the CPU NodePool a higher weight"
    return Hold(Cause.STRAY_POD, s.workload.urn, hold.units, (*hold.evidence, because), fix, hold.hours_per_week)


def _carrying(carried: tuple[Scaled, ...], pool: Pool, packed: Packed) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            s.workload.urn,
            "",
            None,
            f"{s.pods(Decimal(0))} pods of {s.workload.kind} {s.workload.name} run on {pool.name} without a request",
        )
        for s in carried
        if s.workload.pod.wants_gpu or s.workload.key in packed.brought.get(pool.key, ())
    )


def _elsewhere(scaled: tuple[Scaled, ...], peak: Packed) -> Iterable[Assumption]:
    for s in scaled:
        if s.workload.pod.wants_gpu and s.workload.key in peak.elsewhere:
            what = f"{s.workload.kind} {s.workload.name} runs in a cluster whose GPU nodes are not declared here"
            yield Assumption(what, "no pool of the estate is meant for its pods, so their demand counts by itself")


def _only_gpu(pool: Pool) -> bool:
    return bool(pool.shapes) and all(_is_gpu(shape) for shape in pool.shapes)


def _is_gpu(shape: Shape) -> bool:
    return shape.gpus != 0


def _by_pods(pool: Pool) -> bool:
    """Whether waiting pods decide how many nodes there are and of which type."""
    return pool.placement is not None and pool.placement.karpenter


def _first_type(entry: Entry) -> str:
    return entry.supply.shapes[0].instance_type if entry.supply is not None and entry.supply.shapes else ""


def _distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple({(link.urn, link.path, link.because, repr(link.value)): link for link in evidence}.values())


def _place(undecided: Undecided) -> tuple[str, str, str]:
    return undecided.urn, undecided.path, undecided.why


def _unique_notices(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    found: dict[tuple[str, str, str], Notice] = {}
    for notice in notices:
        found.setdefault((notice.urn, notice.cause.value, notice.message), notice)
    return tuple(found[key] for key in sorted(found))


def _unique_assumptions(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    return tuple(sorted(set(assumptions), key=lambda a: (a.what, a.because)))
