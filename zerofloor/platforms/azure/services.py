"""Microsoft Azure; one file a service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from zerofloor.capacity import Accounted, Part
from zerofloor.estate import Estate
from zerofloor.platforms.azure import (
    aks,
    batch,
    compute,
    container_apps,
    deployments,
    machine_learning,
    openai,
    reservations,
    rows,
)
from zerofloor.platforms.azure.read import declared
from zerofloor.platforms.azure.tokens import logical
from zerofloor.platforms.hints import with_hints
from zerofloor.platforms.platform import Platform

_SERVICES: Final = (
    ("AKS", aks.read, aks.READS),
    ("Azure virtual machines", compute.read, compute.READS),
    ("Azure capacity reservations", reservations.read, reservations.READS),
    ("Azure Machine Learning", machine_learning.read, machine_learning.READS),
    ("Azure Container Apps", container_apps.read, container_apps.READS),
    ("Azure Batch", batch.read, batch.READS),
    ("Azure OpenAI", openai.read, openai.READS),
    ("Azure Resource Manager templates", deployments.read, deployments.READS),
    ("other Azure services", rows.read, rows.READS),
)


def _any_of(types: frozenset[str]) -> Callable[[str], bool]:
    return lambda token: logical(token) in types


def _looked_up(estate: Estate) -> Iterator[Part]:
    """Resources that the program only reads: they are another stack's."""
    every = sorted(frozenset().union(*(types for _, _, types in _SERVICES)))
    for source in declared(estate, *every):
        if source.logical is None and source.resource.op == "read":
            because = "it is looked up, not declared"
            yield Accounted(urn=source.urn, path="", because=because)


PLATFORMS: Final[tuple[Platform, ...]] = (
    *(Platform(name, with_hints(read), _any_of(types)) for name, read, types in _SERVICES),
    Platform("Azure resources that are looked up", _looked_up, lambda token: False),
)
