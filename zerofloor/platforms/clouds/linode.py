"""Linode (Akamai): instances and LKE node pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import still_bills, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import Row, Scaling, read_rows

CLOUD: Final = "linode"
_LKE_DOCS: Final = (
    "Akamai cloud computing docs, “Manage nodes and node pools” (the autoscaler "
    "keeps at least one node)"
)

_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("linode:index/lkeNodePool:LkeNodePool"),
    platform="LKE node pool",
    machine=("type",),
    count=("nodeCount",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="without an autoscaler the pool keeps this many nodes",
    fix=(
        "Delete the GPU pool when it isn't used: an LKE autoscaler keeps at least one node; DOKS "
        "and Kapsule pools scale to 0"
    ),
    source=_LKE_DOCS,
    scaling=Scaling(
        minimum=("autoscaler.min",),
        maximum=("autoscaler.max",),
        smallest=1,
        fix=(
            "Delete the GPU pool when it isn't used: an LKE autoscaler's minimum is at least 1; "
            "DOKS and Kapsule pools scale to 0"
        ),
    ),
    nodes=Nodes(name="label", cloud_labels=("lke.linode.com/pool-id",)),
)
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("linode:index/instance:Instance"),
        platform="Linode",
        machine=("type",),
        cause=Cause.INSTANCE,
        because="a Linode bills until it is deleted, even when powered off",
        fix="Delete the Linode when it isn't used: booted: false does not stop the bill",
        source=("Akamai cloud computing docs, billing (a powered-off Linode accrues charges)"),
        releases=(still_bills("booted", False, because="a powered-off Linode accrues charges"),),
        stopped="bills on: a powered-off Linode accrues charges until it is deleted",
    ),
    _POOL,
    replace(
        _POOL,
        tokens=tokens("linode:index/lkeCluster:LkeCluster"),
        each="pools",
        count=("count",),
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
