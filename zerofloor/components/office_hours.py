"""Hours in which replicas are kept: as people say them (`Mon-Fri 08:00-19:00`) or as two cron
expressions, read into what KEDA's cron scaler wants."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from zerofloor.schedules import BadSchedule, fires, occurrences

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WORDS: Final = re.compile(r"(?P<days>[A-Za-z,\-]+) (?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
_MONDAY: Final = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
_FOUR_WEEKS: Final = datetime.timedelta(weeks=4)
FORM: Final = (
    "must be days and hours such as Mon-Fri 08:00-19:00, or two cron expressions such as "
    "0 8 * * 1-5 to 0 19 * * 1-5"
)


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of time that recurs."""

    start: str
    """The cron expression of its beginning, five fields."""
    end: str


def window(text: str) -> Window:
    """What a text says.

    Raises ValueError with what is wrong.
    """
    said = _WORDS.fullmatch(text.strip())
    if said:
        return _of_words(said["days"], said["start"], said["end"])
    start, _, end = (part.strip() for part in text.partition(" to "))
    if not end:
        raise ValueError(FORM)
    for one in (start, end):
        if len(one.split()) != 5:
            raise ValueError(FORM)
        if not fires(one):
            raise ValueError(f"{one} is not a cron expression that ever fires")
    if start == end:
        raise ValueError("starts when it ends, which KEDA refuses")
    return Window(start, end)


def overlaps(windows: Sequence[Window]) -> Iterator[tuple[int, int]]:
    """The indexes of windows that are open at one time: KEDA takes the larger of the two, so that
    one is written in vain."""
    spans = sorted(
        (start, end, index) for index, one in enumerate(windows) for start, end in _spans(one)
    )
    told = set()
    last: tuple[datetime.datetime, int] | None = None
    for start, end, index in spans:
        if last is not None and start < last[0] and index != last[1]:
            pair = (min(index, last[1]), max(index, last[1]))
            if pair not in told:
                told.add(pair)
                yield pair
        if last is None or end > last[0]:
            last = (end, index)


def known_zone(name: str) -> bool:
    """Whether it is a time zone of the IANA database."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _of_words(days: str, start: str, end: str) -> Window:
    numbers = sorted(_numbers(days))
    first, last = _minutes(start), _minutes(end)
    if first == last:
        raise ValueError("starts when it ends, which KEDA refuses")
    # What ends before it begins ends on the next day.
    ending = numbers if last > first else sorted({number % 7 + 1 for number in numbers})
    return Window(_cron(first, numbers), _cron(last, ending))


def _cron(minute: int, days: Sequence[int]) -> str:
    # KEDA counts Sunday as 0.
    return f"{minute % 60} {minute // 60} * * {','.join(str(day % 7) for day in days)}"


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[3:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{text} is not a time of day: write 00:00 to 23:59")
    return hours * 60 + minutes


def _numbers(text: str) -> Iterator[int]:
    """Days as numbers, Monday 1 to Sunday 7."""
    for part in text.split(","):
        first, dash, last = part.partition("-")
        for word in (first, last) if dash else (first,):
            if word not in _DAYS:
                raise ValueError(f"{word or part} is not a day: write {', '.join(_DAYS)}")
        begin = _DAYS.index(first)
        count = (_DAYS.index(last) - begin) % 7 if dash else 0
        yield from ((begin + step) % 7 + 1 for step in range(count + 1))


def _spans(one: Window) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    at = _MONDAY - datetime.timedelta(minutes=1)
    limit = _MONDAY + _FOUR_WEEKS
    for begun in occurrences(one.start, at):
        if begun >= limit:
            return
        try:
            yield begun, next(iter(occurrences(one.end, begun)))
        except (StopIteration, BadSchedule):
            return
