"""`explain`: which resource is meant, and all that is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.outcomes import report_on
from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.reports.explain import resource_page
from zerofloor.stack import Stack

POOL: Mapping[str, Any] = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "gpu"},
    "spec": {
        "limits": {"nvidia.com/gpu": 8},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "1m"},
        "template": {
            "spec": {
                "requirements": [
                    {
                        "key": "node.kubernetes.io/instance-type",
                        "operator": "In",
                        "values": ["g6e.xlarge"],
                    }
                ],
                "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
            }
        },
    },
}


def deployment(name: str, gpus: int = 1) -> Mapping[str, Any]:
    container = {"name": "c", "image": "vllm", "resources": {"limits": {"nvidia.com/gpu": gpus}}}
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "chat"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def service(name: str) -> Mapping[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "chat"},
        "spec": {"selector": {"app": name}},
    }


SCALER: Mapping[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "scaler", "namespace": "chat"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
        "minReplicas": 1,
        "maxReplicas": 4,
    },
}
OBJECTS = (POOL, deployment("llm"), SCALER, service("llm"), service("web"), service("old-web"))


def explained(asked: str, *objects: Mapping[str, Any]) -> list[str]:
    text = yaml.safe_dump_all([dict(one) for one in objects or OBJECTS])
    stack: Stack = read("app.yaml", text.encode())
    return resource_page(report_on(stack), (stack,), asked, width=300).splitlines()


def urn(kind: str, name: str) -> str:
    return f"kubernetes:{kind}::{name}"


FIX = (
    "Replace the HPA by a KEDA ScaledObject with minReplicaCount 0 and a signal that exists while "
    "no replica runs"
)
SCALED = [
    "Deployment llm: held, 1 GPU, 24/7.",
    '  1. spec.template.spec.containers[0].resources.limits["nvidia.com/gpu"] is 1 '
    "(each pod asks for 1 nvidia.com/gpu)",
    "  2. HorizontalPodAutoscaler chat/scaler: spec.minReplicas is 1 "
    "(minReplicas is 1: an HPA never scales below it)",
]


@pytest.mark.parametrize(
    "asked", ["llm", "chat/llm", "Deployment::chat/llm", "urn:pulumi:manifests::app.yaml::…"]
)
def test_a_workload_is_told_link_by_link(asked: str) -> None:
    """Its Service has the same name, and nothing to do with a GPU."""
    whole = "urn:pulumi:manifests::app.yaml::" + urn("apps/v1:Deployment", "chat/llm")
    assert explained(whole if asked.endswith("…") else asked) == [
        *SCALED,
        "It runs on Karpenter NodePool gpu, 1 node.",
        f"Change: {FIX} (in {urn('autoscaling/v2:HorizontalPodAutoscaler', 'chat/scaler')}).",
    ]


def test_a_pool_is_told_with_what_runs_on_it() -> None:
    page = explained("gpu")
    assert page[:3] == [
        "Karpenter NodePool gpu: held, 1 GPU on 1 node, 24/7.",
        "  1. Deployment chat/llm: 1 pod of Deployment llm runs on gpu without a request",
        "It carries Deployment llm (held).",
    ]
    assert page[-1] == (
        f"Change: {FIX} (in {urn('autoscaling/v2:HorizontalPodAutoscaler', 'chat/scaler')})."
    )


def test_what_is_neither_is_told_by_what_it_decides() -> None:
    page = explained("scaler")
    assert page == [
        f"{urn('autoscaling/v2:HorizontalPodAutoscaler', 'chat/scaler')} decides about:",
        *SCALED,
        "GPU002 scaler-minimum-holds-gpu: Deployment llm keeps 1 GPU running 24/7 with no traffic "
        "because spec.minReplicas is 1, on Karpenter NodePool gpu (1 node).",
        f"Change: {FIX}.",
    ]


def test_what_has_no_part_in_it_says_so() -> None:
    said = "nothing here has to do with a GPU."
    assert explained("web") == [f"{urn('core/v1:Service', 'chat/web')}: {said}"]
    assert explained("ld-web") == [f"{urn('core/v1:Service', 'chat/old-web')}: {said}"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        # Ends of two names, of which neither is whole.
        ("eb", "eb: 2 resources are meant: kubernetes:core/v1:Service::chat/old-web, kub"),
        ("nothing", "nothing: no such resource; there are Deployment::chat/llm, Horizont"),
    ],
)
def test_what_is_not_one_resource_is_refused(asked: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        explained(asked)
    assert str(refused.value).startswith(said)


def test_a_whole_name_goes_before_the_end_of_another() -> None:
    both = (POOL, deployment("llm"), deployment("old-llm"))
    assert explained("chat/llm", *both)[0] == "Deployment llm: held, 2 GPUs, 24/7."
    assert explained("llm", *both)[0] == "Deployment llm: held, 2 GPUs, 24/7."
    assert explained("old-llm", *both)[0] == "Deployment old-llm: held, 2 GPUs, 24/7."
    assert explained("d-llm", *both)[0] == "Deployment old-llm: held, 2 GPUs, 24/7."


def test_an_undecided_value_is_told_with_how_to_resolve_it() -> None:
    """A pod of two GPUs fits on no node of one."""
    page = explained("llm", POOL, deployment("llm", gpus=2))
    assert page[0] == "Deployment llm: undecided."
    (open_point,) = [line for line in page if line.startswith("  ?  ")]
    assert ". To resolve: " in open_point
