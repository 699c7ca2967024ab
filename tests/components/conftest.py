from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import require_engine
from tests.engine.real_engine import ROOT, Engine, new_engine
from zerofloor.engine.program import preview_in_process
from zerofloor.stack import Resource, Stack

PLUGIN = ROOT / "components"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """The real engine, with the components as a plugin."""
    require_engine()
    made = new_engine(tmp_path / "engine")
    launcher = tmp_path / "engine" / "bin" / "pulumi-resource-zerofloor"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PLUGIN}" "$@"\n')
    launcher.chmod(0o755)
    return made


@pytest.fixture(scope="session")
def everything() -> Stack:
    """What the program in everything/ declares, by a preview with the real SDK."""
    return preview_in_process(Path(__file__).parent / "everything", "dev", time_limit=60)


class Manifests:
    """The objects that the program declares, by kind and Pulumi name."""

    def __init__(self, stack: Stack):
        self.resources: Mapping[tuple[str, str], Resource] = {
            (resource.type.rpartition(":")[2], resource.name): resource
            for resource in stack.resources
        }

    def spec(self, kind: str, name: str) -> Mapping[str, Any]:
        spec = self.resources[kind, name].inputs["spec"]
        assert isinstance(spec, Mapping)
        return spec

    def pod(self, name: str) -> Mapping[str, Any]:
        pod = self.spec("Deployment", name)["template"]["spec"]
        assert isinstance(pod, Mapping)
        return pod

    def trigger(self, name: str) -> Mapping[str, Any]:
        (trigger,) = self.spec("ScaledObject", f"{name}-scaler")["triggers"]
        assert isinstance(trigger, Mapping)
        return trigger


@pytest.fixture(scope="session")
def manifests(everything: Stack) -> Manifests:
    return Manifests(everything)
