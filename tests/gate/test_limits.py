"""Limits: on the whole, an environment, a project, some resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import TODAY, zerofloor

# g5.xlarge on demand in us-east-1 is $1.006 an hour (AWS list), g6e.xlarge $1.861.
GROUPS = (("batch-a", "g5.xlarge", 0, 4), ("chat", "g6e.xlarge", 1, 2))


def digest(folder: Path, stack: str = "dev", project: str = "shop") -> None:
    steps = []
    for name, kind, least, most in GROUPS:
        urn = f"urn:pulumi:{stack}::{project}::aws:eks/nodeGroup:NodeGroup::{name}"
        sizes = {"minSize": least, "desiredSize": least, "maxSize": most}
        inputs = {"clusterName": "c", "instanceTypes": [kind], "scalingConfig": sizes}
        state = {
            "urn": urn,
            "type": "aws:eks/nodeGroup:NodeGroup",
            "custom": True,
            "inputs": inputs,
        }
        steps.append({"op": "create", "urn": urn, "newState": state})
    text = {
        "config": {"aws:region": "us-east-1"},
        "steps": steps,
        "changeSummary": {"create": len(steps)},
    }
    (folder / "digest.json").write_text(json.dumps(text))


def told(folder: Path, limits: Any) -> list[str]:
    """What GPU203 says; the other rules are off, so that only limits decide."""
    settings = {"limits": limits, "rules": {"GPU012": "off", "GPU107": "off"}}
    (folder / "zerofloor.yaml").write_text(json.dumps(settings))
    done = zerofloor("check", "digest.json", "--format", "json", *TODAY, cwd=folder)
    found = [one for one in json.loads(done.out)["findings"] if one["rule"] == "GPU203"]
    assert (done.code == 1) is bool(found), done.out
    return [one["message"] for one in found]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (
            {"maxFloorHourly": 1.86},
            "The floor costs $1.86/h, less than $0.01/h too much: the limit is $1.86/h",
        ),
        (
            {"maxDesiredHourly": 1},
            "The capacity at deployment costs $1.86/h, $0.86/h too much: the limit is $1.00/h",
        ),
        (
            {"maxCeilingHourly": 7.7},
            "The ceiling costs $7.76/h, $0.06/h too much: the limit is $7.70/h",
        ),
        # Four nodes of one A10G and two of one L40S.
        ({"maxGpus": 5}, "The ceiling is 6 GPUs; the budget is 5"),
        (
            {"scoped": [{"urn": "*::batch-*", "maxGpus": 3}]},
            "The ceiling of resource *::batch-* is 4 GPUs; the budget is 3",
        ),
        ({"maxIdleGpus": 0}, "The floor holds 1 GPU; the limit is 0"),
        ({"maxIdleHoursPerWeek": 60}, "The floor holds GPUs for 168 h a week; the limit is 60 h"),
        ({"scoped": [{"stack": "d*", "maxFloorHourly": 1}]}, "The floor of stack d* costs $1.86/h"),
        (
            {"scoped": [{"project": "shop", "maxIdleGpus": 0}]},
            "The floor of project shop holds 1 GPU",
        ),
        (
            {"scoped": [{"urn": "*::batch-*", "maxCeilingHourly": 4}]},
            "The ceiling of resource *::batch-* costs $4.03/h",
        ),
    ],
)
def test_above_a_limit_fails(limits: Any, says: str, tmp_path: Path) -> None:
    digest(tmp_path)
    (message,) = told(tmp_path, limits)
    assert message.startswith(says)


@pytest.mark.parametrize(
    "limits",
    [
        {
            "maxFloorHourly": 1.87,
            "maxCeilingHourly": 7.8,
            "maxGpus": 6,
            "maxIdleGpus": 1,
            "maxIdleHoursPerWeek": 168,
        },
        {"scoped": [{"stack": "prod*", "maxFloorHourly": 0, "maxIdleGpus": 0}]},
        {"scoped": [{"project": "search", "maxCeilingHourly": 0}]},
        {"scoped": [{"urn": "*::batch-*", "maxFloorHourly": 0, "maxIdleGpus": 0}]},
        {"scoped": [{"stack": "dev", "project": "search", "maxFloorHourly": 0}]},
    ],
)
def test_below_a_limit_or_outside_its_scope_passes(limits: Any, tmp_path: Path) -> None:
    digest(tmp_path)
    assert told(tmp_path, limits) == []


def test_a_limit_costs_what_is_too_much_and_points_at_its_line(tmp_path: Path) -> None:
    """g6e.xlarge is $1.861/h, 730 h a month; its disk of 20 GB (EKS' default) is $1.60 a month."""
    digest(tmp_path)
    (tmp_path / "zerofloor.yaml").write_text(
        "limits:\n  maxFloorHourly: 1\n  scoped:\n    - {stack: d*, maxFloorHourly: 1.5}\n"
    )
    done = zerofloor("check", "digest.json", "--format", "json", *TODAY, cwd=tmp_path)
    found = [one for one in json.loads(done.out)["findings"] if one["rule"] == "GPU203"]
    assert [(one["source"], one["monthly"]["amount"]) for one in found] == [
        ("zerofloor.yaml:2", "630.13"),
        ("zerofloor.yaml:4", "265.13"),
    ]
    assert found[0]["fix"].startswith("Fix what keeps GPUs on, which ends this, too;")


def test_each_scope_of_a_joined_estate_counts_its_own(tmp_path: Path) -> None:
    digest(tmp_path, "dev")
    (tmp_path / "digest.json").rename(tmp_path / "a.json")
    digest(tmp_path, "prod")
    limits = {
        "scoped": [{"stack": "prod", "maxFloorHourly": 2}, {"stack": "*", "maxFloorHourly": 2}]
    }
    (tmp_path / "zerofloor.yaml").write_text(
        json.dumps({"limits": limits, "rules": {"GPU012": "off", "GPU107": "off"}})
    )
    done = zerofloor("check", "--join", "a.json", "digest.json", *TODAY, cwd=tmp_path)
    assert done.code == 1
    assert "The floor of any stack costs $3.73/h" in done.out
    assert "of stack prod" not in done.out
