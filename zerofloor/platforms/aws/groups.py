"""A group of instances with a minimum, a desired and a maximum size → a pool: what ASGs, EKS node
groups and fleets share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Market,
    Notice,
    Placement,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.aws.read import CLOUD, narrowed, nodes_for, order
from zerofloor.platforms.aws.schedule import Move, Sizes, levels
from zerofloor.platforms.declared import Declared, Size
from zerofloor.platforms.machines import Machines

GROUPS: Final = ("aws:autoscaling/group:Group", "aws-native:autoscaling:AutoScalingGroup")
NODE_GROUPS: Final = ("aws:eks/nodeGroup:NodeGroup", "aws-native:eks:Nodegroup")


@dataclass(frozen=True, slots=True)
class Lowered:
    """What brings the desired size down to the minimum when nothing is asked for."""

    evidence: Evidence
    assumption: Assumption | None = None
    notices: tuple[Notice, ...] = ()
    doubts: tuple[Undecided, ...] = ()
    """Why it can't be told whether it does; what is above the minimum is undecided then."""


@dataclass(frozen=True, slots=True)
class Action:
    """A scheduled action on the group."""

    move: Move
    evidence: Evidence
    guess: bool = False
    """Whether it is only assumed to mean this group: then it may raise a floor and never lower
    it."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A warm pool whose instances run."""

    state: Evidence
    minimum: Size
    prepared: Size
    """maxGroupPreparedCapacity; absent: the group's maximum."""


@dataclass(frozen=True, slots=True)
class Group:
    source: Declared
    platform: str
    machines: Machines
    minimum: Size
    desired: Size
    maximum: Size
    market: Market = "on-demand"
    placement: Placement | None = None
    """Set where pods can land on its nodes."""
    lowered: Lowered | None = None
    missed: Evidence | None = None
    """Why a cluster autoscaler of the stack does not look after it."""
    raised: Evidence | None = None
    """Something that adds instances under load and takes none away."""
    silent: tuple[Evidence, ...] = ()
    """Why a policy that could scale it in never does."""
    pinned: Evidence | None = None
    """A setting that keeps every instance that ever came."""
    unpin: str = ""
    actions: tuple[Action, ...] = ()
    warm: Warm | Undecided | None = None
    holds: tuple[Hold, ...] = ()
    """What others keep of it (tasks of a service)."""
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def pool_of(estate: Estate, group: Group) -> Pool | None:
    """The pool, or None for a group that has no GPU and takes no pods."""
    machines = group.machines
    if machines.plain and group.placement is None:
        return None
    known = [size.known for size in (group.desired, group.minimum) if size.known is not None]
    machines = narrowed(machines, known[0] if known else 1)
    desired = (
        None
        if group.desired.known is None or not machines.shapes
        else nodes_for(machines, group.desired.known)
    )
    pool = Pool(
        urn=group.source.key,
        name=group.source.name,
        platform=group.platform,
        cloud=CLOUD,
        shapes=machines.shapes,
        desired=desired,
        ceiling=None if group.maximum.known is None else nodes_for(machines, group.maximum.known),
        market=group.market,
        # On demand, groups take the types in the order in which they are named (EKS user guide,
        # "Managed node group capacity types";
        # EC2 Auto Scaling, "Allocation strategies": prioritized unless the types are chosen by
        # attributes).
        prioritized=group.market == "on-demand" and not machines.by_attributes,
        region=estate.region(group.source.resource, CLOUD),
        placement=group.placement,
        assumptions=(*machines.assumptions, *group.assumptions),
        overlap=(desired or 0) if group.source.resource.replaced_before_delete else 0,
        evidence=(*machines.evidence, *group.evidence),
    )
    if machines.plain:
        return pool
    holds, extra, undecided = _held(group, machines)
    lowered = group.lowered
    if lowered is not None:
        pool = replace(
            pool,
            evidence=(*pool.evidence, lowered.evidence),
            assumptions=(*pool.assumptions, *([lowered.assumption] if lowered.assumption else [])),
        )
    undecided += (*group.undecided, *_doubts(group))
    if holds or extra or undecided:
        undecided += machines.undecided
    notices = (*group.notices, *(lowered.notices if lowered else ()))
    return replace(
        pool, holds=holds, extra=extra, undecided=tuple(dict.fromkeys(undecided)), notices=notices
    )


def _doubts(group: Group) -> tuple[Undecided, ...]:
    """Why more than the minimum may stay."""
    if group.lowered is None or group.maximum.known == 0:
        return ()
    more = group.raised is not None or group.minimum.known != group.desired.known
    return group.lowered.doubts if more or group.desired.is_hidden else ()


def _held(
    group: Group, machines: Machines
) -> tuple[tuple[Hold, ...], tuple[Hold, ...], tuple[Undecided, ...]]:
    refused = order(group.minimum, group.desired, group.maximum)
    if refused is not None:
        return (), (), (refused,)
    if group.maximum.known == 0 and not group.actions:
        return (), (), ()
    hidden = _hidden(group)
    own = _minimum(group, machines)
    if hidden:
        # A schedule could lower the minimum again; without one it is certain.
        return own if not group.actions else (), (), hidden
    holds = [*own, *_desired(group, machines)]
    undecided: list[Undecided] = []
    if group.actions:
        scheduled = _scheduled(group, machines, holds)
        if isinstance(scheduled, Undecided):
            undecided.append(scheduled)
        else:
            holds = scheduled
    if (
        group.raised is not None
        and group.pinned is None
        and group.lowered is None
        and group.maximum.known != group.desired.known
    ):
        fix = "Let the scaling policy scale in as well (a target tracking policy with scale-in)"
        holds.append(Hold(Cause.KEPT_PEAK, group.source.urn, None, (group.raised,), fix))
    if (
        group.pinned is not None
        and (group.raised is not None or group.actions)
        and group.maximum.known != group.desired.known
    ):
        holds.append(Hold(Cause.PROTECTED, group.pinned.urn, None, (group.pinned,), group.unpin))
    holds += group.holds
    # With schedules, peaks or tasks the group's own size changes with the hour.
    varies = bool(group.actions or group.holds) or any(hold.units is None for hold in holds)
    kept, extra, open_warm = _warm(group, machines, varies)
    holds += kept
    undecided += open_warm
    return tuple(sorted(holds, key=lambda h: -h.least)), extra, tuple(undecided)


def _hidden(group: Group) -> tuple[Undecided, ...]:
    """The sizes that aren't known and decide how many instances stay."""
    settled = group.minimum.known is not None and group.minimum.known == group.maximum.known
    lowers = group.lowered is not None and group.pinned is None
    unread = [group.minimum] if group.minimum.is_hidden else []
    if group.desired.is_hidden and not settled and not lowers:
        unread.append(group.desired)
    out = []
    for size in unread:
        why = f"{size.path} isn't known at preview, so any number of GPU instances could stay on"
        out.append(size.source.open(size.path, why))
    return tuple(dict.fromkeys(out))


def _minimum(group: Group, machines: Machines) -> tuple[Hold, ...]:
    minimum = group.minimum.known
    if not minimum:
        return ()
    because = f"the group never goes below {minimum}"
    nodes = nodes_for(machines, minimum)
    if nodes != minimum:
        because += f" units, {_instances(nodes)}"
    fix = f"Set {group.minimum.path} to 0"
    if group.lowered is None:
        fix += (
            ""
            if group.desired.default or group.desired.path == group.minimum.path
            else f" and {group.desired.path} to 0"
        )
    return (
        Hold(
            Cause.POOL_MINIMUM,
            group.minimum.source.urn,
            nodes,
            (*_chain(group), group.minimum.evidence(because)),
            fix,
        ),
    )


def _desired(group: Group, machines: Machines) -> list[Hold]:
    desired, minimum = group.desired.known or 0, group.minimum.known or 0
    if desired <= minimum:
        return []
    nodes = nodes_for(machines, desired)
    if group.pinned is not None:
        started = group.desired.evidence(f"{_instances(nodes)} at creation")
        return [
            Hold(
                Cause.PROTECTED,
                group.pinned.urn,
                nodes,
                (*_chain(group), started, group.pinned),
                group.unpin,
            )
        ]
    if group.lowered is not None:
        return []
    because = (
        f"{_instances(nodes)} at creation, and nothing in the stack lowers "
        f"{'it' if nodes == 1 else 'them'}"
    )
    ignored = [
        path
        for path in group.source.resource.ignore_changes
        if path.split(".")[-1] in ("desiredSize", "desiredCapacity")
    ]
    note = [
        Evidence(
            group.source.urn,
            path,
            None,
            "ignored changes mean that somebody moves it; nobody here does",
        )
        for path in ignored
    ]
    note += group.silent
    fix = f"Set {group.desired.path} to {minimum}"
    if group.missed is not None:
        note.append(group.missed)
        fix += ", or tag the group so that the cluster autoscaler of the stack finds it"
    elif group.placement is not None:
        fix += (
            ", or deploy a cluster autoscaler (or set trust.clusterAutoscaler in "
            "zerofloor.yaml where one runs)"
        )
    return [
        Hold(
            Cause.DESIRED_NOT_LOWERED,
            group.source.urn,
            nodes,
            (*_chain(group), group.desired.evidence(because), *note),
            fix,
        )
    ]


def _instances(number: int) -> str:
    return "1 instance" if number == 1 else f"{number} instances"


def _chain(group: Group) -> tuple[Evidence, ...]:
    return group.machines.evidence


def _scheduled(group: Group, machines: Machines, plain: Sequence[Hold]) -> list[Hold] | Undecided:
    """The holds of a group under scheduled actions; `plain` are those without them."""
    minimum, desired = group.minimum.known or 0, group.desired.known or 0
    maximum = 10**9 if group.maximum.known is None else group.maximum.known
    start = Sizes(minimum, maximum, desired)
    lowered = group.lowered is not None and group.pinned is None
    certain = [action.move for action in group.actions if not action.guess]
    out: list[Hold] = []
    for changes in dict.fromkeys((tuple(certain), tuple(action.move for action in group.actions))):
        held = levels(start, changes, lowered)
        if held is None:
            action = group.actions[0]
            return Undecided(
                action.evidence.urn,
                action.evidence.path,
                "It fires too often to be worked out",
                "Use fewer times",
            )
        if group.pinned is not None and held:
            held = ((held[0][0], WEEK),)
        for level, hours in held:
            same = [h for h in plain if h.units == nodes_for(machines, level)]
            if hours == WEEK and same:
                out.append(same[0])
            elif level:
                out.append(_schedule_hold(group, machines, level, hours))
    return [hold for index, hold in enumerate(out) if hold not in out[:index]]


def _schedule_hold(group: Group, machines: Machines, level: int, week: Decimal) -> Hold:
    raising = [a for a in group.actions if level in (a.move.minimum, a.move.desired)]
    chosen = raising[0].evidence if raising else group.minimum.evidence("it starts with this size")
    rest = "no action brings it down" if week == WEEK else f"for {week.normalize():f} hours a week"
    nodes = nodes_for(machines, level)
    step = Evidence(chosen.urn, chosen.path, chosen.value, f"sets {level}, {rest}")
    fix = (
        "Add an action that sets minSize and desiredCapacity back to 0"
        if week == WEEK
        else "Shorten the window, or start on demand instead"
    )
    return Hold(Cause.SCHEDULE, chosen.urn, nodes, (*_chain(group), step), fix, week)


def _warm(
    group: Group, machines: Machines, varies: bool
) -> tuple[tuple[Hold, ...], tuple[Hold, ...], list[Undecided]]:
    """What a running warm pool keeps: nodes that count where the group has fewer, and nodes on top
    of it.

    Together with the group it fills up to the prepared capacity, and never has fewer than its own
    minimum.
    """
    warm = group.warm
    if warm is None:
        return (), (), []
    if isinstance(warm, Undecided):
        return (), (), [warm]
    total = warm.prepared.known if warm.prepared.known is not None else group.maximum.known
    if warm.prepared.is_hidden or warm.minimum.is_hidden or total is None:
        path = warm.prepared.path
        return (
            (),
            (),
            [
                group.source.open(
                    path, "The size of the running warm pool is not known: its GPU instances bill"
                )
            ],
        )
    least = warm.minimum.known or 0
    if varies:
        # max(size + least, total) = max(size, total - least) + least, for any size.
        filled = [
            _warm_hold(
                group, machines, warm, total - least, f"it fills up to {total} with the group"
            )
        ]
        beside = [_warm_hold(group, machines, warm, least, f"it keeps {least} beside the group")]
        return tuple(h for h in filled if h.least > 0), tuple(h for h in beside if h.least > 0), []
    stays = group.lowered is not None and group.pinned is None
    running = (
        (group.minimum.known or 0)
        if stays
        else max(group.desired.known or 0, group.minimum.known or 0)
    )
    size = max(least, total - running)
    return (
        (),
        (
            _warm_hold(
                group, machines, warm, size, f"it fills up to {total}: {size} beside the group"
            ),
        )
        if size > 0
        else (),
        [],
    )


def _warm_hold(group: Group, machines: Machines, warm: Warm, units: int, because: str) -> Hold:
    filled = Evidence(
        group.source.urn, group.source.path(warm.prepared.path), warm.prepared.known, because
    )
    fix = (
        "Set the warm pool's poolState to Stopped or Hibernated (only disks bill then), or "
        "remove it"
    )
    nodes = nodes_for(machines, max(units, 0))
    return Hold(Cause.WARM_POOL, group.source.urn, nodes, (*_chain(group), warm.state, filled), fix)
