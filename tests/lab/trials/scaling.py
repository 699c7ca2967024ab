"""Each way of scaling from nothing to one, to many and back to nothing."""

from __future__ import annotations

import datetime
import time
import zoneinfo

from tests.lab.harness.api import Manifest
from tests.lab.trials.stage import COOLDOWN, PROMETHEUS, REDIS, Broken, Stage

DEPLOYMENTS = "/apis/apps/v1"
HPAS = "/apis/autoscaling/v2"
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def http(stage: Stage) -> None:
    """Requests at the HTTP add-on wake the first replica, make more, and their end takes all."""
    stage.pool()
    stage.deployment(max_replicas=3)
    stage.asleep()
    stage.check(stage.ask().status == 200, "the first request waits and is answered: 200")
    stage.runs(1, "one request")
    load = [stage.calling("/?seconds=25") for _ in range(30)]
    stage.runs(3, "30 requests at a time, 10 for a replica")
    stage.check({one.result().status for one in load} == {200}, "all 30 are answered")
    stage.ends("no request any more")


def gateway(stage: Stage) -> None:
    """A Prometheus query wakes the first replica, also after there was no such series."""
    query = "sum(gateway_waiting)"
    stage.pool()
    stage.deployment(
        wake_signal="gateway",
        prometheus_address=PROMETHEUS + stage.name,
        prometheus_query=query,
        target_per_replica=5,
        max_replicas=3,
    )
    stage.asleep()
    stage.lab.set_metrics(stage.name, {query: 0})
    stage.told("the series is there, with 0")
    stage.asleep()
    stage.lab.set_metrics(stage.name, {query: 4})
    stage.runs(1, "4 wait")
    stage.lab.set_metrics(stage.name, {query: 12})
    stage.runs(3, "12 wait, 5 for a replica")
    stage.lab.set_metrics(stage.name, {query: 0})
    stage.ends("none waits")


def redis(stage: Stage) -> None:
    """Items in a Redis list, read with a password, wake a queue worker: no Service, no probe, no
    port."""
    stage.pool()
    secret = {"name": "login", "key": "password"}
    for version, kind, more in (
        ("v1", "Secret", {"stringData": {"password": "secret"}}),
        (
            "keda.sh/v1alpha1",
            "TriggerAuthentication",
            {"spec": {"secretTargetRef": [{"parameter": "password", **secret}]}},
        ),
    ):
        stage.apply({"apiVersion": version, "kind": kind, "metadata": {"name": "login"}, **more})
    made = stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        trigger_authentication="login",
        max_replicas=3,
    )
    kinds = sorted(manifest["kind"] for manifest in made)
    stage.check(kinds == ["Deployment", "ScaledObject"], "nothing but a Deployment and its scaler")
    stage.asleep()
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    stage.lab.set_list(stage.name, 25)
    stage.runs(3, "25 items, 10 for a replica")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def sqs(stage: Stage) -> None:
    """Messages of an SQS queue wake a worker, and those in flight keep it."""
    stage.pool()
    stage.deployment(
        wake_signal="sqs",
        queue_url=f"https://sqs.eu-central-1.amazonaws.com/1/{stage.name}",
        queue_region="eu-central-1",
        max_replicas=2,
    )
    stage.asleep()
    stage.lab.set_queue(stage.name, waiting=1)
    stage.runs(1, "one message")
    stage.lab.set_queue(stage.name, waiting=0, in_flight=1)
    stage.stays(lambda: stage.running() == 1, "the message is in flight: the worker stays", 20)
    stage.lab.set_queue(stage.name, waiting=15, in_flight=1)
    stage.runs(2, "15 more messages")
    stage.lab.set_queue(stage.name, waiting=0)
    stage.ends("all are deleted")


def kafka(stage: Stage) -> None:
    """The lag of a consumer group wakes a worker, and its commits end it."""
    stage.pool()
    stage.lab.produce(stage.name, 0)
    # The broker here refuses a group that it has not met; a real one says that nothing is committed.
    stage.lab.commit(stage.name, "servers", 0)
    stage.told("an empty topic of one partition, and a group that has read none of it")
    stage.deployment(
        wake_signal="kafka",
        kafka_servers="kafka.default:9092",
        kafka_topic=stage.name,
        kafka_consumer_group="servers",
        max_replicas=3,
    )
    stage.asleep()
    stage.lab.produce(stage.name, 1)
    stage.runs(1, "one record")
    stage.lab.commit(stage.name, "servers", 1)
    stage.ends("it is committed")
    stage.lab.produce(stage.name, 25)
    stage.runs(1, "25 records in the one partition, which only one consumer can read")
    stage.lab.commit(stage.name, "servers", 26)
    stage.ends("all are committed")


def office_hours(stage: Stage) -> None:
    """Office hours keep officeReplicas from their beginning to their end, and nothing after."""
    stage.pool()
    begin = _next_minute(10)
    end = begin + datetime.timedelta(minutes=1)
    stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        max_replicas=2,
        office_replicas=2,
        office_hours=[f"{_cron(begin)} to {_cron(end)}"],
        time_zone=BERLIN.key,
    )
    seconds = (begin - _now()).total_seconds()
    stage.asleep(max(seconds - 4, 1))
    stage.runs(2, f"{begin:%H:%M}, the hours begin")
    stage.stays(
        lambda: stage.running() == 2,
        "both stay without a request",
        (end - _now()).total_seconds() - 2,
    )
    stage.ends(f"{end:%H:%M}, the hours end")


def engine_metric(stage: Stage) -> None:
    """Items wake the first replica, the engine's own queue makes more, and it wakes none at
    zero."""
    metric = "vllm:num_requests_waiting"
    stage.pool()
    stage.deployment(
        engine="vllm",
        model="Qwen/Qwen3-8B",
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        scale_by="waiting",
        prometheus_address=PROMETHEUS + stage.name,
        max_replicas=4,
    )
    stage.lab.set_metrics(stage.name, {metric: 18})
    stage.asleep()
    stage.lab.set_metrics(stage.name, {metric: 0})
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    stage.lab.set_metrics(stage.name, {metric: 18})
    stage.runs(4, "18 requests wait in the engine, 5 for a replica")
    stage.lab.set_metrics(stage.name, {metric: 0})
    stage.runs(1, "none waits in the engine, one item is left")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def kv_cache(stage: Stage) -> None:
    """The engine's KV cache makes more replicas once they are full on average."""
    metric = "vllm:kv_cache_usage_perc"
    stage.pool()
    stage.deployment(
        engine="vllm",
        model="Qwen/Qwen3-8B",
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        scale_by="kv_cache",
        prometheus_address=PROMETHEUS + stage.name,
        max_replicas=4,
    )
    stage.asleep()
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    stage.lab.set_metrics(stage.name, {metric: 0.7})
    stage.stays(lambda: stage.running() == 1, "the cache is 70 % full: one replica", 10)
    stage.lab.set_metrics(stage.name, {metric: 0.95 * 2})
    stage.runs(3, "190 % over all replicas, 80 for one")
    stage.lab.set_metrics(stage.name, {metric: 0})
    stage.lab.set_list(stage.name, 0)
    stage.ends("nothing is cached, the list is empty")


def scale_query(stage: Stage) -> None:
    """A scaleQuery makes more replicas; it wakes none, and keeps none that nothing else wants."""
    query = "sum(of_something_that_is_always_there)"
    stage.pool()
    stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        scale_query=query,
        scale_target=5,
        prometheus_address=PROMETHEUS + stage.name,
        max_replicas=3,
    )
    stage.lab.set_metrics(stage.name, {query: 13})
    stage.told("scaleQuery has 13 while the list is empty")
    stage.asleep(15)
    stage.lab.set_list(stage.name, 1)
    stage.runs(3, "one item, and 13 by 5 for a replica")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty, scaleQuery still has 13")


def job(stage: Stage) -> None:
    """Each message gets a Job, at most maxReplicas at a time, and nothing is left of them."""
    stage.pool()
    stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        run="job",
        max_replicas=2,
    )
    stage.asleep()
    most = 0
    stage.lab.set_list(stage.name, 3)
    stage.told("three items")

    def done() -> bool:
        nonlocal most
        most = max(most, len(stage.pods()))
        jobs = stage.get("/apis/batch/v1", "jobs")
        ended = sum(job["status"].get("succeeded", 0) for job in jobs)
        # A worker takes its item as it starts.
        stage.lab.set_list(stage.name, max(0, 3 - len(jobs)))
        return bool(ended == 3)

    stage.wait(done, "three Jobs have ended", 180)
    stage.check(most == 2, "never more than two at a time")
    stage.ends("the list is empty")


def several_signals(stage: Stage) -> None:
    """Of several signals each wakes a replica, and the last goes when none of them asks."""
    stage.pool()
    stage.deployment(
        more_signals=["redis"], redis_address=REDIS, redis_list=stage.name, max_replicas=3
    )
    stage.asleep()
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    long = stage.calling("/?seconds=40")
    stage.lab.set_list(stage.name, 0)
    stage.stays(lambda: stage.running() == 1, "the list is empty, a request is in flight", 25)
    stage.lab.set_list(stage.name, 25)
    stage.runs(3, "25 items: the signal that asks for the most counts")
    stage.check(long.result().status == 200, "the request is answered")
    stage.lab.set_list(stage.name, 0)
    stage.ends("neither signal asks")
    stage.check(stage.ask().status == 200, "a request wakes it as well")
    stage.ends("no request any more")


def stabilisation(stage: Stage) -> None:
    """scaleUpSeconds and scaleDownSeconds delay what is between one and many, coolDown the last."""
    up, down = 15, 30
    stage.pool()
    stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        scale_up_seconds=up,
        scale_down_seconds=down,
        max_replicas=3,
    )
    stage.asleep()
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    stage.lab.set_list(stage.name, 25)
    stage.stays(lambda: len(stage.pods()) == 1, "25 items: one replica for some time", up - 4)
    stage.runs(3, f"after {up} s")
    stage.lab.set_list(stage.name, 1)
    stage.stays(lambda: len(stage.pods()) == 3, "one item: three replicas for some time", down - 4)
    stage.runs(1, f"after {down} s")
    stage.lab.set_list(stage.name, 0)
    empty = time.monotonic()
    stage.wait(lambda: not stage.pods(), "the list is empty: no pod")
    took = time.monotonic() - empty
    stage.check(COOLDOWN - 1 <= took <= COOLDOWN + 20, f"about the {COOLDOWN} s of the cool-down")
    stage.ends("idle")


def hourly_cost(stage: Stage) -> None:
    """maxHourlyCost bounds the replicas under any load by what they cost."""
    stage.pool()
    stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        max_replicas=10,
        max_hourly_cost=4,
        instance_types=["g6e.xlarge"],
        region="us-east-1",
    )
    stage.asleep()
    stage.lab.set_list(stage.name, 500)
    stage.runs(2, "500 items, USD 4 an hour, USD 1.861 for a node")
    stage.stays(lambda: len(stage.pods()) == 2 == stage.gpus(), "it stays at two", 25)
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def kept_replica(stage: Stage) -> None:
    """minReplicas 1 keeps one replica and its GPU, under load there are more."""
    stage.pool()
    stage.deployment(
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        min_replicas=1,
        max_replicas=2,
    )
    stage.runs(1, "no request")
    stage.lab.set_list(stage.name, 15)
    stage.runs(2, "15 items")
    stage.lab.set_list(stage.name, 0)
    stage.runs(1, "the list is empty")
    stage.stays(lambda: stage.running() == 1, "it stays at one, with its GPU", 25)


def several_nodes(stage: Stage) -> None:
    """A replica of several nodes comes and goes as a whole, by the real LeaderWorkerSet."""
    stage.pool()
    stage.deployment(
        engine="vllm", model="m/m", nodes=2, gpus=1, max_replicas=2, wake_signal="redis",
        redis_address=REDIS, redis_list=stage.name,
    )  # fmt: skip
    stage.asleep()
    stage.lab.set_list(stage.name, 1)
    stage.runs(2, "one item: a leader and a worker", unit="pod")
    stage.check(stage.gpus() == 2, "two nodes")
    stage.lab.set_list(stage.name, 15)
    stage.runs(4, "15 items: two groups", unit="pod")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def scaler_http(stage: Stage) -> None:
    """GpuScaler: requests wake a Deployment of another owner."""
    stage.pool()
    stage.apply(_workload(stage, "Deployment"))
    service = {
        "selector": {"app": stage.name},
        "ports": [{"name": "http", "port": 8000, "targetPort": 8000}],
    }
    stage.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": stage.name},
            "spec": service,
        }
    )
    stage.runs(1, "a Deployment as its owner made it")
    stage.scaler(target_name=stage.name, service=stage.name, port=8000, max_replicas=3)
    stage.ends("no request")
    stage.check(stage.ask().status == 200, "a request is answered")
    load = [stage.calling("/?seconds=25") for _ in range(30)]
    stage.runs(3, "30 requests at a time")
    stage.check({one.result().status for one in load} == {200}, "all are answered")
    stage.ends("no request any more")


def scaler_stateful_set(stage: Stage) -> None:
    """GpuScaler: items of a queue wake a StatefulSet."""
    stage.pool()
    stage.apply(_workload(stage, "StatefulSet"))
    stage.runs(1, "a StatefulSet as its owner made it")
    stage.scaler(
        target_name=stage.name,
        target_kind="StatefulSet",
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        max_replicas=2,
    )
    stage.ends("no request")
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    stage.lab.set_list(stage.name, 15)
    stage.runs(2, "15 items")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def scaler_leader_worker_set(stage: Stage) -> None:
    """GpuScaler: items of a queue wake a LeaderWorkerSet, a group at a time."""
    stage.pool()
    template = _workload(stage, "Deployment")["spec"]["template"]
    stage.apply(
        {
            "apiVersion": "leaderworkerset.x-k8s.io/v1",
            "kind": "LeaderWorkerSet",
            "metadata": {"name": stage.name},
            "spec": {
                "replicas": 1,
                "leaderWorkerTemplate": {"size": 2, "workerTemplate": template},
            },
        }
    )
    stage.runs(2, "a group of two, as its owner made it", unit="pod")
    stage.scaler(
        target_name=stage.name,
        target_kind="LeaderWorkerSet",
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        max_replicas=2,
    )
    stage.ends("no request")
    stage.lab.set_list(stage.name, 1)
    stage.runs(2, "one item: the group", unit="pod")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def scaler_cool_down(stage: Stage) -> None:
    """GpuScaler: what runs when the scaler is made stays for the cool-down, too."""
    stage.pool()
    stage.apply(_workload(stage, "Deployment"))
    stage.runs(1, "a Deployment as its owner made it")
    stage.scaler(
        target_name=stage.name,
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        cooldown_seconds=40,
    )
    stage.stays(lambda: stage.running() == 1, "no request: the replica stays", 35)
    stage.ends("40 s are over")


def scaler_replaces_hpa(stage: Stage) -> None:
    """GpuScaler: a HorizontalPodAutoscaler that is there is taken over, and zero becomes
    possible."""
    stage.pool()
    stage.apply(_workload(stage, "Deployment"))
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": stage.name}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    stage.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "theirs"},
            "spec": {
                "scaleTargetRef": target,
                "minReplicas": 1,
                "maxReplicas": 3,
                "metrics": [{"type": "Resource", "resource": cpu}],
            },
        }
    )
    stage.runs(1, "a Deployment and its HorizontalPodAutoscaler, minReplicas 1")
    stage.scaler(
        target_name=stage.name,
        replaces_hpa="theirs",
        wake_signal="redis",
        redis_address=REDIS,
        redis_list=stage.name,
        max_replicas=3,
    )
    stage.ends("no request")
    stage.lab.set_list(stage.name, 25)
    stage.runs(3, "25 items")
    hpas = [hpa["metadata"]["name"] for hpa in stage.get(HPAS, "horizontalpodautoscalers")]
    stage.check(hpas == ["theirs"], "the one HorizontalPodAutoscaler is the one that was there")
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")


def scaler_ray_cluster(stage: Stage) -> None:
    """GpuScaler: a RayCluster is refused, for it has no scale subresource that KEDA could use."""
    try:
        stage.declare(
            "GpuScaler",
            {
                "target_name": "ray",
                "target_kind": "RayCluster",
                "target_api_version": "ray.io/v1",
                "wake_signal": "redis",
                "redis_address": REDIS,
                "redis_list": "items",
            },
        )
    except AssertionError as refused:
        stage.check("no scale subresource" in str(refused), "the component says so")
        return
    raise Broken("the component takes a RayCluster")


def _workload(stage: Stage, kind: str) -> Manifest:
    """One that was there before the component, of one replica with a GPU."""
    container = {
        "name": "c",
        "image": "registry.invalid/x:1",
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    pod = {
        "nodeSelector": {"karpenter.sh/nodepool": stage.name},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    labels = {"app": stage.name}
    spec: Manifest = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if kind == "StatefulSet":
        spec["serviceName"] = stage.name
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": stage.name},
        "spec": spec,
    }


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _next_minute(seconds: float) -> datetime.datetime:
    """The next full minute that is at least so far away."""
    later = _now() + datetime.timedelta(seconds=seconds, minutes=1)
    return later.replace(second=0, microsecond=0)


def _cron(at: datetime.datetime) -> str:
    local = at.astimezone(BERLIN)
    return f"{local.minute} {local.hour} * * *"
