"""The provider under the real engine, against the local stand-in for the API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.real_engine import Engine, missing, new_engine
from tests.fireworks import server

PROGRAM = """\
name: models
runtime: yaml
resources:
  llm:
    type: fireworks:index:Deployment
    properties: {properties}
outputs:
  state: ${{llm.state}}
"""

PROPERTIES: dict[str, Any] = {
    "baseModel": "accounts/fireworks/models/llama-v3p1-8b-instruct",
    "acceleratorType": "NVIDIA_H100_80GB",
    "acceleratorCount": 1,
    "maxReplicaCount": 2,
}


@dataclass
class Place:
    """A project whose provider talks to a local API."""

    engine: Engine
    folder: Path
    base: str
    api: server.Api

    def write(self, **properties: Any) -> None:
        """The program with these properties beside the usual ones; None leaves one out."""
        merged = {k: v for k, v in {**PROPERTIES, **properties}.items() if v is not None}
        self.folder.joinpath("Pulumi.yaml").write_text(
            PROGRAM.format(properties=json.dumps(merged))
        )

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.engine.pulumi(*arguments, cwd=self.folder, environ=self.environ)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "FIREWORKS_API_KEY": server.KEY,
            "FIREWORKS_ACCOUNT_ID": server.ACCOUNT,
            "FIREWORKS_BASE_URL": self.base,
        }

    def test(self, what: str, **body: Any) -> Any:
        """A call that only tests have: advance, faults, request, change."""
        request = urllib.request.Request(
            f"{self.base}/test/{what}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def state(self) -> str:
        """Everything that the backend and the project hold on disk."""
        places = [self.engine.folder / "state", self.folder]
        files = [path for place in places for path in place.rglob("*") if path.is_file()]
        return "\n".join(path.read_text(errors="replace") for path in files)

    def live(self) -> list[str]:
        return list(self.test("look")["live"])


@pytest.fixture
def api() -> Iterator[tuple[str, server.Api]]:
    running, account = server.start()
    yield f"http://127.0.0.1:{running.server_address[1]}", account
    running.shutdown()
    running.server_close()


@pytest.fixture
def place(tmp_path: Path, api: tuple[str, server.Api]) -> Place:
    reason = missing()
    if reason:
        pytest.skip(reason)
    engine = new_engine(tmp_path / "engine")
    launcher = engine.folder / "bin" / "pulumi-resource-fireworks"
    root = Path(__file__).parents[2]
    launcher.write_text(
        f'#!/bin/sh\nexport PYTHONPATH="{root}"\nexec "{sys.executable}" -c '
        '"from zerofloor.fireworks.provider import main; main()"\n'
    )
    launcher.chmod(0o755)
    folder = tmp_path / "project"
    folder.mkdir()
    made = Place(engine, folder, api[0], api[1])
    made.write()
    assert made.pulumi("stack", "init", "dev").returncode == 0
    return made


def environment() -> dict[str, str]:
    """The environment without what names an account."""
    return {k: v for k, v in os.environ.items() if not k.startswith("FIREWORKS_")}
