"""An audit as CSV in the columns of FOCUS, the FinOps cost and usage specification (1.2): one row
for each share of an idle resource, as a forecast of the month from list prices."""

from __future__ import annotations

import csv
import datetime
import io
import json
from typing import Final

from zerofloor.estates.since import change
from zerofloor.estates.values import Audit, Line
from zerofloor.reports.csv_rows import safe_cell

COLUMNS: Final = (
    "BillingCurrency",
    "ChargeCategory",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ListCost",
    "ProviderName",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_Cause",
    "x_Change",
    "x_Fix",
    "x_GPUs",
    "x_HeldBy",
    "x_HeldByStack",
    "x_HoursPerWeek",
    "x_Owner",
    "x_Rule",
    "x_State",
    "x_WaivedBy",
)
"""FOCUS columns, then ours with x_, as FOCUS asks."""

PROVIDERS: Final = {
    "aws": "AWS",
    "gcp": "Google Cloud",
    "azure": "Microsoft Azure",
}


def render(audit: Audit) -> str:
    """A header, and a row a line. BilledCost and EffectiveCost aren't there: nothing was billed
    yet, and discounts aren't known."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in audit.lines:
        row = _row(audit, line)
        writer.writerow([safe_cell(row[column]) for column in COLUMNS])
    return out.getvalue()


def _row(audit: Audit, line: Line) -> dict[str, str]:
    start = audit.today.replace(day=1)
    end = (start + datetime.timedelta(days=31)).replace(day=1)
    return {
        "BillingCurrency": audit.currency,
        "ChargeCategory": "Usage",
        "ChargeDescription": line.runs_on or f"{line.platform or line.type} {line.name}".strip(),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": f"{end.isoformat()}T00:00:00Z",
        "ChargePeriodStart": f"{start.isoformat()}T00:00:00Z",
        "ListCost": f"{line.monthly:f}" if line.monthly else "",
        "ProviderName": PROVIDERS.get(line.cloud, line.cloud),
        "RegionId": line.region,
        "ResourceId": line.urn,
        "ResourceName": line.name,
        "ResourceType": line.platform or line.type,
        "ServiceCategory": "Compute",
        "ServiceName": line.platform or line.type,
        "SubAccountId": line.stack,
        "SubAccountName": line.stack,
        "Tags": json.dumps(dict(line.tags), sort_keys=True),
        "x_Cause": line.cause,
        "x_Change": change(audit, line),
        "x_Fix": line.fix,
        "x_GPUs": "" if line.gpus is None else f"{line.gpus.normalize():f}",
        "x_HeldBy": line.held_by,
        "x_HeldByStack": line.holder,
        "x_HoursPerWeek": f"{line.hours_per_week.normalize():f}",
        "x_Owner": line.owner,
        "x_Rule": line.rule,
        "x_State": line.state,
        "x_WaivedBy": line.waived_by,
    }
