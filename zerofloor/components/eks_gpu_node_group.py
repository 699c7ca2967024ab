"""A managed node group of EKS that is empty when no pod wants its GPUs."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import CloudResource, given
from zerofloor.components.eks_node_group_spec import EksNodeGroupSpec
from zerofloor.components.launch import (
    BOTTLEROCKET_PARALLEL_PULL,
    as_version,
    disk,
    node_config,
    tagging,
)

_SCALER: Final = "k8s.io/cluster-autoscaler/node-template"
"""Before the tags that tell a cluster autoscaler what a node of an empty group would be (Cluster
Autoscaler on AWS, README, "Auto-Discovery Setup")."""


class EksGpuNodeGroupArgs(TypedDict, total=False):
    """What an EksGpuNodeGroup is made from. Bounds, types and names are checked, so they must be
    plain values; the rest may be Outputs."""

    name: str
    """Name of the node group. Default: the component's own name. Changing it replaces the group."""
    cluster_name: Required[pulumi.Input[str]]
    """Name of the EKS cluster. Changing it replaces the group."""
    node_role_arn: Required[pulumi.Input[str]]
    """ARN of the nodes' IAM role. Changing it replaces the group."""
    subnet_ids: Required[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subnets of the nodes. Changing them replaces the group."""
    region: str
    """AWS region, checked against the regions in which instanceTypes have a price; needs the aws
    provider 7. Without it, the provider's region, unchecked. Changing it replaces the group."""
    any_region: bool
    """Accept a region in which the types have no known price. Default false."""

    instance_types: Required[Sequence[str]]
    """EC2 instance types, such as g6e.xlarge, up to 20 of one maker and one processor: on-demand
    takes the first that is available. Changing them replaces the group."""
    capacity_type: str
    """Market: on-demand or spot. A group has one; for spot with a fallback use GpuNodePool, or two
    groups and an autoscaler's priorities. Changing it replaces the group. Default on-demand."""
    min_nodes: float
    """Nodes kept while idle: each holds its GPUs. Default 0."""
    max_nodes: Required[float]
    """The most nodes at any load: the ceiling of what the group can cost."""

    ami_type: str
    """Image of the nodes, one with the GPUs' drivers. Without it, AL2023's for the instanceTypes.
    Changing it replaces the group."""
    disk_gib: float
    """Size of the encrypted gp3 disk for images and caches, in GiB. Default 200."""
    disk_throughput: float
    """Throughput of that disk in MiB/s, from 125 to 750; above 125 it has a price of its own while
    a node runs. Default 250."""
    local_disk: bool
    """Join the types' local NVMe disks (RAID0) and keep images and pods there, much faster than
    EBS. Without it, true on AL2023."""
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
    """AWS tags for the group, its instances and their disks."""


class EksGpuNodeGroup(pulumi.ComponentResource):
    """GPU nodes of EKS in a managed node group with bounds from 0: the group, a launch template for
    its disks, and the tags from which a cluster autoscaler knows an empty group's nodes.

    The nodes carry the taint of their GPU resource (nvidia.com/gpu:NoSchedule), so that no other
    pod keeps one. The size at creation is minNodes and left to the autoscaler from then on.
    Needs a cluster autoscaler in the cluster, which adds and removes the nodes, and the GPUs'
    device plugin. Without an autoscaler the group stays at minNodes.
    """

    name: pulumi.Output[str]
    """Name of the node group; pods select it by the node label eks.amazonaws.com/nodegroup."""
    autoscaling_group_name: pulumi.Output[str]
    """Name of the Auto Scaling group that EKS makes for it."""

    def __init__(
        self, name: str, args: EksGpuNodeGroupArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(EksNodeGroupSpec, "EksGpuNodeGroup", name, args)
        super().__init__(
            "zerofloor:index:EksGpuNodeGroup",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        template = CloudResource(
            "aws:ec2/launchTemplate:LaunchTemplate",
            f"{name}-template",
            _template(spec),
            pulumi.ResourceOptions(parent=self),
            outputs=("latestVersion",),
        )
        group = CloudResource(
            "aws:eks/nodeGroup:NodeGroup",
            name,
            _group(spec, template),
            pulumi.ResourceOptions(
                parent=self,
                # The autoscaler owns the size: an `up` that wrote it again would undo its work.
                ignore_changes=["scalingConfig.desiredSize"],
                # Two groups of one name can't stand side by side.
                delete_before_replace=True,
            ),
            outputs=("resources",),
        )
        self.autoscaling_group_name = group.output("resources").apply(
            lambda made: made[0]["autoscalingGroups"][0]["name"] if made else ""
        )
        for key, value in _scaler_tags(spec).items():
            CloudResource(
                "aws:autoscaling/tag:Tag",
                f"{name}-{key.removeprefix('k8s.io/').replace('/', '-')}",
                {
                    "region": spec.region,
                    "autoscalingGroupName": self.autoscaling_group_name,
                    "tag": {"key": key, "value": value, "propagateAtLaunch": False},
                },
                pulumi.ResourceOptions(parent=self),
            )
        # Known in a preview, where the resource's own may not be; the URN makes what uses it depend
        # on the group.
        self.name = group.urn.apply(lambda _: spec.name)
        self.register_outputs(
            {"name": self.name, "autoscalingGroupName": self.autoscaling_group_name}
        )


def _template(spec: EksNodeGroupSpec) -> dict[str, Any]:
    # Bottlerocket keeps images and pods on a second disk.
    device = "/dev/xvdb" if spec.is_bottlerocket else "/dev/xvda"
    mapping = disk(device, spec.disk_gib, spec.disk_throughput)
    if spec.image_snapshot is not None:
        # A disk from a snapshot is encrypted as that is.
        mapping["ebs"] |= {
            "encrypted": None,
            "snapshotId": spec.image_snapshot,
            "volumeInitializationRate": spec.snapshot_rate,
        }
        mapping["ebs"] = given(mapping["ebs"])
    user_data = _user_data(spec)
    return {
        "region": spec.region,
        "blockDeviceMappings": [mapping],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
        "userData": None if user_data is None else base64.b64encode(user_data.encode()).decode(),
        **tagging(spec.tags),
    }


def _user_data(spec: EksNodeGroupSpec) -> str | None:
    if spec.is_bottlerocket:
        return BOTTLEROCKET_PARALLEL_PULL if spec.parallel_pull else None
    return node_config(joins_disks=spec.joins_local_disks, pulls_parallel=spec.parallel_pull)


def _group(spec: EksNodeGroupSpec, template: CloudResource) -> dict[str, Any]:
    return {
        "region": spec.region,
        "clusterName": spec.cluster_name,
        "nodeGroupName": spec.name,
        "nodeRoleArn": spec.node_role_arn,
        "subnetIds": spec.subnet_ids,
        "instanceTypes": list(spec.instance_types),
        "amiType": spec.image,
        "capacityType": "SPOT" if spec.capacity_type == "spot" else "ON_DEMAND",
        "scalingConfig": {
            "minSize": spec.min_nodes,
            "desiredSize": spec.min_nodes,
            "maxSize": spec.max_nodes,
        },
        "taints": [{"key": spec.gpu_resource, "value": "present", "effect": "NO_SCHEDULE"}],
        "labels": dict(spec.labels) or None,
        "launchTemplate": {
            "id": template.id,
            "version": template.output("latestVersion").apply(as_version),
        },
        "tags": dict(spec.tags) or None,
    }


def _scaler_tags(spec: EksNodeGroupSpec) -> dict[str, Any]:
    """What a node of the empty group would have. EKS tells an autoscaler too, if that may ask
    (eks:DescribeNodegroup); it does not copy a group's tags to the Auto Scaling group."""
    tags: dict[str, Any] = {
        f"{_SCALER}/label/eks.amazonaws.com/nodegroup": spec.name,
        f"{_SCALER}/taint/{spec.gpu_resource}": "present:NoSchedule",
    }
    if spec.gpus is not None:
        tags[f"{_SCALER}/resources/{spec.gpu_resource}"] = f"{spec.gpus:f}"
    return tags | {f"{_SCALER}/label/{key}": value for key, value in sorted(spec.labels.items())}
