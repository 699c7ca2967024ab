"""Crusoe: VMs, instance groups, node pools (its Terraform provider; tokens derived)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, linked, or_autoscaled, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, Row, read_rows

CLOUD: Final = "crusoe"
_TEMPLATES: Final = tokens("crusoe:index/instanceTemplate:InstanceTemplate") + tokens(
    "crusoe:index/computeInstanceTemplate:ComputeInstanceTemplate"
)
_DOCS: Final = "Crusoe's Terraform provider (terraform-provider-crusoe, 2026-08-17)"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("crusoe:index/computeInstance:ComputeInstance"),
        platform="Crusoe VM",
        machine=("type",),
        cause=Cause.INSTANCE,
        because="a VM bills while it exists; what a stopped one bills isn't documented",
        fix="Delete the VM when it isn't used",
        source=_DOCS,
        derived=True,
        stopped="not documented; the resource has no power state",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("crusoe:index/computeInstanceGroup:ComputeInstanceGroup"),
        platform="Crusoe instance group",
        machine=("instanceTemplateId",),
        machines=linked(CLOUD, "instanceTemplateId", _TEMPLATES, "type"),
        count=("desiredCount", "runningInstanceCount"),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the group keeps this many VMs",
        fix="Set desiredCount to 0",
        change=((COUNT, 0),),
        source=_DOCS,
        derived=True,
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("crusoe:index/kubernetesNodePool:KubernetesNodePool"),
        platform="Crusoe node pool",
        machine=("type",),
        count=("instanceCount",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the pool keeps this many nodes: it has no autoscaling field",
        fix="Set instanceCount to 0 when it isn't used",
        change=((COUNT, 0),),
        source=_DOCS,
        derived=True,
        nodes=Nodes(labels=("requestedNodeLabels", "nodeLabels")),
    ),
)
_QUIET: Final = dict.fromkeys(_TEMPLATES, "a template runs nothing by itself")
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, [row for row in ROWS if row.nodes is None])
    yield from read_rows(estate, [row for row in ROWS if row.nodes], keep=or_autoscaled)
    yield from account(estate, _QUIET)
