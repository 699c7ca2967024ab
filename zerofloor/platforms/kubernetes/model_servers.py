"""Model servers as one custom resource: vLLM's production stack and KubeAI.

Sources: vllm-project/production-stack, operator/api/v1alpha1 and operator/internal/controller;
substratusai/kubeai, api/k8s/v1/model_types.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.keda import TRUSTED
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, one_container, read_pod
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.values import at, count, switch, text

_STACK: Final = "production-stack.vllm.ai"
KINDS = frozenset(
    {
        (_STACK, "VLLMRuntime"),
        (_STACK, "CacheServer"),
        (_STACK, "VLLMRouter"),
        ("kubeai.org", "Model"),
    }
)


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_STACK, "VLLMRuntime")):
        yield _runtime(estate, obj)
    for obj in objects(estate, (_STACK, "CacheServer"), (_STACK, "VLLMRouter")):
        reading = _with_gpus(estate, obj, obj.spec, "spec")
        yield keep_pods(estate, obj, reading, value=at(obj.spec, "replicas"), path="spec.replicas")
    for obj in objects(estate, ("kubeai.org", "Model")):
        yield _model(estate, obj)


def _runtime(estate: Estate, obj: Object) -> Workload:
    """`deploymentConfig.replicas`, or what the ScaledObject that the operator makes leaves of
    it."""
    config = at(obj.spec, "deploymentConfig")
    reading = _with_gpus(estate, obj, config, "spec.deploymentConfig")
    scaling = at(obj.spec, "autoscalingConfig")
    enabled = switch(at(scaling, "enabled"))
    if isinstance(enabled, Hidden):
        why = f"Whether it scales itself is {enabled.value} at preview"
        part = Undecided(obj.urn, "spec.autoscalingConfig.enabled", why, SETTLE)
        return build(estate, obj, reading, undecided=(part,), ceiling=None)
    if not enabled or not estate.settings.trust.keda:
        value = at(config, "replicas")
        path = "spec.deploymentConfig.replicas"
        return keep_pods(estate, obj, reading, value=value, path=path)
    maximum = count(at(scaling, "maxReplicas"))
    path = "spec.autoscalingConfig.minReplicas"
    return keep_pods(
        estate,
        obj,
        reading,
        value=at(scaling, "minReplicas"),
        path=path,
        cause=Cause.SCALER_MINIMUM,
        fix=f"Set {path} to 0: the operator's ScaledObject then scales it to zero",
        ceiling=maximum if isinstance(maximum, int) else None,
        assumptions=(TRUSTED,),
    )


def _with_gpus(estate: Estate, obj: Object, config: Any, path: str) -> PodReading:
    """A container whose GPUs are a plain number, `resources.gpu` of `resources.gpuType`."""
    if isinstance(config, Hidden):
        return read_pod(estate, obj, config, path)
    resources = at(config, "resources")
    placed = {
        "tolerations": at(config, "toleration"),
        "affinity": node_affinity(at(config, "nodeSelectorTerms")),
    }
    container = {"resources": as_limits(resources)}
    return read_pod(estate, obj, one_container(container, placed), path)


def as_limits(resources: Any) -> Any:
    """`{cpu, memory, gpu, gpuType, custom}` as a container's limits."""
    if not isinstance(resources, Mapping):
        return resources
    kind = text(resources.get("gpuType"))
    custom = resources.get("custom")
    if isinstance(kind, Hidden) or isinstance(custom, Hidden):
        return UNKNOWN
    limits = dict(custom) if isinstance(custom, Mapping) else {}
    limits |= {
        name: resources[name] for name in ("cpu", "memory") if resources.get(name) is not None
    }
    gpus = resources.get("gpu")
    if isinstance(gpus, Hidden) or gpus:
        limits[kind or "nvidia.com/gpu"] = gpus
    return {"limits": limits}


def node_affinity(terms: Any) -> Any:
    if terms is None:
        return None
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    return {"nodeAffinity": {required: {"nodeSelectorTerms": terms}}}


SELF_SCALED: Final = Assumption(
    "KubeAI runs in the cluster and scales its Models", "a Model is declared"
)


def _model(estate: Estate, obj: Object) -> Workload:
    """KubeAI scales a Model itself, down to `minReplicas`; only with `autoscalingDisabled` its
    replicas count."""
    spec = obj.spec
    profile = profile_resources(at(spec, "resourceProfile"))
    template = spec if isinstance(spec, Hidden) else one_container({"resources": profile}, {})
    reading = read_pod(estate, obj, template, "spec.resourceProfile")
    fixed = switch(at(spec, "autoscalingDisabled"))
    if isinstance(fixed, Hidden):
        why = f"Whether KubeAI scales it is {fixed.value} at preview"
        part = Undecided(obj.urn, "spec.autoscalingDisabled", why, SETTLE)
        return build(estate, obj, reading, undecided=(part,), ceiling=None, scales=False)
    if fixed:
        value = at(spec, "replicas")
        return keep_pods(estate, obj, reading, value=value, path="spec.replicas", default=0)
    maximum = count(at(spec, "maxReplicas"))
    return keep_pods(
        estate,
        obj,
        reading,
        value=at(spec, "minReplicas"),
        path="spec.minReplicas",
        default=0,
        cause=Cause.SCALER_MINIMUM,
        fix="Set spec.minReplicas to 0: KubeAI then scales it to zero",
        ceiling=maximum if isinstance(maximum, int) else None,
        scales=False,
        assumptions=(SELF_SCALED,),
    )


def profile_resources(profile: Any) -> Any:
    """The resources of a KubeAI profile such as `nvidia-gpu-l4:2` or `google-tpu-v5e-2x2:1` (KubeAI
    docs, "Resource profiles")."""
    named = text(profile)
    if isinstance(named, Hidden):
        return named
    name, _, number = (named or "cpu").partition(":")
    times = count(number or 1)
    chips = re.search(r"-(\d{1,2})x(\d{1,2})$", name)
    each = int(chips[1]) * int(chips[2]) if chips else 1
    for word, resource in (
        ("amd", "amd.com/gpu"),
        ("tpu", "google.com/tpu"),
        ("gaudi", "habana.ai/gaudi"),
        ("nvidia", "nvidia.com/gpu"),
        ("gpu", "nvidia.com/gpu"),
    ):
        if word in name:
            return {"limits": {resource: each * times if isinstance(times, int) else UNKNOWN}}
    return None if name.startswith("cpu") else UNKNOWN
