"""A model on Fireworks, billed from the first request until five minutes after the last one."""

from zerofloor.components import FireworksDeployment

FireworksDeployment(
    "qwen",
    {
        "base_model": "accounts/fireworks/models/qwen3-8b",
        "accelerator_type": "NVIDIA_H100_80GB",
        "gpus": 1,
        "max_replicas": 2,
    },
)
