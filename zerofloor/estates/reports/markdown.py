"""An audit as Markdown: the text of an issue. It stays below what GitHub takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from zerofloor.estates.grouping import grouped
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
from zerofloor.reports.markdown import code, escaped
from zerofloor.words import counted, number, sentence

MARK: Final = "<!-- zerofloor audit -->"
"""By what a workflow finds its issue again."""

LONGEST: Final = 60_000
"""Characters; GitHub takes 65,536 in an issue."""

ROWS: Final = 20
LINES: Final = 30


def render(audit: Audit, by: Sequence[str]) -> str:
    """The text; what would make it too long is left out, and said to be."""
    found: list[str] = []
    length = 0
    for block in _blocks(audit, by):
        length += len(block) + 2
        if length > LONGEST:
            found.append("The rest is left out: see the JSON or the HTML report.")
            break
        found.append(block)
    return "\n\n".join(found) + "\n"


def _blocks(audit: Audit, by: Sequence[str]) -> Iterator[str]:
    yield MARK
    yield f"### Audit: {escaped(headline(audit))}"
    said = [code(audit.backend), audit.today.isoformat(), *map(escaped, remarks(audit))]
    yield " · ".join(said)
    for one in by:
        yield from _sums(audit, one)
    lines = [line for line in audit.lines if not line.waived_by]
    if lines:
        yield "**What to change** (cost a month)"
    for line in lines[:LINES]:
        yield _change(audit, line)
    if len(lines) > LINES:
        yield f"and {counted(len(lines) - LINES, 'more resource')}"
    yield from _folded("Also failing", gate_lines(audit))
    yield from _folded("Gone", _gone(audit))
    yield from _folded("Assumptions", assumption_lines(audit))
    yield from _folded("Notes", notice_lines(audit))
    yield from _folded("Not judged", problem_lines(audit))


def _sums(audit: Audit, by: str) -> Iterator[str]:
    rows = grouped(audit, by)
    if not rows:
        return
    table = [f"| {escaped(title(by))} | a month | GPUs | new |", "|---|--:|--:|--:|"]
    table += [
        f"| {_cell(row.key)} | {_cell(money(audit, row.monthly))} | {number(row.gpus)} | "
        f"{row.new or ''} |"
        for row in rows[:ROWS]
    ]
    yield "\n".join(table)
    if len(rows) > ROWS:
        yield f"and {len(rows) - ROWS} more"


def _cell(text: str) -> str:
    return escaped(text).replace("|", "\\|").replace("\\\\|", "\\|")


def _change(audit: Audit, line: Line) -> str:
    status = change(audit, line)
    owner = f" · {escaped(line.owner)}" if line.owner else ""
    new = f" · {escaped(status)}" if status else ""
    said = " ".join(sentence(one) for one in (line.message, line.fix) if one)
    return f"- **{escaped(cost(audit, line))}** {code(place(line))}{owner}{new}<br>{escaped(said)}"


def _gone(audit: Audit) -> Iterator[str]:
    for one in audit.fresh.gone if audit.fresh else ():
        yield f"{money(audit, one.monthly)} a month, {one.stack}: {one.message}"


def _folded(heading: str, lines: Iterable[str]) -> Iterator[str]:
    found = [f"- {escaped(line)}" for line in lines]
    if found:
        listed = "\n".join(found)
        yield f"<details><summary>{heading} ({len(found)})</summary>\n\n{listed}\n\n</details>"
