"""IONOS: GPU servers, whose number of GPUs stands in a template that only the account knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.machines import Machines, describe
from zerofloor.platforms.rows import Release, Row, Stopped, read_rows

CLOUD: Final = "ionos"


def _server(estate: Estate, source: Declared, prefix: str) -> Machines:
    shape = Shape(CLOUD, "GPU server", None, "accelerator of unknown size")
    evidence = (source.field("templateUuid").evidence(describe((shape,))),)
    return Machines((shape,), evidence=evidence)


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens(
            "ionoscloud:index/gpuServer:GpuServer", "ionoscloud:compute/gPUServer:GPUServer"
        ),
        platform="IONOS GPU server",
        machine=("templateUuid",),
        machines=_server,
        cause=Cause.INSTANCE,
        because="a GPU server bills while it runs",
        fix="Delete the GPU server when it isn't used",
        source="pulumi_ionoscloud 0.3.3 (GpuServer)",
        releases=(
            Release(
                path="vmState",
                values=("SUSPENDED",),
                because="a suspended GPU server may still bill",
                bills=Stopped.UNREAD,
            ),
        ),
        stopped="SUSPENDED: not documented, so undecided",
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
