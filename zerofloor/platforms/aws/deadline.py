"""Deadline Cloud: a service-managed fleet, whose workers' accelerators a range of counts limits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws.read import CLOUD
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.rows import COUNT, Row
from zerofloor.values import quantity

_ACCELERATORS: Final = (
    "configuration.serviceManagedEc2.instanceCapabilities.acceleratorCapabilities"
)
ROW: Final = Row(
    cloud=CLOUD,
    tokens=("aws-native:deadline:Fleet",),
    platform="Deadline Cloud fleet",
    machine=(f"{_ACCELERATORS}.selections[].name",),
    count=("minWorkerCount",),
    default=0,
    ceiling=("maxWorkerCount",),
    cause=Cause.POOL_MINIMUM,
    because="this many workers run without any job",
    fix="Set minWorkerCount to 0",
    change=((COUNT, 0),),
    source=(
        "Deadline Cloud user guide, “Service-managed fleets”: the minimum of workers runs when "
        "there is no work"
    ),
    spot=(("configuration.serviceManagedEc2.instanceMarketOptions.type", "spot"),),
    price_as="deadline",
)


def row_of(source: Declared) -> Row:
    """The row with the fewest accelerators that a worker of this fleet has (one where omitted)."""
    fewest = quantity(source.field(f"{_ACCELERATORS}.count.min").value)

    def translate(name: str) -> Shape:
        gpus = Decimal(1) if fewest is None else fewest
        known = gpus if isinstance(gpus, Decimal) else None
        return Shape(CLOUD, name, known, f"NVIDIA {name.upper()} of a Deadline Cloud worker")

    return replace(ROW, translate=translate)
