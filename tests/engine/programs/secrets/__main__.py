import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

config = pulumi.Config()
pools = config.require_object("pools")
token = config.require_secret("token")
login = config.require_secret_object("login")
k8s.core.v1.Secret("hub", string_data={"token": token})
for name, pool in pools.items():
    aws.eks.NodeGroup(
        name, cluster_name="serving", node_role_arn="role", subnet_ids=["subnet-1"], instance_types=pool["types"],
        scaling_config={"min_size": pool["floor"], "max_size": config.require_int("replicas"), "desired_size": pool["floor"]},
    )  # fmt: skip
aws.ec2.Instance(
    "instance", ami=config.require("zone"), instance_type="g5.xlarge", user_data=pulumi.Output.concat("login ", login["user"]),
    tags={"burst": str(config.get_bool("burst")), "ratio": str(config.require_float("ratio"))},
)  # fmt: skip
