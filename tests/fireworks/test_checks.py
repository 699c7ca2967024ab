"""Inputs before anything is created: what is hidden is never a fault, and never a crash."""

from __future__ import annotations

from typing import Any

import pytest

from zerofloor.fireworks.checks import find_deployed_model_problems, find_deployment_problems
from zerofloor.fireworks.deployment import changed
from zerofloor.fireworks.fields import DEPLOYED_MODEL, DEPLOYMENT
from zerofloor.stack import UNKNOWN

GOOD: dict[str, Any] = {
    "baseModel": "accounts/fireworks/models/x",
    "acceleratorType": "NVIDIA_H100_80GB",
}
ADDON = {"model": "accounts/acme/models/y", "deployment": "accounts/acme/deployments/x"}


@pytest.mark.parametrize("name", sorted(set(DEPLOYMENT) - {"deploymentShape"}))
def test_an_unknown_input_of_a_deployment_is_no_fault(name: str) -> None:
    assert find_deployment_problems({**GOOD, name: UNKNOWN}) == ()
    assert changed(GOOD, {**GOOD, name: UNKNOWN}) == [name]


@pytest.mark.parametrize("name", sorted(DEPLOYED_MODEL))
def test_an_unknown_input_of_an_add_on_is_no_fault(name: str) -> None:
    assert find_deployed_model_problems({**ADDON, name: UNKNOWN}) == ()


@pytest.mark.parametrize(
    ("given", "at", "reason"),
    [
        ({"loadTargets": {"default": "high"}}, "loadTargets", "an object with numbers"),
        ({"scalingSchedules": {"night": 3}}, "scalingSchedules.night", "must be an object"),
        (
            {"scalingSchedules": {"night": {"minReplicas": 1}}},
            "scalingSchedules.night.minReplicas",
            "did you mean minReplicaCount?",
        ),
        ({"loadTargets": {"default": UNKNOWN}, "scaleUpWindow": 30}, "scaleUpWindow", "text"),
    ],
)
def test_faults_inside_a_policy(given: dict[str, Any], at: str, reason: str) -> None:
    (problem,) = find_deployment_problems({**GOOD, "autoscalingPolicy": given})
    assert problem.property == f"autoscalingPolicy.{at}"
    assert reason in problem.reason
