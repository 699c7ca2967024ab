"""Calls that EventBridge Scheduler makes of AWS' own API: those that start machines which no
resource declares, and those that raise a group that one does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Accounted, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.patterns import lazy
from zerofloor.platforms.aws.cloudformation import accelerated
from zerofloor.platforms.aws.groups import GROUPS
from zerofloor.platforms.aws.launch import of_template
from zerofloor.platforms.aws.read import declared, machines
from zerofloor.platforms.declared import Declared, link_of
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import at, count, text

SCHEDULES: Final = ("aws:scheduler/schedule:Schedule", "aws-native:scheduler:Schedule")
READS: Final = frozenset(SCHEDULES)
_CALL: Final = lazy(r"arn:[\w-]+:scheduler:::aws-sdk:(\w+):(\w+)")
"""The target of a universal call (EventBridge Scheduler user guide, "Using universal targets")."""
_STARTS: Final = lazy(r"(?:run|create|start|request|purchase|update|set|modify)[A-Z]\w*")
_ENDS: Final = lazy(r"\w*Job(?:V2|Run)?|runTask|startBuild\w*|startExecution")
"""Calls whose work ends by itself, and its machines with it."""
_SETTLE: Final = (
    "Declare what it starts as a resource, or add a hint (runs: one-shot) with a reason to "
    "zerofloor.yaml"
)


def read(estate: Estate) -> Iterator[Part]:
    """What schedules start beside the declared resources."""
    for source in declared(estate, *SCHEDULES):
        arn = text(at(source.inputs, "target", "arn"))
        if source.inputs.get("state") == "DISABLED":
            yield Accounted(urn=source.urn, path="target", because="it never fires")
        elif isinstance(arn, Hidden):
            yield from _of_a_hidden_target(source)
        elif arn is not None:
            yield from _called(estate, source, arn)


def _of_a_hidden_target(source: Declared) -> Iterator[Undecided]:
    """A target that isn't known: mostly a function or queue of the same program, from which its ARN
    is computed."""
    given = at(source.inputs, "target", "input")
    if (source.resource.property_dependencies or {}).get("target") or given is None:
        return
    why = "What the schedule calls isn't known at preview: it could start GPU machines"
    yield source.open("target", why, _SETTLE)


def _called(estate: Estate, source: Declared, arn: str) -> Iterator[Part]:
    call = _CALL.fullmatch(arn)
    if call is None:
        return
    service, verb = call[1], call[2]
    if _ENDS.fullmatch(verb) or not _STARTS.fullmatch(verb):
        because = f"{service}:{verb} starts nothing that stays"
        yield Accounted(urn=source.urn, path="target", because=because)
    elif (service, verb) != ("ec2", "startInstances"):
        # (Instances of the estate that it starts are read with what stops them.)
        yield from _started(estate, source, service, verb)


_SERVICES: Final = frozenset(
    {
        "appstream",
        "autoscaling",
        "batch",
        "ec2",
        "eks",
        "emr",
        "gamelift",
        "sagemaker",
        "workspaces",
    }
)
"""Services whose calls may start GPU machines."""


def _started(estate: Estate, source: Declared, service: str, verb: str) -> Iterator[Undecided]:
    path = "target.input"
    given = at(source.inputs, "target", "input")
    request = _request(given)
    if isinstance(given, Hidden) or request is None:
        if service in _SERVICES:
            why = f"What {service}:{verb} starts isn't known at preview: it could be GPU machines"
            yield source.open(path, why, _SETTLE)
        return
    named = accelerated(request)
    if named is not None:
        why = f"The schedule calls {service}:{verb} with {named}, and nothing ends what it starts"
        yield source.open(path, why, _SETTLE)
    elif (service, verb) == ("ec2", "runInstances"):
        if not _launched(estate, source, request).plain:
            why = "The schedule starts instances of a launch template that may name a GPU type"
            yield source.open(path, why, _SETTLE)
    elif service == "autoscaling":
        yield from _raised(estate, source, verb, request)


def _launched(estate: Estate, source: Declared, request: Mapping[str, Any]) -> Machines:
    kind = request.get("InstanceType")
    if kind is not None:
        return machines(estate, source, "target.input", kind)
    template = request.get("LaunchTemplate")
    name = at(template, "LaunchTemplateName")
    reference = {"name": name} if name is not None else {"id": at(template, "LaunchTemplateId")}
    return of_template(estate, source, "target", reference)


def _raised(
    estate: Estate, source: Declared, verb: str, request: Mapping[str, Any]
) -> Iterator[Undecided]:
    """A call that sets a group's size above zero."""
    sizes = [count(request.get(name)) for name in ("DesiredCapacity", "MinSize")]
    if all(size in (None, 0) for size in sizes):
        return
    name = request.get("AutoScalingGroupName")
    link = link_of(estate, source, "target", *GROUPS, value=name, names=("name",))
    if link.found or not isinstance(name, str):
        why = f"The schedule calls autoscaling:{verb}, which raises a group's size"
        settle = "Use a ScheduledAction of the group, which is read with its hours"
        yield source.open("target.input", why, settle)


def _request(given: Any) -> Mapping[str, Any] | None:
    if isinstance(given, Mapping):
        return given
    if not isinstance(given, str):
        return None
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None
