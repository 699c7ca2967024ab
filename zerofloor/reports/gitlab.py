"""The findings as a GitLab code quality report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from zerofloor.gate.waivers import blocks
from zerofloor.report import Finding, Report, Severity
from zerofloor.reports.json_report import dump
from zerofloor.reports.phrases import cost_of
from zerofloor.reports.places import place_of
from zerofloor.reports.visible import visible
from zerofloor.words import short


def render(reports: Sequence[Report]) -> str:
    """A JSON list; waived findings are left out, since the widget has no word for them."""
    return dump(
        [
            _issue(finding, report)
            for report in reports
            for finding in report.findings
            if finding.waived_by is None
        ]
    )


def _severity(severity: Severity) -> str:
    match severity:
        case Severity.ERROR:
            return "critical"
        case Severity.WARNING:
            return "minor"
        case Severity.INFO:
            return "info"
        case _:
            assert_never(severity)


def _issue(finding: Finding, report: Report) -> dict[str, Any]:
    place = place_of(finding, report)
    cost = cost_of(finding)
    about = ", ".join(filter(None, (short(finding.urn), cost)))
    text = f"{about}: {finding.message}" if about else finding.message
    text += f" Change: {finding.fix}" if finding.fix else ""
    severity = _severity(Severity.WARNING if finding.tolerated else finding.severity)
    return {
        "description": visible(text),
        "check_name": f"{finding.rule} {finding.name}",
        "fingerprint": finding.fingerprint,
        "severity": "blocker" if blocks(finding) and finding.monthly else severity,
        "location": {"path": visible(place.path), "lines": {"begin": place.line}},
    }
