"""Requests in front of slots, held against the plainest way to work it out."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerofloor.simulation import queue as module
from zerofloor.simulation.queue import Floats, Queue


def _plainly(arrivals: list[float], service: list[float], slots: int) -> list[float]:
    """When each request begins: the first slot that is free takes the first that waits."""
    free = [0.0] * slots
    starts = []
    for arrival, seconds in zip(arrivals, service, strict=True):
        start = max(arrival, heapq.heappop(free))
        heapq.heappush(free, start + seconds)
        starts.append(start)
    return starts


def _played(arrivals: list[float], service: list[float], slots: int, step: float) -> Floats:
    queue = Queue(np.array(arrivals), np.array(service))
    now = 0.0
    while not queue.is_over:
        stretch = queue.look_ahead(now, now + step, slots)
        queue.accept(stretch, now + step, None, slots)
        now += step
    return queue.starts


_REQUESTS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 80)), min_size=1, max_size=60)


@given(requests=_REQUESTS, slots=st.integers(1, 5), step=st.sampled_from([0.7, 15.0, 1000.0]))
def test_each_request_begins_when_the_first_slot_is_free(
    requests: list[tuple[int, int]], slots: int, step: float
) -> None:
    arrivals = sorted(at / 10 for at, _ in requests)
    service = [seconds / 10 for _, seconds in requests]
    wanted = _plainly(arrivals, service, slots)
    assert _played(arrivals, service, slots, step) == pytest.approx(wanted)


def test_ten_thousand_requests_begin_as_worked_out_plainly_at_low_and_at_high_load() -> None:
    random = np.random.default_rng(7)
    for rate in (0.5, 3.0, 4.2):
        arrivals = np.cumsum(random.exponential(1 / rate, 10_000)).tolist()
        service = (random.exponential(2.0, 10_000) + 0.1).tolist()
        wanted = _plainly(arrivals, service, 8)
        found = _played(arrivals, service, 8, 600.0)
        waits = np.array(wanted) - np.array(arrivals)
        short = waits < module.LONG / 8
        assert found[short] == pytest.approx(np.array(wanted)[short], abs=20.0)
        # Of a long queue it is the sum that must be right, not who of two neighbours is first.
        assert np.mean(found) == pytest.approx(np.mean(wanted), rel=1e-3)


def test_a_long_queue_is_worked_off_at_the_speed_of_all_slots() -> None:
    arrivals, service = [0.0] * 5000, [2.0] * 5000
    found = _played(arrivals, service, 10, 100.0)
    assert found[-1] == pytest.approx(5000 * 2.0 / 10, abs=2.0)
    assert np.all(np.diff(found) >= 0)


def test_without_a_slot_requests_wait_and_are_refused_after_their_time() -> None:
    queue = Queue(np.array([0.0, 50.0]), np.array([1.0, 1.0]))
    queue.accept(queue.look_ahead(0.0, 40.0, 0), 40.0, 30.0, 0)
    assert (queue.refused, queue.head, queue.waiting(60.0)) == (1, 1, True)
    queue.accept(queue.look_ahead(40.0, 60.0, 1), 60.0, 30.0, 1)
    assert (queue.refused, queue.finished, queue.starts[1]) == (1, 1, 50.0)


def test_answers_that_run_on_removed_replicas_end_and_free_no_slot() -> None:
    queue = Queue(np.array([0.0, 0.0, 1.0]), np.array([10.0, 20.0, 1.0]))
    queue.accept(queue.look_ahead(0.0, 1.0, 2), 1.0, None, 2)
    queue.accept(queue.look_ahead(1.0, 100.0, 1), 100.0, None, 1)
    assert queue.starts.tolist() == [0.0, 0.0, 20.0]
