"""How long the first request after idle waits, in parts, each with its source: why people keep a
minimum of one."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from zerofloor.settings import ColdStart as Given
from zerofloor.structs import Value


class Part(Value, frozen=True):
    """One part of the wait, in seconds, from the usual best to the usual worst."""

    what: str
    least: Decimal
    most: Decimal
    source: str


class Wait(Value, frozen=True):
    """From a request at zero to its answer."""

    parts: tuple[Part, ...]

    @property
    def least(self) -> Decimal:
        return sum((part.least for part in self.parts), Decimal(0))

    @property
    def most(self) -> Decimal:
        return sum((part.most for part in self.parts), Decimal(0))


NODE: Final = Part(
    "a GPU node gets ready", Decimal(80), Decimal(120), "default: from the request to a ready node"
)
IMAGE: Final = Part(
    "the image is pulled", Decimal(300), Decimal(600), "default: 10-13 GB, neither lazy nor cached"
)
LOAD: Final = Part("the model is loaded", Decimal(120), Decimal(120), "default: an 8B model")


def cold_start(given: Given) -> Wait:
    """The wait by the user's own numbers where there are any (`coldStart` in zerofloor.yaml), else
    the documented defaults."""
    own = (given.node_seconds, given.image_seconds, given.load_seconds)
    return Wait(
        tuple(
            _part(default, seconds)
            for default, seconds in zip((NODE, IMAGE, LOAD), own, strict=True)
        )
    )


def _part(default: Part, seconds: Decimal | None) -> Part:
    return (
        default
        if seconds is None
        else Part(default.what, seconds, seconds, "coldStart in zerofloor.yaml")
    )
