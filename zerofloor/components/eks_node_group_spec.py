"""What an EksGpuNodeGroup accepts: types, defaults and bounds. What each argument means, its Args
type says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
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
    Whole,
)
from zerofloor.components.machine_types import Market, above_maximum, alike, is_arm, not_sold
from zerofloor.components.spec import Rate, Throughput, image_problems, resource_of
from zerofloor.hardware.instances import Shape, lookup
from zerofloor.spelling import did_you_mean

IMAGES: Final[Mapping[tuple[str, bool], tuple[str, ...]]] = {
    ("nvidia.com/gpu", False): (
        "AL2023_x86_64_NVIDIA",
        "BOTTLEROCKET_x86_64_NVIDIA",
        "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
    ),
    ("nvidia.com/gpu", True): (
        "AL2023_ARM_64_NVIDIA",
        "BOTTLEROCKET_ARM_64_NVIDIA",
        "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
    ),
    ("aws.amazon.com/neuron", False): ("AL2023_x86_64_NEURON",),
}
"""The AMI types with drivers, by the GPUs' resource and whether the processor is Arm, the default
first (EKS API, Nodegroup.amiType)."""
OWN_IMAGE: Final = "CUSTOM"
"""Needs an AMI in a launch template, which this component doesn't take."""


def group_name(value: Any) -> str:
    """A node group's name.

    Raises:
        ValueError: EKS would refuse it.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", value):
        raise ValueError(
            "must be letters, digits, dashes and underscores, at most 63, as EKS names are: set "
            "`name`"
        )
    return value


Nodes = Annotated[Whole, Field(ge=1, le=1000)]


class EksNodeGroupSpec(Spec):
    """The arguments of an EksGpuNodeGroup."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "cluster_name": "c",
        "node_role_arn": "arn",
        "subnet_ids": ["s"],
        "instance_types": ["g6e.xlarge"],
        "max_nodes": 1000,
    }

    name: Annotated[str, BeforeValidator(group_name)]
    cluster_name: Text
    node_role_arn: Text
    subnet_ids: SomeTexts
    region: PlainText | None = None
    any_region: Flag = False

    instance_types: Annotated[PlainTexts, Some, Field(max_length=20)]
    capacity_type: Market = "on-demand"
    min_nodes: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_nodes: Nodes

    ami_type: PlainText | None = None
    disk_gib: Annotated[Whole, Field(ge=20, le=16_384)] = 200
    disk_throughput: Throughput = 250
    local_disk: Flag | None = None
    parallel_pull: Flag = False
    image_snapshot: Text = None
    snapshot_rate: Rate | None = None
    labels: TextItems = Field(default_factory=dict)
    tags: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, types of one kind that the region has, and an image that can
        run them."""
        yield from above_maximum("min_nodes", self.min_nodes, "max_nodes", self.max_nodes)
        yield from alike("aws", "instance_types", self.instance_types)
        if not self.any_region:
            yield from not_sold("aws", "region", self.region, self.instance_types)
        if len({is_arm(name) for name in self.instance_types}) > 1:
            yield Problem("instance_types", "mixes Arm and x86 processors: make one group for each")
        known = [shape for shape in self._shapes() if resource_of(shape)]
        images = self._images() if known else ()
        if known and not images:
            yield Problem(
                "instance_types[0]",
                f"EKS has no image with drivers for {known[0].accelerator}",
            )
        if images and self.ami_type is not None and self.ami_type not in images:
            near = did_you_mean(self.ami_type, images)
            yield Problem(
                "ami_type",
                f"{self.ami_type} can't run `instance_types`; must be one of "
                f"{', '.join(images)}{near}",
            )
        if self.local_disk and "BOTTLEROCKET" in (self.ami_type or ""):
            yield Problem("local_disk", "needs an `ami_type` of AL2023: Bottlerocket has none")
        if images:
            yield from image_problems(
                self,
                bottlerocket=self.is_bottlerocket,
                image="ami_type",
                joins_disks=bool(self.joins_local_disks) and not self.is_bottlerocket,
            )

    def _shapes(self) -> list[Shape]:
        found = [lookup("aws", name) for name in self.instance_types]
        return [shape for shape in found if shape is not None]

    def _images(self) -> tuple[str, ...]:
        return IMAGES.get((self.gpu_resource, is_arm(self.instance_types[0])), ())

    @property
    def gpu_resource(self) -> str:
        """The resource that the nodes offer: key of their taint."""
        return resource_of(self._shapes()[0])

    @property
    def gpus(self) -> Decimal | None:
        """GPUs of a node, where all types have the same number."""
        numbers = {shape.gpus for shape in self._shapes()}
        return numbers.pop() if len(numbers) == 1 else None

    @property
    def image(self) -> str:
        """The AMI type: the one given, or that of AL2023 with drivers."""
        return self.ami_type or self._images()[0]

    @property
    def is_bottlerocket(self) -> bool:
        """Whether the nodes run Bottlerocket, which keeps images on a second disk."""
        return "BOTTLEROCKET" in self.image

    @property
    def joins_local_disks(self) -> bool:
        """Whether the nodes' local NVMe disks carry images and pods."""
        return "AL2023" in self.image if self.local_disk is None else self.local_disk
