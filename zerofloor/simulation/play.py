"""A trace played against a scaling loop: what the loop sees when it looks, what it does, what the
requests wait.

Between two changes of the replicas nothing that the loop does feeds back on the requests, so a
stretch of many looks is played at once and cut where the loop acts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zerofloor.platforms.loops import Loop, Measure, Policy, Signal
from zerofloor.simulation.fleet import Fleet, Node, Plan, Starting
from zerofloor.simulation.hours import Hours, closes, next_begin, replicas_at
from zerofloor.simulation.queue import Floats, Queue, Stretch

FEW_LOOKS: Final = 32
MANY_LOOKS: Final = 16_384
"""Looks of a loop that are played at once: few after it has acted, more while it does not."""
MANY_REQUESTS: Final = 1_000_000
FEW_REQUESTS: Final = 20_000


_PRESENT: Final = Signal(path="", measure=Measure.CONCURRENCY, target=1.0)


@dataclass(slots=True, kw_only=True)
class Course:
    """What happened."""

    nodes: list[Node]
    """All that ever ran, in the order of their launch; `gone` is infinite where one still runs."""
    waits: Floats
    """Seconds from the arrival of each request that was answered to its begin."""
    refused: int
    unanswered: int
    """Requests that nothing would ever have answered."""
    cold_starts: int
    """Times that the first replica was started."""
    started: int
    """Replicas that were started."""
    settled: float
    """From when on nothing changed any more."""


def play(
    arrivals: Floats,
    service: Floats,
    loop: Loop,
    plan: Plan,
    starting: Starting,
    slots: int,
    *,
    hours: Sequence[Hours] = (),
    span: float | None = None,
) -> Course:
    """Play requests that arrive at `arrivals` (seconds, in order) and each take `service` seconds,
    `slots` at a time in a replica.

    `hours` are those of the loop's windows. Those that open before `span` seconds are played even
    after the last request; without it those that open before that one.
    """
    return _Player(arrivals, service, loop, plan, starting, slots, hours, span).run()


@dataclass(slots=True, frozen=True)
class _Act:
    """What the loop does first in a stretch."""

    at: float
    to: int
    is_wake: bool = False
    is_synced: bool = False
    """True where the autoscaler does it, whose policies count its own changes alone."""


class _Player:
    def __init__(
        self,
        arrivals: Floats,
        service: Floats,
        loop: Loop,
        plan: Plan,
        starting: Starting,
        slots: int,
        hours: Sequence[Hours],
        span: float | None,
    ) -> None:
        self.loop = loop
        self.hours = hours
        self.span = span
        self.queue = Queue(arrivals, service)
        self.rest = loop.minimum if loop.idle is None else loop.idle
        """Replicas without a request."""
        self.fleet = Fleet(plan, starting, self.rest)
        self.slots = slots
        self.now = 0.0
        self.looks = FEW_LOOKS
        self.requests = FEW_REQUESTS
        self.last_active = -math.inf
        self.last_event = 0.0
        """When the loop acted or an answer ended last."""
        self.cold_starts = 0
        self.changes: list[tuple[float, int]] = []
        """When the autoscaler changed the replicas, and by how many."""
        self.seen_at: Floats = np.zeros(0)
        self.seen: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        """What it found desirable, look by look, as long as a window needs it."""

    def run(self) -> Course:
        """Until every request is answered and the loop has nothing left to do."""
        while not self._is_settled():
            self._skip_idle()
            self._step(self._horizon())
        return self._course()

    def _is_settled(self) -> bool:
        """Whether nothing will change any more: all is as before the first request, or so long
        nothing happened that nothing ever will (a loop that never scales in, a request that never
        wakes it)."""
        queue, loop = self.queue, self.loop
        last = float(queue.arrivals[-1]) if len(queue.arrivals) else 0.0
        if closes(self.hours, self.now, last if self.span is None else self.span):
            return False
        if queue.is_over and self.fleet.replicas == self.rest:
            return True
        if last > self.now or len(queue.running) or self.fleet.next_ready(self.now) < math.inf:
            return False
        if queue.waiting(self.now) and self.fleet.ready(self.now):
            return False
        periods = [policy.period for policy in (*loop.up.policies, *loop.down.policies)]
        slowest = max(loop.cooldown or 0.0, loop.up.window, loop.down.window)
        patience = slowest + max(periods, default=0.0) + 2 * max(loop.poll, loop.sync)
        patience += max((signal.window for signal in loop.signals), default=0.0)
        return self.now - max(self.last_event, last) > patience + (self._hold() or 0.0)

    def _skip_idle(self) -> None:
        """On to the next arrival, or the last look before a window opens, where the loop is at rest
        and nothing runs."""
        queue = self.queue
        at_rest = self.fleet.replicas == self.rest and not len(queue.running)
        ready = self.fleet.next_ready(self.now) == math.inf
        opens = next_begin(self.hours, self.now) - self.loop.poll
        next_event = min(queue.next_arrival(), opens)
        if any(replicas_at(self.hours, np.array([self.now]))):
            return
        if at_rest and ready and not queue.waiting(self.now) and next_event < math.inf:
            self.now = max(self.now, next_event)
            self._remember(self.now, self.rest)

    def _remember(self, at: float, replicas: int) -> None:
        """That so many replicas were enough up to a moment."""
        self.seen_at = np.array([at])
        self.seen = np.array([replicas], dtype=np.int64)

    def _horizon(self) -> float:
        """Until when the slots stay the same and it is worth to look at once."""
        beat = min(self.loop.poll, self.loop.sync)
        until = self.now + self.looks * beat
        index = self.queue.head + self.requests
        if index < len(self.queue.arrivals):
            until = min(until, max(float(self.queue.arrivals[index]), self.now + 2 * beat))
        return min(until, self.fleet.next_ready(self.now))

    def _hold(self) -> float | None:
        """Seconds for which a request waits while nothing is ready; None: without end."""
        return 0.0 if self.loop.refuses_at_zero else self.loop.hold_limit

    def _step(self, until: float) -> None:
        slots = self.fleet.ready(self.now) * self.slots
        stretch = self.queue.look_ahead(self.now, until, slots)
        replicas = self.fleet.replicas
        act = self._first_act(stretch, until, replicas, slots)
        end = until if act is None else act.at
        if len(stretch.ends):
            self.last_event = max(self.last_event, min(end, float(stretch.ends[-1])))
        self.queue.accept(stretch, end, self._hold(), slots)
        before, self.now = self.now, end
        if act is None:
            if end == self.fleet.next_ready(before):
                self.last_event = end
            self.looks = min(self.looks * 2, MANY_LOOKS)
            self.requests = min(self.requests * 2, MANY_REQUESTS)
            return
        self.looks, self.requests, self.last_event = FEW_LOOKS, FEW_REQUESTS, act.at
        if act.is_wake:
            self.cold_starts += 1
            self._remember(act.at, act.to)
        if act.to != replicas:
            self.fleet.scale(act.to, act.at)
        if act.is_synced:
            policies = (*self.loop.up.policies, *self.loop.down.policies)
            since = act.at - max((policy.period for policy in policies), default=0.0)
            self.changes = [change for change in self.changes if change[0] > since]
            self.changes.append((act.at, act.to - replicas))

    def _first_act(self, stretch: Stretch, until: float, replicas: int, slots: int) -> _Act | None:
        """What the loop does first, and what it remembers up to then."""
        if not self.loop.signals and not self.hours:
            return None
        polled = self._polled(stretch, until, replicas, slots)
        before = until if polled is None else polled.at
        if replicas == 0:
            return polled
        synced = self._synced(stretch, before, replicas, slots)
        return polled if synced is None else synced

    # Active or not: KEDA's poll.

    def _polled(self, stretch: Stretch, until: float, replicas: int, slots: int) -> _Act | None:
        loop = self.loop
        if loop.minimum and loop.idle is None:
            return None
        if replicas <= self.rest and loop.wakes_on_request:
            return self._woken(until)
        looks = _looks(self.now, until, loop.poll)
        if not len(looks):
            return None
        active = replicas_at(self.hours, looks) > 0
        seen = looks
        if loop.wakes_on_request:
            # Every request counts, not only those that are there at a look.
            active |= self._measured(_PRESENT, stretch, looks, slots) > 0
            over = np.searchsorted(stretch.ends, looks, "right")
            ends = np.concatenate(([-np.inf], stretch.ends))[over]
            seen = np.where(active, looks, ends)
        else:
            for signal in loop.signals:
                active |= self._measured(signal, stretch, looks, slots) > signal.activation
        if replicas <= self.rest:
            first = np.flatnonzero(active)
            if not len(first):
                return None
            at = float(looks[first[0]])
            self.last_active = at
            return _Act(at, max(1, loop.minimum), is_wake=replicas == 0)
        assert loop.cooldown is not None
        known = seen if loop.wakes_on_request else np.where(active, seen, -np.inf)
        last = np.maximum.accumulate(np.maximum(known, self.last_active))
        idle = np.flatnonzero(~active & (looks - last > loop.cooldown))
        if not len(idle):
            self.last_active = max(self.last_active, float(last[-1]))
            return None
        at = float(looks[idle[0]])
        self.last_active = float(last[idle[0]])
        return _Act(at, self.rest)

    def _woken(self, until: float) -> _Act | None:
        """A request starts the first replica by itself; a window at the next look."""
        looks = _looks(self.now, until, self.loop.poll)
        opened = looks[replicas_at(self.hours, looks) > 0]
        at = min((max(self.queue.next_arrival(), self.now), *opened[:1].tolist()))
        if at >= until:
            return None
        self.last_active = at
        return _Act(at, max(1, self.loop.minimum), is_wake=True)

    # How many: the autoscaler's sync.

    def _synced(self, stretch: Stretch, until: float, replicas: int, slots: int) -> _Act | None:
        loop = self.loop
        looks = _looks(self.now, until, loop.sync)
        if not len(looks):
            return None
        least, most = max(1, loop.minimum), loop.maximum
        found = replicas_at(self.hours, looks)
        for signal in loop.signals:
            measured = self._measured(signal, stretch, looks, slots)
            found = np.maximum(found, self._desired(signal, measured, replicas, slots))
        moments = np.concatenate((self.seen_at, looks))
        desired = np.concatenate((self.seen, np.clip(found, least, most)))
        act = self._first_change(moments, desired, len(self.seen_at), replicas)
        end = until if act is None else act.at
        horizon = end - max(loop.up.window, loop.down.window) - loop.sync
        kept = (moments <= end) & (moments > horizon)
        self.seen_at, self.seen = moments[kept], desired[kept]
        return act

    def _desired(
        self, signal: Signal, measured: Floats, replicas: int, slots: int
    ) -> NDArray[np.int64]:
        """Replicas by one metric, as the horizontal pod autoscaler reckons them."""
        target = signal.target * (self.slots if signal.is_share else 1)
        if signal.is_ratio:
            ratio = measured / target
            ready = max(1, slots // self.slots)
            found = np.ceil(ratio * ready - 1e-9)
        else:
            ratio = measured / (target * replicas)
            found = np.ceil(measured / target - 1e-9)
        near = np.abs(ratio - 1.0) <= self.loop.tolerance
        return np.where(near, replicas, found).astype(np.int64)

    def _first_change(
        self, moments: Floats, desired: NDArray[np.int64], known: int, replicas: int
    ) -> _Act | None:
        up, down = self.loop.up, self.loop.down
        rises = self._agreed(moments, desired > replicas, up.window)
        falls = self._agreed(moments, desired < replicas, down.window)
        if up.is_off:
            rises[:] = False
        if down.is_off:
            falls[:] = False
        for index in np.flatnonzero((rises | falls)[known:]) + known:
            at = float(moments[index])
            window = up.window if rises[index] else down.window
            since = moments > at - window
            since[index] = True
            seen = desired[: index + 1][since[: index + 1]]
            goal = int(seen.min() if rises[index] else seen.max())
            to = self._allowed(goal, replicas, at)
            if to != replicas:
                return _Act(at, to, is_synced=True)
        return None

    @staticmethod
    def _agreed(moments: Floats, wanted: NDArray[np.bool_], window: float) -> NDArray[np.bool_]:
        """Where every look within the window wanted it."""
        if window <= 0:
            return wanted.copy()
        against = np.maximum.accumulate(np.where(wanted, -np.inf, moments))
        return wanted & (moments - against >= window)

    def _allowed(self, goal: int, replicas: int, at: float) -> int:
        """The goal within what the policies allow to change in their periods."""
        rules = self.loop.up if goal > replicas else self.loop.down
        if not rules.policies:
            return goal
        bounds = [
            self._bound(policy, replicas, at, is_up=goal > replicas) for policy in rules.policies
        ]
        if goal > replicas:
            most = min(bounds) if rules.takes_least else max(bounds)
            return max(replicas, min(goal, math.floor(most)))
        least = max(bounds) if rules.takes_least else min(bounds)
        return min(replicas, max(goal, math.ceil(least)))

    def _bound(self, policy: Policy, replicas: int, at: float, *, is_up: bool) -> float:
        """Replicas at most (at least, where it scales in) by one policy."""
        moved = sum(
            change
            for when, change in self.changes
            if when > at - policy.period and (change > 0) == is_up
        )
        start = replicas - moved
        by = start * policy.amount / 100 if policy.is_percent else policy.amount
        if is_up:
            return math.ceil(start + by) if policy.is_percent else start + by
        return math.floor(start - by) if policy.is_percent else start - by

    # What a metric shows.

    def _measured(self, signal: Signal, stretch: Stretch, looks: Floats, slots: int) -> Floats:
        queue = self.queue
        arrived = np.searchsorted(queue.arrivals, looks, "right")
        if signal.measure is Measure.RATE:
            before = np.searchsorted(queue.arrivals, looks - signal.window, "right")
            return (arrived - before) / signal.window
        begun = queue.head + np.searchsorted(stretch.starts, looks, "right")
        left = begun
        hold = self._hold()
        if slots <= 0 and hold is not None:
            left = np.maximum(begun, np.searchsorted(queue.arrivals, looks - hold, "left"))
        waiting = arrived - left
        if signal.measure is Measure.WAITING:
            return waiting.astype(np.float64)
        ended = queue.finished + np.searchsorted(stretch.ends, looks, "right")
        return (waiting + begun - queue.refused - ended).astype(np.float64)

    def _course(self) -> Course:
        fleet, queue = self.fleet, self.queue
        settled = self.now
        while (due := fleet.next_reclaim()) < math.inf:
            fleet.reclaim(due)
            settled = max(settled, due)
        answered = ~np.isnan(queue.starts)
        waits = queue.starts[answered] - queue.arrivals[answered]
        nodes = sorted((*fleet.past, *fleet.nodes), key=lambda node: (node.launched, node.gone))
        return Course(
            nodes=nodes,
            waits=np.maximum(waits, 0.0),
            refused=queue.refused,
            unanswered=len(queue.arrivals) - queue.refused - int(np.count_nonzero(answered)),
            cold_starts=self.cold_starts,
            started=fleet.started,
            settled=settled,
        )


def _looks(now: float, until: float, period: float) -> Floats:
    """The beats of a period after `now`, up to `until`."""
    first = math.floor(now / period) + 1
    last = math.floor(until / period)
    return np.arange(first, last + 1, dtype=np.float64) * period
