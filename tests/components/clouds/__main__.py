"""Pools and groups on the clouds' instances: each at its default, and with each argument that
raises its floor or changes what it declares."""

from typing import Any

import pulumi

from zerofloor.components import EksGpuNodeGroup

# An output that no preview knows.
unknown = pulumi.CustomResource("aws:ec2/vpc:Vpc", "network", {"arn": None}).__dict__["arn"]


def eks(title: str, /, **more: Any) -> EksGpuNodeGroup:
    args: Any = {
        "cluster_name": "serving",
        "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
        "subnet_ids": ["subnet-1"],
        "instance_types": ["g6e.xlarge"],
        "max_nodes": 4,
    }
    return EksGpuNodeGroup(title, args | more)


eks("eks")
eks("eks-min", instance_types=["g6e.12xlarge"], min_nodes=2)
eks(
    "eks-all",
    name="Renamed_1",
    cluster_name=unknown,
    node_role_arn=unknown,
    subnet_ids=[unknown],
    region="eu-west-1",
    instance_types=["g5.xlarge", "g5.12xlarge"],
    capacity_type="spot",
    max_nodes=2.0,
    ami_type="BOTTLEROCKET_x86_64_NVIDIA",
    disk_gib=500,
    disk_throughput=125,
    labels={"tier": "gpu", "zone": unknown},
    tags={"team": "ml"},
)
eks("eks-neuron", instance_types=["inf2.xlarge"], local_disk=False)
eks("eks-arm", instance_types=["g5g.xlarge"])
