"""Pods into nodes: how many nodes of which shape a set of pods needs, pool by pool, as the
schedulers do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from zerofloor.capacity import PodDemand, Pool
from zerofloor.floor.matching import (
    Meeting,
    disliked,
    fits,
    kind_of,
    selects_nodes,
    shapes_for,
    tolerates,
)
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value


class Group(Value, frozen=True):
    """A number of equal pods of one workload."""

    urn: str
    """The workload's key."""
    pod: PodDemand
    pods: int


class Nodes(Value, frozen=True):
    """Equal nodes of a pool."""

    shapes: tuple[Shape, ...]
    """What each may be, cheapest first; the first is what the platform would take."""
    count: int


class Packed(Value, frozen=True):
    """What a set of groups needs."""

    nodes: Mapping[str, tuple[Nodes, ...]]
    """By pool (its key): the nodes that run, standing ones included, by what they most likely
    are."""
    carried_by: Mapping[str, tuple[str, ...]]
    """By workload (its key): the pools that carry its pods, in the order of use."""
    brought: Mapping[str, tuple[str, ...]]
    """By pool (its key): the workloads for which it had to add a node."""
    pending: Mapping[str, int]
    """By workload (its key): pods that a pool is meant for and none can take."""
    elsewhere: Mapping[str, int]
    """By workload (its key): pods that no pool in the estate is meant for."""


_Room: TypeAlias = tuple[Decimal, Decimal, Decimal]
"""GPUs, cores, bytes."""
_NONE: Final = Decimal(0)
_MOST: Final = Decimal(2**63)
"""Stands for a size that no table has: no limit."""


class _Bin(msgspec.Struct):
    """Equal nodes while pods are being placed."""

    shapes: tuple[Shape, ...]
    """What each may still be, cheapest first."""
    count: int
    gpus: Decimal = Decimal(0)
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)
    alone: frozenset[str] = frozenset()
    """Workloads with a pod here that takes no second one."""


class _Rack(msgspec.Struct):
    """A pool while pods are being placed."""

    pool: Pool
    blocks: list[_Block] = msgspec.field(default_factory=list)
    brought: list[str] = msgspec.field(default_factory=list)
    nodes: int = 0
    """Nodes in all blocks."""

    @property
    def bins(self) -> Iterator[_Bin]:
        """All bins, in the order of their creation."""
        return (bin_ for block in self.blocks for bin_ in block.bins)

    def put(self, bin_: _Bin) -> None:
        """Another bin, behind all others."""
        if not self.blocks or len(self.blocks[-1].bins) >= _BLOCK:
            self.blocks.append(_Block())
        self.blocks[-1].put(bin_)
        self.nodes += bin_.count


_BLOCK: Final = 64
"""Bins of a block: few enough to look through, many enough to pass over."""


class _Block(msgspec.Struct):
    """Some bins of a rack, with what the emptiest has left: a pod that needs more skips them."""

    bins: list[_Bin] = msgspec.field(default_factory=list)
    room: _Room = (_NONE, _NONE, _NONE)
    counts: dict[Shape, int] = msgspec.field(default_factory=dict)
    """Nodes by what they most likely are."""

    def put(self, bin_: _Bin) -> None:
        self.bins.append(bin_)
        self._measure(bin_)

    def measure(self) -> None:
        """Work room and counts out again, after bins were filled."""
        self.room = (_NONE, _NONE, _NONE)
        self.counts = {}
        for bin_ in self.bins:
            self._measure(bin_)

    def _measure(self, bin_: _Bin) -> None:
        self.room = _larger(self.room, _room_left(bin_))
        self.counts[bin_.shapes[0]] = self.counts.get(bin_.shapes[0], 0) + bin_.count

    def may_take(self, pod: PodDemand) -> bool:
        gpus, cpu, memory = self.room
        return pod.gpus <= gpus and pod.cpu <= cpu and pod.memory <= memory


def _larger(one: _Room, other: _Room) -> _Room:
    return max(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2])


def _room_left(bin_: _Bin) -> _Room:
    """The most GPUs, cores and bytes that a node of the bin can have left."""
    gpus = max((_MOST if s.slots is None else s.slots for s in bin_.shapes), default=_NONE)
    cpu = max((_MOST if s.vcpus is None else s.vcpus for s in bin_.shapes), default=_NONE)
    memory = max(
        (_MOST if s.memory_gib is None else s.memory_gib * 2**30 for s in bin_.shapes),
        default=_NONE,
    )
    return gpus - bin_.gpus, cpu - bin_.cpu, memory - bin_.memory


def pack(
    meeting: Meeting,
    standing: Mapping[str, int],
    groups: Iterable[Group],
    daemons: Sequence[Group] = (),
) -> Packed:
    """Place all groups. `standing` are the nodes that a pool (URN) keeps by itself; `daemons` run
    one pod on each node.

    Pods with GPUs go first, the largest first. Each goes to free room, then to the pool that would
    add a node for it.
    Equal pods of several workloads are placed together, so that it takes time by kinds of pods and
    not by workloads.
    """
    racks = {pool.key: _Rack(pool) for pool in meeting.pools}
    for urn, number in standing.items():
        if number:
            rack = racks[urn]
            rack.put(_with_daemons(_Bin(rack.pool.shapes, number), rack.pool, daemons))
    carried: dict[str, tuple[str, ...]] = {}
    pending: dict[str, int] = {}
    elsewhere: dict[str, int] = {}
    alike: dict[object, list[Group]] = {}
    for group in sorted(groups, key=lambda g: g.urn):
        alike.setdefault((_alike(group), group.urn if group.pod.one_per_node else ""), []).append(
            group
        )
    for same in sorted(alike.values(), key=_largest_first):
        pod = same[0].pod
        takers = _in_order(pod, [(racks[pool.key], shapes) for pool, shapes in meeting.takers(pod)])
        queue = _Queue(same)
        for rack, shapes in takers:
            if queue.left and rack.nodes:
                queue.take(rack, _fill(rack, shapes, same[0], queue.left))
        for rack, shapes in takers:
            if queue.left and _may_bring(rack.pool, pod):
                rack.brought += queue.take(rack, _bring(rack, shapes, same[0], queue.left, daemons))
        carried.update(queue.carried)
        if queue.left:
            meant = meeting.meant(pod) and (pod.wants_gpu or selects_nodes(pod))
            (pending if meant else elsewhere).update(queue.rest())
    return Packed(
        {rack.pool.key: _nodes(rack) for rack in racks.values() if rack.nodes},
        carried,
        {rack.pool.key: tuple(rack.brought) for rack in racks.values() if rack.brought},
        pending,
        elsewhere,
    )


class _Queue:
    """Equal pods that wait, workload by workload."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._waiting = [(group.urn, group.pods) for group in reversed(groups) if group.pods > 0]
        self.left = sum(pods for _, pods in self._waiting)
        self.carried: dict[str, tuple[str, ...]] = {}

    def take(self, rack: _Rack, pods: int) -> list[str]:
        """Take the next pods out, onto a rack; the workloads that they are of."""
        taken: list[str] = []
        self.left -= pods
        while pods:
            urn, waiting = self._waiting.pop()
            taken.append(urn)
            used = self.carried.get(urn, ())
            if rack.pool.key not in used:
                self.carried[urn] = (*used, rack.pool.key)
            if waiting > pods:
                self._waiting.append((urn, waiting - pods))
            pods -= min(pods, waiting)
        return taken

    def rest(self) -> dict[str, int]:
        """Pods by workload that no pool took."""
        return dict(self._waiting)


def _alike(group: Group) -> object:
    """What tells pods that go to the same places and take the same room."""
    pod = group.pod
    return (
        kind_of(pod),
        pod.tolerations,
        tuple(sorted(pod.accelerators.items())),
        pod.cpu,
        pod.memory,
        pod.one_per_node,
        pod.open_tolerations,
        pod.open_selector,
        pod.open_size,
    )


def _largest_first(same: list[Group]) -> tuple[Decimal, bool, Decimal, Decimal, str]:
    pod = same[0].pod
    return -pod.gpus, not pod.wants_gpu, -pod.cpu, -pod.memory, same[0].urn


def _in_order(
    pod: PodDemand, takers: list[tuple[_Rack, tuple[Shape, ...]]]
) -> list[tuple[_Rack, tuple[Shape, ...]]]:
    """Pools in the order in which a pending pod gets a new node: groups that stand or scale by
    themselves before Karpenter's NodePools; those by weight, then by name from z to a (seen:
    tests/data/truth N65). GKE's autoscaler takes the least expensive pool (GKE docs, "Cluster
    autoscaler"): the one with the smallest node."""
    by_name = sorted(
        takers, key=lambda taker: (_first_by_name(taker[0].pool), taker[0].pool.name), reverse=True
    )

    def rank(taker: tuple[_Rack, tuple[Shape, ...]]) -> tuple[bool, bool, int, tuple[Decimal, ...]]:
        pool, shapes = taker[0].pool, taker[1]
        weight = pool.placement.weight if pool.placement else 0
        karpenter = pool.placement is not None and pool.placement.karpenter
        size: tuple[Decimal, ...] = ()
        if pool.cloud == "gcp" and not karpenter:
            size = min((s.gpus or _NONE, s.vcpus or _NONE) for s in shapes)
        return disliked(pod, pool), karpenter, -weight if karpenter else 0, size

    return sorted(by_name, key=rank)


def _first_by_name(pool: Pool) -> bool:
    """A GPU pool whose name is hidden is assumed to come first: that may raise a floor and never
    lowers it."""
    return (
        pool.placement is not None
        and pool.placement.name_hidden
        and all(shape.gpus != 0 for shape in pool.shapes)
    )


def _may_bring(pool: Pool, pod: PodDemand) -> bool:
    """Whether a pending pod makes the pool add a node. A pod without a GPU does that to a GPU
    group only if it selects it."""
    placement = pool.placement
    if placement is None or not placement.grows:
        return False
    only_gpu = all(shape.gpus != 0 for shape in pool.shapes)
    return pod.wants_gpu or placement.karpenter or not only_gpu or selects_nodes(pod)


def _fill(rack: _Rack, shapes: tuple[Shape, ...], group: Group, left: int) -> int:
    """Put pods on nodes that are there already; how many were placed."""
    placed = 0
    wanted = frozenset(map(id, shapes))
    split: list[_Bin] = []
    for block in rack.blocks:
        if left <= placed:
            break
        if not block.may_take(group.pod):
            continue
        before = placed
        for bin_ in block.bins:
            if left <= placed:
                break
            placed += _fill_bin(bin_, wanted, group, left - placed, split)
        if placed > before:
            block.bins = [bin_ for bin_ in block.bins if bin_.count]
            block.measure()
    for part in split:
        rack.nodes -= part.count  # They were counted before they were split off.
        rack.put(part)
    return placed


def _fill_bin(
    bin_: _Bin, wanted: frozenset[int], group: Group, left: int, split: list[_Bin]
) -> int:
    """Put pods on the nodes of one bin; nodes that get fewer than others are split off from it."""
    # A pool's shapes are the same objects wherever they stand.
    usable = tuple(shape for shape in bin_.shapes if id(shape) in wanted)
    each = max((_more(shape, bin_, group) for shape in usable), default=0)
    if not each:
        return 0
    full, rest = divmod(left, each)
    if full >= bin_.count:
        _add(bin_, usable, group, each)
        return each * bin_.count
    placed = 0
    for number, pods in ((full, each), (1 if rest else 0, rest)):
        if number:
            part = _Bin(bin_.shapes, number, bin_.gpus, bin_.cpu, bin_.memory, bin_.alone)
            _add(part, usable, group, pods)
            split.append(part)
            placed += number * pods
            bin_.count -= number
    return placed


def _bring(
    rack: _Rack, shapes: tuple[Shape, ...], group: Group, left: int, daemons: Sequence[Group]
) -> int:
    """Add nodes for pending pods, as far as the pool's limits go; how many pods went."""
    empty = _with_daemons(_Bin(shapes, 1), rack.pool, daemons)
    each = max((_more(shape, empty, group) for shape in shapes), default=0)
    if not each:
        return 0
    placed = 0
    full, rest = divmod(left, each)
    for number, pods in ((full, each), (1 if rest else 0, rest)):
        fitting = tuple(shape for shape in shapes if _more(shape, empty, group) >= pods)
        while number and fitting:
            # Karpenter leaves out the types that would break a limit, so a smaller one may still
            # come.
            room = _room(rack, fitting[0])
            if not room:
                fitting = fitting[1:]
                continue
            count = min(number, room)
            new = _Bin(fitting, count, empty.gpus, empty.cpu, empty.memory)
            _add(new, fitting, group, pods)
            rack.put(new)
            placed += count * pods
            number -= count
    if not placed and each > 1 and left:
        # No node of full size is allowed any more: try one pod a node.
        return _bring_single(rack, shapes, group, left, empty)
    return placed


def _bring_single(
    rack: _Rack, shapes: tuple[Shape, ...], group: Group, left: int, empty: _Bin
) -> int:
    for shape in shapes:
        each = min(left, _more(shape, empty, group))
        room = _room(rack, shape)
        if each and room:
            new = _Bin((shape,), min(room, -(-left // each)), empty.gpus, empty.cpu, empty.memory)
            _add(new, (shape,), group, each)
            rack.put(new)
            return min(left, new.count * each)
    return 0


def _room(rack: _Rack, shape: Shape) -> int:
    """How many nodes of a shape may be added before a limit of the pool is exceeded."""
    pool = rack.pool
    rooms = [10**6]
    if pool.ceiling is not None:
        rooms.append(pool.ceiling - rack.nodes)
    for name, limit in pool.placement.limits.items() if pool.placement else ():
        each = _amount(shape, name)
        if each is None:
            if limit == 0:
                rooms.append(0)
            continue
        used = sum(
            (_amount(first, name) or Decimal(0)) * count
            for block in rack.blocks
            for first, count in block.counts.items()
        )
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
        # A pod that takes all devices of its node shares with no other pod.
        return (
            1
            if bin_.gpus == 0
            and fits(shape, Decimal(0), bin_.cpu + pod.cpu, bin_.memory + pod.memory)
            else 0
        )
    rooms = [10**6]
    for size, used, each in (
        (shape.slots, bin_.gpus, pod.gpus),
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
    bin_.gpus += (
        max((shape.slots or Decimal(0) for shape in fitting), default=Decimal(0))
        if whole
        else group.pod.gpus * pods
    )
    bin_.cpu += group.pod.cpu * pods
    bin_.memory += group.pod.memory * pods
    if group.pod.one_per_node:
        bin_.alone |= {group.urn}


def _with_daemons(bin_: _Bin, pool: Pool, daemons: Sequence[Group]) -> _Bin:
    """What daemons take of each node, GPUs too (seen: tests/data/truth, T16)."""
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
        same = set(map(id, bin_.shapes))
        both = tuple(shape for shape in known.shapes if id(shape) in same)
        totals[first] = Nodes(both, known.count + bin_.count)
    return tuple(totals[shape] for shape in sorted(totals, key=lambda shape: shape.instance_type))
