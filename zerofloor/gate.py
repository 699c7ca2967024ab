"""The gate: which findings a waiver permits, and whether what is left lets the stack pass."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from zerofloor.report import Finding, Gate
from zerofloor.settings import Waiver
from zerofloor.words import dollars, number

OF_UNKNOWN_COST: Final = frozenset({"undecided-gpu", "unpriced-gpu"})
"""Rules whose findings have no known cost by their nature: a waiver that names one of them accepts
that in writing."""


def waived(
    findings: Iterable[Finding], waivers: Sequence[Waiver], today: datetime.date
) -> tuple[Finding, ...]:
    """The findings, those that a waiver permits marked with it (the first that does)."""
    return tuple(_with_waiver(finding, waivers, today) for finding in findings)


def verdict(findings: Iterable[Finding]) -> Gate:
    """fail where an error is left that no waiver permits."""
    return (
        "fail"
        if any(finding.severity == "error" and finding.waived_by is None for finding in findings)
        else "pass"
    )


def concerns(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver is written for this finding; `refusal` says whether it permits it."""
    return waiver.rule.lower() in (finding.rule.lower(), finding.name, "*") and matches(
        waiver.urn or "", finding.urn
    )


def matches(pattern: str, urn: str) -> bool:
    """Whether a URN is meant by a pattern, in which `*` stands for any text and everything else for
    itself."""
    first, *rest = pattern.split("*")
    if not rest:
        return urn == pattern
    if not urn.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        found = urn.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(urn) - len(rest[-1]) >= at and urn.endswith(rest[-1])


def refusal(waiver: Waiver, finding: Finding, today: datetime.date) -> str | None:
    """Why a waiver that concerns a finding does not permit it; None where it does."""
    if today > waiver.expires:
        return f"it expired on {waiver.expires.isoformat()}"
    cap = f"its cap is ${number(waiver.max_monthly_usd)} a month"
    if finding.cost_unknown and (finding.name not in OF_UNKNOWN_COST or waiver.rule == "*"):
        return f"the cost is not known, and {cap}"
    if finding.monthly is not None and finding.monthly.currency != "USD":
        return f"the cost is in {finding.monthly.currency}, and {cap}"
    if finding.monthly is not None and finding.monthly.amount > waiver.max_monthly_usd:
        return f"it costs {dollars(finding.monthly)} a month, and {cap}"
    return None


def _with_waiver(finding: Finding, waivers: Sequence[Waiver], today: datetime.date) -> Finding:
    for waiver in waivers:
        if concerns(waiver, finding) and refusal(waiver, finding, today) is None:
            return replace(
                finding,
                waived_by=f"{waiver.owner}: {waiver.reason} (until {waiver.expires.isoformat()})",
            )
    return finding
