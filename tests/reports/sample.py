"""A report made by hand, with a text of one's choice in every place that a document can fill."""

from __future__ import annotations

import datetime
from decimal import Decimal

from zerofloor.capacity import Assumption, Cause, Change, Evidence, Hold
from zerofloor.cost.estimate import Amount, Estimate, Figure, Item
from zerofloor.floor.result import Entry, EntryKind, Floor, Verdict
from zerofloor.money import ZERO, Money
from zerofloor.report import DocumentInfo, Finding, Report, Severity
from zerofloor.stack import SECRET, UNKNOWN

TODAY = datetime.date(2026, 11, 24)


def report(text: str = "llm") -> Report:
    """One pool of 8 GPUs held at $55.04 an hour, an undecided value, a waived warning."""
    urn = f"urn:pulumi:dev::shop::aws:eks/nodeGroup:NodeGroup::{text}"
    price = Money(Decimal("55.04"))
    evidence = (
        Evidence(urn, "scalingConfig.minSize", 1, "so one node always runs"),
        Evidence(urn, "labels", {text: text, "open": UNKNOWN, "hidden": [SECRET]}, text),
    )
    hold = Hold(
        cause=Cause.POOL_MINIMUM, urn=urn, units=1, evidence=evidence, fix=f"Set {text} to 0."
    )
    entry = Entry(
        urn,
        EntryKind.POOL,
        text,
        "EKS managed node group",
        Verdict.HELD,
        Decimal(8),
        1,
        Decimal(168),
        evidence,
        (hold,),
    )
    item = Item(
        urn,
        f"p5.48xlarge {text}",
        Decimal(1),
        "node",
        price,
        f"price list {text}",
        "2026-10-12",
        (Figure.FLOOR, Figure.DESIRED, Figure.CEILING),
    )
    return Report(
        documents=(DocumentInfo("digest", text, text, "document", f"{text}.json"),),
        gate="fail",
        floor=Floor(Verdict.HELD, Decimal(8), 1, (entry,)),
        estimate=Estimate(
            floor=Amount(price),
            desired=Amount(price),
            expected=None,
            ceiling=Amount(price * 2, up_to=price * 3),
            residual=Amount(Money(Decimal("0.1"))),
            items=(item,),
            unpriced=(urn,),
            snapshot="0123456789abcdef",
            snapshot_as_of="2026-10-12",
            sources=(text,),
            remarks=(text,),
        ),
        findings=(
            Finding(
                "GPU012",
                "pool-minimum-holds-gpu",
                Severity.ERROR,
                urn,
                f"{text} keeps 8 GPUs.",
                f"Set {text} to 0.",
                f"{text}:22",
                evidence,
                price * 730,
                change=(Change(urn=urn, path="scalingConfig.minSize", to=0),),
            ),
            Finding(
                "GPU101",
                "long-idle-tail",
                Severity.WARNING,
                urn,
                text,
                text,
                monthly=ZERO,
                waived_by=f"{text}: {text} (until 2027-01-01)",
            ),
        ),
        assumptions=(Assumption(text, text, "hint"),),
        today=TODAY,
    )
