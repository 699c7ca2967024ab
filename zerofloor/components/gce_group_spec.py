"""What a GceGpuGroup accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import Flag, PlainText, Problem, Text, TextItems, Texts, Whole
from zerofloor.components.machine_types import (
    GoogleMachine,
    Market,
    above_maximum,
    not_sold,
    zone_region,
)
from zerofloor.components.spec import HOUR


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]([-a-z0-9]{0,56}[a-z0-9])?", value):
        raise ValueError(
            "must be lower-case letters, digits and dashes, at most 58, and begin with a letter, "
            "as names on Compute Engine are: set `name`"
        )
    return value


class GceGroupSpec(GoogleMachine):
    """The arguments of a GceGpuGroup."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "zone": "us-central1-a",
        "machine_type": "g2-standard-4",
        "image": "i",
        "subscription": "s",
        "max_instances": 1000,
    }

    name: Annotated[str, BeforeValidator(_name)]
    zone: PlainText
    any_region: Flag = False
    network: Text = "default"
    subnetwork: Text = None
    external_ip: Flag = False

    image: Text
    capacity_type: Market = "on-demand"
    disk_gib: Annotated[Whole, Field(ge=20, le=16_384)] = 200
    disk_type: PlainText = "pd-balanced"
    startup_script: Text = None
    service_account: Text = None
    scopes: Texts = ("https://www.googleapis.com/auth/cloud-platform",)

    min_instances: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_instances: Annotated[Whole, Field(ge=1, le=1000)]
    subscription: Text
    messages_per_instance: Annotated[Whole, Field(ge=1, le=1_000_000)] = 10
    startup_seconds: Annotated[Whole, Field(ge=15, le=HOUR)] = 600
    labels: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, and a machine with GPUs that the zone's region has."""
        yield from self.machine_problems()
        yield from above_maximum(
            "min_instances", self.min_instances, "max_instances", self.max_instances
        )
        region = zone_region(self.zone)
        if region is None:
            yield Problem("zone", f"{self.zone} is not a zone, such as us-central1-a")
        elif not self.any_region:
            yield from not_sold("gcp", "zone", region, [self.priced_as])
        if self.machine_type.startswith(("ct", "tpu")):
            yield Problem(
                "machine_type", f"{self.machine_type} is a TPU node of GKE: use GkeGpuNodePool"
            )
