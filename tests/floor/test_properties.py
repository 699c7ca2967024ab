"""What must hold of every floor, on stacks that nobody wrote by hand."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import stack_of
from zerofloor import platforms
from zerofloor.estate import estate
from zerofloor.floor.find import find_floor
from zerofloor.floor.result import Floor
from zerofloor.settings import Settings
from zerofloor.settings import parse as settings_of

Object = dict[str, Any]

QUICK = settings(max_examples=80, deadline=None, derandomize=True, database=None)
GATES = {
    "trust": {
        "karpenterStaticCapacity": True,
        "karpenterCapacityBuffer": True,
        "hpaScaleToZero": True,
    }
}
TYPES = {"g6.xlarge": 1, "g6.12xlarge": 4, "p5.48xlarge": 8, "m7i.2xlarge": 0}


def floor_of(objects: list[Object], declared: dict[str, Any] | None = None) -> Floor:
    resources = [
        {
            "type": f"kubernetes:{o['apiVersion']}:{o['kind']}",
            "name": f"{o['kind']}-{o['metadata']['name']}".lower(),
            "props": o,
        }
        for o in objects
    ]
    whole = estate(
        (stack_of({"resources": resources}),),
        settings_of(declared, "test") if declared else Settings(),
    )
    return find_floor(platforms.read(whole), whole)


def pod(gpus: int, cpu: int, tolerant: bool, selected: str | None) -> Object:
    container = {
        "name": "c",
        "resources": {"requests": {"cpu": cpu}, "limits": {"nvidia.com/gpu": gpus} if gpus else {}},
    }
    spec: Object = {"containers": [container]}
    if tolerant:
        spec["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    if selected:
        spec["nodeSelector"] = {"node.kubernetes.io/instance-type": selected}
    return {"metadata": {"labels": {"app": "m"}}, "spec": spec}


pods = st.builds(
    pod,
    st.sampled_from([0, 1, 1, 2, 4, 8]),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from([None, None, *TYPES]),
)


@st.composite
def deployments(draw: st.DrawFn, name: str) -> list[Object]:
    """A Deployment, alone or with one scaler that the API accepts."""
    replicas = draw(st.integers(0, 9))
    spec = {"replicas": replicas, "template": draw(pods)}
    made: list[Object] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    ]
    scaler = draw(st.sampled_from(["none", "hpa", "keda"]))
    minimum = draw(st.integers(0, 5))
    if scaler == "hpa":
        target = {
            "scaleTargetRef": {"kind": "Deployment", "name": name},
            "maxReplicas": 20,
            "metrics": [{"type": "External"}],
        }
        made.append(
            _object(
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                name,
                {**target, "minReplicas": max(1, minimum)},
            )
        )
    elif scaler == "keda":
        trigger = {"type": "aws-sqs-queue", "metadata": {"queueURL": "q", "awsRegion": "r"}}
        rest = {"scaleTargetRef": {"name": name}, "maxReplicaCount": 20, "triggers": [trigger]}
        made.append(
            _object("keda.sh/v1alpha1", "ScaledObject", name, {**rest, "minReplicaCount": minimum})
        )
    return made


@st.composite
def node_pools(draw: st.DrawFn, name: str) -> list[Object]:
    types = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=3, unique=True))
    template: Object = {
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "d"},
        "requirements": [
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}
        ],
    }
    if draw(st.booleans()):
        template["taints"] = [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]
    spec: Object = {
        "template": {"spec": template},
        "disruption": {"consolidateAfter": draw(st.sampled_from(["60s", "Never"]))},
    }
    if draw(st.booleans()):
        spec["weight"] = draw(st.integers(1, 100))
    static = draw(st.sampled_from([None, None, 0, 1, 3]))
    if static is not None:
        spec["replicas"] = static
    return [_object("karpenter.sh/v1", "NodePool", name, spec)]


def _object(api: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


clusters = st.tuples(
    st.one_of(st.just([]), node_pools("pool-a")),
    st.one_of(st.just([]), node_pools("pool-b")),
    deployments("model-a"),
    deployments("model-b"),
).map(lambda parts: [o for part in parts for o in part])


def certain(floor: Floor) -> Decimal:
    return Decimal(0) if floor.gpus is None else floor.gpus


RAISED = {
    "Deployment": "replicas",
    "HorizontalPodAutoscaler": "minReplicas",
    "ScaledObject": "minReplicaCount",
    "NodePool": "replicas",
}


@QUICK
@given(clusters, st.data(), st.integers(1, 4))
def test_raising_a_count_never_lowers_the_floor(
    objects: list[Object], data: st.DataObject, by: int
) -> None:
    raisable = [i for i, o in enumerate(objects) if o["spec"].get(RAISED[o["kind"]]) is not None]
    if not raisable:
        return
    index = data.draw(st.sampled_from(raisable))
    more = copy.deepcopy(objects)
    more[index]["spec"][RAISED[more[index]["kind"]]] += by
    before, after = floor_of(objects, GATES), floor_of(more, GATES)
    assert certain(after) >= certain(before) or after.undecided
    if before.verdict != "zero":
        assert after.verdict != "zero"


@QUICK
@given(clusters, st.randoms(use_true_random=False))
def test_order_changes_nothing(objects: list[Object], random: Any) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    assert floor_of(shuffled, GATES) == floor_of(objects, GATES)


@QUICK
@given(clusters, st.text("abcxyz", min_size=1, max_size=6))
def test_consistent_renaming_changes_nothing(objects: list[Object], prefix: str) -> None:
    """With one prefix for all: Karpenter itself tries equal pools by name, so their order among
    themselves counts."""
    renamed = copy.deepcopy(objects)
    for o in renamed:
        o["metadata"]["name"] = f"{prefix}-{o['metadata']['name']}"
        if "scaleTargetRef" in o["spec"]:
            o["spec"]["scaleTargetRef"]["name"] = f"{prefix}-{o['spec']['scaleTargetRef']['name']}"
    before, after = floor_of(objects, GATES), floor_of(renamed, GATES)
    assert (after.verdict, after.gpus, after.nodes) == (before.verdict, before.gpus, before.nodes)


BYSTANDERS: list[Object] = [
    {
        "apiVersion": "core/v1",
        "kind": "ConfigMap",
        "metadata": {"name": "gpu-settings"},
        "data": {"instance": "p5.48xlarge"},
    },
    {
        "apiVersion": "core/v1",
        "kind": "Service",
        "metadata": {"name": "model-a"},
        "spec": {"selector": {"app": "m"}},
    },
    {"apiVersion": "core/v1", "kind": "Namespace", "metadata": {"name": "gpu"}},
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "model-a"},
        "spec": {},
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "gpu"},
        "rules": [],
    },
]


@QUICK
@given(clusters, st.sampled_from(BYSTANDERS))
def test_a_bystander_changes_nothing(objects: list[Object], bystander: Object) -> None:
    assert floor_of([*objects, bystander], GATES) == floor_of(objects, GATES)


@QUICK
@given(clusters)
def test_nodes_carry_what_they_are_held_for(objects: list[Object]) -> None:
    """The GPUs of the pools' nodes are at least those that the pods on them ask for."""
    floor = floor_of(objects, GATES)
    assert floor == floor_of(objects, GATES)
    supplied = sum((e.gpus for e in floor.entries if e.kind == "pool" and e.gpus), Decimal(0))
    asked = sum(
        (
            e.gpus
            for e in floor.entries
            if e.kind == "workload" and e.carried_by and e.supply is None and e.gpus
        ),
        Decimal(0),
    )
    assert supplied >= asked
    for entry in floor.entries:
        if entry.supply is not None and entry.supply.ceiling is not None:
            assert entry.supply.ceiling >= 0
        assert (entry.verdict == "held") <= bool(entry.evidence)


@QUICK
@given(clusters)
def test_a_taint_that_nobody_tolerates_brings_no_gpu(objects: list[Object]) -> None:
    """Only what a pool keeps by itself is left then."""
    closed = copy.deepcopy(objects)
    for o in closed:
        if o["kind"] == "NodePool":
            o["spec"]["template"]["spec"]["taints"] = [{"key": "nobody", "effect": "NoExecute"}]
    for entry in floor_of(closed, GATES).entries:
        if entry.kind == "workload" and entry.carried_by:
            raise AssertionError(f"{entry.name} runs on {entry.carried_by}")


def test_a_wait_longer_than_any_calendar_is_a_wait_like_any_other() -> None:
    pod = {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}
    template = {"spec": {**pod, "restartPolicy": "Never"}}
    job = {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": template}}}
    requirement = {
        "key": "node.kubernetes.io/instance-type",
        "operator": "In",
        "values": ["g6e.xlarge"],
    }
    pool = {
        "template": {"spec": {"requirements": [requirement]}},
        "disruption": {"consolidateAfter": f"{10**30}h"},
    }
    found = floor_of(
        [
            _object("batch/v1", "CronJob", "c", job),
            _object("karpenter.sh/v1", "NodePool", "gpu", pool),
        ]
    )
    assert found.verdict == "held"
    assert found.gpus == 1
