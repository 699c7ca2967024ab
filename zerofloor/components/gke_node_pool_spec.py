"""What a GkeGpuNodePool accepts: types, defaults and bounds. What each argument means, its Args
type says."""

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
    Text,
    TextItems,
    Whole,
)
from zerofloor.components.machine_types import (
    GoogleMachine,
    Market,
    above_maximum,
    not_sold,
    zone_region,
)
from zerofloor.components.spec import one_of_many, resource_of
from zerofloor.hardware.instances import lookup

HYPERDISK: Final = ("a3-ultragpu-", "a4-", "a4x-", "g4-")
"""Machines that boot from Hyperdisk only (Compute Engine docs, "About Hyperdisk")."""


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", value):
        raise ValueError(
            "must be lower-case letters, digits and dashes, at most 40, and begin with a letter, "
            "as GKE names are: set `name`"
        )
    return value


def _driver(value: Any) -> str:
    return one_of_many(value, ("default", "latest", "none"))


def _disk_type(value: Any) -> str:
    return one_of_many(value, ("pd-balanced", "pd-ssd", "pd-standard", "hyperdisk-balanced"))


class GkeNodePoolSpec(GoogleMachine):
    """The arguments of a GkeGpuNodePool."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "cluster": "c",
        "location": "us-central1",
        "machine_type": "g2-standard-4",
        "max_nodes": 1000,
    }

    name: Annotated[str, BeforeValidator(_name)]
    cluster: Text
    location: PlainText
    zones: PlainTexts | None = None
    any_region: Flag = False

    capacity_type: Market = "on-demand"
    reservation: Text = None
    min_nodes: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_nodes: Annotated[Whole, Field(ge=1, le=1000)]

    driver: Annotated[str, BeforeValidator(_driver)] = "default"
    disk_gib: Annotated[Whole, Field(ge=20, le=16_384)] = 200
    disk_type: Annotated[str, BeforeValidator(_disk_type)] | None = None
    local_ssds: Annotated[Whole, Field(ge=1, le=32)] | None = None
    image_streaming: Flag = True
    image_disk: Text = None
    service_account: Text = None
    labels: TextItems = Field(default_factory=dict)
    resource_labels: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, a machine with GPUs that the place has, and zones of that
        place."""
        yield from self.machine_problems()
        yield from above_maximum("min_nodes", self.min_nodes, "max_nodes", self.max_nodes)
        region = zone_region(self.location) or self.location
        if not self.any_region:
            yield from not_sold("gcp", "location", region, [self.priced_as])
        for index, zone in enumerate(self.zones or ()):
            if zone_region(zone) != region:
                yield Problem(f"zones[{index}]", f"{zone} is not a zone of {region}")
        if self.reservation is not None and self.capacity_type == "spot":
            yield Problem("reservation", "excludes `capacity_type` spot: spot is never reserved")
        if self.disk_type in ("pd-balanced", "pd-ssd", "pd-standard") and self._needs_hyperdisk():
            yield Problem("disk_type", f"must be hyperdisk-balanced on {self.machine_type}")

        if self.image_disk is not None and not self.image_streaming:
            # GKE docs, "Use secondary boot disks to preload data or container images".
            yield Problem("image_disk", "needs `image_streaming`, through which GKE reads it")

    def _needs_hyperdisk(self) -> bool:
        return self.machine_type.startswith(HYPERDISK)

    @property
    def boot_disk(self) -> str:
        """The type of the boot disk."""
        default = "hyperdisk-balanced" if self._needs_hyperdisk() else "pd-balanced"
        return self.disk_type or default

    @property
    def gpu_resource(self) -> str:
        """The resource that the nodes offer: key of their taint."""
        shape = lookup("gcp", self.machine_type)
        return (resource_of(shape) if shape is not None else "") or "nvidia.com/gpu"
