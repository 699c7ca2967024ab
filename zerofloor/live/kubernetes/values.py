"""What holds the GPUs of a cluster, as plain values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Market
from zerofloor.live.kubernetes.api import Kind
from zerofloor.live.kubernetes.kubeconfig import Access
from zerofloor.live.values import Fault, State, Use
from zerofloor.structs import Value

NODE: Final = Kind("", "v1", "Node", "nodes", namespaced=False)
POD: Final = Kind("", "v1", "Pod", "pods")
CLAIM: Final = Kind("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims")


class Ref(Value, frozen=True):
    """What names an object of a cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The same for every version."""
        return self.group, self.kind, self.namespace, self.name


class Pod(Value, frozen=True, kw_only=True):
    """A pod that is not over yet."""

    namespace: str
    name: str
    node: str
    """Empty while it is not scheduled."""
    gpus: Decimal
    """Devices that it asks for; 0 for a pod that is listed because it stands on a GPU node."""
    owner: Mapping[str, Any] | None
    """The reference to its controller."""
    created: datetime.datetime | None
    pins: str
    """Why an autoscaler leaves its node; empty if it doesn't."""
    holds_open: bool
    """Whether a GPU that it asks for has no number that could be read."""


class Node(Value, frozen=True, kw_only=True):
    """A node with GPUs."""

    name: str
    labels: Mapping[str, str]
    instance_type: str
    cloud: str
    region: str
    zone: str
    market: Market
    slots: Decimal
    """Devices that pods can ask for."""
    gpus: Decimal
    """Physical ones: fewer than slots where they are shared by time."""
    card: str
    """What was added to a machine that has none of its own (GKE: `nvidia-tesla-t4`)."""
    bare: bool
    """Whether its type is known to have no GPU, so that its price is the machine's alone."""
    created: datetime.datetime | None
    pins: str
    """Why an autoscaler leaves it, by its own annotations; empty if it doesn't."""


class Owner(Value, frozen=True, kw_only=True):
    """What stands at the top of the pods of one workload."""

    ref: Ref
    uid: str = ""
    body: Mapping[str, Any] | None = None
    """The object; None where it was not read."""
    why_unread: str = ""


class ClusterUnit(Value, frozen=True, kw_only=True):
    """A workload that holds GPUs, or a node that has some: one row of the result."""

    kind: str
    """Deployment, RayCluster, Node, …"""
    id: str
    """NAMESPACE/NAME, or a node's name."""
    cluster: str
    """The context."""
    region: str
    instance_type: str
    """Those of its nodes, with commas."""
    machines: int
    """Nodes on which its pods stand; 1 for a node."""
    gpus: Decimal
    """Held by its pods; for a node those that no pod asks for."""
    since: datetime.datetime | None
    """When its oldest pod, or the node, was created."""
    pods: tuple[Pod, ...] = ()
    owner: Owner | None = None
    """None for a node."""
    node: Node | None = None
    """None for a workload."""


class Seen(Value, frozen=True, kw_only=True):
    """A unit beside its declaration."""

    unit: ClusterUnit
    state: State
    use: Use
    last_used: datetime.datetime | None = None
    """When a metric last showed use, to a step of its query; None where none did."""
    why: str
    """As a clause."""
    stack: str = ""
    urn: str = ""
    monthly: Decimal | None = None
    """USD a month: of a workload the share of its nodes that its pods hold, of a node the rest, so
    that a sum counts nothing twice. None where a price isn't known."""
    keeps: str = ""
    """Why its declaration would restore it, as a sentence without a full stop; empty if it
    wouldn't."""
    scaler: Owner | None = None
    """What moves its replicas (a ScaledObject or an HPA)."""
    scaler_stack: str = ""
    """PROJECT/STACK of the declaration of that."""


class ClusterLive(Value, frozen=True):
    """What one cluster runs now."""

    access: Access
    seen: tuple[Seen, ...]
    faults: tuple[Fault, ...]
