"""An account read whole: every region, each unit beside its declaration, its use and its price."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from zerofloor.live.aws import Client, read_region, read_use, reason_of
from zerofloor.live.declared import compare, index
from zerofloor.live.values import Fault, Found, Kind, Live, Unit
from zerofloor.money import HOURS_PER_MONTH
from zerofloor.stack import Stack

Price = Callable[[Unit], Decimal | None]
"""USD an hour of a unit as it runs."""


def read_account(
    client: Client,
    regions: Sequence[str],
    stacks: Iterable[Stack],
    *,
    now: datetime.datetime,
    hours: int,
    price: Price,
) -> Live:
    """What runs in the regions now, most expensive first. What can't be read is a fault."""
    declarations = index(stacks)
    found: list[Found] = []
    faults: list[Fault] = []
    for region in regions:
        read = read_region(client, region)
        faults += read.faults
        for unit in read.units:
            use, why, failed = read_use(client, unit, now, hours)
            faults += failed
            one = compare(unit, declarations.get((unit.kind, unit.id)), use, why)
            found.append(_priced(one, price(unit)))
    found.sort(key=lambda one: (-(one.monthly or Decimal(0)), one.unit.region, one.unit.id))
    return Live(_account(client, regions[0], faults), tuple(found), tuple(dict.fromkeys(faults)))


def _priced(found: Found, hourly: Decimal | None) -> Found:
    return replace(found, monthly=None if hourly is None else hourly * HOURS_PER_MONTH)


def _account(client: Client, region: str, faults: list[Fault]) -> str:
    try:
        return str(client("sts", region).get_caller_identity()["Account"])
    except Exception as error:
        faults.append(Fault(f"sts:GetCallerIdentity in {region}", reason_of(error)))
        return ""


def is_priced_by_machine(unit: Unit) -> bool:
    """Whether the plain machine's price is its price: not for SageMaker, nor for several types."""
    return unit.kind is not Kind.ENDPOINT and "," not in unit.instance_type
