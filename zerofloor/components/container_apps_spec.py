"""What a ContainerAppsGpuService accepts: types, defaults and bounds. What each argument means, its
Args type says."""

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
from zerofloor.components.spec import HOUR, Path, above_idle_cap, one_of_many
from zerofloor.values import quantity

PROFILES: Final[Mapping[str, tuple[str, int, int]]] = {
    "T4": ("Consumption-GPU-NC8as-T4", 8, 56),
    "A100": ("Consumption-GPU-NC24-A100", 24, 220),
}
"""The GPUs with their consumption workload profile, and the vCPUs and GiB that a replica may have
(Container Apps, "Workload profiles in Azure Container Apps")."""
_SECRET: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z](-?[a-z0-9]){1,31}", value):
        raise ValueError(
            "must be 2 to 32 lower-case letters, digits and single dashes, and begin with a "
            "letter, as names of container apps are: set `name`"
        )
    return value


def _gpu(value: Any) -> str:
    return one_of_many(value, tuple(PROFILES))


class ContainerAppsSpec(Spec):
    """The arguments of a ContainerAppsGpuService."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "name": "app",
        "resource_group": "g",
        "location": "westus3",
        "image": "i",
        "max_replicas": 1000,
    }

    name: Annotated[str, BeforeValidator(_name)]
    resource_group: Text
    location: PlainText
    any_region: Flag = False
    environment_id: Text = None
    workload_profile_name: PlainText | None = None

    image: Text
    args: Texts | None = None
    env: TextMap | None = None
    secret_env: TextItems = Field(default_factory=dict)
    port: Annotated[Whole, Field(ge=1, le=65535)] = 8000
    health_path: Path = "/health"
    startup_seconds: Annotated[Whole, Field(ge=10, le=2400)] = 600
    external: Flag = False

    gpu: Annotated[str, BeforeValidator(_gpu)] = "T4"
    cpu: Quantity | None = None
    memory: Quantity | None = None

    min_replicas: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_replicas: Annotated[Whole, Field(ge=1, le=1000)]
    concurrency: Annotated[Whole, Field(ge=1, le=10_000)] = 10
    cooldown_seconds: Annotated[Whole, Field(ge=0, le=24 * HOUR)] = 300
    idle_cap_seconds: Annotated[Whole, Field(ge=0, le=24 * HOUR)] = HOUR
    tags: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, a location, sizes that the profile has, and an environment of
        one's own with its profile, or none."""
        yield from above_maximum(
            "min_replicas", self.min_replicas, "max_replicas", self.max_replicas
        )
        yield from above_idle_cap("cooldown_seconds", self.cooldown_seconds, self.idle_cap_seconds)
        if not self.any_region:
            yield from not_sold("azure", "location", self.location, [])
        profile, cpus, memory = PROFILES[self.gpu]
        for argument, most, unit in (("cpu", cpus, 1), ("memory", memory, 2**30)):
            asked = quantity(getattr(self, argument))
            if isinstance(asked, Decimal) and asked > most * unit:
                size = f"{most}" if unit == 1 else f"{most}Gi"
                yield Problem(argument, f"must be at most {size}, which is all that {profile} has")
        given = (self.environment_id is not None, self.workload_profile_name is not None)
        if given == (True, False):
            yield Problem(
                "workload_profile_name",
                f"is required with `environment_id`: the name of its profile of type {profile}",
            )
        if given == (False, True):
            yield Problem("workload_profile_name", "needs `environment_id`")
        for key in self.secret_env:
            if not _SECRET.fullmatch(key):
                yield Problem(
                    f"secret_env.{key}", "is not a valid name for an environment variable"
                )

    @property
    def sizes(self) -> tuple[float, str]:
        """vCPUs and memory of a replica: those given, or all that the GPU's profile has."""
        _, cpus, memory = PROFILES[self.gpu]
        asked = quantity(self.cpu)
        return float(asked if isinstance(asked, Decimal) else cpus), self.memory or f"{memory}Gi"
