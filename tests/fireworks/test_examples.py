"""The example programs under the real engine, against the local server, with the pack."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.engine.automation import run
from tests.fireworks.conftest import Place

pytestmark = pytest.mark.engine

EXAMPLES = Path(__file__).parents[2] / "examples" / "fireworks"


def test_yaml(place: Place) -> None:
    shutil.copy(EXAMPLES / "yaml" / "Pulumi.yaml", place.folder / "Pulumi.yaml")
    assert place.pulumi("stack", "init", "yaml").returncode == 0
    up = place.pulumi("up", "--yes", "--policy-pack", str(place.engine.recording_pack))
    assert up.returncode == 0, up.stdout
    (name,) = place.live()
    assert f"accounts/acme/models/style#accounts/acme/deployments/{name}" in up.stdout


@pytest.mark.parametrize(("minimum", "created"), [("0", ["llm"]), ("1", [])])
def test_python(place: Place, minimum: str, created: list[str]) -> None:
    """At zero it is created; with a minimum the pack stops it before anything is."""
    engine = dataclasses.replace(place.engine, environ={**place.engine.environ, **place.environ})
    stopped, _ = run(
        engine,
        "up",
        EXAMPLES / "python",
        place.engine.recording_pack,
        {"python:minReplicas": minimum},
    )
    assert (stopped is None) == bool(created), stopped
    assert place.live() == created
