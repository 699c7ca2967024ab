import pulumi

from zerofloor.components import FireworksDeployment

config = pulumi.Config()
llm = FireworksDeployment(
    "llm",
    {
        "base_model": "accounts/fireworks/models/llama-v3p1-8b-instruct",
        "accelerator_type": "NVIDIA_H100_80GB",
        "gpus": 1,
        "min_replicas": config.get_int("minReplicas") or 0,
        "max_replicas": 2,
        "annotations": {"team": "search"},
    },
)
pulumi.export("url", llm.url)
pulumi.export("model", llm.model)
