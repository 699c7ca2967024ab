"""The stack at the root of the repository: what `make preview` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.conftest import Manifests
from zerofloor.engine.program import preview_in_process

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("stack", "floor"), [("dev", 0), ("idle", 1)])
def test_the_bundled_stack_differs_in_its_floor(stack: str, floor: int) -> None:
    preview = preview_in_process(ROOT, stack, time_limit=60)
    manifests = Manifests(preview)
    assert (preview.project, preview.config and preview.config["aws:region"]) == (
        "model-server",
        "us-east-1",
    )
    assert manifests.spec("ScaledObject", "llm-scaler")["minReplicaCount"] == floor
    assert manifests.spec("ScaledObject", "llm-scaler")["maxReplicaCount"] == 4
    assert manifests.spec("NodePool", "gpu")["limits"] == {"nvidia.com/gpu": "4"}
    assert manifests.pod("llm")["nodeSelector"] == {"karpenter.sh/nodepool": "gpu"}
    assert len(preview.resources) == 10


def test_the_program_is_short() -> None:
    lines = [line for line in (ROOT / "__main__.py").read_text().splitlines() if line.strip()]
    assert len(lines) <= 36
