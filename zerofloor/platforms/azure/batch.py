"""Azure Batch: pools of a fixed size, and formulas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Market, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.batch_formula import nodes_at_rest
from zerofloor.platforms.azure.pools import LOW_PRIORITY, Supply, hold_of, pools, unknown_number
from zerofloor.platforms.declared import Declared, Field, Size, size

NATIVE: Final = "azure-native:batch:Pool"
CLASSIC: Final = "azure:batch/pool:Pool"
READS: Final = frozenset({NATIVE, CLASSIC})


def read(estate: Estate) -> Iterator[Part]:
    """Every pool: its nodes bill while they are allocated, with or without tasks."""
    for source in azure.declared(estate, NATIVE, CLASSIC):
        if not azure.is_looked_up(source):
            yield from pools(estate, _pool(estate, source))


def _pool(estate: Estate, source: Declared) -> Supply:
    kind = source.field("vmSize")
    supply = Supply(
        source=source,
        platform="Batch pool",
        machines=azure.machines(estate, source, kind.path, kind.value),
    )
    prefix = "scaleSettings." if azure.native(source) else ""
    whole = source.field("scaleSettings")
    formula = source.field(f"{prefix}autoScale")
    if whole.is_hidden or formula.is_hidden:
        open_ = whole if whole.is_hidden else formula
        why = "How many nodes the pool has isn't known at preview"
        return replace(supply, undecided=(open_.undecided(why),))
    if not formula.is_absent:
        return _by_formula(supply, source.field(f"{prefix}autoScale.formula"))
    return _by_number(supply, source, f"{prefix}fixedScale")


def _by_number(supply: Supply, source: Declared, path: str) -> Supply:
    # Omitted in azure-native: "a fixed scale with 0 targetDedicatedNodes" (Batch Management REST,
    # scaleSettings); in the classic provider fixedScale.targetDedicatedNodes defaults to 1.
    given = not source.field(path).is_absent
    default = 1 if given and not azure.native(source) else 0
    dedicated = size(source, [f"{path}.targetDedicatedNodes"], default, f"omitted: {default}")
    low = size(source, [f"{path}.targetLowPriorityNodes"], 0, "omitted: 0")
    for number in (dedicated, low):
        if isinstance(number, Undecided):
            return replace(supply, undecided=(number,))
        if number.is_hidden:
            supply = replace(supply, undecided=(*supply.undecided, unknown_number(number)))
    if not isinstance(dedicated, Size) or not isinstance(low, Size):
        return supply
    units = (dedicated.known or 0) + (low.known or 0)
    supply = replace(supply, desired=units, ceiling=units)
    if low.known and not dedicated.known:
        supply = replace(supply, market=Market.SPOT, price_as=LOW_PRIORITY)
    if dedicated.known and low.known:
        supply = replace(supply, evidence=(low.evidence("low-priority nodes bill too"),))
    shown = low if low.known and not dedicated.known else dedicated
    changes = tuple(
        step
        for number in (dedicated, low)
        if number.known
        for step in azure.change(source, number.path, 0)
    )
    return hold_of(
        supply,
        cause=Cause.DESIRED_NOT_LOWERED,
        units=units,
        fix="Use an autoscale formula that goes to 0, or set the targets to 0",
        evidence=(shown.evidence("a fixed-scale pool keeps its nodes, with or without tasks"),),
        changes=changes,
    )


def _by_formula(supply: Supply, formula: Field) -> Supply:
    """A formula is followed until it comes to rest with no task."""
    text = formula.text()
    if not isinstance(text, str):
        return replace(supply, undecided=(formula.undecided("The formula isn't known at preview"),))
    nodes, other = nodes_at_rest(text, 100), nodes_at_rest(text, 60)
    if nodes is None or other is None:
        why = "What the formula leaves while no task waits can't be worked out"
        settle = "Replace it with a fixed scale of 0, or waive it with the formula's idle value"
        return replace(supply, undecided=(formula.undecided(why, settle),))
    if not nodes:
        because = "it goes to 0 while no task waits or runs"
        return replace(supply, evidence=(formula.evidence(because),))
    if nodes != other:
        return hold_of(
            supply,
            cause=Cause.KEPT_PEAK,
            units=None,
            fix="Let the formula go to 0 while no task waits",
            evidence=(formula.evidence("nodes of a busy hour stay while no task waits"),),
        )
    return hold_of(
        supply,
        cause=Cause.POOL_MINIMUM,
        units=int(nodes),
        fix="Let the formula go to 0 while no task waits",
        evidence=(formula.evidence("it leaves this many nodes while no task waits or runs"),),
    )
