"""`zerofloor live` on a fake cluster; tests/lab/test_live.py has the real API server."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, zerofloor
from tests.live.aws_account import export
from tests.live.fake_cluster import (
    TOKEN,
    Fake,
    declared,
    deployed,
    node,
    owned_by,
    pod,
    running_fake,
    scaled_object,
    workload,
)
from zerofloor.live.kubernetes.prometheus import _BY_POD, QUERIES


@pytest.fixture
def fake() -> Iterator[Fake]:
    with running_fake() as running:
        yield running


def live(
    fake: Fake, folder: Path, *states: str, prometheus: bool = True
) -> tuple[Done, dict[str, Any]]:
    more = ("--prometheus", fake.url) if prometheus else ()
    config = fake.kubeconfig(folder)
    done = zerofloor("live", *states, "--kubeconfig", config, *more, "--format", "json", cwd=folder)
    assert TOKEN not in done.out + done.err
    found = json.loads(done.out)["found"] if done.out else []
    return done, {one["id"]: one for one in found}


def raised(one: dict[str, Any], replicas: int) -> dict[str, Any]:
    other = copy.deepcopy(one)
    other["spec"]["replicas"] = replicas
    return other


def unused(fake: Fake, *pods: str) -> None:
    fake.series["vllm:request_success_total"] = [
        ({"namespace": "ml", "pod": name}, [7]) for name in pods
    ]


def test_every_state_of_a_workload(tmp_path: Path, fake: Fake) -> None:
    fake.add(node("n1", 8, "g5.48xlarge"))
    names = ("held", "idle", "unknown", "raised", "patched", "orphan")
    for name in names:
        fake.add(*deployed(name, "n1"))
    fake.add(scaled_object("idle", 0), scaled_object("unknown", 0), scaled_object("patched", 1))
    unused(fake, "held-0", "idle-0", "patched-0", "orphan-0")
    state = export(
        tmp_path,
        *declared(
            workload("held"),
            workload("idle"),
            scaled_object("idle", 0),
            workload("unknown"),
            scaled_object("unknown", 0),
            workload("patched"),
            scaled_object("patched", 0),
            raised(workload("raised"), 0),
        ),
    )
    done, found = live(fake, tmp_path, state)
    assert done.code == 1, done.err
    assert {name: (found[f"ml/{name}"]["state"], found[f"ml/{name}"]["use"]) for name in names} == {
        "held": ("held as declared", "idle"),
        "idle": ("idle though allowed", "idle"),
        "unknown": ("running", "unknown"),
        "raised": ("drifted", "unknown"),
        "patched": ("drifted", "idle"),
        "orphan": ("orphaned", "idle"),
    }
    assert found["ml/idle"]["stack"] == "shop/dev"
    assert "minReplicaCount keeps 1 replica" in found["ml/patched"]["why"]
    assert "replicas is 1" in found["ml/raised"]["why"]
    assert found["ml/idle"]["kind"] == "Deployment"
    # g5.48xlarge in us-east-1: 16.288 an hour; one of its 8 GPUs, × 730.
    assert found["ml/idle"]["monthly"] == {"amount": "1486.28", "currency": "USD"}
    # Two GPUs are free: the sum over all rows is the whole node, 16.288 × 730.
    total = sum(float(one["monthly"]["amount"]) for one in found.values())
    assert total == pytest.approx(16.288 * 730)
    assert found["n1"]["gpus"] == 2


def test_without_a_metric_nothing_is_idle(tmp_path: Path, fake: Fake) -> None:
    fake.add(node("n1", 8), *deployed("orphan", "n1"))
    for prometheus in (False, True):
        _, found = live(fake, tmp_path, export(tmp_path), prometheus=prometheus)
        assert found["ml/orphan"]["use"] == "unknown"
        assert "no GPU or request metric" in found["ml/orphan"]["why"]


@pytest.mark.parametrize(
    ("word", "labels", "values", "use"),
    [
        ("vllm:request_success_total", {"namespace": "ml", "pod": "a-0"}, [3], "idle"),
        ("vllm:request_success_total", {"namespace": "ml", "pod": "a-0"}, [3, 4], "busy"),
        ("vllm:num_requests_waiting", {"namespace": "ml", "pod": "a-0"}, [0, 1, 0], "busy"),
        ("vllm:num_requests_running", {"namespace": "ml", "pod": "a-0"}, [0], "unknown"),
        ("sglang:num_requests_total", {"namespace": "ml", "pod": "a-0"}, [0], "idle"),
        ("tgi_request_count", {"namespace": "ml", "pod": "a-0"}, [0], "idle"),
        ("nv_inference_request_success", {"namespace": "ml", "pod": "a-0"}, [0, 5], "busy"),
        ("DCGM_FI_DEV_GPU_UTIL", {"namespace": "ml", "pod": "a-0"}, [0], "idle"),
        ("DCGM_FI_DEV_GPU_UTIL", {"namespace": "ml", "pod": "a-0"}, [0, 3, 0], "busy"),
        ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", {"namespace": "ml", "pod": "a-0"}, [0.2], "busy"),
        # Without honorLabels the exporter's own pod stands in `pod`.
        ("DCGM_FI_DEV_GPU_UTIL", {"namespace": "gpu-operator", "pod": "dcgm-1", "exported_namespace": "ml", "exported_pod": "a-0"}, [0], "idle"),
        ("DCGM_FI_DEV_GPU_UTIL", {"namespace": "gpu-operator", "pod": "dcgm-1"}, [0], "unknown"),
        ("DCGM_FI_DEV_GPU_UTIL", {"namespace": "other", "pod": "a-0"}, [0], "unknown"),
        ("interceptor_request_count_total", {"route_namespace": "ml", "route_name": "a"}, [9], "idle"),
        ("interceptor_request_count_total", {"route_namespace": "ml", "route_name": "a"}, [9, 10], "busy"),
        ("interceptor_request_count_total", {"route_namespace": "ml", "route_name": "b"}, [9], "unknown"),
    ],
)  # fmt: skip
def test_what_tells_use(
    tmp_path: Path, fake: Fake, word: str, labels: dict[str, str], values: list[float], use: str
) -> None:
    scaler = scaled_object("a", 0)
    scaler["spec"]["triggers"] = [
        {"type": "external-push", "metadata": {"scalerAddress": "x", "interceptorRoute": "a"}}
    ]
    fake.add(node("n1", 8), *deployed("a", "n1"), scaler)
    fake.series[word] = [(labels, values)]
    _, found = live(fake, tmp_path, export(tmp_path))
    assert found["ml/a"]["use"] == use
    assert (found["ml/a"]["lastUsed"] is not None) == (use == "busy")


def test_a_metric_counts_for_all_pods_and_the_whole_time(tmp_path: Path, fake: Fake) -> None:
    fake.add(node("n1", 8), *deployed("a", "n1", replicas=2))
    unused(fake, "a-0")
    _, found = live(fake, tmp_path, export(tmp_path))
    assert (found["ml/a"]["use"], found["ml/a"]["gpus"]) == ("unknown", 2)
    assert "doesn't cover all its pods" in found["ml/a"]["why"]
    # Its second half is missing: NaN is no value.
    nan = float("nan")
    fake.series["vllm:request_success_total"] = [
        ({"namespace": "ml", "pod": "a-0"}, [7]),
        ({"namespace": "ml", "pod": "a-1"}, [7, nan]),
    ]
    _, found = live(fake, tmp_path, export(tmp_path))
    assert found["ml/a"]["use"] == "unknown"
    unused(fake, "a-0", "a-1")
    _, found = live(fake, tmp_path, export(tmp_path))
    assert found["ml/a"]["use"] == "idle"


def test_stacks_that_declare_one_name_for_several_clusters(tmp_path: Path, fake: Fake) -> None:
    """dev keeps a replica, prod none: each live object is beside the one that made it."""
    fake.add(node("n1", 8, "g5.48xlarge"), *deployed("llm", "n1"), scaled_object("llm", 0))
    unused(fake, "llm-0")
    (plain,) = declared(workload("llm"))
    exports = []
    for name, uid, least in (("dev", "uid-elsewhere", 1), ("prod", "uid-llm", 0)):
        own = [{**plain, "outputs": {"metadata": {"uid": uid, "name": "llm", "namespace": "ml"}}}]
        own += declared(scaled_object("llm", least))
        path = Path(export(tmp_path, *own, name=f"{name}.json"))
        path.write_text(path.read_text().replace(":dev::", f":{name}::"))
        exports.append(str(path))
    for states in (exports, exports[::-1]):
        _, found = live(fake, tmp_path, *states)
        assert found["ml/llm"]["state"] == "idle though allowed"
        assert found["ml/llm"]["stack"] == "shop/prod"
    _, found = live(fake, tmp_path, exports[0])
    assert found["ml/llm"]["state"] == "held as declared"
    assert "it isn't the object that the stack made" in found["ml/llm"]["why"]


def test_what_a_helm_release_of_a_stack_made_is_the_stacks(tmp_path: Path, fake: Fake) -> None:
    made = {"meta.helm.sh/release-name": "llm-1a2b", "meta.helm.sh/release-namespace": "ml"}
    fake.add(node("n1", 8), *deployed("llm", "n1", annotations=made))
    unused(fake, "llm-0")
    release = {
        "type": "kubernetes:helm.sh/v3:Release",
        "inputs": {"chart": "llm", "name": "llm-1a2b", "namespace": "ml"},
    }
    _, found = live(fake, tmp_path, export(tmp_path, release))
    assert (found["ml/llm"]["state"], found["ml/llm"]["stack"]) == (
        "idle though allowed",
        "shop/dev",
    )
    made["meta.helm.sh/release-name"] = "another"
    _, found = live(fake, tmp_path, export(tmp_path, release))
    assert found["ml/llm"]["state"] == "orphaned"


OWNERS = [
    ("ray.io/v1", "RayService", "ray.io/v1", "RayCluster"),
    ("batch/v1", "CronJob", "batch/v1", "Job"),
    ("jobset.x-k8s.io/v1alpha2", "JobSet", "batch/v1", "Job"),
    ("serving.kserve.io/v1beta1", "InferenceService", "apps/v1", "Deployment"),
    ("keda.sh/v1alpha1", "ScaledJob", "batch/v1", "Job"),
    ("example.com/v1", "Widget", "apps/v1", "Deployment"),
]


@pytest.mark.parametrize(("version", "kind", "between_version", "between"), OWNERS)
def test_the_owner_at_the_top_is_told(
    tmp_path: Path, fake: Fake, version: str, kind: str, between_version: str, between: str
) -> None:
    fake.add(node("n1", 8), pod("p", "n1", owned_by(between_version, between, "middle")))
    middle = workload("middle", kind=between)
    middle |= {"apiVersion": between_version}
    middle["metadata"]["ownerReferences"] = owned_by(version, kind, "top")
    top = workload("top", kind=kind)
    fake.add(middle, top | {"apiVersion": version})
    done, found = live(fake, tmp_path, export(tmp_path))
    assert done.code == 1, done.err
    assert found["ml/top"]["kind"] == kind
    assert found["ml/top"]["pods"] == ["ml/p"]
    assert done.err == ""


def test_a_chain_of_owners_without_end(tmp_path: Path, fake: Fake) -> None:
    for name, above in (("a", "b"), ("b", "a")):
        one = workload(name)
        one["metadata"]["ownerReferences"] = owned_by("apps/v1", "Deployment", above)
        fake.add(one)
    fake.add(node("n1"), pod("p", "n1", owned_by("apps/v1", "Deployment", "a")))
    done, found = live(fake, tmp_path, export(tmp_path))
    assert done.code == 1, done.err
    assert {one["pods"][0] for one in found.values() if one["kind"] == "Deployment"} == {"ml/p"}


def test_nodes_beside_their_pools(tmp_path: Path, fake: Fake) -> None:
    def karpenter(name: str) -> dict[str, Any]:
        return {"karpenter.sh/nodepool": name}

    fake.add(
        node("used", **karpenter("gpu")),
        node("empty", **karpenter("gpu")),
        node("alien", **karpenter("other")),
        node("group", 1, **{"eks.amazonaws.com/nodegroup": "kept"}),
        node("shared", 4, **{"nvidia.com/gpu.count": "1", "nvidia.com/gpu.replicas": "4"}),
    )
    plain = node("young", 0)
    del plain["status"]["allocatable"]["nvidia.com/gpu"]
    cpu = node("cpu", 0, "m7i.large")
    fake.add(plain, cpu, pod("p", "used", owned_by("example.com/v1", "Widget", "w")))
    pool: dict[str, Any] = {
        "type": "kubernetes:karpenter.sh/v1:NodePool",
        "inputs": {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": "gpu"},
            "spec": {
                "template": {
                    "spec": {
                        "requirements": [
                            {
                                "key": "node.kubernetes.io/instance-type",
                                "operator": "In",
                                "values": ["g5.xlarge"],
                            }
                        ],
                        "nodeClassRef": {
                            "group": "karpenter.k8s.aws",
                            "kind": "EC2NodeClass",
                            "name": "x",
                        },
                    }
                },
                "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "1m"},
            },
        },
    }
    group = {
        "type": "aws:eks/nodeGroup:NodeGroup",
        "inputs": {
            "nodeGroupName": "kept",
            "clusterName": "c",
            "instanceTypes": ["g5.xlarge"],
            "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 2},
        },
    }
    done, found = live(fake, tmp_path, export(tmp_path, pool, group))
    assert done.code == 1, done.err
    assert {
        name: (one["state"], one["use"]) for name, one in found.items() if one["kind"] == "Node"
    } == {
        "used": ("running", "unknown"),
        "empty": ("idle though allowed", "idle"),
        "alien": ("orphaned", "idle"),
        "group": ("held as declared", "idle"),
        "shared": ("orphaned", "idle"),
        "young": ("orphaned", "idle"),
    }
    assert found["shared"]["capacity"] == 1
    assert found["young"]["capacity"] == 1
    assert found["used"]["monthly"]["amount"] == "0.00"
    assert found["empty"]["monthly"]["amount"] == "734.38"
    pool["inputs"]["spec"]["disruption"]["consolidateAfter"] = "Never"
    _, found = live(fake, tmp_path, export(tmp_path, pool, group))
    assert found["empty"]["state"] == "held as declared"
    assert "empty nodes are never removed" in found["empty"]["why"]


def test_what_the_real_engine_answers(tmp_path: Path, fake: Fake) -> None:
    """Each default query as Prometheus' own engine evaluates it (recorded); none is refused."""
    record = json.loads((Path(__file__).parents[1] / "data/live/prometheus.json").read_text())
    queries = {name: query.promql.replace("$STEP", "60s") for name, query in QUERIES.items()}
    assert record["queries"] == queries, "record them anew"
    assert all(record["answers"].values())
    fake.recorded = {queries[name]: answer for name, answer in record["answers"].items()}
    fake.add(node("n1", 8))
    for name in "abcde":
        fake.add(*deployed(name, "n1"))
    routed = scaled_object("e", 0)
    routed["spec"]["triggers"] = [{"type": "external-push", "metadata": {"interceptorRoute": "r"}}]
    fake.add(routed)
    where = ("--kubeconfig", fake.kubeconfig(tmp_path), "--prometheus", fake.url)
    options = ("--idle-hours", "1", "--format", "json")
    done = zerofloor("live", export(tmp_path), *where, *options, cwd=tmp_path)
    assert done.code == 1, done.err
    found = {one["id"]: one for one in json.loads(done.out)["found"]}
    assert {name: found[f"ml/{name}"]["use"] for name in "abcde"} == {
        "a": "busy", "b": "idle", "c": "idle", "d": "idle", "e": "idle"
    }  # fmt: skip
    # It ran a request 1200 s before the end.
    told = datetime.datetime.fromisoformat(found["ml/a"]["lastUsed"])
    ago = datetime.datetime.now(datetime.UTC) - told
    assert 1080 <= ago.total_seconds() <= 1320


def test_when_it_was_last_used(tmp_path: Path, fake: Fake) -> None:
    """Its counter changed in the middle of the day, on the second of two pods."""
    fake.add(node("n1", 8), *deployed("a", "n1", replicas=2))
    fake.series["vllm:request_success_total"] = [
        ({"namespace": "ml", "pod": "a-0"}, [7]),
        ({"namespace": "ml", "pod": "a-1"}, [7, 8]),
    ]
    _, found = live(fake, tmp_path, export(tmp_path))
    told = datetime.datetime.fromisoformat(found["ml/a"]["lastUsed"])
    noon = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=12)
    assert abs(told - noon) < datetime.timedelta(minutes=6)
    assert f"vllm: last used {told:%Y-%m-%d %H:%M} UTC" in found["ml/a"]["why"]


def gke(name: str, kind: str, **labels: str) -> dict[str, Any]:
    made = node(name, 1, kind, **labels)
    made["metadata"]["labels"] |= {
        "topology.kubernetes.io/region": "us-central1",
        "topology.kubernetes.io/zone": "us-central1-a",
    }
    made["spec"]["providerID"] = f"gce://p/us-central1-a/{name}"
    return made


def test_what_a_node_costs(tmp_path: Path, fake: Fake) -> None:
    card = {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}
    spot = {"cloud.google.com/gke-spot": "true"}
    fake.add(
        gke("g2", "g2-standard-4"),
        gke("g2-spot", "g2-standard-4", **spot),
        gke("n1", "n1-standard-8", **card),
        gke("n1-without-a-card", "n1-standard-8"),
        node("aws", 1, "g5.xlarge"),
        node("aws-spot", 1, "g5.xlarge", **{"karpenter.sh/capacity-type": "spot"}),
        node("unknown", 1, "zz9.plural"),
    )
    _, found = live(fake, tmp_path, export(tmp_path))
    costs = {
        name: one["monthly"] and float(one["monthly"]["amount"]) for name, one in found.items()
    }
    # The snapshot's hourly prices × 730: g2-standard-4 0.706832, spot 0.397336; n1-standard-8 0.38
    # and a T4 0.35; g5.xlarge 1.006. There are no spot prices of AWS: unpriced, not 0.
    assert costs == {
        "g2": pytest.approx(515.99, abs=0.01),
        "g2-spot": pytest.approx(290.06, abs=0.01),
        "n1": pytest.approx(532.9),
        "n1-without-a-card": None,
        "aws": pytest.approx(734.38),
        "aws-spot": None,
        "unknown": None,
    }
    assert found["g2-spot"]["capacityType"] == "spot"


def test_a_node_of_oracle_is_told_by_its_provider_id(tmp_path: Path, fake: Fake) -> None:
    """OKE writes the bare OCID, without a scheme as the other clouds have."""
    one, four = node("one", 1, "VM.GPU.A10.1"), node("four", 0, "BM.GPU.A10.4")
    del four["status"]["allocatable"]["nvidia.com/gpu"]  # The device plugin isn't there yet.
    for made in (one, four):
        made["metadata"]["labels"]["topology.kubernetes.io/region"] = "us-ashburn-1"
        made["spec"]["providerID"] = f"ocid1.instance.oc1.iad.{made['metadata']['name']}"
    fake.add(one, four)
    _, found = live(fake, tmp_path, export(tmp_path))
    # The snapshot's hourly prices × 730: 2.0 and 8.0.
    assert {
        name: (one["capacity"], one["monthly"] and float(one["monthly"]["amount"]))
        for name, one in found.items()
    } == {"one": (1, pytest.approx(1460.0)), "four": (4, pytest.approx(5840.0))}


def test_a_cluster_without_gpus(tmp_path: Path, fake: Fake) -> None:
    fake.add(node("cpu", 0, "m7i.large"), pod("web", "cpu", gpus=0))
    config = fake.kubeconfig(tmp_path)
    done = zerofloor("live", export(tmp_path), "--kubeconfig", config, cwd=tmp_path)
    assert (done.code, done.out) == (0, "No GPU machine runs in cluster prod.\n")
    fake.refuse("/api/v1/pods", 403)
    done = zerofloor("live", export(tmp_path), "--kubeconfig", config, cwd=tmp_path)
    assert done.code == 2
    assert done.out == "No GPU was found in cluster prod, but not all of it could be read.\n"


def test_the_docs_have_every_query() -> None:
    page = (Path(__file__).parents[2] / "docs" / "live.md").read_text()
    assert f"`BY_POD` is `{_BY_POD}`" in page
    for name, query in QUERIES.items():
        promql = query.promql.replace(_BY_POD, "BY_POD")
        alone = "yes" if query.alone else "no"
        assert f"| {name} | {query.form} | {alone} | `{promql}` |" in page
