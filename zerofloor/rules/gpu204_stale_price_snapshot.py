"""The prices are old."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.prices.book import OLD_AFTER_DAYS, snapshot_age
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
        yield Problem("", f"The prices were gathered {age} days ago; they may have changed.", FIX)


FIX = "Update zerofloor, or run with --live for current AWS prices."

RULE = Rule(
    id="GPU204",
    name="stale-price-snapshot",
    title="Prices are out of date",
    why=(
        "An embedded price snapshot older than 90 days is a warning; older than "
        "limits.maxSnapshotAgeDays, an error."
    ),
    fix=FIX,
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
