"""Reading property values whose type isn't guaranteed: counts, text, switches, and whatever may be
hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from zerofloor.stack import Hidden
from zerofloor.structs import Value


class Impossible(Value, frozen=True):
    """A value that the platform can't have: negative, fractional, or of the wrong type. Its
    resource is undecided."""

    why: str


Count: TypeAlias = int | Hidden | Impossible
"""A whole number ≥ 0, or the reason why there is none."""

MOST = 1_000_000
"""No node or replica count is above this: a larger one is a typing error."""

LARGEST = Decimal(2**63)
"""Kubernetes' quantities are below this (apimachinery, `resource.Quantity`)."""


@lru_cache(maxsize=4096)
def keys(path: str) -> tuple[str | int, ...]:
    """`spec.triggers[0].type` → `("spec", "triggers", 0, "type")`. A key with a dot in it must be
    passed to `at` itself."""
    return tuple(
        int(part[1:-1]) if part.startswith("[") else part
        for part in re.findall(r"[^.\[\]]+|\[\d+\]", path)
    )


def at(value: Any, *path: str | int) -> Any:
    """The value at the keys and indexes of `path`; None where absent, the hidden value itself where
    a step is hidden."""
    for key in path:
        # The plain dict first: this runs a hundred times a resource, and an abstract class is slow
        # to ask.
        # A lone object where a list belongs is its first element, as `items` takes it.
        if type(value) is dict:
            if type(key) is str or key:
                value = value.get(key)
        elif value is None or isinstance(value, Hidden):
            return value
        elif isinstance(key, int) and not isinstance(value, Mapping):
            if (
                not isinstance(value, Sequence)
                or isinstance(value, str)
                or not -len(value) <= key < len(value)
            ):
                return None
            value = value[key]
        elif isinstance(value, Mapping):
            value = value if key == 0 else value.get(key)
        else:
            return None
    return value


def get(value: Any, path: str) -> Any:
    """`at` for a dotted path: `get(inputs, "scalingConfig.minSize")`."""
    for key in keys(path):
        if value is None:
            return None
        # Most steps are a name in a plain object.
        value = value.get(key) if type(value) is dict and type(key) is str else at(value, key)
    return value


def no_object(value: Any, path: str) -> str | None:
    """The part of `path` where text or a number stands in place of what the rest of it is in; None
    where nothing is in the way."""
    parts = path.split(".")
    for end in range(1, len(parts)):
        found = get(value, ".".join(parts[:end]))
        if found is None or isinstance(found, Hidden):
            return None
        if not isinstance(found, Mapping):
            return ".".join(parts[:end])
    return None


def hidden(value: Any) -> bool:
    """Whether the value is unknown or secret."""
    return isinstance(value, Hidden)


def has_hidden(value: Any) -> bool:
    """Whether the value is hidden or has a hidden part, at whatever depth."""
    if isinstance(value, Hidden):
        return True
    if isinstance(value, Mapping):
        return any(map(has_hidden, value.values()))
    return isinstance(value, list | tuple) and any(map(has_hidden, value))


def text(value: Any) -> str | Hidden | None:
    """The string; hidden where it is hidden, None where there is none."""
    return value if isinstance(value, str | Hidden) else None


def mapping(value: Any) -> Mapping[str, Any] | Hidden:
    """The object, an empty one where there is none; hidden where it is hidden."""
    if value is None:
        return {}
    return value if isinstance(value, Mapping | Hidden) else {}


def items(value: Any) -> list[Any] | Hidden:
    """The elements of a list, a lone object as a list of one; hidden where the list is hidden."""
    if value is None:
        return []
    return value if isinstance(value, Hidden) else known_items(value)


# What follows takes hidden for absent. A reader that calls one says in a line why that is safe
# there.


def known_items(value: Any) -> list[Any]:
    """The elements of a list; a lone object counts as a list of one, anything else (also hidden) as
    none."""
    if value is None:
        return []
    # The plain list first: an abstract class is slow to ask.
    if type(value) is list:
        return list(value)
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return []


def known_mapping(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one where the value is none (also hidden)."""
    return value if isinstance(value, Mapping) else {}


def known_text(value: Any) -> str | None:
    """The string, None where the value is none (also hidden)."""
    return value if isinstance(value, str) else None


def count(value: Any) -> Count | None:
    """A number of nodes or replicas: 3, 3.0 and "3" are 3; None where absent; anything else is
    `Impossible`."""
    if type(value) is int and 0 <= value <= MOST:
        return value
    if value is None or isinstance(value, Hidden):
        return value
    number = _number(value)
    if number is None:
        return Impossible(f"{_short(value)} is not a number")
    if number != int(number):
        return Impossible(f"{_short(value)} is not a whole number")
    if number < 0:
        return Impossible(f"{_short(value)} is negative")
    if number > MOST:
        return Impossible(f"{_short(value)} is beyond any real count")
    return int(number)


def switch(value: Any) -> bool | Hidden | None:
    """A boolean, also as the string "true" or "false"; None where absent or neither."""
    if value is None or isinstance(value, (bool, Hidden)):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    return None


_SUFFIX = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}


def quantity(value: Any) -> Decimal | Hidden | Impossible | None:
    """A Kubernetes quantity (`500m`, `16Gi`, `2`, 1.0) in its base unit (cores, bytes, GPUs)."""
    if value is None or isinstance(value, Hidden):
        return value
    if isinstance(value, str):
        return _quantity(value)
    number = _number(value)
    if number is None or not 0 <= number < LARGEST:
        return Impossible(f"{_short(value)} is not a quantity")
    return number


@lru_cache(maxsize=4096)
def _quantity(value: str) -> Decimal | Impossible:
    match = re.fullmatch(
        r"\s*\+?(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(?:[eE](\d{1,2}))?\s*([numkKMGTPE]?i?)\s*", value
    )
    if match and match[3] in _SUFFIX:
        amount = Decimal(match[1]) * Decimal(10) ** int(match[2] or 0) * _SUFFIX[match[3]]
        return amount if amount < LARGEST else Impossible(f"{_short(value)} is beyond any quantity")
    return Impossible(f"{_short(value)} is not a quantity")


_UNITS = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
}


def seconds(value: Any) -> Decimal | Hidden | Impossible | None:
    """A Go duration (`10m`, `1h30m`) or a plain number of seconds, in seconds."""
    if value is None or isinstance(value, Hidden):
        return value
    if isinstance(value, str):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", value)
        if parts and "".join(n + u for n, u in parts) == value.strip():
            return sum((Decimal(n) * _UNITS[u] for n, u in parts), Decimal(0))
    number = _number(value)
    if number is None or number < 0:
        return Impossible(f"{_short(value)} is not a duration")
    return number


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if value == value and abs(value) != float("inf") else None
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}(\.\d{1,9})?\s*", value):
        return Decimal(value.strip())
    return None


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "…"
