"""What a GpuNodePool accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from zerofloor.components.arguments import (
    Flag,
    Name,
    PlainTexts,
    Problem,
    Some,
    Spec,
    Text,
    TextItems,
    Texts,
    Whole,
)
from zerofloor.components.spec import (
    HOUR,
    AmiAlias,
    CapacityType,
    Rate,
    Seconds,
    Throughput,
    above_idle_cap,
    family_shapes,
    gpus_of,
    image_problems,
    one_of,
    resource_of,
    unusable,
)
from zerofloor.hardware.instances import Shape, lookup
from zerofloor.words import counted

AUTO_HOURS: Final = 504
"""The longest life of a node of EKS Auto Mode (EKS user guide, "Security considerations for Auto
Mode")."""


_DECIDED: Final = (
    "ami_alias",
    "local_disk",
    "parallel_pull",
    "image_snapshot",
    "snapshot_rate",
    "instance_profile",
)
"""What EKS Auto Mode decides by itself (it pulls in parallel on GPU nodes)."""


class NodePoolSpec(Spec):
    """The arguments of a GpuNodePool."""

    stand_ins: ClassVar[Mapping[str, Any]] = {"max_gpus": 100_000}
    replacing: ClassVar[frozenset[str]] = frozenset({"name", "auto_mode"})

    name: Name
    cluster_name: Text = None
    discovery_tags: TextItems | None = None
    role: Text = None
    instance_profile: Text = None

    instance_types: PlainTexts | None = None
    instance_families: PlainTexts | None = None
    capacity_types: Annotated[tuple[CapacityType, ...], Some] = ("on-demand",)
    capacity_reservation_ids: Texts | None = None
    zones: Texts | None = None
    max_gpus: Annotated[Whole, Field(ge=1, le=100_000)]
    weight: Annotated[Whole, Field(ge=1, le=100)] | None = None

    consolidate_after_seconds: Seconds = 60
    idle_cap_seconds: Seconds = HOUR
    expire_after_hours: Annotated[Whole, Field(ge=1, le=10_000)] = 720
    termination_grace_seconds: Annotated[Whole, Field(ge=1, le=HOUR)] = 1800

    auto_mode: Flag = False
    ami_alias: AmiAlias = "al2023@latest"
    disk_gib: Annotated[Whole, Field(ge=20, le=16_384)] = 200
    disk_throughput: Throughput = 250
    local_disk: Flag | None = None
    parallel_pull: Flag = False
    image_snapshot: Text = None
    snapshot_rate: Rate | None = None
    labels: TextItems = Field(default_factory=dict)
    tags: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """One way to find the network, one identity, one choice of types, and types that the limit
        lets start."""
        yield from one_of(self, "cluster_name", "discovery_tags")
        yield from one_of(self, "role", "instance_profile")
        yield from one_of(self, "instance_types", "instance_families")
        yield from above_idle_cap(
            "consolidate_after_seconds", self.consolidate_after_seconds, self.idle_cap_seconds
        )
        yield from self._reserved()
        if self.auto_mode:
            yield from self._of_auto_mode()
        else:
            yield from image_problems(
                self,
                bottlerocket=self.is_bottlerocket,
                image="ami_alias",
                joins_disks=self.joins_local_disks,
            )
        found: list[Shape] = []
        for index, name in enumerate(self.instance_types or ()):
            shape, path = lookup("aws", name), f"instance_types[{index}]"
            why = unusable(name, shape)
            if why is not None or shape is None or shape.gpus is None:
                yield Problem(path, why or "")
                continue
            found.append(shape)
            if shape.gpus > self.max_gpus:
                yield Problem(
                    path,
                    (
                        f"{name} holds {counted(gpus_of(shape), 'GPU')} and `max_gpus` is "
                        f"{self.max_gpus}: it could never start"
                    ),
                )
        for index, family in enumerate(self.instance_families or ()):
            members = family_shapes(family)
            if not members:
                yield Problem(
                    f"instance_families[{index}]",
                    f"{family} is not a family with whole GPUs that zerofloor knows",
                )
            elif min(gpus_of(shape) for shape in members) > self.max_gpus:
                least = min(gpus_of(shape) for shape in members)
                yield Problem(
                    f"instance_families[{index}]",
                    f"{family} has at least {counted(least, 'GPU')} on a node and `max_gpus` is "
                    f"{self.max_gpus}",
                )
            found += members
        kinds = {resource_of(shape) for shape in found}
        if len(kinds) > 1:
            several = "instance_types" if self.instance_types else "instance_families"
            yield Problem(
                several,
                (
                    f"mixes {' and '.join(sorted(kinds))}: make one pool for each, as each has "
                    "its own taint and limit"
                ),
            )

    def _reserved(self) -> Iterator[Problem]:
        buys = "reserved" in self.capacity_types
        if buys and self.capacity_reservation_ids is None:
            yield Problem(
                "capacity_reservation_ids", "is required where `capacity_types` has reserved"
            )
        if not buys and self.capacity_reservation_ids is not None:
            yield Problem(
                "capacity_types", "must have reserved for `capacity_reservation_ids` to be used"
            )

    def _of_auto_mode(self) -> Iterator[Problem]:
        # EKS user guide, "Create a Node Class for Amazon EKS", "Manage pods on Auto Mode nodes":
        # it chooses images and joins local disks by itself, and a node lives for 21 days at most.
        for argument in _DECIDED:
            if argument in self.model_fields_set:
                yield Problem(argument, "is not for `auto_mode`, where EKS decides it")
        if "expire_after_hours" in self.model_fields_set and self.expire_after_hours > AUTO_HOURS:
            yield Problem("expire_after_hours", f"must be at most {AUTO_HOURS} with `auto_mode`")

    @property
    def lifetime_hours(self) -> int:
        """Age at which a node is replaced."""
        return (
            min(self.expire_after_hours, AUTO_HOURS) if self.auto_mode else self.expire_after_hours
        )

    @property
    def is_bottlerocket(self) -> bool:
        """Whether the nodes run Bottlerocket, which keeps images on a second disk."""
        return self.ami_alias.startswith("bottlerocket")

    @property
    def joins_local_disks(self) -> bool:
        """Whether the types' local disks carry images and pods."""
        return self.image_snapshot is None if self.local_disk is None else self.local_disk

    @property
    def gpu_resource(self) -> str:
        """The resource that the pool's nodes offer: key of its taint and of its limit."""
        shapes = [lookup("aws", name) for name in self.instance_types or ()] or [
            family_shapes(name)[0] for name in self.instance_families or ()
        ]
        return next(resource_of(shape) for shape in shapes if shape is not None)
