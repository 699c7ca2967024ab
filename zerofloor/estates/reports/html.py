"""An audit as one HTML page: self-contained, without scripts; a treemap of what idles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
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
from zerofloor.estates.reports.treemap import Part, treemap
from zerofloor.estates.since import change
from zerofloor.estates.values import Audit, Line
from zerofloor.reports.html import page, text
from zerofloor.words import counted, number, sentence

LINES: Final = 300
"""Resources that are listed, the most expensive first; JSON and CSV have all."""

RECTANGLES: Final = 120
"""Of the treemap; what is smaller is one more rectangle."""

ROWS: Final = 50

STYLE: Final = """
body { max-width: 70rem; }
.treemap text { font: 13px system-ui, sans-serif; fill: #fff; pointer-events: none; }
.treemap rect { stroke: none; } .treemap .faded { opacity: .75; }
td.owner { overflow-wrap: normal; min-width: 5rem; }
.c0 { fill: #0b5cad; } .c1 { fill: #8a3ffc; } .c2 { fill: #00695c; } .c3 { fill: #a0522d; }
.c4 { fill: #9f1853; } .c5 { fill: #4a5568; } .c6 { fill: #7a5900; } .c7 { fill: #1a6e37; }
"""


def render(audit: Audit, by: Sequence[str]) -> str:
    """The page."""
    return page("zerofloor audit", _body(audit, by), STYLE)


def _body(audit: Audit, by: Sequence[str]) -> Iterator[str]:
    word, style = ("FAIL", "fail") if audit.fails else ("PASS", "pass")
    yield f'<h1><span class="{style}">{word}</span> {text(headline(audit))}</h1>'
    yield f'<div class="dim path">{text(audit.backend)}</div>'
    prices = f", prices of {audit.snapshot_as_of}" if audit.snapshot_as_of else ""
    yield f'<div class="dim">{audit.today.isoformat()}{text(prices)}</div>'
    for remark in remarks(audit):
        yield f"<p>{text(remark)}</p>"
    drawn = treemap(_parts(audit))
    if drawn:
        yield f'<h2>What idles</h2><div class="chart">{drawn}</div>'
        yield (
            '<p class="dim">Cost a month: one rectangle a resource, one colour a stack; '
            "paler: waived.</p>"
        )
    for one in by:
        yield from _sums(audit, one)
    yield from _resources(audit)
    yield from _list("Also failing", gate_lines(audit))
    yield from _list("Gone since then", _gone(audit))
    yield from _list("Assumptions", assumption_lines(audit))
    yield from _list("Notes", notice_lines(audit))
    yield from _list("Not judged", problem_lines(audit))


def _parts(audit: Audit) -> list[Part]:
    colours = {row.key: at for at, row in enumerate(grouped(audit, "stack"))}
    lines = [line for line in audit.lines if line.monthly > 0]
    parts = [
        Part(
            label=f"{line.stack} {line.name}",
            value=float(line.monthly),
            shown=_rounded(audit, line.monthly),
            colour=colours[line.stack],
            faded=bool(line.waived_by),
        )
        for line in lines[:RECTANGLES]
    ]
    rest = lines[RECTANGLES:]
    if rest:
        small = sum((line.monthly for line in rest[1:]), rest[0].monthly)
        shown = _rounded(audit, small)
        parts.append(Part(f"{len(rest)} smaller ones", float(small), shown, 5))
    return parts


def _rounded(audit: Audit, amount: Decimal) -> str:
    return money(audit, amount).partition(".")[0]


def _sums(audit: Audit, by: str) -> Iterator[str]:
    rows = grouped(audit, by)
    if not rows:
        return
    yield f'<h2>By {text(title(by))}</h2><div class="chart"><table>'
    heads = ("a month", "waived", "GPUs", "undecided", "unpriced", "new")
    cells = "".join(f'<th class="n">{head}</th>' for head in heads)
    yield f"<tr><th>{text(title(by))}</th>{cells}</tr>"
    for row in rows[:ROWS]:
        counts = (row.undecided, row.unpriced, row.new)
        waived = money(audit, row.waived) if row.waived else ""
        shown = (money(audit, row.monthly), waived, number(row.gpus), *counts)
        cells = "".join(f'<td class="n">{text(str(cell or ""))}</td>' for cell in shown)
        yield f"<tr><td>{text(row.key)}</td>{cells}</tr>"
    yield "</table></div>"
    if len(rows) > ROWS:
        yield f'<p class="dim">and {len(rows) - ROWS} more</p>'


def _resources(audit: Audit) -> Iterator[str]:
    if not audit.lines:
        return
    yield '<h2>What to change</h2><div class="chart"><table>'
    yield (
        '<tr><th class="n">a month</th><th>resource to change</th><th>owner</th>'
        "<th>why, and the change</th></tr>"
    )
    for line in audit.lines[:LINES]:
        yield _resource(audit, line)
    yield "</table></div>"
    if len(audit.lines) > LINES:
        yield f'<p class="dim">and {counted(len(audit.lines) - LINES, "more resource")}</p>'


def _resource(audit: Audit, line: Line) -> str:
    status = change(audit, line)
    said = [f"{line.rule} {line.message}".strip(), sentence(line.fix)]
    if line.waived_by:
        said = [said[0], f"Waived by {line.waived_by}"]
    return (
        f'<tr><td class="n">{text(cost(audit, line))}{f"<br>{text(status)}" if status else ""}</td>'
        f'<td class="path">{text(place(line))}</td><td class="owner">{text(line.owner)}</td>'
        f"<td>{'<br>'.join(text(one) for one in said)}</td></tr>"
    )


def _gone(audit: Audit) -> Iterator[str]:
    for one in audit.fresh.gone if audit.fresh else ():
        yield f"{money(audit, one.monthly)} a month, {one.stack}: {one.message}"


def _list(heading: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        items = "".join(f"<li>{text(line)}</li>" for line in found)
        yield f'<h2>{heading}</h2><ul class="plain">{items}</ul>'
