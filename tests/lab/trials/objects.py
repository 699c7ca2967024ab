"""What the API server keeps of the components' objects, and what becomes of it with time."""

from __future__ import annotations

from tests.lab.trials.stage import REDIS, Stage

LIVES = 15 * 60
"""Seconds for which a worker without a caller is watched: nothing that KEDA, Karpenter or
Kubernetes does by the clock here is slower."""
CORE = "/api/v1"


def named_like_its_engine(stage: Stage) -> None:
    """A server called vllm says enableServiceLinks false: without it the kubelet would put the
    VLLM_PORT of its Service into its environment."""
    stage.pool()
    stage.deployment(name="vllm", engine="vllm", model="Qwen/Qwen3-8B")
    answer = stage.ask(host=f"vllm-proxy.{stage.name}")
    stage.check(answer.status == 200, "a request is answered")
    names = {service["metadata"]["name"] for service in stage.get(CORE, "services")}
    stage.check("vllm" in names, "there is a Service called vllm")
    (pod,) = stage.pods()
    stage.check(pod["spec"]["enableServiceLinks"] is False, "the pod: enableServiceLinks false")
    container = {"name": "c", "image": "registry.invalid/x:1"}
    stage.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "plain"},
            "spec": {"containers": [container]},
        }
    )
    plain = stage.get(CORE, "pods", "plain")
    stage.check(
        plain["spec"]["enableServiceLinks"] is True,
        "a pod that does not say so: true, so that it would get VLLM_PORT=tcp://…",
    )
    stage.lab.api.delete(f"{CORE}/namespaces/{stage.name}/pods/plain")
    stage.wait(
        lambda: not any(pod["metadata"]["name"] == "plain" for pod in stage.pods()), "it is deleted"
    )
    stage.ends("no request any more")


def worker_without_callers(stage: Stage) -> None:
    """A queue worker that no request ever reaches: no probe, no port, no Service, so nothing
    restarts it."""
    stage.pool()
    stage.deployment(wake_signal="redis", redis_address=REDIS, redis_list=stage.name)
    stage.lab.set_list(stage.name, 1)
    stage.runs(1, "one item")
    (pod,) = stage.pods()
    (container,) = pod["spec"]["containers"]
    found = {"livenessProbe", "readinessProbe", "startupProbe", "ports", "lifecycle"} & set(
        container
    )
    stage.check(not found, "its container has neither probe nor port")
    stage.check(stage.get(CORE, "services") == [], "there is no Service")

    def same() -> bool:
        pods = stage.pods()
        restarts = [
            status["restartCount"] for one in pods for status in one["status"]["containerStatuses"]
        ]
        return [one["metadata"]["uid"] for one in pods] == [pod["metadata"]["uid"]] and not any(
            restarts
        )

    stage.stays(same, f"{LIVES // 60} minutes later: the same pod, no restart", LIVES)
    stage.lab.set_list(stage.name, 0)
    stage.ends("the list is empty")
