"""The waiver ID that a resource carries: a tag, label or annotation `zerofloor-waive`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from zerofloor.values import at, known_text

KEY: Final = "zerofloor-waive"

PLACES: Final = (
    ("tags",),
    ("labels",),
    ("userLabels",),
    ("resourceLabels",),
    ("freeformTags",),
    ("metadata", "annotations"),
    ("metadata", "labels"),
)
"""Where the platforms keep them."""


def carried_waiver(inputs: Mapping[str, Any]) -> str:
    """The ID; empty where there is none or it is hidden (a hidden one permits nothing)."""
    return next(_found(inputs), "")


def _found(inputs: Mapping[str, Any]) -> Iterator[str]:
    for path in PLACES:
        value = at(inputs, *path)
        if isinstance(value, Mapping):
            text = known_text(value.get(KEY))
            if text:
                yield text
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from _in_list(value)


def _in_list(tags: Sequence[Any]) -> Iterator[str]:
    for tag in tags:
        if isinstance(tag, Mapping) and KEY in (tag.get("key"), tag.get("Key")):
            text = known_text(tag.get("value") or tag.get("Value"))
            if text:
                yield text
