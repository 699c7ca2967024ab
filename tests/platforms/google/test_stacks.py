"""Google Cloud stacks in pairs that differ in one property, each worked out by hand, judged at the
real door."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.platforms.stacks import check_evidence, check_label, check_pairs, labelled

STACKS = labelled(Path(__file__).parent)


@pytest.mark.parametrize("name", STACKS)
def test_stack(name: str) -> None:
    check_label(STACKS[name])


@pytest.mark.parametrize("name", STACKS)
def test_evidence_is_a_chain_and_undecided_says_how_to_settle(name: str) -> None:
    check_evidence(STACKS[name])


def test_every_pair_has_both_outcomes_and_a_source() -> None:
    check_pairs(STACKS)
