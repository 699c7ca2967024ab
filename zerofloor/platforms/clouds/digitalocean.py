"""DigitalOcean: Droplets, DOKS node pools, Droplet autoscale pools, dedicated inference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.declared import declared
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import NUMBER, Row, Scaling, read_rows
from zerofloor.stack import Hidden

CLOUD: Final = "digitalocean"
_DOKS_DOCS: Final = (
    "https://docs.digitalocean.com/products/kubernetes/how-to/autoscale/ (a minimum of 0 is "
    "allowed; outside its bounds a pool is set to the minimum)"
)
_DROPLET_DOCS: Final = (
    "https://docs.digitalocean.com/products/droplets/details/pricing/ (a Droplet that is powered "
    "off bills until it is destroyed)"
)

_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("digitalocean:index/kubernetesNodePool:KubernetesNodePool"),
    platform="DOKS node pool",
    machine=("size",),
    count=("nodeCount",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="without autoScale the pool keeps this many nodes",
    fix="Set autoScale to true and minNodes to 0, or nodeCount to 0",
    change=(("autoScale", True), ("minNodes", 0), ("maxNodes", NUMBER)),
    source=_DOKS_DOCS,
    scaling=Scaling(
        switch="autoScale",
        minimum=("minNodes",),
        maximum=("maxNodes",),
        fix="Set minNodes to 0",
    ),
    nodes=Nodes(
        name_labels=("doks.digitalocean.com/node-pool",),
        cloud_labels=(
            "doks.digitalocean.com/node-pool-id",
            "doks.digitalocean.com/gpu-brand",
            "doks.digitalocean.com/gpu-model",
        ),
        gpu_taint=True,
    ),
)
_INFERENCE: Final = Row(
    cloud=CLOUD,
    tokens=tokens("digitalocean:index/dedicatedInference:DedicatedInference"),
    platform="DigitalOcean dedicated inference",
    machine=("acceleratorSlug",),
    count=("scale",),
    each="modelDeployments[].accelerators",
    cause=Cause.ENDPOINT,
    because="dedicated inference can't scale to zero, and bills without requests",
    fix=(
        "Serve the model by DigitalOcean's serverless inference, or on a DOKS pool with autoScale "
        "and minNodes 0"
    ),
    source="pulumi_digitalocean 4.84.1 dedicatedInference (scale is at least 1)",
)
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("digitalocean:index/droplet:Droplet"),
        platform="Droplet",
        machine=("size",),
        cause=Cause.INSTANCE,
        because="a Droplet bills until it is destroyed, even when powered off",
        fix="Destroy the Droplet when it isn't used, or use a DOKS pool with minNodes 0",
        source=_DROPLET_DOCS,
        stopped="bills on: a powered-off Droplet bills until it is destroyed",
    ),
    _POOL,
    replace(
        _POOL,
        tokens=tokens("digitalocean:index/kubernetesCluster:KubernetesCluster"),
        each="nodePool",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("digitalocean:index/dropletAutoscale:DropletAutoscale"),
        platform="Droplet autoscale pool",
        machine=("dropletTemplate.size",),
        count=("config.targetNumberInstances", "config.minInstances"),
        ceiling=("config.maxInstances", "config.targetNumberInstances"),
        cause=Cause.POOL_MINIMUM,
        because="the pool never goes below it",
        fix="Delete the pool when it isn't used: it needs at least one Droplet",
        source="DigitalOcean docs, “Droplet autoscale pools”",
    ),
    _INFERENCE,
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, [row for row in ROWS if row is not _INFERENCE])
    for source in declared(estate, *_INFERENCE.tokens):
        deployments = source.field("modelDeployments").items()
        if isinstance(deployments, Hidden):
            yield source.open("modelDeployments", "It isn't known at preview: it names the GPUs")
            continue
        for index in range(len(deployments)):
            row = replace(_INFERENCE, each=f"modelDeployments[{index}].accelerators")
            yield from read_rows(estate, [row], lambda *_, one=source: (one,))
