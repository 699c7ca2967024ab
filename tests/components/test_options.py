"""Each argument by itself: what it declares passes the schemas, and what that bills while idle is
what it says."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.components.options import DEPLOYMENT, KAFKA, OPTIONS, POOL, REDIS, SQS
from tests.components.schemas import manifest_errors
from tests.lab.declared import declared
from zerofloor.documents import read
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.settings import parse

TODAY = datetime.date(2026, 11, 24)
Manifest = Mapping[str, Any]


def test_what_each_option_declares_is_accepted() -> None:
    wrong = {}
    for (component, arguments), manifests in zip(OPTIONS, declared(OPTIONS), strict=True):
        for one in manifests:
            for error in manifest_errors(one):
                wrong[f"{component} {arguments}: {one['kind']}"] = error
    assert wrong == {}


def judged(*components: tuple[str, Mapping[str, Any]]) -> Report:
    """The report on what components declare."""
    manifests = [one for several in declared(components) for one in several]
    text = "\n---\n".join(map(json.dumps, manifests)).encode()
    stack = read("components.yaml", text, input_format="manifests")
    return judge((stack,), open_book(), parse({"region": {"aws": "us-east-1"}}, "test"), TODAY)


GPU_POOL = (
    "GpuNodePool",
    dict(POOL) | {"name": "gpu", "instance_types": ["g6e.48xlarge"], "max_gpus": 64},
)


def verdict(arguments: Mapping[str, Any], component: str = "GpuDeployment") -> tuple[str, Any]:
    """The verdict and the GPUs of one component beside a pool."""
    floor = judged(GPU_POOL, (component, arguments)).floor
    return floor.verdict.value, floor.gpus


LLM = dict(DEPLOYMENT) | {"node_pool": "gpu"}


@pytest.mark.parametrize(
    "option",
    [
        {},
        REDIS,
        SQS,
        KAFKA,
        SQS | {"run": "job"},
        {"gpus": 8, "nodes": 2},
        {"engine": "vllm", "model": "m/m"},
        {"rollout": "warm_up"},
        {"pre_pull": True},
        {"engine": "vllm", "model": "s3://models/m", "stream_concurrency": 8},
        {"expires_at": "2099-12-31"},
        {"restricted": True},
        {"cold_start": "retry_after"},
        REDIS | {"wake_signal": "http", "more_signals": ["redis"]},
        {
            "engine": "vllm",
            "model": "m/m",
            "scale_by": "waiting",
            "prometheus_address": "http://p",
        },
    ],
)
def test_at_default_nothing_is_held(option: dict[str, Any]) -> None:
    assert verdict(LLM | option) == ("zero", 0)


@pytest.mark.parametrize(
    ("option", "gpus"),
    [
        ({"min_replicas": 1}, 8),
        ({"min_replicas": 2, "max_replicas": 2, "gpus": 8}, 16),
        ({"min_replicas": 1, "gpus": 8, "nodes": 2}, 16),
        ({"min_replicas": 2, "max_replicas": 2, "gpus": 4, "nodes": 3}, 24),
        (SQS | {"min_replicas": 1}, 8),
        (REDIS | {"wake_signal": "http", "more_signals": ["redis"], "min_replicas": 3, "max_replicas": 4, "gpus": 8}, 24),
        ({"engine": "vllm", "model": "s3://models/m", "min_replicas": 1, "pre_pull": True}, 8),
        ({"cold_start": "retry_after", "min_replicas": 1}, 8),
        # Two replicas of four GPUs fit on one node.
        ({"min_replicas": 2, "max_replicas": 2, "gpus": 4}, 8),
        ({"office_hours": ["Mon-Fri 08:00-19:00"]}, 8),
        (REDIS | {"office_hours": ["Sat,Sun 10:00-12:00"], "office_replicas": 2, "max_replicas": 4, "gpus": 8}, 16),
    ],
)  # fmt: skip
def test_each_way_to_keep_replicas_is_held(option: dict[str, Any], gpus: int) -> None:
    """A g6e.48xlarge has 8 GPUs: a node of it is what one GPU takes."""
    assert verdict(LLM | option) == ("held", gpus)


def test_what_pulls_an_image_in_advance_keeps_no_node() -> None:
    """Also where the replicas' own annotation would keep theirs."""
    kept = {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}
    assert verdict(LLM | kept | {"pre_pull": True}) == ("zero", 0)
    made = {one["kind"]: one for one in declared([("GpuDeployment", LLM | kept | {"pre_pull": True})])[0]}  # fmt: skip
    daemon = made["DaemonSet"]["spec"]["template"]
    assert "annotations" not in daemon["metadata"]
    [image] = daemon["spec"]["initContainers"]
    assert image["image"] == "vllm/vllm-openai:v0.11.0"
    assert "nvidia.com/gpu" not in json.dumps(image["resources"])
    server = made["Deployment"]["spec"]["template"]["spec"]
    for placing in ("nodeSelector", "tolerations"):
        assert daemon["spec"][placing] == server[placing]
    assert made["Deployment"]["spec"]["selector"] != made["DaemonSet"]["spec"]["selector"]


@pytest.mark.parametrize(
    ("option", "args"),
    [
        # docs.vllm.ai, "Loading models with Run:ai Model Streamer".
        ({"engine": "vllm", "model": "s3://b/m"}, ["s3://b/m", "--port", "8000", "--load-format", "runai_streamer"]),
        ({"engine": "vllm", "model": "gs://b/m", "stream_concurrency": 16, "args": ["--seed", "1"]}, [
            "gs://b/m", "--port", "8000", "--load-format", "runai_streamer", "--model-loader-extra-config", '{"concurrency": 16}', "--seed", "1",
        ]),
        # docs.sglang.io, "Loading Models from Object Storage".
        ({"engine": "sglang", "model": "s3://b/m"}, [
            "--model-path", "s3://b/m", "--host", "0.0.0.0", "--port", "30000", "--enable-metrics", "--load-format", "runai_streamer",
        ]),
        # Triton, "Model Repository Locations": it needs no other argument.
        ({"engine": "triton", "model": "as://account/container/models"}, ["--model-repository=as://account/container/models", "--http-port=8000"]),
        ({"engine": "vllm", "model": "org/name"}, ["org/name", "--port", "8000"]),
    ],
)  # fmt: skip
def test_a_model_in_an_object_store_is_streamed(option: dict[str, Any], args: list[str]) -> None:
    [manifests] = declared([("GpuDeployment", LLM | option)])
    [deployment] = [one for one in manifests if one["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["args"] == args


def test_how_images_get_onto_the_disk_of_a_pools_nodes() -> None:
    """AWS' Karpenter Blueprints, "Using SOCI snapshotter parallel pull/unpack mode"; Karpenter's
    docs, "NodeClasses: spec.blockDeviceMappings"."""
    bottlerocket = {"ami_alias": "bottlerocket@latest"}
    options: list[dict[str, Any]] = [
        {"parallel_pull": True},
        {"parallel_pull": True} | bottlerocket,
        {"image_snapshot": "snap-1", "snapshot_rate": 200} | bottlerocket,
        {},
    ]
    made = declared([("GpuNodePool", dict(POOL) | option) for option in options])
    specs = [
        next(one["spec"] for one in several if one["kind"] == "EC2NodeClass") for several in made
    ]
    linux, rocket, baked, plain = specs
    assert "featureGates:\n    FastImagePull: true" in linux["userData"]
    assert 'snapshotter = "soci"' in rocket["userData"]
    assert linux["instanceStorePolicy"] == rocket["instanceStorePolicy"] == "RAID0"
    assert baked["blockDeviceMappings"][0] == {
        "deviceName": "/dev/xvdb",
        "ebs": {
            "volumeSize": "200Gi",
            "volumeType": "gp3",
            "throughput": 250,
            "snapshotID": "snap-1",
            "volumeInitializationRate": 200,
            "deleteOnTermination": True,
        },
    }
    # On the local disks the snapshot's images would not be found.
    assert "instanceStorePolicy" not in baked
    assert ("userData" in plain, plain["instanceStorePolicy"]) == (False, "RAID0")


def test_office_hours_are_held_for_their_hours() -> None:
    report = judged(GPU_POOL, ("GpuDeployment", LLM | {"office_hours": ["Mon-Fri 08:00-19:00"]}))
    held = [entry for entry in report.floor.entries if entry.holds]
    assert {entry.hours_per_week for entry in held} == {Decimal(55)}


def test_an_existing_workload_under_a_gpu_scaler_is_held_by_nothing() -> None:
    [[deployment, *_]] = declared([("GpuDeployment", LLM | {"name": "own", "min_replicas": 1})])
    scaler = declared([("GpuScaler", REDIS | {"target_name": "own"})])[0]
    pool = declared([GPU_POOL])[0]
    cases: list[Any] = [([deployment], ("held", 8)), ([deployment, *scaler], ("zero", 0))]
    for several, expected in cases:
        text = "\n---\n".join(map(json.dumps, [*several, *pool])).encode()
        stack = read("x.yaml", text, input_format="manifests")
        floor = judge((stack,), open_book(), parse({}, "test"), TODAY).floor
        assert (floor.verdict.value, floor.gpus) == expected


@pytest.mark.parametrize(
    ("option", "gpus"),
    [
        ({}, 0),
        ({"min_replicas": 1}, 8),
        ({"min_replicas": 3, "max_replicas": 4}, 24),
        ({"office_hours": ["Mon-Fri 08:00-19:00"]}, 8),
        ({"office_hours": ["Mon-Fri 08:00-19:00"], "office_replicas": 2, "max_replicas": 2}, 16),
        ({"expires_at": "2099-12-31"}, 0),
    ],
)
def test_each_way_a_gpu_scaler_keeps_replicas_is_held(option: dict[str, Any], gpus: int) -> None:
    whole = LLM | {"name": "own", "gpus": 8}
    [[deployment, *_], scaler, pool] = declared(
        [("GpuDeployment", whole), ("GpuScaler", REDIS | {"target_name": "own"} | option), GPU_POOL]
    )
    text = "\n---\n".join(map(json.dumps, [deployment, *scaler, *pool])).encode()
    stack = read("x.yaml", text, input_format="manifests")
    floor = judge((stack,), open_book(), parse({}, "test"), TODAY).floor
    assert (floor.verdict.value, floor.gpus) == ("held" if gpus else "zero", Decimal(gpus))


def only(kind: str, option: Mapping[str, Any], component: str = "GpuDeployment") -> Manifest:
    """The one object of a kind that a component declares."""
    base = dict(DEPLOYMENT) if component == "GpuDeployment" else {}
    [manifests] = declared([(component, base | dict(option))])
    (found,) = (one for one in manifests if one["kind"] == kind)
    return found


def container(option: Mapping[str, Any]) -> Mapping[str, Any]:
    """The server's container."""
    pod = only("Deployment", option)["spec"]["template"]["spec"]
    (server,) = (one for one in pod["containers"] if one["name"] == "server")
    return dict(server)


def kinds(option: Mapping[str, Any]) -> list[str]:
    """The kinds of all that a GpuDeployment declares."""
    [manifests] = declared([("GpuDeployment", dict(DEPLOYMENT) | dict(option))])
    return sorted(one["kind"] for one in manifests)


def test_a_service_called_like_the_engine_breaks_nothing() -> None:
    """Kubernetes would put VLLM_PORT=tcp://… into the container, over which vLLM ends."""
    deployment = only("Deployment", {"name": "vllm"})
    assert deployment["spec"]["template"]["spec"]["enableServiceLinks"] is False
    assert only("Service", REDIS | {"name": "vllm", "port": 80})["metadata"]["name"] == "vllm"


def test_a_queue_worker_serves_nothing_and_is_not_probed() -> None:
    assert kinds(REDIS) == ["Deployment", "ScaledObject"]
    worker = container(REDIS)
    assert not {"ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} & set(
        worker
    )
    served = container(REDIS | {"port": 9000})
    assert served["startupProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    checked = container(REDIS | {"probe": "exec", "probe_command": ["alive"]})
    assert checked["livenessProbe"]["exec"] == {"command": ["alive"]}
    assert container({"probe": "tcp"})["readinessProbe"]["tcpSocket"] == {"port": "http"}
    assert "livenessProbe" not in container({"probe": "none"})


def test_several_gpus_share_memory() -> None:
    mounts = {one["mountPath"] for one in container({"gpus": 2})["volumeMounts"]}
    assert "/dev/shm" in mounts
    assert "/dev/shm" not in {one["mountPath"] for one in container({})["volumeMounts"]}


@pytest.mark.parametrize(
    ("engine", "command", "args", "port", "health"),
    [
        ("vllm", ["vllm", "serve"], ["m/m", "--port", "8000", "--tensor-parallel-size", "4"], 8000, "/health"),
        ("sglang", ["python3", "-m", "sglang.launch_server"], ["--model-path", "m/m", "--host", "0.0.0.0", "--port", "30000", "--enable-metrics", "--tp", "4"], 30000, "/health"),
        ("tgi", None, ["--model-id", "m/m", "--port", "8080", "--num-shard", "4"], 8080, "/health"),
        ("triton", ["tritonserver"], ["--model-repository=m/m", "--http-port=8000"], 8000, "/v2/health/ready"),
        ("llama_cpp", None, ["-hf", "m/m", "--host", "0.0.0.0", "--port", "8080", "--metrics"], 8080, "/health"),
    ],
)  # fmt: skip
def test_an_engine_is_started_as_its_documentation_says(
    engine: str, command: list[str] | None, args: list[str], port: int, health: str
) -> None:
    made = container({"engine": engine, "model": "m/m", "gpus": 4})
    assert (made.get("command"), made["args"]) == (command, args)
    assert made["ports"][0]["containerPort"] == port
    assert made["readinessProbe"]["httpGet"]["path"] == health


def test_ollama_is_ready_once_it_has_the_model() -> None:
    made = container({"engine": "ollama", "model": "llama3.2"})
    assert {"name": "ZEROFLOOR_MODEL", "value": "llama3.2"} in made["env"]
    assert "ollama show" in made["startupProbe"]["exec"]["command"][2]


def test_a_model_over_several_nodes_is_a_leader_and_its_workers() -> None:
    spec = only(
        "LeaderWorkerSet",
        {"engine": "vllm", "model": "m/m", "gpus": 8, "nodes": 2, "args": ["--seed", "1"]},
    )["spec"]
    group = spec["leaderWorkerTemplate"]
    leader, worker = (
        group[part]["spec"]["containers"][0] for part in ("leaderTemplate", "workerTemplate")
    )
    assert (spec["replicas"], group["size"]) == (0, 2)
    assert leader["args"][0].endswith(
        "exec vllm serve m/m --port 8000 --tensor-parallel-size 8 --pipeline-parallel-size 2 --seed 1"
    )
    assert worker["args"][0].endswith("worker --ray_address=$(LWS_LEADER_ADDRESS)")
    assert "readinessProbe" not in worker
    labels = [
        group[part]["metadata"]["labels"]["app.kubernetes.io/name"]
        for part in ("leaderTemplate", "workerTemplate")
    ]
    assert labels == ["c0", "c0-worker"]
    sglang = only(
        "LeaderWorkerSet",
        {"engine": "sglang", "model": "m/m", "gpus": 8, "nodes": 2, "pipeline_parallel": 1},
    )
    args = sglang["spec"]["leaderWorkerTemplate"]["leaderTemplate"]["spec"]["containers"][0]["args"]
    assert args[args.index("--tp") + 1] == "16"
    assert args[-4:] == ["--nnodes", "$(LWS_GROUP_SIZE)", "--node-rank", "$(LWS_WORKER_INDEX)"]


def test_a_warm_up_starts_the_server_and_ends() -> None:
    spec = only("Job", {"rollout": "warm_up", "startup_seconds": 300})["spec"]
    pod = spec["template"]["spec"]
    (server,) = pod["initContainers"]
    assert (server["restartPolicy"], pod["restartPolicy"]) == ("Always", "Never")
    assert server["startupProbe"]["failureThreshold"] == 30
    assert server["resources"] == {"limits": {"nvidia.com/gpu": "1"}}
    assert [one["name"] for one in pod["containers"]] == ["check"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 960)


def test_what_is_added_to_a_pod_stands_beside_the_server() -> None:
    pod = only(
        "Deployment",
        {
            "pod": {
                "containers": [{"name": "log", "image": "l"}],
                "volumes": [{"name": "v", "emptyDir": {}}],
            }
        },
    )
    spec = pod["spec"]["template"]["spec"]
    assert [one["name"] for one in spec["containers"]] == ["server", "log"]
    assert [one["name"] for one in spec["volumes"]] == ["cache", "v"]
    more = container({"container": {"resources": {"limits": {"vpc.amazonaws.com/efa": "1"}}}})
    assert more["resources"]["limits"] == {"nvidia.com/gpu": "1", "vpc.amazonaws.com/efa": "1"}


def test_restricted_is_what_the_standard_asks_for() -> None:
    spec = only("Deployment", {"restricted": True})["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"name": "HOME", "value": "/cache"} in spec["containers"][0]["env"]


def triggers(option: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The triggers of a GpuDeployment's ScaledObject."""
    return list(only("ScaledObject", option)["spec"]["triggers"])


def test_the_engines_own_metric_asks_for_more_beside_what_wakes_the_first() -> None:
    http, engine = triggers(
        {"engine": "vllm", "model": "m", "scale_by": "kv_cache", "prometheus_address": "http://p"}
    )
    assert (http["type"], engine["type"]) == ("external-push", "prometheus")
    assert engine["metadata"] == {
        "serverAddress": "http://p",
        "query": '100 * sum(vllm:kv_cache_usage_perc{namespace="default",pod=~"c0-.*"})',
        "threshold": "80",
        # No value of it keeps or wakes a replica (tests/lab/trials scale_query).
        "activationThreshold": "1000000000",
    }


def test_office_hours_are_cron_triggers_of_keda() -> None:
    hours = [
        one["metadata"]
        for one in triggers(
            REDIS
            | {
                "office_hours": ["Mon-Fri 08:00-19:00", "Sat 22:30-02:00"],
                "time_zone": "Europe/Berlin",
            }
        )[1:]
    ]
    assert [(one["start"], one["end"]) for one in hours] == [
        ("0 8 * * 1,2,3,4,5", "0 19 * * 1,2,3,4,5"),
        ("30 22 * * 6", "0 2 * * 0"),
    ]
    assert {(one["timezone"], one["desiredReplicas"]) for one in hours} == {("Europe/Berlin", "1")}


def test_what_the_first_caller_gets_is_chosen() -> None:
    held = only("InterceptorRoute", {"response_seconds": 3000})["spec"]
    assert held["timeouts"] == {"readiness": "1200s", "responseHeader": "3000s"}
    assert "coldStart" not in held
    later = only("InterceptorRoute", {"cold_start": "retry_after"})["spec"]
    answer = later["coldStart"]["placeholder"]["response"]
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "30")
    # One that is answered at once has no concurrency: without its rate it would wake nothing.
    assert set(later["scalingMetric"]) == {"concurrency", "requestRate"}
    other = only(
        "InterceptorRoute",
        {"cold_start": "fallback", "fallback_service": "small", "fallback_port": 80},
    )["spec"]
    assert other["coldStart"]["fallback"]["service"] == {"name": "small", "port": 80}
    assert other["timeouts"]["readiness"] == "30s"


def test_a_price_bounds_the_replicas() -> None:
    """g6e.xlarge is $1.861 in us-east-1: $4 an hour pay for two."""
    bounded = only(
        "ScaledObject",
        {
            "max_hourly_cost": 4,
            "instance_types": ["g6e.xlarge"],
            "region": "us-east-1",
            "max_replicas": 10,
        },
    )
    assert bounded["spec"]["maxReplicaCount"] == 2


def test_a_job_for_each_message() -> None:
    assert kinds(SQS | {"run": "job"}) == ["ScaledJob"]
    spec = only("ScaledJob", SQS | {"run": "job", "max_replicas": 4})["spec"]
    assert spec["triggers"][0]["metadata"]["queueLength"] == "1"
    assert spec["jobTargetRef"]["template"]["spec"]["restartPolicy"] == "Never"
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (0, 4)


def test_a_lease_ends_at_its_minute() -> None:
    cron = only("CronJob", {"expires_at": "2099-03-01T17:30+01:00"})["spec"]
    assert (cron["schedule"], cron["timeZone"]) == ("30 16 1 3 *", "Etc/UTC")
    pod = cron["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["command"][2:] == [
        "annotate",
        "scaledobjects.keda.sh",
        "c0",
        "--overwrite",
        "autoscaling.keda.sh/paused=true",
    ]
    assert pod["containers"][0]["command"][2:] == ["scale", "deployments.apps/c0", "--replicas=0"]
    scaler = only("ScaledObject", {"starts_at": "2099-03-01", "ttl_hours": 8})["metadata"][
        "annotations"
    ]
    assert scaler["zerofloor/expires-at"] == "2099-03-02T08:00Z"
    assert scaler["autoscaling.keda.sh/paused"] == "false"


@pytest.mark.parametrize(
    ("days", "suspended"), [(1, False), (356, False), (358, True), (800, True)]
)
def test_a_lease_of_more_than_a_year_does_not_end_at_its_first_anniversary(
    days: int, suspended: bool
) -> None:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    cron = only("CronJob", {"expires_at": ends.strftime("%Y-%m-%dT%H:%MZ")})["spec"]
    assert cron["suspend"] is suspended


def test_a_scaler_takes_a_workload_that_it_does_not_own() -> None:
    [manifests] = declared([("GpuScaler", {"inference_service": "llama"})])
    assert sorted(one["kind"] for one in manifests) == [
        "InterceptorRoute",
        "ScaledObject",
        "Service",
    ]
    assert only("ScaledObject", {"inference_service": "llama"}, "GpuScaler")["spec"][
        "scaleTargetRef"
    ] == {"name": "llama-predictor"}
    route = only("InterceptorRoute", {"inference_service": "llama"}, "GpuScaler")["spec"]["target"]
    assert route == {"service": "llama-predictor", "port": 80}
    taken = only("ScaledObject", REDIS | {"target_name": "llm", "replaces_hpa": "old"}, "GpuScaler")
    assert taken["metadata"]["annotations"] == {
        "scaledobject.keda.sh/transfer-hpa-ownership": "true"
    }
    assert taken["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["name"] == "old"
