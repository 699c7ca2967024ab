"""The prices are old."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from zerofloor.prices.book import OLD_AFTER_DAYS, day_of, snapshot_age
from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.words import counted

BAD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
settings:
  limits: {maxSnapshotAgeDays: 0}
"""

GOOD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
settings:
  limits: {maxSnapshotAgeDays: 10000}
"""


def check(judged: Judged) -> Iterable[Problem]:
    if not judged.floor.entries and not judged.estimate.items:
        return  # A stack without a GPU needs no price.
    limit = judged.settings.limits.max_snapshot_age_days
    age = snapshot_age(judged.estimate.snapshot_as_of, judged.today)
    if limit is not None and age > limit:
        yield Problem(
            "",
            (
                f"The prices were gathered {counted(age, 'day')} ago, and limits.maxSnapshotAgeDays "
                f"allows {limit}."
            ),
            FIX,
            severity=Severity.ERROR,
        )
    elif age > OLD_AFTER_DAYS:
        yield Problem(
            "", f"The prices were gathered {counted(age, 'day')} ago; they may have changed.", FIX
        )
    yield from _own_dates(judged)


def _own_dates(judged: Judged) -> Iterable[Problem]:
    """The prices that count, each by its own date."""
    limit = judged.settings.limits.max_price_age_days
    if limit is None:
        return
    too_old: list[tuple[datetime.date, str]] = []
    for item in judged.estimate.items:
        day = day_of(item.as_of)
        if day is None or (judged.today - day).days > limit:
            too_old.append((day or datetime.date.min, item.as_of))
    if too_old:
        day, as_of = min(too_old)
        dated = f"is of {as_of}" if day != datetime.date.min else "has no date"
        yield Problem(
            "",
            (
                f"{counted(len(too_old), 'price')} may be older than limits.maxPriceAgeDays "
                f"({limit}) allows; the oldest {dated}."
            ),
            OWN_FIX,
            severity=Severity.ERROR,
            place="limits.maxPriceAgeDays",
        )


OWN_FIX = (
    "Run with --live, or put newer prices into the file that `prices` in zerofloor.yaml names."
)

FIX = "Update zerofloor, or run with --live for current AWS prices."

RULE = Rule(
    id="GPU204",
    name="stale-price-snapshot",
    title="Prices are out of date",
    why=(
        "An embedded price snapshot older than 90 days is a warning; older than "
        "limits.maxSnapshotAgeDays, an error. So is a price whose own date is older than "
        "limits.maxPriceAgeDays."
    ),
    fix=FIX,
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
