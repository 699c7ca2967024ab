"""What the components declare, before the real API server: real CRDs, real webhooks, strict field
validation, nothing stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.components.options import DEPLOYMENT, OPTIONS, POOL
from tests.engine.conftest import require_engine
from tests.lab.bundled import bundled
from tests.lab.declared import declared
from tests.lab.harness.api import Refused
from tests.lab.harness.lab import Lab
from tests.lab.scenario import name_of

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]


def test_every_object_is_accepted_as_it_stands(lab: Lab) -> None:
    refusals = []
    for (component, arguments), manifests in zip(OPTIONS, declared(OPTIONS), strict=True):
        assert manifests, component
        for manifest in manifests:
            try:
                lab.api.apply(manifest, dry_run=True)
            except Refused as refused:
                refusals.append(f"{component} {arguments}: {name_of(manifest)}: {refused}")
    assert refusals == []


EVERYTHING = """
import zerofloor.components
from tests.components.options import OPTIONS

for number, (component, arguments) in enumerate(OPTIONS):
    getattr(zerofloor.components, component)(f"c{number}", arguments)
"""


@pytest.mark.engine
def test_every_object_passes_a_preview_of_the_real_provider(lab: Lab, tmp_path: Path) -> None:
    """Which sends each to the API server, as it would be applied, but for a dry run."""
    require_engine()
    with bundled(lab, tmp_path, EVERYTHING) as stack:
        steps = json.loads(stack.must("preview", "--json"))["steps"]
    objects = [step for step in steps if step["newState"]["type"].count("/") == 1]
    assert len(objects) >= len(OPTIONS)
    assert {step["op"] for step in steps} == {"create"}


def test_the_server_would_refuse_a_field_that_it_does_not_know(lab: Lab) -> None:
    """Strict validation is on, or the test above would prove nothing."""
    several = {"command": ["serve"], "nodes": 2}
    [[deployment, *_], [node_class, pool], [lws, *_]] = declared(
        [
            ("GpuDeployment", DEPLOYMENT),
            ("GpuNodePool", POOL),
            ("GpuDeployment", {**DEPLOYMENT, **several}),
        ]
    )
    for manifest in (deployment, node_class, pool, lws):
        manifest["spec"]["noSuchField"] = 1
        with pytest.raises(Refused, match="noSuchField"):
            lab.api.apply(manifest, dry_run=True)
