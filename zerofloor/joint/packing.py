"""Pods into nodes: how many nodes of which shape a set of pods needs, pool by pool, as the schedulers do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from zerofloor.accelerators import is_accelerator
from zerofloor.capacity import PodDemand, Pool
from zerofloor.instances import Shape
from zerofloor.joint.matching import disliked, fits, selects_nodes, shapes_for, tolerates


@dataclass(frozen=True, slots=True)
class Group:
    """A number of equal pods of one workload."""

    urn: str
    """The workload's key."""
    pod: PodDemand
    pods: int


@dataclass(frozen=True, slots=True)
class Nodes:
    """Equal nodes of a pool."""

    shapes: tuple[Shape, ...]
    """What each may be, cheapest first; the first is what the platform would take."""
    count: int


@dataclass(frozen=True, slots=True)
class Packed:
    """What a set of groups needs."""

    nodes: Mapping[str, tuple[Nodes, ...]]
    """By pool (URN): the nodes that run, standing ones included, by what they most likely are."""
    carried_by: Mapping[str, tuple[str, ...]]
    """By workload (its key): the pools that carry its pods, in the order of use."""
    brought: Mapping[str, tuple[str, ...]]
    """By pool (URN): the workloads for which it had to bring a node."""
    pending: Mapping[str, int]
    """By workload (its key): pods that a pool is meant for and none can take."""
    elsewhere: Mapping[str, int]
    """By workload (its key): pods that no pool in the estate is meant for."""


@dataclass(slots=True)
class _Bin:
    """Equal nodes while pods are being placed."""

    shapes: tuple[Shape, ...]
    """What each may still be, cheapest first."""
    count: int
    gpus: Decimal = Decimal(0)
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    alone: frozenset[str] = frozenset()
    """Workloads with a pod here that takes no second one."""
    workloads: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Rack:
    """A pool while pods are being placed."""

    pool: Pool
    bins: list[_Bin] = field(default_factory=list)
    brought: list[str] = field(default_factory=list)


def pack(pools: Sequence[Pool], standing: Mapping[str, int], groups: Iterable[Group], daemons: Sequence[Group] = ()) -> Packed:
    """Place all groups. `standing` are the nodes that a pool (URN) keeps by itself; `daemons` run one pod on each node.

    Pods with GPUs go first, the largest first. Each goes to free room, then to the pool that would bring a node for it.
    """
    racks = [_Rack(pool) for pool in pools]
    for rack in racks:
        if standing.get(rack.pool.urn, 0):
            rack.bins.append(_with_daemons(_Bin(rack.pool.shapes, standing[rack.pool.urn]), rack.pool, daemons))
    carried: dict[str, tuple[str, ...]] = {}
    pending: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    meant_for: dict[object, list[tuple[_Rack, tuple[Shape, ...]]]] = {}
    for group in sorted(groups, key=lambda g: (-g.pod.gpus, not g.pod.wants_gpu, -g.pod.cpu, -g.pod.memory, g.urn)):
        kind = _kind(group.pod)
        if kind not in meant_for:
            meant_for[kind] = [(rack, shapes) for rack in racks if (shapes := shapes_for(rack.pool, group.pod))]
        meant = meant_for[kind]
        left = group.pods
        used: list[str] = []
        takers = _in_order(group.pod, [(rack, shapes) for rack, shapes in meant if tolerates(group.pod, rack.pool)])
        for rack, shapes in takers:
            placed = _fill(rack, shapes, group, left)
            left -= placed
            if placed:
                used.append(rack.pool.urn)
        for rack, shapes in takers:
            if left <= 0 or not _may_bring(rack.pool, group.pod):
                continue
            placed = _bring(rack, shapes, group, left, daemons)
            left -= placed
            if placed:
                rack.brought.append(group.urn)
                if rack.pool.urn not in used:
                    used.append(rack.pool.urn)
        if used:
            carried[group.urn] = tuple(used)
        if left > 0:
            (pending if meant and (group.pod.wants_gpu or selects_nodes(group.pod)) else elsewhere)[group.urn] = left
    return Packed(
        {rack.pool.urn: _nodes(rack) for rack in racks if rack.bins},
        carried,
        {rack.pool.urn: tuple(rack.brought) for rack in racks if rack.brought},
        pending,
        elsewhere,
    )


def _kind(pod: PodDemand) -> object:
    """Pods of one kind are meant for the same shapes."""
    return tuple(sorted(pod.node_selector.items())), pod.affinity, tuple(sorted(pod.accelerators)), pod.wants_gpu


def _in_order(pod: PodDemand, takers: list[tuple[_Rack, tuple[Shape, ...]]]) -> list[tuple[_Rack, tuple[Shape, ...]]]:
    """Pools in the order in which a waiting pod brings nodes: groups that stand or scale by themselves before Karpenter's
    NodePools; those by weight, then by name from z to a (seen: shared/truth N65)."""
    by_name = sorted(takers, key=lambda taker: taker[0].pool.name, reverse=True)

    def rank(taker: tuple[_Rack, tuple[Shape, ...]]) -> tuple[bool, bool, int]:
        pool = taker[0].pool
        weight = pool.placement.weight if pool.placement else 0
        karpenter = pool.placement is not None and pool.placement.karpenter
        return disliked(pod, pool), karpenter, -weight if karpenter else 0

    return sorted(by_name, key=rank)


def _may_bring(pool: Pool, pod: PodDemand) -> bool:
    """Whether a waiting pod makes the pool bring a node. A pod without a GPU does that to a GPU group only if it selects it."""
    placement = pool.placement
    if placement is None or not placement.grows:
        return False
    only_gpu = all(shape.gpus != 0 for shape in pool.shapes)
    return pod.wants_gpu or placement.karpenter or not only_gpu or selects_nodes(pod)


def _fill(rack: _Rack, shapes: tuple[Shape, ...], group: Group, left: int) -> int:
    """Put pods on nodes that are there already; how many went."""
    placed = 0
    for bin_ in list(rack.bins):
        if left <= placed:
            break
        usable = tuple(shape for shape in bin_.shapes if shape in shapes)
        each = max((_more(shape, bin_, group) for shape in usable), default=0)
        if not each:
            continue
        full, rest = divmod(left - placed, each)
        if full >= bin_.count:
            _add(bin_, usable, group, each)
            placed += each * bin_.count
            continue
        for number, pods in ((full, each), (1 if rest else 0, rest)):
            if number:
                part = _Bin(bin_.shapes, number, bin_.gpus, bin_.cpu, bin_.memory, bin_.alone, bin_.workloads)
                _add(part, usable, group, pods)
                rack.bins.append(part)
                placed += number * pods
                bin_.count -= number
        if not bin_.count:
            rack.bins.remove(bin_)
    return placed


def _bring(rack: _Rack, shapes: tuple[Shape, ...], group: Group, left: int, daemons: Sequence[Group]) -> int:
    """Bring nodes for pods that wait, as far as the pool's limits go; how many pods went."""
    empty = _with_daemons(_Bin(shapes, 1), rack.pool, daemons)
    each = max((_more(shape, empty, group) for shape in shapes), default=0)
    if not each:
        return 0
    placed = 0
    full, rest = divmod(left, each)
    for number, pods in ((full, each), (1 if rest else 0, rest)):
        fitting = tuple(shape for shape in shapes if _more(shape, empty, group) >= pods)
        while number and fitting:
            # Karpenter leaves out the types that would break a limit, so a smaller one may still come.
            room = _room(rack, fitting[0])
            if not room:
                fitting = fitting[1:]
                continue
            count = min(number, room)
            new = _Bin(fitting, count, empty.gpus, empty.cpu, empty.memory, empty.alone, empty.workloads)
            _add(new, fitting, group, pods)
            rack.bins.append(new)
            placed += count * pods
            number -= count
    if not placed and each > 1 and left:
        # No node of full size is allowed any more: try one pod a node.
        return _bring_single(rack, shapes, group, left, empty)
    return placed


def _bring_single(rack: _Rack, shapes: tuple[Shape, ...], group: Group, left: int, empty: _Bin) -> int:
    for shape in shapes:
        each = min(left, _more(shape, empty, group))
        room = _room(rack, shape)
        if each and room:
            new = _Bin((shape,), min(room, -(-left // each)), empty.gpus, empty.cpu, empty.memory)
            _add(new, (shape,), group, each)
            rack.bins.append(new)
            return min(left, new.count * each)
    return 0


def _room(rack: _Rack, shape: Shape) -> int:
    """How many nodes of a shape may still come before a limit of the pool is broken."""
    pool = rack.pool
    rooms = [10**6]
    nodes = sum(bin_.count for bin_ in rack.bins)
    if pool.ceiling is not None:
        rooms.append(pool.ceiling - nodes)
    for name, limit in pool.placement.limits.items() if pool.placement else ():
        each = _amount(shape, name)
        if each is None:
            if limit == 0:
                rooms.append(0)
            continue
        used = sum((_amount(bin_.shapes[0], name) or Decimal(0)) * bin_.count for bin_ in rack.bins)
        if each:
            rooms.append(int((limit - used) // each))
    return max(0, min(rooms))


def _amount(shape: Shape, resource: str) -> Decimal | None:
    """How much of a limited resource one node counts for; None where it is not known."""
    if is_accelerator(resource):
        return shape.gpus
    if resource == "cpu":
        return shape.vcpus
    if resource == "memory":
        return None if shape.memory_gib is None else shape.memory_gib * 2**30
    return Decimal(1) if resource == "nodes" else Decimal(0)


def _more(shape: Shape, bin_: _Bin, group: Group) -> int:
    """How many more pods of a group fit on a node of this shape beside what is there."""
    pod = group.pod
    if group.urn in bin_.alone:
        return 0
    if pod.open_count and not pod.gpus:
        # A pod that takes all devices of its node shares with nobody.
        return 1 if bin_.gpus == 0 and fits(shape, Decimal(0), bin_.cpu + pod.cpu, bin_.memory + pod.memory) else 0
    rooms = [10**6]
    for size, used, each in (
        (shape.gpus, bin_.gpus, pod.gpus),
        (shape.vcpus, bin_.cpu, pod.cpu),
        (None if shape.memory_gib is None else shape.memory_gib * 2**30, bin_.memory, pod.memory),
    ):
        if size is not None and each:
            rooms.append(int((size - used) // each))
    most = max(0, min(rooms))
    return min(1, most) if pod.one_per_node else most


def _add(bin_: _Bin, usable: tuple[Shape, ...], group: Group, pods: int) -> None:
    fitting = tuple(shape for shape in usable if _more(shape, bin_, group) >= pods)
    whole = group.pod.open_count and not group.pod.gpus
    bin_.shapes = fitting
    bin_.gpus += max((shape.gpus or Decimal(0) for shape in fitting), default=Decimal(0)) if whole else group.pod.gpus * pods
    bin_.cpu += group.pod.cpu * pods
    bin_.memory += group.pod.memory * pods
    bin_.workloads |= {group.urn}
    if group.pod.one_per_node:
        bin_.alone |= {group.urn}


def _with_daemons(bin_: _Bin, pool: Pool, daemons: Sequence[Group]) -> _Bin:
    """What daemons take of each node, GPUs too (seen: shared/truth T16)."""
    for daemon in daemons:
        if shapes_for(pool, daemon.pod) and tolerates(daemon.pod, pool):
            bin_.gpus += daemon.pod.gpus
            bin_.cpu += daemon.pod.cpu
            bin_.memory += daemon.pod.memory
    return bin_


def _nodes(rack: _Rack) -> tuple[Nodes, ...]:
    totals: dict[Shape, Nodes] = {}
    for bin_ in rack.bins:
        first = bin_.shapes[0]
        known = totals.get(first, Nodes(bin_.shapes, 0))
        both = tuple(shape for shape in known.shapes if shape in bin_.shapes)
        totals[first] = Nodes(both, known.count + bin_.count)
    return tuple(totals[shape] for shape in sorted(totals, key=lambda shape: shape.instance_type))
