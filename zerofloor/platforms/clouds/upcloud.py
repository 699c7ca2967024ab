"""UpCloud: servers and Kubernetes node groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import or_autoscaled, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, Row, read_rows

CLOUD: Final = "upcloud"
_DOCS: Final = "pulumi_upcloud 0.23.0"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("upcloud:index/server:Server"),
        platform="UpCloud server",
        machine=("plan",),
        cause=Cause.INSTANCE,
        because="a server bills while it exists; what a stopped one bills isn't documented",
        fix="Delete the server when it isn't used",
        source=_DOCS,
        stopped="not documented; the resource has no power state",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("upcloud:index/kubernetesNodeGroup:KubernetesNodeGroup"),
        platform="UpCloud node group",
        machine=("plan",),
        count=("nodeCount",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the group keeps this many nodes",
        fix="Set nodeCount to 0, or delete the group when it isn't used",
        change=((COUNT, 0),),
        source=_DOCS,
        nodes=Nodes(),
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, [row for row in ROWS if row.nodes is None])
    yield from read_rows(estate, [row for row in ROWS if row.nodes], keep=or_autoscaled)
