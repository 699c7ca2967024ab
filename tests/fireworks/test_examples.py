"""The example programs under the real engine, against the local server, with the pack."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.engine.automation import run
from tests.engine.test_pack import by_resource
from tests.engine.typescript import compile_program, preview_inline
from tests.fireworks.conftest import Place
from zerofloor.fireworks.schema import schema

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


def test_typescript(place: Place, tmp_path: Path) -> None:
    """Compiled with the SDK that is made of the provider's schema."""
    compile_program(tmp_path, schema("0.1.0"), EXAMPLES / "typescript", "fireworks")
    pack = str(place.engine.recording_pack)
    command = ["node", "run.js", "typescript/index.js", "fireworks-typescript", pack]
    done = preview_inline(place.engine, tmp_path, command, place.environ)
    assert (done.returncode, by_resource(done.stdout)) == (0, {}), done.stdout
    held = [*command, "minReplicas=1"]
    done = preview_inline(place.engine, tmp_path, held, place.environ)
    assert done.returncode == 1
    assert set(by_resource(done.stdout)["llm"]) == {"GPU002"}, done.stdout
