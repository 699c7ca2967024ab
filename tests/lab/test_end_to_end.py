"""The circle: a stack declared in Python, judged, brought up by the real engine into the lab,
woken, loaded, left alone, and gone."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from pulumi import automation

from tests.lab.conftest import require_lab
from tests.lab.harness.lab import WITH_HTTP, Lab, running_lab
from tests.lab.harness.processes import ROOT
from tests.lab.observer import accelerators
from tests.lab.prediction import COMMAND

pytestmark = [pytest.mark.lab, pytest.mark.engine, pytest.mark.xdist_group("lab")]

CONFIG = {"model": "Qwen/Qwen3-8B", "gpuType": "g6e.xlarge", "floor": "0", "ceiling": "4"}
HOST = "llm-proxy"
"""The Service through which callers reach the interceptor."""
ENGINE = ROOT / ".work" / "bin"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab with KEDA's HTTP add-on: a request is a request."""
    require_lab()
    with running_lab(WITH_HTTP) as running:
        yield running


def test_what_was_said_before_is_what_happens(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (ENGINE / "pulumi").exists():
        pytest.fail("the real engine is not built: make engine") if os.environ.get(
            "CI"
        ) == "true" else pytest.skip("no engine: make engine")
    stack = _stack(lab, tmp_path)
    start = time.monotonic()
    events = []

    def told(what: str) -> None:
        events.append(f"{time.monotonic() - start:6.1f} s  {what}")

    said = _judged(stack)
    assert (said["verdict"], said["gpus"]) == ("zero", 0)
    told("zerofloor: zero GPUs while nobody asks")
    stack.up()
    told("up: the engine has created the stack")
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
        _wait(lambda: _pods(lab) == ["Running"] * 4 and _gpus(lab) == 4, "four of each under load")
        told("four pods on four nodes")
        assert {one.result() for one in load} == {200}
    told("the last request is answered")
    _wait(lambda: _pods(lab) == [], "no pod", 180)
    told("idle: no pod")
    _wait(lambda: _gpus(lab) == 0, "no node", 240)
    told("the last node is gone")
    stack.destroy()
    told("destroyed")
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(events) + "\n")
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


def _stack(lab: Lab, folder: Path) -> automation.Stack:
    tools = folder / "tools"
    for part in (tools, folder / "home", folder / "state"):
        part.mkdir()
    launcher = tools / "pulumi-resource-kubernetes"
    launcher.write_text(
        f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tests.lab.lab_provider\n'
    )
    launcher.chmod(0o755)
    environ = {
        "PATH": os.pathsep.join((str(tools), str(ENGINE), "/usr/bin", "/bin")),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "LAB_SOCKET": str(lab.folder / "api.sock"),
        "LAB_TOKEN": lab.token,
    }
    options = automation.LocalWorkspaceOptions(
        env_vars=environ, pulumi_command=automation.PulumiCommand(str(ENGINE.parent))
    )

    def program() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    stack = automation.create_or_select_stack("lab", "model-server", program, opts=options)
    stack.set_all_config({key: automation.ConfigValue(value) for key, value in CONFIG.items()})
    return stack


def _judged(stack: automation.Stack) -> dict[str, object]:
    environ = {**os.environ, **(stack.workspace.env_vars or {})}
    command = [str(COMMAND), "preview", str(ROOT), "--stack", "dev", "--format", "json"]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr
    floor: dict[str, object] = json.loads(ran.stdout)["floor"]
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
