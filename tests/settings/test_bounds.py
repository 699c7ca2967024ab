"""Each bounded setting at its edges: the last value that is taken, the first that is not."""

from __future__ import annotations

from typing import Any

import pytest

from zerofloor.errors import InputError
from zerofloor.settings import parse

WAIVER = {
    "rule": "GPU001",
    "urn": "*",
    "reason": "a demo",
    "owner": "me",
    "expires": "2027-01-01",
    "maxMonthlyUsd": 1,
}
QUADRILLION = 10**15


def _settings(path: str, value: Any) -> dict[str, Any]:
    """The settings with a value at a path, and what must stand beside it."""
    head, key = path.split(".") if "." in path else (path, "")
    if head == "waivers":
        return {"waivers": [{**WAIVER, key: value}]}
    if head == "hints":
        return {"hints": {"instances": [{"reason": "seen", "instanceType": "x", key: value}]}}
    if key == "requestsPerSecond":
        return {"traffic": {key: value, "requestsPerSecondPerReplica": 1}}
    return {head: {key: value} if key else value}


@pytest.mark.parametrize(
    ("path", "taken", "refused", "said"),
    [
        ("limits.maxFloorHourly", 0, -0.01, "at least 0"),
        ("limits.maxFloorHourly", QUADRILLION, QUADRILLION + 1, "at most 1000000000000000"),
        ("limits.maxIdleHoursPerWeek", 168, 168.01, "at most 168"),
        ("limits.maxIdleHoursPerWeek", 0, -1, "at least 0"),
        ("limits.maxSnapshotAgeDays", 0, -1, "at least 0"),
        ("limits.maxPriceAgeDays", 0, 0.5, "a whole number"),
        ("caps.idleTailSeconds", 0, -1, "at least 0"),
        ("noticedAfterDays", 1, 0, "at least 1"),
        ("noticedAfterDays", 36_500, 36_501, "at most 36500"),
        ("serverless.outputShare", 1, 1.01, "at most 1"),
        ("serverless.outputShare", 0, -0.01, "at least 0"),
        ("serverless.tokensPerSecond", 0.000001, 0, "at least 0.000001"),
        ("serverless.tokensPerSecond", QUADRILLION, QUADRILLION + 1, "at most"),
        ("traffic.requestsPerSecond", [0] * 168, [0] * 167, "168 entries"),
        ("traffic.replicas", 1, 0, "at least 1"),
        ("traffic.burstsPerWeek", 0, -1, "at least 0"),
        ("traffic.burstsPerWeek", 604_800, 604_801, "at most 604800"),
        ("coldStart.nodeSeconds", 0, -1, "at least 0"),
        ("waivers.reason", "abc", "ab ", "at least 3 characters"),
        ("waivers.owner", "a", " ", "some text"),
        ("waivers.maxMonthlyUsd", 0, -1, "at least 0"),
        ("hints.gpus", 0, -1, "at least 0"),
    ],
)
def test_the_edge_is_taken_and_what_is_beyond_refused(
    path: str, taken: Any, refused: Any, said: str
) -> None:
    parse(_settings(path, taken), "zerofloor.yaml")
    with pytest.raises(InputError, match=said):
        parse(_settings(path, refused), "zerofloor.yaml")
