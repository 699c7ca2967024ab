"""Scheduled actions on a group's sizes: how many units they hold, and for how many hours of a
week."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from zerofloor.capacity import WEEK
from zerofloor.schedules import fires, occurrences
from zerofloor.structs import Value

_START: Final = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
"""A Monday; no date of it shows."""
_WEEK: Final = datetime.timedelta(weeks=1)
_CYCLE: Final = datetime.timedelta(days=1461)
"""Four years, for expressions that name days of the month or months."""
_MOST: Final = 20_000
"""An expression that fires more often in the window is not worked out."""


class Sizes(Value, frozen=True):
    minimum: int
    maximum: int
    desired: int


class Move(Value, frozen=True):
    """What an action sets; None leaves a size as it is."""

    cron: str | None
    """When it fires; None: once, before the week that is looked at."""
    minimum: int | None
    maximum: int | None
    desired: int | None

    def after(self, now: Sizes) -> Sizes:
        """The sizes that it leaves: the desired one moves into the limits (EC2 Auto Scaling user
        guide, "Scheduled scaling")."""
        minimum = now.minimum if self.minimum is None else self.minimum
        maximum = now.maximum if self.maximum is None else self.maximum
        desired = now.desired if self.desired is None else self.desired
        return Sizes(minimum, maximum, max(minimum, min(maximum, desired)))


def readable(expression: object) -> bool:
    """Whether an expression says when it fires."""
    return isinstance(expression, str) and fires(expression)


def levels(
    start: Sizes, changes: Sequence[Move], lowered: bool
) -> tuple[tuple[int, Decimal], ...] | None:
    """For each level above zero the hours of a week for which at least that many units stay, the
    highest level first.

    `lowered`: something lowers the desired size to the minimum between the actions. None where
    they fire too often to be worked out. Time zones do not matter: one for all actions of a group
    moves the week and no duration.
    """
    recurring = [(change, change.cron) for change in changes if change.cron is not None]
    window = _WEEK if all(_weekly(cron) for _, cron in recurring) else _CYCLE
    events = _fired(recurring, window)
    if events is None:
        return None
    state = _settled(start, lowered)
    for change in changes:
        if change.cron is None:
            state = _settled(change.after(state), lowered)
    for _, change in events:  # A first cycle finds the state in which each one starts.
        state = _settled(change.after(state), lowered)
    held: dict[int, datetime.timedelta] = defaultdict(datetime.timedelta)
    since = _START
    for moment, change in events:
        held[state.desired] += moment - since
        state, since = _settled(change.after(state), lowered), moment
    held[state.desired] += _START + window - since
    return tuple(_shares(held, window))


def _fired(
    recurring: Sequence[tuple[Move, str]], window: datetime.timedelta
) -> list[tuple[datetime.datetime, Move]] | None:
    """What fires when, in a window; None where one fires too often."""
    events: list[tuple[datetime.datetime, Move]] = []
    for change, cron in recurring:
        moments = _within(cron, window)
        if len(moments) > _MOST:
            return None
        events += [(moment, change) for moment in moments]
    return sorted(events, key=lambda event: event[0])  # Actions of one minute keep their order.


def _shares(
    held: Mapping[int, datetime.timedelta], window: datetime.timedelta
) -> Iterator[tuple[int, Decimal]]:
    """Each level above zero with the hours of a week for which it or a higher one is held."""
    minute, total = datetime.timedelta(minutes=1), datetime.timedelta(0)
    for level in sorted(held, reverse=True):
        total += held[level]
        if level > 0 and held[level]:
            share = Decimal(total // minute) / Decimal(window // minute)
            yield level, (share * WEEK).quantize(Decimal("0.01")).normalize()


@lru_cache(maxsize=1024)
def _within(cron: str, window: datetime.timedelta) -> Sequence[datetime.datetime]:
    found: list[datetime.datetime] = []
    for moment in occurrences(cron, _START - datetime.timedelta(minutes=1)):
        if moment >= _START + window or len(found) > _MOST:
            break
        found.append(moment)
    return found


def _weekly(cron: str) -> bool:
    """Whether it repeats every week: neither day of month nor month is restricted."""
    fields = cron.removeprefix("cron(").split()
    return len(fields) >= 5 and fields[2] in ("*", "?") and fields[3] == "*"


def _settled(state: Sizes, lowered: bool) -> Sizes:
    return Sizes(state.minimum, state.maximum, state.minimum) if lowered else state
