"""The hours of schedules as seconds of a trace."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from zerofloor.platforms.loops import Window
from zerofloor.schedules import occurrences
from zerofloor.simulation.queue import Floats
from zerofloor.structs import Value

AFTER: Final = datetime.timedelta(weeks=5)
"""How long after the trace's end a schedule is followed; what is open then stays open."""


class Hours(Value, frozen=True, kw_only=True):
    """When a window is open."""

    begins: Floats
    """Seconds from the trace's beginning, in order."""
    ends: Floats
    """As many; the last one is infinite where it stays open."""
    replicas: int

    def is_open(self, moments: Floats) -> NDArray[np.bool_]:
        """Whether it is open, at each of the moments."""
        begun = np.searchsorted(self.begins, moments, "right")
        return begun > np.searchsorted(self.ends, moments, "right")


def open_hours(
    windows: Iterable[Window], begin: datetime.datetime, span: float
) -> tuple[Hours, ...]:
    """The hours of each window, for a trace that begins at a moment and lasts `span` seconds.

    BadSchedule where an expression can't be read.
    """
    return tuple(_hours(window, begin, span) for window in windows)


def _hours(window: Window, begin: datetime.datetime, span: float) -> Hours:
    local = begin.astimezone(ZoneInfo(window.timezone))
    until = local + datetime.timedelta(seconds=span) + AFTER
    begins: list[float] = []
    ends: list[float] = []
    for moment, is_open in _states(window, local, until):
        if is_open == (len(begins) > len(ends)):
            continue
        (begins if is_open else ends).append((moment - local).total_seconds())
    if len(begins) > len(ends):
        ends.append(math.inf)
    return Hours(begins=np.array(begins), ends=np.array(ends), replicas=window.replicas)


def _states(
    window: Window, begin: datetime.datetime, until: datetime.datetime
) -> Iterator[tuple[datetime.datetime, bool]]:
    """Whether it is open, at the beginning and each time that an expression fires.

    As KEDA does: open where the next end is no later than the next start (scalers/cron_scaler.go).
    """
    starts, ends = occurrences(window.start, begin), occurrences(window.end, begin)
    start, end = next(starts, until), next(ends, until)
    moment = begin
    while moment < until:
        yield moment.astimezone(datetime.UTC), end <= start
        moment = min(start, end)
        if start <= moment:
            start = next(starts, until)
        if end <= moment:
            end = next(ends, until)


def replicas_at(hours: Sequence[Hours], moments: Floats) -> NDArray[np.int64]:
    """The replicas that the windows want, at each of the moments; 0 where none is open."""
    most = np.zeros(len(moments), dtype=np.int64)
    for one in hours:
        most = np.maximum(most, np.where(one.is_open(moments), one.replicas, 0))
    return most


def next_begin(hours: Sequence[Hours], now: float) -> float:
    """When a window opens next; infinity where none does."""
    later = (one.begins[np.searchsorted(one.begins, now, "right") :] for one in hours)
    return min((float(begins[0]) for begins in later if len(begins)), default=math.inf)


def closes(hours: Sequence[Hours], now: float, until: float) -> bool:
    """Whether a window is open now or opens before `until`, and closes again."""
    for one in hours:
        due = (one.begins <= now) | (one.begins < until)
        if np.any(due & (one.ends > now) & (one.ends < math.inf)):
            return True
    return False
