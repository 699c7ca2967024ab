"""An audit as one page for a terminal: the sum, the sums by what was asked for, what to change
first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from zerofloor.capacity import WEEK
from zerofloor.estates.grouping import Row, grouped
from zerofloor.estates.reports.phrases import (
    assumption_lines,
    cost,
    gate_lines,
    headline,
    money,
    notice_lines,
    place,
    problem_lines,
    remarks,
    title,
)
from zerofloor.estates.since import change
from zerofloor.estates.values import Audit, Line
from zerofloor.reports.layout import columns, styled, wrapped
from zerofloor.reports.visible import visible
from zerofloor.words import counted, hours, number, sentence

ROWS: Final = 20
"""Rows of a sum that are shown; JSON and CSV have all."""

LINES: Final = 10
"""Resources that are shown, the most expensive first."""

NAMED: Final = 20
"""Stacks that are named where something is to be said of each."""


def render(audit: Audit, by: Sequence[str], *, width: int = 80, colour: bool = False) -> str:
    """The page; escape sequences only where `colour` is set."""
    return "\n".join(_lines(audit, by, width, colour)).strip("\n") + "\n"


def _lines(audit: Audit, by: Sequence[str], width: int, colour: bool) -> Iterator[str]:
    word, style = ("FAIL", "error") if audit.fails else ("PASS", "pass")
    yield f"{styled(word, style, colour)}  {headline(audit)}"
    yield from wrapped(visible(audit.backend), width)
    for remark in remarks(audit):
        yield from wrapped(remark, width)
    for one in by:
        yield from _sums(audit, one, width, colour)
    yield from _what_to_change(audit, width, colour)
    yield from _section("Also failing", gate_lines(audit), width, colour)
    yield from _section("Gone", _gone(audit), width, colour)
    yield from _section("Assumptions", assumption_lines(audit), width, colour)
    yield from _section("Notes", notice_lines(audit), width, colour)
    yield from _section("Not judged", problem_lines(audit), width, colour)


def _sums(audit: Audit, by: str, width: int, colour: bool) -> Iterator[str]:
    rows = grouped(audit, by)
    if not rows:
        return
    yield from ("", styled(f"By {title(by)}", "bold", colour))
    cells = [_cells(audit, row, max(width - 42, 16)) for row in rows[:ROWS]]
    head = (f"{title(by)}", "a month", "GPUs", "")
    for line in columns([head, *cells], frozenset({1, 2})):
        yield f"  {line}"
    if len(rows) > ROWS:
        rest = sum((row.monthly for row in rows[ROWS:]), rows[0].monthly * 0)
        yield f"  and {len(rows) - ROWS} more: {money(audit, rest)} a month"


def _cells(audit: Audit, row: Row, widest: int) -> tuple[str, str, str, str]:
    key = visible(row.key)
    said = [
        f"{row.new} new" if row.new else "",
        f"{money(audit, row.waived)} waived" if row.waived else "",
        f"{row.unpriced} unpriced" if row.unpriced else "",
        f"{row.undecided} undecided" if row.undecided else "",
    ]
    shown = key if len(key) <= widest else f"…{key[1 - widest :]}"
    return shown, money(audit, row.monthly), number(row.gpus), ", ".join(filter(None, said))


def _what_to_change(audit: Audit, width: int, colour: bool) -> Iterator[str]:
    lines = [line for line in audit.lines if not line.waived_by]
    if not lines:
        return
    yield from ("", styled("What to change", "bold", colour))
    for line in lines[:LINES]:
        yield from _change(audit, line, width, colour)
    if len(lines) > LINES:
        yield f"  and {counted(len(lines) - LINES, 'more resource')}"


def _change(audit: Audit, line: Line, width: int, colour: bool) -> Iterator[str]:
    said = [cost(audit, line)]
    if line.state != "undecided" and line.hours_per_week < WEEK:
        said.append(hours(line.hours_per_week))
    whose = filter(None, (line.owner or "no owner", change(audit, line)))
    head = f"{', '.join(said)}  {place(line)}  ({'; '.join(whose)})"
    yield from (
        styled(part, "bold", colour)
        for part in wrapped(visible(head), width, indent="  ", hang="    ")
    )
    for text in (line.message, line.fix):
        yield from wrapped(visible(sentence(text)), width, indent="    ")


def _gone(audit: Audit) -> Iterator[str]:
    for one in audit.fresh.gone if audit.fresh else ():
        yield f"{money(audit, one.monthly)} a month, {one.stack}: {one.message}"


def _section(name: str, lines: Iterator[str], width: int, colour: bool) -> Iterator[str]:
    found = list(lines)
    if not found:
        return
    yield from ("", styled(name, "bold", colour))
    for line in found[:NAMED]:
        yield from wrapped(visible(line), width, indent="  ", hang="    ")
    if len(found) > NAMED:
        yield f"  and {len(found) - NAMED} more"
