"""Amazon Web Services; one file a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Evidence, Hold, Part, Pool
from zerofloor.estate import Estate, workload_hint
from zerofloor.platforms.aws import (
    autoscaling,
    batch,
    beanstalk,
    bedrock,
    cloudformation,
    ec2,
    ecs,
    eks,
    emr,
    rows,
    sagemaker,
)
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
    ("other AWS services", rows.read, rows.READS),
)


def _hinted(estate: Estate, part: Part) -> Part:
    """The pool with what a hint says of its resource; the hint stands in its assumptions."""
    hint = (
        workload_hint(estate.settings, part.urn)
        if isinstance(part, Pool) and estate.settings.hints.workloads
        else None
    )
    if hint is None or not isinstance(part, Pool):
        return part
    runs, assumption = hint
    known = replace(part, undecided=(), assumptions=(*part.assumptions, assumption))
    if runs != "always":
        return replace(known, holds=(), extra=())
    if part.holds or part.extra:
        return known
    because = Evidence(part.urn, "", None, "a hint says that it always runs")
    return replace(
        known, holds=(Hold(Cause.INSTANCE, part.urn, None, (because,), "Let it stop when idle"),)
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
            yield _hinted(estate, _of_its_resource(estate, part))

    return on_an_estate


PLATFORMS: Final[tuple[Platform, ...]] = tuple(
    Platform(name, _with_hints(read), reads.__contains__) for name, read, reads in _SERVICES
)
