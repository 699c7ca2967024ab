"""Google Cloud; one file a service."""

from __future__ import annotations

from typing import Final

from zerofloor.platforms.google import gke
from zerofloor.platforms.hints import with_hints
from zerofloor.platforms.platform import Platform

_SERVICES: Final = (("GKE", gke.read, gke.READS),)

PLATFORMS: Final[tuple[Platform, ...]] = tuple(
    Platform(name, with_hints(read), reads.__contains__) for name, read, reads in _SERVICES
)
