"""Google programs, good and bad: YAML under the real engine, Python in-process, and a digest."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.clouds import found, previewed, recorded
from tests.engine.real_engine import Engine
from tests.engine.test_pack import by_resource, preview
from zerofloor.engine.invokes import Question, answer


@pytest.mark.engine
@pytest.mark.parametrize(
    ("config", "held"),
    [
        ({}, {}),
        ({"gpuMinimum": "1"}, {"gpu": ["GPU012"]}),
        ({"transcribers": "2"}, {"transcribe": ["GPU002"]}),
    ],
)
def test_a_yaml_program_under_the_engine(
    engine: Engine, config: dict[str, str], held: dict[str, list[str]]
) -> None:
    done = preview(engine, engine.yaml_project("google_serving", config))
    assert by_resource(done.stdout) == held, done.stdout
    assert (done.returncode != 0) == bool(held)


@pytest.mark.parametrize(
    ("settings", "verdict", "gpus"),
    [
        # Two workbenches of one T4 each never stop.
        ("", "held", 2),
        ('  google-lab:idle: "3600"\n', "zero", 0),
        # And one node of four A100 in each of two zones.
        ('  google-lab:idle: "3600"\n  google-lab:nodes: "1"\n', "held", 8),
    ],
)
def test_a_python_program_in_process(
    tmp_path: Path, settings: str, verdict: str, gpus: int
) -> None:
    stack = previewed("google_lab", tmp_path, settings)
    assert found(stack) == (verdict, Decimal(gpus))
    assert any("zones a, b, c of europe-west4" in note for note in stack.notes)


@pytest.mark.parametrize(("minimum", "verdict", "gpus"), [("0", "zero", 0), ("2", "held", 4)])
def test_a_digest_of_a_managed_group(minimum: str, verdict: str, gpus: int) -> None:
    """Recorded by the engine on a first preview: template and target are unknown ids."""
    stack = recorded("google_render", '"minReplicas": 0', f'"minReplicas": {minimum}')
    assert found(stack) == (verdict, Decimal(gpus))


@pytest.mark.parametrize(
    ("change", "verdict", "gpus"),
    [
        (("", ""), "zero", 0),
        (('"minReplicas": 0', '"minReplicas": 2'), "held", 4),
        (('"minInstanceCount": 0', '"minInstanceCount": 1'), "held", 1),
    ],
    ids=["as written", "two machines of two T4", "one warm instance"],
)
def test_a_typescript_program(change: tuple[str, str], verdict: str, gpus: int) -> None:
    """google_typescript.ts, as the real engine previewed it."""
    stack = recorded("google_typescript", *change)
    assert found(stack) == (verdict, Decimal(gpus))


def test_look_ups_are_answered() -> None:
    zones = answer(Question("gcp:compute/getZones:getZones", {"region": "us-central1"}, {}, None))
    assert zones is not None
    assert zones.result["names"] == [f"us-central1-{letter}" for letter in "abcf"]
    by_zone = answer(
        Question("gcp:compute/getZones:getZones", {}, {"gcp:zone": "europe-west1-b"}, None)
    )
    assert by_zone is not None
    assert by_zone.result["names"] == [f"europe-west1-{letter}" for letter in "bcd"]
    assert answer(Question("gcp:compute/getZones:getZones", {}, {}, None)) is None
    image = answer(Question("gcp:compute/getImage:getImage", {"family": "debian-12"}, {}, None))
    assert image is not None
    assert image.result["selfLink"].endswith("/debian-12")
    assert answer(Question("gcp:compute/getInstance:getInstance", {"name": "x"}, {}, None)) is None
