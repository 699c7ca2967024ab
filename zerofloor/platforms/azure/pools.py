"""What every service's reader makes of its machines and its number: a pool, or none without a
GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Market,
    Notice,
    Part,
    Placement,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.azure.read import CLOUD, change, is_text, region
from zerofloor.platforms.declared import Declared, Size
from zerofloor.platforms.machines import Machines
from zerofloor.structs import Value
from zerofloor.values import get

LOW_PRIORITY: Final = "low-priority"
"""The price book's name for machines that Batch and Machine Learning sell at a price of their own,
which is no spot price."""


class Supply(Value, frozen=True, kw_only=True):
    """One pool as a reader understands it."""

    source: Declared
    platform: str
    machines: Machines
    holds: tuple[Hold, ...] = ()
    extra: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    desired: int | None = None
    ceiling: int | None = None
    market: Market = Market.ON_DEMAND
    placement: Placement | None = None
    name: str = ""
    part: str = ""
    os: str = "linux"
    price_as: str | None = None


def pools(estate: Estate, supply: Supply) -> Iterator[Part]:
    """The pool; none for machines without a GPU that take no pods. An unknown size is a question
    only where something is kept, or may be."""
    found, source = supply.machines, supply.source
    if not found.shapes and not found.undecided:
        return
    plain = found.plain
    if plain and supply.placement is None:
        return
    kept = bool(supply.holds or supply.extra or supply.undecided)
    undecided = (*supply.undecided, *found.undecided) if kept else ()
    if not kept and not plain:
        for path in dict.fromkeys(link.path for link in found.evidence):
            yield Accounted(urn=source.urn, path=path, because="it keeps no machine while idle")
    parts = [part for part in (source.logical, supply.part) if part]
    desired = supply.desired if found.shapes else None
    yield Pool(
        urn=source.urn,
        name=supply.name or source.name,
        platform=supply.platform,
        cloud=CLOUD,
        shapes=found.shapes,
        holds=() if plain else supply.holds,
        extra=() if plain else supply.extra,
        desired=desired,
        ceiling=supply.ceiling,
        market=supply.market,
        region=region(estate, source),
        placement=supply.placement,
        undecided=() if plain else tuple(dict.fromkeys(undecided)),
        notices=() if plain else supply.notices,
        assumptions=(*found.assumptions, *supply.assumptions),
        price_as=supply.price_as,
        os=supply.os,
        overlap=(desired or 0) if source.resource.replaced_before_delete else 0,
        evidence=(*found.evidence, *supply.evidence),
        part=".".join(parts),
    )


def hold_of(
    supply: Supply,
    *,
    cause: Cause,
    units: int | None,
    fix: str,
    evidence: tuple[Evidence, ...],
    changes: tuple[Change, ...] = (),
) -> Supply:
    """The supply with what keeps so many of its machines; without a change for zero units."""
    if units == 0:
        return supply
    hold = Hold(
        cause=cause,
        urn=supply.source.urn,
        units=units,
        evidence=(*supply.machines.evidence, *evidence),
        fix=fix,
        change=changes,
    )
    return replace(supply, holds=(*supply.holds, hold))


def fixed(
    supply: Supply, number: Size | Undecided, *, cause: Cause, because: str, fix: str, to: Any = 0
) -> Supply:
    """The supply whose number nothing lowers."""
    if isinstance(number, Undecided):
        return replace(supply, undecided=(*supply.undecided, number))
    if number.is_hidden:
        return replace(supply, undecided=(*supply.undecided, unknown_number(number)))
    units = number.known or 0
    held = hold_of(
        supply,
        cause=cause,
        units=units,
        fix=fix,
        evidence=(number.evidence(because),),
        changes=change(number.source, number.path, to),
    )
    ceiling = units if supply.ceiling is None else supply.ceiling
    return replace(held, desired=units, ceiling=ceiling)


def unknown_number(number: Size) -> Undecided:
    why = f"{number.path} isn't known at preview, so any number of GPU machines could stay on"
    return number.source.open(number.path, why)


def market(source: Declared, *paths: str) -> Market:
    """Spot where one of the properties says so."""
    for path in paths:
        if is_text(get(source.inputs, path), "spot", "low", "lowpriority"):
            return Market.SPOT
    return Market.ON_DEMAND
