"""A deployment between the program and the API: what is sent, what differs, what came back."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from zerofloor.fireworks.api import Api, ApiError
from zerofloor.fireworks.fields import FIELDS

SETTLED: Final = frozenset({"READY", "FAILED"})
POLL_SECONDS: Final = 5.0
DEFAULT_TIMEOUT_SECONDS: Final = 3600.0

Values = Mapping[str, Any]


def make_id(urn: str) -> str:
    """An ID that the same resource gets each time: an update that was broken off finds what it
    created, and creates no second one."""
    name = re.sub(r"[^a-z0-9]+", "-", urn.rpartition("::")[2].lower()).strip("-")
    readable = re.sub(r"^[^a-z]+", "", name)[:50].rstrip("-") or "deployment"
    return f"{readable}-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def body_of(inputs: Values) -> dict[str, Any]:
    """What is sent of the inputs."""
    return {name: value for name, value in inputs.items() if name in FIELDS and FIELDS[name].sent}


def changed(old: Values, new: Values, ignored: Iterable[str] = ()) -> list[str]:
    """The inputs that differ. A shape that the server wrote out as one of its versions does not."""
    skipped = {path.partition(".")[0].partition("[")[0] for path in ignored}
    names = [name for name in FIELDS if name in old or name in new]
    return [name for name in names if name not in skipped and not _same(name, old, new)]


def _same(name: str, old: Values, new: Values) -> bool:
    before, after = old.get(name), new.get(name)
    if name == "deploymentShape" and isinstance(before, str) and isinstance(after, str):
        return before == after or before.startswith(f"{after}/versions/") or after == "default"
    if before in (None, 0, False, "") and after in (None, 0, False, ""):
        return name != "maxReplicaCount" or before == after
    return bool(before == after)


def outputs_of(answer: Values, inputs: Values) -> dict[str, Any]:
    """The state of a deployment: its inputs, and what the API says of it."""
    name = str(answer.get("name", ""))
    known = {
        "name": name,
        "model": name,
        "state": answer.get("state", "STATE_UNSPECIFIED"),
        "replicaCount": answer.get("replicaCount", 0),
        "desiredReplicaCount": answer.get("desiredReplicaCount", 0),
        "region": answer.get("region"),
    }
    counted = answer.get("acceleratorCount")
    if counted is not None and inputs.get("acceleratorCount") is None:
        known["acceleratorCount"] = counted
    return {**inputs, **{key: value for key, value in known.items() if value is not None}}


def inputs_from(answer: Values, declared: Values) -> dict[str, Any]:
    """The inputs as the API has them now: what is declared, and what was changed by hand.

    Without declared inputs (an import) everything that is not a default.
    """
    found: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if not field.sent:
            if name in declared:
                found[name] = declared[name]
            continue
        if field.secret:
            # The API does not give keys back.
            if name in declared:
                found[name] = declared[name]
            continue
        value = answer.get(name, 0 if field.type == "integer" and name in declared else None)
        if name in declared and _same(name, {name: value}, declared):
            found[name] = declared[name]
        elif name in declared or (not declared and value) or _drifted(name, value):
            found[name] = value
    if not declared and found.get("deploymentShape"):
        for name in ("acceleratorType", "acceleratorCount", "precision"):
            found.pop(name, None)
    return {name: value for name, value in found.items() if value is not None}


def _drifted(name: str, value: Any) -> bool:
    """A minimum raised by hand is drift even where none is declared: it bills."""
    return name == "minReplicaCount" and bool(value)


def id_of(name: str) -> str:
    """The ID in `accounts/ACCOUNT/deployments/ID`, or the ID itself."""
    return name.rpartition("/")[2]


def create_or_find(api: Api, deployment_id: str, inputs: Values) -> dict[str, Any]:
    """The new deployment; the one that a broken-off update left, updated to the same inputs.

    Raises ApiError where the ID belongs to a deployment of another model.
    """
    body = body_of(inputs)
    try:
        return api.create(deployment_id, body)
    except ApiError as error:
        if error.code != "ALREADY_EXISTS":
            raise
        existing = api.get(deployment_id)
        if existing is None:
            raise
    kept = ("baseModel", "acceleratorType", "precision")
    if any(inputs.get(name) not in (None, existing.get(name)) for name in kept):
        why = "the ID belongs to another deployment; choose another deploymentId, or import it."
        raise ApiError("ALREADY_EXISTS", why, f"creating deployment {deployment_id}")
    return api.update(deployment_id, body, [name for name in body if not FIELDS[name].replaces])


def wait_until_ready(
    api: Api,
    deployment_id: str,
    seconds: float,
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """The deployment once it is READY. Raises ApiError where it fails, is gone, or takes longer."""
    doing = f"waiting for deployment {deployment_id}"
    until = clock() + seconds
    said = ""
    while True:
        answer = api.get(deployment_id)
        if answer is None:
            raise ApiError("NOT_FOUND", "it was deleted meanwhile.", doing)
        state = str(answer.get("state", "STATE_UNSPECIFIED"))
        if state == "READY":
            return answer
        if state == "FAILED":
            status = answer.get("status") or {}
            raise ApiError("FAILED", str(status.get("message") or "no reason given."), doing)
        if state != said:
            tell(f"Deployment {deployment_id} is {state}.")
            said = state
        if clock() >= until:
            raise ApiError("DEADLINE_EXCEEDED", f"still {state} after {seconds:.0f} s.", doing)
        sleep(POLL_SECONDS)


def wait_until_gone(
    api: Api,
    deployment_id: str,
    seconds: float = 120.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns once the deployment is gone. Raises ApiError where it takes longer."""
    until = clock() + seconds
    while api.get(deployment_id) is not None:
        if clock() >= until:
            doing = f"deleting deployment {deployment_id}"
            raise ApiError("DEADLINE_EXCEEDED", f"still there after {seconds:.0f} s.", doing)
        sleep(min(POLL_SECONDS, 1.0))
