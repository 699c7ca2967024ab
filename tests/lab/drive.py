"""Runs one scenario in a running lab: applies it, does its steps, waits until nothing changes,
takes it away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.lab.harness.api import Manifest, Refused
from tests.lab.harness.lab import Lab
from tests.lab.observer import Moment, Observer, State
from tests.lab.scenario import Scenario, Step, name_of

BUSY_SECONDS = 60
STANDS_SECONDS = 6
QUIET, QUIET_WITH_NOTHING = 75, 40
"""An empty node may take a minute to go beside many others, and a busy Karpenter may be as late
with a first one; where there is neither
pod nor node, nothing can come any more."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of a scenario."""

    settled: bool
    pods: int
    nodes: int
    gpus: int
    peak_gpus: int
    seconds: float
    """From applying to settling."""
    problem: str = ""
    """What went otherwise than the file says, apart from the numbers."""


def run_scenario(lab: Lab, observer: Observer, scenario: Scenario) -> Observation:
    """Raises LabFailed where the lab itself breaks."""
    start = time.monotonic()
    problems = []
    stopped = []
    lab.api.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": scenario.namespace}}
    )
    observer.watch(scenario)
    try:
        for manifest in scenario.manifests:
            if name_of(manifest) not in scenario.held_back:
                problems += _create(lab, scenario, manifest)
        for step in scenario.header.steps:
            if step.stop:
                stopped.append(step.stop)
            try:
                problems += _do(lab, observer, scenario, step)
            except Refused as refused:
                problems.append(f"a step was refused: {refused}")
        last_step = time.monotonic()
        settled = _settle(observer, scenario, last_step)
        course = observer.course(scenario)
        state = _counts(scenario, course)
        return Observation(
            settled,
            state.pods,
            state.nodes,
            state.gpus,
            max(moment.state.gpus for moment in course),
            time.monotonic() - start,
            "; ".join(problems),
        )
    finally:
        for name in stopped:
            lab.start(name)
        with contextlib.suppress(Refused):
            remove(lab, scenario)


def remove(lab: Lab, scenario: Scenario) -> None:
    """Takes everything of a scenario away, what hangs on a finalizer too."""
    lab.set_trigger(scenario.namespace, 0)
    for manifest in reversed(scenario.manifests):
        lab.api.delete(lab.api.path_of(manifest, scenario.namespace))
    lab.api.delete(f"/api/v1/namespaces/{scenario.namespace}")
    for pod in lab.api.get(f"/api/v1/namespaces/{scenario.namespace}/pods")["items"]:
        if pod["metadata"].get("finalizers"):
            with contextlib.suppress(Refused):
                lab.api.patch(
                    f"/api/v1/namespaces/{scenario.namespace}/pods/{pod['metadata']['name']}",
                    {"metadata": {"finalizers": None}},
                )


def wait_until_removed(
    lab: Lab, observer: Observer, scenario: Scenario, seconds: float = 120
) -> None:
    """Waits until a scenario that was taken away is gone, so that it can run again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(Refused):
            remove(lab, scenario)
        gone = [
            manifest
            for manifest in scenario.manifests
            if _exists(lab, f"{lab.api.path_of(manifest, scenario.namespace)}")
        ]
        if not gone and not _exists(lab, f"/api/v1/namespaces/{scenario.namespace}"):
            return
        observer.wait_for_look()


def _exists(lab: Lab, path: str) -> bool:
    try:
        lab.api.get(path)
    except Refused:
        return False
    return True


def _create(lab: Lab, scenario: Scenario, manifest: Manifest) -> list[str]:
    name = name_of(manifest)
    try:
        lab.api.create(manifest, scenario.namespace)
    except Refused as refused:
        return [] if name == scenario.header.refused else [f"{name} was refused: {refused}"]
    return [f"{name} should have been refused"] if name == scenario.header.refused else []


def _do(lab: Lab, observer: Observer, scenario: Scenario, step: Step) -> list[str]:
    if step.wait == "busy":
        _wait_until_busy(observer, scenario)
    elif step.wait is not None:
        deadline = time.monotonic() + float(step.wait)
        while time.monotonic() < deadline:
            observer.wait_for_look()
    if step.trigger is not None:
        lab.set_trigger(scenario.namespace, step.trigger)
    if step.cpu is not None:
        lab.set_cpu(scenario.namespace, step.cpu)
    if step.apply:
        return _create(lab, scenario, scenario.manifest(step.apply))
    if step.delete:
        lab.api.delete(lab.api.path_of(scenario.manifest(step.delete), scenario.namespace))
    if step.patch:
        lab.api.patch(
            lab.api.path_of(scenario.manifest(step.patch), scenario.namespace), step.with_
        )
    if step.ray_job:
        lab.set_ray_job(scenario.namespace, step.ray_job)
    if step.ray_autoscaler:
        _ask_as_ray_autoscaler(lab, scenario, step.ray_autoscaler)
    if step.stop:
        lab.stop(step.stop)
    return []


def _ask_as_ray_autoscaler(lab: Lab, scenario: Scenario, replicas: Mapping[str, int]) -> None:
    """The one call that Ray's autoscaler makes: a JSON patch of the groups' replicas in the
    RayClusters, with the names of the workers that go (ray,
    autoscaler/_private/kuberay/node_provider.py); without names the operator deletes none."""
    path = f"/apis/ray.io/v1/namespaces/{scenario.namespace}/rayclusters"
    pods = lab.api.get(f"/api/v1/namespaces/{scenario.namespace}/pods")["items"]
    for cluster in lab.api.get(path)["items"]:
        changes = []
        for i, group in enumerate(cluster["spec"].get("workerGroupSpecs") or ()):
            wanted = replicas.get(group["groupName"])
            if wanted is None:
                continue
            labels = {
                "ray.io/cluster": cluster["metadata"]["name"],
                "ray.io/group": group["groupName"],
            }
            there = [
                pod["metadata"]["name"]
                for pod in pods
                if labels.items() <= pod["metadata"].get("labels", {}).items()
            ]
            where = f"/spec/workerGroupSpecs/{i}"
            leaving = {"workersToDelete": sorted(there)[wanted:]}
            changes += [
                {"op": "add", "path": f"{where}/replicas", "value": wanted},
                {"op": "add", "path": f"{where}/scaleStrategy", "value": leaving},
            ]
        lab.api.request(
            "PATCH",
            f"{path}/{cluster['metadata']['name']}",
            changes,
            "application/json-patch+json",
        )


def _wait_until_busy(observer: Observer, scenario: Scenario) -> None:
    start = time.monotonic()
    while time.monotonic() < start + BUSY_SECONDS:
        observer.wait_for_look()
        now = observer.course(scenario)[-1]
        something = now.state.pods or now.state.nodes
        if (
            something
            and not now.state.pending
            and time.monotonic() - max(now.at, start) > STANDS_SECONDS
        ):
            return


def _settle(observer: Observer, scenario: Scenario, last_step: float) -> bool:
    header = scenario.header
    if header.watch is not None:
        while time.monotonic() < last_step + header.watch:
            observer.wait_for_look()
        return True
    while time.monotonic() < last_step + header.settle_within:
        observer.wait_for_look()
        now = observer.course(scenario)[-1]
        # A buffer or a static pool makes nodes without a pod.
        nothing = not now.state.pods and not now.state.nodes and header.cluster != "gates-on"
        quiet = header.quiet or (QUIET_WITH_NOTHING if nothing else QUIET)
        if time.monotonic() - max(now.at, last_step) > quiet:
            return True
    return False


def _counts(scenario: Scenario, course: list[Moment]) -> State:
    if scenario.header.watch is None:
        return course[-1].state
    since = time.monotonic() - 60
    lately = [
        moment.state
        for i, moment in enumerate(course)
        if i + 1 == len(course) or course[i + 1].at > since
    ]
    return max(lately, key=lambda state: state.gpus)
