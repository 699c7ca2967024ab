"""The stack costs more than its limit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from zerofloor.cost.estimate import Figure
from zerofloor.gate.limits import HOURLY, Part, parts_of
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.settings.parsing import camel
from zerofloor.words import counted, dollars, number

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
    for part in parts_of(judged.settings.limits, judged.floor, judged.estimate):
        for figure, field in HOURLY.items():
            limit = getattr(part.limits, field)
            if limit is not None:
                yield from _cost(part, figure, limit)
        yield from _budget(part)
        yield from _idle(part)


def _cost(part: Part, figure: Figure, limit: Decimal) -> Iterable[Problem]:
    amount = part.amounts[figure]
    most = amount.up_to or amount.hourly  # Where a choice is open, the most expensive may run.
    key = camel(HOURLY[figure])
    allowed = f"the limit is {dollars(Money(limit))}/h ({part.path}.{key})"
    name = _figure(part, figure)
    if amount.unbounded:
        yield _problem(
            part,
            key,
            f"{name} has no upper bound, and {allowed}.",
            "Set a limit on every pool (spec.limits, a maximum).",
            cost_unknown=True,
        )
    elif most.currency != "USD":
        yield _problem(
            part,
            key,
            f"{name} is in {most.currency}, and {allowed}.",
            "State the price override in USD.",
            cost_unknown=True,
        )
    elif most.amount > limit:
        over = Money(most.amount - limit)
        much = f"{dollars(over)}/h" if over.cents().amount else "less than $0.01/h"
        lower = "Fix what keeps GPUs on, which ends this, too;"
        yield _problem(
            part,
            key,
            f"{name} costs {dollars(most)}/h, {much} too much: {allowed}.",
            f"{lower if figure is Figure.FLOOR else f'Lower the {figure},'} or have the limit raised.",
            monthly=over * HOURS_PER_MONTH,
        )


def _problem(
    part: Part,
    key: str,
    message: str,
    fix: str,
    *,
    monthly: Money | None = None,
    cost_unknown: bool = False,
    gpus: Decimal | None = None,
) -> Problem:
    return Problem(
        "",
        message,
        fix,
        monthly=monthly,
        cost_unknown=cost_unknown,
        gpus=gpus,
        place=f"{part.path}.{key}",
        source=part.limits.places.get(key, ""),
    )


def _budget(part: Part) -> Iterable[Problem]:
    budget, most = part.limits.max_gpus, part.most_gpus
    if budget is None or (most is not None and most <= budget):
        return
    name = _figure(part, Figure.CEILING)
    allowed = f"the budget is {number(budget)} ({part.path}.maxGpus)"
    if most is None:
        text = f"{name} has no known number of GPUs, and {allowed}."
        fix = "Set a limit on every pool (spec.limits, a maximum), with known types."
    else:
        text = f"{name} is {counted(most, 'GPU')}; {allowed}."
        fix = "Lower the maximum of a pool, or have the budget raised."
    yield _problem(part, "maxGpus", text, fix)


def _idle(part: Part) -> Iterable[Problem]:
    gpus, hours = part.limits.max_idle_gpus, part.limits.max_idle_hours_per_week
    held = _figure(part, Figure.FLOOR)
    if gpus is not None and part.gpus > gpus:
        yield _problem(
            part,
            "maxIdleGpus",
            (
                f"{held} holds {counted(part.gpus, 'GPU')}; the limit is {number(gpus)} "
                f"({part.path}.maxIdleGpus)."
            ),
            "Scale to zero what holds the GPUs, or have the limit raised.",
            gpus=part.gpus,
        )
    if hours is not None and part.hours > hours:
        yield _problem(
            part,
            "maxIdleHoursPerWeek",
            (
                f"{held} holds GPUs for {number(part.hours)} h a week; the limit is "
                f"{number(hours)} h ({part.path}.maxIdleHoursPerWeek)."
            ),
            "Shorten the schedule, scale to zero, or have the limit raised.",
        )


def _figure(part: Part, figure: Figure) -> str:
    name = "The capacity at deployment" if figure is Figure.DESIRED else f"The {figure}"
    return name + (f" of {part.scope}" if part.scope else "")


RULE = Rule(
    id="GPU203",
    name="cost-above-limit",
    title="Stack exceeds a limit",
    why=(
        "The settings limit what floor, desired and ceiling may cost an hour, how many GPUs may idle and for how many hours a week: for "
        "the whole, or for an environment, a project or some resources (`limits.scoped`). If a choice among types is open, the most "
        "expensive counts."
    ),
    fix="Lower the count or choose a cheaper type, or have the limit raised.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
