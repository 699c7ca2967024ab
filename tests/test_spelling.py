"""Which known name a mistyped one means."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from zerofloor.spelling import did_you_mean, nearest

RULES = ("GPU001", "GPU011", "GPU101", "GPU201")


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("mardkown", ("markdown", "json"), "markdown"),
        ("JSON", ("markdown", "json"), "json"),
        ("max_floor_hourly", ("maxFloorHourly", "maxGpus"), "maxFloorHourly"),
        ("us-eats-1", ("us-east-1", "us-east-2", "us-west-1"), "us-east-1"),
        # Equally near: the nearest number decides, then the first, in a set by name.
        ("GPU01", RULES, "GPU001"),
        ("GPU11", RULES, "GPU011"),
        ("g2-standard-7", ("g2-standard-4", "g2-standard-8"), "g2-standard-8"),
        ("replicas", ("min_replicas", "max_replicas"), "min_replicas"),
        ("replicas", {"min_replicas", "max_replicas"}, "max_replicas"),
        ("completely different", ("markdown", "json"), ""),
        ("x", (), ""),
    ],
)
def test_the_nearest_name(word: str, known: Collection[str], near: str) -> None:
    assert nearest(word, known) == near
    assert did_you_mean(word, known) == (f"; did you mean {near}?" if near else "")
