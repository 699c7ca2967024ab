"""Kubernetes stacks in pairs that differ in one property, each worked out by hand, judged at the
real door."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from tests.platforms.kubernetes.stacks import Labelled, labelled
from zerofloor.capacity import Cause
from zerofloor.floor.result import Floor
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import parse

STACKS = labelled()


def floor_of(stack: Labelled) -> Floor:
    return judge(
        stack.parts, open_book(), parse(dict(stack.settings), "test"), datetime.date(2026, 11, 24)
    ).floor


@pytest.mark.parametrize("name", STACKS)
def test_stack(name: str) -> None:
    stack = STACKS[name]
    label = stack.label
    floor = floor_of(stack)
    found = [
        (e.name, e.verdict, e.gpus, [h.evidence[-1].because for h in e.holds if h.evidence])
        for e in floor.entries
    ]
    assert floor.verdict == label["verdict"], (label["why"], found, floor.undecided)
    if label["verdict"] == "held":
        assert floor.gpus == Decimal(str(label["gpus"])), (label["why"], found)
    if "nodes" in label:
        assert floor.nodes == label["nodes"], found
    if "hours" in label:
        assert max(entry.hours_per_week for entry in floor.entries) == label["hours"]
    if "cause" in label:
        assert Cause[label["cause"]] in {
            hold.cause for entry in floor.entries for hold in entry.holds
        }
    if "notice" in label:
        assert Cause[label["notice"]] in {notice.cause for notice in floor.notices}


@pytest.mark.parametrize("name", STACKS)
def test_evidence_is_a_chain_and_undecided_says_how_to_settle(name: str) -> None:
    stack = STACKS[name]
    urns = {r["urn"] for r in stack.resources}
    floor = floor_of(stack)
    for entry in floor.entries:
        for hold in entry.holds:
            assert hold.fix
            assert hold.urn in urns
            assert hold.evidence
            assert all(link.urn in urns and link.because for link in hold.evidence)
    for undecided in floor.undecided:
        assert undecided.urn in urns
        assert undecided.why
        assert undecided.settle


def test_every_pair_has_both_outcomes_and_a_source() -> None:
    for stack in STACKS.values():
        labels = [one["label"] for one in stack.pair["stacks"]]
        assert stack.pair["source"]
        assert all(label["why"] for label in labels)
        assert len({(label["verdict"], label.get("gpus")) for label in labels}) > 1, stack.pair[
            "pair"
        ]
    assert len(STACKS) >= 60
