"""CloudWatch alarms: in which state one is when nothing is asked for, and what it calls then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Evidence, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.aws.metrics import Idle, Unclear, idle_of, idle_of_queries
from zerofloor.platforms.aws.read import declared
from zerofloor.platforms.aws.templates import Reference
from zerofloor.platforms.declared import Declared
from zerofloor.stack import Hidden
from zerofloor.values import items, quantity, switch, text

ALARMS: Final = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws-native:cloudwatch:Alarm")
READS: Final = frozenset(ALARMS)
_PROPERTIES: Final = {
    "alarmActions": "ALARM",
    "okActions": "OK",
    "insufficientDataActions": "INSUFFICIENT_DATA",
}
"""What an alarm calls in which state (CloudWatch API, PutMetricAlarm)."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The state of an alarm when nothing is asked for."""

    state: str
    """`ALARM`, `OK` or `INSUFFICIENT_DATA`; empty where its actions are disabled."""
    because: Evidence
    gap: Decimal | None = None
    """The metric's value above (or, negative, below) the threshold; None without data."""
    falls: bool = False
    """Whether the alarm is about values below its threshold."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What calls a policy when nothing is asked for, and what does not."""

    firing: tuple[Rest, ...] = ()
    silent: tuple[Evidence, ...] = ()
    """The alarms that name the policy and don't call it then, each with the reason."""
    undecided: tuple[Undecided, ...] = ()


def calls_of(estate: Estate, policy: Declared) -> Calls:
    """The alarms of the estate that call this scaling policy."""
    firing: list[Rest] = []
    silent: list[Evidence] = []
    undecided: list[Undecided] = []
    for alarm in estate.once("alarms", lambda: tuple(declared(estate, *ALARMS))):
        for prop, state in _PROPERTIES.items():
            named = _names(alarm, prop, policy)
            if named is False:
                continue
            rest = at_rest(alarm)
            if isinstance(rest, Undecided):
                undecided.append(rest)
            elif rest.state != state:
                silent.append(rest.because)
            elif named is None:
                why = f"{prop} isn't known at preview: whether it calls {policy.name} is open"
                undecided.append(alarm.open(prop, why))
            else:
                firing.append(rest)
    return Calls(tuple(firing), tuple(silent), tuple(undecided))


def _names(alarm: Declared, prop: str, policy: Declared) -> bool | None:
    """Whether the alarm's actions name the policy; None where that can't be told."""
    actions = items(alarm.inputs.get(prop))
    dependencies = (alarm.resource.property_dependencies or {}).get(prop, ())
    if policy.logical is None and policy.urn in dependencies:
        return True
    listed = [actions] if isinstance(actions, Hidden) else actions
    open_actions = False
    for action in listed:
        if isinstance(action, Reference):
            if alarm.urn == policy.urn and action == policy.logical:
                return True
        elif isinstance(action, Hidden):
            # An ARN that is computed from another resource is that one's.
            open_actions = open_actions or not dependencies
        elif isinstance(action, str) and _is_arn_of(action, policy):
            return True
    return None if open_actions else False


def _is_arn_of(arn: str, policy: Declared) -> bool:
    names = [policy.inputs.get(prop) for prop in ("name", "policyName")]
    given = [name for name in names if isinstance(name, str)] or [policy.name]
    return any(arn.endswith(f":policyName/{name}") for name in given)


def at_rest(alarm: Declared) -> Rest | Undecided:
    """The state of an alarm when nothing is asked for."""
    enabled = switch(alarm.inputs.get("actionsEnabled"))
    if isinstance(enabled, Hidden):
        return alarm.open("actionsEnabled", "Whether the alarm acts isn't known at preview")
    if enabled is False:
        because = "the alarm's actions are disabled: it calls nothing"
        return Rest("", alarm.evidence("actionsEnabled", because))
    missing = text(alarm.inputs.get("treatMissingData"))
    if isinstance(missing, Hidden):
        return alarm.open("treatMissingData", "How it takes missing data isn't known at preview")
    operator = alarm.field("comparisonOperator").text()
    threshold = quantity_of(alarm.inputs.get("threshold"))
    if not isinstance(operator, str) or threshold is None:
        return alarm.open("comparisonOperator", "What raises the alarm can't be told at preview")
    prop, idle = _idle(alarm)
    if isinstance(idle, Unclear):
        if idle.is_custom and missing == "breaching" and operator.startswith("LessThan"):
            # Low or missing, both raise it; what is published is taken to fall when idle.
            because = "low or missing data raises the alarm"
            return Rest("ALARM", alarm.evidence("treatMissingData", because))
        return alarm.open(prop, f"Whether the alarm is raised when idle is open: {idle.why}")
    if idle.low is None or idle.high is None:
        return _without_data(alarm, prop, missing or "missing", operator)
    low, high = _raises(operator, idle.low, threshold), _raises(operator, idle.high, threshold)
    if low is None or low != high:
        why = f"The threshold {threshold.normalize():f} may never be reached by an idle system"
        return alarm.open("threshold", why, "Use a threshold that an idle system is sure to cross")
    raised = "ALARM" if low else "OK"
    because = f"when idle the alarm's state is {raised}"
    falls = operator.startswith("LessThan")
    return Rest(raised, alarm.evidence("threshold", because), idle.low - threshold, falls)


def _idle(alarm: Declared) -> tuple[str, Idle | Unclear]:
    for prop in ("metricQueries", "metrics"):
        if alarm.inputs.get(prop) is not None:
            return prop, idle_of_queries(alarm.inputs.get(prop))
    return "metricName", idle_of(alarm.inputs)


def _without_data(alarm: Declared, prop: str, missing: str, operator: str) -> Rest:
    """The state without data points; an ignored gap keeps the state of the busy hour before it."""
    low = operator.startswith("LessThan")
    states = {
        "breaching": "ALARM",
        "notBreaching": "OK",
        "ignore": "OK" if low else "ALARM",
    }
    state = states.get(missing, "INSUFFICIENT_DATA")
    because = f"the metric has no data when idle, and missing data gives {state}"
    return Rest(state, alarm.evidence(prop, because))


def _raises(operator: str, value: Decimal, threshold: Decimal) -> bool | None:
    match operator:
        case "LessThanThreshold":
            return value < threshold
        case "LessThanOrEqualToThreshold":
            return value <= threshold
        case "GreaterThanThreshold":
            return value > threshold
        case "GreaterThanOrEqualToThreshold":
            return value >= threshold
        case _:
            return None


def quantity_of(value: Any) -> Decimal | None:
    """A number, also below zero; None where there is none to read."""
    if isinstance(value, str) and value.strip().startswith("-"):
        number = quantity(value.strip()[1:])
        return -number if isinstance(number, Decimal) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        number = quantity(-value)
        return -number if isinstance(number, Decimal) else None
    number = quantity(value)
    return number if isinstance(number, Decimal) else None


def actions_of(alarm: Declared) -> Iterator[tuple[str, str, Any]]:
    """Every action with its property and the state in which the alarm calls it."""
    for prop, state in _PROPERTIES.items():
        actions = items(alarm.inputs.get(prop))
        for action in [actions] if isinstance(actions, Hidden) else actions:
            yield prop, state, action
