"""CoreWeave Kubernetes Service: NodePool objects; its Pulumi provider declares no GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Evidence, Notice, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, token_set
from zerofloor.platforms.declared import declared, ignores
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import NUMBER, Row, Scaling, read_rows
from zerofloor.values import get, switch

CLOUD: Final = "coreweave"
_DOCS: Final = "https://docs.coreweave.com/products/cks/nodes/autoscaling"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=("kubernetes:compute.coreweave.com/v1alpha1:NodePool",),
        platform="CoreWeave node pool",
        machine=("spec.instanceType",),
        count=("spec.targetNodes",),
        default=1,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="without autoscaling the pool keeps this many nodes",
        fix="Set spec.autoscaling to true and spec.minNodes to 0, or spec.targetNodes to 0",
        change=(
            ("spec.autoscaling", True),
            ("spec.minNodes", 0),
            ("spec.maxNodes", NUMBER),
        ),
        source=_DOCS,
        scaling=Scaling(
            switch="spec.autoscaling",
            minimum=("spec.minNodes",),
            default=0,
            maximum=("spec.maxNodes",),
            fix="Set spec.minNodes to 0",
        ),
        nodes=Nodes(
            name="metadata.name",
            name_labels=("compute.coreweave.com/node-pool",),
            cloud_labels=(
                "gpu.nvidia.com/class",
                "gpu.nvidia.com/model",
                "gpu.nvidia.com/count",
                "node.coreweave.cloud/class",
                "node.coreweave.cloud/type",
            ),
            labels=("spec.nodeLabels",),
            taints="spec.nodeTaints",
        ),
    ),
)
_QUIET: Final = {
    "coreweave:index/cksCluster:CksCluster": "a CKS cluster has no nodes by itself",
    "coreweave:index:CksCluster": "a CKS cluster has no nodes by itself",
}
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    for part in read_rows(estate, ROWS):
        yield _refused(estate, part)
    yield from account(estate, _QUIET)
    for source in declared(estate, *ROWS[0].tokens):
        target = source.field("spec.targetNodes")
        is_scaled = source.field("spec.autoscaling").switch() is True
        is_ignored = ignores(source.resource.ignore_changes, target.path)
        if is_scaled and not target.is_absent and not is_ignored:
            yield _resets(target.evidence("each update sets the autoscaler's number back to it"))


def _refused(estate: Estate, part: Part) -> Part:
    """A pool of racks with an autoscaler, which CKS rejects: what stands there now isn't known."""
    if not isinstance(part, Pool) or part.urn not in estate.by_urn:
        return part
    scaled = switch(get(estate.by_urn[part.urn].inputs, "spec.autoscaling"))
    racks = [s for s in part.shapes if s.instance_type.startswith(("gb200", "gb300"))]
    if scaled is not True or (part.shapes and not racks):
        return part
    name = racks[0].instance_type if racks else "rack types, which this may be"
    why = f"spec.autoscaling is true, which CKS rejects for {name}"
    settle = "Set spec.autoscaling to false and spec.targetNodes to 0"
    undecided = Undecided(part.urn, "spec.autoscaling", why, settle)
    return replace(part, undecided=(*part.undecided, undecided))


def _resets(link: Evidence) -> Notice:
    return Notice(
        cause=Cause.REPLICAS_BESIDE_SCALER,
        urn=link.urn,
        message=(
            "Each update sets spec.targetNodes back to what is declared, whatever the autoscaler "
            "has scaled the pool to"
        ),
        fix="Remove spec.targetNodes, or add it to ignoreChanges",
        evidence=(link,),
    )
