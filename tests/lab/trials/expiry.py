"""How a trial lets a lease run out: a full minute that is near, and what the pod of the lease's
CronJob does then."""

from __future__ import annotations

import datetime
from typing import Any

from tests.lab.harness.kubelet import run_kubectl
from tests.lab.trials.stage import Broken, Stage


def expire(stage: Stage, ends: datetime.datetime) -> None:
    """Waits until the CronJob's Job has its pod, and does what its containers say."""
    last: list[Any] = []

    def started() -> bool:
        last[:] = [
            pod
            for pod in stage.get("/api/v1", "pods")
            if pod["spec"].get("serviceAccountName") == f"{stage.name}-lease"
        ]
        return bool(last)

    stage.wait(started, f"{ends:%H:%M}: the CronJob starts its Job", 200)
    for command, code, said in run_kubectl(stage.lab, last[0]):
        if code:
            raise Broken(f"{command}: {code}, {said}")
        stage.told(command.replace(f"--namespace={stage.name} ", ""))


def with_cpu(stage: Stage) -> None:
    """A pool for the lease's own pod beside the one with GPUs."""
    stage.pool()
    types = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m7i.large"]}
    reference = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
    stage.apply(
        {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": f"{stage.name}-cpu"},
            "spec": {
                "template": {"spec": {"nodeClassRef": reference, "requirements": [types]}},
                "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5s"},
            },
        }
    )


def soon(seconds: float = 110) -> datetime.datetime:
    """The last full minute before so many seconds are over, which leaves time for load."""
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return later.replace(second=0, microsecond=0)


def text_of(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")
