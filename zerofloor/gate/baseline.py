"""Findings that were there before: by a fingerprint that survives other changes to the program, so
that only new or worse ones fail."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Literal

from zerofloor.errors import InputError
from zerofloor.gate.waivers import NEVER_WAIVED, verdict
from zerofloor.money import Money
from zerofloor.report import Finding, Fixed, Report, Severity
from zerofloor.structs import Value
from zerofloor.words import counted, dollars

SCHEMA: Final = "zerofloor.baseline/1"

FailOn = Literal["new", "worse", "all"]
"""new: only findings that the baseline doesn't have fail; worse: those that grew, too; all: as
without a baseline."""

CENT: Final = Decimal("0.01")

PRICES_MOVED: Final = Decimal("1.1")
"""With another price snapshot a cost may grow by this factor before it counts as worse."""

MANIFESTS: Final = "urn:pulumi:manifests::"


class Known(Value, frozen=True):
    """A finding of a baseline."""

    fingerprint: str
    rule: str
    urn: str
    message: str
    stack: str
    """`PROJECT/STACK` that it was found in; empty for manifests."""
    monthly: Money | None
    most: Money | None
    """The same at the most expensive of several types; None where it has no cost, or the
    file was written before this was."""
    gpus: Decimal | None
    cost_unknown: bool


class Baseline(Value, frozen=True):
    """The findings of an earlier run."""

    file: str
    snapshot: str
    """Of the prices that its costs are in."""
    known: Mapping[str, Known]


def with_fingerprints(
    findings: Iterable[Finding], stacks: Sequence[str], aliases: Mapping[str, Sequence[str]]
) -> tuple[Finding, ...]:
    """The findings, each with its fingerprint and those it had under its aliases."""
    seen: Counter[str] = Counter()
    marked = []
    for finding in findings:
        own = fingerprint(finding, finding.urn, stacks)
        seen[own] += 1
        if seen[own] > 1:
            own = f"{own}-{seen[own]}"
        former = tuple(fingerprint(finding, urn, stacks) for urn in aliases.get(finding.urn, ()))
        marked.append(replace(finding, fingerprint=own, former=former))
    return tuple(marked)


def fingerprint(finding: Finding, urn: str, stacks: Sequence[str]) -> str:
    """Rule, logical place and cause; neither a line, nor a count, nor a price."""
    parts = (finding.rule, _logical(urn) if urn else "+".join(stacks), finding.place)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def written(reports: Sequence[Report]) -> dict[str, Any]:
    """The baseline of these reports as JSON-able data, sorted by fingerprint."""
    found = {}
    for report in reports:
        stack = "+".join(stacks_of(report))
        for one in report.findings:
            if (
                one.severity is not Severity.INFO
                and one.name not in NEVER_WAIVED
                and one.waived_by is None
            ):
                found[one.fingerprint] = {
                    "fingerprint": one.fingerprint,
                    "rule": one.rule,
                    "urn": one.urn,
                    "stack": stack,
                    "message": one.message,
                    "monthly": None if one.monthly is None else _money(one.monthly),
                    "most": most_of(one),
                    "gpus": None if one.gpus is None else str(one.gpus),
                    "cost_unknown": one.cost_unknown,
                }
    snapshot = reports[0].estimate.snapshot if reports else ""
    return {
        "schema": SCHEMA,
        "snapshot": snapshot,
        "findings": [found[key] for key in sorted(found)],
    }


def read(path: Path) -> Baseline:
    """A baseline from its file. Raises InputError where it is none."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON; write it with `zerofloor baseline`") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InputError(f"{path}: no baseline of findings; write it with `zerofloor baseline`")
    try:
        known = [_known(one) for one in data["findings"]]
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise InputError(f"{path}: a damaged baseline; write it anew") from None
    return Baseline(
        file=str(path),
        snapshot=str(data.get("snapshot")),
        known={one.fingerprint: one for one in known},
    )


def compared(report: Report, baseline: Baseline, fail_on: FailOn) -> Report:
    """The report with each finding new, worse or existing, and what is gone."""
    findings, met = [], set()
    for finding in report.findings:
        known = _match(finding, baseline)
        if finding.severity is Severity.INFO or finding.name in NEVER_WAIVED:
            findings.append(finding)
        elif known is None:
            findings.append(replace(finding, status="new"))
        else:
            met.add(known.fingerprint)
            same_prices = baseline.snapshot == report.estimate.snapshot
            grew = _growth(finding, known, same_prices=same_prices)
            status: Literal["worse", "existing"] = "worse" if grew else "existing"
            tolerated = fail_on == "new" or (fail_on == "worse" and not grew)
            findings.append(replace(finding, status=status, grew=grew, tolerated=tolerated))
    stack = "+".join(stacks_of(report))
    return replace(
        report,
        findings=tuple(findings),
        gate=verdict(findings),
        baseline=baseline.file,
        fixed=tuple(
            Fixed(one.fingerprint, one.rule, one.urn, one.message)
            for key, one in sorted(baseline.known.items())
            if key not in met and one.stack == stack
        ),
    )


def stacks_of(report: Report) -> tuple[str, ...]:
    """`PROJECT/STACK` of each document, sorted; nothing for manifests."""
    return tuple(
        sorted(
            {f"{one.project}/{one.stack}" for one in report.documents if one.kind != "manifests"}
        )
    )


def _match(finding: Finding, baseline: Baseline) -> Known | None:
    prints = (finding.fingerprint, *finding.former)
    return next((baseline.known[one] for one in prints if one in baseline.known), None)


def _growth(finding: Finding, known: Known, *, same_prices: bool) -> str:
    """By what a finding is worse; empty where it is not."""
    if finding.gpus is not None and known.gpus is not None and finding.gpus > known.gpus:
        return f"{counted(known.gpus, 'GPU')} before, now {counted(finding.gpus, 'GPU')}"
    now, before = finding.monthly, known.monthly
    if known.most is not None:
        now, before = finding.up_to or finding.monthly, known.most
    if finding.cost_unknown and not known.cost_unknown:
        return "its cost is unknown now"
    if now is None or before is None or now.currency != before.currency:
        return ""
    most = before.amount + CENT if same_prices else before.amount * PRICES_MOVED
    if now.amount <= most:
        return ""
    more = replace(now, amount=now.amount - before.amount)
    return f"{dollars(before)} a month before, now {dollars(now)} (+{dollars(more)})"


def _logical(urn: str) -> str:
    """A manifest's file may be spelled in many ways: only what it declares counts."""
    return urn[len(MANIFESTS) :].partition("::")[2] if urn.startswith(MANIFESTS) else urn


def most_of(finding: Finding) -> dict[str, str] | None:
    """What a finding may cost a month at most, as a baseline has it."""
    most = finding.up_to or finding.monthly
    return None if most is None else _money(most)


def _money(money: Money) -> dict[str, str]:
    return {"amount": f"{money.cents().amount:f}", "currency": money.currency}


def _known(data: Any) -> Known:
    gpus = data["gpus"]
    return Known(
        fingerprint=str(data["fingerprint"]),
        rule=str(data["rule"]),
        urn=str(data["urn"]),
        message=str(data["message"]),
        stack=str(data["stack"]),
        monthly=_read_money(data["monthly"]),
        most=_read_money(data.get("most")),
        gpus=None if gpus is None else Decimal(gpus),
        cost_unknown=bool(data["cost_unknown"]),
    )


def _read_money(data: Any) -> Money | None:
    return None if data is None else Money(Decimal(data["amount"]), data["currency"])
