"""Property paths of a change, and values with one change made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

Steps = tuple[str | int, ...]

_STEP: Final = re.compile(r'\["([^"]*)"\]|\[(\d+)\]|([^.\[\]]+)')


def steps_of(path: str) -> Steps:
    """`spec.triggers[0].metadata["a.b"]` → ("spec", "triggers", 0, "metadata", "a.b")."""
    found: list[str | int] = []
    for key, index, name in _STEP.findall(path):
        found.append(int(index) if index else key or name)
    return tuple(found)


def changed(value: Any, steps: Steps, to: Any) -> Any:
    """A value with `to` at a path; None takes it away. Raises IndexError for an element of a list
    that isn't there."""
    if not steps:
        return to
    head, rest = steps[0], steps[1:]
    if isinstance(head, int) and head == 0 and isinstance(value, Mapping):
        return changed(value, rest, to)  # A lone object where a list belongs.
    if isinstance(head, int):
        listed = list(value) if isinstance(value, list | tuple) else []
        new = changed(listed[head], rest, to)
        return [*listed[:head], *([] if new is None else [new]), *listed[head + 1 :]]
    known = dict(value) if isinstance(value, Mapping) else {}
    new = changed(known.get(head), rest, to)
    if new is None:
        known.pop(head, None)
    else:
        known[head] = new
    return known
