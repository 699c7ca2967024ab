"""Amazon Web Services; one file a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from zerofloor.capacity import Part
from zerofloor.estate import Estate
from zerofloor.platforms import autoscaling, aws_cloudformation, aws_rows, batch, bedrock, ec2, ecs, eks, sagemaker
from zerofloor.platforms.aws_scene import Scene, scene
from zerofloor.platforms.platform import Platform

_SERVICES: Final = (
    ("EKS", eks.read, eks.READS),
    ("EC2 Auto Scaling", autoscaling.read, autoscaling.READS),
    ("EC2", ec2.read, ec2.READS),
    ("ECS", ecs.read, ecs.READS),
    ("Batch", batch.read, batch.READS),
    ("SageMaker AI", sagemaker.read, sagemaker.READS),
    ("Bedrock", bedrock.read, bedrock.READS),
    ("CloudFormation", aws_cloudformation.read, aws_cloudformation.READS),
    ("other AWS services", aws_rows.read, aws_rows.READS),
)


def _on_a_scene(read: Callable[[Scene], Iterable[Part]]) -> Callable[[Estate], Iterator[Part]]:
    def on_an_estate(estate: Estate) -> Iterator[Part]:
        yield from read(scene(estate))

    return on_an_estate


PLATFORMS: Final[tuple[Platform, ...]] = tuple(Platform(name, _on_a_scene(read), reads.__contains__) for name, read, reads in _SERVICES)
