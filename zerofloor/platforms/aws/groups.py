"""A group of instances with a minimum, a desired and a maximum size → a pool: what ASGs, EKS node
groups and fleets share."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Market,
    Notice,
    Placement,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.aws.policies import mended
from zerofloor.platforms.aws.read import CLOUD, narrowed, nodes_for, order
from zerofloor.platforms.aws.schedule import Move, Sizes, levels
from zerofloor.platforms.declared import Declared, Size, changes_of, ignores
from zerofloor.platforms.machines import Machines
from zerofloor.structs import Value
from zerofloor.words import counted

GROUPS: Final = ("aws:autoscaling/group:Group", "aws-native:autoscaling:AutoScalingGroup")
NODE_GROUPS: Final = ("aws:eks/nodeGroup:NodeGroup", "aws-native:eks:Nodegroup")


class Lowered(Value, frozen=True):
    """What lowers the desired size to the minimum when idle."""

    evidence: Evidence
    assumption: Assumption | None = None
    notices: tuple[Notice, ...] = ()
    doubts: tuple[Undecided, ...] = ()
    """Why it can't be told whether it does; what is above the minimum is undecided then."""


class Action(Value, frozen=True):
    """A scheduled action on the group."""

    move: Move
    evidence: Evidence
    guess: bool = False
    """Whether it is only assumed to mean this group: then it may raise a floor and never lower
    it."""


class Warm(Value, frozen=True):
    """A warm pool whose instances run."""

    state: Evidence
    minimum: Size
    prepared: Size
    """maxGroupPreparedCapacity; absent: the group's maximum."""


class Group(Value, frozen=True):
    source: Declared
    platform: str
    machines: Machines
    minimum: Size
    desired: Size
    maximum: Size
    market: Market = Market.ON_DEMAND
    placement: Placement | None = None
    """Set where pods can land on its nodes."""
    lowered: Lowered | None = None
    missed: Evidence | None = None
    """Why a cluster autoscaler of the stack does not look after it."""
    raised: Evidence | None = None
    """Something that adds instances under load and removes none."""
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
        urn=group.source.urn,
        part=group.source.part(),
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
        prioritized=group.market is Market.ON_DEMAND and not machines.by_attributes,
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
    if _needs_autoscaler(group):
        found = _never_raised(estate, group)
        if isinstance(found, Notice):
            notices = (*notices, found)
        else:
            pool = replace(pool, assumptions=(*pool.assumptions, found))
    return replace(
        pool, holds=holds, extra=extra, undecided=tuple(dict.fromkeys(undecided)), notices=notices
    )


def _needs_autoscaler(group: Group) -> bool:
    """Whether it is a cluster's group at 0 that may grow, and nothing in the stack would raise
    it."""
    sizes = (group.minimum, group.desired)
    at_zero = all(not size.is_hidden and not size.known for size in sizes)
    moved = group.lowered or group.raised or group.actions or group.holds
    return group.placement is not None and at_zero and group.maximum.known != 0 and not moved


def _never_raised(estate: Estate, group: Group) -> Notice | Assumption:
    """A warning where it is known that no cluster autoscaler looks after the group, else the
    assumption that one does: clusters are often declared elsewhere."""
    name = group.source.name
    if group.missed is not None:
        message = f"Group {name} stays at 0 nodes because the stack's autoscaler doesn't find it"
        fix = "Tag it k8s.io/cluster-autoscaler/enabled, or name it in the autoscaler's values"
        return Notice(
            cause=Cause.NEVER_GROWS,
            urn=group.source.urn,
            message=message,
            fix=fix,
            evidence=(group.missed,),
        )
    if estate.settings.trust.cluster_autoscaler is False:
        path = group.maximum.path
        because = "nothing ever asks for them: trust.clusterAutoscaler is false"
        evidence = Evidence(group.source.urn, path, group.maximum.known, because)
        message = f"Group {name} stays at 0 nodes because no cluster autoscaler runs"
        fix = "Deploy a cluster autoscaler, or use a Karpenter NodePool in its place"
        return Notice(
            cause=Cause.NEVER_GROWS,
            urn=group.source.urn,
            message=message,
            fix=fix,
            evidence=(evidence,),
        )
    return Assumption(
        "A cluster autoscaler adds nodes to groups at 0",
        "the stack declares none, and without one they stay at 0",
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
        peak = Hold(
            cause=Cause.KEPT_PEAK,
            urn=group.source.urn,
            units=None,
            evidence=(group.raised, *group.silent),
            fix=fix,
            change=mended(group.silent),
        )
        holds.append(peak)
    if (
        group.pinned is not None
        and (group.raised is not None or group.actions)
        and group.maximum.known != group.desired.known
    ):
        holds.append(_protected(group, None, (group.pinned,)))
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
    return tuple(dict.fromkeys(size.open(group.maximum.known) for size in unread))


def _minimum(group: Group, machines: Machines) -> tuple[Hold, ...]:
    minimum = group.minimum.known
    if not minimum:
        return ()
    because = f"the group never goes below {minimum}"
    nodes = nodes_for(machines, minimum)
    if nodes != minimum:
        because += f" units, {_instances(nodes)}"
    fix, change = _to_zero(group)
    hold = Hold(
        cause=Cause.POOL_MINIMUM,
        urn=group.minimum.source.urn,
        units=nodes,
        evidence=(*_chain(group), group.minimum.evidence(because)),
        fix=fix,
        change=change,
    )
    return (hold,)


def _to_zero(group: Group) -> tuple[str, tuple[Change, ...]]:
    """The change of both sizes to zero, as a sentence and as data. `ignoreChanges` takes a size out
    of every update, so that its entry goes first."""
    sizes = [group.minimum] if group.minimum.known or group.desired.is_derived else []
    if group.lowered is None and not group.desired.is_derived:
        sizes.append(group.desired)
    sizes = list({(size.source.urn, size.path): size for size in sizes}.values())
    ignored = [s.path for s in sizes if ignores(s.source.resource.ignore_changes, s.path)]
    told = " and ".join(f"{size.path} to 0" for size in sizes)
    if ignored:
        return f"Remove {' and '.join(ignored)} from ignoreChanges, and set {told}", ()
    parts = [changes_of(size.source, (size.path, 0)) for size in sizes]
    change = tuple(one for part in parts for one in part) if all(parts) else ()
    return f"Set {told}", change


def _desired(group: Group, machines: Machines) -> list[Hold]:
    desired, minimum = group.desired.known or 0, group.minimum.known or 0
    if desired <= minimum:
        return []
    nodes = nodes_for(machines, desired)
    if group.pinned is not None:
        started = group.desired.evidence(f"{_instances(nodes)} at creation")
        return [_protected(group, nodes, (*_chain(group), started, group.pinned))]
    if group.lowered is not None:
        return []
    them = "it" if nodes == 1 else "them"
    because = f"{_instances(nodes)} at creation, and nothing in the stack lowers {them}"
    entries = group.source.resource.ignore_changes
    note = [*group.silent]
    if ignores(entries, group.desired.path):
        why = "its changes are left to something else, and nothing in the stack makes any"
        note.append(Evidence(group.source.urn, "ignoreChanges", group.desired.path, why))
    to_zero, change = _to_zero(group)
    fix = f"{to_zero}; it then stays at 0 until you or a scaling policy raise it"
    if group.missed is not None:
        note.append(group.missed)
        fix = "Tag the group so that the cluster autoscaler of the stack finds it"
    elif group.placement is not None:
        fix = "Deploy a cluster autoscaler, or set trust: {clusterAutoscaler: true} if one runs"
    if group.missed is not None or group.placement is not None:
        fix += f". Or {to_zero[0].lower()}{to_zero[1:]}: no node then starts until you raise it"
    hold = Hold(
        cause=Cause.DESIRED_NOT_LOWERED,
        urn=group.source.urn,
        units=nodes,
        evidence=(*_chain(group), group.desired.evidence(because), *note),
        fix=fix,
        change=change,
    )
    return [hold]


def _protected(group: Group, nodes: int | None, evidence: tuple[Evidence, ...]) -> Hold:
    """What a setting keeps that protects every instance; without it only a group that something
    lowers goes down."""
    pinned = group.pinned
    assert pinned is not None
    change: tuple[Change, ...] = ()
    if group.lowered is not None and pinned.path.lower().endswith("fromscalein"):
        change = changes_of(group.source, (pinned.path, False))
    return Hold(
        cause=Cause.PROTECTED,
        urn=pinned.urn,
        units=nodes,
        evidence=evidence,
        fix=group.unpin,
        change=change,
    )


def _instances(number: int) -> str:
    return counted(number, "instance")


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
    rest = "no action lowers it" if week == WEEK else f"for {counted(week, 'hour')} a week"
    nodes = nodes_for(machines, level)
    step = Evidence(chosen.urn, chosen.path, chosen.value, f"sets {level}, {rest}")
    fix = (
        "Add an action that sets minSize and desiredCapacity back to 0"
        if week == WEEK
        else "Shorten the window, or start on demand instead"
    )
    return Hold(
        cause=Cause.SCHEDULE,
        urn=chosen.urn,
        units=nodes,
        evidence=(*_chain(group), step),
        fix=fix,
        hours_per_week=week,
    )


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
    own = warm.state.urn == group.source.urn and group.source.logical is None
    return Hold(
        cause=Cause.WARM_POOL,
        urn=group.source.urn,
        units=nodes,
        evidence=(*_chain(group), warm.state, filled),
        fix=fix,
        change=changes_of(group.source, (warm.state.path, "Stopped")) if own else (),
    )
