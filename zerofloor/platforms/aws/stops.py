"""What ends the running of an EC2 instance without a person: a state resource, an alarm on
idleness, a schedule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from zerofloor.capacity import WEEK, Assumption, Evidence, Undecided
from zerofloor.estate import Estate
from zerofloor.patterns import lazy
from zerofloor.platforms.aws import alarms
from zerofloor.platforms.aws.read import declared
from zerofloor.platforms.aws.schedule import Move, Sizes, levels, readable
from zerofloor.platforms.declared import Declared, link_of
from zerofloor.structs import Value
from zerofloor.values import get, hidden, known_text
from zerofloor.words import counted

STATES: Final = (
    "aws:ec2transitgateway/instanceState:InstanceState",
    "aws:ec2/instanceState:InstanceState",
)
_SCHEDULES: Final = ("aws:scheduler/schedule:Schedule", "aws-native:scheduler:Schedule")
READS: Final = frozenset({*STATES, *alarms.ALARMS, *_SCHEDULES})

_STOPS: Final = lazy(
    r"arn:[\w-]+:(?:automate:[^:]*:ec2:(?:stop|terminate)"
    r"|swf:[^:]*:[^:]*:action/actions/AWS_EC2\.InstanceId\.(?:Stop|Terminate)/1\.0)"
)
"""The alarm actions that end an instance's running (CloudWatch user guide, "Create alarms to stop,
terminate, … an EC2 instance")."""
_CALL: Final = lazy(r"arn:[\w-]+:scheduler:::aws-sdk:ec2:(stop|start|terminate)Instances")
"""The calls of EventBridge Scheduler that move an instance (its user guide, "Using universal
targets")."""


class Rest(Value, frozen=True):
    """How an instance comes to rest."""

    evidence: tuple[Evidence, ...]
    hours: Decimal = Decimal(0)
    """For how many hours of a week it runs all the same."""
    starts: bool = True
    """Whether it runs at creation."""
    assumptions: tuple[Assumption, ...] = ()


def rests(estate: Estate, instances: tuple[str, ...]) -> dict[str, Rest | Undecided]:
    """What stops which instance (of these types), by the instance's URN. Only a certain link stops
    one, never a guess."""
    out: dict[str, Rest | Undecided] = dict(_states(estate, instances))
    for urn, moves in _schedules(estate, instances).items():
        before = out.get(urn)
        if not isinstance(before, Undecided):
            rest = _scheduled(moves, stopped=before is not None)
            if rest is not None:
                out[urn] = rest
    for urn, alarmed in _alarms(estate, instances):
        # A doubt about one alarm does not undo what another one or a schedule does for certain.
        if isinstance(alarmed, Rest) or urn not in out:
            out[urn] = alarmed
    return out


def _linked(
    estate: Estate, source: Declared, prop: str, instances: tuple[str, ...]
) -> Iterator[str]:
    link = link_of(estate, source, prop, *instances, value=source.inputs.get(prop), names=())
    if not link.open and link.assumption is None:
        yield from (instance.urn for instance in link.found)


def _states(estate: Estate, instances: tuple[str, ...]) -> Iterator[tuple[str, Rest | Undecided]]:
    for source in declared(estate, *STATES):
        state = source.inputs.get("state")
        for urn in _linked(estate, source, "instanceId", instances):
            if hidden(state):
                yield urn, source.open("state", "Whether the instance is stopped is not known")
            elif state == "stopped":
                yield (
                    urn,
                    Rest(
                        (source.evidence("state", "the instance is stopped: only its disks bill"),),
                        starts=False,
                    ),
                )


def _alarms(estate: Estate, instances: tuple[str, ...]) -> Iterator[tuple[str, Rest | Undecided]]:
    """The alarms whose actions stop an instance, with what that makes of it."""
    for alarm in declared(estate, *alarms.ALARMS):
        stopping = {
            state
            for state, action in alarms.actions_of(alarm)
            if isinstance(action, str) and _STOPS.fullmatch(action)
        }
        if not stopping:
            continue
        state = alarms.at_rest(alarm)
        if not isinstance(state, Undecided) and state.state not in stopping:
            continue
        for urn in _linked(estate, alarm, "dimensions", instances):
            yield urn, _resting(estate, urn, alarm, state)


def _resting(
    estate: Estate, urn: str, alarm: Declared, state: alarms.Rest | Undecided
) -> Rest | Undecided:
    if isinstance(state, Undecided):
        return state
    what = f"{alarm.name} stops {estate.by_urn[urn].name} when idle"
    because = "the alarm stops the instance when it is idle: only its disks bill then"
    assumption = Assumption(what, "CloudWatch acts on its alarm")
    return Rest((alarm.evidence("alarmActions", because),), assumptions=(assumption,))


def _schedules(
    estate: Estate, instances: tuple[str, ...]
) -> dict[str, list[tuple[Declared, bool]]]:
    """The schedules by the instance that they move, each with whether it starts it."""
    out: dict[str, list[tuple[Declared, bool]]] = defaultdict(list)
    for source in declared(estate, *_SCHEDULES):
        arn = get(source.inputs, "target.arn")
        call = _CALL.fullmatch(known_text(arn) or "")  # Whether it is hidden is asked next.
        if (call is None and not hidden(arn)) or source.inputs.get("state") == "DISABLED":
            continue
        starts = call is None or call[1] == "start"  # a hidden call may start it
        if not starts and hidden(source.inputs.get("state")):
            continue  # it may be off
        for urn in _linked(estate, source, "target", instances):
            out[urn].append((source, starts))
    return out


def _scheduled(moves: list[tuple[Declared, bool]], stopped: bool) -> Rest | None:
    """The hours for which an instance runs under start and stop schedules; None where it may run
    permanently."""
    changes: list[Move] = []
    for source, starts in moves:
        expression = source.inputs.get("scheduleExpression")
        once = isinstance(expression, str) and expression.startswith("at(")
        if once or readable(expression):
            changes.append(
                Move(None if once else known_text(expression), None, None, 1 if starts else 0)
            )
        elif starts:
            return None  # when it starts is not known
    steps = levels(Sizes(0, 1, 0 if stopped else 1), changes, lowered=False)
    hours = max((hours for _, hours in steps), default=Decimal(0)) if steps is not None else WEEK
    if hours == WEEK:
        return None
    note = (
        "it is stopped, and nothing starts it again"
        if not hours
        else f"it runs for {counted(hours, 'hour')} a week between start and stop"
    )
    source = next(source for source, starts in moves if starts == bool(hours))
    what = f"{source.name} moves its instance"
    evidence = source.evidence("scheduleExpression", note)
    return Rest(
        (evidence,),
        hours,
        not stopped,
        (Assumption(what, "EventBridge Scheduler acts on its schedule"),),
    )
