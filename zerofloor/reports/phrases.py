"""What table and Markdown say in the same words: the verdict, amounts, prices, ages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.baseline import signed
from zerofloor.estimate import Amount, Figure, Item
from zerofloor.money import Money
from zerofloor.report import DocumentInfo, Report
from zerofloor.words import counted, dollars, number, short

FIGURES: Final[Mapping[Figure, str]] = {
    "floor": "a week without a request",
    "desired": "as declared at creation",
    "expected": "under the declared traffic",
    "ceiling": "all scaled out",
    "residual": "stays at zero GPUs: disks, control plane, …",
}
"""What each figure means, in the order of the table."""

HOW: Final = {
    "engine": "previewed by the Pulumi engine",
    "in-process": "previewed in this process, without the Pulumi engine",
}


def headline(report: Report) -> str:
    """The verdict in one sentence, and how much is left to do."""
    errors = sum(1 for finding in report.findings if finding.severity == "error" and finding.waived_by is None)
    return _verdict(report) + (f" {counted(errors, 'finding')} to fix." if errors else "")


def document(one: DocumentInfo) -> str:
    """A document in a line: its name, its stack, and who previewed it."""
    stack = "/".join(part for part in (one.project, one.stack) if part) if one.kind != "manifests" else ""
    return ", ".join(part for part in (one.name, f"stack {stack}" if stack else "", HOW.get(one.previewed_by, one.kind)) if part)


def columns(report: Report, figure: Figure) -> tuple[str, str] | None:
    """A figure an hour and a month, with its range; None where there is none. A part without a price shows as one."""
    amount: Amount | None = getattr(report.estimate, figure)
    if amount is None:
        return None
    if amount.unbounded:
        return "no limit", "no limit"
    if figure in unpriced_figures(report):
        if not amount.hourly.amount:
            return "unpriced", "unpriced"
        return f"{_range(amount, 1)} + unpriced", f"{_range(amount, 730)} + unpriced"
    return _range(amount, 1), _range(amount, 730)


def unpriced_figures(report: Report) -> frozenset[Figure]:
    """The figures in which something has no price: their sums are a least."""
    supplies = {entry.urn: entry.supply for entry in report.floor.entries if entry.supply is not None}
    found: set[Figure] = set()
    for gap in report.estimate.gaps:
        supply = supplies.get(gap.urn)
        if supply is None:
            found.add("residual")
            continue
        if supply.nodes or supply.node_hours_per_week:
            found.add("floor")
        if supply.desired:
            found.add("desired")
        if supply.ceiling != 0:
            found |= {"ceiling", "expected"}
    return frozenset(found)


def priced_lines(report: Report) -> list[tuple[str, str]]:
    """What the figures are made of: each kind of thing with its price, quantities and resources, and where its price is from."""
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in report.estimate.items:
        groups.setdefault((item.what, item.unit.partition(",")[0], item.source, item.as_of, _priced(item)), []).append(item)
    lines = []
    for (what, unit, source, as_of, cost), items in groups.items():
        names = list(dict.fromkeys(item.urn.rsplit("::", 1)[-1] for item in items))
        of = ", ".join(names) if len(names) <= 3 else f"{len(names)} resources"
        lines.append((f"{what}: {cost} per {unit} and hour; {_quantities(items)} ({of})", f"{source}, {age(as_of, report.today)}"))
    return lines


def gathered(report: Report) -> str:
    """Which snapshot the prices are from, and how old it is."""
    return f"Prices gathered {age(report.estimate.snapshot_as_of, report.today)}; snapshot {report.estimate.snapshot[:12]}."


def _priced(item: Item) -> str:
    return price(item.price) + (f" to {price(item.dearest)}" if item.dearest is not None and item.dearest != item.price else "")


def _quantities(items: list[Item]) -> str:
    """`2 nodes in floor, desired; 4 nodes in ceiling`, `200 GB in residual`, `0.2 node-hours once`."""
    sums: dict[tuple[Figure, ...], Decimal] = {}
    for item in items:
        sums[item.counts_in] = sums.get(item.counts_in, Decimal(0)) + item.quantity
    unit = items[0].unit.partition(",")[0]
    return "; ".join(
        (f"{number(quantity)} {unit}" if unit.isupper() else counted(quantity, unit))
        + (f" in {', '.join(figures)}" if figures else " once")
        for figures, quantity in sums.items()
    )


def age(date: str, today: datetime.date) -> str:
    """`2026-10-12 (43 days old)`; what is not a date as it is."""
    try:
        days = (today - datetime.date.fromisoformat(date)).days
    except ValueError:
        return f"date {date or 'unknown'}"
    return f"{date} ({counted(days, 'day')} old)" if days >= 0 else date


def notes(report: Report) -> list[str]:
    """The estimate's footnotes without those that a finding tells already."""
    told = {finding.urn for finding in report.findings if finding.name == "unpriced-gpu"}
    heads = {f"{short(gap.urn)}: {gap.what}" for gap in report.estimate.gaps if gap.blocks and gap.urn in told}
    return [note for note in report.estimate.footnotes if note.partition(" is unpriced: ")[0] not in heads]


def changes(report: Report) -> Iterator[str]:
    """The change against a baseline, where there is one."""
    change = report.estimate.change
    if change is not None:
        yield f"Against {change.against}: floor {signed(change.floor)}, desired {signed(change.desired)}, ceiling {signed(change.ceiling)}."
        yield from change.notes


def meaning(report: Report) -> Iterator[str]:
    """What the floor comes to for people; what waking costs; where serverless is cheaper."""
    said = report.estimate.meaning
    if said is not None and report.estimate.floor.hourly.amount:
        least = "at least " if "floor" in unpriced_figures(report) else ""
        noticed = f"{dollars(said.until_noticed)} until someone notices ({counted(said.noticed_after_days, 'day')})"
        year = f"{dollars(said.first_year)} in the first year"
        yield f"Forgotten, the floor costs {least}{dollars(said.weekend)} over a weekend, {noticed}, {year}."
        saved = f"Scaling to zero saves {dollars(said.saves_monthly)} a month"
        yield f"{saved}; the first request after idle then waits {_seconds(said.wait.least, said.wait.most)}."
    if report.estimate.break_even is not None:
        yield report.estimate.break_even.verdict


def waiting(report: Report) -> list[str]:
    """What the first request after idle waits for, part by part, each with its source."""
    said = report.estimate.meaning
    if said is None:
        return []
    return [f"First request after idle: {part.what}, {_seconds(part.least, part.most)} ({part.source})." for part in said.wait.parts]


def _seconds(least: Decimal, most: Decimal) -> str:
    return f"{number(least)} s" if least == most else f"{number(least)} to {number(most)} s"


def _verdict(report: Report) -> str:
    floor = report.floor
    if floor.verdict == "zero":
        return "No GPU bills while nobody uses it." if floor.entries else "There is no GPU in it."
    if floor.verdict == "undecided":
        return "It can't be decided whether a GPU keeps billing."
    one = floor.gpus == 1
    gpus = counted(floor.gpus, "GPU") if floor.gpus else "GPUs"
    nodes = f" on {counted(floor.nodes, 'node')}" if floor.nodes else ""
    more = ", and more may" if floor.undecided else ""
    return f"{gpus}{nodes} {'keeps' if one else 'keep'} billing while nobody uses {'it' if one else 'them'}{more}{_cost(report)}."


def _cost(report: Report) -> str:
    amount = report.estimate.floor
    if not amount.hourly.amount:
        return ", at a cost that is not known"
    least = "at least " if "floor" in unpriced_figures(report) else ""
    return f": {least}{dollars(amount.hourly)}/h, {dollars(amount.monthly)} a month"


def _range(amount: Amount, hours: int) -> str:
    low = dollars(amount.hourly * hours)
    return low if amount.up_to is None or amount.up_to == amount.hourly else f"{low} to {dollars(amount.up_to * hours)}"


def price(money: Money) -> str:
    """As many places as a small price has, at least cents."""
    exponent = money.amount.as_tuple().exponent
    if money.amount >= 1 or not isinstance(exponent, int) or exponent > -2:
        return dollars(money)
    text = f"{money.amount.quantize(Decimal('0.000001')):f}".rstrip("0")
    whole, _, part = text.partition(".")
    return (f"${whole}" if money.currency == "USD" else f"{money.currency} {whole}") + f".{part.ljust(2, '0')}"
