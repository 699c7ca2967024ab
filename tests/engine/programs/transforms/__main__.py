from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

least = pulumi.Config().require_int("least")


def tag(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if not args.type_.startswith("aws:"):
        return None
    return pulumi.ResourceTransformResult({**args.props, "tags": {"team": "serving"}}, args.opts)


def raise_floor(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
    given: dict[str, Any] = dict(args.props)
    scaling = {**given["scalingConfig"], "minSize": least}
    options = pulumi.ResourceOptions.merge(
        args.opts, pulumi.ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])
    )
    return pulumi.ResourceTransformResult({**given, "scalingConfig": scaling}, options)


async def replicas(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if args.type_ != "kubernetes:apps/v1:Deployment":
        return None
    given: dict[str, Any] = dict(args.props)
    return pulumi.ResourceTransformResult(
        {**given, "spec": {**given["spec"], "replicas": 3}}, args.opts
    )


pulumi.runtime.register_resource_transform(tag)
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
aws.eks.NodeGroup(
    "group",
    cluster_name="serving",
    node_role_arn="role",
    subnet_ids=[vpc.id],
    instance_types=[pulumi.Output.secret("g5.xlarge")],
    scaling_config={"min_size": 0, "max_size": 2, "desired_size": 0},
    opts=pulumi.ResourceOptions(transforms=[raise_floor]),
)
aws.ec2.Instance(
    "untouched",
    ami=vpc.arn,
    instance_type="g5.xlarge",
    opts=pulumi.ResourceOptions(transforms=[lambda args: None]),
)
k8s.core.v1.ConfigMap(
    "linked", data={"vpc": vpc.id}, opts=pulumi.ResourceOptions(transforms=[lambda args: None])
)
server = pulumi.ComponentResource(
    "transforms:index:Server", "server", opts=pulumi.ResourceOptions(transforms=[replicas])
)
labels = {"app": "vllm"}
k8s.apps.v1.Deployment(
    "vllm",
    metadata={"name": "vllm"},
    opts=pulumi.ResourceOptions(parent=server),
    spec={
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels, "annotations": {"vpc": vpc.id}},
            "spec": {"containers": []},
        },
    },
)
