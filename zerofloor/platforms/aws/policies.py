"""Scaling policies of EC2 Auto Scaling and of Application Auto Scaling: whether one scales in when
nothing is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Change, Evidence, Notice, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.aws.alarms import Calls, Rest, calls_of, quantity_of
from zerofloor.platforms.aws.metrics import (
    SILENT,
    ZERO,
    Idle,
    Unclear,
    idle_of,
    idle_of_queries,
    lacks_dimension,
)
from zerofloor.platforms.declared import Declared
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, get, items, switch, text


class Effect(Value, frozen=True):
    """What the policies on one target do."""

    lowered: Evidence | None = None
    """The policy that scales in to the minimum when idle."""
    raised: Evidence | None = None
    """A policy that adds capacity under load."""
    silent: tuple[Evidence, ...] = ()
    """Why a policy that could scale in never does."""
    doubts: tuple[Undecided, ...] = ()
    """Why it can't be told whether a policy scales in."""
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[Notice, ...] = ()


class _Words(Value, frozen=True):
    """How one of the two services spells a policy."""

    tracking: str
    stepping: str
    """Where the step adjustments stand; empty: in the policy itself."""
    predictive: str
    default: str
    """The policy type where it is omitted."""


GROUP: Final = _Words(
    tracking="targetTrackingConfiguration",
    stepping="",
    predictive="predictiveScalingConfiguration",
    default="SimpleScaling",
)
TARGET: Final = _Words(
    tracking="targetTrackingScalingPolicyConfiguration",
    stepping="stepScalingPolicyConfiguration.",
    predictive="predictiveScalingPolicyConfiguration",
    default="StepScaling",
)


def effect_of(
    estate: Estate, policies: Sequence[Declared], words: _Words, scaled: str, because: str
) -> Effect:
    """What these policies do to the target named `scaled` when nothing is asked for."""
    effects = [_effect(estate, policy, words, scaled, because) for policy in policies]
    lowered = [e for e in effects if e.lowered is not None]
    pushed = [e.raised for e in effects if e.raised is not None and e.raised.because == _PUSHED]
    raised = pushed or [e.raised for e in effects if e.raised is not None]
    if pushed:
        # What an idle system calls to add capacity undoes what another policy takes away.
        return Effect(raised=pushed[0], silent=tuple(s for e in effects for s in e.silent))
    return Effect(
        lowered=lowered[0].lowered if lowered else None,
        raised=raised[0] if raised else None,
        silent=tuple(s for e in effects for s in e.silent),
        doubts=() if lowered else tuple(d for e in effects for d in e.doubts),
        assumptions=lowered[0].assumptions if lowered else (),
        notices=tuple(n for e in effects for n in e.notices),
    )


def mended(silent: Sequence[Evidence]) -> tuple[Change, ...]:
    """The switches that would let a policy act, as data; empty where more than these is wrong."""
    values = {"enabled": True, "actionsEnabled": True, "disableScaleIn": False}
    names = [one.path.rsplit(".", 1)[-1] for one in silent]
    if not silent or any(name not in values or ":" in name for name in names):
        return ()
    return tuple(
        Change(urn=one.urn, path=one.path, to=values[name])
        for one, name in zip(silent, names, strict=True)
    )


_PUSHED: Final = "an alarm that is raised when idle calls it: it adds capacity then"


def _effect(estate: Estate, policy: Declared, words: _Words, scaled: str, because: str) -> Effect:
    enabled = switch(policy.inputs.get("enabled"))
    if enabled is False:
        return Effect(silent=(policy.evidence("enabled", "the policy is disabled"),))
    kind = text(policy.inputs.get("policyType"))
    if isinstance(kind, Hidden):
        return Effect(doubts=(policy.open("policyType", "What the policy does isn't known"),))
    kind = kind or words.default
    assumption = Assumption(f"{policy.name} scales {scaled} in when idle", because)
    if kind == "TargetTrackingScaling":
        found = _tracking(policy, words, assumption)
    elif kind == "PredictiveScaling":
        found = _predictive(policy, words)
    else:
        found = _stepping(estate, policy, words, assumption)
    if isinstance(enabled, Hidden) and found.lowered is not None:
        open_switch = policy.open("enabled", "Whether the policy is enabled isn't known at preview")
        return Effect(raised=found.raised, doubts=(open_switch,), notices=found.notices)
    return found


def _predictive(policy: Declared, words: _Words) -> Effect:
    """A forecast adds capacity and never takes any away (EC2 Auto Scaling user guide, "How
    predictive scaling works")."""
    mode = get(policy.inputs, f"{words.predictive}.mode")
    if mode in (None, "ForecastOnly"):
        return Effect()
    return Effect(raised=policy.evidence(words.predictive, _ADDS))


_ADDS: Final = "adds capacity under load, and removes none"


# Target tracking


def _tracking(policy: Declared, words: _Words, assumption: Assumption) -> Effect:
    path = words.tracking
    raised = policy.evidence(path, _ADDS)
    config = policy.inputs.get(path)
    if isinstance(config, Hidden):
        why = "What the policy tracks isn't known at preview: it may not scale in"
        return Effect(raised=raised, doubts=(policy.open(path, why),))
    off = switch(at(config, "disableScaleIn"))
    if isinstance(off, Hidden):
        why = "Whether it scales in isn't known at preview"
        return Effect(raised=raised, doubts=(policy.open(f"{path}.disableScaleIn", why),))
    if off is True:
        why = "scale-in is disabled"
        return Effect(raised=raised, silent=(policy.evidence(f"{path}.disableScaleIn", why),))
    where, idle = _tracked(config)
    notices = tuple(_notices(policy, f"{path}.{where}", at(config, where), idle))
    lowered = policy.evidence(path, "scales in to the minimum when idle")
    if isinstance(idle, Unclear) and not idle.is_custom:
        doubt = policy.open(f"{path}.{where}", f"It isn't certain that it scales in: {idle.why}")
        return Effect(raised=raised, doubts=(doubt,), notices=notices)
    target = quantity_of(at(config, "targetValue"))
    if isinstance(idle, Idle) and idle.low is None:
        why = "the metric has no data when idle, and target tracking keeps what it has then"
        silent = policy.evidence(f"{path}.{where}", why)
        return Effect(raised=raised, silent=(silent,), notices=notices)
    if isinstance(idle, Idle) and target is not None and (idle.high or Decimal(0)) > target:
        why = "Its target is so low that an idle system may stay above it"
        return Effect(raised=raised, doubts=(policy.open(f"{path}.targetValue", why),))
    return Effect(lowered=lowered, raised=raised, assumptions=(assumption,), notices=notices)


_PREDEFINED: Final[dict[str, Idle | Unclear]] = {
    "ASGAverageCPUUtilization": ZERO,
    "ASGAverageNetworkIn": ZERO,
    "ASGAverageNetworkOut": ZERO,
    "ALBRequestCountPerTarget": SILENT,
    "ECSServiceAverageCPUUtilization": ZERO,
    "ECSServiceAverageMemoryUtilization": Unclear("a loaded model keeps its memory when idle"),
    "EC2SpotFleetRequestAverageCPUUtilization": ZERO,
    "EC2SpotFleetRequestAverageNetworkIn": ZERO,
    "EC2SpotFleetRequestAverageNetworkOut": ZERO,
    "AppStreamAverageCapacityUtilization": ZERO,
    "WorkSpacesAverageUserSessionsCapacityUtilization": ZERO,
    "SageMakerVariantInvocationsPerInstance": Unclear(
        "SageMaker emits no invocations of zero, and without data nothing scales in"
    ),
    "SageMakerInferenceComponentInvocationsPerCopy": ZERO,
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": ZERO,
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": ZERO,
}
"""What predefined metrics report when idle. Of requests per target AWS says that target tracking
"does not perform scale in because it does not interpret insufficient data as low utilization" (ECS
developer guide, "Target tracking"); of invocations SageMaker's guide ("Edit a scaling policy");
scaling inference components to zero is documented with these metrics ("Scale an endpoint to zero
instances")."""


def _tracked(config: Any) -> tuple[str, Idle | Unclear]:
    """The metric that is tracked: where it stands, and what it reports when idle."""
    custom = at(config, "customizedMetricSpecification")
    if custom is not None:
        queries = at(custom, "metrics")
        found = idle_of_queries(queries) if queries is not None else idle_of(custom)
        return "customizedMetricSpecification", found
    where = "predefinedMetricSpecification"
    spec = at(config, where)
    for name in ("predefinedMetricType", "predefinedScalingMetricType"):
        given = text(at(spec, name))
        if isinstance(given, Hidden):
            return where, Unclear("the tracked metric isn't known at preview")
        if given is not None:
            return where, _PREDEFINED.get(given, Unclear(f"{given} is not a metric known here"))
    return where, ZERO


def _notices(policy: Declared, path: str, metric: Any, idle: Idle | Unclear) -> Iterator[Notice]:
    """Warnings about a signal that is not there at zero traffic, or not for certain."""
    dimension = lacks_dimension(metric)
    if dimension is not None:
        message = (
            f"The metric names no {dimension}, so it may have no data, and target tracking does "
            "not scale in on missing data"
        )
        fix = f"Add the dimension {dimension} to the metric"
        because = f"reported only with the dimension {dimension}"
        path = f"{path}.metricName"
    elif isinstance(idle, Idle) and idle.is_silent:
        message = (
            "The metric has no data without requests, and target tracking does not scale in on "
            "missing data"
        )
        fix = (
            "Track a metric that reports zero when idle, or add a step policy on an alarm that "
            "treats missing data as breaching"
        )
        because = "silent when idle"
    elif isinstance(idle, Unclear) and idle.is_custom:
        message = (
            "The tracked metric is published by something outside AWS' services: without data "
            "points at zero traffic nothing scales in"
        )
        fix = "Make sure that zero is published when nothing is asked for"
        because = "reported only by its own publisher"
    else:
        return
    evidence = (policy.evidence(path, because),)
    yield Notice(
        cause=Cause.NO_SCALE_IN_SIGNAL, urn=policy.urn, message=message, fix=fix, evidence=evidence
    )


# Step and simple scaling


def _stepping(estate: Estate, policy: Declared, words: _Words, assumption: Assumption) -> Effect:
    """A step or simple policy: it acts only when an alarm calls it (EC2 Auto Scaling user guide,
    "Step and simple scaling policies")."""
    path, steps = _steps(policy, words)
    if isinstance(steps, Hidden):
        why = "How the policy changes the capacity isn't known at preview"
        return Effect(raised=policy.evidence(path, _ADDS), doubts=(policy.open(path, why),))
    kind = text(get(policy.inputs, f"{words.stepping}adjustmentType"))
    exact = kind == "ExactCapacity"
    adds = any(_adds(step, exact) for step in steps) or not steps or isinstance(kind, Hidden)
    raised = policy.evidence(path, _ADDS) if adds else None
    if not any(_takes(step, exact) for step in steps) and not isinstance(kind, Hidden):
        pushed = adds and _is_pushed(calls_of(estate, policy), steps, exact)
        return Effect(raised=policy.evidence(path, _PUSHED) if pushed else raised)
    calls = calls_of(estate, policy)
    if isinstance(kind, Hidden):
        why = "How the policy changes the capacity isn't known at preview"
        where = f"{words.stepping}adjustmentType"
        return Effect(raised=raised, doubts=(policy.open(where, why),))
    for rest in calls.firing:
        taken = _step_for(steps, rest)
        if taken is not None and _takes(taken, exact):
            lowered = policy.evidence(path, "scales in to the minimum when idle")
            alarm = Assumption(f"CloudWatch calls {policy.name} when idle", rest.because.because)
            return Effect(lowered=lowered, raised=raised, assumptions=(assumption, alarm))
        if taken is not None and _adds(taken, exact):
            return Effect(raised=policy.evidence(path, _PUSHED))
    if calls.undecided:
        return Effect(raised=raised, doubts=calls.undecided)
    silent = calls.silent or (
        policy.evidence(path, "no alarm in the stack calls this policy, so it never acts"),
    )
    return Effect(raised=raised, silent=silent)


def _is_pushed(calls: Calls, steps: Sequence[_Step], exact: bool) -> bool:
    taken = [_step_for(steps, rest) for rest in calls.firing]
    return any(step is not None and _adds(step, exact) for step in taken)


class _Step(Value, frozen=True):
    """One adjustment, and the breaches of the threshold for which it is meant."""

    change: Decimal | None
    """None where it can't be read."""
    lower: Decimal | None = None
    upper: Decimal | None = None


def _steps(policy: Declared, words: _Words) -> tuple[str, list[_Step] | Hidden]:
    simple = policy.inputs.get("scalingAdjustment") if not words.stepping else None
    if simple is not None:
        found = simple if isinstance(simple, Hidden) else [_Step(quantity_of(simple))]
        return "scalingAdjustment", found
    path = f"{words.stepping}stepAdjustments"
    listed = items(get(policy.inputs, path))
    if isinstance(listed, Hidden):
        return path, listed
    out: list[_Step] = []
    for step in listed:
        parts = [
            at(step, name)
            for name in (
                "scalingAdjustment",
                "metricIntervalLowerBound",
                "metricIntervalUpperBound",
            )
        ]
        hidden = next((part for part in parts if isinstance(part, Hidden)), None)
        if hidden is not None:
            return path, hidden
        out.append(_Step(*(quantity_of(part) for part in parts)))
    return path, out


_STEP: Final = ("scalingAdjustment", "metricIntervalLowerBound", "metricIntervalUpperBound")


def _step_for(steps: Sequence[_Step], rest: Rest) -> _Step | None:
    """The step for the breach of the threshold. Without data none is sure to be meant, so that one
    that takes away must be the only kind there is."""
    gap = rest.gap
    if gap is None:
        signs = {step.change is not None and step.change <= 0 for step in steps}
        return steps[0] if len(signs) == 1 else None
    # Of a bound the side away from the threshold belongs to the step (EC2 Auto Scaling user guide,
    # "Step adjustments"); on the very threshold the other one is the next best.
    strict = [
        step
        for step in steps
        if (step.lower is None or gap > step.lower or (gap == step.lower and not rest.falls))
        and (step.upper is None or gap < step.upper or (gap == step.upper and rest.falls))
    ]
    near = [
        step
        for step in steps
        if (step.lower is None or gap >= step.lower) and (step.upper is None or gap <= step.upper)
    ]
    return next(iter([*strict, *near]), None)


def _takes(step: _Step, exact: bool) -> bool:
    if step.change is None:
        return False
    return step.change == 0 if exact else step.change < 0


def _adds(step: _Step, exact: bool) -> bool:
    return step.change is None or step.change > 0
