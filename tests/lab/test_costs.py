"""What nodes cost in the lab against what the estimate says of the same traffic."""

from __future__ import annotations

import sys

import pytest

from tests.lab.harness.lab import Lab
from tests.lab.profiles import PROFILES, Cost, run_profiles, table

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.xdist_group("lab")]

RECLAIM = 60
"""Seconds that Karpenter takes for a node beyond consolidateAfter, at most: it looks every 10 s,
waits 15 s more, then drains."""
SLACK = 6
"""Seconds by which the lab's clock and looks may be off for a node."""


def test_the_bill_is_what_the_estimate_says(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    costs = run_profiles(lab, PROFILES)
    with capsys.disabled():
        sys.stdout.write("\n" + table(costs) + "\n")
    assert [_off(cost) for cost in costs if _off(cost)] == []


def _off(cost: Cost) -> str:
    least = cost.estimated_seconds - SLACK * cost.starts
    most = cost.estimated_seconds + (RECLAIM + SLACK) * cost.starts
    within = least <= cost.seen_seconds <= most
    return (
        ""
        if within
        else (
            f"{cost.profile.name}: estimated {cost.estimated_seconds} s, seen "
            f"{cost.seen_seconds} s on {cost.starts} nodes"
        )
    )
