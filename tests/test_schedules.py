"""Hours a week of cron windows, worked out by hand."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from zerofloor.schedules import BadSchedule, hours_for, hours_per_week, occurrences


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("0 8 * * 1-5", "0 18 * * 1-5", "50"),  # five days of ten hours
        ("0 8 * * MON-FRI", "0 18 * * MON-FRI", "50"),
        ("0 22 * * *", "0 6 * * *", "56"),  # seven nights of eight hours
        ("0 8 * * 1", "0 18 * * 5", "106"),  # from Monday 8:00 to Friday 18:00
        ("0 0 * * *", "59 23 * * *", "167.88"),  # a minute short of each day: 168 - 7/60
        ("0 0 * * 0", "0 0 * * 3", "72"),  # over the turn of the week
        ("*/30 * * * *", "15,45 * * * *", "84"),  # every other quarter of an hour
        ("0 8 1 * *", "0 20 1 * *", "3"),  # twelve hours once in four weeks
    ],
)
def test_windows(start: str, end: str, hours: str) -> None:
    assert hours_per_week(start, end) == Decimal(hours)


def test_windows_of_fixed_length() -> None:
    assert hours_for("@daily", datetime.timedelta(hours=24)) == 168
    assert hours_for("0 9 * * 1-5", datetime.timedelta(hours=8)) == 40
    assert (
        hours_for("0 9 * * 1-5", datetime.timedelta(days=30)) == 168
    )  # windows that overlap are not counted twice


def test_weekdays_of_aws_count_from_sunday() -> None:
    first = next(occurrences("cron(0 8 ? * 2 *)"))
    assert first.strftime("%a %H:%M") == "Mon 08:00"


@pytest.mark.parametrize(
    "text", ["", "every day", "61 * * * *", "* * *", "0 8 * * 8", "cron(0 8)", "0 0 31 2 *"]
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(BadSchedule):
        hours_per_week(text, "0 18 * * *")
