"""A cluster of EKS Auto Mode with nothing in it, ready to serve a model."""

from zerofloor.components import GpuPlatform

GpuPlatform(
    "qwen",
    {
        "cloud": "eks",
        "cluster_name": "empty",
        "role": "AmazonEKSAutoNodeRole",
        "machine_types": ["g6e.xlarge"],
        "max_nodes": 4,
        "image": "vllm/vllm-openai:v0.11.0",
        "args": ["--model", "Qwen/Qwen3-8B"],
        "max_replicas": 4,
    },
)
