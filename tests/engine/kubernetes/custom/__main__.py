"""Custom resources: of a definition in the same program, and of one that the cluster has."""

import pulumi
import pulumi_kubernetes as k8s

k8s.apiextensions.v1.CustomResourceDefinition(
    "models",
    metadata={"name": "models.example.com"},
    spec={
        "group": "example.com",
        "names": {"kind": "Model", "plural": "models"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "open_apiv3_schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                        },
                    }
                },
            }
        ],
    },
)
k8s.apiextensions.CustomResource(
    "qwen",
    api_version="example.com/v1",
    kind="Model",
    metadata={"name": "qwen"},
    spec={"gpus": 1, "warm": True},
)
pool = k8s.apiextensions.CustomResource(
    "gpu",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    spec={
        "template": {
            "spec": {
                "nodeClassRef": {
                    "group": "karpenter.k8s.aws",
                    "kind": "EC2NodeClass",
                    "name": "default",
                },
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}
                ],
            }
        }
    },
)
k8s.apiextensions.CustomResource(
    "scaler",
    api_version="keda.sh/v1alpha1",
    kind="ScaledObject",
    metadata={"name": "llm", "labels": {"pool": pool.metadata["name"]}},
    spec={
        "scaleTargetRef": {"name": "llm"},
        "minReplicaCount": 0,
        "triggers": [
            {
                "type": "cron",
                "metadata": {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *"},
            }
        ],
    },
    opts=pulumi.ResourceOptions(depends_on=[pool]),
)
