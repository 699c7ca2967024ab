"""Application Auto Scaling: what keeps, raises and lowers the capacity of endpoints, services and
fleets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Assumption, Cause, Evidence, Notice, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.aws.read import declared
from zerofloor.platforms.aws.schedule import Change, Sizes, levels, readable
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.stack import Resource
from zerofloor.values import (
    Impossible,
    at,
    count,
    get,
    hidden,
    known_items,
    known_mapping,
    known_text,
    switch,
)

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


@dataclass(frozen=True, slots=True)
class Target:
    """A registered scalable target."""

    source: Declared
    minimum: Size | Undecided
    maximum: Size | Undecided
    lowered: Evidence | None
    """The policy that scales in when idle."""
    raised: Evidence | None
    actions: tuple[tuple[Change, Evidence], ...] = ()
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[Notice, ...] = ()
    guess: bool = False
    """Whether it is only assumed to be this resource's: then it may raise a floor and never lower
    it."""


@dataclass(frozen=True, slots=True)
class Level:
    """Units that stay, before they become nodes."""

    units: int | None
    """None: at least one, and a peak decides how many."""
    cause: Cause
    urn: str
    evidence: tuple[Evidence, ...]
    fix: str
    hours: Decimal = WEEK


@dataclass(frozen=True, slots=True)
class Kept:
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
    named = [source for name in resource_ids for source in index.by_id.get(name, ())]
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


@dataclass(frozen=True, slots=True)
class _Index:
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
    lowered: Evidence | None = None
    raised: Evidence | None = None
    assumptions = [guess] if guess else []
    notices: list[Notice] = []
    suspended = at(source.inputs, "suspendedState", "dynamicScalingInSuspended")
    for policy in _tied(
        estate.once("scaling policies", lambda: _index(list(declared(estate, *_POLICIES)))),
        source,
        alone,
    ):
        path, ups, downs = _directions(policy)
        if ups and raised is None:
            raised = policy.evidence(path, "adds capacity under load, and takes none away")
        if downs and lowered is None and switch(suspended) is not True and not hidden(suspended):
            lowered = policy.evidence(path, "scales in to the minimum when idle")
            what = f"{policy.name} scales {source.name} in when idle"
            assumptions.append(Assumption(what, "Application Auto Scaling acts on its policy"))
            notices += _silent(policy)
    scheduled = _tied(
        estate.once("scheduled actions", lambda: _index(list(declared(estate, *_ACTIONS)))),
        source,
        alone,
    )
    actions, undecided = _actions(source, scheduled)
    minimum, maximum = size(source, ["minCapacity"]), size(source, ["maxCapacity"])
    return Target(
        source,
        minimum,
        maximum,
        lowered,
        raised,
        actions,
        undecided,
        tuple(assumptions),
        tuple(notices),
        guess is not None,
    )


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


def _directions(policy: Declared) -> tuple[str, bool, bool]:
    kind = known_text(policy.inputs.get("policyType")) or "StepScaling"
    if kind == "TargetTrackingScaling":
        path = "targetTrackingScalingPolicyConfiguration"
        off = get(policy.inputs, f"{path}.disableScaleIn")
        return path, True, off is None or switch(off) is False
    if kind == "PredictiveScaling":
        return "predictiveScalingPolicyConfiguration", True, False
    path = "stepScalingPolicyConfiguration"
    moves = [
        str(at(step, "scalingAdjustment"))
        for step in known_items(get(policy.inputs, f"{path}.stepAdjustments"))
    ]
    exact = get(policy.inputs, f"{path}.adjustmentType") == "ExactCapacity"
    downs = any(move.startswith("-") or (exact and move == "0") for move in moves)
    return path, any(not move.startswith("-") and move != "0" for move in moves) or not moves, downs


_DIMENSION: Final = {
    "AWS/SageMaker": "EndpointName",
    "AWS/ECS": "ServiceName",
    "AWS/SQS": "QueueName",
}
"""The dimension under which the service reports its metrics (CloudWatch metrics of each
service)."""


def _silent(policy: Declared) -> list[Notice]:
    path = "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification"
    metric = get(policy.inputs, path)
    dimension = _DIMENSION.get(known_text(at(metric, "namespace")) or "")
    if (
        dimension is None
        or known_items(at(metric, "dimensions"))
        or hidden(at(metric, "dimensions"))
    ):
        return []
    message = (
        f"The metric names no {dimension}, so it may have no data, and target tracking does "
        "not scale in on missing data"
    )
    evidence = policy.evidence(
        f"{path}.metricName", f"reported only with the dimension {dimension}"
    )
    return [
        Notice(
            Cause.NO_SCALE_IN_SIGNAL,
            policy.urn,
            message,
            f"Add the dimension {dimension} to the metric",
            (evidence,),
        )
    ]


def _actions(
    target: Declared, scheduled: Sequence[Declared]
) -> tuple[tuple[tuple[Change, Evidence], ...], tuple[Undecided, ...]]:
    found: list[tuple[Declared, str, Any]] = [
        (target, f"scheduledActions[{index}]", item)
        for index, item in enumerate(known_items(target.inputs.get("scheduledActions")))
    ]
    found += [(action, "", action.inputs) for action in scheduled]
    changes: list[tuple[Change, Evidence]] = []
    undecided: list[Undecided] = []
    for source, prefix, item in sorted(
        found, key=lambda f: (known_text(at(f[2], "startTime")) or "", f[0].urn, f[1])
    ):
        dot = f"{prefix}." if prefix else ""
        low, high = (
            count(get(item, "scalableTargetAction.minCapacity")),
            count(get(item, "scalableTargetAction.maxCapacity")),
        )
        schedule = at(item, "schedule")
        once = isinstance(schedule, str) and schedule.strip().startswith("at(")
        if (
            isinstance(low, Impossible)
            or isinstance(high, Impossible)
            or hidden(low)
            or hidden(high)
            or not (once or readable(schedule))
        ):
            undecided.append(
                source.open(
                    f"{dot}schedule",
                    "A scheduled action's capacity or time can't be read: it could keep GPUs",
                )
            )
            continue
        evidence = source.evidence(f"{dot}scalableTargetAction.minCapacity", "")
        lowest, highest = (
            low if isinstance(low, int) else None,
            high if isinstance(high, int) else None,
        )
        changes.append(
            (Change(None if once else known_text(schedule), lowest, highest, None), evidence)
        )
    return tuple(changes), tuple(undecided)


def kept(
    initial: Size | Undecided, target: Target | None, cause: Cause, zero: Undecided | None = None
) -> Kept:
    """What stays of a capacity that starts at `initial` under its target. `zero`: why a minimum of
    0 is refused."""
    if isinstance(initial, Undecided):
        return Kept(undecided=(initial,))
    if target is None:
        if initial.is_hidden:
            return Kept(
                undecided=(
                    initial.source.open(
                        initial.path, f"{initial.path} is hidden: this many could run for good"
                    ),
                )
            )
        units = initial.known or 0
        evidence = initial.evidence(f"fixed at {units}: no scaling target lowers it")
        fix = f"Set {initial.path} to 0, or let it scale to zero"
        return Kept(
            (Level(units, cause, initial.source.urn, (evidence,), fix),) if units else (),
            ceiling=units,
        )
    minimum, maximum = target.minimum, target.maximum
    extra = Kept((), target.undecided, target.assumptions, target.notices, (), None)
    if isinstance(minimum, Undecided) or isinstance(maximum, Undecided):
        wrong = tuple(part for part in (minimum, maximum) if isinstance(part, Undecided))
        return Kept(undecided=(*wrong, *target.undecided))
    source = target.source
    if minimum.is_hidden or (initial.is_hidden and target.lowered is None):
        path = minimum if minimum.is_hidden else initial
        return Kept(
            undecided=(
                path.source.open(path.path, f"{path.path} is hidden: this many could run for good"),
                *target.undecided,
            )
        )
    low, high = minimum.known or 0, maximum.known
    if high is not None and low > high:
        return Kept(
            undecided=(
                source.open(
                    "minCapacity",
                    f"minCapacity {low} is above maxCapacity {high}: AWS refuses it",
                    "Correct it",
                ),
            )
        )
    if low == 0 and zero is not None:
        refused = kept(initial, None, cause)
        return Kept(
            refused.levels,
            (*refused.undecided, *target.undecided),
            target.assumptions,
            target.notices,
            (minimum.evidence(zero.why),),
            initial.known,
        )
    start = max(low, initial.known or 0)
    if high is not None:
        start = min(start, high) if start > high and target.lowered is not None else start
    base = low if target.lowered is not None else start
    found: list[Level] = []
    if target.actions:
        changes = [change for change, _ in target.actions]
        steps = levels(
            Sizes(low, high if high is not None else 10**9, start),
            changes,
            target.lowered is not None,
        )
        if steps is None:
            return Kept(
                undecided=(
                    source.open(
                        "", "Its schedule fires too often to be worked out", "Use fewer times"
                    ),
                )
            )
        for units, hours in steps:
            found.append(_scheduled(target, units, hours, base, minimum, initial, cause))
    elif base:
        found.append(_base(target, base, minimum, initial, cause))
    if target.lowered is None and target.raised is not None and high != base:
        fix = "Let a policy scale in as well (target tracking with scale-in)"
        found.append(Level(None, Cause.KEPT_PEAK, target.raised.urn, (target.raised,), fix))
    scaled_in = (target.lowered,) if target.lowered is not None else ()
    undecided = extra.undecided
    if target.guess and base < (initial.known or 0):
        why = f"Whether {source.name} scales it in is not known; if not, {initial.known} stay"
        undecided += (
            source.open("resourceId", why, "Name the resource in a way that the preview knows"),
        )
    return Kept(tuple(found), undecided, extra.assumptions, extra.notices, scaled_in, high)


def _base(target: Target, units: int, minimum: Size, initial: Size, cause: Cause) -> Level:
    if units == minimum.known:
        evidence = minimum.evidence(f"never goes below {units}")
        return Level(
            units,
            Cause.SCALER_MINIMUM if units else cause,
            target.source.urn,
            (evidence,),
            "Set minCapacity to 0",
        )
    evidence = initial.evidence(f"starts at {units}, and no policy scales it in")
    return Level(
        units,
        cause,
        initial.source.urn,
        (evidence,),
        f"Add a scaling policy that scales in, or set {initial.path} to {minimum.known}",
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
    raising = [evidence for change, evidence in target.actions if change.minimum == units] or [
        minimum.evidence("")
    ]
    chosen = raising[0]
    rest = (
        "no action brings it down" if hours == WEEK else f"for {hours.normalize():f} hours a week"
    )
    step = Evidence(chosen.urn, chosen.path, chosen.value, f"sets {units}, {rest}")
    return Level(
        units,
        Cause.SCHEDULE,
        chosen.urn,
        (step,),
        "Set the minimum back to 0 with another action, or shorten the window",
        hours,
    )


def identifiers(source: Declared, *paths: str) -> list[str]:
    """The names that others may use for a resource."""
    return [
        value for path in paths if isinstance(value := known_mapping(source.inputs).get(path), str)
    ]
