"""Where a rule's page is."""

from __future__ import annotations

from zerofloor.report import Report


def help_url(report: Report, rule: str, name: str) -> str | None:
    """The address of a rule's page; None where the settings don't say where the pages are."""
    return f"{report.docs}#{rule.lower()}-{name}" if report.docs else None
