"""Amazon Web Services; one file a service."""

from __future__ import annotations

from typing import Final

from zerofloor.platforms.aws import (
    autoscaling,
    batch,
    beanstalk,
    bedrock,
    calls,
    cloudformation,
    ec2,
    ecs,
    eks,
    emr,
    gamelift_streams,
    rows,
    sagemaker,
)
from zerofloor.platforms.hints import with_hints
from zerofloor.platforms.platform import Platform

_SERVICES: Final = (
    ("EKS", eks.read, eks.READS),
    ("EC2 Auto Scaling", autoscaling.read, autoscaling.READS),
    ("EC2", ec2.read, ec2.READS),
    ("ECS", ecs.read, ecs.READS),
    ("Batch", batch.read, batch.READS),
    ("EMR", emr.read, emr.READS),
    ("SageMaker AI", sagemaker.read, sagemaker.READS),
    ("Bedrock", bedrock.read, bedrock.READS),
    ("Elastic Beanstalk", beanstalk.read, beanstalk.READS),
    ("CloudFormation", cloudformation.read, cloudformation.READS),
    ("GameLift Streams", gamelift_streams.read, gamelift_streams.READS),
    ("EventBridge Scheduler", calls.read, calls.READS),
    ("other AWS services", rows.read, rows.READS),
)


PLATFORMS: Final[tuple[Platform, ...]] = tuple(
    Platform(name, with_hints(read), reads.__contains__) for name, read, reads in _SERVICES
)
