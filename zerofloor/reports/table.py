"""The report as one page for a terminal: verdict, money, findings, what it rests on. 80 columns, readable without colour."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from zerofloor.estimate import Amount, Figure, Item
from zerofloor.report import Finding, Report
from zerofloor.reports.visible import visible
from zerofloor.words import counted, dollars, number, short

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan", "waived": "dim"}


def render(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The page; escape sequences only where `colour` is set."""
    return _printed(_page(report), width, colour)


def render_estimate(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The money alone."""
    return _printed(_money_page(report), width, colour)


def _printed(parts: Iterable[RenderableType], width: int, colour: bool) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(Group(*parts))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n") + "\n"


def _page(report: Report) -> Iterator[RenderableType]:
    yield _verdict(report)
    yield Text(visible("; ".join(_documents(report))), style="dim")
    if report.floor.entries or report.estimate.items:
        yield _heading("Cost")
        yield _costs(report)
        yield from _items(report)
    yield from _findings(report)
    yield from _assumptions(report)
    yield from _footnotes(report)


def _money_page(report: Report) -> Iterator[RenderableType]:
    yield Text(visible("; ".join(_documents(report))), style="dim")
    yield Text()
    yield _costs(report)
    yield from _items(report)
    yield from _assumptions(report)
    yield from _footnotes(report)


def _findings(report: Report) -> Iterator[RenderableType]:
    for waived, heading in ((False, "Findings"), (True, "Waived")):
        found = [finding for finding in report.findings if (finding.waived_by is not None) is waived]
        if found:
            yield _heading(heading)
            yield from (part for finding in found for part in _finding(finding))


def _assumptions(report: Report) -> Iterator[RenderableType]:
    if report.assumptions:
        yield _heading("Assumed")
        yield from _bullets(f"{a.what}: {a.because}" + ("" if a.source == "default" else f" ({a.source})") for a in report.assumptions)


def _footnotes(report: Report) -> Iterator[RenderableType]:
    if report.estimate.footnotes:
        yield _heading("Notes")
        yield from _bullets(report.estimate.footnotes)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _verdict(report: Report) -> Text:
    failed = report.gate == "fail"
    line = Text()
    line.append("FAIL" if failed else "PASS", style="bold red" if failed else "bold green")
    line.append("  " + headline(report), style="bold")
    return line


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    floor = report.floor
    errors = sum(1 for finding in report.findings if finding.severity == "error" and finding.waived_by is None)
    blocked = f" {counted(errors, 'finding')} to fix." if errors else ""
    if floor.verdict == "zero":
        quiet = "No GPU bills while nobody uses it." if floor.entries else "There is no GPU in it."
        return quiet + blocked
    if floor.verdict == "undecided":
        return f"It can't be decided whether a GPU keeps billing.{blocked}"
    gpus = counted(floor.gpus, "GPU") if floor.gpus else "GPUs"
    nodes = f" on {counted(floor.nodes, 'node')}" if floor.nodes else ""
    open_ones = ", and more may" if floor.undecided else ""
    verb = "keeps" if floor.gpus == 1 else "keep"
    hourly = report.estimate.floor.hourly
    cost = f": {dollars(hourly)}/h, {dollars(report.estimate.floor.monthly)} a month" if hourly.amount else ""
    return f"{gpus}{nodes} {verb} billing while nobody uses {'it' if floor.gpus == 1 else 'them'}{open_ones}{cost}.{blocked}"


HOW = {
    "engine": "previewed by the Pulumi engine",
    "in-process": "previewed in this process, without the Pulumi engine",
    "document": "",
}


def _documents(report: Report) -> Iterator[str]:
    for one in report.documents:
        name = "/".join(part for part in (one.project, one.stack) if part)
        parts = [one.name, f"stack {name}" if name else "", HOW.get(one.previewed_by, "") or one.kind]
        yield ", ".join(part for part in parts if part)


FIGURES: Mapping[Figure, str] = {
    "floor": "a week without a request",
    "desired": "as declared at creation",
    "expected": "under the declared traffic",
    "ceiling": "all scaled out",
    "residual": "stays at zero GPUs: disks, control plane, …",
}
"""What each figure means, in the order of the table."""


def _costs(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", pad_edge=False)
    table.add_column("")
    table.add_column("per hour", justify="right")
    table.add_column("per month", justify="right")
    table.add_column("")
    for name, meaning in FIGURES.items():
        amount: Amount | None = getattr(report.estimate, name)
        if amount is not None:
            table.add_row(name, *columns(amount), meaning)
    return table


def columns(amount: Amount) -> tuple[str, str]:
    """An amount an hour and a month, with its range."""
    if amount.unbounded:
        return "no limit", "no limit"
    if amount.up_to is not None and amount.up_to != amount.hourly:
        top = Amount(amount.up_to)
        return f"{dollars(amount.hourly)} to {dollars(top.hourly)}", f"{dollars(amount.monthly)} to {dollars(top.monthly)}"
    return dollars(amount.hourly), dollars(amount.monthly)


def _items(report: Report) -> Iterator[RenderableType]:
    if not report.estimate.items:
        return
    yield _heading("Made of")
    for item in report.estimate.items:
        yield _hanging(Text(visible(f"{quantity(item)} × {item.what}: {item_price(item)} each an hour")))
        counted_in = ", ".join(item.counts_in)
        yield Padding(Text(visible(f"in {counted_in}; {item.source}, {age(item.as_of, report.today)}"), style="dim"), (0, 0, 0, 4))
    gathered = f"Prices gathered {age(report.estimate.snapshot_as_of, report.today)}; snapshot {report.estimate.snapshot[:12]}."
    yield Text(visible(gathered), style="dim")


def quantity(item: Item) -> str:
    """`2 nodes`, `1,024 GB`."""
    return f"{number(item.quantity)} {item.unit}" if item.unit.isupper() else counted(item.quantity, item.unit)


def item_price(item: Item) -> str:
    """The price of one unit for an hour, with as many places as it has."""
    amount = item.price.amount
    text = f"{amount:,f}" if -amount.as_tuple().exponent >= 2 and amount < 1 else f"{item.price.cents().amount:,f}"  # type: ignore[operator]
    return f"${text}" if item.price.currency == "USD" else f"{item.price.currency} {text}"


def age(date: str, today: datetime.date) -> str:
    """`2026-10-12 (43 days old)`; what is not a date as it is."""
    try:
        days = (today - datetime.date.fromisoformat(date)).days
    except ValueError:
        return f"date {date or 'unknown'}"
    return f"{date} ({counted(days, 'day')} old)" if days >= 0 else date


def _finding(finding: Finding) -> Iterator[RenderableType]:
    head = Text()
    head.append(finding.severity.upper(), style=STYLES["waived" if finding.waived_by else finding.severity])
    head.append(f" {finding.rule} {finding.name}", style="bold")
    if finding.monthly is not None:
        head.append(f"  {dollars(finding.monthly)} a month")
    elif finding.cost_unknown:
        head.append("  cost not known")
    yield head
    where = " ".join(part for part in (visible(short(finding.urn)), f"({visible(finding.source)})" if finding.source else "") if part)
    if where:
        yield _body(where, "dim")
    yield _body(visible(finding.message))
    if finding.fix:
        yield _body(f"Change: {visible(finding.fix)}")
    if finding.waived_by:
        yield _body(f"Waived by {visible(finding.waived_by)}")


def _body(text: str, style: str = "") -> Padding:
    return Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, 2))


def _bullets(lines: Iterable[str]) -> Iterator[RenderableType]:
    for line in lines:
        yield _hanging(Text(visible(line), overflow="fold"))


def _hanging(text: Text) -> Table:
    """A line whose continuation is indented under its text."""
    grid = Table.grid(padding=0)
    grid.add_column(width=2)
    grid.add_column(overflow="fold")
    grid.add_row("-", text)
    return grid
