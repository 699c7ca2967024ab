"""The report as one page for a terminal: verdict, what to change, money, what it rests on. 80
columns, readable without colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from zerofloor.cost.owners import Totals
from zerofloor.report import Finding, Report
from zerofloor.reports import layout
from zerofloor.reports.groups import Group, groups_of
from zerofloor.reports.layout import styled, wrapped
from zerofloor.reports.phrases import (
    assumptions,
    changed_resources,
    changes,
    cost_of,
    document,
    gathered,
    headline,
    meaning,
    notes,
    place,
    priced_lines,
    rows,
    severity_of,
    sources_of,
    total_rows,
    totals_of,
    verdict,
    waiting,
)
from zerofloor.reports.visible import visible
from zerofloor.words import counted, short

IN_A_GROUP: Final = 10
"""Resources that are listed for one group of findings; the JSON report has all of them."""


def render(report: Report, *, width: int = 80, colour: bool = False) -> str:
    """The page; escape sequences only where `colour` is set."""
    return _Page(report, width, colour).text(_Page.whole)


def render_estimate(report: Report, *, width: int = 80, colour: bool = False, by: str = "") -> str:
    """The money alone; `by` asks for totals by a key."""
    return _Page(report, width, colour, by).text(_Page.money)


class _Page:
    """One report at one width."""

    def __init__(self, report: Report, width: int, colour: bool, by: str = "") -> None:
        self.report = report
        self.by = by
        self.width = width
        self.colour = colour

    def text(self, lines: Callable[[_Page], Iterator[str]]) -> str:
        return "\n".join(lines(self)).strip("\n") + "\n"

    def whole(self) -> Iterator[str]:
        yield from self.headline()
        yield from self.documents()
        for waived, title in ((False, "Findings"), (True, "Waived")):
            yield from self.findings(title, waived=waived)
        yield from self.bullets(
            "Fixed (write the baseline anew)",
            (f"{one.rule} {short(one.urn)}: {one.message}" for one in self.report.fixed),
        )
        if self.report.floor.entries or self.report.estimate.items:
            yield from self.heading("Cost")
            yield from self.costs()
        yield from self.bullets("Assumptions", assumptions(self.report))
        yield from self.bullets("Notes", notes(self.report))
        if self.report.floor.entries or self.report.estimate.items:
            yield from self.breakdown()

    def money(self) -> Iterator[str]:
        yield from self.paragraph(verdict(self.report), style="bold")
        yield from self.documents()
        yield ""
        yield from self.costs()
        if self.by:
            yield from self.totals(totals_of(self.report, self.by))
        yield from self.bullets("Assumptions", assumptions(self.report))
        yield from self.bullets("Notes", [*self.report.estimate.footnotes, *waiting(self.report)])
        yield from self.breakdown()

    def headline(self) -> Iterator[str]:
        word, style = ("FAIL", "error") if self.report.gate == "fail" else ("PASS", "pass")
        text = headline(self.report)
        first, *more = wrapped(text, self.width, indent=f"{word}  ", hang="")
        yield styled(word, style, self.colour) + styled(first[len(word) :], "bold", self.colour)
        yield from (styled(line, "bold", self.colour) for line in more)

    def documents(self) -> Iterator[str]:
        for one in self.report.documents:
            yield from self.paragraph(document(one), style="dim")
        for source in self.report.settings:
            yield from self.paragraph(f"settings {source.file} ({source.owner})", style="dim")

    def costs(self) -> Iterator[str]:
        shown = [(one.name, one.hourly, one.monthly, one.explained) for one in rows(self.report)]
        yield from self.money_rows([("", "per hour", "per month", ""), *shown])
        told = [*changes(self.report), *meaning(self.report)]
        if told:
            yield ""
        for line in told:
            yield from self.paragraph(line)
        yield from self.bullets("Changed", changed_resources(self.report))

    def totals(self, found: Totals) -> Iterator[str]:
        yield from self.heading(f"By {visible(found.by)}, a month")
        if found.note:
            yield from self.paragraph(found.note)
        listed = [tuple(visible(cell) for cell in row) for row in total_rows(found)]
        lines = list(layout.columns(listed, frozenset(range(1, len(listed[0])))))
        if max(map(layout.cells, lines)) <= self.width:
            yield styled(lines[0], "dim", self.colour)
            yield from lines[1:]
            return
        head, *rest = listed
        for value, *amounts in rest:
            told = ", ".join(
                f"{name} {amount}" for name, amount in zip(head[1:], amounts, strict=True)
            )
            yield from wrapped(f"{value}: {told}", self.width, hang="  ")

    def money_rows(self, rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
        for kept in (4, 3):
            lines = list(layout.columns([row[:kept] for row in rows], frozenset({1, 2})))
            if max(map(layout.cells, lines)) <= self.width:
                yield styled(lines[0], "dim", self.colour)
                yield from lines[1:]
                return
        # An amount is never divided: hour and month stand below each other.
        for line in layout.columns(_stacked(rows), frozenset()):
            yield from wrapped(line, self.width) if layout.cells(line) > self.width else (line,)

    def breakdown(self) -> Iterator[str]:
        lines = priced_lines(self.report)
        yield from self.bullets("Breakdown", (f"{line.text} [{line.mark}]" for line in lines))
        yield ""
        for line in (*sources_of(lines, self.report), gathered(self.report)):
            yield from self.paragraph(line, style="dim")

    def findings(self, title: str, *, waived: bool) -> Iterator[str]:
        found = [one for one in self.report.findings if (one.waived_by is not None) is waived]
        if found:
            yield from self.heading(title)
        for group in groups_of(found):
            yield from self.group(group)

    def group(self, group: Group) -> Iterator[str]:
        first = group.findings[0]
        style = "dim" if first.waived_by or first.tolerated else first.severity.value
        number = len(group.findings)
        head = f" {first.rule} {first.name}{group.spread}"
        severity = styled(severity_of(first).upper(), style, self.colour)
        cost = cost_of(group)
        if layout.cells(f"{severity_of(first)}{head}  {cost}") <= self.width:
            yield severity + styled(head, "bold", self.colour) + (f"  {cost}" if cost else "")
        else:
            yield severity
            yield from self.paragraph(f"{head.strip()} {cost}", style="bold")
        for finding in group.findings[:IN_A_GROUP]:
            yield from self.finding(finding, alone=number == 1)
        if number > IN_A_GROUP:
            rest = counted(number - IN_A_GROUP, "more resource")
            yield f"  and {rest}: the JSON report lists all of them"
        if first.fix:
            yield from self.paragraph(f"Change: {first.fix}", indent="  ")
        if first.waived_by:
            yield from self.paragraph(f"Waived by {first.waived_by}", indent="  ")

    def finding(self, finding: Finding, *, alone: bool) -> Iterator[str]:
        where = place(finding)
        where += f" [{finding.status}]" if finding.status else ""
        where += "" if alone or finding.monthly is None else f", {cost_of(finding)}"
        if where.strip():
            yield from self.paragraph(where.strip(), indent="  ", style="dim")
        yield from self.paragraph(finding.message, indent="  ")
        if finding.grew:
            yield from self.paragraph(f"Worse: {finding.grew}", indent="  ")

    def heading(self, text: str) -> Iterator[str]:
        yield ""
        yield styled(text, "bold", self.colour)

    def paragraph(self, text: str, *, indent: str = "", style: str = "") -> Iterator[str]:
        for line in wrapped(visible(text), self.width, indent=indent):
            yield styled(line, style, self.colour)

    def bullets(self, title: str, lines: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(lines):
            if number == 0:
                yield from self.heading(title)
            yield from wrapped(visible(line), self.width, indent="- ", hang="  ")


def _stacked(rows: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    found = []
    for name, hourly, monthly, _ in rows:
        found += [(name, hourly), ("", monthly)]
    return found
