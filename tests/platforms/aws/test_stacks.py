"""AWS stacks in pairs that differ in one property, each worked out by hand, judged at the real
door."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cases import stack_of
from zerofloor.capacity import Cause
from zerofloor.floor.result import Entry, Floor
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.settings import parse

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
FOLDER = Path(__file__).parent


def _load() -> dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every stack as (pair, stack) by `file: pair: name`."""
    found: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for pair in yaml.safe_load(path.read_text(encoding="utf-8")):
            for stack in pair["stacks"]:
                found[f"{path.stem}: {pair['pair']}: {stack['name']}"] = (pair, stack)
    return found


STACKS = _load()


def case_of(pair: Mapping[str, Any], stack: Mapping[str, Any]) -> dict[str, Any]:
    """The labelled case that a stack of a pair describes."""
    resources = copy.deepcopy(
        [
            r
            for r in [*pair["resources"], *stack.get("add", [])]
            if r["name"] not in stack.get("drop", [])
        ]
    )
    for resource in resources:
        changed = stack.get("set", {}).get(resource["name"], {})
        resource["props"] = {
            k: v for k, v in {**resource["props"], **changed}.items() if v is not None
        }
        for prop, names in stack.get("depend", {}).get(resource["name"], {}).items():
            resource.setdefault("propertyDependencies", {})[prop] = [
                _urn(resources, name) for name in names
            ]
        resource["op"] = stack.get("op", {}).get(resource["name"], "create")
    return {"resources": _known(resources), "config": {"aws:region": "us-east-1"}}


def _urn(resources: list[Any], name: str) -> str:
    found = next(r for r in resources if r["name"] == name)
    return f"urn:pulumi:dev::case::{found['type']}::{name}"


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return UNKNOWN if value == "$unknown" else value


def floor_of(case: Mapping[str, Any], settings: Any = None) -> Floor:
    return judge(
        (stack_of(case),), open_book(), parse(settings or {}, "test"), datetime.date(2026, 11, 24)
    ).floor


def _holding(floor: Floor) -> list[Entry]:
    return [entry for entry in floor.entries if entry.holds]


@pytest.mark.parametrize("name", STACKS)
def test_stack(name: str) -> None:
    pair, stack = STACKS[name]
    floor = floor_of(case_of(pair, stack), stack.get("settings"))
    assert floor.verdict == stack["verdict"], (floor.undecided, floor.entries)
    if "gpus" in stack:
        assert floor.gpus == Decimal(str(stack["gpus"]))
    if "nodes" in stack:
        assert floor.nodes == stack["nodes"]
    if "cause" in stack:
        assert Cause[stack["cause"]] in {
            hold.cause for entry in _holding(floor) for hold in entry.holds
        }
    if "hours" in stack:
        assert max(entry.hours_per_week for entry in _holding(floor)) == stack["hours"]
    if "notice" in stack:
        assert Cause[stack["notice"]] in {notice.cause for notice in floor.notices}
    if "ceiling" in stack:
        assert [entry.supply.ceiling for entry in floor.entries if entry.supply] == [
            stack["ceiling"]
        ]


@pytest.mark.parametrize("name", STACKS)
def test_evidence_is_a_chain_and_undecided_says_how_to_settle(name: str) -> None:
    pair, stack = STACKS[name]
    case = case_of(pair, stack)
    urns = {resource.urn for resource in stack_of(case).resources}
    floor = floor_of(case, stack.get("settings"))
    for entry in _holding(floor):
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
    for pair, _ in STACKS.values():
        verdicts = {stack["verdict"] for stack in pair["stacks"]}
        assert pair["source"]
        assert "zero" in verdicts, pair["pair"]
        assert verdicts & {"held", "undecided"}, pair["pair"]
    assert len(STACKS) >= 60
    assert len({pair["language"] for pair, _ in STACKS.values()}) >= 5
