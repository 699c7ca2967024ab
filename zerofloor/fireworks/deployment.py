"""A deployment between the program and the API: what is sent, what differs, what came back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

from zerofloor.fireworks.api import Api, ApiError, id_of
from zerofloor.fireworks.checks import find_deployment_problems
from zerofloor.fireworks.fields import DEPLOYMENT
from zerofloor.fireworks.managed import (
    Live,
    NotReadyError,
    Problem,
    Tell,
    Values,
    body_of,
    names_that_differ,
    wait_for,
    wait_until_gone,
)

INPUTS: Final = DEPLOYMENT
_NOTHING: Final = (None, 0, False, "")
"""What the API's JSON leaves out."""


def find_problems(inputs: Values) -> tuple[Problem, ...]:
    return find_deployment_problems(inputs)


def complete(inputs: Values, before: Values, urn: str) -> dict[str, Any]:
    """With an ID that the same resource gets each time: an update that was broken off finds what
    it created, and creates no second one."""
    given = inputs.get("deploymentId")
    if given is None:
        given = before.get("deploymentId") or make_id(urn)
    return {**inputs, "deploymentId": given}


def make_id(urn: str) -> str:
    """An ID made of the resource's name and a hash of its URN."""
    name = re.sub(r"[^a-z0-9]+", "-", urn.rpartition("::")[2].lower()).strip("-")
    readable = re.sub(r"^[^a-z]+", "", name)[:50].rstrip("-") or "deployment"
    return f"{readable}-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def changed(old: Values, new: Values, ignored: Iterable[str] = ()) -> list[str]:
    """The inputs that differ. A shape that the server wrote out as one of its versions does not."""
    return names_that_differ(INPUTS, old, new, ignored, _same)


def _same(name: str, before: Any, after: Any) -> bool:
    if name == "deploymentShape" and isinstance(before, str) and isinstance(after, str):
        return before == after or before.startswith(f"{after}/versions/") or after == "default"
    if before in _NOTHING and after in _NOTHING:
        return name != "maxReplicaCount" or before == after
    return bool(before == after)


def foresee(api: Api, inputs: Values) -> dict[str, Any]:
    """The state that a creation would give, by the API's own validation."""
    try:
        answer = api.create(inputs["deploymentId"], body_of(INPUTS, inputs), validate_only=True)
    except ApiError as error:
        if error.code == "ALREADY_EXISTS":
            return dict(inputs)
        raise
    counted = answer.get("acceleratorCount")
    return {**inputs, **({"acceleratorCount": counted} if counted else {})}


def create(api: Api, inputs: Values, seconds: float, tell: Tell) -> Live:
    """The new deployment; waits for READY where it has a minimum or the program asks for it."""
    deployment_id = inputs["deploymentId"]
    answer = _create_or_find(api, deployment_id, inputs)
    if inputs.get("waitForReady", bool(inputs.get("minReplicaCount"))):
        what = f"deployment {deployment_id}"
        try:
            answer = wait_for(lambda: api.get(deployment_id), "READY", what, seconds, tell)
        except ApiError as error:
            raise NotReadyError(_live(api, answer, inputs), str(error)) from None
    return _live(api, answer, inputs)


def _create_or_find(api: Api, deployment_id: str, inputs: Values) -> dict[str, Any]:
    """The new deployment; the one that a broken-off update left, updated to the same inputs.

    A deleted one keeps its ID for a while: it is removed at once, and the new one takes its place.
    Raises ApiError where the ID belongs to a deployment of another model.
    """
    body = body_of(INPUTS, inputs)
    try:
        return api.create(deployment_id, body)
    except ApiError as error:
        if error.code != "ALREADY_EXISTS":
            raise
    existing = api.get(deployment_id)
    if existing is None:
        api.delete(deployment_id, hard=True)
        return api.create(deployment_id, body)
    kept = ("baseModel", "acceleratorType", "precision")
    if any(inputs.get(name) not in (None, existing.get(name)) for name in kept):
        why = "the ID belongs to another deployment; choose another deploymentId, or import it."
        raise ApiError("ALREADY_EXISTS", why, f"creating deployment {deployment_id}")
    return api.update(deployment_id, body, [name for name in body if not INPUTS[name].replaces])


def read(api: Api, name: str, declared: Values) -> tuple[Live, dict[str, Any]] | None:
    answer = api.get(id_of(name))
    if answer is None:
        return None
    inputs = inputs_from(answer, declared)
    inputs.setdefault("deploymentId", id_of(name))
    return _live(api, answer, inputs), inputs


def inputs_from(answer: Values, declared: Values) -> dict[str, Any]:
    """The inputs as the API has them now: what is declared, and what was changed by hand.

    Without declared inputs (an import) everything that is not a default.
    """
    found: dict[str, Any] = {}
    for name, field in INPUTS.items():
        if not field.sent or field.secret:
            # The API knows nothing of the first and does not give keys back.
            found[name] = declared.get(name)
            continue
        absent = 0 if field.type == "integer" and name in declared else None
        value = answer.get(name, absent)
        if name in declared and _same(name, value, declared[name]):
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


def update(api: Api, name: str, inputs: Values, names: list[str]) -> Live:
    sent = [changed_name for changed_name in names if INPUTS[changed_name].sent]
    if sent:
        answer = api.update(id_of(name), body_of(INPUTS, inputs), sent)
    else:
        answer = api.get(id_of(name)) or {}
    return _live(api, answer, inputs)


def delete(api: Api, name: str, state: Values) -> None:
    deployment_id = id_of(name)
    try:
        api.delete(deployment_id, ignore_checks=state.get("deleteInUse") is True)
    except ApiError as error:
        if error.code != "FAILED_PRECONDITION":
            raise
        why = f"{error.message}. Set deleteInUse to true and update first, or wait an hour."
        raise ApiError(error.code, why, f"deleting deployment {deployment_id}") from None
    wait_until_gone(lambda: api.get(deployment_id), f"deployment {deployment_id}")


def _live(api: Api, answer: Values, inputs: Values) -> Live:
    """Its inputs, and what the API says of it."""
    fallback = f"accounts/{api.account}/deployments/{inputs.get('deploymentId', '')}"
    name = str(answer.get("name") or fallback)
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
    stated = {key: value for key, value in known.items() if value is not None}
    return Live(name, {**inputs, **stated})
