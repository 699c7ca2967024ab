"""Leases: until when something may exist, as a tag, label or annotation of a resource says it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, known_text

KEY: Final = "zerofloor/expires-at"
"""The annotation or tag."""
PLAIN_KEY: Final = "zerofloor-expires-at"
"""The same for labels and tags that admit no slash (Google Cloud, Azure)."""

PLACES: Final[tuple[tuple[str, ...], ...]] = (
    ("metadata", "annotations"),
    ("metadata", "labels"),
    ("spec", "template", "metadata", "annotations"),
    ("spec", "template", "metadata", "labels"),
    ("tags",),
    ("tag",),
    ("labels",),
    ("userLabels",),
    ("resourceLabels",),
    ("nodeConfig", "resourceLabels"),
    ("freeformTags",),
)
"""Where the platforms keep them: a map, or a list of `key` and `value`."""

FORM: Final = "must be a date or a time with its zone, such as 2026-12-31 or 2026-12-31T18:00Z"

_MISSPELT: Final = re.compile(r"zerofloor\b.*expir|zerofloor\b.*lease", re.IGNORECASE)


class Lease(Value, frozen=True):
    """A lease as one resource carries it."""

    path: str
    """The property path."""
    ends: datetime.datetime | None
    """In UTC; None: it can't be read."""
    value: Any
    """What is written there; hidden where it is hidden."""
    why: str = ""
    """Why it can't be read, as a clause."""
    fix: str = ""
    """How it becomes readable."""

    @property
    def last_day(self) -> datetime.date | None:
        """The last day (UTC) on a part of which it is in force."""
        if self.ends is None:
            return None
        return (self.ends - datetime.timedelta(microseconds=1)).date()


def moment(text: str) -> datetime.datetime:
    """A time in UTC; a day means its end.

    Raises ValueError.
    """
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        try:
            day = datetime.date.fromisoformat(text)
            following = day + datetime.timedelta(days=1)
        except (ValueError, OverflowError):
            raise ValueError(FORM) from None
        return datetime.datetime.combine(following, datetime.time(), datetime.UTC)
    try:
        read = datetime.datetime.fromisoformat(text)
        if read.tzinfo is None:
            raise ValueError(FORM)
        return read.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError(FORM) from None


def leases(inputs: Mapping[str, Any]) -> Iterator[Lease]:
    """Every lease in a resource's inputs.

    A map of tags that is hidden as a whole may have one or not: a lease is a promise that its
    author makes, so that one which isn't to be seen is taken for not made.
    """
    for path in PLACES:
        # The plain dict first: this runs for every resource of a stack.
        if path[0] not in inputs:
            continue
        held = at(inputs, *path)
        if isinstance(held, Mapping):
            for key, value in held.items():
                yield from _lease(f"{'.'.join(path)}.{key}", key, value)
            # The resource `aws:autoscaling/tag:Tag` has one tag.
            held = [held] if "key" in held else []
        if isinstance(held, Sequence) and not isinstance(held, str):
            yield from _listed(".".join(path), held)


def _listed(path: str, tags: Sequence[Any]) -> Iterator[Lease]:
    for index, tag in enumerate(tags):
        if isinstance(tag, Mapping):
            # A tag whose key is hidden names no lease.
            key = known_text(tag.get("key", tag.get("Key")))
            value = tag.get("value", tag.get("Value"))
            yield from _lease(f"{path}[{index}].value", key, value)


def _lease(path: str, key: str | None, value: Any) -> Iterator[Lease]:
    if key is None or not key.lower().startswith("zerofloor"):
        return
    if key in (KEY, PLAIN_KEY):
        yield _read(path, value)
    elif _MISSPELT.match(key):
        right = KEY if "/" in key else PLAIN_KEY
        yield Lease(path, None, value, f"its key is {key}", f"Rename {key} to {right}.")


def _read(path: str, value: Any) -> Lease:
    fix = f"Set {path} to a date that is known at preview time, such as 2026-12-31."
    if isinstance(value, Hidden):
        return Lease(path, None, value, f"its value is {value.value}", fix)
    if not isinstance(value, str):
        return Lease(path, None, value, f"it {FORM}", fix)
    try:
        return Lease(path, moment(value.strip()), value)
    except ValueError as error:
        return Lease(path, None, value, f"it {error}", fix)
