"""The lines of an audit over every labelled stack: they add up to the floor, and nothing that idles
or may idle is without one."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cases import cases, stack_of, truth_manifests, truths
from tests.platforms.stacks import labelled
from zerofloor.cost.owners import OWNER_KEYS
from zerofloor.documents import read
from zerofloor.estates.lines import findings_of, lines_of, owned
from zerofloor.floor.result import Verdict
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import Settings

PLATFORMS = Path(__file__).parents[1] / "platforms"
TODAY = datetime.date(2026, 11, 24)
(MIXED,) = (
    stack.parts[0]
    for name, stack in labelled(PLATFORMS / "aws").items()
    if name == "autoscaling: weights: cpu-and-gpu"
)
"""Machines that bill for certain, and may be of a type with GPUs or of one without."""

STACKS = {
    "cpu-and-gpu": MIXED,
    **{name: stack_of(case) for name, case in cases().items()},
    **{name: read(name, truth_manifests(truth)) for name, truth in truths().items()},
}
PRICES = open_book()


@pytest.mark.parametrize("name", STACKS)
def test_lines_add_up_and_leave_nothing_out(name: str) -> None:
    stack = STACKS[name]
    report = judge((stack,), PRICES, Settings(), TODAY)
    index = owned([("p/s", stack)], {}, OWNER_KEYS)
    lines = lines_of(report, index)
    floor = report.estimate.floor.monthly.amount
    total = sum((line.monthly for line in lines), Decimal(0))
    assert abs(total - floor) <= Decimal("0.005") * max(len(lines), 1)
    gpus = sum((line.gpus or Decimal(0) for line in lines), Decimal(0))
    assert gpus == (report.floor.gpus or 0)
    if report.floor.verdict is Verdict.HELD:
        assert any(line.state != "undecided" for line in lines)
    open_points = {point.urn for point in report.floor.undecided}
    assert {line.urn for line in lines if line.state == "undecided"} == open_points
    assert all(line.held_by for line in lines)
    blocking = any(one.blocks for one in findings_of(report, index, joined=False))
    assert blocking == (report.gate == "fail")
    assert len({line.key for line in lines}) == len(lines)
