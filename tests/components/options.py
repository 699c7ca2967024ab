"""Each argument of the components on Kubernetes, tried by the schemas here and by the real API server
in the lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEPLOYMENT: Mapping[str, Any] = {"image": "vllm/vllm-openai:v0.11.0"}
POOL: Mapping[str, Any] = {
    "cluster_name": "serving",
    "role": "nodes",
    "instance_types": ["g6e.xlarge"],
    "max_gpus": 4,
}
GATEWAY: dict[str, Any] = {
    "wake_signal": "gateway",
    "prometheus_address": "http://prometheus.monitoring:9090",
    "prometheus_query": "sum(gateway_waiting)",
}
SQS: dict[str, Any] = {
    "wake_signal": "sqs",
    "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q",
    "queue_region": "eu-central-1",
}
REDIS: dict[str, Any] = {
    "wake_signal": "redis",
    "redis_address": "redis.default:6379",
    "redis_list": "requests",
}
KAFKA: dict[str, Any] = {
    "wake_signal": "kafka",
    "kafka_servers": "a:9092,b:9092",
    "kafka_topic": "requests",
    "kafka_consumer_group": "servers",
}

POD: dict[str, Any] = {
    "initContainers": [
        {
            "name": "fetch",
            "image": "busybox",
            "volumeMounts": [{"name": "cache", "mountPath": "/m"}],
        }
    ],
    "containers": [{"name": "log", "image": "busybox", "resources": {"requests": {"cpu": "10m"}}}],
    "volumes": [{"name": "extra", "configMap": {"name": "settings"}}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"team": "ml"}},
        }
    ],
}
"""Init container, sidecar, volume and spread, as a user adds them."""
CONTAINER: dict[str, Any] = {
    "volumeMounts": [{"name": "cache", "mountPath": "/more", "readOnly": True}],
    "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
    "resources": {"limits": {"vpc.amazonaws.com/efa": "1"}},
}
ENGINES = ("vllm", "sglang", "tgi", "triton", "ollama", "llama_cpp")
METRICS: dict[str, Any] = {
    "engine": "vllm",
    "model": "Qwen/Qwen3-8B",
    "scale_by": "waiting",
    "prometheus_address": "http://prometheus:9090",
}


_DEPLOYMENTS: list[Any] = [
        {}, {"name": "other"}, {"labels": {"team": "ml"}}, {"command": ["serve"]}, {"args": ["--model", "x"]}, {"env": {"A": "b"}},
        {"env_from_secrets": ["token"]}, {"port": 8080}, {"health_path": "/ready"}, {"startup_seconds": 1234},
        {"termination_grace_seconds": 0}, {"service_account": "models"}, {"priority_class": "system-cluster-critical"}, {"gpus": 8},
        {"gpu_resource": "aws.amazon.com/neuron"}, {"gpu_resource": "amd.com/gpu"}, {"gpu_resource": "nvidia.com/mig-1g.10gb"},
        {"cpu": "500m"}, {"memory": "24Gi"}, {"shared_memory": "8Gi", "memory": "24Gi"}, {"instance_types": ["g6e.xlarge", "g6e.2xlarge"]},
        {"node_pool": "gpu"}, {"node_selector": {"zone": "a"}}, {"tolerations": ["team", "team=ml", "team=ml:NoExecute"]},
        {"cache_path": "/models"}, {"cache_size": "100Gi"}, {"cache_claim": "models"}, {"cache_host_path": "/mnt/models"},
        {"min_replicas": 1}, {"max_replicas": 5}, {"cooldown_seconds": 0}, {"cooldown_seconds": 7200, "idle_cap_seconds": 7200},
        {"polling_seconds": 1}, {"target_per_replica": 3}, {"max_surge": 1}, {"max_surge": 1, "max_unavailable": 0},
        {"trigger_authentication": "login"}, {"hosts": ["models.example.com"]}, {"interceptor_namespace": "keda-http"},
        GATEWAY, GATEWAY | {"trigger_authentication": "login"}, SQS, SQS | {"trigger_authentication": "login"}, REDIS, KAFKA,
        REDIS | {"port": 9000}, REDIS | {"probe": "exec", "probe_command": ["alive"]}, {"probe": "tcp"}, {"probe": "none"},
        {"drain_seconds": 20}, {"gpus": 2}, {"gpus": 2, "shared_memory": "8Gi"}, {"env_from_secret_keys": {"HF_TOKEN": "hub/token"}},
        {"image_pull_secrets": ["registry"]}, {"annotations": {"team": "ml"}}, {"runtime_class": "nvidia"},
        {"restricted": True}, {"restricted": True, "run_as_user": 4000, "rollout": "warm_up"}, {"rollout": "warm_up"},
        {"pod": POD}, {"container": CONTAINER}, {"pod": POD, "container": CONTAINER, "rollout": "warm_up"},
        *({"engine": engine, "model": "Qwen/Qwen3-8B"} for engine in ENGINES),
        *({"engine": engine, "model": "Qwen/Qwen3-8B", "gpus": 4} for engine in ENGINES[:3]),
        *({"engine": engine, "model": "m/m", "gpus": 8, "nodes": 2, "args": ["--seed", "1"]} for engine in ENGINES[:2]),
        {"command": ["serve"], "nodes": 3}, METRICS, METRICS | {"scale_by": "kv_cache", "scale_target": 70},
        {"scale_query": "sum(waiting)", "scale_target": 2.5, "prometheus_address": "http://prometheus"},
        {"scale_up_seconds": 30, "scale_down_seconds": 900}, REDIS | {"wake_signal": "http", "more_signals": ["redis"]},
        {"office_hours": ["Mon-Fri 08:00-19:00", "Sat 22:00-02:00"], "time_zone": "Europe/Berlin"},
        {"office_hours": ["0 8 * * 1-5 to 0 19 * * 1-5"], "max_replicas": 3, "office_replicas": 2},
        {"cold_start": "retry_after"}, {"cold_start": "retry_after", "retry_after_seconds": 60},
        {"cold_start": "fallback", "fallback_service": "small", "fallback_port": 8000},
        {"readiness_seconds": 100, "response_seconds": 3000}, {"expires_at": "2099-12-31"}, {"starts_at": "2099-12-31", "ttl_hours": 8},
        {"max_hourly_cost": 4, "instance_types": ["g6e.xlarge"], "region": "us-east-1", "max_replicas": 10},
        SQS | {"run": "job"}, REDIS | {"run": "job", "job_seconds": 60, "job_retries": 2, "max_replicas": 5, "expires_at": "2099-12-31"},
        {"engine": "vllm", "model": "m/m", "nodes": 2, "expires_at": "2099-12-31"},
        {"engine": "vllm", "model": "s3://models/Qwen3-8B", "stream_concurrency": 16}, {"engine": "triton", "model": "gs://models/r"},
        {"engine": "vllm", "model": "az://models/q", "gpus": 2, "env": {"AZURE_STORAGE_ACCOUNT_NAME": "a"}}, {"pre_pull": True, "node_pool": "gpu"},
        {"pre_pull": True, "node_selector": {"a": "b"}, "restricted": True, "image_pull_secrets": ["registry"], "pre_pull_idle_image": "pause:1"},
        REDIS | {"run": "job", "pre_pull": True, "instance_types": ["g6e.xlarge"], "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
]  # fmt: skip
_SCALERS: list[Any] = [
        {"target_name": "llm", "service": "llm", "port": 8000}, REDIS | {"target_name": "llm"},
        REDIS | {"target_name": "llm", "target_kind": "StatefulSet"}, {"inference_service": "llama"},
        REDIS | {"target_name": "llm", "target_kind": "LeaderWorkerSet", "expires_at": "2099-12-31"},
        REDIS | {"target_name": "llm", "target_kind": "LeaderWorkerSet", "target_api_version": "leaderworkerset.x-k8s.io/v1"},
        REDIS | {"target_name": "llm", "replaces_hpa": "llm", "min_replicas": 1, "max_replicas": 4},
        REDIS | {"target_name": "llm", "office_hours": ["Mon-Fri 08:00-19:00"], "expires_at": "2099-12-31"},
]  # fmt: skip
_POOLS: list[Any] = [
        {}, {"name": "other"}, {"instance_types": ["g6e.xlarge", "g6e.48xlarge"], "max_gpus": 8}, {"instance_types": ["inf2.xlarge"]},
        {"capacity_types": ["spot"]}, {"capacity_types": ["on-demand", "spot"]}, {"capacity_types": ["reserved"], "capacity_reservation_ids": ["cr-0123456789abcdef0"]},
        {"zones": ["us-east-1a", "us-east-1b"]}, {"weight": 10}, {"consolidate_after_seconds": 0}, {"expire_after_hours": 24},
        {"termination_grace_seconds": 60}, {"ami_alias": "bottlerocket@latest"}, {"ami_alias": "al2023@v20260101"}, {"disk_gib": 500},
        {"labels": {"team": "ml"}}, {"tags": {"team": "ml"}}, {"parallel_pull": True}, {"parallel_pull": True, "ami_alias": "bottlerocket@latest"},
        {"parallel_pull": True, "local_disk": False, "disk_throughput": 600},
        {"image_snapshot": "snap-0123456789abcdef0", "snapshot_rate": 300, "ami_alias": "bottlerocket@latest"},
]  # fmt: skip

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *(("GpuDeployment", dict(DEPLOYMENT) | option) for option in _DEPLOYMENTS),
    *(("GpuScaler", option) for option in _SCALERS),
    *(("GpuNodePool", dict(POOL) | option) for option in _POOLS),
    ("GpuNodePool", {"cluster_name": "serving", "role": "nodes", "instance_families": ["g6e"], "max_gpus": 4}),
    ("GpuNodePool", {"discovery_tags": {"net": "gpu"}, "instance_profile": "nodes", "instance_types": ["g6e.xlarge"], "max_gpus": 4}),
]  # fmt: skip
