import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

cluster = aws.eks.Cluster(
    "cluster",
    name="serving",
    role_arn="role",
    vpc_config={"subnet_ids": ["subnet-1", "subnet-2"], "public_access_cidrs": ["10.0.0.0/8"]},
)
group = aws.eks.NodeGroup(
    "group",
    cluster_name=cluster.name,
    node_role_arn="role",
    subnet_ids=cluster.vpc_config.subnet_ids,
    instance_types=["g5.xlarge"],
    scaling_config={"min_size": 1, "max_size": 2, "desired_size": 1},
)
model = k8s.apps.v1.Deployment(
    "vllm",
    metadata={"name": "vllm"},
    spec={"replicas": 1, "selector": {"match_labels": {"app": "vllm"}}, "template": {}},
)
secret = pulumi.Output.secret("planted-secret")
k8s.apiextensions.CustomResource(
    "scaler",
    api_version="keda.sh/v1alpha1",
    kind="ScaledObject",
    spec={
        "scaleTargetRef": {"name": model.metadata["name"]},
        "minReplicaCount": group.scaling_config.min_size,
        "maxReplicaCount": model.spec.replicas,
    },
)
k8s.core.v1.ConfigMap(
    "map",
    data={
        "arn": cluster.arn,
        "subnet": cluster.vpc_config.subnet_ids[0],
        "policy": pulumi.Output.all(arn=cluster.arn, name=cluster.name).apply(json.dumps),
        "sentence": pulumi.Output.concat("runs on ", cluster.name),
        "token": secret.apply(str.upper),
        "both": pulumi.Output.format("{0} {1}", cluster.endpoint, secret),
    },
)
pulumi.export("endpoint", cluster.endpoint)
