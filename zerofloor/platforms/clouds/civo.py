"""Civo: instances and cluster pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import or_autoscaled, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, Row, read_rows

CLOUD: Final = "civo"
_DOCS: Final = "Civo docs (sizes; civo/terraform-provider-civo 1.3.1)"
_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("civo:index/kubernetesNodePool:KubernetesNodePool"),
    platform="Civo node pool",
    machine=("size",),
    count=("nodeCount",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the pool keeps this many nodes: it has no autoscaling field",
    fix="Set nodeCount to 0, or delete the pool when it isn't used",
    change=((COUNT, 0),),
    source=_DOCS,
    nodes=Nodes(name="label", name_labels=("kubernetes.civo.com/civo-node-pool",)),
)
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("civo:index/instance:Instance"),
        platform="Civo instance",
        machine=("size",),
        cause=Cause.INSTANCE,
        because="an instance bills until it is deleted, even when stopped",
        fix="Delete the instance when it isn't used: stopping it does not stop the bill",
        source=_DOCS,
        stopped="bills on (from a secondary source)",
    ),
    _POOL,
    replace(_POOL, tokens=tokens("civo:index/kubernetesCluster:KubernetesCluster"), each="pools"),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, [row for row in ROWS if row.nodes is None])
    yield from read_rows(estate, [row for row in ROWS if row.nodes], keep=or_autoscaled)
