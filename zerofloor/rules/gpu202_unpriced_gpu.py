"""A GPU that counts and has no price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from zerofloor.cost.estimate import Figure, Gap
from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.settings import Limits, ScopedLimits

BAD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
settings:
  limits: {maxCeilingHourly: 10}
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
  limits: {maxCeilingHourly: 10}
  region: {aws: us-east-1}
"""


def check(judged: Judged) -> Iterable[Problem]:
    limits = judged.settings.limits
    limited: tuple[Limits | ScopedLimits, ...] = (limits, *limits.scoped)
    counting = {
        Figure.FLOOR: True,
        Figure.DESIRED: any(one.max_desired_hourly is not None for one in limited),
        Figure.CEILING: any(one.max_ceiling_hourly is not None for one in limited),
    }
    for gap in judged.estimate.gaps:
        if gap.blocks:
            yield Problem(
                gap.urn,
                f"No price for {gap.said}{_needed_by(gap, counting)}.",
                f"{gap.settle[:1].upper()}{gap.settle[1:]}." if gap.settle else RULE.fix,
                cost_unknown=True,
                place=gap.what,
            )


def _needed_by(gap: Gap, counting: Mapping[Figure, bool]) -> str:
    """The limits that need it, where the floor doesn't."""
    if Figure.FLOOR in gap.lacks:
        return ""
    figures = " and the ".join(figure for figure in gap.lacks if counting.get(figure))
    return f"; the limit on the {figures} needs it" if figures else ""


RULE = Rule(
    id="GPU202",
    name="unpriced-gpu",
    title="GPU has no price",
    why=(
        "The price book has no row for this type, region and market, or the region is unknown. A missing price is never $0: it blocks "
        "if the GPU counts toward the floor or a limit."
    ),
    fix=(
        "Set the region (provider, stack configuration, or `region` in zerofloor.yaml), or add the "
        "price to your own price file (`prices`)."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
