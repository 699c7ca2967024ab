"""A LoRA add-on on a deployment (`DeployedModel`): what is sent, what differs, what came back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from zerofloor.fireworks.api import Api, ApiError, id_of
from zerofloor.fireworks.checks import find_deployed_model_problems
from zerofloor.fireworks.fields import DEPLOYED_MODEL
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

INPUTS: Final = DEPLOYED_MODEL


def find_problems(inputs: Values) -> tuple[Problem, ...]:
    return find_deployed_model_problems(inputs)


def complete(inputs: Values, before: Values, urn: str) -> dict[str, Any]:
    """The API chooses the ID, so there is nothing to add."""
    return dict(inputs)


def changed(old: Values, new: Values, ignored: Iterable[str] = ()) -> list[str]:
    return names_that_differ(INPUTS, old, new, ignored, _same)


def _same(name: str, before: Any, after: Any) -> bool:
    if name == "default" and after is None:
        return True  # The API decides it where the program doesn't.
    return bool(before == after) or (before in (None, False, "") and after in (None, False, ""))


def foresee(api: Api, inputs: Values) -> dict[str, Any]:
    """The API has no validation for it."""
    return dict(inputs)


def create(api: Api, inputs: Values, seconds: float, tell: Tell) -> Live:
    """The new add-on, once it is DEPLOYED.

    The API chooses its ID, so one that a broken-off update left is found by model and deployment.
    """
    body = body_of(INPUTS, inputs)
    answer = _find(api, inputs)
    if answer is None:
        answer = api.load(body, replace_merged=inputs.get("replaceMergedAddon") is True)
    name = str(answer.get("name", ""))
    try:
        answer = wait_for(
            lambda: api.get_loaded(id_of(name)), "DEPLOYED", f"add-on {id_of(name)}", seconds, tell
        )
    except ApiError as error:
        raise NotReadyError(_live(answer, inputs), str(error)) from None
    return _live(answer, inputs)


def _find(api: Api, inputs: Values) -> dict[str, Any] | None:
    wanted = (inputs.get("model"), inputs.get("deployment"))
    for answer in api.loaded():
        if (answer.get("model"), answer.get("deployment")) == wanted:
            return answer
    return None


def read(api: Api, name: str, declared: Values) -> tuple[Live, dict[str, Any]] | None:
    answer = api.get_loaded(id_of(name))
    if answer is None:
        return None
    inputs = {key: value for key, value in declared.items() if not INPUTS[key].sent}
    for key in body_of(INPUTS, answer):
        if key in declared or (not declared and answer[key]):
            inputs[key] = answer[key]
    return _live(answer, inputs), inputs


def update(api: Api, name: str, inputs: Values, names: list[str]) -> Live:
    body = body_of(INPUTS, inputs)
    sent = [changed_name for changed_name in names if INPUTS[changed_name].sent]
    if sent:
        answer = api.update_loaded(id_of(name), body)
    else:
        answer = api.get_loaded(id_of(name)) or {}
    return _live({"name": name, **answer}, inputs)


def delete(api: Api, name: str, state: Values) -> None:
    api.unload(id_of(name))
    wait_until_gone(lambda: api.get_loaded(id_of(name)), f"add-on {id_of(name)}")


def _live(answer: Values, inputs: Values) -> Live:
    name = str(answer.get("name", ""))
    outputs = {
        "name": name,
        "state": answer.get("state", "STATE_UNSPECIFIED"),
        "call": f"{inputs.get('model')}#{inputs.get('deployment')}",
    }
    return Live(name, {**inputs, **outputs})
