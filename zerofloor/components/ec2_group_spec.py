"""What an Ec2GpuGroup accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import (
    Flag,
    PlainText,
    PlainTexts,
    Problem,
    Some,
    SomeTexts,
    Spec,
    Text,
    TextItems,
    Texts,
    Whole,
)
from zerofloor.components.machine_types import Market, above_maximum, alike, is_arm, not_sold
from zerofloor.components.spec import HOUR, Throughput, above_idle_cap, one_of_many, resource_of
from zerofloor.hardware.instances import lookup

DRIVERS: Final = (
    "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04"
    "/latest/ami-id"
)
"""AWS' Deep Learning Base AMI with NVIDIA's drivers and container toolkit, by its public parameter
(AWS Deep Learning AMIs, "Get the AMI ID"), which EC2 resolves at each launch."""
SIGNALS: Final[Mapping[str, tuple[str, ...]]] = {
    "sqs": ("queue_name",),
    "load_balancer": ("load_balancer_arn", "target_group_arn"),
}
"""What wakes a group, with the arguments that each needs; they belong to no other."""


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", value):
        raise ValueError(
            "must be letters, digits, dashes, dots and underscores, at most 100: set `name`"
        )
    return value


def _signal(value: Any) -> str:
    return one_of_many(value, tuple(SIGNALS))


def _warm_pool(value: Any) -> str:
    return one_of_many(value, ("none", "stopped", "running"))


class Ec2GroupSpec(Spec):
    """The arguments of an Ec2GpuGroup."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "subnet_ids": ["s"],
        "instance_types": ["g6e.xlarge"],
        "max_instances": 1000,
        "wake_signal": "sqs",
        "queue_name": "q",
    }

    name: Annotated[str, BeforeValidator(_name)]
    subnet_ids: SomeTexts
    security_group_ids: Texts | None = None
    instance_profile: Text = None
    region: PlainText | None = None
    any_region: Flag = False

    instance_types: Annotated[PlainTexts, Some, Field(max_length=40)]
    capacity_type: Market = "on-demand"
    image_id: Text = None
    root_device: PlainText = "/dev/sda1"
    disk_gib: Annotated[Whole, Field(ge=20, le=16_384)] = 200
    disk_throughput: Throughput = 250
    user_data: Text = None

    min_instances: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_instances: Annotated[Whole, Field(ge=1, le=1000)]
    startup_seconds: Annotated[Whole, Field(ge=30, le=2 * HOUR)] = 600
    idle_seconds: Annotated[Whole, Field(ge=60, le=24 * HOUR)] = 900
    idle_cap_seconds: Annotated[Whole, Field(ge=60, le=24 * HOUR)] = HOUR

    wake_signal: Annotated[str, BeforeValidator(_signal)]
    queue_name: Text = None
    load_balancer_arn: Text = None
    target_group_arn: Text = None
    target_per_instance: Annotated[Whole, Field(ge=1, le=1_000_000)] = 10

    warm_pool: Annotated[str, BeforeValidator(_warm_pool)] = "none"
    warm_pool_size: Annotated[Whole, Field(ge=1, le=1000)] = 1
    tags: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, types of one kind that the region has, the signal against its
        arguments, and what a warm pool can't be combined with."""
        yield from above_maximum(
            "min_instances", self.min_instances, "max_instances", self.max_instances
        )
        yield from above_idle_cap("idle_seconds", self.idle_seconds, self.idle_cap_seconds)
        if self.idle_seconds % 60:
            yield Problem("idle_seconds", "must be whole minutes: the alarm looks once a minute")
        if self.wake_signal == "load_balancer" and self.idle_seconds < self.startup_seconds:
            yield Problem(
                "idle_seconds",
                f"{self.idle_seconds} is below `startup_seconds`, which is "
                f"{self.startup_seconds}: a caller that was refused would find nothing at a retry",
            )
        yield from alike("aws", "instance_types", self.instance_types)
        if len({is_arm(name) for name in self.instance_types}) > 1:
            yield Problem("instance_types", "mixes Arm and x86 processors: make one group for each")
        if not self.any_region:
            yield from not_sold("aws", "region", self.region, self.instance_types)
        if self.image_id is None and not self._runs_default_image():
            yield Problem(
                "image_id", "is required: the default image is for NVIDIA GPUs beside x86 only"
            )
        yield from self._signalled()
        yield from self._warmed()

    def _runs_default_image(self) -> bool:
        shapes = [lookup("aws", name) for name in self.instance_types]
        return all(
            shape is None or resource_of(shape) in ("nvidia.com/gpu", "") for shape in shapes
        ) and not any(map(is_arm, self.instance_types))

    def _signalled(self) -> Iterator[Problem]:
        for signal, needed in SIGNALS.items():
            for argument in needed:
                given = getattr(self, argument) is not None
                if signal == self.wake_signal and not given:
                    yield Problem(argument, f"is required with `wake_signal` {signal}")
                if signal != self.wake_signal and given:
                    yield Problem(
                        argument,
                        f"belongs to `wake_signal` {signal}, and this one is {self.wake_signal}",
                    )

    def _warmed(self) -> Iterator[Problem]:
        if self.warm_pool == "none":
            if "warm_pool_size" in self.model_fields_set:
                yield Problem("warm_pool_size", "needs `warm_pool` stopped or running")
            return
        # EC2 Auto Scaling user guide, "Warm pools", limitations.
        if self.capacity_type == "spot":
            yield Problem("warm_pool", "excludes `capacity_type` spot: AWS has no warm spot pool")
        if len(self.instance_types) > 1:
            yield Problem("warm_pool", "needs a single one of `instance_types`")
        if self.warm_pool_size > self.max_instances:
            yield from above_maximum(
                "warm_pool_size", self.warm_pool_size, "max_instances", self.max_instances
            )
