"""CloudWatch alarms: in which state one is when nothing is asked for, and what it calls then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Evidence, Undecided
from zerofloor.documents.template_text import Reference
from zerofloor.estate import Estate
from zerofloor.platforms.aws.metrics import Idle, Unclear, idle_of, idle_of_queries
from zerofloor.platforms.aws.read import declared
from zerofloor.platforms.declared import Declared, part_of
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import items, quantity, switch, text

ALARMS: Final = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws-native:cloudwatch:Alarm")
READS: Final = frozenset(ALARMS)
_PROPERTIES: Final = {
    "alarmActions": "ALARM",
    "okActions": "OK",
    "insufficientDataActions": "INSUFFICIENT_DATA",
}
"""What an alarm calls in which state (CloudWatch API, PutMetricAlarm)."""


class Rest(Value, frozen=True):
    """The state of an alarm when nothing is asked for."""

    state: str
    """`ALARM`, `OK` or `INSUFFICIENT_DATA`; empty where its actions are disabled."""
    because: Evidence
    gap: Decimal | None = None
    """The metric's value above (or, negative, below) the threshold; None without data."""
    falls: bool = False
    """Whether the alarm is about values below its threshold."""


class Calls(Value, frozen=True):
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
    for action in _actions_for(estate, policy):
        alarm, prop = action.alarm, action.prop
        rest = at_rest(alarm)
        if isinstance(rest, Undecided):
            undecided.append(rest)
        elif rest.state != _PROPERTIES[prop]:
            silent.append(rest.because)
        elif action.is_open:
            why = f"{prop} isn't known at preview: whether it calls {policy.name} is open"
            undecided.append(alarm.open(prop, why))
        else:
            firing.append(rest)
    return Calls(tuple(firing), tuple(silent), tuple(undecided))


class _Action(Value, frozen=True):
    """What an alarm calls in one of its states."""

    alarm: Declared
    prop: str
    is_open: bool = False
    """Whether it can't be told what it calls."""


def _actions_for(estate: Estate, policy: Declared) -> Iterator[_Action]:
    index = estate.once("alarm actions", lambda: _index(estate))
    names = [policy.inputs.get(prop) for prop in ("name", "policyName")]
    given = [name for name in names if isinstance(name, str)] or [policy.name]
    keys = [policy.key, *(f":policyName/{name}" for name in given)]
    named = [action for key in keys for action in index.get(key, ())]
    yield from {(action.alarm.key, action.prop): action for action in named}.values()
    yield from index.get("", ())


def _index(estate: Estate) -> Mapping[str, list[_Action]]:
    """The actions of all alarms by what they name: the key of a policy, the end of its ARN; under
    the empty text those that may mean any."""
    found: dict[str, list[_Action]] = defaultdict(list)
    for alarm in declared(estate, *ALARMS):
        for prop in _PROPERTIES:
            for key in _named(alarm, prop):
                found[key].append(_Action(alarm, prop, is_open=not key))
    return found


def _named(alarm: Declared, prop: str) -> set[str]:
    dependencies = (alarm.resource.property_dependencies or {}).get(prop, ())
    found = set(dependencies)
    for action in _listed(alarm, prop):
        if isinstance(action, Reference):
            found.add(part_of(alarm.urn, action))
        elif isinstance(action, Hidden) and not dependencies:
            found.add("")  # An ARN that is computed from another resource is that one's.
        elif isinstance(action, str) and ":policyName/" in action:
            found.add(f":policyName/{action.rsplit(':policyName/', 1)[-1]}")
    return found


def _listed(alarm: Declared, prop: str) -> list[Any]:
    actions = items(alarm.inputs.get(prop))
    return [actions] if isinstance(actions, Hidden) else actions


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
            # Low or missing, both raise it; what is published is assumed to fall when idle.
            because = "low or missing data raises the alarm"
            return Rest("ALARM", alarm.evidence("treatMissingData", because))
        return alarm.open(prop, f"It isn't certain that the alarm is raised when idle: {idle.why}")
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


def actions_of(alarm: Declared) -> Iterator[tuple[str, Any]]:
    """Every action with the state in which the alarm calls it."""
    for prop, state in _PROPERTIES.items():
        for action in _listed(alarm, prop):
            yield state, action
