"""The stack costs more than its limit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from zerofloor.cost.estimate import Amount
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.words import dollars

BAD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [p5.48xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
settings:
  region: {aws: us-east-1}
  limits: {maxCeilingHourly: 100}
"""

GOOD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [p5.48xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 1}
settings:
  region: {aws: us-east-1}
  limits: {maxCeilingHourly: 100}
"""


def check(judged: Judged) -> Iterable[Problem]:
    limits, estimate = judged.settings.limits, judged.estimate
    for name, figure, amount, limit in (
        ("maxFloorHourly", "floor", estimate.floor, limits.max_floor_hourly),
        ("maxDesiredHourly", "desired", estimate.desired, limits.max_desired_hourly),
        ("maxCeilingHourly", "ceiling", estimate.ceiling, limits.max_ceiling_hourly),
    ):
        if limit is not None:
            yield from _against(name, figure, amount, limit)


def _against(name: str, figure: str, amount: Amount, limit: Decimal) -> Iterable[Problem]:
    most = amount.up_to or amount.hourly  # Where a choice is open, the dearest may be what runs.
    allowed = f"limits.{name} allows {dollars(Money(limit))}/h"
    if amount.unbounded:
        yield Problem(
            "",
            f"Nothing bounds the {figure}, and {allowed}.",
            "Set a limit on every pool (spec.limits, a maximum).",
            cost_unknown=True,
        )
    elif most.currency != "USD":
        yield Problem(
            "",
            f"The {figure} is in {most.currency}, and {allowed}.",
            "State the price override in USD.",
            cost_unknown=True,
        )
    elif most.amount > limit:
        text = f"The {figure} costs {dollars(most)}/h, and {allowed}."
        yield Problem(
            "", text, f"Lower the {figure}, or raise the limit.", monthly=most * HOURS_PER_MONTH
        )


RULE = Rule(
    id="GPU203",
    name="cost-above-limit",
    title="Stack exceeds a limit",
    why=(
        "zerofloor.yaml, or the policy pack's configuration, sets the most that floor, desired or ceiling may cost an hour. Where a "
        "choice among types is open, the dearest counts."
    ),
    fix="Lower the count or choose a cheaper type, or raise the limit.",
    severity="error",
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
