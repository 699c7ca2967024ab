"""Leases: what the component's CronJob does when one runs out, and what ends that."""

from __future__ import annotations

import datetime
from typing import Any

from tests.lab.trials.expiry import expire, soon, text_of, with_cpu
from tests.lab.trials.scaling import HPAS
from tests.lab.trials.stage import REDIS, Stage

BATCH = "/apis/batch/v1"


def lease(stage: Stage) -> None:
    """A lease that runs out takes all replicas under full load, and no request wakes one again; a
    later date does."""
    with_cpu(stage)
    ends = soon()
    load: dict[str, Any] = {"max_replicas": 2, "readiness_seconds": 15}
    stage.deployment(expires_at=text_of(ends), **load)
    stage.asleep(5)
    stage.check(stage.ask().status == 200, "a request is answered")
    calls = [stage.calling("/?seconds=150") for _ in range(15)]
    stage.runs(2, "15 requests at a time")
    expire(stage, ends)
    stage.ends("the lease has run out, 15 requests were in flight")
    for _ in range(3):
        answer = stage.ask()
        stage.check(answer.status == 504, "a request: 504 after readinessSeconds")
    stage.check(not stage.pods() and not stage.gpus(), "still no pod and no GPU")
    stage.check(not stage.get(HPAS, "horizontalpodautoscalers"), "KEDA has paused: no HPA")
    for call in calls:
        call.cancel()
    later = ends + datetime.timedelta(days=1)
    stage.deployment(expires_at=text_of(later), **load)
    stage.check(stage.ask(seconds=60).status == 200, "renewed: a request is answered")
    stage.runs(1, "it runs again")
    stage.check(_jobs(stage) == 1, "the new date has started no Job")
    stage.ends("no request any more")


def lease_of_jobs(stage: Stage) -> None:
    """A lease on Jobs lets those that run end, and no item makes another; a later date does."""
    with_cpu(stage)
    ends = soon()
    queue: dict[str, Any] = {
        "wake_signal": "redis", "redis_address": REDIS, "redis_list": stage.name, "run": "job",
    }  # fmt: skip
    hour = datetime.timedelta(hours=1)
    stage.deployment(starts_at=text_of(ends - hour), ttl_hours=1, **queue)
    stage.asleep(5)
    stage.lab.set_list(stage.name, 1)
    stage.wait(lambda: len(stage.pods()) == 1, "one item: a Job")
    stage.lab.set_list(stage.name, 0)
    stage.ends("it has ended")
    expire(stage, ends)
    before = _jobs(stage)
    stage.lab.set_list(stage.name, 3)
    stage.stays(lambda: _jobs(stage) == before, "three items: no Job", 25)
    stage.deployment(expires_at=text_of(ends + datetime.timedelta(days=1)), **queue)
    stage.wait(lambda: _jobs(stage) > before, "renewed: a Job")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def lease_of_a_scaler(stage: Stage) -> None:
    """A GpuScaler's lease stops a LeaderWorkerSet, with the rights for just that."""
    with_cpu(stage)
    ends = soon()
    container = {
        "name": "c",
        "image": "registry.invalid/x:1",
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    pod = {
        "nodeSelector": {"karpenter.sh/nodepool": stage.name},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [container],
    }
    stage.apply(
        {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "metadata": {"name": stage.name},
            "spec": {
                "replicas": 1,
                "leaderWorkerTemplate": {"size": 2, "workerTemplate": {"spec": pod}},
            },
        }
    )
    stage.lab.set_list(stage.name, 1)
    stage.scaler(
        target_name=stage.name,
        target_kind="LeaderWorkerSet",
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        expires_at=text_of(ends),
    )
    stage.runs(2, "one item: a group of two", unit="pod")
    expire(stage, ends)
    stage.ends("the lease has run out, the item is still there")
    stage.stays(lambda: not stage.pods(), "no pod comes back", 20)


def _jobs(stage: Stage) -> int:
    return len(stage.get(BATCH, "jobs"))
