"""The ordinary first preview: the program makes its cluster, so nobody knows its kubeconfig yet."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

cluster = aws.eks.Cluster("cluster", role_arn="role", vpc_config={"subnet_ids": ["subnet-1"]})
inside = k8s.Provider("inside", kubeconfig=cluster.endpoint)
here = pulumi.ResourceOptions(provider=inside)
labels = {"app": "llm"}
k8s.apps.v1.Deployment(
    "llm",
    spec={
        "replicas": 1,
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {
                "containers": [
                    {"name": "c", "image": "i", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
                ]
            },
        },
    },
    opts=here,
)
# The provider tells nothing of these: neither inputs nor children.
k8s.yaml.v2.ConfigGroup("manifests", files=["../yaml_v2/models.yaml"], opts=here)
k8s.kustomize.v2.Directory("overlay", directory="../kustomize_v2/overlay", opts=here)
k8s.helm.v4.Chart("chart", chart="../helm_v4/chart", opts=here)
