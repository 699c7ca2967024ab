"""What an AksGpuNodePool accepts: types, defaults and bounds. What each argument means, its Args
type says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import (
    Flag,
    PlainText,
    PlainTexts,
    Problem,
    Spec,
    Text,
    TextItems,
    Whole,
)
from zerofloor.components.machine_types import Market, above_maximum, not_sold, usable
from zerofloor.components.spec import one_of_many, resource_of
from zerofloor.hardware.instances import lookup


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9]{0,11}", value):
        raise ValueError(
            "must be lower-case letters and digits, at most 12, and begin with a letter, as AKS "
            "names are: set `name`"
        )
    return value


def _disk(value: Any) -> str:
    return one_of_many(value, ("managed", "ephemeral"))


def _driver(value: Any) -> str:
    return one_of_many(value, ("install", "none"))


class AksNodePoolSpec(Spec):
    """The arguments of an AksGpuNodePool."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "name": "gpu",
        "resource_group": "g",
        "cluster": "c",
        "vm_size": "Standard_NC24ads_A100_v4",
        "max_nodes": 1000,
    }

    name: Annotated[str, BeforeValidator(_name)]
    resource_group: Text
    cluster: Text
    location: PlainText | None = None
    any_region: Flag = False
    zones: PlainTexts | None = None
    subnet_id: Text = None

    vm_size: PlainText
    capacity_type: Market = "on-demand"
    capacity_reservation_group_id: Text = None
    min_nodes: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_nodes: Annotated[Whole, Field(ge=1, le=1000)]

    driver: Annotated[str, BeforeValidator(_driver)] = "install"
    disk_gib: Annotated[Whole, Field(ge=30, le=2048)] = 200
    disk: Annotated[str, BeforeValidator(_disk)] = "managed"
    labels: TextItems = Field(default_factory=dict)
    tags: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, and a size with GPUs that the place has and AKS takes."""
        yield from above_maximum("min_nodes", self.min_nodes, "max_nodes", self.max_nodes)
        shape, why = usable("azure", self.vm_size)
        if shape is None:
            yield Problem("vm_size", why)
        elif "RTXPRO6000" in self.vm_size.upper():
            # Azure's overview of its GPU sizes, 2026-05: not on AKS yet.
            yield Problem("vm_size", f"{self.vm_size} is not a size that AKS runs yet")
        if not self.any_region:
            yield from not_sold("azure", "location", self.location, [self.vm_size])
        if self.capacity_reservation_group_id is not None and self.capacity_type == "spot":
            yield Problem(
                "capacity_reservation_group_id",
                "excludes `capacity_type` spot: spot is never reserved",
            )

    @property
    def gpu_resource(self) -> str:
        """The resource that the nodes offer: key of their taint."""
        shape = lookup("azure", self.vm_size)
        return (resource_of(shape) if shape is not None else "") or "nvidia.com/gpu"
