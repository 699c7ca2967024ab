"""Google Cloud; one file a service."""

from __future__ import annotations

from typing import Final

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

PLATFORMS: Final[tuple[Platform, ...]] = tuple(
    Platform(name, with_hints(read), reads.__contains__) for name, read, reads in _SERVICES
)
