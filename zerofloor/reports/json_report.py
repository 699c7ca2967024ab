"""The report as JSON: the contract that `zerofloor schema report` describes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Set
from decimal import Decimal
from typing import Any, Final

import msgspec

from zerofloor.cost.estimate import (
    Amount,
    BreakEven,
    Change,
    Estimate,
    Figure,
    Gap,
    Item,
    Meaning,
    Owner,
    ResourceChange,
    ResourceCost,
)
from zerofloor.cost.owners import UNOWNED, Total, Totals
from zerofloor.floor.result import Entry
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.report import Finding, Report
from zerofloor.reports.links import help_url
from zerofloor.reports.phrases import lacking_by_urn, totals_of, undecided_figures, unpriced_figures
from zerofloor.reports.show import plain

SCHEMA: Final = "zerofloor.report/1"

ESTIMATE_SCHEMA: Final = "zerofloor.estimate/1"
"""A part of a report: its fields are the report's."""

PLACES_OF_A_PRICE: Final = Decimal("0.000000000001")
"""A price by the month is divided by 730 hours: with so many places quantity times price gives the
sums again."""


def render(report: Report) -> str:
    """One JSON document, pure ASCII."""
    return dump(data(report))


def render_estimate(report: Report, by: str = "") -> str:
    """The money alone, in the report's own shape; `by` asks for totals by a key."""
    whole = data(report)
    if by:
        whole["estimate"]["totals"] = _totals(totals_of(report, by))
    parts = ("documents", "floor", "estimate", "assumptions", "settings", "prices")
    return dump({"schema": ESTIMATE_SCHEMA} | {key: whole[key] for key in parts})


def dump(value: Any) -> str:
    """JSON-able data as text: pure ASCII, so that nothing in it can do anything to a terminal."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except (TypeError, ValueError, UnicodeError):
        # What msgspec doesn't write, an integer of hundreds of digits or an unpaired surrogate.
        text = json.dumps(value, indent=2, ensure_ascii=True, default=str)
    return (text if text.isascii() else escaped(text)) + "\n"


def escaped(text: str) -> str:
    """JSON text with everything but ASCII as `\\uXXXX`; outside its strings there is nothing
    else."""
    return re.sub(
        r"[^\x00-\x7e]",
        lambda found: json.dumps(found[0])[1:-1],
        text,
    )


def data(report: Report) -> dict[str, Any]:
    """The report as JSON-able data."""
    floor, estimate = report.floor, report.estimate
    # What has no price, or is undecided, is in no sum: then the sum is a lower bound, and says so.
    least = unpriced_figures(report) | undecided_figures(report)
    return {
        "schema": SCHEMA,
        "documents": [
            {
                "kind": d.kind,
                "project": d.project,
                "stack": d.stack,
                "previewed_by": d.previewed_by,
                "name": d.name,
            }
            for d in report.documents
        ],
        "gate": report.gate,
        "floor": {
            "verdict": floor.verdict,
            "gpus": _number(floor.gpus),
            "nodes": floor.nodes,
            **_hourly_or_null(estimate.floor, is_least="floor" in least),
            "at_least": "floor" in least,
        },
        "estimate": _estimate(report, least),
        "capacity": [_entry(entry) for entry in floor.entries],
        "findings": [_finding(finding, report) for finding in report.findings],
        "assumptions": [
            {"what": a.what, "because": a.because, "from": a.source, "place": a.place or None}
            for a in report.assumptions
        ],
        "baseline": report.baseline,
        "fixed": [
            {"fingerprint": f.fingerprint, "rule": f.rule, "urn": f.urn, "message": f.message}
            for f in report.fixed
        ],
        "settings": [{"file": one.file, "owner": one.owner} for one in report.settings],
        "prices": {
            "snapshot": estimate.snapshot,
            "as_of": estimate.snapshot_as_of,
            "oldest_used": estimate.oldest or None,
            "undated": estimate.undated,
            "sources": list(estimate.sources),
        },
    }


def _estimate(report: Report, least: frozenset[Figure]) -> dict[str, Any]:
    estimate = report.estimate
    return {
        "floor": _amount(estimate.floor, "floor" in least),
        "desired": _amount(estimate.desired, "desired" in least),
        "expected": None
        if estimate.expected is None
        else _amount(estimate.expected, "expected" in least),
        "expected_replicas": estimate.expected_replicas,
        "ceiling": _amount(estimate.ceiling, "ceiling" in least),
        "residual": None
        if estimate.residual is None
        else _amount(estimate.residual, "residual" in least),
        "idle_total": None
        if estimate.idle is None
        else _amount(estimate.idle, bool(least & {"floor", "residual"})),
        "resources": _costs(report),
        "totals": None,
        "items": [_item(item, estimate) for item in estimate.items],
        "unpriced": list(estimate.unpriced),
        "gaps": [_gap(gap, estimate) for gap in estimate.gaps],
        "footnotes": list(estimate.footnotes),
        "once": _optional(estimate.once),
        "meaning": None if estimate.meaning is None else _meaning(estimate.meaning),
        "change": None if estimate.change is None else _change(estimate.change),
        "break_even": None if estimate.break_even is None else _break_even(estimate.break_even),
    }


def _totals(found: Totals) -> dict[str, Any]:
    return {
        "by": found.by,
        "note": found.note or None,
        "groups": [_total(one) for one in found.totals],
    }


def _total(total: Total) -> dict[str, Any]:
    shown: dict[str, Any] = {"value": total.value or None}
    lacking = total.unpriced | total.undecided
    for figure in Figure:
        amount = total.amounts.get(figure)
        shown[figure] = None if amount is None else _amount(amount, figure in lacking)
    idle = total.idle
    is_least = bool(lacking & {Figure.FLOOR, Figure.RESIDUAL})
    shown["idle_total"] = None if idle is None else _amount(idle, is_least)
    return shown


def _costs(report: Report) -> list[dict[str, Any]]:
    least = lacking_by_urn(report)
    estimate = report.estimate
    return [_cost(one, estimate, least.get(one.urn, frozenset())) for one in estimate.resources]


def _cost(cost: ResourceCost, estimate: Estimate, least: Set[Figure]) -> dict[str, Any]:
    return {
        "urn": cost.urn,
        "name": cost.name,
        "what": cost.what,
        "floor": _amount(cost.floor, "floor" in least),
        "desired": _amount(cost.desired, "desired" in least),
        "expected": None if cost.expected is None else _amount(cost.expected, "expected" in least),
        "ceiling": _amount(cost.ceiling, "ceiling" in least),
        "per_gpu_hour": _optional(cost.per_gpu_hour),
        "whose": owner(estimate.owners.get(cost.urn, UNOWNED)),
    }


def _meaning(meaning: Meaning) -> dict[str, Any]:
    return {
        "weekly": _money(meaning.weekly),
        "weekend": _optional(meaning.weekend),
        "until_noticed": _money(meaning.until_noticed),
        "noticed_after_days": meaning.noticed_after_days,
        "first_year": _money(meaning.first_year),
        "saves_monthly": _money(meaning.saves_monthly),
        "wait_seconds": {
            "least": _number(meaning.wait.least),
            "most": _number(meaning.wait.most),
            "parts": [
                {
                    "what": p.what,
                    "least": _number(p.least),
                    "most": _number(p.most),
                    "source": p.source,
                }
                for p in meaning.wait.parts
            ],
        },
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "against": change.against,
        **_hourly_and_monthly(change),
        "notes": list(change.notes),
        "resources": [{"urn": one.urn, **_hourly_and_monthly(one)} for one in change.resources],
    }


def _hourly_and_monthly(change: Change | ResourceChange) -> dict[str, Any]:
    figures = {"floor": change.floor, "desired": change.desired, "ceiling": change.ceiling}
    monthly = {name: _money(money * HOURS_PER_MONTH) for name, money in figures.items()}
    return {**{name: _money(money) for name, money in figures.items()}, "monthly": monthly}


def owner(owner: Owner) -> dict[str, Any]:
    """Whose a line is; null where nothing says it."""
    return {
        "project": owner.project or None,
        "stack": owner.stack or None,
        "namespace": owner.namespace or None,
        "component": owner.component or None,
        "owner": owner.owner or None,
        "tags": dict(owner.tags),
        "labels": dict(owner.labels),
    }


def _break_even(found: BreakEven) -> dict[str, Any]:
    return {
        "model": found.model,
        "provider": found.provider,
        "per_million": _money(found.per_million),
        "output_share": _number(found.output_share),
        "dedicated_monthly": _money(found.dedicated_monthly),
        "tokens_per_month": _number(found.tokens_per_month),
        "capacity_per_month": _number(found.capacity_per_month),
        "per_million_at": [
            {"utilisation": _number(share), "price": _money(price)}
            for share, price in found.per_million_at
        ],
        "throughput": found.throughput,
        "verdict": found.verdict,
        "source": found.source,
        "as_of": found.as_of,
    }


def _amount(amount: Amount, at_least: bool) -> dict[str, Any]:
    return {
        **_hourly_or_null(amount, is_least=at_least),
        "up_to": _optional(amount.up_to),
        "unbounded": amount.unbounded,
        "at_least": at_least,
        "at_most": amount.at_most,
    }


def _hourly_or_null(amount: Amount, *, is_least: bool) -> dict[str, Any]:
    """Null where all of it is undecided or unpriced: it isn't $0."""
    if is_least and not amount.hourly.amount:
        return {"hourly": None, "monthly": None}
    return {"hourly": _money(amount.hourly), "monthly": _money(amount.monthly)}


def _item(item: Item, estimate: Estimate) -> dict[str, Any]:
    return {
        "urn": item.urn,
        "what": item.what,
        "quantity": _number(item.quantity),
        "unit": item.unit,
        "price": _money(item.price, PLACES_OF_A_PRICE),
        "dearest": None if item.dearest is None else _money(item.dearest, PLACES_OF_A_PRICE),
        "list_price": None if item.listed is None else _money(item.listed, PLACES_OF_A_PRICE),
        "source": item.source,
        "as_of": item.as_of,
        "counts_in": list(item.counts_in),
        "whose": owner(estimate.owners.get(item.urn, UNOWNED)),
    }


def _gap(gap: Gap, estimate: Estimate) -> dict[str, Any]:
    return {
        "urn": gap.urn,
        "what": gap.what,
        "why": f"{gap.why}: {gap.settle}" if gap.settle else gap.why,
        "blocks": gap.blocks,
        "missing_in": list(gap.lacks),
        "elsewhere": gap.elsewhere or None,
        "whose": owner(estimate.owners.get(gap.urn, UNOWNED)),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "urn": entry.urn,
        "kind": entry.kind,
        "platform": entry.platform,
        "verdict": entry.verdict,
        "gpus": _number(entry.gpus),
        "nodes": entry.nodes,
        "hours_per_week": _number(entry.hours_per_week),
        "evidence": [
            {"urn": e.urn, "path": e.path, "value": json_value(e.value), "because": e.because}
            for e in entry.evidence
        ],
    }


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "name": finding.name,
        "severity": finding.severity,
        "urn": finding.urn,
        "source": finding.source,
        "message": finding.message,
        "fix": finding.fix,
        "change": [
            {"urn": one.urn, "path": one.path, "to": json_value(one.to)} for one in finding.change
        ]
        or None,
        "monthly": _optional(finding.monthly),
        "monthly_up_to": _optional(finding.up_to),
        "monthly_at_most": finding.at_most,
        "gpus": _number(finding.gpus),
        "waived_by": finding.waived_by,
        "fingerprint": finding.fingerprint,
        "status": finding.status,
        "grew": finding.grew or None,
        "help": help_url(report, finding.rule, finding.name),
    }


def _money(money: Money, places: Decimal = Decimal("0.000001")) -> Mapping[str, str]:
    """Exact to a millionth, with at least the cents: a sum of prices an hour has more places than
    money has."""
    text = f"{money.amount.quantize(places):f}".rstrip("0")
    whole, _, part = text.partition(".")
    return {"amount": f"{whole}.{part.ljust(2, '0')}", "currency": money.currency}


def _optional(money: Money | None) -> Mapping[str, str] | None:
    return None if money is None else _money(money)


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def json_value(value: Any) -> Any:
    """A property value as JSON has it; hidden ones as in `zerofloor show`, what JSON has no number
    for as text."""
    if isinstance(value, Decimal):
        return _number(value) if value.is_finite() else str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, list | tuple):
        return [json_value(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): json_value(value[key]) for key in sorted(value, key=str)}
    return plain(value)
