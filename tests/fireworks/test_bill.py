"""The bill of a week by the local server's own meter against `zerofloor estimate`, to the cent."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import zerofloor
from tests.fireworks.conftest import Place

pytestmark = pytest.mark.engine

HOUR = 3600
DAY = 24 * HOUR
H100 = Decimal(7)
"""USD a GPU-hour (the snapshot's row of 2026-05-08)."""
WINDOW = 600
BOOT = 240
OFFICE = {
    "minReplicaCount": 1,
    "schedule": "0 9 * * 1-5",
    "duration": f"{8 * HOUR}s",
    "timezone": "UTC",
}


def estimated_week(place: Place, figure: str, settings: str = "") -> Decimal:
    """USD of a week by `estimate` on the stack as deployed."""
    export = place.folder / "export.json"
    exported = place.pulumi("stack", "export", "--file", str(export))
    assert exported.returncode == 0, exported.stdout
    place.folder.joinpath("zerofloor.yaml").write_text(settings)
    done = zerofloor("estimate", str(export), "--format", "json", cwd=place.folder)
    assert done.code == 0, done.err
    hourly = json.loads(done.out)["estimate"][figure]["hourly"]
    assert hourly["currency"] == "USD"
    return Decimal(hourly["amount"]) * 168


def metered(answer: dict[str, Any], name: str) -> Decimal:
    return Decimal(answer["gpuSeconds"][name]) * H100 / HOUR


def test_a_week_of_bursts(place: Place) -> None:
    """Two hours of calls on each of five days, one replica of two GPUs, ten minutes of idle tail:
    5 × (7200 + 600) s × 2 GPUs × $7.00 an hour."""
    policy = {"scaleToZeroWindow": f"{WINDOW}s"}
    place.write(acceleratorCount=2, maxReplicaCount=1, autoscalingPolicy=policy)
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    for _ in range(5):
        place.test("advance", seconds=9 * HOUR)
        assert place.test("request", id=name)["status"] == 503
        place.test("advance", seconds=BOOT + 1)
        for _ in range(16):
            assert place.test("request", id=name)["status"] == 200
            place.test("advance", seconds=450)
        assert place.test("request", id=name)["status"] == 200
        place.test("advance", seconds=15 * HOUR - BOOT - 1 - 16 * 450)
    bill = metered(place.test("advance", seconds=2 * DAY), name)
    assert bill == Decimal(5 * (7200 + WINDOW) * 2) * H100 / HOUR
    traffic = "traffic: {busyHoursPerWeek: 10, burstsPerWeek: 5}\n"
    assert round(estimated_week(place, "expected", traffic), 2) == round(bill, 2)


@pytest.mark.parametrize("boot", [0, BOOT])
def test_a_week_of_office_hours(place: Place, boot: int) -> None:
    """Eight hours on each of five days; boot is free, so the bill is lower by just that."""
    place.api.starting_seconds = boot
    place.write(acceleratorCount=2, autoscalingPolicy={"scalingSchedules": {"office": OFFICE}})
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    bill = metered(place.test("advance", seconds=7 * DAY), name)
    free = Decimal(5 * boot * 2) * H100 / HOUR
    assert bill + free == 5 * 8 * 2 * H100
    assert round(estimated_week(place, "floor"), 2) == round(bill + free, 2)


def test_a_week_of_one_replica(place: Place, tmp_path: Path) -> None:
    """A minimum of one bills each second from when it is ready: created, and booted."""
    place.write(minReplicaCount=1, waitForReady=False)
    assert place.pulumi("up", "--yes").returncode == 0
    (name,) = place.live()
    ready = place.test("advance", seconds=60 + BOOT)["gpuSeconds"][name]
    week = place.test("advance", seconds=7 * DAY)["gpuSeconds"][name]
    bill = Decimal(week - ready) * H100 / HOUR
    assert round(estimated_week(place, "floor"), 2) == round(bill, 2) == 168 * H100
