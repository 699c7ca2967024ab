"""Rollouts by the real engine and the real Kubernetes provider: a new image is proved before a
caller meets it, and a lease is renewed."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.engine.real_engine import missing
from tests.lab.bundled import Bundled, bundled
from tests.lab.trials.expiry import expire, soon, text_of, with_cpu
from tests.lab.trials.scaling import DEPLOYMENTS
from tests.lab.trials.stage import COOLDOWN, Broken, Stage

PROGRAM = """
import json
import pathlib

from zerofloor.components import GpuDeployment

arguments = json.loads(pathlib.Path(__file__).with_name("arguments.json").read_text())
GpuDeployment(arguments["name"], arguments)
"""
OLD, NEW, BAD, MENDED = (f"registry.invalid/server:{tag}" for tag in ("old", "new", "bad", "ok"))


def warm_up(stage: Stage) -> None:
    """warm_up: an update proves the new image in a Job on a GPU of its own; what runs answers until
    then."""
    stage.pool()
    with _engine(stage) as stack:
        _up(stage, stack, image=OLD, rollout="warm_up")
        first = _job(stage)
        made = _deployment(stage)["metadata"]["creationTimestamp"]
        stage.check(
            first["status"]["completionTime"] <= made, "the Job has ended before the Deployment is"
        )
        stage.ends("the Job's pod has ended")
        stage.check(stage.ask().status == 200, "a request is answered by the old image")
        call = stage.calling("/?seconds=30")
        _up(stage, stack, image=NEW, rollout="warm_up")
        second = _job(stage)
        stage.check(
            second["metadata"]["uid"] != first["metadata"]["uid"] and _image(second) == NEW,
            "a new Job has proved the new image",
        )
        stage.check(_image(_deployment(stage)) == NEW, "then the Deployment has it")
        stage.check(call.result().status == 200, "the request in between is answered")
        stage.check(stack.changes() == {}, "the next preview has no change")
        stage.ends("no request any more")
        stack.must("destroy")


def warm_up_fails(stage: Stage) -> None:
    """warm_up: an image whose Job fails stops each update until the image is another or the Job is
    replaced; what runs is untouched."""
    fails = {"labels": {"lab_run": "fails"}}
    stage.pool()
    with _engine(stage) as stack:
        _up(stage, stack, image=OLD, rollout="warm_up")
        stage.check(stage.ask().status == 200, "a request is answered by the old image")
        call = stage.calling("/?seconds=60")
        before = stage.pods()[0]["metadata"]["uid"]
        _configure(stack, stage, image=BAD, rollout="warm_up", **fails)
        _stops(stage, stack, "with an image whose Job fails")
        failed = _job(stage)["metadata"]["uid"]
        _stops(stage, stack, "once more")
        stage.check(
            _job(stage)["metadata"]["uid"] == failed, "the Job that failed is not run again"
        )
        _stops(stage, stack, "--replace '**-warm-up'", "--replace", "**-warm-up")
        stage.check(_job(stage)["metadata"]["uid"] != failed, "that was a new Job")
        uids = {pod["metadata"]["uid"] for pod in stage.pods()}
        stage.check(before in uids, "the pod that runs is the same")
        stage.check(call.result().status == 200, "its request is answered")
        _up(stage, stack, image=MENDED, rollout="warm_up")
        stage.check(_image(_deployment(stage)) == MENDED, "a mended image: its Job, then it")
        stage.ends("no request any more")
        stack.must("destroy")


def lease_renewed(stage: Stage) -> None:
    """A lease that ran out: the engine's next update with a later date takes the scaler back to
    work."""
    with_cpu(stage)
    ends = soon(150)
    with _engine(stage) as stack:
        _up(stage, stack, image=OLD, expires_at=text_of(ends), readiness_seconds=15)
        stage.check(stage.ask().status == 200, "a request is answered")
        call = stage.calling("/?seconds=200")
        stage.runs(1, "another is in flight")
        expire(stage, ends)
        stage.ends("the lease has run out")
        call.cancel()
        stage.check(stage.ask().status == 504, "a request: 504")
        _configure(stack, stage, image=OLD, expires_at=text_of(ends), readiness_seconds=15)
        refused = stack.run("preview")
        stage.check(
            refused.returncode != 0 and "the lease ran out" in refused.stdout,
            "a preview of the same program fails: the lease ran out",
        )
        later = text_of(soon(24 * 3600))
        _up(stage, stack, image=OLD, expires_at=later, readiness_seconds=60)
        stage.check(stage.ask().status == 200, "a later date: a request is answered")
        stage.check(stack.changes() == {}, "the next preview has no change")
        stage.ends("no request any more")
        stack.must("destroy")


@contextlib.contextmanager
def _engine(stage: Stage) -> Iterator[Bundled]:
    if reason := missing():
        raise Broken(reason)
    with (
        tempfile.TemporaryDirectory(prefix="zerofloor-trial-") as folder,
        bundled(stage.lab, Path(folder), PROGRAM) as stack,
    ):
        yield stack


def _configure(stack: Bundled, stage: Stage, **arguments: Any) -> None:
    """What the program declares from now on."""
    named = {"name": stage.name, "namespace": stage.name, "node_pool": stage.name}
    fast = {"cooldown_seconds": COOLDOWN, "polling_seconds": 1}
    given: Mapping[str, Any] = {**named, **fast, **arguments}
    (stack.folder / "arguments.json").write_text(json.dumps(given))


def _up(stage: Stage, stack: Bundled, **arguments: Any) -> None:
    stage.declarations.append(("GpuDeployment", arguments))
    _configure(stack, stage, **arguments)
    stack.must("up")
    stage.told(f"pulumi up: {arguments.get('image')}")


def _stops(stage: Stage, stack: Bundled, what: str, *options: str) -> None:
    """An update that the warm-up stops, with the Deployment as it was."""
    failed = stack.run("up", *options)
    stage.check(
        failed.returncode != 0 and "Job has reached the specified backoff limit" in failed.stdout,
        f"pulumi up {what}: it stops",
    )
    stage.check(_image(_deployment(stage)) == OLD, "the Deployment has the old image")


def _job(stage: Stage) -> Any:
    return stage.get("/apis/batch/v1", "jobs", f"{stage.name}-warm-up")


def _deployment(stage: Stage) -> Any:
    return stage.get(DEPLOYMENTS, "deployments", stage.name)


def _image(workload: Any) -> str:
    """That of its server, which is a sidecar in a warm-up Job."""
    pod = workload["spec"]["template"]["spec"]
    containers = (*pod.get("initContainers", ()), *pod["containers"])
    return str(next(one["image"] for one in containers if one["name"] == "server"))
