"""What a FireworksDeployment accepts: types, defaults and bounds. What each argument means, its
Args type says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import (
    Flag,
    PlainText,
    Problem,
    Spec,
    Text,
    TextItems,
    Whole,
)
from zerofloor.components.machine_types import above_maximum

SHORTEST_WINDOW: Final = 300
"""Seconds: Fireworks accepts no shorter scaleToZeroWindow (Fireworks docs, “Autoscaling”)."""
AREAS: Final = ("GLOBAL", "US", "EUROPE", "APAC")


def _deployment_id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise ValueError(
            "must be lower-case letters, digits and dashes, at most 63, as Fireworks IDs are: set "
            "`name`"
        )
    return value


def _area(value: Any) -> str:
    if value not in AREAS:
        raise ValueError(f"must be one of {', '.join(AREAS)}")
    return str(value)


class FireworksDeploymentSpec(Spec):
    """The arguments of a FireworksDeployment."""

    stand_ins: ClassVar[Mapping[str, Any]] = {
        "base_model": "accounts/fireworks/models/m",
        "accelerator_type": "NVIDIA_H100_80GB",
        "max_replicas": 1000,
        "idle_cap_seconds": 604_800,
    }

    name: Annotated[str, BeforeValidator(_deployment_id)]
    base_model: Text
    accelerator_type: PlainText | None = None
    gpus: Annotated[Whole, Field(ge=1, le=64)] | None = None
    deployment_shape: Text | None = None
    precision: PlainText | None = None
    placement: Annotated[str, BeforeValidator(_area)] = "GLOBAL"
    enable_addons: Flag = False
    annotations: TextItems = Field(default_factory=dict)

    min_replicas: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_replicas: Annotated[Whole, Field(ge=1, le=1000)] = 1
    cooldown_seconds: Annotated[Whole, Field(ge=SHORTEST_WINDOW)] = SHORTEST_WINDOW
    idle_cap_seconds: Annotated[Whole, Field(ge=SHORTEST_WINDOW)] = 3600
    target_per_replica: Annotated[Whole, Field(ge=1)] | None = None

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, and one way of saying what a replica runs on."""
        yield from above_maximum(
            "min_replicas", self.min_replicas, "max_replicas", self.max_replicas
        )
        if self.cooldown_seconds > self.idle_cap_seconds:
            yield Problem(
                "cooldown_seconds",
                f"{self.cooldown_seconds} is above `idle_cap_seconds`, which is "
                f"{self.idle_cap_seconds}: a replica would bill that long after each request",
            )
        decided = (
            ("accelerator_type", self.accelerator_type),
            ("gpus", self.gpus),
            ("precision", self.precision),
        )
        if self.deployment_shape is None and self.accelerator_type is None:
            yield Problem("accelerator_type", "is required without `deployment_shape`")
        for argument, value in decided if self.deployment_shape is not None else ():
            if value is not None:
                yield Problem(argument, "is decided by `deployment_shape`: leave one of them out")
