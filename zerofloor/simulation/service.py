"""What of a stack a trace is played against: one workload or service, its loop, and how its
replicas come to run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from zerofloor import platforms
from zerofloor.capacity import WEEK, Capacity, Cause, Hold, Pool, Scaler, Undecided
from zerofloor.errors import InputError
from zerofloor.estate import Estate
from zerofloor.floor.find import find_floor, ready_pools
from zerofloor.floor.matching import Meeting
from zerofloor.floor.packing import Group, pack
from zerofloor.floor.packings import has_gpu, own_nodes
from zerofloor.floor.result import Entry, Floor, Supply
from zerofloor.floor.scaling import Scaled, find_scalers, scale
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.kubernetes.loops import read_loop
from zerofloor.platforms.loops import Loop, Measure, Policy
from zerofloor.platforms.service_loops import read_service_loop
from zerofloor.simulation.fleet import AT_ONCE, Fleet, Kind, Plan
from zerofloor.values import at, get, known_items, known_text
from zerofloor.words import counted

MOST_PODS_A_NODE: Final = 110
"""A kubelet's default maxPods."""
OUTSIDE_RECLAIM: Final = 30.0
"""Seconds from the last pod until a node is gone that no document declares: as Karpenter with
consolidateAfter 0s."""

_ENDING: Final = frozenset({"Job", "CronJob", "ScaledJob", "Workflow"})
"""Kinds that don't answer requests for as long as they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What answers the requests."""

    urn: str
    name: str
    """`Deployment llm`."""
    loop: Loop
    plan: Plan
    supplies: Mapping[Kind, Supply]
    """What decides on the price of each kind of node."""
    resources: tuple[str, ...]
    """The URNs whose properties `--set` may change: its scaler, itself, its pools."""
    others: tuple[Supply, ...] = ()
    """What else bills in the stack without a request."""
    other_nodes: Decimal = Decimal(0)
    """Node-hours a week that other workloads keep on its pools."""
    assumptions: tuple[str, ...] = ()

    @property
    def has_pool(self) -> bool:
        """Whether a pool of the stack has its nodes."""
        return all(kind.pool for kind in self.plan.kinds)

    @property
    def rest(self) -> int:
        """Replicas without a request."""
        return self.loop.minimum if self.loop.idle is None else self.loop.idle

    @property
    def floor_nodes(self) -> int:
        """Nodes that stay without a request."""
        return len(Fleet(self.plan, AT_ONCE, self.rest).nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A stack as the analysis sees it."""

    estate: Estate
    capacity: Capacity
    floor: Floor


def read(estate: Estate) -> Read:
    """Capacity and floor of an estate, as `check` finds them."""
    capacity = platforms.read(estate)
    return Read(estate=estate, capacity=capacity, floor=find_floor(capacity, estate))


class NotPlayable(InputError):
    """Why a stack can't be played: each point in a line of its own."""

    def __init__(self, points: Iterable[Undecided]) -> None:
        said = dict.fromkeys(_point(point) for point in points)
        super().__init__("; ".join(said))
        self.points = tuple(said)


def _point(point: Undecided) -> str:
    where = point.urn.rsplit("::", 1)[-1]
    path = f" ({point.path})" if point.path and point.path not in point.why else ""
    settle = f". {point.settle}" if point.settle else ""
    return f"{where}: {point.why}{path}{settle}"


_Candidate = Scaled | Pool


def find_service(found: Read, target: str | None, told: Measure | None) -> Service:
    """The one service of the stack that requests are played against.

    NotPlayable where anything about it is hidden or not known; InputError where the stack has none,
    or several and no `target` (a name or URN).
    """
    candidates: list[_Candidate] = [*_workloads(found), *_pools(found)]
    chosen = _choose(candidates, target)
    if isinstance(chosen, Scaled):
        return _of_workload(found, chosen, told)
    return _of_pool(found, chosen)


def _workloads(found: Read) -> Iterator[Scaled]:
    for s in scale(found.capacity, found.estate):
        w = s.workload
        if w.pod.wants_gpu and not w.daemon and w.kind not in _ENDING and not w.follows:
            yield s


def _pools(found: Read) -> Iterator[Pool]:
    for pool in found.capacity.pools:
        if pool.placement is None and (has_gpu(pool) or pool.undecided):
            yield pool


def _choose(candidates: Sequence[_Candidate], target: str | None) -> _Candidate:
    if target is not None:
        fitting = [one for one in candidates if target in (_urn(one), _title(one), _name(one))]
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(sorted(_title(one) for one in candidates)) or "none"
        said = "means several" if fitting else "is none"
        raise InputError(f"--target {target} {said} of what can answer requests: {names}")
    if not candidates:
        raise InputError("nothing here serves requests on a GPU: no Deployment, no endpoint")
    moving = [one for one in candidates if _moves(one)]
    if len(candidates) > 1 and len(moving) != 1:
        names = ", ".join(sorted(_title(one) for one in candidates))
        raise InputError(f"several could answer the requests: name one with --target ({names})")
    return moving[0] if moving else candidates[0]


def _moves(candidate: _Candidate) -> bool:
    """Whether it isn't the same number always."""
    if isinstance(candidate, Pool):
        return candidate.ceiling != sum(hold.least for hold in candidate.holds)
    return candidate.ceiling != max((hold.least for hold in candidate.holds), default=0)


def _urn(one: _Candidate) -> str:
    return one.urn if isinstance(one, Pool) else one.workload.urn


def _name(one: _Candidate) -> str:
    return one.name if isinstance(one, Pool) else one.workload.name


def _title(one: _Candidate) -> str:
    if isinstance(one, Pool):
        return f"{one.platform} {one.name}"
    return f"{one.workload.kind} {one.workload.name}"


# A workload on Kubernetes


def _of_workload(found: Read, s: Scaled, told: Measure | None) -> Service:
    workload = s.workload
    entries = [e for e in found.floor.entries if e.urn == workload.urn]
    open_points = [*s.undecided, *(point for e in entries for point in e.undecided)]
    loop = _loop_of(found, s, told)
    meeting = Meeting(ready_pools(found.capacity))
    pools = [pool for pool, _ in meeting.takers(workload.pod)]
    for pool in pools:
        open_points += pool.undecided
        open_points += _odd_pool(pool)
    open_points += loop.undecided
    if open_points:
        raise NotPlayable(open_points)
    if pools:
        plan, supplies, notes = _on_pools(found, s, meeting, pools, loop)
    else:
        plan, supplies, notes = _outside(found, s, entries)
    keys = {pool.urn for pool in pools}
    rest = [
        e.supply for e in found.floor.entries if e.urn not in keys | {workload.urn} and e.supply
    ]
    return Service(
        urn=workload.urn,
        name=_title(s),
        loop=loop,
        plan=plan,
        supplies=supplies,
        resources=tuple(dict.fromkeys((loop.urn, workload.urn, *(pool.urn for pool in pools)))),
        others=tuple(rest),
        other_nodes=_others(_without_windows(found, loop), keys | {workload.urn}, plan, loop),
        assumptions=(*_assumed(loop), *notes),
    )


def _assumed(loop: Loop) -> tuple[str, ...]:
    return (*loop.assumptions, *(one.because for one in loop.signals if one.because))


def _loop_of(found: Read, s: Scaled, told: Measure | None) -> Loop:
    """The loop of the scaler in charge; a fixed number where there is none."""
    workload = s.workload
    scalers = find_scalers(found.capacity).get(workload.key, ()) if workload.has_scale else ()
    kept = max((hold.least for hold in s.holds), default=0)
    if workload.kind == "Service" and not scalers:
        loop = read_loop(found.estate, workload.urn, told)
        if loop is not None:
            return loop
    for scaler in scalers:
        idle = scaler.not_in_effect or scaler.suspended
        if idle is not None:
            why = f"It has no effect: {idle.because}"
            raise NotPlayable([Undecided(scaler.urn, idle.path, why, "Correct it")])
    if not scalers or s.ceiling == 0:
        return _fixed(workload.urn, workload.kind, kept, s)
    if len(scalers) > 1:
        why = f"{len(scalers)} scalers move it, and which of them acts isn't declared"
        raise NotPlayable([Undecided(workload.urn, "", why, "Keep one of them")])
    loop = read_loop(found.estate, scalers[0].urn, told)
    if loop is None:
        why = f"How {scalers[0].kind} scales isn't played"
        raise NotPlayable([Undecided(scalers[0].urn, "", why, "Simulate it with a ScaledObject")])
    return replace(loop, undecided=(*loop.undecided, *_odd_holds(scalers[0], loop)))


def _fixed(urn: str, kind: str, kept: int, s: Scaled) -> Loop:
    undecided: tuple[Undecided, ...] = ()
    if s.ceiling is not None and s.ceiling > kept and not kept:
        why = "What starts its replicas isn't declared"
        undecided = (Undecided(urn, "", why, "Declare its scaler"),)
    return Loop(
        urn=urn, kind=kind, minimum=kept, maximum=kept, signals=(), poll=60.0, cooldown=None,
        sync=60.0, undecided=undecided,
    )  # fmt: skip


def _odd_holds(scaler: Scaler, loop: Loop) -> Iterator[Undecided]:
    """What keeps replicas beyond the minimum and isn't played: a trigger that is always active, a
    pause."""
    if scaler.idle_tail > WEEK * 3600:
        why = "A cool-down of more than a week isn't played"
        yield Undecided(scaler.urn, "spec.cooldownPeriod", why, "Shorten it")
    for hold in scaler.holds:
        if _is_window(hold, loop):
            continue
        if hold.cause is not Cause.SCALER_MINIMUM or hold.hours_per_week < WEEK:
            path = hold.evidence[-1].path if hold.evidence else ""
            why = f"{hold.evidence[-1].because if hold.evidence else 'It holds replicas'}"
            yield Undecided(scaler.urn, path, f"Not played: {why}", hold.fix)


def _is_window(hold: Hold, loop: Loop) -> bool:
    """Whether it is what a window of the loop keeps."""
    paths = {f"{window.path}.metadata" for window in loop.windows}
    return any(evidence.path in paths for evidence in hold.evidence)


def _without_windows(found: Read, loop: Loop) -> Read:
    """The stack without what the loop's windows keep, which is played."""
    if not loop.windows:
        return found
    scalers = tuple(
        replace(one, holds=tuple(hold for hold in one.holds if not _is_window(hold, loop)))
        if one.urn == loop.urn
        else one
        for one in found.capacity.scalers
    )
    capacity = replace(found.capacity, scalers=scalers)
    return Read(estate=found.estate, capacity=capacity, floor=find_floor(capacity, found.estate))


def _odd_pool(pool: Pool) -> Iterator[Undecided]:
    if any(hold.hours_per_week < WEEK for hold in (*pool.holds, *pool.extra)):
        why = f"The schedule of {pool.name} isn't played"
        yield Undecided(pool.urn, "", why, "Simulate it without the schedule")


_Plan = tuple[Plan, Mapping[Kind, Supply], tuple[str, ...]]


def _on_pools(found: Read, s: Scaled, meeting: Meeting, pools: Sequence[Pool], loop: Loop) -> _Plan:
    workload = s.workload
    each = workload.pods_per_replica
    kinds = tuple(_kinds(s, meeting))
    if not kinds:
        raise NotPlayable([_no_node(found, s)])
    by_key = {pool.key: pool for pool in pools}
    wanted = loop.maximum * each
    most = _room_for(s, meeting, wanted)
    first = by_key[kinds[0].pool]
    notes: list[str] = []
    if len(pools) > 1:
        alone = _room_for(s, Meeting((first,)), wanted)
        if alone < most:
            why = f"Its pods use several pools ({', '.join(sorted(p.name for p in pools))}) at once"
            raise NotPlayable([Undecided(workload.urn, "", why, "Simulate it with one pool")])
        notes.append(f"Its pods run on pool {first.name}, the first that takes them")
    if most < wanted:
        notes.append(f"Its pools take {counted(most, 'pod')} of {wanted} at most")
    placement = first.placement
    assert placement is not None
    standing = _standing(found, first, kinds)
    if max(kind.room for kind in kinds) > 1 and placement.karpenter:
        notes.append("Karpenter removes empty nodes; it doesn't move pods together")
    budget = _budget(found.estate, first) if placement.karpenter else None
    plan = Plan(
        kinds=kinds,
        most=most,
        reclaim=float(placement.reclaim),
        budget=budget,
        keeps=placement.retained is not None,
        standing=standing,
        pods_per_replica=each,
    )
    supplies = {kind: _supply(by_key[kind.pool], kind) for kind in kinds}
    supplies |= {kind: _supply(first, kind) for kind, _ in standing}
    return plan, supplies, tuple(notes)


def _kinds(s: Scaled, meeting: Meeting) -> Iterator[Kind]:
    """The node for one pod, for two that wait together, … as long as one node takes them all."""
    pools = {pool.key: pool for pool in meeting.pools}
    rooms: dict[tuple[str, Shape], int] = {}
    for pods in range(1, MOST_PODS_A_NODE + 1):
        nodes = pack(meeting, {}, (Group(s.workload.key, s.workload.pod, pods),)).nodes
        alone = [(key, one) for key, some in nodes.items() for one in some]
        if len(alone) != 1 or alone[0][1].count != 1:
            return
        key, node = alone[0]
        shape = node.shapes[0]
        if (key, shape) not in rooms:
            rooms[key, shape] = _room(s, pools[key], shape)
        yield Kind(key, shape, rooms[key, shape])


def _room(s: Scaled, pool: Pool, shape: Shape) -> int:
    """Pods of the workload on one node."""
    own = Meeting((replace(pool, shapes=(shape,)),))
    room = 1
    while room < MOST_PODS_A_NODE:
        nodes = pack(own, {}, (Group(s.workload.key, s.workload.pod, room + 1),)).nodes
        if sum(one.count for some in nodes.values() for one in some) != 1:
            break
        room += 1
    return room


def _room_for(s: Scaled, meeting: Meeting, pods: int) -> int:
    packed = pack(meeting, {}, (Group(s.workload.key, s.workload.pod, pods),))
    key = s.workload.key
    return pods - packed.pending.get(key, 0) - packed.elsewhere.get(key, 0)


def _standing(found: Read, pool: Pool, kinds: tuple[Kind, ...]) -> tuple[tuple[Kind, int], ...]:
    """Nodes of the pool that stay: its own minimum, and what a pool keeps that never lets go."""
    number = own_nodes(pool, WEEK)
    if pool.placement is not None and pool.placement.retained is not None:
        number = max(number, _floor_nodes(found, {pool.urn}))
    if not number:
        return ()
    shape = pool.shapes[0]
    kind = next((kind for kind in kinds if kind.pool == pool.key and kind.shape == shape), None)
    return ((kind or Kind(pool.key, shape, kinds[0].room), number),)


def _floor_nodes(found: Read, urns: set[str]) -> int:
    return sum(e.supply.nodes for e in found.floor.entries if e.urn in urns and e.supply)


def _budget(estate: Estate, pool: Pool) -> Policy:
    """How many nodes Karpenter removes in one pass: 10 % by default, one at least (Karpenter docs,
    "Disruption")."""
    budgets = known_items(get(estate.by_urn[pool.urn].inputs, "spec.disruption.budgets"))
    found = Policy(True, 10.0, 0.0)
    for index, budget in enumerate(budgets):
        nodes = at(budget, "nodes")
        if at(budget, "schedule") is not None:
            path = f"spec.disruption.budgets[{index}].schedule"
            why = "A budget with a schedule isn't played"
            raise NotPlayable([Undecided(pool.urn, path, why, "Simulate it without the schedule")])
        # A hidden budget is undecided by the pool's reader.
        text = known_text(nodes) or str(nodes)
        number = text.removesuffix("%")
        if number.isdigit():
            one = Policy(text.endswith("%"), float(number), 0.0)
            found = one if index == 0 or one.amount < found.amount else found
    return found


def _supply(pool: Pool, kind: Kind) -> Supply:
    shapes = (kind.shape,) if kind.shape is not None else pool.shapes
    return Supply(
        cloud=pool.cloud,
        shapes=shapes,
        market=pool.market,
        region=pool.region,
        price_as=pool.price_as,
        nodes=0,
        node_hours_per_week=Decimal(0),
        desired=0,
        ceiling=None,
        os=pool.os,
    )


def _others(found: Read, urns: set[str], plan: Plan, loop: Loop) -> Decimal:
    """Node-hours a week that others keep on its pools without a request."""
    joint = sum(
        (e.supply.node_hours_per_week for e in found.floor.entries if e.urn in urns and e.supply),
        Decimal(0),
    )
    rest = loop.minimum if loop.idle is None else loop.idle
    own = len(Fleet(plan, AT_ONCE, rest).nodes) * WEEK
    if own > joint:
        why = "It shares nodes with other workloads that stay without a request"
        raise NotPlayable([Undecided(loop.urn, "", why, "Simulate them apart")])
    return joint - own


def _no_node(found: Read, s: Scaled) -> Undecided:
    """Why its pods get no node: as the rules say it, where they do (GPU109, GPU110)."""
    told = (Cause.UNFIT_REPLICA, Cause.UNKNOWN_POOL)
    for notice in found.floor.notices:
        if notice.urn == s.workload.urn and notice.cause in told:
            return Undecided(notice.urn, "", notice.message, notice.fix)
    wanted = counted(s.workload.pod.gpus, "GPU")
    why = f"No pool here takes its pods ({wanted} each)"
    return Undecided(s.workload.urn, "", why, "Simulate it with the stack of its node pool")


def _outside(found: Read, s: Scaled, entries: Sequence[Entry]) -> _Plan:
    """Pods for which no pool is declared: each new node is of the type that they select."""
    supply = next((e.supply for e in entries if e.supply is not None), None)
    if supply is None:
        raise NotPlayable([_no_node(found, s)])
    shape = s.workload.node_shape
    gpus = s.workload.pod.gpus
    room = 1
    if shape is not None and shape.gpus and gpus and not s.workload.pod.one_per_node:
        room = max(1, int(shape.gpus // gpus))
    kind = Kind("", shape, room)
    note = (
        "No pool for its pods is declared: a node is provisioned for them and removed "
        f"{OUTSIDE_RECLAIM:.0f} s after the last one (check them together with the pool's stack)"
    )
    plan = Plan(
        kinds=(kind,),
        most=10**6,
        reclaim=OUTSIDE_RECLAIM,
        pods_per_replica=s.workload.pods_per_replica,
    )
    return plan, {kind: supply}, (note,)


# A managed service, or machines without pods


def _of_pool(found: Read, pool: Pool) -> Service:
    entries = [e for e in found.floor.entries if e.urn == pool.urn]
    loop = read_service_loop(found.estate, pool)
    open_points = [*pool.undecided, *(point for e in entries for point in e.undecided)]
    open_points += loop.undecided
    if not pool.shapes:
        why = "What its machines are isn't known"
        open_points.append(Undecided(pool.urn, "", why, "Name the machine type"))
    if open_points:
        raise NotPlayable(open_points)
    kind = Kind(pool.key, pool.shapes[0], 1)
    plan = Plan(kinds=(kind,), most=10**6, reclaim=0.0, is_service=True)
    rest = [e.supply for e in found.floor.entries if e.urn != pool.urn and e.supply]
    return Service(
        urn=pool.urn,
        name=_title(pool),
        loop=loop,
        plan=plan,
        supplies={kind: _supply(pool, kind)},
        resources=(pool.urn,),
        others=tuple(rest),
        other_nodes=_others(found, {pool.urn}, plan, loop),
        assumptions=_assumed(loop),
    )
