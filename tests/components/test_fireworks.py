"""What a FireworksDeployment declares, what the analysis says of it, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.components.test_clouds import Declared
from zerofloor.components import FireworksDeployment, SpecError
from zerofloor.engine.program import preview_in_process
from zerofloor.fireworks.checks import find_deployment_problems

TOKEN = "fireworks:index:Deployment"


@pytest.fixture(scope="module")
def declared() -> Declared:
    folder = Path(__file__).parent / "fireworks"
    return Declared(preview_in_process(folder, "dev", time_limit=60))


def test_the_provider_accepts_each(declared: Declared) -> None:
    found = [r for r in declared.stack.resources if r.type == TOKEN]
    assert len(found) == 6
    assert {r.name: find_deployment_problems(r.inputs) for r in found} == dict.fromkeys(
        (r.name for r in found), ()
    )


@pytest.mark.parametrize(
    ("component", "verdict", "gpus", "ceiling"),
    [
        ("plain", "zero", 0, 1),
        ("all", "zero", 0, 4),
        ("shape", "zero", 0, 1),
        ("slow", "zero", 0, 1),
        # Two replicas of two GPUs.
        ("warm", "held", 4, 3),
    ],
)
def test_the_floor_and_ceiling_of_each(
    declared: Declared, component: str, verdict: str, gpus: int, ceiling: int
) -> None:
    (entry,) = declared.entries(component)
    assert (entry.verdict, entry.gpus) == (verdict, Decimal(gpus))
    assert entry.supply is not None
    assert entry.supply.ceiling == ceiling


def test_a_shape_that_is_kept_is_held_whatever_it_has(declared: Declared) -> None:
    (entry,) = declared.entries("shape-warm")
    assert entry.verdict == "held"


def test_the_fix_names_the_argument(declared: Declared) -> None:
    fixes = {finding.urn.rpartition("::")[2]: finding.fix for finding in declared.report.findings}
    assert "(min_replicas of FireworksDeployment warm)" in fixes["warm"]
    assert "(cooldown_seconds of FireworksDeployment slow)" in fixes["slow"]


def test_what_is_declared(declared: Declared) -> None:
    assert declared.inputs(TOKEN, "all")["autoscalingPolicy"] == {
        "scaleToZeroWindow": "300s",
        "scaleDownWindow": "300s",
        "loadTargets": {"concurrent_requests": 8},
    }
    slow = declared.inputs(TOKEN, "slow")["autoscalingPolicy"]
    assert slow == {"scaleToZeroWindow": "7200s", "scaleDownWindow": "3600s"}
    assert declared.inputs(TOKEN, "all")["placement"] == {"multiRegion": "EUROPE"}
    assert declared.inputs(TOKEN, "all")["deploymentId"] == "renamed-1"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_replicas": 2}, "min_replicas: 2 is above `max_replicas`, which is 1"),
        ({"max_replicas": 0}, "max_replicas: must be at least 1"),
        ({"cooldown_seconds": 60}, "cooldown_seconds: must be at least 300"),
        (
            {"cooldown_seconds": 7200},
            "cooldown_seconds: 7200 is above `idle_cap_seconds`, which is 3600: a replica would "
            "bill that long after each request",
        ),
        ({"accelerator_type": None}, "accelerator_type: is required without `deployment_shape`"),
        (
            {"deployment_shape": "s"},
            "accelerator_type: is decided by `deployment_shape`: leave one of them out",
        ),
        ({"gpus": 0}, "gpus: must be at least 1"),
        ({"placement": "EU"}, "placement: must be one of GLOBAL, US, EUROPE, APAC"),
        ({"base_model": None}, "base_model: is required"),
        (
            {"min_replica": 1},
            "min_replica: is not an argument of this component; did you mean min_replicas?",
        ),
    ],
)
def test_refused_before_anything_is_declared(args: dict[str, Any], says: str) -> None:
    given = {"base_model": "m", "accelerator_type": "NVIDIA_H100_80GB", **args}
    with pytest.raises(SpecError) as error:
        FireworksDeployment("llm", given)  # type: ignore[arg-type]
    assert f'FireworksDeployment "llm": {says}' in str(error.value).splitlines()
