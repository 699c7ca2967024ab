"""Amazon Web Services; one file a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Part, Pool
from zerofloor.estate import Estate
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
from zerofloor.platforms.hints import hinted
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


def _of_its_resource(estate: Estate, part: Part) -> Part:
    """A pool that is one of several of its resource under that resource's own URN, with the rest as
    its part."""
    if not isinstance(part, Pool) or part.urn in estate.by_urn or "#" not in part.urn:
        return part
    urn, _, name = part.urn.partition("#")
    return replace(part, urn=urn, part=name)


def _with_hints(read: Callable[[Estate], Iterable[Part]]) -> Callable[[Estate], Iterator[Part]]:
    def on_an_estate(estate: Estate) -> Iterator[Part]:
        for part in read(estate):
            yield hinted(estate, _of_its_resource(estate, part))

    return on_an_estate


PLATFORMS: Final[tuple[Platform, ...]] = tuple(
    Platform(name, _with_hints(read), reads.__contains__) for name, read, reads in _SERVICES
)
