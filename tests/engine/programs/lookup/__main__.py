import pulumi_aws as aws

vpc = aws.ec2.Vpc.get("vpc", "vpc-0123456789")
aws.ec2.Instance(
    "beside", ami="ami-1", instance_type="g5.xlarge", subnet_id=vpc.main_route_table_id
)
