"""Cron schedules as hours a week. cronsim reads the expressions: small, typed, kept by the makers
of Healthchecks.io."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Final

# A fixed month that starts on a Monday: what a schedule holds must not depend on the day of the
# check.
_START: Final = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
_WEEKS: Final = 4
_MOST_WINDOWS: Final = 3000
_LONGEST: Final = datetime.timedelta(weeks=_WEEKS)


_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class BadSchedule(ValueError):
    """The text is no cron expression."""


def occurrences(expression: str, since: datetime.datetime = _START) -> Iterator[datetime.datetime]:
    """The times after `since` at which a cron expression (five fields, a macro, or AWS' `cron(…)`)
    fires.

    Raises BadSchedule where it can't be read.
    """
    from cronsim import CronSim, CronSimError

    text = expression.strip()
    if text.startswith("cron(") and text.endswith(")"):
        fields = text[5:-1].split()
        text = " ".join(fields[:5]).replace("?", "*") if len(fields) == 6 else text
        # AWS counts weekdays from 1 (Sunday); cron from 0 (EventBridge user guide, "Cron
        # expressions").
        parts = text.split()
        if len(parts) == 5:
            parts[4] = _shifted(parts[4])
            text = " ".join(parts)
    try:
        yield from CronSim(_MACROS.get(text, text), since)
    except CronSimError as error:
        raise BadSchedule(f"{expression!r} is not a cron expression: {error}") from None


@lru_cache(maxsize=1024)
def fires(expression: str) -> bool:
    """Whether it is a cron expression, and one that ever fires."""
    try:
        return next(occurrences(expression), None) is not None
    except BadSchedule:
        return False


@lru_cache(maxsize=1024)
def hours_per_week(start: str, end: str) -> Decimal:
    """How many hours of a week lie between a start and the next end, averaged over four weeks, to a
    hundredth.

    Raises BadSchedule where either can't be read or never fires.
    """
    return _covered(start, lambda begun: _after(end, begun))


def hours_for(start: str, duration: datetime.timedelta) -> Decimal:
    """How many hours of a week windows of fixed length cover that open at each start; windows that
    overlap are one."""

    def ending(begun: datetime.datetime) -> datetime.datetime:
        over = begun + duration
        for later in occurrences(start, begun):
            if later > over or over >= begun + _LONGEST:
                break
            over = later + duration
        return over

    return _covered(start, ending)


def _covered(start: str, ending: Callable[[datetime.datetime], datetime.datetime]) -> Decimal:
    limit = _START + datetime.timedelta(weeks=_WEEKS)
    covered = datetime.timedelta(0)
    at = _START - datetime.timedelta(minutes=1)
    windows = 0
    while at < limit and windows < _MOST_WINDOWS:
        begun = _after(start, at)
        if begun >= limit:
            break
        over = ending(begun)
        covered += over - begun
        windows += 1
        # The next window can't begin before this one is over; a start at its very end goes on
        # without a gap.
        at = over - datetime.timedelta(minutes=1)
    # A window counts in full where it begins, so that one that runs past the last day weighs like
    # the others.
    watched = limit if windows < _MOST_WINDOWS else at
    weeks = Decimal((watched - _START) // datetime.timedelta(minutes=1)) / (7 * 24 * 60)
    hours = Decimal(covered // datetime.timedelta(minutes=1)) / 60
    return min(Decimal(168), (hours / weeks)).quantize(Decimal("0.01"))


def _after(expression: str, moment: datetime.datetime) -> datetime.datetime:
    for found in occurrences(expression, moment):
        return found
    raise BadSchedule(f"{expression!r} never fires")


def _shifted(weekdays: str) -> str:
    return "".join(str(int(c) - 1) if c.isdigit() and "1" <= c <= "7" else c for c in weekdays)
