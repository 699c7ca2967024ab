"""One change of each argument of a component, and a program that has a component for each: created
by the engine with the real Kubernetes provider, which writes files in place of a cluster, then
previewed with the change. `python -m tests.engine.component_changes` prints what the engine would
do, by component and argument, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from typing import Any, Final

from tests.engine.real_engine import BIN

Args = Mapping[str, Any]

_SERVER: Final[Args] = {"image": "ghcr.io/acme/server:1", "memory": "24Gi", "max_replicas": 4}
_SQS: Final[Args] = {
    "wake_signal": "sqs",
    "queue_url": "https://sqs.us-east-1.amazonaws.com/1/a",
    "queue_region": "us-east-1",
}
_REDIS: Final[Args] = {
    "wake_signal": "redis",
    "redis_address": "redis:6379",
    "redis_list": "jobs",
}
_KAFKA: Final[Args] = {
    "wake_signal": "kafka",
    "kafka_servers": "kafka:9092",
    "kafka_topic": "jobs",
    "kafka_consumer_group": "llm",
}
_GATEWAY: Final[Args] = {
    "wake_signal": "gateway",
    "prometheus_address": "http://prometheus:9090",
    "prometheus_query": "sum(envoy_waiting)",
}
_VLLM: Final[Args] = {"engine": "vllm", "model": "m/m"}
_STREAMED: Final[Args] = {"engine": "vllm", "model": "s3://b/m"}
_PULLED: Final[Args] = {"node_pool": "gpu"}
_FOUR: Final[Args] = {**_VLLM, "gpus": 4}
_METRIC: Final[Args] = {
    **_VLLM,
    "scale_by": "waiting",
    "prometheus_address": "http://prometheus:9090",
}
_QUERY: Final[Args] = {
    "scale_query": "sum(waiting)",
    "scale_target": 2,
    "prometheus_address": "http://prometheus:9090",
}
_JOB: Final[Args] = {**_SQS, "run": "job"}
_LEASE: Final[Args] = {"expires_at": "2099-12-31"}
_FROM: Final[Args] = {"starts_at": "2099-12-31", "ttl_hours": 8}
_OFFICE: Final[Args] = {"office_hours": ["Mon-Fri 08:00-19:00"]}
_FALLBACK: Final[Args] = {
    "cold_start": "fallback",
    "fallback_service": "small",
    "fallback_port": 8000,
}
_COST: Final[Args] = {
    "max_hourly_cost": 4,
    "instance_types": ["g6e.xlarge"],
    "region": "us-east-1",
    "max_replicas": 10,
}
_EXEC: Final[Args] = {**_REDIS, "probe": "exec", "probe_command": ["alive"]}
_HTTP_REDIS: Final[Args] = {**_REDIS, "wake_signal": "http"}
_BAKED: Final[Args] = {"ami_alias": "bottlerocket@latest", "image_snapshot": "snap-1"}
_POOL: Final[Args] = {
    "cluster_name": "serving",
    "role": "node",
    "instance_types": ["g6e.xlarge"],
    "max_gpus": 4,
}


def _without(args: Args, *names: str) -> Args:
    return {name: value for name, value in args.items() if name not in names}


CHANGES: Final[Mapping[str, Mapping[str, tuple[Args, Args]]]] = {
    "GpuDeployment": {
        "name": ({}, {"name": "another"}),
        "namespace": ({}, {"namespace": "models"}),
        "labels": ({}, {"labels": {"team": "a"}}),
        "image": ({}, {"image": "ghcr.io/acme/server:2"}),
        "command": ({}, {"command": ["serve"]}),
        "args": ({}, {"args": ["--fast"]}),
        "env": ({}, {"env": {"A": "b"}}),
        "env_from_secrets": ({}, {"env_from_secrets": ["token"]}),
        "port": ({}, {"port": 9000}),
        "health_path": ({}, {"health_path": "/ready"}),
        "startup_seconds": ({}, {"startup_seconds": 900}),
        "termination_grace_seconds": ({}, {"termination_grace_seconds": 120}),
        "service_account": ({}, {"service_account": "llm"}),
        "priority_class": ({}, {"priority_class": "high"}),
        "gpus": ({}, {"gpus": 2}),
        "gpu_resource": ({}, {"gpu_resource": "amd.com/gpu"}),
        "cpu": ({}, {"cpu": "3"}),
        "memory": ({}, {"memory": "48Gi"}),
        "shared_memory": ({}, {"shared_memory": "8Gi"}),
        "instance_types": ({}, {"instance_types": ["g6e.2xlarge"]}),
        "node_pool": ({}, {"node_pool": "gpu"}),
        "node_selector": ({}, {"node_selector": {"zone": "a"}}),
        "tolerations": ({}, {"tolerations": ["team=a"]}),
        "cache_path": ({}, {"cache_path": "/models"}),
        "cache_size": ({}, {"cache_size": "100Gi"}),
        "cache_claim": ({}, {"cache_claim": "models"}),
        "cache_host_path": ({}, {"cache_host_path": "/mnt/models"}),
        "stream_concurrency": (_STREAMED, {**_STREAMED, "stream_concurrency": 8}),
        "pre_pull": (_PULLED, {**_PULLED, "pre_pull": True}),
        "pre_pull_idle_image": (
            {**_PULLED, "pre_pull": True},
            {**_PULLED, "pre_pull": True, "pre_pull_idle_image": "pause:1"},
        ),
        "min_replicas": ({}, {"min_replicas": 1}),
        "max_replicas": ({}, {"max_replicas": 8}),
        "cooldown_seconds": ({}, {"cooldown_seconds": 600}),
        "idle_cap_seconds": ({}, {"idle_cap_seconds": 7200}),
        "polling_seconds": ({}, {"polling_seconds": 30}),
        "target_per_replica": ({}, {"target_per_replica": 20}),
        "max_surge": ({}, {"max_surge": 1}),
        "max_unavailable": ({}, {"max_unavailable": 2}),
        "wake_signal": ({}, _SQS),
        "trigger_authentication": (_SQS, {**_SQS, "trigger_authentication": "queue"}),
        "hosts": ({}, {"hosts": ["llm.example.com"]}),
        "interceptor_namespace": ({}, {"interceptor_namespace": "http"}),
        "prometheus_address": (_GATEWAY, {**_GATEWAY, "prometheus_address": "http://other:9090"}),
        "prometheus_query": (_GATEWAY, {**_GATEWAY, "prometheus_query": "sum(waiting)"}),
        "queue_url": (_SQS, {**_SQS, "queue_url": "https://sqs.us-east-1.amazonaws.com/1/b"}),
        "queue_region": (_SQS, {**_SQS, "queue_region": "us-west-2"}),
        "redis_address": (_REDIS, {**_REDIS, "redis_address": "other:6379"}),
        "redis_list": (_REDIS, {**_REDIS, "redis_list": "more"}),
        "kafka_servers": (_KAFKA, {**_KAFKA, "kafka_servers": "other:9092"}),
        "kafka_topic": (_KAFKA, {**_KAFKA, "kafka_topic": "more"}),
        "kafka_consumer_group": (_KAFKA, {**_KAFKA, "kafka_consumer_group": "more"}),
        "annotations": ({}, {"annotations": {"team": "a"}}),
        "cold_start": ({}, {"cold_start": "retry_after"}),
        "retry_after_seconds": (
            {"cold_start": "retry_after"},
            {"cold_start": "retry_after", "retry_after_seconds": 60},
        ),
        "fallback_service": (_FALLBACK, {**_FALLBACK, "fallback_service": "other"}),
        "fallback_port": (_FALLBACK, {**_FALLBACK, "fallback_port": 9000}),
        "readiness_seconds": ({}, {"readiness_seconds": 100}),
        "response_seconds": ({}, {"response_seconds": 3000}),
        "container": ({}, {"container": {"env": [{"name": "A", "value": "b"}]}}),
        "pod": ({}, {"pod": {"volumes": [{"name": "extra", "emptyDir": {}}]}}),
        "env_from_secret_keys": ({}, {"env_from_secret_keys": {"A": "hub/token"}}),
        "image_pull_secrets": ({}, {"image_pull_secrets": ["registry"]}),
        "runtime_class": ({}, {"runtime_class": "nvidia"}),
        "restricted": ({}, {"restricted": True}),
        "run_as_user": ({"restricted": True}, {"restricted": True, "run_as_user": 4000}),
        "rollout": ({}, {"rollout": "warm_up"}),
        "warm_up_image": (
            {"rollout": "warm_up"},
            {"rollout": "warm_up", "warm_up_image": "busybox:1.38"},
        ),
        "drain_seconds": ({}, {"drain_seconds": 20}),
        "probe": ({}, {"probe": "tcp"}),
        "probe_command": (_EXEC, {**_EXEC, "probe_command": ["really-alive"]}),
        "engine": ({}, _VLLM),
        "model": (_VLLM, {**_VLLM, "model": "m/n"}),
        "model_billions": (_VLLM, {**_VLLM, "model_billions": 1}),
        "model_type": (_VLLM, {**_VLLM, "model_type": "fp8"}),
        "tensor_parallel": (_FOUR, {**_FOUR, "tensor_parallel": 2, "pipeline_parallel": 2}),
        "pipeline_parallel": (_FOUR, {**_FOUR, "tensor_parallel": 2, "pipeline_parallel": 2}),
        "nodes": (_FOUR, {**_FOUR, "nodes": 2}),
        "run": (_SQS, _JOB),
        "job_retries": (_JOB, {**_JOB, "job_retries": 2}),
        "job_seconds": (_JOB, {**_JOB, "job_seconds": 60}),
        "more_signals": ({}, {**_HTTP_REDIS, "more_signals": ["redis"]}),
        "scale_by": (_METRIC, {**_METRIC, "scale_by": "kv_cache", "scale_target": 70}),
        "scale_query": (_QUERY, {**_QUERY, "scale_query": "sum(busy)"}),
        "scale_target": (_QUERY, {**_QUERY, "scale_target": 3}),
        "scale_up_seconds": ({}, {"scale_up_seconds": 30}),
        "scale_down_seconds": ({}, {"scale_down_seconds": 900}),
        "office_hours": (_OFFICE, {"office_hours": ["Mon-Fri 09:00-19:00"]}),
        "office_replicas": (_OFFICE, {**_OFFICE, "office_replicas": 2}),
        "time_zone": (_OFFICE, {**_OFFICE, "time_zone": "Europe/Berlin"}),
        "expires_at": (_LEASE, {"expires_at": "2099-12-30"}),
        "starts_at": (_FROM, {**_FROM, "starts_at": "2099-12-30"}),
        "ttl_hours": (_FROM, {**_FROM, "ttl_hours": 9}),
        "lease_image": (_LEASE, {**_LEASE, "lease_image": "registry.k8s.io/kubectl:v1.35.0"}),
        "max_hourly_cost": (_COST, {**_COST, "max_hourly_cost": 8}),
        "region": (_COST, {**_COST, "region": "eu-central-1"}),
    },
    "GpuNodePool": {
        "name": ({}, {"name": "another"}),
        "cluster_name": ({}, {"cluster_name": "other"}),
        "discovery_tags": ({}, {"cluster_name": None, "discovery_tags": {"team": "a"}}),
        "role": ({}, {"role": "other"}),
        "instance_profile": ({}, {"role": None, "instance_profile": "node"}),
        "instance_types": ({}, {"instance_types": ["g6.xlarge"]}),
        "instance_families": ({}, {"instance_types": None, "instance_families": ["g6e"]}),
        "capacity_types": ({}, {"capacity_types": ["spot"]}),
        "capacity_reservation_ids": (
            {},
            {"capacity_types": ["reserved"], "capacity_reservation_ids": ["cr-1"]},
        ),
        "zones": ({}, {"zones": ["us-east-1a"]}),
        "max_gpus": ({}, {"max_gpus": 8}),
        "weight": ({}, {"weight": 10}),
        "consolidate_after_seconds": ({}, {"consolidate_after_seconds": 120}),
        "idle_cap_seconds": ({}, {"idle_cap_seconds": 7200}),
        "expire_after_hours": ({}, {"expire_after_hours": 100}),
        "termination_grace_seconds": ({}, {"termination_grace_seconds": 60}),
        "auto_mode": ({}, {"auto_mode": True}),
        "ami_alias": ({}, {"ami_alias": "bottlerocket@latest"}),
        "disk_gib": ({}, {"disk_gib": 300}),
        "disk_throughput": ({}, {"disk_throughput": 500}),
        "local_disk": ({}, {"local_disk": False}),
        "parallel_pull": ({}, {"parallel_pull": True}),
        "image_snapshot": (_BAKED, {**_BAKED, "image_snapshot": "snap-2"}),
        "snapshot_rate": (_BAKED, {**_BAKED, "snapshot_rate": 200}),
        "labels": ({}, {"labels": {"team": "a"}}),
        "tags": ({}, {"tags": {"team": "a"}}),
    },
}
"""For each argument what else a component has that is to show the change, and the same with it."""

BASES: Final[Mapping[str, Args]] = {"GpuDeployment": _SERVER, "GpuNodePool": _POOL}


def declare(folder: str, *, changed: bool) -> None:
    """A component for each argument, before or after its change."""
    import pulumi
    import pulumi_kubernetes as k8s

    from zerofloor import components

    files = k8s.Provider("files", render_yaml_to_directory=folder)
    opts = pulumi.ResourceOptions(providers=[files])
    for component, changes in CHANGES.items():
        for argument, (before, after) in changes.items():
            args = {**BASES[component], **(after if changed else before)}
            made = getattr(components, component)
            made(f"{component}-{argument}".lower().replace("_", "-"), args, opts)


def main() -> None:
    from pulumi import automation as auto

    with tempfile.TemporaryDirectory() as folder:
        workspace = auto.LocalWorkspace(
            program=lambda: declare(folder, changed=False),
            pulumi_command=auto.PulumiCommand(root=str(BIN.parent)),
            project_settings=auto.ProjectSettings(
                name="changes",
                runtime="python",
                backend=auto.ProjectBackend(url=os.environ["PULUMI_BACKEND_URL"]),
            ),
        )
        stack = auto.Stack.create_or_select("dev", workspace)
        stack.up(color="never")
        workspace.program = lambda: declare(folder, changed=True)
        steps: list[tuple[str, str]] = []
        stack.preview(on_event=lambda event: _note(steps, event), color="never")
    names = {
        f"{component}-{argument}".lower().replace("_", "-"): (component, argument)
        for component, changes in CHANGES.items()
        for argument in changes
    }
    found: dict[str, dict[str, list[str]]] = {component: {} for component in CHANGES}
    for parent, op in steps:
        if parent in names:
            component, argument = names[parent]
            found[component].setdefault(argument, []).append(op)
    sys.stdout.write(json.dumps(found) + "\n")


def _note(steps: list[tuple[str, str]], event: Any) -> None:
    """The name of a step's parent, and its op."""
    if event.resource_pre_event is None:
        return
    metadata = event.resource_pre_event.metadata
    state = metadata.new or metadata.old
    if state is not None:
        steps.append(
            (state.parent.rsplit("::", 1)[-1], str(getattr(metadata.op, "value", metadata.op)))
        )


if __name__ == "__main__":
    main()
