"""Pools and groups on the clouds' instances: each at its default, and with each argument that
raises its floor or changes what it declares."""

from typing import Any

import pulumi

from zerofloor.components import Ec2GpuGroup, EksGpuNodeGroup

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


def ec2(title: str, /, **more: Any) -> Ec2GpuGroup:
    args: Any = {
        "subnet_ids": ["subnet-1"],
        "instance_types": ["g6e.xlarge"],
        "max_instances": 4,
        "wake_signal": "sqs",
        "queue_name": "jobs",
    }
    return Ec2GpuGroup(title, args | more)


BALANCER = (
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/llm/50dc6c495c0c9188"
)
TARGETS = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/llm/73e2d6bc24d8a067"

ec2("ec2")
ec2("ec2-min", min_instances=2, instance_types=["g6e.12xlarge"])
ec2("ec2-warm", warm_pool="running", warm_pool_size=3, instance_types=["p4d.24xlarge"])
ec2("ec2-stopped", warm_pool="stopped", instance_types=["p4d.24xlarge"])
ec2("ec2-spot", instance_types=["g6.xlarge", "g5.xlarge"], capacity_type="spot", max_instances=50)
ec2("ec2-types", instance_types=["g6.xlarge", "g5.xlarge"])
ec2(
    "ec2-web",
    name="web",
    wake_signal="load_balancer",
    queue_name=None,
    load_balancer_arn=BALANCER,
    target_group_arn=TARGETS,
    target_per_instance=60,
    idle_seconds=1800,
    startup_seconds=300,
    user_data="#!/bin/sh\ndocker run server",
    tags={"team": "ml"},
    region="eu-central-1",
    disk_gib=500,
)
ec2(
    "ec2-hidden",
    instance_types=["inf2.xlarge"],
    image_id=unknown,
    instance_profile=unknown,
    security_group_ids=[unknown],
    subnet_ids=unknown.apply(lambda one: [one]),
    user_data=pulumi.Output.secret("#!/bin/sh\ntoken=planted"),
    queue_name=unknown,
    root_device="/dev/xvda",
)
ec2(
    "ec2-web-hidden",
    wake_signal="load_balancer",
    queue_name=None,
    load_balancer_arn=unknown,
    target_group_arn=unknown,
)
