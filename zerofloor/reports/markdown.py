"""The report as Markdown for a comment on a pull request; nothing in it from a document can format,
link or mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

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
from zerofloor.words import counted, dollars, short

FINDINGS_AT_MOST: Final = 16_000
FOLDED_AT_MOST: Final = 8_000
"""Characters of a list: a comment on GitHub takes 65,536 in all."""


def render(report: Report) -> str:
    """The comment; ends with a newline."""
    return "\n".join(_lines(report)) + "\n"


def render_estimate(report: Report) -> str:
    """The money alone."""
    assumed = _folded("Assumed", assumptions(report))
    notes_ = _folded("Notes", [*report.estimate.footnotes, *waiting(report)])
    return (
        "\n".join(
            (
                f"**{escaped(verdict(report))}**",
                "",
                *_documents(report),
                *_costs(report),
                *assumed,
                *notes_,
            )
        )
        + "\n"
    )


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


def _lines(report: Report) -> Iterator[str]:
    mark = "❌" if report.gate == "fail" else "✅"
    yield f"### {mark} zerofloor: {escaped(headline(report))}"
    yield ""
    yield from _documents(report)
    if report.floor.entries or report.estimate.items:
        yield from _costs(report)
    for waived, heading in ((False, "Findings"), (True, "Waived")):
        found = [
            finding for finding in report.findings if (finding.waived_by is not None) is waived
        ]
        if found:
            yield f"#### {heading}"
            yield ""
            yield from _within(
                FINDINGS_AT_MOST, ["\n".join(_finding(finding)) for finding in found]
            )
            yield ""
    yield from _folded("Assumed", assumptions(report))
    yield from _folded("Notes", notes(report))


def _documents(report: Report) -> Iterator[str]:
    for one in report.documents:
        yield code(document(one))
        yield ""


def _costs(report: Report) -> Iterator[str]:
    yield "| cost | per hour | per month | |"
    yield "|---|---:|---:|---|"
    for name, explained in FIGURES.items():
        shown = columns(report, name)
        if shown is not None:
            yield f"| {name} | {shown[0]} | {shown[1]} | {explained} |"
    yield ""
    for line in (*changes(report), *meaning(report)):
        yield escaped(line)
        yield ""
    lines, sources = priced_lines(report)
    yield from _folded("Made of", [*lines, *sources, gathered(report)])


def _finding(finding: Finding) -> Iterator[str]:
    cost = (
        f", {dollars(finding.monthly)} a month"
        if finding.monthly is not None
        else ", cost not known"
        if finding.cost_unknown
        else ""
    )
    where = f" {code(short(finding.urn))}" if finding.urn else ""
    source = f" ({code(finding.source)})" if finding.source else ""
    yield f"- **{finding.severity}** {finding.rule} {finding.name}{where}{source}{cost}<br>"
    yield f"  {escaped(finding.message)}<br>"
    if finding.fix:
        yield f"  **Change:** {escaped(finding.fix)}"
    if finding.waived_by:
        yield f"  <br>Waived by {escaped(finding.waived_by)}"


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
            yield (
                f"- … and {len(entries) - index} more: the table and the JSON report have all "
                "of them"
            )
            return
        yield entry
