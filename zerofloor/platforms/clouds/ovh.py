"""OVHcloud: Public Cloud instances and Managed Kubernetes node pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import still_bills, token_set, tokens
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import NUMBER, Row, Scaling, read_rows

CLOUD: Final = "ovh"
_BILLING: Final = (
    "OVHcloud support, “Public Cloud Billing” (hours count from "
    "creation until deletion, even when powered off)"
)
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("ovh:CloudProject/instance:Instance"),
        platform="OVHcloud instance",
        machine=("flavor.flavorName", "flavor.flavorId"),
        cause=Cause.INSTANCE,
        because="an instance bills from creation until it is deleted, even when powered off",
        fix="Delete the instance when it isn't used, or use a node pool with minNodes 0",
        source=_BILLING,
        stopped="bills on: a powered-off instance bills until it is deleted",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("ovh:index/cloudInstance:CloudInstance"),
        platform="OVHcloud instance",
        machine=("flavorName", "flavorId"),
        cause=Cause.INSTANCE,
        because="an instance bills from creation until it is deleted, even when powered off",
        fix="Delete the instance when it isn't used: powerState SHUTOFF does not stop the bill",
        source=_BILLING,
        releases=(
            still_bills("powerState", "SHUTOFF", because="a powered-off instance bills"),
            still_bills("powerState", "SHELVED", because="shelving isn't documented to be free"),
        ),
        stopped="SHUTOFF still bills; SHELVED isn't documented and counts as billing",
    ),
    Row(
        cloud=CLOUD,
        tokens=tokens("ovh:CloudProject/kubeNodePool:KubeNodePool"),
        platform="OVHcloud node pool",
        machine=("flavorName",),
        count=("desiredNodes", "minNodes"),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="without autoscale the pool keeps this many nodes",
        fix="Set autoscale to true and minNodes to 0, or desiredNodes to 0",
        change=(("autoscale", True), ("minNodes", 0), ("maxNodes", NUMBER)),
        source="pulumi_ovh 2.22.0 CloudProject/kubeNodePool",
        scaling=Scaling(
            switch="autoscale",
            minimum=("minNodes",),
            default=0,
            maximum=("maxNodes",),
            unproven="minNodes is 0; OVHcloud doesn't document whether the last node is removed",
            fix="Set minNodes to 0",
        ),
        nodes=Nodes(
            name_labels=("nodepool",),
            labels=("template.metadata.labels", "template.spec.labels"),
            taints="template.spec.taints",
        ),
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
