"""Recurring actions on a group's sizes: how many units they hold, and for how many hours of a week."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from zerofloor.capacity import WEEK

_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST: Final = datetime.date(2024, 1, 1)
"""A Monday from which a leap cycle of four years is counted; no date of it shows."""
_CYCLE: Final = 1461
_MOST: Final = 200_000
"""More events than this in the window are not worked out."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a recurring action fires."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    any_day: bool
    """The day of month is `*`."""
    any_weekday: bool

    @property
    def weekly(self) -> bool:
        return self.any_day and len(self.months) == 12

    def on(self, day: datetime.date) -> bool:
        """Whether it fires on a day; with both restricted either is enough (crontab(5))."""
        weekday = day.isoweekday() % 7 in self.weekdays
        monthday = day.day in self.days
        matches = weekday if self.any_day else monthday if self.any_weekday else weekday or monthday
        return matches and day.month in self.months


def unix_cron(text: str) -> Times | None:
    """A five-field cron expression (EC2 Auto Scaling); None where it is none."""
    fields = text.split()
    return _times(fields, 0) if len(fields) == 5 else None


def aws_cron(text: str) -> Times | None:
    """`cron(minute hour day month weekday year)` of Application Auto Scaling, weekdays counted from 1 = Sunday; None else."""
    match = re.fullmatch(r"cron\((.*)\)", text.strip())
    fields = match[1].split() if match else []
    if len(fields) != 6 or fields[5] != "*":
        return None
    return _times([field.replace("?", "*") for field in fields[:5]], 1)


def _times(fields: Sequence[str], first_weekday: int) -> Times | None:
    minute, hour, day, month, weekday = fields
    parsed = (
        _field(minute, 0, 59),
        _field(hour, 0, 23),
        _field(day, 1, 31),
        _field(month, 1, 12, _MONTHS, 1),
        _field(weekday, first_weekday, 7, _DAYS, first_weekday),
    )
    if any(part is None for part in parsed):
        return None
    minutes, hours, days, months, weekdays = (part or frozenset() for part in parsed)
    counted = frozenset((number - first_weekday) % 7 for number in weekdays)
    return Times(minutes, hours, days, months, counted, day == "*", weekday == "*")


def _field(text: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> frozenset[int] | None:
    found: set[int] = set()
    for part in text.lower().split(","):
        match = re.fullmatch(r"(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/(\d{1,2}))?", part)
        if not match:
            return None
        if match[1] == "*":
            start, end = low, high
        else:
            begin = _value(match[1], names, first)
            last = _value(match[2], names, first) if match[2] else begin
            if begin is None or last is None:
                return None
            start, end = begin, high if match[3] and not match[2] else last
        step = int(match[3] or 1)
        if step == 0 or not low <= start <= high or not low <= end <= high:
            return None
        span = range(start, end + 1) if start <= end else [*range(start, high + 1), *range(low, end + 1)]
        found.update(list(span)[::step])
    return frozenset(found)


def _value(text: str, names: tuple[str, ...], first: int) -> int | None:
    if text.isdigit():
        return int(text) if len(text) <= 2 else None
    return names.index(text[:3]) + first if text[:3] in names else None


@dataclass(frozen=True, slots=True)
class Sizes:
    minimum: int
    maximum: int
    desired: int


@dataclass(frozen=True, slots=True)
class Change:
    """What an action sets; None leaves a size as it is."""

    times: Times | None
    """None: it happened once, before the week that is looked at."""
    minimum: int | None
    maximum: int | None
    desired: int | None

    def after(self, now: Sizes) -> Sizes:
        minimum = now.minimum if self.minimum is None else self.minimum
        maximum = now.maximum if self.maximum is None else self.maximum
        desired = now.desired if self.desired is None else self.desired
        return Sizes(minimum, maximum, max(minimum, min(maximum, desired)))


def levels(start: Sizes, changes: Sequence[Change], lowered: bool) -> tuple[tuple[int, Decimal], ...] | None:
    """For each level above zero the hours of a week for which at least that many units stay, the highest level first.

    `lowered`: something brings the desired size down to the minimum between the actions. None where the expressions fire
    too often to be worked out.
    """
    state = start
    for change in changes:
        if change.times is None:
            state = change.after(state)
    recurring = [change for change in changes if change.times is not None]
    days = 7 if all(change.times.weekly for change in recurring if change.times) else _CYCLE
    events: list[tuple[int, int]] = []
    for index, change in enumerate(recurring):
        times = change.times
        if times is None or len(times.minutes) * len(times.hours) * days > _MOST:
            return None
        stamps = sorted(hour * 60 + minute for hour in times.hours for minute in times.minutes)
        for day in range(days):
            if times.on(_FIRST + datetime.timedelta(days=day)):
                events += [(day * 1440 + stamp, index) for stamp in stamps]
    events.sort()
    end = days * 1440
    held: dict[int, int] = {}
    for measured in (False, True):  # the first pass finds the state in which a cycle starts
        state, since = _settle(state, lowered), 0
        for stamp, index in events:
            if measured:
                held[state.desired] = held.get(state.desired, 0) + stamp - since
            state, since = _settle(recurring[index].after(state), lowered), stamp
        if measured:
            held[state.desired] = held.get(state.desired, 0) + end - since
    out: list[tuple[int, Decimal]] = []
    minutes = 0
    for level in sorted(held, reverse=True):
        minutes += held[level]
        if level > 0 and held[level]:
            out.append((level, (Decimal(minutes) * WEEK / Decimal(end)).quantize(Decimal("0.01")).normalize()))
    return tuple(out)


def _settle(state: Sizes, lowered: bool) -> Sizes:
    return Sizes(state.minimum, state.maximum, state.minimum) if lowered else state
