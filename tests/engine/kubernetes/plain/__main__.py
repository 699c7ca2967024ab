"""What the provider adds to plain resources: names, defaults, nothing else."""

import pulumi
import pulumi_kubernetes as k8s

space = k8s.core.v1.Namespace("models")
labels = {"app": "llm"}
secret = k8s.core.v1.Secret(
    "token", metadata={"namespace": space.metadata["name"]}, string_data={"hf": "planted"}
)
server = k8s.apps.v1.Deployment(
    "llm",
    metadata={"namespace": space.metadata["name"], "annotations": {"pulumi.com/skipAwait": "true"}},
    spec={
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [
                    {
                        "name": "server",
                        "image": "vllm/vllm-openai:v0.11.0",
                        "resources": {
                            "limits": {"nvidia.com/gpu": 1, "memory": "24Gi"},
                            "requests": {"cpu": 0.5},
                        },
                        "env": [
                            {
                                "name": "TOKEN",
                                "value_from": {"secret_key_ref": {"name": secret.id, "key": "hf"}},
                            }
                        ],
                    }
                ]
            },
        },
    },
)
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "llm",
    metadata={"name": "llm"},
    spec={
        "max_replicas": 4,
        "scale_target_ref": {
            "api_version": "apps/v1",
            "kind": "Deployment",
            "name": server.metadata["name"],
        },
    },
)
pod = {"containers": [{"name": "c", "image": "i"}]}
k8s.apps.v1.Deployment(
    "zero",
    spec={
        "replicas": 0,
        "selector": {"match_labels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    },
)
k8s.batch.v1.Job(
    "once",
    spec={"template": {"spec": {**pod, "restart_policy": "Never"}}},
    opts=pulumi.ResourceOptions(delete_before_replace=True),
)
