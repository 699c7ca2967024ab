"""Scaleway: instances, instance groups, Kapsule pools, managed inference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.hardware.naming import accelerator_name, read_name
from zerofloor.platforms.clouds.read import account, linked, still_bills, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, NUMBER, Release, Row, Scaling, read_rows

CLOUD: Final = "scaleway"
_SERVERS: Final = tokens(
    "scaleway:instance/server:Server", "scaleway:index/instanceServer:InstanceServer"
)
_TEMPLATES: Final = tokens("scaleway:autoscaling/instanceTemplate:InstanceTemplate")
_OF_TEMPLATE: Final = linked(CLOUD, "templateId", _TEMPLATES, "commercialType")


def _inference_node(name: str) -> Shape | None:
    """Managed Inference names its nodes by the GPU alone (`L4`, `H100-2`)."""
    if read_name(CLOUD, name) is not None and "-" in name and name.upper().endswith("G"):
        return None  # A machine's own name: the table knows it.
    model, _, several = name.partition("-")
    number = Decimal(several) if several.isdigit() else Decimal(1)
    return Shape(CLOUD, name, number, accelerator_name(model))


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=_SERVERS,
        platform="Scaleway instance",
        machine=("type",),
        cause=Cause.INSTANCE,
        because="an instance bills while it is started or on standby",
        fix="Set state to stopped when it isn't used, or use a Kapsule pool with minSize 0",
        change=(("state", "stopped"),),
        source=(
            "Scaleway docs, Instances FAQ (powered off: volumes and IPs only; "
            "standby keeps the slot and bills)"
        ),
        releases=(
            Release(path="state", values=("stopped",), because="powered off: only volumes bill"),
            still_bills("state", "standby", because="an instance on standby keeps its GPU"),
        ),
        stopped="stopped is free (volumes and IPs bill); standby bills as if it ran",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens(
            "scaleway:kubernetes/pool:Pool", "scaleway:index/kubernetesNodePool:KubernetesNodePool"
        ),
        platform="Kapsule pool",
        machine=("nodeType",),
        count=("size",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="without autoscaling the pool keeps this many nodes",
        fix="Set autoscaling to true and minSize to 0",
        change=(("autoscaling", True), ("minSize", 0), ("maxSize", NUMBER)),
        source="pulumiverse_scaleway 1.60.0 kubernetes/pool",
        scaling=Scaling(
            switch="autoscaling",
            minimum=("minSize",),
            default=1,
            maximum=("maxSize",),
            unproven="minSize is 0; Kapsule doesn't document that it accepts this",
            fix="Set minSize to 0",
        ),
        nodes=Nodes(
            name_labels=("k8s.scaleway.com/pool-name",),
            cloud_labels=("k8s.scaleway.com/pool", "k8s.scaleway.com/node"),
            tags="tags",
        ),
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens(
            "scaleway:inference/deployment:Deployment",
            "scaleway:index/inferenceDeployment:InferenceDeployment",
        ),
        platform="Scaleway Managed Inference deployment",
        machine=("nodeType",),
        translate=_inference_node,
        count=("minSize",),
        ceiling=("maxSize", "minSize"),
        cause=Cause.ENDPOINT,
        because="a dedicated deployment bills by the hour without requests",
        fix="Use Scaleway's serverless Generative APIs, or a Kapsule pool with minSize 0",
        source="Scaleway docs, Managed Inference (no scale to zero)",
    ),
)
GROUPS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("scaleway:autoscaling/instanceGroup:InstanceGroup"),
        platform="Scaleway instance group",
        machine=("templateId",),
        machines=lambda estate, source, _: _OF_TEMPLATE(estate, source, ""),
        count=("minReplicas",),
        default=0,
        each="capacities",
        ceiling=("maxReplicas",),
        cause=Cause.POOL_MINIMUM,
        because="the group never goes below it",
        fix="Set capacities[].minReplicas to 0",
        change=((COUNT, 0),),
        source="pulumiverse_scaleway 1.60.0 autoscaling/instanceGroup",
    ),
)
READS: Final = token_set((*ROWS, *GROUPS)) | frozenset(_TEMPLATES)


def read(estate: Estate) -> Iterator[Part]:
    for part in read_rows(estate, (*ROWS, *GROUPS)):
        yield _at_least_one(part)
    yield from account(estate, dict.fromkeys(_TEMPLATES, "a template runs nothing by itself"))


def _at_least_one(part: Part) -> Part:
    """A deployment of Managed Inference whose minSize is 0: scaling to zero isn't documented."""
    if not isinstance(part, Pool) or "Inference" not in part.platform or part.holds:
        return part
    if part.undecided:
        return part
    why = "minSize is 0, and Managed Inference isn't documented to scale to 0"
    open_point = Undecided(part.urn, "minSize", why, "Delete the deployment when it isn't used")
    return replace(part, undecided=(open_point,))
