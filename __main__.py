"""A model server that scales to zero, in a cluster with Karpenter, KEDA and KEDA's HTTP add-on."""

import pulumi

from zerofloor.components import GpuDeployment, GpuNodePool

config = pulumi.Config()
gpu_type = config.require("gpuType")
ceiling = config.require_int("ceiling")

pool = GpuNodePool(
    "gpu",
    {
        "cluster_name": "serving",
        "role": "KarpenterNodeRole-serving",
        "instance_types": [gpu_type],
        "max_gpus": ceiling,
    },
)

server = GpuDeployment(
    "llm",
    {
        "image": "vllm/vllm-openai:v0.11.0",
        "args": ["--model", config.require("model"), "--max-model-len", "16384"],
        "instance_types": [gpu_type],
        "memory": "24Gi",
        "node_pool": pool.name,
        "min_replicas": config.require_int("floor"),
        "max_replicas": ceiling,
    },
)

pulumi.export("url", server.url)
