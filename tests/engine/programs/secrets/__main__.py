import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

config = pulumi.Config()
token = pulumi.Output.secret("hf_planted_secret")
login = pulumi.Output.secret({"user": "alice", "password": "planted-password"})
k8s.core.v1.Secret("hub", string_data={"token": token})
k8s.core.v1.ConfigMap(
    "map",
    data={
        "token": token,
        "user": login["user"],
        "since": config.require("since"),
        "answer": config.require("answer"),
    },
)
for name, pool in config.require_object("pools").items():
    aws.eks.NodeGroup(
        name,
        cluster_name="serving",
        node_role_arn="role",
        subnet_ids=["subnet-1"],
        instance_types=pool["types"],
        scaling_config={
            "min_size": pool["floor"],
            "max_size": config.require_int("replicas"),
            "desired_size": pool["floor"],
        },
    )
aws.ec2.Instance(
    "instance",
    ami=config.require("zone"),
    instance_type=pulumi.Output.secret("g5.xlarge"),
    user_data=pulumi.Output.concat("login ", login["user"]),
    tags={"burst": str(config.get_bool("burst")), "ratio": str(config.require_float("ratio"))},
)
