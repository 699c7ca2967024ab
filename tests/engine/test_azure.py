"""Azure programs, good and bad: YAML under the real engine, Python in-process, and a digest."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.clouds import found, previewed, recorded
from tests.engine.real_engine import Engine
from tests.engine.test_pack import by_resource, preview


@pytest.mark.engine
@pytest.mark.parametrize(
    ("config", "held"),
    [
        ({}, {}),
        ({"gpuMinimum": "1"}, {"gpu": ["GPU012"]}),
        ({"ocrReplicas": "2"}, {"ocr": ["GPU002"]}),
    ],
)
def test_a_yaml_program_under_the_engine(
    engine: Engine, config: dict[str, str], held: dict[str, list[str]]
) -> None:
    done = preview(engine, engine.yaml_project("azure_serving", config))
    assert {
        name: [rule for rule in rules if rule != "GPU202"]
        for name, rules in by_resource(done.stdout).items()
    } == held, done.stdout
    assert (done.returncode != 0) == bool(held)


@pytest.mark.parametrize(
    ("settings", "verdict", "gpus"),
    [
        # Two notebooks of one T4 each run until they are stopped.
        ("", "held", 2),
        ("  azure-training:idle: PT30M\n", "zero", 0),
        # And one training node of four A100.
        ('  azure-training:idle: PT30M\n  azure-training:nodes: "1"\n', "held", 4),
    ],
)
def test_a_python_program_in_process(
    tmp_path: Path, settings: str, verdict: str, gpus: int
) -> None:
    stack = previewed("azure_training", tmp_path, settings)
    assert found(stack) == (verdict, Decimal(gpus))


@pytest.mark.parametrize(("minimum", "verdict", "gpus"), [("0", "zero", 0), ("2", "held", 8)])
def test_a_digest_of_a_scale_set(minimum: str, verdict: str, gpus: int) -> None:
    """Recorded by the engine on a first preview: the setting's target is an unknown id."""
    stack = recorded("azure_render", '"minimum": 0', f'"minimum": {minimum}')
    assert found(stack) == (verdict, Decimal(gpus))
