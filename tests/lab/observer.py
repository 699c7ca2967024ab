"""Looks at the whole cluster once a second and keeps, for each scenario, the course of its pods,
GPU nodes and GPUs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab.harness.lab import Lab
from tests.lab.scenario import Scenario

ACCELERATORS = (
    "nvidia.com/gpu",
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "habana.ai/gaudi",
    "qualcomm.com/qaic",
)


@dataclass(frozen=True, slots=True)
class State:
    """One look at one scenario."""

    pods: int = 0
    """Pods that have not ended."""
    pending: int = 0
    nodes: int = 0
    """Nodes with accelerators; one that is draining still bills."""
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """From when on a state held."""

    at: float
    state: State


class Observer:
    """The course of every scenario that is watched, looked at by a daemon thread until `ended` is
    set or something breaks."""

    def __init__(self, lab: Lab, ended: threading.Event) -> None:
        self._lab = lab
        self._ended = ended
        self._courses: dict[str, list[Moment]] = {}
        self._pools: dict[str, str] = {}
        self._looked = threading.Condition()
        self._failure: Exception | None = None
        threading.Thread(target=self._look_on, daemon=True).start()

    def watch(self, scenario: Scenario) -> None:
        """Starts the course of a scenario."""
        with self._looked:
            self._courses[scenario.namespace] = [Moment(time.monotonic(), State())]
            for manifest in scenario.manifests:
                if manifest["kind"] in ("NodePool", "Node"):
                    self._pools[manifest["metadata"]["name"]] = scenario.namespace

    def course(self, scenario: Scenario) -> list[Moment]:
        """The states so far, each from when it began."""
        with self._looked:
            return list(self._courses[scenario.namespace])

    def wait_for_look(self) -> None:
        """Waits for the next look. Raises what the observer met: LabFailed, or that it was
        ended."""
        with self._looked:
            self._looked.wait(10)
        if self._failure:
            raise self._failure

    def _look_on(self) -> None:
        while self._failure is None:
            try:
                if self._ended.is_set():
                    raise InterruptedError("the run was ended")
                self._lab.check()
                states = self._look()
            except Exception as failure:
                self._failure = failure
                states = {}
            with self._looked:
                for namespace, course in self._courses.items():
                    state = states.get(namespace, State())
                    if self._failure is None and course[-1].state != state:
                        course.append(Moment(time.monotonic(), state))
                self._looked.notify_all()
            time.sleep(1)

    def _look(self) -> Mapping[str, State]:
        counts: dict[str, list[int]] = {}
        for pod in self._lab.api.get("/api/v1/pods?resourceVersion=0")["items"]:
            phase = pod["status"].get("phase")
            if phase not in ("Succeeded", "Failed"):
                count = counts.setdefault(pod["metadata"]["namespace"], [0, 0, 0, 0])
                count[0] += 1
                count[1] += phase == "Pending"
        for node in self._lab.api.get("/api/v1/nodes?resourceVersion=0")["items"]:
            labels = node["metadata"].get("labels", {})
            namespace = self._pools.get(
                labels.get("karpenter.sh/nodepool", node["metadata"]["name"])
            )
            gpus = accelerators(node)
            if namespace and gpus:
                count = counts.setdefault(namespace, [0, 0, 0, 0])
                count[2] += 1
                count[3] += gpus
        return {namespace: State(*count) for namespace, count in counts.items()}


def accelerators(node: Mapping[str, Any]) -> int:
    """GPUs of a node: allocatable, for Karpenter's kwok provider gives as capacity what the first
    pods asked for."""
    allocatable = node["status"].get("allocatable", {})
    return sum(int(allocatable.get(name, 0)) for name in ACCELERATORS)
