"""What a change of each argument of a component does, as the docs say it, under the real engine and
the real Kubernetes provider."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.engine.component_changes import CHANGES
from tests.engine.real_engine import ROOT, Engine
from zerofloor.components.arguments import Spec
from zerofloor.components.deployment_spec import DeploymentSpec
from zerofloor.components.node_pool_spec import NodePoolSpec

SPECS: Mapping[str, type[Spec]] = {"GpuDeployment": DeploymentSpec, "GpuNodePool": NodePoolSpec}
WITHOUT_EFFECT = {"idle_cap_seconds", "model_billions", "model_type"}
"""What only bounds or checks other arguments."""


@pytest.mark.parametrize("component", SPECS)
def test_each_argument_has_a_change(component: str) -> None:
    assert set(CHANGES[component]) == set(SPECS[component].model_fields)


@pytest.mark.engine
def test_a_change_replaces_what_the_spec_says_and_updates_the_rest_in_place(
    engine: Engine,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.component_changes"],
        cwd=ROOT,
        env=dict(engine.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for component, changes in json.loads(done.stdout.splitlines()[-1]).items():
        assert set(changes) == set(CHANGES[component])
        # What only adds an object (the warm-up's Job, the DaemonSet that pulls) replaces nothing.
        in_place = {"same", "update", "create"}
        replacing = {name for name, ops in changes.items() if set(ops) - in_place}
        assert replacing == SPECS[component].replacing
        assert {name for name, ops in changes.items() if set(ops) == {"same"}} <= WITHOUT_EFFECT
