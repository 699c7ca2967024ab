"""A model server on the nodes of a GpuNodePool."""

from zerofloor.components import GpuDeployment, GpuNodePool

pool = GpuNodePool(
    "gpu",
    {
        "cluster_name": "serving",
        "role": "KarpenterNodeRole-serving",
        "instance_types": ["g6e.xlarge"],
        "max_gpus": 4,
    },
)
GpuDeployment(
    "llm",
    {
        "image": "vllm/vllm-openai:v0.11.0",
        "args": ["--model", "Qwen/Qwen3-8B"],
        "node_pool": pool.name,
        "max_replicas": 4,
    },
)
