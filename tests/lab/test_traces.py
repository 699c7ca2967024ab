"""What was seen on the real controllers, beside what `simulate` says today; needs no lab."""

from __future__ import annotations

import pytest

from tests.lab.traces import TRACES, WITHIN, Played, Result, recorded, simulated

SEEN = {result["name"]: Result(**result) for result in recorded()}


def test_ten_traces_were_played_and_each_is_recorded() -> None:
    assert len(TRACES) >= 10
    assert set(SEEN) == {played.name for played in TRACES}


@pytest.mark.parametrize("played", TRACES, ids=lambda played: played.name)
def test_node_seconds_are_within_ten_percent_of_what_was_seen(played: Played) -> None:
    result = SEEN[played.name]
    assert abs(result.off) <= WITHIN
    assert result.seen_nodes == result.simulated_nodes
    # The page shows what the command says today, not what it said on the day of the run.
    assert (result.simulated, result.simulated_nodes) == simulated(played)
