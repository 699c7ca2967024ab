"""Google Cloud; one file a service."""

from __future__ import annotations

from typing import Final

from zerofloor.platforms.google import (
    batch,
    compute_class,
    dataproc,
    gke,
    groups,
    instances,
    notebooks,
    reservations,
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
    ("Reservations and sole-tenant nodes", reservations.read, reservations.READS),
    ("Dataproc", dataproc.read, dataproc.READS),
    ("Dataflow, Batch and Slurm", batch.read, batch.READS),
)

PLATFORMS: Final[tuple[Platform, ...]] = (
    *(Platform(name, with_hints(read), reads.__contains__) for name, read, reads in _SERVICES),
    Platform("GKE compute classes", with_hints(compute_class.read), compute_class.reads),
)
