"""What the API would refuse, said before anything is created: all of it at once, each with its
property."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zerofloor.fireworks.fields import DEPLOYED_MODEL, DEPLOYMENT, Field
from zerofloor.fireworks.managed import Problem
from zerofloor.spelling import did_you_mean
from zerofloor.stack import Hidden

DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)s")
WINDOWS: Final[Mapping[str, tuple[int, int | None]]] = {
    "scaleUpWindow": (0, 3600),
    "scaleDownWindow": (0, 3600),
    "scaleToZeroWindow": (300, None),
}
"""Seconds at least and at most (autoscaling guide; None: no limit is documented)."""
SCHEDULES_AT_MOST: Final = 5
SCHEDULE_SECONDS: Final = (300, 604_800)
SHAPE_EXCLUDES: Final = ("acceleratorType", "acceleratorCount", "precision")
PLACEMENTS: Final = ("region", "regions", "multiRegion")


def find_deployment_problems(inputs: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Every fault; what is not known yet is not judged."""
    problems = tuple(_check_fields(DEPLOYMENT, inputs, ""))
    if problems:
        return problems
    return (
        *_required(inputs, "baseModel", "the model to deploy"),
        *_names(inputs),
        *_bounds(inputs),
        *_hardware(inputs),
        *_placement(inputs.get("placement")),
        *_policy(inputs),
    )


def find_deployed_model_problems(inputs: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Every fault; what is not known yet is not judged."""
    problems = tuple(_check_fields(DEPLOYED_MODEL, inputs, ""))
    if problems:
        return problems
    return (
        *_required(inputs, "model", "the LoRA add-on to load"),
        *_required(inputs, "deployment", "the deployment to load it on"),
        *_names(inputs),
    )


def _check_fields(
    fields: Mapping[str, Field], values: Mapping[str, Any], path: str
) -> Iterator[Problem]:
    """Names that there are not and values of another type, at every depth."""
    for name, value in values.items():
        where = f"{path}{name}"
        field = fields.get(name)
        if field is None:
            near = did_you_mean(name, fields) or "."
            yield Problem(where, f"{name} is not a property here{near}")
            continue
        if value is None or isinstance(value, Hidden):
            continue
        wanted = _wanted(field, value)
        if wanted:
            yield Problem(where, f"{name} must be {wanted}.")
        elif field.record is not None:
            yield from _check_records(field, value, where)


def _check_records(field: Field, value: Mapping[str, Any], where: str) -> Iterator[Problem]:
    assert field.record is not None
    if field.type == "record":
        yield from _check_fields(field.record.fields, value, f"{where}.")
        return
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _check_fields(field.record.fields, inner, f"{where}.{name}.")
        elif not isinstance(inner, Hidden):
            yield Problem(f"{where}.{name}", f"{name} must be an object.")


def _wanted(field: Field, value: Any) -> str | None:
    """What the type asks for, where the value is not that."""
    match field.type:
        case "text":
            return None if isinstance(value, str) else "text"
        case "integer":
            return None if _whole(value) is not None else "a whole number, 0 or more"
        case "boolean":
            return None if isinstance(value, bool) else "true or false"
        case "texts":
            return None if isinstance(value, list | tuple) else "a list of text"
        case "texts by name" | "record" | "records by name":
            return None if isinstance(value, Mapping) else "an object"
        case "numbers by name":
            return None if _are_numbers(value) else "an object with numbers"


def _are_numbers(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    known = [inner for inner in value.values() if not isinstance(inner, Hidden)]
    return all(isinstance(inner, int | float) and not isinstance(inner, bool) for inner in known)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value >= 0 and float(value).is_integer() else None


def _required(inputs: Mapping[str, Any], name: str, meaning: str) -> Iterator[Problem]:
    given = inputs.get(name)
    if not isinstance(given, Hidden) and not given:
        yield Problem(name, f"{name} is required: {meaning}.")


def _names(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    name = inputs.get("displayName")
    if isinstance(name, str) and len(name) >= 64:
        yield Problem("displayName", "displayName must be under 64 characters.")
    given = inputs.get("deploymentId")
    if isinstance(given, str) and not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", given):
        reason = "deploymentId must be 1 to 63 lower-case letters, digits and hyphens."
        yield Problem("deploymentId", reason)


def _bounds(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    low, high = _whole(inputs.get("minReplicaCount")), _whole(inputs.get("maxReplicaCount"))
    if low is not None and high is not None and low > high:
        reason = f"minReplicaCount {low} is above maxReplicaCount {high}."
        yield Problem("minReplicaCount", reason)


def _hardware(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    shape = inputs.get("deploymentShape")
    if shape is not None:
        for name in SHAPE_EXCLUDES:
            if inputs.get(name) is not None:
                yield Problem(name, f"{name} is decided by deploymentShape: leave one of them out.")
    elif inputs.get("acceleratorType") is None:
        yield Problem("acceleratorType", "acceleratorType or deploymentShape is required.")
    if inputs.get("acceleratorCount") == 0:
        yield Problem("acceleratorCount", "acceleratorCount must be 1 or more.")


def _placement(placement: Any) -> Iterator[Problem]:
    if isinstance(placement, Mapping):
        given = [name for name in PLACEMENTS if placement.get(name) is not None]
        if len(given) != 1:
            yield Problem(
                "placement", "placement takes exactly one of region, regions, multiRegion."
            )


def _policy(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    policy = inputs.get("autoscalingPolicy")
    if not isinstance(policy, Mapping):
        return
    for name, (least, most) in WINDOWS.items():
        yield from _duration(policy.get(name), f"autoscalingPolicy.{name}", least, most)
    schedules = policy.get("scalingSchedules")
    if not isinstance(schedules, Mapping):
        return
    if len(schedules) > SCHEDULES_AT_MOST:
        path = "autoscalingPolicy.scalingSchedules"
        yield Problem(
            path, f"scalingSchedules has {len(schedules)} schedules; at most 5 are allowed."
        )
    for name, schedule in schedules.items():
        if isinstance(schedule, Mapping):
            path = f"autoscalingPolicy.scalingSchedules.{name}"
            yield from _schedule(schedule, path, inputs.get("maxReplicaCount"))


def _schedule(schedule: Mapping[str, Any], path: str, most: Any) -> Iterator[Problem]:
    for name in ("minReplicaCount", "schedule", "duration", "timezone"):
        if schedule.get(name) is None:
            yield Problem(f"{path}.{name}", f"{name} of a schedule is required.")
    yield from _duration(schedule.get("duration"), f"{path}.duration", *SCHEDULE_SECONDS)
    low, high = _whole(schedule.get("minReplicaCount")), _whole(most)
    if low is not None and high is not None and low > high:
        reason = f"minReplicaCount {low} of the schedule is above maxReplicaCount {high}."
        yield Problem(f"{path}.minReplicaCount", reason)
    cron = schedule.get("schedule")
    if isinstance(cron, str) and len(cron.split()) != 5:
        yield Problem(f"{path}.schedule", "schedule must be a cron expression of five fields.")
    zone = schedule.get("timezone")
    if isinstance(zone, str) and not _is_zone(zone):
        yield Problem(f"{path}.timezone", "timezone must be an IANA name, e.g. Europe/Zurich.")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _duration(value: Any, path: str, least: int, most: int | None) -> Iterator[Problem]:
    if value is None or isinstance(value, Hidden):
        return
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    name = path.rpartition(".")[2]
    if found is None:
        yield Problem(path, f'{name} must be seconds as text, e.g. "600s".')
        return
    seconds = float(found[1])
    if seconds < least:
        yield Problem(path, f"{name} must be at least {least}s.")
    if most is not None and seconds > most:
        yield Problem(path, f"{name} must be at most {most}s.")
