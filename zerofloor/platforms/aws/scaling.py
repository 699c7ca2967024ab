"""Application Auto Scaling: what keeps, raises and lowers the capacity of endpoints, services and
fleets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Notice,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.aws.policies import TARGET, Effect, effect_of, mended
from zerofloor.platforms.aws.read import declared
from zerofloor.platforms.aws.schedule import Move, Sizes, levels, readable
from zerofloor.platforms.declared import Declared, Size, changes_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import Impossible, at, count, get, hidden, items, known_text, text
from zerofloor.words import counted

TARGETS: Final = (
    "aws:appautoscaling/target:Target",
    "aws-native:applicationautoscaling:ScalableTarget",
)
_POLICIES: Final = (
    "aws:appautoscaling/policy:Policy",
    "aws-native:applicationautoscaling:ScalingPolicy",
)
_ACTIONS: Final = ("aws:appautoscaling/scheduledAction:ScheduledAction",)
READS: Final = frozenset({*TARGETS, *_POLICIES, *_ACTIONS})


class Target(Value, frozen=True):
    """A registered scalable target."""

    source: Declared
    minimum: Size | Undecided
    maximum: Size | Undecided
    lowered: Evidence | None
    """The policy that scales in when idle."""
    raised: Evidence | None
    silent: tuple[Evidence, ...] = ()
    """Why a policy that could scale in never does."""
    doubts: tuple[Undecided, ...] = ()
    """Why it can't be told whether a policy scales in."""
    actions: tuple[tuple[Move, Evidence], ...] = ()
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[Notice, ...] = ()
    guess: bool = False
    """Whether it is only assumed to be this resource's: then it may raise a floor and never lower
    it."""

    @property
    def may_lower(self) -> bool:
        """Whether something scales in to the minimum, for certain or (then undecided) perhaps."""
        return self.lowered is not None or bool(self.doubts)


class Level(Value, frozen=True):
    """Units that stay, before they become nodes."""

    units: int | None
    """None: at least one, and a peak decides how many."""
    cause: Cause
    urn: str
    evidence: tuple[Evidence, ...]
    fix: str
    hours: Decimal = WEEK
    change: tuple[Change, ...] = ()
    """The same as `fix`, as data; empty where a person must decide."""


def hold_of(level: Level, found: Machines) -> Hold:
    """What a level keeps of these machines."""
    return Hold(
        cause=level.cause,
        urn=level.urn,
        units=level.units,
        evidence=(*found.evidence, *level.evidence),
        fix=level.fix,
        hours_per_week=level.hours,
        change=level.change,
    )


class Kept(Value, frozen=True):
    levels: tuple[Level, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[Notice, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    ceiling: int | None = None


def target_of(
    estate: Estate, resource: Resource, dimension: str, resource_ids: Sequence[str]
) -> Target | None:
    """The target registered for `dimension` on a resource with one of these IDs
    (`endpoint/NAME/variant/NAME`)."""
    index = estate.once(
        ("targets", dimension),
        lambda: _index([d for d in declared(estate, *TARGETS) if _of_dimension(d, dimension)]),
    )
    named = [
        source
        for name in resource_ids
        for source in index.by_id.get(name, ())
        if estate.meets(resource, source.resource)
    ]
    linked = [
        source
        for source in index.by_dependency.get(resource.urn, ())
        if not _other(source.inputs.get("resourceId"), resource_ids)
    ]
    guess: Assumption | None = None
    chosen = next(iter([*named, *linked]), None)
    if chosen is None and len(index.unlinked) == 1:
        chosen = index.unlinked[0]
        guess = Assumption(
            f"{chosen.name} scales {resource.name}",
            "resourceId is not known yet and it is the only target in reach",
        )
    return None if chosen is None else _target(estate, chosen, index.count == 1, guess)


class _Index(Value, frozen=True):
    """Targets, policies or actions by what ties them to a resource."""

    count: int
    by_id: Mapping[str, list[Declared]]
    by_dependency: Mapping[str, list[Declared]]
    unlinked: Sequence[Declared]
    """Those that do not say yet what they belong to."""


def _index(sources: Sequence[Declared]) -> _Index:
    by_id: dict[str, list[Declared]] = defaultdict(list)
    by_dependency: dict[str, list[Declared]] = defaultdict(list)
    unlinked: list[Declared] = []
    for source in sources:
        value = source.inputs.get("resourceId")
        if isinstance(value, str):
            by_id[value].append(source)
        dependencies = {
            urn for prop in ("resourceId", "scalingTargetId") for urn in _dependencies(source, prop)
        }
        for urn in dependencies:
            by_dependency[urn].append(source)
        if not isinstance(value, str) and not dependencies:
            unlinked.append(source)
    return _Index(len(sources), by_id, by_dependency, unlinked)


def _dependencies(source: Declared, prop: str) -> tuple[str, ...]:
    return (source.resource.property_dependencies or {}).get(prop, ())


def _of_dimension(source: Declared, dimension: str) -> bool:
    value = source.inputs.get("scalableDimension")
    return value is None or hidden(value) or value == dimension


def _other(value: Any, resource_ids: Sequence[str]) -> bool:
    # A known ID that is not ours: another variant of the same endpoint.
    return isinstance(value, str) and bool(resource_ids) and value not in resource_ids


def _tied(index: _Index, target: Declared, alone: bool) -> list[Declared]:
    """What belongs to a target: by its ID, by dependency on it or on the resource that it scales,
    or, alone, what says nothing yet."""
    value = target.inputs.get("resourceId")
    found = list(index.by_id.get(value, ())) if isinstance(value, str) else []
    for urn in (target.urn, *_dependencies(target, "resourceId")):
        found += index.by_dependency.get(urn, ())
    if alone:
        found += index.unlinked
    return [
        source
        for source in {id(source.resource): source for source in found}.values()
        if _belongs(source, target) is not False
    ]


def _target(estate: Estate, source: Declared, alone: bool, guess: Assumption | None) -> Target:
    policies = _tied(
        estate.once("scaling policies", lambda: _index(list(declared(estate, *_POLICIES)))),
        source,
        alone,
    )
    because = "Application Auto Scaling acts on its policy"
    effect = effect_of(estate, policies, TARGET, source.name, because)
    effect = _suspended(source, effect)
    scheduled = _tied(
        estate.once("scheduled actions", lambda: _index(list(declared(estate, *_ACTIONS)))),
        source,
        alone,
    )
    actions, undecided = _actions(source, scheduled)
    minimum, maximum = size(source, ["minCapacity"]), size(source, ["maxCapacity"])
    return Target(
        source=source,
        minimum=minimum,
        maximum=maximum,
        lowered=effect.lowered,
        raised=effect.raised,
        silent=effect.silent,
        doubts=effect.doubts,
        actions=actions,
        undecided=undecided,
        assumptions=(*([guess] if guess else []), *effect.assumptions),
        notices=effect.notices,
        guess=guess is not None,
    )


def _suspended(source: Declared, effect: Effect) -> Effect:
    """The same where the target's own switch keeps its policies from scaling in."""
    state = source.field("suspendedState.dynamicScalingInSuspended")
    suspended = state.switch()
    if suspended is True:
        silent = state.evidence("scaling in is suspended")
        return replace(effect, lowered=None, silent=(silent,), doubts=(), assumptions=())
    if isinstance(suspended, Hidden) and effect.lowered is not None:
        doubt = state.undecided("Whether scaling in is suspended isn't known at preview")
        return replace(effect, lowered=None, doubts=(doubt,), assumptions=())
    return effect


def _belongs(other: Declared, target: Declared) -> bool | None:
    """Whether a policy or action is on this target; None where it does not say yet."""
    for prop in ("resourceId", "scalingTargetId"):
        if target.urn in (other.resource.property_dependencies or {}).get(prop, ()):
            return True
    theirs, ours = other.inputs.get("resourceId"), target.inputs.get("resourceId")
    if isinstance(theirs, str) and isinstance(ours, str):
        dimension = other.inputs.get("scalableDimension")
        return theirs == ours and (
            not isinstance(dimension, str) or dimension == target.inputs.get("scalableDimension")
        )
    shared = set((other.resource.property_dependencies or {}).get("resourceId", ()))
    own = set((target.resource.property_dependencies or {}).get("resourceId", ()))
    if shared or own:
        return bool(shared & own)
    return None if hidden(theirs) or hidden(ours) or theirs is None else False


def _actions(
    target: Declared, scheduled: Sequence[Declared]
) -> tuple[tuple[tuple[Move, Evidence], ...], tuple[Undecided, ...]]:
    found: list[tuple[Declared, str, Any]] = [(action, "", action.inputs) for action in scheduled]
    own = items(target.inputs.get("scheduledActions"))
    if isinstance(own, Hidden):
        found.append((target, "scheduledActions", own))
        own = []
    found += [(target, f"scheduledActions[{index}].", item) for index, item in enumerate(own)]
    moves: list[tuple[Move, Evidence]] = []
    undecided: list[Undecided] = []
    for source, prefix, item in sorted(found, key=_order):
        move = _move(item)
        if move is None:
            why = "A scheduled action's capacity or time can't be read: it could keep GPUs"
            undecided.append(source.open(f"{prefix}schedule", why))
            continue
        evidence = source.evidence(f"{prefix}scalableTargetAction.minCapacity", "")
        moves.append((move, evidence))
    return tuple(moves), tuple(undecided)


def _order(action: tuple[Declared, str, Any]) -> tuple[str, str, str]:
    source, prefix, item = action
    # A start that isn't known sorts first; what it sets is read all the same.
    return known_text(at(item, "startTime")) or "", source.urn, prefix


def _move(action: Any) -> Move | None:
    """What a scheduled action sets; None where it can't be read."""
    low = count(get(action, "scalableTargetAction.minCapacity"))
    high = count(get(action, "scalableTargetAction.maxCapacity"))
    schedule = text(at(action, "schedule"))
    if isinstance(low, Impossible | Hidden) or isinstance(high, Impossible | Hidden):
        return None
    if not isinstance(schedule, str):
        return None
    if schedule.strip().startswith("at("):
        return Move(None, low, high, None)
    return Move(schedule, low, high, None) if readable(schedule) else None


def kept(
    initial: Size | Undecided, target: Target | None, cause: Cause, zero: Undecided | None = None
) -> Kept:
    """What stays of a capacity that starts at `initial` under its target. `zero`: why a minimum of
    0 is refused."""
    if isinstance(initial, Undecided):
        return Kept(undecided=(initial,))
    if target is None:
        return _fixed(initial, cause)
    minimum, maximum = target.minimum, target.maximum
    if isinstance(minimum, Undecided) or isinstance(maximum, Undecided):
        wrong = tuple(part for part in (minimum, maximum) if isinstance(part, Undecided))
        return Kept(undecided=(*wrong, *target.undecided))
    unknown = minimum if minimum.is_hidden else initial
    if unknown.is_hidden and (unknown is minimum or not target.may_lower):
        return Kept(undecided=(unknown.open(maximum.known), *target.undecided))
    low, high = minimum.known or 0, maximum.known
    if high is not None and low > high:
        why = f"minCapacity {low} is above maxCapacity {high}: AWS refuses it"
        return Kept(undecided=(target.source.open("minCapacity", why, "Correct it"),))
    if low == 0 and zero is not None:
        refused = _fixed(initial, cause)
        return replace(
            refused,
            undecided=(*refused.undecided, *target.undecided),
            assumptions=target.assumptions,
            notices=target.notices,
            evidence=(minimum.evidence(zero.why),),
        )
    return _scaled(initial, target, minimum, high, cause)


def _fixed(initial: Size, cause: Cause) -> Kept:
    """What stays of a capacity that nothing scales."""
    if initial.is_hidden:
        return Kept(undecided=(initial.open(),))
    units = initial.known or 0
    if not units:
        return Kept(ceiling=0)
    level = Level(
        units=units,
        cause=cause,
        urn=initial.source.urn,
        evidence=(initial.evidence(f"fixed at {units}: no scaling target lowers it"),),
        fix=f"Set {initial.path} to 0, or let it scale to zero",
        change=changes_of(initial.source, (initial.path, 0)),
    )
    return Kept(levels=(level,), ceiling=units)


def _scaled(initial: Size, target: Target, minimum: Size, high: int | None, cause: Cause) -> Kept:
    """What stays under a target that AWS accepts."""
    low = minimum.known or 0
    start = max(low, initial.known or 0)
    if high is not None and target.may_lower:
        start = min(start, high)
    base = low if target.may_lower else start
    found: list[Level] = []
    if target.actions:
        limits = Sizes(low, high if high is not None else 10**9, start)
        steps = levels(limits, [move for move, _ in target.actions], target.may_lower)
        if steps is None:
            why = "Its schedule fires too often to be worked out"
            return Kept(undecided=(target.source.open("", why, "Use fewer times"),))
        for units, hours in steps:
            found.append(_scheduled(target, units, hours, base, minimum, initial, cause))
    elif base:
        found.append(_base(target, base, minimum, initial, cause))
    if not target.may_lower and target.raised is not None and high != base:
        fix = "Let a policy scale in as well (target tracking with scale-in)"
        found.append(
            Level(
                units=None,
                cause=Cause.KEPT_PEAK,
                urn=target.raised.urn,
                evidence=(target.raised, *target.silent),
                fix=fix,
                change=mended(target.silent),
            )
        )
    undecided = list(target.undecided)
    if initial.is_hidden or start > low or target.raised is not None:
        undecided += target.doubts
    if target.guess and base < (initial.known or 0):
        why = f"Whether {target.source.name} scales it in isn't known; if not, {initial.known} stay"
        settle = "Name the resource in a way that the preview knows"
        undecided.append(target.source.open("resourceId", why, settle))
    return Kept(
        levels=tuple(found),
        undecided=tuple(undecided),
        assumptions=target.assumptions,
        notices=target.notices,
        evidence=(target.lowered,) if target.lowered is not None else (),
        ceiling=high,
    )


def _base(target: Target, units: int, minimum: Size, initial: Size, cause: Cause) -> Level:
    if units == minimum.known:
        return Level(
            units=units,
            cause=Cause.SCALER_MINIMUM,
            urn=target.source.urn,
            evidence=(minimum.evidence(f"never goes below {units}"),),
            fix="Set minCapacity to 0",
            change=changes_of(target.source, (minimum.path, 0)) if target.may_lower else (),
        )
    started = initial.evidence(f"starts at {units}, and no policy scales it in")
    return Level(
        units=units,
        cause=cause,
        urn=initial.source.urn,
        evidence=(started, *target.silent),
        fix=f"Add a scaling policy that scales in, or set {initial.path} to {minimum.known}",
    )


def _scheduled(
    target: Target,
    units: int,
    hours: Decimal,
    base: int,
    minimum: Size,
    initial: Size,
    cause: Cause,
) -> Level:
    if units <= base and hours == WEEK:
        return _base(target, units, minimum, initial, cause)
    raising = [evidence for move, evidence in target.actions if move.minimum == units]
    chosen = raising[0] if raising else minimum.evidence("")
    rest = "no action lowers it"
    if hours != WEEK:
        rest = f"for {counted(hours, 'hour')} a week"
    step = Evidence(chosen.urn, chosen.path, chosen.value, f"sets {units}, {rest}")
    return Level(
        units=units,
        cause=Cause.SCHEDULE,
        urn=chosen.urn,
        evidence=(step,),
        fix="Set the minimum back to 0 with another action, or shorten the window",
        hours=hours,
    )


def identifiers(source: Declared, *paths: str) -> list[str]:
    """The names that others may use for a resource."""
    return [value for path in paths if isinstance(value := source.inputs.get(path), str)]
