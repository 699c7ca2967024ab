"""Requests in front of replicas: first come, first served, by as many at a time as there are slots.

Where no request waits, all of a stretch are played at once by arrays; where some do, one by one;
where very many do, as one server that is as fast as all slots together.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

FEW: Final = 1_024
MANY: Final = 262_144
"""Requests that are tried at once as if none of them had to wait: more while none does."""
IN_TURN: Final = (512, 65_536)
"""Requests that are played one by one before arrays are tried again: more while that fails."""
LONG: Final = 20
"""Requests that wait for each slot from which on it doesn't matter which slot takes which: what a
request waits is then many times what one takes."""
_NONE: Final = np.zeros(0)


@dataclass(slots=True)
class Stretch:
    """What happens from one moment to another while the slots stay the same."""

    starts: Floats
    """When the next requests begin, from the head of the queue on."""
    ends: Floats
    """All ends of answers, those that were running before included, in order."""


class Queue:
    """The requests of a trace while they are played."""

    def __init__(self, arrivals: Floats, service: Floats) -> None:
        self.arrivals = arrivals
        self.service = service
        """Seconds of an answer, without waiting."""
        self.starts = np.full(len(arrivals), np.nan)
        """When each began; not a number for one that was refused or is not answered yet."""
        self.head = 0
        """The first request that has neither begun nor been refused."""
        self.running = _NONE
        """When the answers end that are being given, in order."""
        self.finished = 0
        self.refused = 0
        self._block = FEW
        self._turn = IN_TURN[0]

    @property
    def is_over(self) -> bool:
        """Whether no request waits, runs or is still to arrive."""
        return self.head >= len(self.arrivals) and not len(self.running)

    def waiting(self, at: float) -> bool:
        """Whether a request waits."""
        return self.head < len(self.arrivals) and bool(self.arrivals[self.head] <= at)

    def next_arrival(self) -> float:
        """When the next request of the queue arrived or arrives."""
        return float(self.arrivals[self.head]) if self.head < len(self.arrivals) else np.inf

    def look_ahead(self, now: float, until: float, slots: int) -> Stretch:
        """What happens until then with so many slots; changes nothing."""
        last = int(np.searchsorted(self.arrivals, until, "left"))
        if slots <= 0 or last <= self.head:
            return Stretch(_NONE, self.running)
        parts: list[Floats] = []
        running = self.running
        index = self.head
        while index < last:
            begun, running, index = self._next(now, until, slots, running, index, last)
            if not len(begun):
                break
            parts.append(begun)
            now = max(now, float(begun[-1]))
        starts = np.concatenate(parts) if parts else _NONE
        served = self.service[self.head : self.head + len(starts)]
        ends = np.sort(np.concatenate((self.running, starts + served)))
        return Stretch(starts, ends)

    def accept(self, stretch: Stretch, until: float, hold: float | None, slots: int) -> None:
        """Make a stretch true up to a moment (not included)."""
        begun = int(np.searchsorted(stretch.starts, until, "left"))
        starts = stretch.starts[:begun]
        self.starts[self.head : self.head + begun] = starts
        ends = np.concatenate((self.running, starts + self.service[self.head : self.head + begun]))
        self.head += begun
        over = ends <= until
        self.finished += int(np.count_nonzero(over))
        self.running = np.sort(ends[~over])
        if slots <= 0 and hold is not None:
            gone = int(np.searchsorted(self.arrivals, until - hold, "left"))
            self.refused += max(0, gone - self.head)
            self.head = max(self.head, gone)

    def _next(
        self, now: float, until: float, slots: int, running: Floats, index: int, last: int
    ) -> tuple[Floats, Floats, int]:
        """The next starts, the ends that then run, and the next request."""
        arrival = self.arrivals[index]
        busy = len(running) - int(np.searchsorted(running, arrival, "right"))
        if arrival >= now and busy < slots:
            end = min(last, index + self._block)
            free = self._without_waiting(slots, running, index, end)
            if free == end:
                self._block, self._turn = min(self._block * 2, MANY), IN_TURN[0]
            else:
                self._block = FEW
            begun = self.arrivals[index:free]
            ends = begun + self.service[index:free]
            still = np.concatenate((running, ends[ends > begun[-1]]))
            return begun, np.sort(still[still > begun[-1]]), free
        far = index + LONG * slots
        is_long = far < len(self.arrivals) and bool(self.arrivals[far] <= max(now, arrival))
        way = self._as_one if is_long else self._one_by_one
        return way(now, until, slots, running, index, last)

    def _without_waiting(self, slots: int, running: Floats, index: int, end: int) -> int:
        """Up to which request each may begin as it arrives; the first may."""
        arrivals = self.arrivals[index:end]
        if len(running) + len(arrivals) <= slots:
            return end
        ends = np.sort(np.concatenate((running, arrivals + self.service[index:end])))
        # Every end is later than its start, so those up to an arrival are of earlier requests.
        over = np.searchsorted(ends, arrivals, "right")
        busy = len(running) + np.arange(len(arrivals)) - over
        full = np.flatnonzero(busy >= slots)
        return end if not len(full) else index + int(full[0])

    def _one_by_one(
        self, now: float, until: float, slots: int, running: Floats, index: int, last: int
    ) -> tuple[Floats, Floats, int]:
        # With more answers running than slots, the first of them to end free none.
        beyond = running[: max(0, len(running) - slots)]
        heap: list[float] = running[len(beyond) :].tolist()
        heap = [now] * (slots - len(heap)) + heap
        heapq.heapify(heap)
        end = min(last, index + self._turn)
        self._turn = min(self._turn * 2, IN_TURN[1])
        starts: list[float] = []
        replace, append = heapq.heapreplace, starts.append
        for arrival, seconds in zip(
            self.arrivals[index:end].tolist(), self.service[index:end].tolist(), strict=True
        ):
            start = heap[0]
            if arrival > start:
                start = arrival
            elif start >= until:
                break
            replace(heap, start + seconds)
            append(start)
        ends = np.concatenate((beyond, heap))
        return np.array(starts), np.sort(ends), index + len(starts)

    def _as_one(
        self, now: float, until: float, slots: int, running: Floats, index: int, last: int
    ) -> tuple[Floats, Floats, int]:
        """A long queue in front of one server with the speed of all slots."""
        first = now if len(running) < slots else max(now, float(running[len(running) - slots]))
        if first >= until:
            return _NONE, running, index
        usual = float(self.service[index : index + 1000].mean())
        end = min(last, index + slots + int(1.2 * slots * (until - first) / usual))
        arrivals, service = self.arrivals[index:end], self.service[index:end]
        work = np.zeros(len(service))
        np.cumsum(service[:-1] / slots, out=work[1:])
        begun = np.maximum.accumulate(np.maximum(arrivals, first) - work) + work
        count = int(np.searchsorted(begun, until, "left"))
        calm = np.flatnonzero(begun[1:count] <= arrivals[1:count])
        count = int(calm[0]) + 1 if len(calm) else count
        begun = begun[:count]
        ends = np.concatenate((running, begun + service[:count]))
        return begun, np.sort(ends[ends > begun[-1]]), index + count
