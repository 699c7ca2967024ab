"""Together: GPU clusters (its Terraform provider has no endpoints; token derived)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import counted_gpus, token_set, tokens
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.rows import Row, read_rows

CLOUD: Final = "together"


def _cluster(estate: Estate, source: Declared, prefix: str) -> Machines:
    return counted_gpus(CLOUD, source, ("gpuType",), ("numGpus", "numCapacityPoolGpus"), None)


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("together:index/betaCluster:BetaCluster"),
        platform="Together GPU cluster",
        machine=("gpuType", "numGpus"),
        machines=_cluster,
        cause=Cause.INSTANCE,
        because="a cluster never scales to zero: it stays between numGpus and autoScaleMaxGpus",
        fix=(
            "Delete the cluster when it isn't used, or serve the model by a dedicated endpoint "
            "with inactiveTimeout (0 means never)"
        ),
        source="Together's Terraform provider (terraform-provider-together 0.0.1, 2026-07-20)",
        derived=True,
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
