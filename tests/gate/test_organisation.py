"""What a repository's own settings may do under an organisation's."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from zerofloor.gate.organisation import Written, combined
from zerofloor.rules import known_rules
from zerofloor.settings import Settings
from zerofloor.settings.nodes import node_of

TODAY = datetime.date(2026, 11, 24)

WAIVER = {
    "rule": "GPU014",
    "urn": "*::trainer",
    "reason": "a demo",
    "owner": "ml-search",
    "expires": "2026-12-20",
    "maxMonthlyUsd": 400,
    "maxGpus": 1,
}
EVERYTHING = {
    "waivers": {"everyRule": True, "everyResource": True},
    "hints": True,
    "inlineWaivers": True,
    "lowerSeverities": True,
    "trust": True,
    "prices": True,
}


def in_force(policy: Any, own: Any) -> Settings:
    return combined(
        [Written(node_of(policy, "policy.yaml"), Path())],
        Written(node_of(own, "zerofloor.yaml"), Path()),
        known_rules(),
        TODAY,
    )


def refused(policy: Any, own: Any) -> list[str]:
    return [one.why for one in in_force(policy, own).in_force.refused]


LOOSER: list[tuple[dict[str, Any], str]] = [
    ({"rules": {"GPU014": "off"}}, "the organisation's level is error"),
    ({"rules": {"always-on-instance-holds-gpu": "warning"}}, "the organisation's level is error"),
    ({"rules": {"GPU207": "off"}}, "the organisation's level is error"),
    ({"undecided": "warning"}, "the organisation's level is error"),
    ({"waivers": [WAIVER]}, "waivers are the organisation's"),
    ({"hints": {"workloads": [{"urn": "*", "runs": "never", "reason": "abc"}]}}, "hints are"),
    (
        {"hints": {"instances": [{"instanceType": "p5.48xlarge", "gpus": 0, "reason": "abc"}]}},
        "hints are",
    ),
    ({"answers": {"aws:ec2/getAmi:getAmi": {"id": "x"}}}, "answers to look-ups"),
    ({"trust": {"clusterAutoscaler": True}}, "the organisation doesn't trust it"),
    ({"trust": {"kubernetesVersion": "1.37"}}, "the organisation doesn't trust it"),
    ({"prices": "free.yaml"}, "price files are the organisation's"),
    ({"caps": {"scheduleHoursPerWeek": 168}}, "the organisation allows 60"),
    ({"limits": {"maxFloorHourly": 6}}, "the organisation allows 5"),
]


@pytest.mark.parametrize(("own", "why"), LOOSER, ids=[str(own)[:40] for own, _ in LOOSER])
def test_what_lets_more_pass_is_refused_unless_allowed(own: dict[str, Any], why: str) -> None:
    policy: dict[str, Any] = {"limits": {"maxFloorHourly": 5}}
    (told,) = refused(policy, own)
    assert why in told
    limited = set(own) & {"caps", "limits"}
    if not limited and own != {"rules": {"GPU207": "off"}}:
        assert refused(policy | {"allow": EVERYTHING}, own) == []


STRICTER: list[dict[str, Any]] = [
    {"rules": {"GPU101": "error"}},
    {"undecided": "error"},
    {"trust": {"keda": False}},
    {"caps": {"scheduleHoursPerWeek": 10}},
    {"limits": {"maxFloorHourly": 1, "maxCeilingHourly": 3}},
    {"limits": {"scoped": [{"stack": "dev", "maxFloorHourly": 0}]}},
    {"traffic": {"busyHoursPerWeek": 10}},
    {"region": {"aws": "eu-west-1"}},
]


@pytest.mark.parametrize("own", STRICTER, ids=str)
def test_what_lets_less_pass_needs_no_permission(own: dict[str, Any]) -> None:
    assert refused({"limits": {"maxFloorHourly": 5}}, own) == []


def test_the_lower_limit_and_the_higher_level_hold() -> None:
    found = in_force(
        {"limits": {"maxFloorHourly": 5}, "rules": {"GPU105": "error"}},
        {"limits": {"maxFloorHourly": 1}, "rules": {"GPU105": "off", "GPU101": "error"}},
    )
    assert found.limits.max_floor_hourly == 1
    assert found.rules == {"GPU105": "error", "GPU101": "error"}


def test_a_level_that_equals_the_rules_own_is_a_floor_too() -> None:
    found = in_force({"rules": {"GPU014": "error"}}, {"rules": {"GPU014": "off"}})
    assert found.rules == {"GPU014": "error"}


@pytest.mark.parametrize(
    ("bounds", "changed", "why"),
    [
        ({"maxMonthlyUsd": 300}, {}, "a cap of $400 a month is above $300"),
        ({"maxDays": 20}, {}, "it ends in 26 days, at most 20 are allowed"),
        ({"maxGpus": 1}, {"maxGpus": None}, "maxGpus must be at most 1"),
        ({"owners": ["platform", "infra-*"]}, {}, "ml-search is not among the owners"),
        ({}, {"rule": "*"}, "it must name a rule"),
        ({}, {"urn": "**"}, "its URN pattern matches everything"),
        ({}, {"urn": None, "id": "demo-1"}, "by a tag on the resource are not allowed"),
    ],
)
def test_a_waiver_keeps_within_its_bounds(bounds: Any, changed: Any, why: str) -> None:
    own = {"waivers": [WAIVER | changed]}
    (told,) = refused({"allow": {"waivers": bounds}}, own)
    assert why in told


def test_a_waiver_within_its_bounds_holds() -> None:
    bounds = {"maxMonthlyUsd": 400, "maxDays": 26, "maxGpus": 1, "owners": ["ml-*"]}
    found = in_force({"allow": {"waivers": bounds}}, {"waivers": [WAIVER]})
    assert [waiver.owner for waiver in found.waivers] == ["ml-search"]


def test_only_the_organisation_says_what_is_allowed() -> None:
    (told,) = refused({"undecided": "error"}, {"allow": EVERYTHING})
    assert "only the organisation's settings" in told


def test_where_the_rules_are_published_is_the_organisations_word() -> None:
    """It is no permission: a repository may say it where the organisation doesn't."""
    ours, theirs = {"docs": "https://ours.example"}, {"docs": "https://theirs.example"}
    assert in_force(ours, theirs).docs == "https://ours.example"
    assert in_force({}, theirs).docs == "https://theirs.example"
