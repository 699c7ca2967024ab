"""The change against what was: a previous report, or the estimate of a stack export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from zerofloor.cost.estimate import Amount, Change, Estimate, Figure, ResourceChange, ResourceCost
from zerofloor.errors import InputError
from zerofloor.money import Money
from zerofloor.prices.book import PriceBook
from zerofloor.structs import Value

COMPARED: Final = (Figure.FLOOR, Figure.DESIRED, Figure.CEILING)

SCHEMAS = ("zerofloor.report/1", "zerofloor.estimate/1")


class Baseline(Value, frozen=True):
    """The hourly figures to compare with."""

    name: str
    floor: Money
    desired: Money
    ceiling: Money
    snapshot: str
    """The price snapshot that they were reckoned with."""
    resources: Mapping[str, tuple[Money, Money, Money]] | None = None
    """Floor, desired and ceiling by URN; None where it doesn't list them."""
    missing: int = 0
    """How much of it had no price or was undecided."""


def of_estimate(estimate: Estimate, name: str) -> Baseline:
    """The figures of another estimate, such as that of a judged export."""
    missing = sum(1 for gap in estimate.gaps if gap.is_of_gpus)
    return Baseline(
        name,
        estimate.floor.hourly,
        estimate.desired.hourly,
        estimate.ceiling.hourly,
        estimate.snapshot,
        _by_urn((one.urn, _figures(one)) for one in estimate.resources),
        missing,
    )


def of_report(report: Any, name: str) -> Baseline:
    """The figures of a previous JSON report or estimate (decoded). InputError where it is none."""
    if not isinstance(report, Mapping) or report.get("schema") not in SCHEMAS:
        raise InputError(
            f"{name}: not a zerofloor report ({SCHEMAS[0]}): write one with --format json"
        )
    currency = _currency(report.get("estimate"))
    floor, desired, ceiling = (_money(report, figure, name, currency) for figure in COMPARED)
    prices, estimate = report.get("prices"), report["estimate"]
    snapshot = prices.get("snapshot") if isinstance(prices, Mapping) else None
    unpriced, verdict = estimate.get("unpriced"), report.get("floor")
    missing = len(unpriced) if isinstance(unpriced, list) else 0
    missing += 1 if isinstance(verdict, Mapping) and verdict.get("verdict") == "undecided" else 0
    if any(estimate[figure]["hourly"] is None for figure in COMPARED):
        missing = max(missing, 1)
    return Baseline(
        name,
        floor,
        desired,
        ceiling,
        snapshot if isinstance(snapshot, str) else "",
        _listed(estimate.get("resources"), name, currency),
        missing,
    )


def change(
    baseline: Baseline,
    floor: Amount,
    desired: Amount,
    ceiling: Amount,
    book: PriceBook,
    missing: int = 0,
) -> Change:
    """The hourly difference of each figure; `missing` counts what this run has no price for or
    could not decide.

    InputError where the currencies differ.
    """
    if baseline.floor.currency != book.currency:
        raise InputError(
            f"{baseline.name}: its money is in {baseline.floor.currency}, that of this run "
            f"in {book.currency}"
        )
    notes = []
    if baseline.snapshot != book.snapshot:
        notes.append(
            "The baseline was priced with another snapshot, so a part of the change may be "
            "the prices'."
        )
    if baseline.missing:
        notes.append(
            f"Of the baseline {baseline.missing} had no price or could not be decided, so "
            "the change may be too high."
        )
    if missing:
        notes.append(
            f"Of this run {missing} have no price or can't be decided, so the change may "
            "be too low."
        )
    return Change(
        baseline.name,
        floor.hourly + baseline.floor * -1,
        desired.hourly + baseline.desired * -1,
        ceiling.hourly + baseline.ceiling * -1,
        tuple(notes),
    )


def resource_changes(
    baseline: Baseline, costs: Iterable[ResourceCost], currency: str
) -> tuple[ResourceChange, ...]:
    """What changed, by resource; nothing where the baseline doesn't list them."""
    if baseline.resources is None:
        return ()
    now = _by_urn((one.urn, _figures(one)) for one in costs)
    known = _renamed(baseline.resources, now)
    none = (Money(Decimal(0), currency),) * 3
    changed = []
    for urn in sorted({*now, *known}):
        before, after = known.get(urn, none), now.get(urn, none)
        differences = [b + a * -1 for a, b in zip(before, after, strict=True)]
        if any(one.cents().amount for one in differences):
            changed.append(ResourceChange(urn, *differences))
    return tuple(
        sorted(changed, key=lambda one: (-abs(one.floor.amount), -abs(one.ceiling.amount), one.urn))
    )


def _renamed(before: Mapping[str, _Figures], now: Mapping[str, _Figures]) -> dict[str, _Figures]:
    """The baseline's resources by the URNs of this run: the same one in another stack is no
    change."""
    gone = {urn for urn in before if urn not in now}
    new: dict[str, list[str]] = {}
    for urn in now:
        if urn not in before:
            new.setdefault(_in_any_stack(urn), []).append(urn)
    found = {urn: figures for urn, figures in before.items() if urn not in gone}
    for urn in sorted(gone):
        same = new.get(_in_any_stack(urn), [])
        found[same[0] if len(same) == 1 and same[0] not in found else urn] = before[urn]
    return found


def _in_any_stack(urn: str) -> str:
    return urn.partition("::")[2] if urn.startswith("urn:pulumi:") else urn


_Figures = tuple[Money, Money, Money]


def _figures(cost: ResourceCost) -> _Figures:
    return cost.floor.hourly, cost.desired.hourly, cost.ceiling.hourly


def _by_urn(costs: Iterable[tuple[str, _Figures]]) -> dict[str, _Figures]:
    """A resource may have several lines (the variants of an endpoint): they are added up."""
    found: dict[str, _Figures] = {}
    for urn, figures in costs:
        known = found.get(urn)
        if known is not None:
            figures = (known[0] + figures[0], known[1] + figures[1], known[2] + figures[2])
        found[urn] = figures
    return found


def _listed(resources: Any, name: str, currency: str) -> dict[str, _Figures] | None:
    if not isinstance(resources, list):
        return None
    costs = []
    for one in resources:
        if isinstance(one, Mapping) and isinstance(one.get("urn"), str):
            wrapped = {"estimate": one}
            figures = (
                _money(wrapped, Figure.FLOOR, name, currency),
                _money(wrapped, Figure.DESIRED, name, currency),
                _money(wrapped, Figure.CEILING, name, currency),
            )
            costs.append((one["urn"], figures))
    return _by_urn(costs)


def signed(change: Money) -> str:
    """`+$3.93/h`, `-$0.50/h`, `±$0.00/h`."""
    cents = change.cents().amount
    sign = "+" if cents > 0 else "-" if cents < 0 else "±"
    unit = "$" if change.currency == "USD" else f"{change.currency} "
    return f"{sign}{unit}{abs(cents):,f}/h"


def _currency(estimate: Any) -> str:
    """That of the first amount in an estimate; what has none is reckoned in dollars."""
    waiting = [estimate]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            if isinstance(value.get("currency"), str):
                return str(value["currency"])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return "USD"


def _money(report: Mapping[str, Any], figure: str, name: str, currency: str) -> Money:
    value: Any = report
    for key in ("estimate", figure, "hourly"):
        if key == "hourly" and isinstance(value, Mapping) and value.get(key, value) is None:
            return Money(Decimal(0), currency)  # All of it was unpriced or undecided.
        value = value.get(key) if isinstance(value, Mapping) else None
    amount, unit = (
        (value.get("amount"), value.get("currency")) if isinstance(value, Mapping) else (None, None)
    )
    if isinstance(amount, str) and isinstance(unit, str):
        try:
            parsed = Decimal(amount)
        except InvalidOperation:
            parsed = Decimal("NaN")
        if parsed.is_finite():
            return Money(parsed, unit)
    raise InputError(f"{name}: estimate.{figure}.hourly is not an amount of money")
