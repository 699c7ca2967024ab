"""The circle: a stack declared in Python, judged, brought up by the real engine and the real
Kubernetes provider into the lab, woken, loaded, left alone, changed, and gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import require_engine
from tests.lab.bundled import PACK, Bundled, bundled
from tests.lab.conftest import require_lab
from tests.lab.harness.lab import WITH_HTTP, Lab, running_lab
from tests.lab.harness.processes import ROOT
from tests.lab.observer import accelerators
from tests.lab.prediction import COMMAND

pytestmark = [pytest.mark.lab, pytest.mark.engine, pytest.mark.xdist_group("lab")]

HOST = "llm-proxy"
"""The Service through which callers reach the interceptor."""
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/llm"
SCALER = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects/llm"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with KEDA's HTTP add-on: a request is a request."""
    require_lab()
    require_engine()
    with running_lab(WITH_HTTP) as running:
        yield running


class Diary:
    """What happened when, printed in the end."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._start = time.monotonic()
        self._lines: list[str] = []
        self._capsys = capsys

    def told(self, what: str) -> None:
        self._lines.append(f"{time.monotonic() - self._start:6.1f} s  {what}")

    def print(self) -> None:
        with self._capsys.disabled():
            sys.stdout.write("\n" + "\n".join(self._lines) + "\n")


@pytest.fixture
def diary(capsys: pytest.CaptureFixture[str]) -> Iterator[Diary]:
    """A diary that is printed however the test ends."""
    kept = Diary(capsys)
    yield kept
    kept.print()


def test_what_was_said_before_is_what_happens(lab: Lab, tmp_path: Path, diary: Diary) -> None:
    told = diary.told
    with bundled(lab, tmp_path) as stack:
        said = _judged(stack)
        assert (said["verdict"], said["gpus"]) == ("zero", 0)
        told("zerofloor: zero GPUs while nobody asks")
        stack.up()
        told("pulumi up with the pack: the stack is created")
        _stays(lab, nodes=0, seconds=20)
        told("idle: no pod, no node")
        with ThreadPoolExecutor(41) as callers:
            first = callers.submit(lab.request, "/", HOST)
            told("first request; the interceptor holds it")
            _wait(lambda: len(_pods(lab)) == 1, "a pod")
            told("a pod, pending")
            _wait(lambda: _gpus(lab) == 1, "a node")
            told("a node with a GPU")
            _wait(lambda: _pods(lab) == ["Running"], "a running pod")
            told("the pod is ready")
            assert first.result() == 200
            told("the first request is answered")
            load = [callers.submit(lab.request, "/?seconds=30", HOST) for _ in range(40)]
            told("load: 40 requests at a time, 10 for a replica")
            four = ["Running"] * 4
            _wait(lambda: _pods(lab) == four and _gpus(lab) == 4, "four of each under load")
            told("four pods on four nodes")
            assert {one.result() for one in load} == {200}
        told("the last request is answered")
        _wait(lambda: _pods(lab) == [], "no pod", 180)
        told("idle: no pod")
        _wait(lambda: _gpus(lab) == 0, "no node", 240)
        told("the last node is gone")
        stack.must("destroy")
        told("pulumi destroy: done")
    _nothing_left(lab)


def test_a_change_does_what_its_preview_said(lab: Lab, tmp_path: Path, diary: Diary) -> None:
    """Floor 0, 1 and 0 again, another model, more GPUs, with the pack unless it says otherwise."""
    told = diary.told
    with bundled(lab, tmp_path) as stack:
        stack.up()
        created = lab.api.get(DEPLOYMENT)["metadata"]["uid"]
        told("floor 0: pulumi up passes the pack")

        stack.configure(floor="1")
        for operation in ("preview", "up"):
            blocked = stack.run(operation, *PACK)
            assert blocked.returncode != 0
            assert "[mandatory]  GPU002" in blocked.stdout
            assert "keeps 1 GPU" in blocked.stdout
            told(f"floor 1: pulumi {operation} is stopped by GPU002")
        assert lab.api.get(SCALER)["spec"]["minReplicaCount"] == 0
        _stays(lab, nodes=0, seconds=5)
        told("nothing has changed in the cluster, no node has come")

        stack.must("up")
        _wait(lambda: _pods(lab) == ["Running"] and _gpus(lab) == 1, "a pod on a node")
        told("floor 1 without the pack: a pod on a node with a GPU, as it said")

        stack.configure(floor="0")
        stack.up()
        _wait(lambda: _pods(lab) == [] and _gpus(lab) == 0, "neither pod nor node", 240)
        told("floor 0: passes, and the GPU is gone")

        stack.configure(model="Qwen/Qwen3-14B")
        assert stack.changes() == {"apps/v1:Deployment": "update"}
        stack.up()
        changed = lab.api.get(DEPLOYMENT)
        assert "Qwen/Qwen3-14B" in changed["spec"]["template"]["spec"]["containers"][0]["args"]
        told("another model: the Deployment in place, nothing else")

        stack.configure(gpuType="g6e.12xlarge", ceiling="8")
        changes = stack.changes()
        assert changes["karpenter.sh/v1:NodePool"] == "update"
        assert set(changes.values()) == {"update"}
        stack.up()
        told(f"more GPUs: {', '.join(sorted(changes))} in place")
        assert lab.api.get(DEPLOYMENT)["metadata"]["uid"] == created

        # What was brought up is what the program says: nothing drifts, nobody has to change it.
        refreshed = stack.must("refresh")
        assert "unchanged" in refreshed
        assert not any(sign in refreshed for sign in ("updated", "deleted", "created"))
        assert stack.changes() == {}
        _stays(lab, nodes=0, seconds=5)
        told("pulumi refresh finds no drift, a preview no change; no node")

        stack.must("destroy")
        told("pulumi destroy: done")
    _nothing_left(lab)


def _nothing_left(lab: Lab) -> None:
    for path in (
        "/apis/apps/v1/namespaces/default/deployments",
        "/apis/karpenter.sh/v1/nodepools",
        "/apis/karpenter.sh/v1/nodeclaims",
        "/apis/karpenter.k8s.aws/v1/ec2nodeclasses",
        "/apis/keda.sh/v1alpha1/scaledobjects",
        "/apis/http.keda.sh/v1beta1/interceptorroutes",
        "/apis/autoscaling/v2/horizontalpodautoscalers",
    ):
        _wait(partial(_none_at, lab, path), f"nothing left at {path}")


def _none_at(lab: Lab, path: str) -> bool:
    return not lab.api.get(path)["items"]


def _judged(stack: Bundled) -> dict[str, Any]:
    environ = {**os.environ, **stack.engine.environ}
    command = [str(COMMAND), "preview", str(ROOT), "--stack", "dev", "--format", "json"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr
    floor: dict[str, Any] = json.loads(ran.stdout)["floor"]
    return floor


def _pods(lab: Lab) -> list[str]:
    return [
        pod["status"]["phase"] for pod in lab.api.get("/api/v1/namespaces/default/pods")["items"]
    ]


def _gpus(lab: Lab) -> int:
    return sum(accelerators(node) for node in lab.api.get("/api/v1/nodes")["items"])


def _stays(lab: Lab, nodes: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert len(lab.api.get("/api/v1/nodes")["items"]) == nodes
        time.sleep(1)


def _wait(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.2)
