import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

tokyo = aws.Provider("tokyo", region="ap-northeast-1", default_tags={"tags": {"team": "serving"}})
cluster = aws.eks.Cluster(
    "cluster",
    role_arn="role",
    vpc_config={"subnet_ids": ["subnet-1"]},
    opts=pulumi.ResourceOptions(provider=tokyo),
)
inside = k8s.Provider("inside", kubeconfig=cluster.endpoint, namespace="gpu")
k8s.core.v1.Namespace("gpu", metadata={"name": "gpu"}, opts=pulumi.ResourceOptions(provider=inside))
aws.eks.NodeGroup(
    "group",
    cluster_name=cluster.name,
    node_role_arn="role",
    subnet_ids=cluster.vpc_config.subnet_ids,
    instance_types=["g5.xlarge"],
    scaling_config={"min_size": 0, "max_size": 1, "desired_size": 0},
    opts=pulumi.ResourceOptions(parent=cluster),
)
aws.ec2.Instance("here", ami="ami-1", instance_type="g5.xlarge")
aws.ec2.Instance(
    "older", ami="ami-1", instance_type="g5.xlarge", opts=pulumi.ResourceOptions(version="7.0.0")
)
