"""The findings as GitHub workflow commands: annotations on the changed files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from zerofloor.report import Finding, Report, Severity
from zerofloor.reports.phrases import NOT_JUDGED, cost_of, headline
from zerofloor.reports.places import place_of
from zerofloor.reports.visible import visible

AT_MOST: Final = 10
"""Annotations of one kind that GitHub shows for a step; the rest are counted."""


def render(reports: Sequence[Report], failures: Sequence[str] = ()) -> str:
    """What could not be judged; then a line an annotation, the most expensive first, and a summary
    as the last one."""
    failed = [f"::error title={NOT_JUDGED}::{_data(why)}" for why in failures]
    lines = [line for report in reports for line in _lines(report)]
    return "".join(f"{line}\n" for line in (*failed, *lines))


def _lines(report: Report) -> Iterator[str]:
    shown: dict[str, int] = {}
    for finding in report.findings:
        if finding.waived_by is not None:
            continue
        command = _command(Severity.WARNING if finding.tolerated else finding.severity)
        shown[command] = shown.get(command, 0) + 1
        if shown[command] <= AT_MOST:
            yield _annotation(command, finding, report)
    for command, number in shown.items():
        if number > AT_MOST:
            yield f"::{command} title=zerofloor::{number - AT_MOST} more findings"
    yield f"::notice title=zerofloor::{_data(headline(report))}"


def _command(severity: Severity) -> str:
    match severity:
        case Severity.ERROR:
            return "error"
        case Severity.WARNING:
            return "warning"
        case Severity.INFO:
            return "notice"
        case _:
            assert_never(severity)


def _annotation(command: str, finding: Finding, report: Report) -> str:
    place = place_of(finding, report)
    cost = cost_of(finding)
    title = f"{finding.rule} {finding.name}" + (f", {cost}" if cost else "")
    text = finding.message + (f" Change: {finding.fix}" if finding.fix else "")
    where = f"file={_property(place.path)},line={place.line}"
    return f"::{command} {where},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
