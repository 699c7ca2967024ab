"""What the components declare, before the real API server: real CRDs, real webhooks, strict field
validation, nothing stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import require_engine
from tests.lab.bundled import bundled
from tests.lab.declared import declared
from tests.lab.harness.api import Refused
from tests.lab.harness.lab import Lab
from tests.lab.scenario import name_of

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

DEPLOYMENT: Mapping[str, Any] = {"image": "vllm/vllm-openai:v0.11.0"}
POOL: Mapping[str, Any] = {
    "cluster_name": "serving",
    "role": "nodes",
    "instance_types": ["g6e.xlarge"],
    "max_gpus": 4,
}
GATEWAY = {
    "wake_signal": "gateway",
    "prometheus_address": "http://prometheus.monitoring:9090",
    "prometheus_query": "sum(gateway_waiting)",
}
SQS = {
    "wake_signal": "sqs",
    "queue_url": "https://sqs.eu-central-1.amazonaws.com/1/q",
    "queue_region": "eu-central-1",
}
REDIS = {"wake_signal": "redis", "redis_address": "redis.default:6379", "redis_list": "requests"}
KAFKA = {
    "wake_signal": "kafka",
    "kafka_servers": "a:9092,b:9092",
    "kafka_topic": "requests",
    "kafka_consumer_group": "servers",
}

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *(("GpuDeployment", dict(DEPLOYMENT) | option) for option in (
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
    )),
    *(("GpuNodePool", dict(POOL) | option) for option in (
        {}, {"name": "other"}, {"instance_types": ["g6e.xlarge", "g6e.48xlarge"], "max_gpus": 8}, {"instance_types": ["inf2.xlarge"]},
        {"capacity_types": ["spot"]}, {"capacity_types": ["on-demand", "spot"]}, {"capacity_types": ["reserved"]},
        {"zones": ["us-east-1a", "us-east-1b"]}, {"weight": 10}, {"consolidate_after_seconds": 0}, {"expire_after_hours": 24},
        {"termination_grace_seconds": 60}, {"ami_alias": "bottlerocket@latest"}, {"ami_alias": "al2023@v20260101"}, {"disk_gib": 500},
        {"labels": {"team": "ml"}}, {"tags": {"team": "ml"}},
    )),
    ("GpuNodePool", {"cluster_name": "serving", "role": "nodes", "instance_families": ["g6e"], "max_gpus": 4}),
    ("GpuNodePool", {"discovery_tags": {"net": "gpu"}, "instance_profile": "nodes", "instance_types": ["g6e.xlarge"], "max_gpus": 4}),
]  # fmt: skip


def test_every_object_is_accepted_as_it_stands(lab: Lab) -> None:
    refusals = []
    for (component, arguments), manifests in zip(OPTIONS, declared(OPTIONS), strict=True):
        assert len(manifests) >= 2, component
        for manifest in manifests:
            try:
                lab.api.apply(manifest, dry_run=True)
            except Refused as refused:
                refusals.append(f"{component} {arguments}: {name_of(manifest)}: {refused}")
    assert refusals == []


EVERYTHING = """
import zerofloor.components
from tests.lab.test_components import OPTIONS

for number, (component, arguments) in enumerate(OPTIONS):
    getattr(zerofloor.components, component)(f"c{number}", arguments)
"""


@pytest.mark.engine
def test_every_object_passes_a_preview_of_the_real_provider(lab: Lab, tmp_path: Path) -> None:
    """Which sends each to the API server, as it would be applied, but for a dry run."""
    require_engine()
    with bundled(lab, tmp_path, EVERYTHING) as stack:
        steps = json.loads(stack.must("preview", "--json"))["steps"]
    objects = [step for step in steps if step["newState"]["type"].count("/") == 1]
    assert len(objects) >= 2 * len(OPTIONS)
    assert {step["op"] for step in steps} == {"create"}


def test_the_server_would_refuse_a_field_that_it_does_not_know(lab: Lab) -> None:
    """Strict validation is on, or the test above would prove nothing."""
    [[deployment, *_], [node_class, pool]] = declared(
        [("GpuDeployment", DEPLOYMENT), ("GpuNodePool", POOL)]
    )
    for manifest in (deployment, node_class, pool):
        manifest["spec"]["noSuchField"] = 1
        with pytest.raises(Refused, match="noSuchField"):
            lab.api.apply(manifest, dry_run=True)
