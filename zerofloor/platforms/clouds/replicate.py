"""Replicate: deployments (its Terraform provider; token derived)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.rows import COUNT, Row, read_rows

CLOUD: Final = "replicate"
ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("replicate:index/deployment:Deployment"),
        platform="Replicate deployment",
        machine=("hardware",),
        count=("minInstances",),
        default=0,
        ceiling=("maxInstances",),
        cause=Cause.SCALER_MINIMUM,
        because="instances that are online bill while idle; it never goes below it",
        fix="Set minInstances to 0",
        change=((COUNT, 0),),
        source="Replicate docs, “Deployments” (min_instances)",
        derived=True,
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS)
