"""What a floor comes to: over a weekend, until someone notices, in a year; and what the way to zero
costs in waiting."""

from __future__ import annotations

from typing import Final

from zerofloor.capacity import WEEK
from zerofloor.cost.cold_start import Wait
from zerofloor.cost.estimate import Meaning
from zerofloor.money import HOURS_PER_MONTH, Money

WEEKEND_HOURS: Final = 62
"""Friday 18:00 to Monday 08:00."""


def meaning(floor: Money, noticed_after_days: int, wait: Wait, *, all_week: bool) -> Meaning:
    """`floor` is the cost an hour without a request, on the average of a week; `all_week` is False
    where a part of it runs by a schedule."""
    return Meaning(
        weekly=floor * WEEK,
        weekend=floor * WEEKEND_HOURS if all_week else None,
        until_noticed=floor * (24 * noticed_after_days),
        noticed_after_days=noticed_after_days,
        first_year=floor * HOURS_PER_MONTH * 12,
        saves_monthly=floor * HOURS_PER_MONTH,
        wait=wait,
    )
