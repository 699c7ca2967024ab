"""Amazon Web Services; one file a service."""

from __future__ import annotations

from typing import Final

from zerofloor.platforms import autoscaling, aws_cloudformation, aws_rows, batch, bedrock, ec2, ecs, eks, sagemaker
from zerofloor.platforms.platform import Platform

PLATFORMS: Final[tuple[Platform, ...]] = (
    Platform("EKS", eks.read, eks.READS.__contains__),
    Platform("EC2 Auto Scaling", autoscaling.read, autoscaling.READS.__contains__),
    Platform("EC2", ec2.read, ec2.READS.__contains__),
    Platform("ECS", ecs.read, ecs.READS.__contains__),
    Platform("Batch", batch.read, batch.READS.__contains__),
    Platform("SageMaker AI", sagemaker.read, sagemaker.READS.__contains__),
    Platform("Bedrock", bedrock.read, bedrock.READS.__contains__),
    Platform("CloudFormation", aws_cloudformation.read, aws_cloudformation.READS.__contains__),
    Platform("other AWS services", aws_rows.read, aws_rows.READS.__contains__),
)
