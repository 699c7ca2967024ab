"""A Deployment that is there already, scaled to zero and back."""

from pulumi import ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment

from zerofloor.components import GpuScaler

Deployment(
    "reranker",
    metadata={"name": "reranker"},
    spec={
        "selector": {"match_labels": {"app": "reranker"}},
        "template": {
            "metadata": {"labels": {"app": "reranker"}},
            "spec": {
                "node_selector": {"karpenter.sh/nodepool": "gpu"},
                "containers": [
                    {
                        "name": "server",
                        "image": "ghcr.io/acme/reranker:1",
                        "resources": {"limits": {"nvidia.com/gpu": "1"}},
                    }
                ],
            },
        },
    },
    opts=ResourceOptions(ignore_changes=["spec.replicas"]),
)
GpuScaler(
    "reranker",
    {"target_name": "reranker", "service": "reranker", "port": 8080, "max_replicas": 2},
)
