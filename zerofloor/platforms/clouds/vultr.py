"""Vultr: instances, bare metal, VKE node pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import Row, Scaling, read_rows

CLOUD: Final = "vultr"
_STOP_DOCS: Final = (
    "Vultr docs, “How to Stop a Cloud GPU Instance” (a stopped server bills until it is destroyed)"
)

_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("vultr:index/kubernetesNodePools:KubernetesNodePools"),
    platform="VKE node pool",
    machine=("plan",),
    count=("nodeQuantity",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="without autoScaler the pool keeps this many nodes",
    fix="Delete the GPU pool when it isn't used: VKE isn't documented to scale to 0",
    source="ediri_vultr 2.27.1 kubernetesNodePools (node pools, autoscaler)",
    scaling=Scaling(
        switch="autoScaler",
        minimum=("minNodes",),
        maximum=("maxNodes",),
        smallest=1,
        fix="Delete the GPU pool when it isn't used: VKE isn't documented to scale to 0",
    ),
    nodes=Nodes(name="label", name_labels=("vke.vultr.com/node-pool",)),
)


def _server(token: str, platform: str) -> Row:
    return Row(
        cloud=CLOUD,
        tokens=tokens(token),
        platform=platform,
        machine=("plan",),
        cause=Cause.INSTANCE,
        because="it bills until it is destroyed, even when stopped",
        fix="Destroy the server when it isn't used: stopping it does not stop the bill",
        source=_STOP_DOCS,
        stopped="bills on: a stopped server bills until it is destroyed",
    )


ROWS: Final = (
    _server("vultr:index/instance:Instance", "Vultr instance"),
    _server("vultr:index/bareMetalServer:BareMetalServer", "Vultr bare metal server"),
    _POOL,
    replace(_POOL, tokens=tokens("vultr:index/kubernetes:Kubernetes"), each="nodePools"),
)
_QUIET: Final = dict.fromkeys(
    tokens("vultr:index/inference:Inference"), "serverless inference bills by use"
)
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
    yield from account(estate, _QUIET)
