"""What a platform is: a reader and the resource types that it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zerofloor.capacity import Part
from zerofloor.estate import Estate
from zerofloor.structs import Value


class Platform(Value, frozen=True):
    name: str
    """As people call it."""
    read: Callable[[Estate], Iterable[Part]]
    """Everything of its kind in an estate."""
    reads: Callable[[str], bool]
    """Whether it knows a type token: what no platform knows and names a GPU is undecided."""
    holds_nothing: Callable[[str], bool] = lambda token: False
    """Whether a type that it knows never holds a GPU, whatever it names (a quota, a driver's
    settings, a template); the net leaves such resources alone."""
