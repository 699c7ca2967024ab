"""Arguments that are refused: before anything is declared, each named as every language spells it,
with what to do."""

from __future__ import annotations

import math
import traceback
from typing import Any

import pulumi
import pytest

from zerofloor.components import GpuDeployment, GpuNodePool, GpuScaler, SpecError
from zerofloor.components.wake import metric_of_the_pods

SECRET = "hf_planted_secret"


def deployment(**args: Any) -> list[str]:
    """What a GpuDeployment "llm" with these arguments says."""
    with pytest.raises(SpecError) as refused:
        GpuDeployment("llm", {"image": "server:1", **args})  # type: ignore[typeddict-item]
    return _lines(refused.value, 'GpuDeployment "llm": ')


def pool(**args: Any) -> list[str]:
    """What a GpuNodePool "gpu" with these arguments says."""
    given = {
        "cluster_name": "c",
        "role": "nodes",
        "instance_types": ["g6e.xlarge"],
        "max_gpus": 4,
        **args,
    }
    with pytest.raises(SpecError) as refused:
        GpuNodePool("gpu", given)  # type: ignore[arg-type]
    return _lines(refused.value, 'GpuNodePool "gpu": ')


def _lines(error: SpecError, head: str) -> list[str]:
    lines = str(error).splitlines()
    assert all(line.startswith(head) for line in lines)
    assert lines == [f"{head}{problem.path}: {problem.why}" for problem in error.problems]
    return [line.removeprefix(head) for line in lines]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"min_replicas": 2}, "min_replicas: 2 is above `max_replicas`, which is 1"),
        ({"max_replicas": 0}, "max_replicas: must be at least 1"),
        ({"min_replicas": -1}, "min_replicas: must be at least 0"),
        ({"max_replicas": 1e9}, "max_replicas: must be at most 1000"),
        ({"max_replicas": 2.5}, "max_replicas: must be a whole number"),
        ({"max_replicas": math.nan}, "max_replicas: must be a number"),
        ({"max_replicas": math.inf}, "max_replicas: must be a number"),
        ({"max_replicas": True}, "max_replicas: must be a number"),
        ({"max_replicas": "3"}, "max_replicas: must be a number"),
        ({"gpus": 0}, "gpus: must be at least 1"),
        ({"gpus": 0.5}, "gpus: must be a whole number"),
        ({"gpus": 8, "instance_types": ["g6e.12xlarge"]}, "gpus: 8 do not fit on g6e.12xlarge, which holds 4"),
        ({"gpus": 17}, "gpus: 17 are more than any node has: the most is 16, of p2.16xlarge; use `nodes` for more"),
        ({"gpus": 9, "gpu_resource": "amd.com/gpu"}, "gpus: 9 are more than any node has: the most is 8, of Standard_ND96is_MI300X_v5; use `nodes` for more"),
        ({"gpus": 2, "instance_types": ["g6e.12xlarge", "g6e.xlarge"]}, "gpus: 2 do not fit on g6e.xlarge, which holds 1"),
        ({"instance_types": ["g6e.xlarg"]}, (
            "instance_types[0]: g6e.xlarg is not among the instance types whose GPUs zerofloor knows; did "
            "you mean g6e.xlarge?"
        )),
        ({"instance_types": ["m7i.large"]}, "instance_types[0]: m7i.large has no GPU"),
        ({"instance_types": ["g6f.large"]}, "instance_types[0]: g6f.large has 0.125 of a GPU, and a pod asks for whole ones"),
        ({"instance_types": ["inf2.xlarge"]}, (
            "gpu_resource: nvidia.com/gpu is not what inf2.xlarge has: AWS Inferentia2 is "
            "aws.amazon.com/neuron"
        )),
        ({"instance_types": ["g6e.xlarge"], "cpu": "4"}, (
            "cpu: 4 does not fit: g6e.xlarge leaves 3.92 to pods; the kubelet and the system keep "
            "the rest"
        )),
        ({"instance_types": ["g6e.xlarge"], "memory": "31Gi"}, (
            "memory: 31Gi does not fit: g6e.xlarge leaves 30.6 GiB to pods; the kubelet and the "
            "system keep the rest"
        )),
        ({"instance_types": "g6e.xlarge"}, "instance_types: must be a list"),
        ({"cooldown_seconds": 3601}, (
            "cooldown_seconds: 3601 bills GPUs for longer after the last request than "
            "`idle_cap_seconds`, which is 3600; raise that to allow it"
        )),
        ({"max_unavailable": 0}, (
            "max_unavailable: must be at least 1 where `max_surge` is 0, or no rollout could ever "
            "proceed"
        )),
        ({"cache_claim": "a", "cache_size": "1Gi"}, "cache_claim: excludes `cache_size`: the cache is one volume"),
        ({"cache_size": "big"}, "cache_size: must be a Kubernetes quantity above zero, such as 500m or 16Gi"),
        ({"cpu": "0"}, "cpu: must be a Kubernetes quantity above zero, such as 500m or 16Gi"),
        ({"health_path": "health"}, "health_path: must be a path that starts with /"),
        ({"port": 70000}, "port: must be at most 65535"),
        ({"tolerations": ["a b"]}, (
            "tolerations[0]: must be KEY, KEY=VALUE, or either with :NoSchedule, "
            ":PreferNoSchedule or :NoExecute after it"
        )),
        ({"name": "My Server"}, (
            "name: must be lower-case letters, digits and dashes, at most 50, as Kubernetes "
            "names are: set name"
        )),
        ({"replicas": 1}, "replicas: is not an argument of this component; did you mean min_replicas?"),
        ({"minReplicas": 1}, "minReplicas: is not an argument of this component; did you mean min_replicas?"),
        ({"max_replica": 1}, "max_replica: is not an argument of this component; did you mean max_replicas?"),
        ({"image": None}, "image: is required"),
        ({"image": ""}, "image: must be text, and not empty"),
        ({"labels": {"a": 1}}, "labels.a: must be text, and not empty"),
        ({"wake_signal": "carrier-pigeon"}, "wake_signal: must be one of 'http', 'gateway', 'sqs', 'redis' or 'kafka'"),
        ({"wake_signal": "redis", "redis_address": "r:6379"}, 'redis_list: is required with `wake_signal` "redis"'),
        ({"queue_url": "https://queue"}, 'queue_url: belongs to `wake_signal` "sqs", and this one is "http"'),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_deployment(args: dict[str, Any], says: str) -> None:
    assert deployment(**args) == [says]


GATEWAY: dict[str, Any] = {
    "wake_signal": "gateway",
    "prometheus_address": "http://p",
    "prometheus_query": "q",
}
REDIS: dict[str, Any] = {"wake_signal": "redis", "redis_address": "r:6379", "redis_list": "l"}
VLLM: dict[str, Any] = {"engine": "vllm", "model": "m/m"}


SERVER: list[Any] = [
        ({"probe": "exec"}, 'probe_command: is required with `probe` "exec"'),
        ({"probe_command": ["x"]}, 'probe_command: belongs to `probe` "exec", and this one is "http"'),
        (REDIS | {"probe": "http"}, 'port: is required with `probe` "http"'),
        ({"probe": "tcp", "health_path": "/h"}, 'health_path: belongs to `probe` "http", and this one is "tcp"'),
        ({"drain_seconds": 90}, "drain_seconds: 90 is above `termination_grace_seconds`, which is 60: the replica would be killed first"),
        ({"engine": "vllm"}, 'model: is required with `engine` "vllm"'),
        ({"model": "m/m"}, "model: belongs to `engine`: one of vllm, sglang, tgi, triton, ollama, llama_cpp"),
        ({"engine": "vlm", "model": "m"}, "engine: must be one of 'vllm', 'sglang', 'tgi', 'triton', 'ollama' or 'llama_cpp'"),
        (VLLM | {"command": ["x"]}, "command: is made by `engine`, which is vllm; leave one out"),
        (VLLM | {"gpus": 4, "tensor_parallel": 3}, "tensor_parallel: tensor 3 times pipeline 1 is 3, and `gpus` times `nodes` is 4"),
        (VLLM | {"gpus": 3, "pipeline_parallel": 2}, "pipeline_parallel: tensor 1 times pipeline 2 is 2, and `gpus` times `nodes` is 3"),
        ({"tensor_parallel": 2}, "tensor_parallel: belongs to an `engine` that splits a model: vllm, sglang, tgi"),
        ({"engine": "tgi", "model": "m", "gpus": 2, "pipeline_parallel": 2}, "pipeline_parallel: tgi has none; only vllm and sglang do"),
        ({"engine": "ollama", "model": "m", "nodes": 2}, "nodes: ollama runs on one node; only vllm and sglang on several"),
        (VLLM | {"model_billions": 70, "instance_types": ["g6.xlarge"]}, "model_billions: 70 billion parameters in bf16 have 130 GiB of weights, above the 22 GiB of a replica's 1 GPU on g6.xlarge"),
        ({"restricted": True, "cache_host_path": "/m"}, "cache_host_path: is a hostPath, which `restricted` forbids"),
        ({"run_as_user": 5}, "run_as_user: belongs to `restricted`, which is not set"),
        ({"restricted": "yes"}, "restricted: must be true or false"),
        ({"env_from_secret_keys": {"T": "hub"}}, "env_from_secret_keys.T: must be SECRET/KEY"),
        ({"shared_memory": "8Gi", "memory": "8Gi"}, "shared_memory: 8Gi counts against `memory`, which is 8Gi"),
        ({"shared_memory": "64Gi", "instance_types": ["g6.2xlarge"]}, "shared_memory: 64Gi does not fit: g6.2xlarge leaves 30.6 GiB to pods; the kubelet and the system keep the rest"),
        ({"run": "job"}, 'wake_signal: `run` "job" needs a queue: sqs, redis or kafka'),
        (REDIS | {"run": "job", "min_replicas": 1}, 'min_replicas: must be 0 with `run` "job": a Job ends by itself'),
        (REDIS | {"job_seconds": 60}, 'job_seconds: belongs to `run` "job"'),
        ({"more_signals": ["http"]}, "more_signals: names a signal twice; `wake_signal` is one of them"),
        ({"more_signals": ["redis"], "redis_list": "l"}, 'redis_address: is required with `wake_signal` "redis"'),
        (VLLM | {"scale_by": "waiting"}, "prometheus_address: is required to read the engine's own metrics"),
        ({"engine": "ollama", "model": "m", "scale_by": "waiting", "prometheus_address": "p"}, "scale_by: ollama exports no such metric; it has: none"),
        ({"scale_query": "q", "prometheus_address": "p"}, "scale_target: is required with `scale_query`"),
        ({"office_hours": ["Mo-Fr 8-19"]}, "office_hours[0]: must be days and hours such as Mon-Fri 08:00-19:00, or two cron expressions such as 0 8 * * 1-5 to 0 19 * * 1-5"),
        ({"office_hours": "Mon-Fri 08:00-19:00"}, "office_hours: must be a list"),
        ({"more_signals": "redis"}, "more_signals: must be a list"),
        ({"tolerations": "team"}, "tolerations: must be a list"),
        ({"labels": {1: "a"}}, "labels: must have text for its keys"),
        ({"office_hours": ["Mon-Fry 08:00-19:00"]}, "office_hours[0]: Fry is not a day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ({"office_hours": ["Mon 08:00-25:00"]}, "office_hours[0]: 25:00 is not a time of day: write 00:00 to 23:59"),
        ({"office_hours": ["Mon 08:00-08:00"]}, "office_hours[0]: starts when it ends, which KEDA refuses"),
        ({"office_hours": ["0 0 31 2 * to 0 1 1 3 *"]}, "office_hours[0]: 0 0 31 2 * is not a cron expression that ever fires"),
        ({"office_hours": ["Mon-Fri 08:00-19:00", "Fri 18:00-22:00"]}, "office_hours[1]: overlaps with office_hours[0]: write them as one"),
        ({"office_hours": ["Mon 08:00-09:00"], "office_replicas": 2}, "office_replicas: 2 is above `max_replicas`, which is 1"),
        ({"time_zone": "Berlin"}, "time_zone: must be a time zone such as Europe/Berlin or Etc/UTC"),
        ({"cold_start": "fallback", "fallback_port": 80}, 'fallback_service: is required with `cold_start` "fallback"'),
        ({"retry_after_seconds": 5}, 'retry_after_seconds: belongs to `cold_start` "retry_after", and this one is "hold"'),
        ({"cold_start": "retry_after", "retry_after_seconds": 301}, "retry_after_seconds: 301 is above `cooldown_seconds`, which is 300: the replica would be gone before the caller returns"),
        (REDIS | {"cold_start": "retry_after"}, 'cold_start: retry_after needs `wake_signal` "http"'),
        (GATEWAY | {"response_seconds": 5}, 'response_seconds: belongs to `wake_signal` "http"'),
        ({"expires_at": "2020-01-31"}, "expires_at: the lease ran out at 2020-02-01 00:00 UTC: extend it, or remove the component from the program"),
        ({"expires_at": "tomorrow"}, "expires_at: must be a date or a time with its zone, such as 2026-12-31 or 2026-12-31T18:00Z"),
        ({"expires_at": "2099-01-01T10:00"}, "expires_at: must be a date or a time with its zone, such as 2026-12-31 or 2026-12-31T18:00Z"),
        ({"ttl_hours": 8}, "starts_at: is required with `ttl_hours`: the date comes from configuration"),
        ({"ttl_hours": 1e8, "starts_at": "2099-01-01"}, "ttl_hours: must be at most 87600"),
        ({"ttl_hours": 8, "starts_at": "2020-01-01"}, "ttl_hours: the lease ran out at 2020-01-02 08:00 UTC: extend it, or remove the component from the program"),
        ({"max_hourly_cost": 1, "instance_types": ["g6e.xlarge"], "region": "us-east-1"}, "max_hourly_cost: 1 pays for no replica: one costs 1.86"),
        ({"max_hourly_cost": 9, "instance_types": ["g6e.xlarge"], "region": "us-east1"}, "region: us-east1 is not a region with GPU prices; did you mean us-east-1?"),
        ({"max_hourly_cost": 9, "instance_types": ["g6e.xlarge"]}, "region: is required with `max_hourly_cost`, which is about its price"),
        ({"max_hourly_cost": 4, "min_replicas": 3, "max_replicas": 3, "instance_types": ["g6e.xlarge"], "region": "us-east-1"}, "min_replicas: 3 cost more than `max_hourly_cost`, which pays for 2"),
        ({"pod": {"nodeName": "a"}}, "pod.nodeName: would keep the pod from every other node; use `node_pool` or `node_selector`"),
        ({"pod": {"volume": []}}, "pod.volume: is not a field that Kubernetes knows here; did you mean volumes?"),
        ({"pod": {"volumes": {}}}, "pod.volumes: must be a list"),
        ({"pod": {"containers": [{"image": "x"}]}}, "pod.containers[0]: needs a name other than server"),
        ({"pod": {"initContainers": [{"name": "a", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}}, "pod.initContainers[0].resources.limits.nvidia.com/gpu: asks for GPUs that are not counted: a replica has those of `gpus`"),
        ({"pod": {"resourceClaims": [{"name": "gpu"}]}}, "pod.resourceClaims: could ask for GPUs that are not counted; use `gpus`"),
        ({"container": {"resources": {"limits": {"amd.com/gpu": "1"}}}}, "container.resources.limits.amd.com/gpu: asks for GPUs that are not counted: a replica has those of `gpus`"),
        ({"container": {"resources": pulumi.Output.secret({})}}, "container.resources: must be plain, not an Output: it could ask for GPUs that are not counted"),
        ({"container": {"image": "x"}}, "container.image: is `image`"),
        ({"container": {"tty": "yes"}}, "container.tty: must be true or false"),
        (VLLM | {"stream_concurrency": 4}, "stream_concurrency: belongs to a `model` in an object store and an `engine` that streams it: vllm, sglang"),
        ({"engine": "triton", "model": "s3://r", "stream_concurrency": 4}, "stream_concurrency: belongs to a `model` in an object store and an `engine` that streams it: vllm, sglang"),
        ({"engine": "vllm", "model": "hf://m"}, "model: vllm does not read hf://; it reads s3:// gs:// az://. Mount the bucket as a volume and take its `cache_claim`"),
        ({"engine": "tgi", "model": "s3://b/m"}, "model: tgi does not read s3://; it reads no object store. Mount the bucket as a volume and take its `cache_claim`"),
        ({"engine": "vllm", "model": "az://c/m", "env": {"A": "b"}}, "env.AZURE_STORAGE_ACCOUNT_NAME: is required with a `model` on az://"),
        ({"pre_pull": True}, "pre_pull: needs `node_pool`, `node_selector` or `instance_types`: else every node of the cluster would pull the image"),
        ({"pre_pull_idle_image": "pause:1"}, "pre_pull_idle_image: belongs to `pre_pull`, which is not set"),
        ({"container": []}, "container: must be a map; its values may be Outputs, the map itself may not"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "says"), SERVER)
def test_one_thing_wrong_with_a_server(args: dict[str, Any], says: str) -> None:
    assert deployment(**args) == [says]


def scaler(**args: Any) -> list[str]:
    """What a GpuScaler "s" with these arguments says."""
    with pytest.raises(SpecError) as refused:
        GpuScaler("s", args)  # type: ignore[arg-type]
    return _lines(refused.value, 'GpuScaler "s": ')


SCALER: list[Any] = [
        (REDIS, "target_name: is required, or `inference_service` in its place"),
        (REDIS | {"target_name": "a", "inference_service": "b"}, "inference_service: excludes `target_name`: give one of the two"),
        (REDIS | {"target_name": "a", "target_kind": "RayCluster", "target_api_version": "ray.io/v1"}, "target_kind: RayCluster has no scale subresource that KEDA could use: declare minReplicas 0 and enableInTreeAutoscaling in the RayCluster"),
        (REDIS | {"target_name": "a", "target_kind": "Deploymnt"}, "target_kind: Deploymnt needs `target_api_version`; did you mean Deployment?"),
        ({"target_name": "a", "port": 80}, 'service: is required with `wake_signal` "http"'),
        (REDIS | {"target_name": "a", "port": 80}, 'port: belongs to `wake_signal` "http"'),
        (REDIS | {"target_name": "a", "min_replicas": 2}, "min_replicas: 2 is above `max_replicas`, which is 1"),
        (REDIS | {"target_name": "a", "image": "i"}, "image: is not an argument of this component; did you mean lease_image?"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "says"), SCALER)
def test_one_thing_wrong_with_a_scaler(args: dict[str, Any], says: str) -> None:
    assert scaler(**args) == [says]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"max_gpus": None}, "max_gpus: is required"),
        ({"max_gpus": 0}, "max_gpus: must be at least 1"),
        ({"instance_types": ["g6e.xlarge", "g6e.12xlarge"], "max_gpus": 2}, "instance_types[1]: g6e.12xlarge holds 4 GPUs and `max_gpus` is 2: it could never start"),
        ({"instance_types": None}, "instance_types: is required, or `instance_families` in its place"),
        ({"instance_types": []}, "instance_types: is required, or `instance_families` in its place"),
        ({"instance_families": ["g6"]}, "instance_families: excludes `instance_types`: give one of the two"),
        ({"instance_types": None, "instance_families": ["m7i"]}, "instance_families[0]: m7i is not a family with whole GPUs that zerofloor knows"),
        ({"instance_types": None, "instance_families": ["p5en"]}, "instance_families[0]: p5en has at least 8 GPUs on a node and `max_gpus` is 4"),
        ({"instance_types": ["c7i.large"]}, "instance_types[0]: c7i.large has no GPU"),
        ({"instance_types": ["g6e.xlarge", "inf2.xlarge"]}, (
            "instance_types: mixes aws.amazon.com/neuron and nvidia.com/gpu: make one pool for "
            "each, as each has its own taint and limit"
        )),
        ({"role": None}, "role: is required, or `instance_profile` in its place"),
        ({"instance_profile": "p"}, "instance_profile: excludes `role`: give one of the two"),
        ({"cluster_name": None}, "cluster_name: is required, or `discovery_tags` in its place"),
        ({"capacity_types": ["free"]}, "capacity_types[0]: must be on-demand, spot or reserved"),
        ({"capacity_types": []}, "capacity_types: must name at least one"),
        ({"consolidate_after_seconds": 86400}, (
            "consolidate_after_seconds: 86400 bills GPUs for longer after the last request than "
            "`idle_cap_seconds`, which is 3600; raise that to allow it"
        )),
        ({"ami_alias": "windows2022@latest"}, "ami_alias: must be al2023@VERSION or bottlerocket@VERSION, such as al2023@latest"),
        ({"capacity_types": ["reserved"]}, "capacity_reservation_ids: is required where `capacity_types` has reserved"),
        ({"capacity_reservation_ids": ["cr-1"]}, "capacity_types: must have reserved for `capacity_reservation_ids` to be used"),
        ({"auto_mode": True, "ami_alias": "al2023@latest"}, "ami_alias: is not for `auto_mode`, where EKS decides it"),
        ({"auto_mode": True, "local_disk": False}, "local_disk: is not for `auto_mode`, where EKS decides it"),
        ({"auto_mode": True, "expire_after_hours": 505}, "expire_after_hours: must be at most 504 with `auto_mode`"),
        ({"disk_throughput": 100}, "disk_throughput: must be at least 125"),
        ({"parallel_pull": True, "local_disk": False}, "parallel_pull: needs `disk_throughput` 600 or more, or `local_disk`: a slower disk makes pulls take longer"),
        ({"image_snapshot": "snap-1"}, "image_snapshot: needs `ami_alias` of Bottlerocket, which has images on their own disk"),
        ({"image_snapshot": "snap-1", "ami_alias": "bottlerocket@latest", "local_disk": True}, "image_snapshot: excludes `local_disk`, where the images would be instead"),
        ({"image_snapshot": "snap-1", "ami_alias": "bottlerocket@latest", "parallel_pull": True, "disk_throughput": 600}, "image_snapshot: excludes `parallel_pull`, which doesn't find images of the snapshot"),
        ({"snapshot_rate": 200}, "snapshot_rate: belongs to `image_snapshot`, which is not set"),
        ({"snapshot_rate": 50, "image_snapshot": "snap-1", "ami_alias": "bottlerocket@latest"}, "snapshot_rate: must be at least 100"),
        ({"auto_mode": True, "parallel_pull": True}, "parallel_pull: is not for `auto_mode`, where EKS decides it"),
        ({"weight": 101}, "weight: must be at most 100"),
        ({"replicas": 1}, "replicas: is not an argument of this component"),
    ],
)  # fmt: skip
def test_one_thing_wrong_with_a_pool(args: dict[str, Any], says: str) -> None:
    assert pool(**args) == [says]


def test_every_problem_is_told_at_once() -> None:
    assert deployment(max_replicas=0, gpus=0.5, nonsense=1) == [
        "max_replicas: must be at least 1",
        "gpus: must be a whole number",
        "nonsense: is not an argument of this component; did you mean nodes?",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "sum(vllm:num_requests_waiting)",
        'sum by (model) (rate(sglang:num_queue_reqs{namespace="m"}[1m]))',
        "tgi_queue_size",
        "avg(nv_inference_pending_request_count)",
        'max({__name__=~"vllm:num_requests_.*"})',
        "DCGM_FI_DEV_GPU_UTIL",
    ],
)
def test_what_only_a_replica_exports_wakes_nobody(query: str) -> None:
    gateway = {
        "wake_signal": "gateway",
        "prometheus_address": "http://p",
        "prometheus_query": query,
    }
    (says,) = deployment(**gateway)
    assert says.startswith("prometheus_query: ")
    assert "exported by the replicas themselves: at zero there is none" in says
    assert "set `min_replicas` to 1" in says


@pytest.mark.parametrize(
    "query",
    [
        "sum(gateway_requests_waiting)",
        "sum(rate(vllm:num_incoming_requests_total[1m]))",
        'sum(envoy_cluster_upstream_rq_active{cluster="vllm"})',
        "sum(my_vllm:waiting)",
        "sum(conv_container_total)",
    ],
)
def test_what_a_gateway_exports_wakes(query: str) -> None:
    assert metric_of_the_pods(query) is None


@pytest.mark.parametrize("name", ["min_replicas", "max_replicas", "gpus", "cooldown_seconds"])
def test_a_bound_that_is_an_output_is_refused(name: str) -> None:
    (says,) = deployment(**{name: pulumi.Output.secret(1)})
    assert says.endswith(
        "must be a plain value, not an Output: it is checked in the preview, where an "
        "Output may be unknown; use configuration"
    )


def test_a_secret_is_in_no_message_and_no_traceback() -> None:
    for args in (
        {"env": {"TOKEN": 5, SECRET: None}, "port": SECRET},
        {"env": [SECRET]},
        {"env": SECRET},
        {"args": SECRET},
        {"image": {"a": SECRET}},
        {
            "env": {"TOKEN": SECRET, "OTHER": 1},
            "gpus": SECRET,
            "tolerations": [SECRET + " x"],
            "cpu": SECRET,
            "health_path": SECRET,
        },
    ):
        with pytest.raises(SpecError) as refused:
            GpuDeployment("llm", {"image": "server:1", **args})  # type: ignore[typeddict-item]
        values = "".join(traceback.format_exception(refused.value)).replace(f"env.{SECRET}", "")
        assert SECRET not in values
    assert deployment(env={"TOKEN": 5}) == ["env.TOKEN: must be text, and not empty"]


def test_the_error_ends_a_program_without_a_trace() -> None:
    assert issubclass(SpecError, pulumi.RunError)
    assert issubclass(SpecError, ValueError)


def test_a_signal_may_be_written_as_text() -> None:
    assert deployment(wake_signal="sqs", queue_region="us-east-1") == [
        'queue_url: is required with `wake_signal` "sqs"'
    ]
