"""Every value of every labelled stack replaced by an unknown or a secret, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.cases import cases, stack_of, truth_manifests, truths
from zerofloor import platforms
from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.estate import estate
from zerofloor.floor.find import find_floor
from zerofloor.floor.result import Floor
from zerofloor.settings import Settings
from zerofloor.stack import SECRET, UNKNOWN, Hidden, Stack

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Hiding:
    """One value of one resource that is hidden."""

    stack: str
    urn: str
    path: Path
    hidden: Hidden

    @property
    def shown(self) -> str:
        return (
            f"{self.stack}: {self.urn.rsplit('::', 2)[-2]} {'.'.join(map(str, self.path))} "
            f"{self.hidden!r}"
        )


def stacks() -> dict[str, Stack]:
    """Every case of AWS and Kubernetes and every scenario of the real controllers, by name."""
    found = {
        name: stack_of(case)
        for name, case in cases().items()
        if case["cloud"] in ("aws", "azure", "kubernetes")
    }
    for name, truth in truths().items():
        try:
            found[name] = read(f"{name}.yaml", truth_manifests(truth), input_format="manifests")
        except InputError:
            continue  # two objects of one name: no kubectl would take it
    return found


def hidings(name: str, stack: Stack) -> Iterator[Hiding]:
    """All values of a stack, whole objects too, each unknown and each secret."""
    for resource in stack.resources:
        for path in _paths(resource.inputs):
            for hidden in (UNKNOWN, SECRET):
                yield Hiding(name, resource.urn, path, hidden)


def hide(stack: Stack, hiding: Hiding, value: Any = None) -> Stack:
    """The stack with that value hidden, or with another `value` in its place."""
    new = hiding.hidden if value is None else value
    changed = (
        replace(r, inputs=_replaced(r.inputs, hiding.path, new)) if r.urn == hiding.urn else r
        for r in stack.resources
    )
    return replace(stack, resources=tuple(changed))


def floor_of(stack: Stack, settings: Settings | None = None) -> Floor:
    whole = estate((stack,), settings or Settings())
    return find_floor(platforms.read(whole), whole)


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield (key,)
            yield from ((key, *rest) for rest in _paths(value[key]))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield (index,)
            yield from ((index, *rest) for rest in _paths(inner))


def _replaced(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    head, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return {**value, head: _replaced(value[head], rest, new)}
    return [
        _replaced(inner, rest, new) if index == head else inner for index, inner in enumerate(value)
    ]
