import pulumi
import pulumi_aws as aws


def never(args: pulumi.ResourceHookArgs) -> None:
    raise RuntimeError("a hook ran in a preview")


hook = pulumi.ResourceHook("never", never)
aws.ec2.Instance(
    "hooked",
    ami="ami-1",
    instance_type="g5.xlarge",
    opts=pulumi.ResourceOptions(
        hooks=pulumi.ResourceHookBinding(
            before_create=[hook], after_create=[never], before_delete=[hook]
        )
    ),
)
