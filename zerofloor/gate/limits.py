"""Limits: what a stack, an environment, a project or some resources may cost and keep idle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.cost.estimate import Amount, Estimate, Figure, ResourceCost
from zerofloor.floor.result import Entry, Floor
from zerofloor.gate.waivers import matches
from zerofloor.money import Money
from zerofloor.settings import Limits, ScopedLimits
from zerofloor.structs import Value

HOURLY: Final = {
    Figure.FLOOR: "max_floor_hourly",
    Figure.DESIRED: "max_desired_hourly",
    Figure.CEILING: "max_ceiling_hourly",
}
"""The figures that have a limit, and the limit's field."""


class Part(Value, frozen=True):
    """What one set of limits is about."""

    scope: str
    """`stack prod*`; empty for the whole."""
    path: str
    """Where its limits stand in the settings: `limits`, `limits.scoped item 1`."""
    limits: Limits | ScopedLimits
    amounts: Mapping[Figure, Amount]
    """By figure."""
    gpus: Decimal
    """Held at one time without a request, for certain."""
    hours: Decimal
    """For how many hours of a week any GPU is held."""
    most_gpus: Decimal | None
    """GPUs at maximum scale; None where nothing bounds them or their number isn't known."""


def parts_of(limits: Limits, floor: Floor, estimate: Estimate) -> Iterator[Part]:
    """The whole, and each scope that has something in it."""
    yield Part(
        scope="",
        path="limits",
        limits=limits,
        amounts={name: amount for name in HOURLY if (amount := estimate.amount(name))},
        gpus=floor.gpus or Decimal(0),
        hours=_hours(floor.entries),
        most_gpus=_most_gpus(floor.entries),
    )
    for number, scoped in enumerate(limits.scoped, 1):
        entries = [one for one in floor.entries if _is_meant(scoped, one.urn)]
        costs = [one for one in estimate.resources if _is_meant(scoped, one.urn)]
        if entries or costs:
            yield Part(
                scope=_named(scoped),
                path=f"limits.scoped item {number}",
                limits=scoped,
                amounts=_amounts(costs, estimate.floor.hourly.currency),
                gpus=_gpus(entries),
                hours=_hours(entries),
                most_gpus=_most_gpus(entries),
            )


def _is_meant(scoped: ScopedLimits, urn: str) -> bool:
    stack, project = _stack_and_project(urn)
    return (
        matches(scoped.stack, stack)
        and matches(scoped.project, project)
        and matches(scoped.urn, urn)
    )


def _stack_and_project(urn: str) -> tuple[str, str]:
    parts = urn.split("::", 2)
    return parts[0].removeprefix("urn:pulumi:"), parts[1] if len(parts) > 1 else ""


def _named(scoped: ScopedLimits) -> str:
    named = (("stack", scoped.stack), ("project", scoped.project), ("resource", scoped.urn))
    return (
        ", ".join(f"{what} {pattern}" for what, pattern in named if pattern != "*") or "any stack"
    )


def _amounts(costs: Iterable[ResourceCost], currency: str) -> Mapping[Figure, Amount]:
    costs = list(costs)
    found = {}
    for figure in HOURLY:
        total = most = Money(Decimal(0), currency)
        amounts = [amount for one in costs if (amount := one.amount(figure)) is not None]
        for amount in amounts:
            total += amount.hourly
            most += amount.up_to or amount.hourly
        found[figure] = Amount(total, most, any(one.unbounded for one in amounts))
    return found


def _gpus(entries: Iterable[Entry]) -> Decimal:
    """A workload counts by the pool that carries it, where that is meant too."""
    entries = list(entries)
    urns = {one.urn for one in entries}
    return sum(
        (one.gpus or Decimal(0) for one in entries if not urns.intersection(one.carried_by)),
        Decimal(0),
    )


def _hours(entries: Iterable[Entry]) -> Decimal:
    return max((one.hours_per_week for one in entries if one.gpus), default=Decimal(0))


def _most_gpus(entries: Iterable[Entry]) -> Decimal | None:
    """GPUs of all nodes at maximum scale, of the largest type where several are possible."""
    total = Decimal(0)
    for supply in (one.supply for one in entries if one.supply is not None):
        sizes = [shape.gpus for shape in supply.shapes]
        if supply.ceiling is None or None in sizes or not sizes:
            return None
        total += supply.ceiling * max(size for size in sizes if size is not None)
    return total
