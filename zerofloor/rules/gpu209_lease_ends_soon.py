"""A lease is about to run out."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from zerofloor.report import Severity
from zerofloor.rules.leased import SOON, carried_leases, lease_problem
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.words import counted

BAD = """\
resources:
  - type: aws:autoscaling/group:Group
    name: trial
    inputs:
      minSize: 0
      maxSize: 1
      desiredCapacity: 0
      mixedInstancesPolicy:
        launchTemplate:
          launchTemplateSpecification: {launchTemplateId: lt-0123456789abcdef0}
          overrides: [{instanceType: g5.xlarge}]
      tags:
        - {key: zerofloor/expires-at, value: "2026-11-26", propagateAtLaunch: true}
"""

GOOD = BAD.replace("2026-11-26", "2026-12-26")


def check(judged: Judged) -> Iterable[Problem]:
    for carried in carried_leases(judged):
        _, lease, _ = carried
        if lease.last_day is None or not judged.today <= lease.last_day <= judged.today + SOON:
            continue
        yield lease_problem(
            carried,
            f"ends {_when(lease.last_day - judged.today)}, at {lease.ends:%Y-%m-%d %H:%M} UTC",
            FIX.format(lease.path),
        )


def _when(left: datetime.timedelta) -> str:
    return f"in {counted(left.days, 'day')}" if left.days else "today"


FIX = "Remove the resource by then, or set a later date in {}."

RULE = Rule(
    id="GPU209",
    name="lease-ends-soon",
    title="Lease ends soon",
    why=(
        "The date in the annotation, label or tag `zerofloor/expires-at` is at most 3 days away. From the day after it no preview of this "
        "stack passes (GPU208)."
    ),
    fix="Remove the resource by then, or set a later date in the annotation or tag.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
