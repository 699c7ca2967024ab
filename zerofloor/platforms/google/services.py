"""Google Cloud; one file a service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Accounted, Part
from zerofloor.estate import Estate
from zerofloor.platforms.google import (
    gke,
    groups,
    instances,
    notebooks,
    run,
    templates,
    tpu,
    vertex,
)
from zerofloor.platforms.hints import with_hints
from zerofloor.platforms.platform import Platform

_SERVICES: Final = (
    ("GKE", gke.read, gke.READS),
    ("Compute Engine instances", instances.read, instances.READS),
    ("Managed instance groups", groups.read, groups.READS),
    ("Instance templates", templates.read, templates.READS),
    ("Cloud Run", run.read, run.READS),
    ("Vertex AI", vertex.read, vertex.READS),
    ("Notebooks and workstations", notebooks.read, notebooks.READS),
    ("Cloud TPU", tpu.read, tpu.READS),
)
_ALL: Final = frozenset(token for _, _, reads in _SERVICES for token in reads)


def _looked_up(estate: Estate) -> Iterator[Part]:
    """What the program only looks up is another's, and bills there."""
    for token in sorted(_ALL & estate.by_type.keys()):
        for resource in estate.by_type[token]:
            if resource.op == "read":
                yield Accounted(urn=resource.urn, path="", because="looked up, not declared here")


PLATFORMS: Final[tuple[Platform, ...]] = (
    *(Platform(name, with_hints(read), reads.__contains__) for name, read, reads in _SERVICES),
    Platform("Google Cloud look-ups", _looked_up, _ALL.__contains__),
)
