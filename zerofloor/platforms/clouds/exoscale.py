"""Exoscale: instances, instance pools, SKS node pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import or_autoscaled, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, Release, Row, Stopped, read_rows

CLOUD: Final = "exoscale"
_DOCS: Final = "pulumiverse_exoscale 0.66.1"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("exoscale:index/computeInstance:ComputeInstance"),
        platform="Exoscale instance",
        machine=("type",),
        cause=Cause.INSTANCE,
        because="an instance bills while it runs",
        fix="Delete the instance when it isn't used",
        source=_DOCS,
        releases=(
            Release(
                path="state",
                values=("stopped",),
                because="a stopped GPU instance may still bill",
                bills=Stopped.UNREAD,
            ),
        ),
        stopped="not documented, so undecided",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("exoscale:index/instancePool:InstancePool"),
        platform="Exoscale instance pool",
        machine=("instanceType", "serviceOffering"),
        count=("size",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the pool keeps this many instances",
        fix="Set size to 0, or delete the pool when it isn't used",
        change=((COUNT, 0),),
        source=_DOCS,
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("exoscale:index/sksNodepool:SksNodepool"),
        platform="SKS node pool",
        machine=("instanceType",),
        count=("size",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the pool keeps this many nodes",
        fix="Set size to 0, or delete the pool when it isn't used",
        change=((COUNT, 0),),
        source=_DOCS,
        nodes=Nodes(),
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, [row for row in ROWS if row.nodes is None])
    yield from read_rows(estate, [row for row in ROWS if row.nodes], keep=or_autoscaled)
