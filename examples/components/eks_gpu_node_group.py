"""A managed node group, and a model server on its nodes."""

from zerofloor.components import EksGpuNodeGroup, GpuDeployment

nodes = EksGpuNodeGroup(
    "l40s",
    {
        "cluster_name": "serving",
        "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
        "subnet_ids": ["subnet-0a", "subnet-0b"],
        "instance_types": ["g6e.xlarge"],
        "max_nodes": 4,
    },
)
GpuDeployment(
    "chat",
    {
        "image": "vllm/vllm-openai:v0.11.0",
        "node_selector": {"eks.amazonaws.com/nodegroup": nodes.name},
        "max_replicas": 4,
    },
)
