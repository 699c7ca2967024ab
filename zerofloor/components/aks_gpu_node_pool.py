"""A node pool of AKS that is empty when no pod wants its GPUs."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import Any, Final, Required, TypedDict

import pulumi

from zerofloor.components.aks_node_pool_spec import AksNodePoolSpec
from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import CloudResource, given

_FIXED: Final = (
    "availabilityZones",
    "capacityReservationGroupID",
    "gpuProfile",
    "osDiskSizeGB",
    "osDiskType",
    "scaleSetPriority",
    "vnetSubnetID",
)
"""What AKS refuses to change on a pool that exists, and the provider would try to (azurerm's
kubernetes_cluster_node_pool makes the pool anew for each)."""


class AksGpuNodePoolArgs(TypedDict, total=False):
    """What an AksGpuNodePool is made from. Bounds, sizes and places are checked, so they must be
    plain values; the rest may be Outputs."""

    name: str
    """Name of the node pool: up to 12 lower-case letters and digits. Default: the component's own
    name. Changing it replaces the pool."""
    resource_group: Required[pulumi.Input[str]]
    """Resource group of the cluster. Changing it replaces the pool."""
    cluster: Required[pulumi.Input[str]]
    """Name of the AKS cluster. Changing it replaces the pool."""
    location: str
    """The cluster's location, to check that vmSize is sold there. Without it, unchecked."""
    any_region: bool
    """Accept a location in which the size has no known price. Default false."""
    zones: Sequence[str]
    """Availability zones of the nodes, such as 1. Changing them replaces the pool."""
    subnet_id: pulumi.Input[str]
    """Subnet of the nodes. Changing it replaces the pool."""

    vm_size: Required[str]
    """Size with GPUs, such as Standard_NC24ads_A100_v4. Changing it replaces the pool."""
    capacity_type: str
    """Market: on-demand or spot. AKS taints spot nodes with
    kubernetes.azure.com/scalesetpriority=spot, which pods must tolerate, too. Changing it replaces
    the pool. Default on-demand."""
    capacity_reservation_group_id: pulumi.Input[str]
    """A group of capacity reservations to run in. A reservation bills whether a node runs in it or
    not. Changing it replaces the pool."""
    min_nodes: float
    """Nodes kept while idle: each holds its GPUs. Default 0."""
    max_nodes: Required[float]
    """The most nodes at any load: the ceiling of what the pool can cost."""

    driver: str
    """install or none: whether AKS installs the GPUs' driver (none is for the GPU operator).
    Changing it replaces the pool. Default install."""
    disk_gib: float
    """Size of the OS disk for images and caches, in GiB. Changing it replaces the pool. Default
    200."""
    disk: str
    """managed, or ephemeral: on the machine's own disk, faster and without a price, where the size
    has room for diskGib. Changing it replaces the pool. Default managed."""
    labels: Mapping[str, pulumi.Input[str]]
    """More Kubernetes labels for the nodes."""
    tags: Mapping[str, pulumi.Input[str]]
    """Azure tags for the pool and its machines."""


class AksGpuNodePool(pulumi.ComponentResource):
    """GPU nodes of AKS in a user node pool that AKS' own cluster autoscaler fills from zero and
    empties again, about 10 minutes after the last pod.

    The nodes carry the taint of their GPU resource (nvidia.com/gpu=present:NoSchedule), so that no
    other pod keeps one. Needs the GPUs' device plugin in the cluster.
    """

    name: pulumi.Output[str]
    """Name of the node pool; pods select it by the node label kubernetes.azure.com/agentpool."""

    def __init__(
        self, name: str, args: AksGpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resource.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(AksNodePoolSpec, "AksGpuNodePool", name, args)
        super().__init__(
            "zerofloor:index:AksGpuNodePool",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        pool = CloudResource(
            "azure-native:containerservice:AgentPool",
            name,
            _pool(spec),
            pulumi.ResourceOptions(
                parent=self,
                # The autoscaler owns the size: an `up` that wrote it again would undo its work.
                ignore_changes=["count"],
                replace_on_changes=list(_FIXED),
                delete_before_replace=True,
            ),
        )
        self.name = pool.urn.apply(lambda _: spec.name)
        self.register_outputs({"name": self.name})


def _pool(spec: AksNodePoolSpec) -> dict[str, Any]:
    spot = {
        "scaleSetPriority": "Spot",
        "scaleSetEvictionPolicy": "Delete",
        # Up to the on-demand price.
        "spotMaxPrice": -1.0,
    }
    return given(
        {
            "resourceGroupName": spec.resource_group,
            "resourceName": spec.cluster,
            "agentPoolName": spec.name,
            "mode": "User",
            "type": "VirtualMachineScaleSets",
            "osType": "Linux",
            "vmSize": spec.vm_size,
            "enableAutoScaling": True,
            "minCount": spec.min_nodes,
            "maxCount": spec.max_nodes,
            "count": spec.min_nodes,
            # Deallocated machines would keep their disks.
            "scaleDownMode": "Delete",
            "gpuProfile": {"driver": spec.driver.capitalize()},
            "osDiskSizeGB": spec.disk_gib,
            "osDiskType": spec.disk.capitalize(),
            "availabilityZones": list(spec.zones) if spec.zones else None,
            "vnetSubnetID": spec.subnet_id,
            "capacityReservationGroupID": spec.capacity_reservation_group_id,
            "nodeTaints": [f"{spec.gpu_resource}=present:NoSchedule"],
            "nodeLabels": dict(spec.labels) or None,
            "tags": dict(spec.tags) or None,
            **(spot if spec.capacity_type == "spot" else {}),
        }
    )
