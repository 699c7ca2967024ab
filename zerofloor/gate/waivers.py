"""Waivers: which findings one permits, and why not another."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from zerofloor.report import Finding, Gate, Severity
from zerofloor.settings import Waiver
from zerofloor.words import counted, dollars, number

OF_UNKNOWN_COST: Final = frozenset({"undecided-gpu", "unpriced-gpu"})
"""Rules whose findings have no known cost by their nature: a waiver that names one of them accepts
that in writing."""

NEVER_WAIVED: Final = frozenset({"setting-not-allowed"})
"""No waiver covers what the organisation forbids."""


def waived(
    findings: Iterable[Finding], waivers: Sequence[Waiver], today: datetime.date
) -> tuple[Finding, ...]:
    """The findings, those that a waiver permits marked with it (the first that does)."""
    return tuple(_with_waiver(finding, waivers, today) for finding in findings)


def verdict(findings: Iterable[Finding]) -> Gate:
    """fail if an error is left that neither a waiver permits nor a baseline knows."""
    return "fail" if any(map(blocks, findings)) else "pass"


def blocks(finding: Finding) -> bool:
    """Whether a finding keeps the gate shut."""
    return (
        finding.severity is Severity.ERROR and finding.waived_by is None and not finding.tolerated
    )


def concerns(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver is written for this finding; `refusal` says whether it permits it."""
    if finding.name in NEVER_WAIVED:
        return False
    if waiver.rule.lower() not in (finding.rule.lower(), finding.name, "*"):
        return False
    if waiver.urn is not None and not matches(waiver.urn, finding.urn):
        return False
    return waiver.id is None or waiver.urn is not None or waiver.id == finding.carries


def matches(pattern: str, urn: str) -> bool:
    """Whether a text is meant by a pattern, in which `*` stands for any text and everything else
    for itself."""
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


def is_everything(pattern: str) -> bool:
    """Whether a pattern excludes next to nothing: all stars, or only what every URN begins with."""
    return pattern.replace("*", "") in ("", "urn:", "urn:pulumi:", ":", "::")


def refusal(waiver: Waiver, finding: Finding, today: datetime.date) -> str | None:
    """Why a waiver that concerns a finding does not permit it, as what the waiver does (`expired on
    2026-11-01, 26 days ago`); None if it permits it."""
    if today > waiver.expires:
        return expiry(waiver, today)
    if waiver.max_gpus is not None and finding.gpus is not None and finding.gpus > waiver.max_gpus:
        return f"permits {counted(waiver.max_gpus, 'GPU')}, and it holds {number(finding.gpus)}"
    permits = f"permits ${number(waiver.max_monthly_usd)} a month"
    if finding.cost_unknown and (finding.name not in OF_UNKNOWN_COST or waiver.rule == "*"):
        return f"{permits}, and the cost is unknown"
    if finding.monthly is not None and finding.monthly.currency != "USD":
        return f"{permits}, and the cost is in {finding.monthly.currency}"
    most = finding.up_to or finding.monthly  # Where a choice is open, the most expensive may run.
    if most is not None and most.amount > waiver.max_monthly_usd:
        over = replace(most, amount=most.amount - waiver.max_monthly_usd)
        may_be = "may be" if finding.up_to else "is"
        return f"{permits}, and the cost {may_be} {dollars(most)}, {dollars(over)} more"
    return None


def expiry(waiver: Waiver, today: datetime.date) -> str:
    """`expired on 2026-11-01, 26 days ago`, of a waiver that has."""
    days = counted((today - waiver.expires).days, "day")
    return f"expired on {waiver.expires.isoformat()}, {days} ago"


def named(waiver: Waiver) -> str:
    """A waiver in a few words: `GPU014 on urn:…`."""
    return f"{waiver.rule} on {waiver.urn if waiver.urn is not None else f'id {waiver.id}'}"


def _with_waiver(finding: Finding, waivers: Sequence[Waiver], today: datetime.date) -> Finding:
    for waiver in waivers:
        if concerns(waiver, finding) and refusal(waiver, finding, today) is None:
            return replace(finding, waived_by=_permission(waiver, finding))
    return finding


def _permission(waiver: Waiver, finding: Finding) -> str:
    cap = f"up to ${number(waiver.max_monthly_usd)} a month"
    if finding.cost_unknown and finding.monthly is None:
        cap = "cost unknown"  # Its rule is named: no cap can be compared with it.
    if waiver.max_gpus is not None:
        cap += f", up to {counted(waiver.max_gpus, 'GPU')}"
    return f"{waiver.owner}: {waiver.reason} (until {waiver.expires.isoformat()}, {cap})"
