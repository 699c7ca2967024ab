"""Amazon Web Services; one file a service."""

from __future__ import annotations

from typing import Final

from zerofloor.platforms.platform import Platform

PLATFORMS: Final[tuple[Platform, ...]] = ()
