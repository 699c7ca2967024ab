"""The circle: a stack declared in Python, judged, brought up by the real engine into the lab,
woken, loaded, left alone, and gone."""

from __future__ import annotations

import contextlib
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
from typing import Any

import pulumi
import pytest
from pulumi import automation

from tests.engine.conftest import require_engine
from tests.engine.real_engine import BIN, new_engine
from tests.lab.conftest import require_lab
from tests.lab.harness.doorway import kubeconfig
from tests.lab.harness.lab import WITH_HTTP, Lab, running_lab
from tests.lab.harness.processes import ROOT
from tests.lab.observer import accelerators
from tests.lab.prediction import COMMAND

pytestmark = [pytest.mark.lab, pytest.mark.engine, pytest.mark.xdist_group("lab")]

CONFIG = {"model": "Qwen/Qwen3-8B", "gpuType": "g6e.xlarge", "floor": "0", "ceiling": "4"}
HOST = "llm-proxy"
"""The Service through which callers reach the interceptor."""
COOLDOWN, CONSOLIDATE = 8, "5s"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with KEDA's HTTP add-on: a request is a request."""
    require_lab()
    require_engine()
    with running_lab(WITH_HTTP) as running:
        yield running


def test_what_was_said_before_is_what_happens(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with _stack(lab, tmp_path) as stack:
        _the_circle(lab, stack, capsys)


def _the_circle(lab: Lab, stack: automation.Stack, capsys: pytest.CaptureFixture[str]) -> None:
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
    _nothing_left(lab)


def test_a_change_does_what_its_preview_said(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Floor 0, 1 and 0 again, another model, more GPUs; with the pack unless it says otherwise."""
    with _stack(lab, tmp_path) as stack:
        _up(stack)
        server = _object(lab, DEPLOYMENTS, "llm")
        # A held floor: neither preview nor update gets past the pack, and nothing changes.
        _configure(stack, floor="1")
        for operation in (stack.preview, stack.up):
            with pytest.raises(automation.CommandError, match="GPU001"):
                operation(policy_packs=PACK)
        assert _object(lab, SCALERS, "llm")["spec"]["minReplicaCount"] == 0
        _stays(lab, nodes=0, seconds=5)
        # Without the pack it comes, as the pack said.
        stack.up()
        _wait(lambda: _pods(lab) == ["Running"] and _gpus(lab) == 1, "a pod on a node")
        _configure(stack, floor="0")
        _up(stack)
        _wait(lambda: _pods(lab) == [] and _gpus(lab) == 0, "neither pod nor node", 240)
        _configure(stack, model="Qwen/Qwen3-14B")
        assert _ops(stack) == {"apps/v1:Deployment": "update"}
        _up(stack)
        changed = _object(lab, DEPLOYMENTS, "llm")
        assert changed["metadata"]["uid"] == server["metadata"]["uid"]
        assert "Qwen/Qwen3-14B" in changed["spec"]["template"]["spec"]["containers"][0]["args"]
        _configure(stack, gpuType="g6e.12xlarge", ceiling="8")
        ops = _ops(stack)
        assert ops["karpenter.sh/v1:NodePool"] == "update"
        assert set(ops.values()) == {"update"}
        _up(stack)
        # What was brought up is what the program says, so nobody has anything to change.
        assert set(stack.refresh().summary.resource_changes or {}) == {"same"}
        assert _ops(stack) == {}
        _stays(lab, nodes=0, seconds=5)
        stack.destroy()
    _nothing_left(lab)


DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SCALERS = "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"
PACK = [str(ROOT / "policies")]


def _up(stack: automation.Stack) -> None:
    stack.preview(policy_packs=PACK)
    stack.up(policy_packs=PACK)


def _ops(stack: automation.Stack) -> dict[str, str]:
    """What a preview would do to each kind of object that it changes."""
    events: list[Any] = []
    stack.preview(on_event=events.append)
    steps = [e.resource_pre_event.metadata for e in events if e.resource_pre_event]
    return {
        step.type.removeprefix("kubernetes:"): step.op.value for step in steps if step.op != "same"
    }


def _object(lab: Lab, path: str, name: str) -> Any:
    return lab.api.get(f"{path}/{name}")


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


def _program() -> None:
    """The bundled program, on a fast clock and on fake nodes: transforms point a NodePool at kwok's
    node class in place of an EC2NodeClass (which is created, so its CRD accepts it)."""
    pulumi.runtime.register_resource_transform(_for_the_lab)
    runpy.run_path(str(ROOT / "__main__.py"))


def _for_the_lab(
    args: pulumi.ResourceTransformArgs,
) -> pulumi.ResourceTransformResult | None:
    kind = args.type_.rpartition(":")[2]
    if kind not in ("NodePool", "ScaledObject"):
        return None
    props: dict[str, Any] = dict(args.props)
    spec = dict(props["spec"])
    if kind == "NodePool":
        template = dict(spec["template"])
        kwok = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
        template["spec"] = {**template["spec"], "nodeClassRef": kwok}
        spec["template"] = template
        spec["disruption"] = {**spec["disruption"], "consolidateAfter": CONSOLIDATE}
    else:
        behavior = {"scaleDown": {"stabilizationWindowSeconds": COOLDOWN}}
        spec |= {
            "pollingInterval": 1,
            "cooldownPeriod": COOLDOWN,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        }
    return pulumi.ResourceTransformResult({**props, "spec": spec}, args.opts)


@contextlib.contextmanager
def _stack(lab: Lab, folder: Path, **config: str) -> Iterator[automation.Stack]:
    """The bundled stack in the real engine, on the lab's API server through the real provider."""
    engine = new_engine(folder / "engine")
    options = automation.LocalWorkspaceOptions(
        env_vars=dict(engine.environ), pulumi_command=automation.PulumiCommand(str(BIN.parent))
    )
    with kubeconfig(lab) as access:
        stack = automation.create_or_select_stack("lab", "model-server", _program, opts=options)
        stack.set_config("kubernetes:kubeconfig", automation.ConfigValue(access, secret=True))
        _configure(stack, **CONFIG, **config)
        yield stack


def _configure(stack: automation.Stack, **config: str) -> None:
    stack.set_all_config({key: automation.ConfigValue(value) for key, value in config.items()})


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
