"""Office hours: cron triggers worked out by hand, in the clock of tests/simulation/test_play.py."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.simulation.stacks import manifests, run, trace
from zerofloor.errors import InputError
from zerofloor.platforms.loops import Window
from zerofloor.simulation.hours import open_hours
from zerofloor.simulation.outcome import Outcome
from zerofloor.simulation.service import NotPlayable
from zerofloor.simulation.trace import Trace

WEEK = 604_800.0
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _objects(most: int = 4, **metadata: str) -> dict[str, Any]:
    objects = manifests()
    window = {"timezone": "UTC", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5"}
    trigger = {
        "type": "cron",
        "metadata": {**window, "desiredReplicas": "1", **metadata},
    }
    objects["ScaledObject"]["spec"]["triggers"].append(trigger)
    objects["ScaledObject"]["spec"]["maxReplicaCount"] = most
    return objects


def _outcome(objects: dict[str, Any], requests: Trace | None = None) -> Outcome:
    return run(objects, trace(span=WEEK) if requests is None else requests).outcomes[0]


def test_office_hours_bill_without_a_request_until_a_cool_down_after_their_end() -> None:
    # Seen at 8:00:00; last at 17:59:30; the first look more than 300 s later is 18:05:00, and the
    # node is gone 30 s after it: 36,330 s on each of five days.
    one = _outcome(_objects())
    assert one.node_hours == Decimal(5 * 36_330) / 3600
    assert (one.cold_starts, one.requests, one.floor_nodes) == (5, 0, 0)


def test_the_autoscaler_adds_the_other_replicas_and_drops_them_after_its_own_window() -> None:
    # The second from the sync at 8:00:15; wanted last at 17:59:45, so dropped at 18:04:45 and its
    # node gone at 18:05:15. The first node's turn is Karpenter's next pass, 30 s later: 18:05:45.
    one = _outcome(_objects(desiredReplicas="2"))
    assert one.node_hours == Decimal(5 * (36_345 + 36_300)) / 3600
    assert one.replicas_started == 10


def test_the_maximum_bounds_what_a_window_wants() -> None:
    assert _outcome(_objects(1, desiredReplicas="2")).node_hours == Decimal(5 * 36_330) / 3600


def test_a_request_in_office_hours_does_not_wait() -> None:
    nine, eleven_at_night = 9 * 3600.0, 23 * 3600.0
    one = _outcome(_objects(), trace(nine, eleven_at_night, span=WEEK))
    assert (one.held, one.cold_starts) == (1, 6)


def test_a_trace_with_dates_is_played_at_its_own_hours_in_the_zone_of_the_schedule() -> None:
    # 6:30 and 7:30 UTC on a Friday in November; the window opens at 8:00 in Berlin, which is 7:00.
    begin = datetime.datetime(2026, 11, 27, 6, 30, tzinfo=datetime.UTC)
    requests = replace(trace(0.0, 3600.0), begin=begin)
    in_berlin = _outcome(_objects(timezone="Europe/Berlin"), requests)
    in_utc = _outcome(_objects(), requests)
    assert (in_berlin.held, in_utc.held) == (1, 2)


def test_a_profile_has_the_hours_of_its_time_zone() -> None:
    # 9:00 in Berlin is 8:00 UTC in November: the window of 8:00 UTC opens with the requests.
    at_nine = trace(9 * 3600.0 + 900.0, span=WEEK)
    in_berlin = _outcome(_objects(), replace(at_nine, timezone="Europe/Berlin"))
    in_new_york = _outcome(_objects(), replace(at_nine, timezone="America/New_York"))
    assert (in_berlin.cold_starts, in_berlin.held) == (5, 0)
    assert (in_new_york.cold_starts, in_new_york.held) == (5, 0)
    at_seven = trace(7 * 3600.0, span=WEEK)
    assert _outcome(_objects(), replace(at_seven, timezone="America/New_York")).held == 0
    assert _outcome(_objects(), replace(at_seven, timezone="Europe/Berlin")).held == 1


def test_a_schedule_needs_a_date() -> None:
    with pytest.raises(InputError, match=r"spec\.triggers\[1\].*no date"):
        run(_objects(), trace(10.0))


@pytest.mark.parametrize("key", ["start", "end", "desiredReplicas"])
def test_a_hidden_schedule_is_named(key: str) -> None:
    with pytest.raises(NotPlayable, match=r"spec\.triggers\[1\]"):
        run(_objects(4, **{key: UNKNOWN}), trace(span=WEEK))


def test_what_the_schedule_keeps_is_not_counted_a_second_time_as_other_workloads() -> None:
    assert _outcome(_objects()).others == ()


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        # Monday 2026-11-30 at 12:00: open already where the next end comes first.
        ("0 8 * * *", "0 18 * * *", [0.0, 20 * 3600.0], [6 * 3600.0, 30 * 3600.0]),
        # Over midnight.
        ("0 22 * * *", "0 6 * * *", [10 * 3600.0, 34 * 3600.0], [18 * 3600.0, 42 * 3600.0]),
    ],
)
def test_a_window_is_open_where_its_end_is_next(
    start: str, end: str, opens: list[float], closes: list[float]
) -> None:
    noon = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.UTC)
    window = Window(path="", start=start, end=end, timezone="UTC", replicas=1)
    (hours,) = open_hours((window,), noon, WEEK)
    assert hours.begins[:2].tolist() == opens
    assert hours.ends[:2].tolist() == closes


def test_a_change_of_the_clocks_moves_a_window_in_utc() -> None:
    # Summer time in Berlin ends on 25 October 2026: 8:00 is 6:00 UTC on Saturday, 7:00 on Sunday.
    saturday = datetime.datetime(2026, 10, 24, 0, 0, tzinfo=datetime.UTC)
    window = Window(
        path="", start="0 8 * * *", end="0 18 * * *", timezone="Europe/Berlin", replicas=1
    )
    (hours,) = open_hours((window,), saturday, WEEK)
    assert np.array_equal(hours.begins[:2], [6 * 3600.0, 31 * 3600.0])
