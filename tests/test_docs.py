"""What the generated docs are made from, beyond the code itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools.docs import PAGES
from zerofloor.rules import all_rules
from zerofloor.settings import load
from zerofloor.settings.parsing import schema

TOOLS = Path(__file__).parents[1] / "tools"


def test_the_example_settings_are_settings_and_name_every_field() -> None:
    example = TOOLS / "zerofloor.example.yaml"
    settings = load(example)
    keys = _keys(yaml.safe_load(example.read_text()))
    policy = TOOLS / "policy.example.yaml"
    assert load(policy).allow is not None
    missing = sorted(_fields(schema()) - keys - _keys(yaml.safe_load(policy.read_text())))
    assert missing == [
        "requestsPerSecond",
        "requestsPerSecondPerReplica",
    ]  # another way for traffic
    assert settings.waivers[0].urn == "urn:pulumi:demo::*"


def test_every_way_of_the_catalogue_is_caught_or_out_of_reach_with_a_reason() -> None:
    ways = yaml.safe_load((TOOLS / "ways.yaml").read_text())
    numbers = [way["number"] for way in ways]
    assert numbers == sorted(set(numbers))
    assert {*range(1, 43), 46} <= set(numbers)
    named = {number for rule in all_rules() for number in rule.ways}
    assert [
        way["number"] for way in ways if way["number"] not in named and not way.get("beyond")
    ] == []
    assert named <= {way["number"] for way in ways}


@pytest.mark.parametrize("page", ["evidence/ways.md", "rules.md"])
def test_a_page_of_the_rules_is_as_it_is_made(page: str) -> None:
    made = "\n".join(PAGES[page]()) + "\n"
    assert (TOOLS.parent / "docs" / page).read_text(encoding="utf-8") == made


def _fields(schema: object) -> set[str]:
    if isinstance(schema, dict):
        own = set(schema.get("properties", {}))
        return own | {key for part in schema.values() for key in _fields(part)}
    return {key for part in schema for key in _fields(part)} if isinstance(schema, list) else set()


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value} | {key for part in value.values() for key in _keys(part)}
    return {key for part in value for key in _keys(part)} if isinstance(value, list) else set()
