"""Microsoft Azure; one file a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zerofloor.platforms.azure import (
    aks,
    compute,
    container_apps,
    machine_learning,
    reservations,
)
from zerofloor.platforms.azure.tokens import logical
from zerofloor.platforms.hints import with_hints
from zerofloor.platforms.platform import Platform

_SERVICES: Final = (
    ("AKS", aks.read, aks.READS),
    ("Azure virtual machines", compute.read, compute.READS),
    ("Azure capacity reservations", reservations.read, reservations.READS),
    ("Azure Machine Learning", machine_learning.read, machine_learning.READS),
    ("Azure Container Apps", container_apps.read, container_apps.READS),
)


def _any_of(types: frozenset[str]) -> Callable[[str], bool]:
    return lambda token: logical(token) in types


PLATFORMS: Final[tuple[Platform, ...]] = tuple(
    Platform(name, with_hints(read), _any_of(types)) for name, read, types in _SERVICES
)
