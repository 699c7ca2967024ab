"""What the components promise, tried on real controllers: the recorded run, and a part of it
again."""

from __future__ import annotations

import pytest

from tests.lab.harness.lab import Lab
from tests.lab.trials.run import CI, PROMISED, TRIALS, promise, recorded, run_in
from zerofloor.components.scaling_args import ScalingArgs

SEEN = {result["name"]: result for result in recorded()}


def test_each_trial_is_recorded_and_came_as_promised() -> None:
    assert list(SEEN) == list(TRIALS)
    assert {name: result["outcome"] for name, result in SEEN.items()} == dict.fromkeys(
        TRIALS, PROMISED
    )


def test_each_trial_says_what_it_is_about_and_what_it_saw() -> None:
    assert all(promise(name).endswith(".") for name in TRIALS)
    assert all(result["diary"] for result in SEEN.values())


UNTRIED = {
    "name", "namespace", "labels",  # Of each.
    "cooldown_seconds", "polling_seconds",  # Of each: 8 and 1.
    "idle_cap_seconds",  # A bound at construction.
    "lease_image",  # The lab's own kubectl runs.
}  # fmt: skip
"""Arguments of scaling that no trial is about."""


def test_each_argument_of_scaling_was_tried() -> None:
    tried = {
        key for result in SEEN.values() for _, arguments in result["arguments"] for key in arguments
    }
    of_deployments = {"engine", "max_hourly_cost", "nodes", "rollout", "run", "scale_by"}
    of_scalers = {"replaces_hpa", "target_kind"}
    assert set(ScalingArgs.__annotations__) - UNTRIED <= tried
    assert of_deployments | of_scalers <= tried


@pytest.mark.lab
@pytest.mark.xdist_group("lab")
def test_some_come_as_promised_again(lab: Lab) -> None:
    results = run_in(lab, CI, len(CI), whole=False)
    assert {result["name"]: result["outcome"] for result in results} == dict.fromkeys(CI, PROMISED)
