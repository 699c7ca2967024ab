"""The report as one page for a terminal: verdict, money, findings, what it rests on. 80 columns,
readable without colour."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from zerofloor.report import Finding, Report
from zerofloor.reports.phrases import (
    FIGURES,
    assumptions,
    changes,
    columns,
    document,
    gathered,
    headline,
    meaning,
    notes,
    priced_lines,
    verdict,
    waiting,
)
from zerofloor.reports.visible import visible
from zerofloor.words import dollars, short

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan", "waived": "dim"}


def render(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The page; escape sequences only where `colour` is set."""
    return _printed(_page(report, width), width, colour)


def render_estimate(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The money alone."""
    return _printed(_money_page(report, width), width, colour)


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


def _page(report: Report, width: int) -> Iterator[RenderableType]:
    yield _verdict(report)
    yield from _documents(report)
    if report.floor.entries or report.estimate.items:
        yield _heading("Cost")
        yield _costs(report, width)
        yield from _items(report)
    yield from _findings(report)
    yield from _assumptions(report)
    yield from _footnotes(notes(report))


def _money_page(report: Report, width: int) -> Iterator[RenderableType]:
    yield Text(verdict(report), style="bold")
    yield from _documents(report)
    yield Text()
    yield _costs(report, width)
    yield from _items(report)
    yield from _assumptions(report)
    yield from _footnotes([*report.estimate.footnotes, *waiting(report)])


def _findings(report: Report) -> Iterator[RenderableType]:
    for waived, heading in ((False, "Findings"), (True, "Waived")):
        found = [
            finding for finding in report.findings if (finding.waived_by is not None) is waived
        ]
        if found:
            yield _heading(heading)
            yield from (part for finding in found for part in _finding(finding))


def _assumptions(report: Report) -> Iterator[RenderableType]:
    if report.assumptions:
        yield _heading("Assumed")
        yield from _bullets(assumptions(report))


def _footnotes(lines: Sequence[str]) -> Iterator[RenderableType]:
    if lines:
        yield _heading("Notes")
        yield from _bullets(lines)


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _verdict(report: Report) -> Text:
    failed = report.gate == "fail"
    line = Text()
    line.append("FAIL" if failed else "PASS", style="bold red" if failed else "bold green")
    line.append("  " + headline(report), style="bold")
    return line


def _documents(report: Report) -> Iterator[RenderableType]:
    for one in report.documents:
        yield Text(visible(document(one)), style="dim", overflow="fold")


def _costs(report: Report, width: int) -> Table:
    rows = [
        (name, *shown, explained)
        for name, explained in FIGURES.items()
        if (shown := columns(report, name)) is not None
    ]
    taken = sum(2 + max(len(row[column]) for row in rows) for column in range(3))
    table = Table(
        box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim", pad_edge=False
    )
    table.add_column("")
    if taken > width:  # an amount is never torn apart
        table.add_column("per hour, per month")
        for name, hourly, monthly, _ in rows:
            table.add_row(name, f"{hourly}\n{monthly}")
        return table
    table.add_column("per hour", justify="right")
    table.add_column("per month", justify="right")
    explain = taken + max(len(row[3]) for row in rows) <= width
    if explain:
        table.add_column("")
    for row in rows:
        table.add_row(*(row if explain else row[:3]))
    return table


def _items(report: Report) -> Iterator[RenderableType]:
    told = [*changes(report), *meaning(report)]
    if told:
        yield Text()
    for line in told:
        yield Text(visible(line))
    lines, sources = priced_lines(report)
    if lines:
        yield _heading("Made of")
        yield from _bullets(lines)
        yield Text()
        for source in sources:
            yield Text(visible(source), style="dim", overflow="fold")
    else:
        yield Text()
    yield Text(visible(gathered(report)), style="dim")


def _finding(finding: Finding) -> Iterator[RenderableType]:
    head = Text()
    head.append(
        finding.severity.upper(), style=STYLES["waived" if finding.waived_by else finding.severity]
    )
    head.append(f" {finding.rule} {finding.name}", style="bold")
    if finding.monthly is not None:
        head.append(f"  {dollars(finding.monthly)} a month")
    elif finding.cost_unknown:
        head.append("  cost not known")
    yield head
    where = " ".join(
        part
        for part in (
            visible(short(finding.urn)),
            f"({visible(finding.source)})" if finding.source else "",
        )
        if part
    )
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
