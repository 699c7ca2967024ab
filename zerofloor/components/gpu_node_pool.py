"""A supply of GPU nodes on EKS that is empty when no pod wants one: Karpenter NodePool and
EC2NodeClass."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import given
from zerofloor.components.launch import BOTTLEROCKET_PARALLEL_PULL, node_config
from zerofloor.components.node_pool_spec import NodePoolSpec


class GpuNodePoolArgs(TypedDict, total=False):
    """What a GpuNodePool is made from. Numbers and instance types are checked, so they must be
    plain values; the rest may be Outputs."""

    name: str
    """Name of the NodePool and the EC2NodeClass. Default: the component's own name."""
    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster: subnets and security groups are those tagged karpenter.sh/discovery
    with it."""
    discovery_tags: Mapping[str, pulumi.Input[str]]
    """In place of clusterName: the tags of the subnets and security groups."""
    role: pulumi.Input[str]
    """IAM role of the nodes, by name."""
    instance_profile: pulumi.Input[str]
    """In place of role: IAM instance profile of the nodes, by name."""

    instance_types: Sequence[str]
    """EC2 instance types to choose from, such as g6e.xlarge; Karpenter takes the cheapest that
    fits."""
    instance_families: Sequence[str]
    """In place of instanceTypes: whole families, such as g6e."""
    capacity_types: Sequence[str]
    """Markets to buy from: on-demand, spot, reserved. Karpenter takes reserved capacity first, then
    spot; with on-demand beside it, that is the fallback. Default on-demand."""
    capacity_reservation_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """With reserved in capacityTypes: the EC2 capacity reservations (cr-…) to run in. A reservation
    bills whether a node runs in it or not. Karpenter 1.6 or newer."""
    zones: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Availability zones. Without it, all that the subnets are in."""
    max_gpus: Required[float]
    """The most GPUs that the pool may hold: the ceiling of what it can cost."""
    weight: float
    """Preference over other pools that fit, from 1 to 100, higher first. Without weights Karpenter
    tries pools by name, not by price."""

    consolidate_after_seconds: float
    """How long a node stays after its last pod. Default 60."""
    idle_cap_seconds: float
    """The longest consolidateAfterSeconds that is accepted. Default 3600."""
    expire_after_hours: float
    """Age at which a node is replaced; with autoMode at most 504, which is also taken there without
    it. Default 720."""
    termination_grace_seconds: float
    """Longest time that a pod may keep a node that is going. Default 1800."""

    auto_mode: bool
    """True in a cluster of EKS Auto Mode, which has Karpenter and the device plugin built in: the
    nodes' class is Auto Mode's NodeClass. Default false."""
    ami_alias: str
    """Image of the nodes: al2023 or bottlerocket, with a version; both have GPU drivers. Pin it in
    production. Default al2023@latest."""
    disk_gib: float
    """Size of the encrypted gp3 disk for images and caches, in GiB. Default 200."""
    disk_throughput: float
    """Throughput of that disk in MiB/s, from 125 to 750; above 125 it has a price of its own while
    a node runs. Default 250."""
    local_disk: bool
    """Join the types' local NVMe disks (RAID0) and keep images and pods there, much faster than
    EBS; types without any keep the gp3 disk. Without it, true unless imageSnapshot is set."""
    parallel_pull: bool
    """Download and unpack an image's layers in parallel (SOCI snapshotter), which takes up to 50%
    off the pull of a large image (AWS' Karpenter Blueprints). The registry must answer range
    requests, as ECR does; types without local disks need diskThroughput 600. Default false."""
    image_snapshot: pulumi.Input[str]
    """EBS snapshot of a Bottlerocket data disk that has the images already, so that nothing is
    pulled. The blocks come from S3 when they are first read, unless snapshotRate or fast snapshot
    restore fetches them earlier."""
    snapshot_rate: float
    """imageSnapshot: MiB/s, from 100 to 300, at which the disk is filled; it has a price of its own
    at each start of a node."""
    labels: Mapping[str, pulumi.Input[str]]
    """More labels for the nodes."""
    tags: Mapping[str, pulumi.Input[str]]
    """AWS tags for instances and disks."""


class GpuNodePool(pulumi.ComponentResource):
    """GPU nodes that Karpenter makes for pending pods and takes away when they are empty: a
    NodePool and its EC2NodeClass.

    Nodes carry the taint of their GPU resource (nvidia.com/gpu:NoSchedule), so that no other pod
    keeps one. Needs an EKS cluster with Karpenter 1.x and the GPUs' device plugin, or EKS Auto
    Mode, which has both.
    """

    name: pulumi.Output[str]
    """Name of the NodePool: what a GpuDeployment takes as nodePool."""

    def __init__(
        self, name: str, args: GpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(NodePoolSpec, "GpuNodePool", name, args)
        super().__init__(
            "zerofloor:index:GpuNodePool",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        node_class = k8s.apiextensions.CustomResource(
            f"{name}-class",
            api_version="eks.amazonaws.com/v1" if spec.auto_mode else "karpenter.k8s.aws/v1",
            kind=_class_kind(spec),
            metadata={"name": spec.name},
            spec=_auto_class(spec) if spec.auto_mode else _node_class(spec),
            opts=pulumi.ResourceOptions(parent=self),
        )
        pool = k8s.apiextensions.CustomResource(
            name,
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": spec.name},
            spec=_node_pool(spec),
            # Without its class a NodePool isn't ready, and nodes that are still going need it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[node_class]),
        )
        # The plain name is known in a preview, where the resource's own may not be; the URN makes
        # what uses it depend on the pool.
        self.name = pool.urn.apply(lambda _: spec.name)
        self.register_outputs({"name": self.name})


def _class_kind(spec: NodePoolSpec) -> str:
    return "NodeClass" if spec.auto_mode else "EC2NodeClass"


def _auto_class(spec: NodePoolSpec) -> dict[str, Any]:
    """The class of Auto Mode's nodes (EKS user guide, "Create a Node Class for Amazon EKS")."""
    subnets = spec.discovery_tags or {"karpenter.sh/discovery": spec.cluster_name}
    # EKS tags a cluster's own security group so.
    groups = spec.discovery_tags or {"aws:eks:cluster-name": spec.cluster_name}
    return given(
        {
            "role": spec.role,
            "subnetSelectorTerms": [{"tags": subnets}],
            "securityGroupSelectorTerms": [{"tags": groups}],
            "ephemeralStorage": {
                "size": f"{spec.disk_gib}Gi",
                "iops": 3000,
                "throughput": spec.disk_throughput,
            },
            "capacityReservationSelectorTerms": _reservations(spec),
            "tags": dict(spec.tags) or None,
        }
    )


def _reservations(spec: NodePoolSpec) -> Any:
    def terms(ids: Sequence[Any]) -> list[dict[str, Any]]:
        return [{"id": one} for one in ids]

    ids = spec.capacity_reservation_ids
    if ids is None:
        return None
    return ids.apply(terms) if isinstance(ids, pulumi.Output) else terms(ids)


def _node_class(spec: NodePoolSpec) -> dict[str, Any]:
    network = [{"tags": spec.discovery_tags or {"karpenter.sh/discovery": spec.cluster_name}}]
    # Bottlerocket keeps images and pods on a second disk.
    device = "/dev/xvdb" if spec.is_bottlerocket else "/dev/xvda"
    node_class: dict[str, Any] = {
        "amiSelectorTerms": [{"alias": spec.ami_alias}],
        "subnetSelectorTerms": network,
        "securityGroupSelectorTerms": network,
        "blockDeviceMappings": [
            {
                "deviceName": device,
                "ebs": given(
                    {
                        "volumeSize": f"{spec.disk_gib}Gi",
                        "volumeType": "gp3",
                        "throughput": spec.disk_throughput,
                        # A disk from a snapshot is encrypted as that is.
                        "encrypted": True if spec.image_snapshot is None else None,
                        "snapshotID": spec.image_snapshot,
                        "volumeInitializationRate": spec.snapshot_rate,
                        "deleteOnTermination": True,
                    }
                ),
            }
        ],
    }
    more = {
        # With it Karpenter joins the disks and moves the snapshotter's data there, too.
        "instanceStorePolicy": "RAID0" if spec.joins_local_disks else None,
        "userData": _user_data(spec),
        "role": spec.role,
        "instanceProfile": spec.instance_profile,
        "capacityReservationSelectorTerms": _reservations(spec),
        "tags": dict(spec.tags) or None,
    }
    return {**node_class, **given(more)}


def _user_data(spec: NodePoolSpec) -> str | None:
    if not spec.parallel_pull:
        return None
    if spec.is_bottlerocket:
        return BOTTLEROCKET_PARALLEL_PULL
    return node_config(joins_disks=False, pulls_parallel=True)


def _node_pool(spec: NodePoolSpec) -> dict[str, Any]:
    chosen = ("node.kubernetes.io/instance-type", spec.instance_types)
    if spec.instance_families:
        domain = "eks.amazonaws.com" if spec.auto_mode else "karpenter.k8s.aws"
        chosen = (f"{domain}/instance-family", spec.instance_families)
    requirements: list[dict[str, Any]] = [
        {"key": chosen[0], "operator": "In", "values": list(chosen[1] or ())},
        {
            "key": "karpenter.sh/capacity-type",
            "operator": "In",
            "values": list(spec.capacity_types),
        },
    ]
    if spec.zones is not None:
        requirements.append(
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": spec.zones}
        )
    template: dict[str, Any] = {
        "spec": {
            "nodeClassRef": {
                "group": "eks.amazonaws.com" if spec.auto_mode else "karpenter.k8s.aws",
                "kind": _class_kind(spec),
                "name": spec.name,
            },
            "requirements": requirements,
            "taints": [{"key": spec.gpu_resource, "effect": "NoSchedule"}],
            "expireAfter": f"{spec.lifetime_hours}h",
            # Unset, a pod that can't be evicted would keep a node from being removed.
            "terminationGracePeriod": f"{spec.termination_grace_seconds}s",
        }
    }
    if spec.labels:
        template["metadata"] = {"labels": dict(spec.labels)}
    pool: dict[str, Any] = {
        "template": template,
        "limits": {spec.gpu_resource: str(spec.max_gpus)},
        "disruption": {
            "consolidationPolicy": "WhenEmpty",
            "consolidateAfter": f"{spec.consolidate_after_seconds}s",
            # The default budget of 10% would let a small pool's empty nodes go only one after the
            # other.
            "budgets": [
                {"nodes": "100%", "reasons": ["Empty"]},
                {"nodes": "1", "reasons": ["Drifted", "Underutilized"]},
            ],
        },
    }
    if spec.weight is not None:
        pool["weight"] = spec.weight
    return pool
