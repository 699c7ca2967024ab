"""What a CloudRunGpuService accepts: types, defaults and bounds. What each argument means, its Args
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
    Problem,
    Quantity,
    Spec,
    Text,
    TextItems,
    TextMap,
    Texts,
    Whole,
)
from zerofloor.components.machine_types import above_maximum, not_sold
from zerofloor.components.spec import HOUR, Path, one_of_many
from zerofloor.values import quantity

SMALLEST: Final[Mapping[str, tuple[int, int]]] = {
    "nvidia-l4": (4, 16),
    "nvidia-rtx-pro-6000": (20, 80),
}
"""vCPUs and GiB of the smallest instance with each GPU (Cloud Run docs, "GPU support for
services")."""


INGRESS: Final[Mapping[str, str]] = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
}
"""Who may call, with Cloud Run's word for it."""


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]([-a-z0-9]{0,47}[a-z0-9])?", value):
        raise ValueError(
            "must be lower-case letters, digits and dashes, at most 49, and begin with a letter, "
            "as names on Cloud Run are: set `name`"
        )
    return value


def _gpu(value: Any) -> str:
    return one_of_many(value, tuple(SMALLEST))


def _ingress(value: Any) -> str:
    return one_of_many(value, tuple(INGRESS))


class CloudRunSpec(Spec):
    """The arguments of a CloudRunGpuService."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "location": "us-central1",
        "image": "i",
        "max_instances": 1000,
    }

    name: Annotated[str, BeforeValidator(_name)]
    location: PlainText
    any_region: Flag = False

    image: Text
    args: Texts | None = None
    env: TextMap | None = None
    port: Annotated[Whole, Field(ge=1, le=65535)] = 8080
    health_path: Path | None = None
    startup_seconds: Annotated[Whole, Field(ge=10, le=1800)] = 600
    service_account: Text = None

    gpu: Annotated[str, BeforeValidator(_gpu)] = "nvidia-l4"
    cpu: Quantity | None = None
    memory: Quantity | None = None
    zonal_redundancy: Flag = False

    min_instances: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_instances: Annotated[Whole, Field(ge=1, le=1000)]
    concurrency: Annotated[Whole, Field(ge=1, le=1000)] = 10
    timeout_seconds: Annotated[Whole, Field(ge=1, le=HOUR)] = HOUR
    ingress: Annotated[str, BeforeValidator(_ingress)] = "internal"
    labels: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, a region, and sizes that the GPU comes with."""
        yield from above_maximum(
            "min_instances", self.min_instances, "max_instances", self.max_instances
        )
        if not self.any_region:
            yield from not_sold("gcp", "location", self.location, [])
        for argument, least, unit in zip(
            ("cpu", "memory"), SMALLEST[self.gpu], (1, 2**30), strict=True
        ):
            asked = quantity(getattr(self, argument))
            if isinstance(asked, Decimal) and asked < least * unit:
                size = f"{least}" if unit == 1 else f"{least}Gi"
                yield Problem(argument, f"must be at least {size} with {self.gpu}")

    @property
    def sizes(self) -> tuple[str, str]:
        """vCPUs and memory of an instance: those given, or the least that its GPU comes with."""
        cpu, memory = SMALLEST[self.gpu]
        return self.cpu or str(cpu), self.memory or f"{memory}Gi"
