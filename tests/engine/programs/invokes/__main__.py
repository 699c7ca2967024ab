import pulumi
import pulumi_aws as aws

region = aws.get_region().region
account = aws.get_caller_identity().account_id
partition = aws.get_partition_output().partition
types = {"us-west-2": "g6.xlarge"}
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
image = aws.ec2.get_ami_output(owners=pulumi.Output.all(vpc.owner_id))
aws.ec2.Instance("plain", ami="ami-1", instance_type=types[region], tags={"account": account})
aws.ec2.Instance(
    "output",
    ami="ami-1",
    instance_type=aws.get_region_output().region.apply(types.get),
    tags={"role": pulumi.Output.format("arn:{0}:iam::x", partition)},
)
aws.ec2.Instance("unknown", ami=image.id, instance_type="g5.xlarge")
