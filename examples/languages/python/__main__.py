"""A model server and its GPU nodes on EKS, both from zero."""

import pulumi

from zerofloor.components import EksGpuNodeGroup, GpuDeployment

config = pulumi.Config()
floor = config.get_int("floor") or 0

nodes = EksGpuNodeGroup(
    "gpu",
    {
        "cluster_name": "serving",
        "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
        "subnet_ids": ["subnet-0a", "subnet-0b"],
        "region": "us-east-1",
        "instance_types": ["g6e.xlarge"],
        "min_nodes": floor,
        "max_nodes": 4,
    },
)

server = GpuDeployment(
    "llm",
    {
        "image": "vllm/vllm-openai:v0.11.0",
        "args": ["--model", "Qwen/Qwen3-8B"],
        "node_selector": {"eks.amazonaws.com/nodegroup": nodes.name},
        "min_replicas": floor,
        "max_replicas": 4,
    },
)

pulumi.export("url", server.url)
