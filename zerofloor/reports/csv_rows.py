"""The cost as CSV in the shape of FOCUS, the FinOps cost and usage specification: one row for each
charge of a month, by figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from zerofloor.cost.estimate import Item, Owner
from zerofloor.cost.owners import UNOWNED
from zerofloor.money import HOURS_PER_MONTH
from zerofloor.report import Report
from zerofloor.reports.visible import visible
from zerofloor.words import short

COLUMNS: Final = (
    "BillingCurrency",
    "ChargeCategory",
    "ChargeDescription",
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "ListCost",
    "ListUnitPrice",
    "PricingUnit",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "SubAccountName",
    "Tags",
    "x_Component",
    "x_Figure",
    "x_Labels",
    "x_Namespace",
    "x_Owner",
    "x_PriceAsOf",
    "x_PriceSource",
    "x_Project",
    "x_Rules",
    "x_Stack",
    "x_WaivedBy",
)
"""FOCUS columns, then ours with x_, as FOCUS asks."""

UNPRICED: Final = "unpriced"
UNDECIDED: Final = "undecided"
"""The figures of what has no price and of what is undecided: rows without a cost, since no row
would read as no cost."""

FORMULAS: Final = ("=", "+", "-", "@")
"""What a spreadsheet would run when it opens the file."""


def render(reports: Sequence[Report]) -> str:
    """A header, a row for each charge and each figure that it counts in, and one for each charge
    that has no price or is undecided."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for report in reports:
        writer.writerows(_rows(report))
    return out.getvalue()


def _rows(report: Report) -> Iterator[list[str]]:
    for urn, row in _charges(report):
        of_it = [one for one in report.findings if one.urn == urn]
        waived = [one.waived_by for one in of_it if one.waived_by]
        row["x_Rules"] = " ".join(sorted({one.rule for one in of_it}))
        row["x_WaivedBy"] = waived[-1] if waived else ""
        yield [safe_cell(row[column]) for column in COLUMNS]


def _charges(report: Report) -> Iterator[tuple[str, dict[str, str]]]:
    """By URN what is priced, what is not, and what is undecided."""
    whole = "+".join(f"{one.project}/{one.stack}".strip("/") for one in report.documents)
    owners = report.estimate.owners
    for item in report.estimate.items:
        for figure in item.counts_in:
            yield item.urn, _row(item, figure, owners.get(item.urn, UNOWNED), whole)
    unknown: list[tuple[str, str, str]] = [
        (gap.urn, UNPRICED, f"No price for {gap.said}") for gap in report.estimate.gaps
    ]
    unknown += [(one.urn, UNDECIDED, one.why) for one in report.floor.undecided]
    for urn, what, text in unknown:
        row = dict.fromkeys(COLUMNS, "") | _of(urn, owners.get(urn, UNOWNED), whole)
        yield (
            urn,
            row
            | {
                "ChargeCategory": "Usage",
                "ChargeDescription": text,
                "x_Figure": what,
            },
        )


def _of(urn: str, owner: Owner, whole: str) -> dict[str, str]:
    """What a charge is for, and whose it is."""
    stack = f"{owner.project}/{owner.stack}".strip("/") or whole
    kind, _, name = short(urn).partition("::")
    return {
        "ResourceId": urn,
        "ResourceName": name or kind,
        "ResourceType": kind,
        "SubAccountName": stack,
        "Tags": _object(owner.tags),
        "x_Component": owner.component,
        "x_Labels": _object(owner.labels),
        "x_Namespace": owner.namespace,
        "x_Owner": owner.owner,
        "x_Project": owner.project,
        "x_Stack": stack,
    }


def _row(item: Item, figure: str, owner: Owner, whole: str) -> dict[str, str]:
    hours = item.quantity * HOURS_PER_MONTH
    listed = item.listed or item.price
    return _of(item.urn, owner, whole) | {
        "BillingCurrency": item.price.currency,
        "ChargeCategory": "Usage",
        "ChargeDescription": item.what,
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": _number(item.quantity if item.listed_monthly else hours),
        "ConsumedUnit": f"{item.unit}-Months" if item.listed_monthly else f"{item.unit}-Hours",
        "ContractedCost": f"{(item.price * hours).cents().amount:f}",
        "ContractedUnitPrice": _number((item.price * _per(item)).amount),
        "ListCost": f"{(listed * hours).cents().amount:f}",
        "ListUnitPrice": _number((listed * _per(item)).amount),
        "PricingUnit": f"{item.unit}-Months" if item.listed_monthly else f"{item.unit}-Hours",
        "ServiceCategory": "Compute" if item.unit == "node" else "Other",
        "x_Figure": figure,
        "x_PriceAsOf": item.as_of,
        "x_PriceSource": item.source,
    }


def _object(texts: Mapping[str, str]) -> str:
    """As FOCUS has tags: a JSON object; empty where there are none."""
    return json.dumps(dict(sorted(texts.items()))) if texts else ""


def _per(item: Item) -> Decimal:
    return HOURS_PER_MONTH if item.listed_monthly else Decimal(1)


def _number(value: Decimal) -> str:
    text = f"{value.quantize(Decimal('0.000001')):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def safe_cell(text: str) -> str:
    """A cell that shows what it holds and that no spreadsheet runs."""
    shown = visible(text)
    is_number = shown.replace(".", "", 1).lstrip("-").isdigit()
    return f"'{shown}" if shown.startswith(FORMULAS) and not is_number else shown
