"""What the provider asks of each resource that it manages, and what both do alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from zerofloor.fireworks.api import Api, ApiError
from zerofloor.fireworks.fields import Field
from zerofloor.structs import Value

POLL_SECONDS: Final = 5.0
DEFAULT_TIMEOUT_SECONDS: Final = 3600.0

Values = Mapping[str, Any]
Tell = Callable[[str], None]


class Problem(Value, frozen=True):
    """One fault of the inputs."""

    property: str
    reason: str


class Live(Value, frozen=True):
    """A resource as the API has it."""

    id: str
    """Its full name, `accounts/ACCOUNT/…/ID`."""
    outputs: Values


class NotReadyError(Exception):
    """It was created, may bill, and is not ready: the engine must know it all the same."""

    def __init__(self, live: Live, message: str) -> None:
        super().__init__(message)
        self.live = live


class Managed(Protocol):
    """A resource type; each is a module with these functions."""

    @property
    def INPUTS(self) -> Mapping[str, Field]: ...

    def find_problems(self, inputs: Values) -> tuple[Problem, ...]:
        """Every fault of the inputs; what is not known yet is not judged."""

    def complete(self, inputs: Values, before: Values, urn: str) -> dict[str, Any]:
        """The inputs with what the provider chooses itself."""

    def changed(self, old: Values, new: Values, ignored: Iterable[str]) -> list[str]:
        """The inputs that differ."""

    def foresee(self, api: Api, inputs: Values) -> dict[str, Any]:
        """The state that a creation would give."""

    def create(self, api: Api, inputs: Values, seconds: float, tell: Tell) -> Live:
        """The new one. Raises ApiError, or NotReadyError where it exists and isn't ready."""

    def read(self, api: Api, name: str, declared: Values) -> tuple[Live, dict[str, Any]] | None:
        """The live one and its inputs; None where there is none."""

    def update(self, api: Api, name: str, inputs: Values, names: list[str]) -> Live:
        """The live one with the inputs of these names changed."""

    def delete(self, api: Api, name: str, state: Values) -> None:
        """Returns once it is gone."""


def body_of(fields: Mapping[str, Field], inputs: Values) -> dict[str, Any]:
    """What is sent of the inputs."""
    return {name: value for name, value in inputs.items() if name in fields and fields[name].sent}


def names_that_differ(
    fields: Mapping[str, Field],
    old: Values,
    new: Values,
    ignored: Iterable[str],
    same: Callable[[str, Any, Any], bool],
) -> list[str]:
    """The names of the inputs that are not the `same` before and after."""
    skipped = {path.partition(".")[0].partition("[")[0] for path in ignored}
    names = [name for name in fields if name in old or name in new]
    return [
        name
        for name in names
        if name not in skipped and not same(name, old.get(name), new.get(name))
    ]


def wait_for(
    look: Callable[[], dict[str, Any] | None],
    ready: str,
    what: str,
    seconds: float,
    tell: Tell,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """What `look` gives once its state is `ready`.

    Raises ApiError where it fails, is gone, or takes longer.
    """
    doing = f"waiting for {what}"
    until = clock() + seconds
    told = ""
    while True:
        answer = look()
        if answer is None:
            raise ApiError("NOT_FOUND", "it was deleted meanwhile.", doing)
        state = str(answer.get("state", "STATE_UNSPECIFIED"))
        if state == ready:
            return answer
        if state == "FAILED":
            status = answer.get("status") or {}
            raise ApiError("FAILED", str(status.get("message") or "no reason given."), doing)
        if state != told:
            tell(f"{what[:1].upper()}{what[1:]} is {state}.")
            told = state
        if clock() >= until:
            raise ApiError("DEADLINE_EXCEEDED", f"still {state} after {seconds:.0f} s.", doing)
        sleep(POLL_SECONDS)


def wait_until_gone(
    look: Callable[[], dict[str, Any] | None],
    what: str,
    seconds: float = 120.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns once `look` gives nothing. Raises ApiError where it takes longer."""
    until = clock() + seconds
    while look() is not None:
        if clock() >= until:
            why = f"still there after {seconds:.0f} s."
            raise ApiError("DEADLINE_EXCEEDED", why, f"deleting {what}")
        sleep(min(POLL_SECONDS, 1.0))
