"""A node pool of GKE that is empty when no pod wants its GPUs."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import Any, Final, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import CloudResource, given
from zerofloor.components.gke_node_pool_spec import GkeNodePoolSpec

_DRIVERS: Final = {"default": "DEFAULT", "latest": "LATEST", "none": "INSTALLATION_DISABLED"}


class GkeGpuNodePoolArgs(TypedDict, total=False):
    """What a GkeGpuNodePool is made from. Bounds, types and places are checked, so they must be
    plain values; the rest may be Outputs."""

    name: str
    """Name of the node pool. Default: the component's own name. Changing it replaces the pool."""
    cluster: Required[pulumi.Input[str]]
    """The GKE cluster: its name or its id. Changing it replaces the pool."""
    location: Required[str]
    """The cluster's region or zone, checked against the regions in which the machine has a price.
    Changing it replaces the pool."""
    zones: Sequence[str]
    """Zones of the nodes. Without them, the cluster's."""
    any_region: bool
    """Accept a location in which the machine has no known price. Default false."""

    machine_type: Required[str]
    """Machine type with GPUs, such as g2-standard-8 or a3-highgpu-8g, TPUs, such as
    ct5lp-hightpu-4t, or an N1 type with accelerator. A type with the same cards is taken in place,
    node by node. Changing it replaces the pool."""
    accelerator: str
    """On an N1 machine: the cards to add, such as nvidia-tesla-t4. Changing it replaces the
    pool."""
    accelerators: float
    """On an N1 machine: their number, 1 where it isn't given. Changing it replaces the pool."""
    capacity_type: str
    """Market: on-demand or spot. A pool has one; pods that may run on both take what is there.
    Changing it replaces the pool. Default on-demand."""
    reservation: pulumi.Input[str]
    """A reservation to run in, by name. It bills whether a node runs in it or not. Changing it
    replaces the pool."""
    min_nodes: float
    """Nodes kept while idle over all zones: each holds its GPUs. Default 0."""
    max_nodes: Required[float]
    """The most nodes at any load over all zones: the ceiling of what the pool can cost."""

    driver: str
    """NVIDIA's driver that GKE installs: default, latest or none. Changing it replaces the pool.
    Default default."""
    disk_gib: float
    """Size of the boot disk for images and caches in GiB. Default 200."""
    disk_type: str
    """Type of the boot disk. Without it, pd-balanced, or hyperdisk-balanced where the machine needs
    it."""
    local_ssds: float
    """Local SSDs of 375 GiB for the pods' temporary storage, where the machine type takes a number.
    Changing it replaces the pool."""
    image_streaming: bool
    """Start containers while their image still loads (from Artifact Registry). Default true."""
    image_disk: pulumi.Input[str]
    """Disk image with the container images on it, such as global/images/NAME: each node gets a
    second boot disk of it, so that nothing is pulled. Changing it replaces the pool."""
    service_account: pulumi.Input[str]
    """Service account of the nodes. Without it, Compute Engine's default one. Changing it replaces
    the pool."""
    labels: Mapping[str, pulumi.Input[str]]
    """More Kubernetes labels for the nodes."""
    resource_labels: Mapping[str, pulumi.Input[str]]
    """Google Cloud labels of the machines, for cost allocation."""


class GkeGpuNodePool(pulumi.ComponentResource):
    """GPU nodes of GKE in a node pool that GKE's own cluster autoscaler fills from zero and empties
    again.

    The nodes carry the taint of their GPU resource (nvidia.com/gpu=present:NoSchedule), so that no
    other pod keeps one. Bounds are totals over all zones. The cluster needs another pool for its
    system pods: a pool that is alone never becomes empty.
    """

    name: pulumi.Output[str]
    """Name of the node pool; pods select it by the node label cloud.google.com/gke-nodepool."""

    def __init__(
        self, name: str, args: GkeGpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resource.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(GkeNodePoolSpec, "GkeGpuNodePool", name, args)
        super().__init__(
            "zerofloor:index:GkeGpuNodePool",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        pool = CloudResource(
            "gcp:container/nodePool:NodePool",
            name,
            _pool(spec),
            pulumi.ResourceOptions(
                parent=self,
                # The autoscaler owns the size; and the initial one would replace the pool.
                ignore_changes=["nodeCount", "initialNodeCount"],
                delete_before_replace=True,
            ),
        )
        self.name = pool.urn.apply(lambda _: spec.name)
        self.register_outputs({"name": self.name})


def _pool(spec: GkeNodePoolSpec) -> dict[str, Any]:
    return given(
        {
            "name": spec.name,
            "cluster": spec.cluster,
            "location": spec.location,
            "nodeLocations": list(spec.zones) if spec.zones else None,
            "initialNodeCount": 0,
            "autoscaling": {
                "totalMinNodeCount": spec.min_nodes,
                "totalMaxNodeCount": spec.max_nodes,
                # Wherever there is capacity, instead of the same number in each zone.
                "locationPolicy": "ANY",
            },
            "management": {"autoRepair": True, "autoUpgrade": True},
            # A node more during an upgrade would be one more that bills.
            "upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1},
            "nodeConfig": _node(spec),
        }
    )


def _node(spec: GkeNodePoolSpec) -> dict[str, Any]:
    taint = {"key": spec.gpu_resource, "value": "present", "effect": "NO_SCHEDULE"}
    ssds = spec.local_ssds
    return given(
        {
            "machineType": spec.machine_type,
            "guestAccelerators": _cards(spec),
            "spot": True if spec.capacity_type == "spot" else None,
            "reservationAffinity": _reservation(spec),
            "diskSizeGb": spec.disk_gib,
            "diskType": spec.boot_disk,
            "ephemeralStorageLocalSsdConfig": None if ssds is None else {"localSsdCount": ssds},
            "gcfsConfig": {"enabled": True} if spec.image_streaming else None,
            "secondaryBootDisks": _second_disk(spec),
            "serviceAccount": spec.service_account,
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "taints": [taint],
            "labels": dict(spec.labels) or None,
            "resourceLabels": dict(spec.resource_labels) or None,
        }
    )


def _second_disk(spec: GkeNodePoolSpec) -> list[dict[str, Any]] | None:
    if spec.image_disk is None:
        return None
    return [{"diskImage": spec.image_disk, "mode": "CONTAINER_IMAGE_CACHE"}]


def _cards(spec: GkeNodePoolSpec) -> list[dict[str, Any]] | None:
    cards = spec.cards
    if cards is None:
        return None
    driver = {"gpuDriverVersion": _DRIVERS[spec.driver]}
    return [{"type": cards[0], "count": cards[1], "gpuDriverInstallationConfig": driver}]


def _reservation(spec: GkeNodePoolSpec) -> dict[str, Any] | None:
    if spec.reservation is None:
        return None
    return {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": [spec.reservation],
    }
