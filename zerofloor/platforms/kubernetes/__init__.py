"""Kubernetes and what people install on it; one file a platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from zerofloor.capacity import Part
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes import (
    aibrix,
    argo,
    buffers,
    cloud_objects,
    dynamo,
    gangs,
    helm,
    hpa,
    kaito,
    karpenter,
    keda,
    kserve,
    kubevirt,
    llm_services,
    machine_objects,
    model_servers,
    nim,
    notebooks,
    patches,
    ray,
    rows,
    serving,
    spark,
    workloads,
    wrappers,
)
from zerofloor.platforms.kubernetes.objects import group_kind
from zerofloor.platforms.platform import Platform


def _kinds(known: frozenset[tuple[str, str]]) -> Callable[[str], bool]:
    return lambda token: group_kind(token) in known


def _is_patch(token: str) -> bool:
    """Whether the token is the patch of a kind that some platform reads."""
    group, kind = group_kind(token) or ("", "")
    return kind.endswith("Patch") and (group, kind.removesuffix("Patch")) in PATCHED


def _read_patches(estate: Estate) -> Iterable[Part]:
    return patches.read(estate, PATCHED)


PATCHED: Final = frozenset(
    kind
    for module in (
        workloads,
        hpa,
        keda,
        karpenter,
        buffers,
        serving,
        kserve,
        llm_services,
        ray,
        gangs,
        notebooks,
        model_servers,
        nim,
        dynamo,
        kaito,
        aibrix,
    )
    for kind in module.KINDS
)

PLATFORMS: Final = (
    Platform("Kubernetes workloads", workloads.read, _kinds(workloads.KINDS)),
    Platform("HorizontalPodAutoscaler", hpa.read, _kinds(hpa.KINDS)),
    Platform("KEDA", keda.read, _kinds(keda.KINDS)),
    Platform("Karpenter", karpenter.read, _kinds(karpenter.KINDS)),
    Platform("Capacity buffers", buffers.read, _kinds(buffers.KINDS)),
    Platform("Knative", serving.read, _kinds(serving.KINDS)),
    Platform(
        "KServe InferenceServices",
        kserve.read,
        _kinds(kserve.KINDS),
        holds_nothing=_kinds(kserve.RUNTIMES),
    ),
    Platform(
        "KServe LLMInferenceServices",
        llm_services.read,
        _kinds(llm_services.KINDS),
        holds_nothing=_kinds(llm_services.CONFIGURATIONS),
    ),
    Platform("KubeRay", ray.read, _kinds(ray.KINDS)),
    Platform(
        "LeaderWorkerSet, JobSet, Volcano, Kubeflow training", gangs.read, _kinds(gangs.KINDS)
    ),
    Platform("Kubeflow notebooks", notebooks.read, _kinds(notebooks.KINDS)),
    Platform("vLLM production stack and KubeAI", model_servers.read, _kinds(model_servers.KINDS)),
    Platform("NVIDIA NIM", nim.read, _kinds(nim.KINDS), holds_nothing=_kinds(nim.DOWNLOADS)),
    Platform("NVIDIA Dynamo", dynamo.read, _kinds(dynamo.KINDS)),
    Platform("KAITO", kaito.read, _kinds(kaito.KINDS)),
    Platform(
        "KubeVirt", kubevirt.read, _kinds(kubevirt.KINDS), holds_nothing=_kinds(kubevirt.INERT)
    ),
    Platform("Spark", spark.read, _kinds(spark.KINDS)),
    Platform("Argo Workflows", argo.read, _kinds(argo.KINDS)),
    Platform("Objects that hold others", wrappers.read, _kinds(wrappers.KINDS)),
    Platform(
        "eksctl and OpenShift machine sets",
        machine_objects.read,
        _kinds(machine_objects.KINDS),
    ),
    Platform("Clouds' machines as objects", cloud_objects.read, _kinds(cloud_objects.KINDS)),
    Platform("AIBrix", aibrix.read, _kinds(aibrix.KINDS)),
    Platform(
        "Other custom resources", rows.read, _kinds(rows.KINDS), holds_nothing=_kinds(rows.INERT)
    ),
    # What a patch sets is merged into its object, or undecided without one.
    Platform("Patches", _read_patches, _is_patch, holds_nothing=_is_patch),
    Platform(
        "Helm",
        helm.read,
        helm.reads,
        # EKS add-ons are drivers and controllers that AWS publishes.
        holds_nothing=lambda token: token in helm.TYPES and "addon" in token.lower(),
    ),
)
