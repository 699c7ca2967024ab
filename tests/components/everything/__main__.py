"""Every argument of the components at least once: what the tests read the manifests of."""

import pulumi
import pulumi_aws as aws

from zerofloor.components import GpuDeployment, GpuNodePool, WakeSignal

queue = aws.sqs.Queue("jobs")
token = pulumi.Output.secret("hf_planted_secret")

types = GpuNodePool(
    "types",
    {
        "max_gpus": 8,
        "cluster_name": "c",
        "role": "nodes",
        "instance_types": ["g6e.xlarge", "g6e.48xlarge"],
    },
)
GpuNodePool(
    "families",
    {
        "name": "renamed",
        "max_gpus": 4.0,
        "discovery_tags": {"team": "ml"},
        "instance_profile": queue.arn,
        "instance_families": ["g6", "g5"],
        "capacity_types": ["spot", "on-demand"],
        "zones": ["us-east-1a", queue.name],
        "weight": 10,
        "consolidate_after_seconds": 7200,
        "idle_cap_seconds": 7200,
        "expire_after_hours": 24,
        "termination_grace_seconds": 60,
        "ami_alias": "bottlerocket@v1.30.0",
        "disk_gib": 500,
        "labels": {"tier": "gpu"},
        "tags": {"cost": "ml"},
    },
)
GpuNodePool(
    "neuron",
    {"max_gpus": 1, "cluster_name": "c", "role": "nodes", "instance_types": ["inf2.xlarge"]},
)

GpuNodePool(
    "auto",
    {
        "max_gpus": 8,
        "cluster_name": "c",
        "role": "nodes",
        "instance_families": ["g6e"],
        "auto_mode": True,
        "capacity_types": ["reserved", "spot", "on-demand"],
        "capacity_reservation_ids": ["cr-0123456789abcdef0", queue.name],
        "disk_throughput": 500,
        "tags": {"cost": "ml"},
    },
)
GpuNodePool(
    "reserved",
    {
        "max_gpus": 8,
        "cluster_name": "c",
        "role": "nodes",
        "instance_types": ["p5.48xlarge"],
        "capacity_types": ["reserved"],
        "capacity_reservation_ids": ["cr-0123456789abcdef0"],
        "local_disk": False,
    },
)

GpuDeployment("few", {"image": "server:1"})
GpuDeployment(
    "many",
    {
        "name": "renamed",
        "namespace": "models",
        "labels": {"team": "ml"},
        "image": "server:1",
        "command": ["serve"],
        "args": ["--model", "m"],
        "env": {"TOKEN": token, "QUEUE": queue.url, "A": "1"},
        "env_from_secrets": ["hub"],
        "port": 9000,
        "health_path": "/v2/health/ready",
        "startup_seconds": 125,
        "termination_grace_seconds": 300,
        "service_account": "reader",
        "priority_class": "batch",
        "gpus": 4,
        "cpu": "40",
        "memory": "300Gi",
        "shared_memory": "16Gi",
        "instance_types": ["g6e.12xlarge", "g6e.24xlarge"],
        "node_pool": types.name,
        "node_selector": {"zone": "a"},
        "tolerations": ["spot", "team=ml:NoExecute", "slow:PreferNoSchedule"],
        "cache_path": "/models",
        "cache_size": "200Gi",
        "min_replicas": 1.0,
        "max_replicas": 3.0,
        "cooldown_seconds": 60,
        "polling_seconds": 5,
        "target_per_replica": 20,
        "max_surge": 1,
        "max_unavailable": 0,
        "hosts": ["llm.example.com"],
        "interceptor_namespace": "addons",
    },
)
GpuDeployment(
    "gateway",
    {
        "image": "s",
        "wake_signal": WakeSignal.GATEWAY,
        "prometheus_address": "http://prometheus:9090",
        "prometheus_query": "sum(gateway_requests_waiting)",
        "cache_claim": "models",
        "trigger_authentication": "prometheus",
    },
)
GpuDeployment(
    "router",
    {
        "image": "s",
        "wake_signal": WakeSignal.GATEWAY,
        "prometheus_address": "http://prometheus:9090",
        "prometheus_query": "sum(rate(vllm:num_incoming_requests_total[1m]))",
    },
)
GpuDeployment(
    "warm",
    {
        "image": "s",
        "wake_signal": WakeSignal.GATEWAY,
        "prometheus_address": "http://prometheus:9090",
        "prometheus_query": "sum(vllm:num_requests_waiting)",
        "min_replicas": 1,
    },
)
GpuDeployment(
    "sqs",
    {
        "image": "s",
        "wake_signal": WakeSignal.SQS,
        "queue_url": queue.url,
        "queue_region": "us-east-1",
        "cache_host_path": "/mnt/models",
    },
)
GpuDeployment(
    "redis",
    {
        "image": "s",
        "wake_signal": WakeSignal.REDIS,
        "redis_address": "redis:6379",
        "redis_list": "jobs",
        "gpu_resource": "amd.com/gpu",
    },
)
GpuDeployment(
    "kafka",
    {
        "image": "s",
        "wake_signal": WakeSignal.KAFKA,
        "kafka_servers": "kafka:9092",
        "kafka_topic": "jobs",
        "kafka_consumer_group": "llm",
        "cooldown_seconds": 7200,
        "idle_cap_seconds": 7200,
        "env": pulumi.Output.secret({"TOKEN": "hf_planted_secret"}),
    },
)
