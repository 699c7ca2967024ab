"""Kubernetes stacks in pairs that differ in one property, each worked out by hand, judged at the
real door."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.platforms.stacks import check_evidence, check_label, check_pairs, floor_of, labelled
from zerofloor.fixing.paths import steps_of
from zerofloor.platforms.kubernetes.objects import camelized
from zerofloor.values import at

STACKS = labelled(Path(__file__).parent)


@pytest.mark.parametrize("name", STACKS)
def test_stack(name: str) -> None:
    check_label(STACKS[name])


@pytest.mark.parametrize("name", STACKS)
def test_evidence_is_a_chain_and_undecided_says_how_to_settle(name: str) -> None:
    check_evidence(STACKS[name])


@pytest.mark.parametrize("name", STACKS)
def test_evidence_says_not_set_only_where_nothing_is(name: str) -> None:
    stack = STACKS[name]
    inputs = {r.urn: camelized(r.inputs) for part in stack.parts for r in part.resources}
    for entry in floor_of(stack).entries:
        for hold in entry.holds:
            for link in hold.evidence:
                if link.value is None and link.path:
                    there = at(inputs[link.urn], *steps_of(link.path))
                    assert there is None, f"{link.path}: {there}"


def test_every_pair_has_both_outcomes_and_a_source() -> None:
    check_pairs(STACKS)
