import pulumi
import pulumi_aws as aws

vpc = aws.ec2.Vpc(
    "vpc",
    cidr_block="10.0.0.0/16",
    opts=pulumi.ResourceOptions(protect=True, retain_on_delete=True),
)
template = aws.ec2.LaunchTemplate(
    "template",
    instance_type="p5.48xlarge",
    opts=pulumi.ResourceOptions(depends_on=[vpc], additional_secret_outputs=["arn"]),
)
aws.autoscaling.Group(
    "group",
    min_size=1,
    max_size=2,
    desired_capacity=1,
    launch_template={"id": template.id},
    tags=[{"key": "arn", "value": template.arn, "propagate_at_launch": True}],
    opts=pulumi.ResourceOptions(
        ignore_changes=["desired_capacity"],
        replace_on_changes=["*"],
        delete_before_replace=True,
        deleted_with=vpc,
        custom_timeouts=pulumi.CustomTimeouts(create="10m"),
    ),
)
