"""The report as Markdown for a comment on a pull request; nothing in it from a document can format,
link or mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from zerofloor.cost.owners import Totals
from zerofloor.gate.waivers import blocks
from zerofloor.report import Finding, Fixed, Report
from zerofloor.reports.groups import Group, groups_of
from zerofloor.reports.links import help_url
from zerofloor.reports.phrases import (
    NOT_JUDGED,
    assumptions,
    changes,
    cost_of,
    dated,
    document,
    headline,
    meaning,
    notes,
    priced_lines,
    rows,
    severity_of,
    signed_monthly,
    total_rows,
    totals_of,
    verdict,
    waiting,
)
from zerofloor.reports.visible import visible
from zerofloor.words import counted, short

MARKER: Final = "<!-- zerofloor -->"
"""What a workflow looks for to update its comment instead of adding one."""

WHOLE_AT_MOST: Final = 65_000
"""Characters of a comment; GitHub takes 65,536."""

FINDINGS_AT_MOST: Final = 14_000
FOLDED_AT_MOST: Final = 5_000
"""Characters of a list."""

SECTIONS: Final = (
    ("New", "new"),
    ("Worse than before", "worse"),
    ("Known before", "existing"),
    ("Findings", None),
)
"""Headings by the status of their findings."""

ROWS_AT_MOST: Final = 20

WHY_AT_MOST: Final = 2_000


def render(report: Report) -> str:
    """The comment; ends with a newline."""
    return render_all([report])


def render_all(reports: Sequence[Report], failures: Sequence[str] = ()) -> str:
    """One comment for several reports and what could not be judged, with the marker once."""
    failed = [f"### ⚠️ {NOT_JUDGED}\n\n{escaped(why[:WHY_AT_MOST])}\n" for why in failures]
    pages = [*failed[:ROWS_AT_MOST], *("\n".join(_lines(report)) for report in reports)]
    text = f"{MARKER}\n" + "\n".join(pages) + "\n"
    if len(text) <= WHOLE_AT_MOST:
        return text
    heads = [*failed[:ROWS_AT_MOST], *(f"{_title(report)}\n" for report in reports)]
    listed = "\n".join(_within(WHOLE_AT_MOST - 500, heads))
    return f"{MARKER}\n{listed}\nToo long for one comment; see the other reports of this run.\n"


def render_estimate(report: Report, by: str = "") -> str:
    """The money alone; `by` asks for totals by a key."""
    lines = (
        f"**{escaped(verdict(report))}**",
        "",
        *_documents(report),
        *_changed_resources(report),
        *_costs(report),
        *(_totals(totals_of(report, by)) if by else ()),
        *_folded("Assumptions", assumptions(report)),
        *_folded("Notes", [*report.estimate.footnotes, *waiting(report)]),
    )
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that shows as it is: no markup, no HTML, no mention, no reference to an issue, on one
    line."""
    out = re.sub(
        r"([\\`*_\[\]|~])", r"\\\1", visible(text).replace("&", "&amp;").replace("<", "&lt;")
    )
    out = re.sub(r"^(\s*)([#+>-]|\d+(?=[.)]))", r"\1<!-- -->\2", out)
    return re.sub(r"@|#(?=\d)|:(?=//)|www(?=\.)", r"\g<0><!-- -->", out)


def code(text: str) -> str:
    """Text as an inline code span, also where it has backticks, and in a table cell."""
    shown = visible(text)
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", shown)), default=0))
    pad = " " if "`" in shown or shown[:1] == " " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}".replace("|", "\\|")


def sentence(text: str) -> str:
    """A sentence of ours that quotes code between backticks, as prose with code in it."""
    parts = re.split(r"`([^`\n]+)`", text)
    return "".join(code(part) if at % 2 else _inner(part) for at, part in enumerate(parts))


def _inner(text: str) -> str:
    found = escaped(f"x{text}")  # The x keeps what only matters at a line's beginning from it.
    return found[1:]


def _lines(report: Report) -> Iterator[str]:
    yield _title(report)
    yield ""
    yield from _documents(report)
    yield from _changed_resources(report)
    open_ones = [one for one in report.findings if one.waived_by is None]
    for heading, status in SECTIONS:
        found = [one for one in open_ones if one.status == status]
        if heading == "Findings" and report.baseline is not None:
            heading = "Notices"
        yield from _section(heading, found, report)
    yield from _fixed(report.fixed)
    waived = [one for one in report.findings if one.waived_by is not None]
    yield from _section("Waived", waived, report)
    if report.floor.entries or report.estimate.items:
        yield from _costs(report)
    yield from _folded("Assumptions", assumptions(report))
    yield from _folded("Notes", notes(report))
    yield from _folded("Settings in force", [f"{s.file} ({s.owner})" for s in report.settings])


def _title(report: Report) -> str:
    mark = "❌" if report.gate == "fail" else "✅"
    return f"### {mark} zerofloor: {escaped(headline(report))}"


def _documents(report: Report) -> Iterator[str]:
    for one in report.documents[:ROWS_AT_MOST]:
        yield document(one, code)
        yield ""


def _changed_resources(report: Report) -> Iterator[str]:
    change = report.estimate.change
    if change is None or not change.resources:
        return
    yield "| change a month | idle | at deployment | at maximum scale |"
    yield "|---|---:|---:|---:|"
    for one in change.resources[:ROWS_AT_MOST]:
        amounts = " | ".join(
            signed_monthly(money) for money in (one.floor, one.desired, one.ceiling)
        )
        yield f"| {code(short(one.urn))} | {amounts} |"
    more = len(change.resources) - ROWS_AT_MOST
    if more > 0:
        yield f"| {counted(more, 'more resource')} | | | |"
    total = " | ".join(
        signed_monthly(one) for one in (change.floor, change.desired, change.ceiling)
    )
    yield f"| **total** | {total} |"
    yield ""


def _totals(found: Totals) -> Iterator[str]:
    head, *rest = total_rows(found)
    yield f"| {' | '.join([f'{code(head[0])} a month', *head[1:]])} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for value, *amounts in rest:
        yield f"| {code(value)} | {' | '.join(amounts)} |"
    yield ""
    if found.note:
        yield escaped(found.note)
        yield ""


def _costs(report: Report) -> Iterator[str]:
    yield "| cost | per hour | per month | |"
    yield "|---|---:|---:|---|"
    for row in rows(report):
        yield f"| {row.name} | {row.hourly} | {row.monthly} | {row.explained} |"
    yield ""
    for line in (*changes(report), *meaning(report)):
        yield escaped(line)
        yield ""
    lines = [line.text for line in priced_lines(report)]
    yield from _folded("Breakdown", [*lines, dated(report)])


def _section(heading: str, findings: Sequence[Finding], report: Report) -> Iterator[str]:
    if not findings:
        return
    yield f"#### {heading}"
    yield ""
    entries = ["\n".join(_group(group, report)) for group in groups_of(findings)]
    yield from _within(FINDINGS_AT_MOST, entries)
    yield ""


def _group(group: Group, report: Report) -> Iterator[str]:
    first, number = group.findings[0], len(group.findings)
    url = help_url(report, first.rule, first.name)
    name = f"{first.rule} {first.name}"
    cost = cost_of(group)
    severity = f"**{first.severity}**" if blocks(first) else severity_of(first)
    head = f"- {severity} {f'[{name}]({url})' if url else name}{group.spread}"
    yield head + (f", {cost}" if cost else "") + "<br>"
    for finding in group.findings[:ROWS_AT_MOST]:
        where = f"{code(short(finding.urn))} " if finding.urn else ""
        source = code(finding.source) if finding.source else ""
        source = f"({source}) " if source and where else f"{source} ".lstrip()
        yield f"  {where}{source}{sentence(finding.message)}<br>"
        if finding.grew:
            yield f"  **Worse:** {escaped(finding.grew)}<br>"
    if number > ROWS_AT_MOST:
        yield f"  and {counted(number - ROWS_AT_MOST, 'more resource')}<br>"
    if first.fix:
        yield f"  **Change:** {sentence(first.fix)}"
    if first.waived_by:
        yield f"  <br>Waived by {escaped(first.waived_by)}"


def _fixed(fixed: Sequence[Fixed]) -> Iterator[str]:
    if fixed:
        yield f"#### Fixed ({counted(len(fixed), 'finding')}; write the baseline anew)"
        yield ""
        lines = [f"- {one.rule} {code(short(one.urn))}" for one in fixed]
        yield from _within(FOLDED_AT_MOST, lines)
        yield ""


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    shown = [f"- {escaped(line)}" for line in lines]
    if shown:
        yield f"<details><summary>{title} ({counted(len(shown), 'line')})</summary>"
        yield ""
        yield from _within(FOLDED_AT_MOST, shown)
        yield ""
        yield "</details>"
        yield ""


def _within(most: int, entries: Sequence[str]) -> Iterator[str]:
    """As many entries as fit, and how many more there are; the first ones matter most."""
    room = most
    for index, entry in enumerate(entries):
        room -= len(entry) + 1
        if room < 0:
            more = len(entries) - index
            yield f"- … and {more} more: the table and the JSON report have all of them"
            return
        yield entry
