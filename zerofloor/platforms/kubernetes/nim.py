"""NVIDIA's NIM operator: NIMService, NIMPipeline and NIMCache.

Source: NVIDIA/k8s-nim-operator, api/apps/v1alpha1 and internal/controller/platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from zerofloor.capacity import Accounted, Cause, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import (
    SETTLE,
    PodReading,
    add_to,
    one_container,
    read_claims,
    read_pod,
)
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import Hidden
from zerofloor.values import at, count, items, switch, text

_GROUP: Final = "apps.nvidia.com"
DOWNLOADS = frozenset({(_GROUP, "NIMCache")})
"""They download a model once and end."""
KINDS = frozenset({(_GROUP, "NIMService"), (_GROUP, "NIMPipeline"), *DOWNLOADS})

_MIN_SCALE: Final = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "NIMService")):
        yield _service(estate, obj, obj.spec, "spec", "")
    for obj in objects(estate, (_GROUP, "NIMPipeline")):
        yield from _pipeline(estate, obj)


def _pipeline(estate: Estate, obj: Object) -> Iterator[Part]:
    services = items(at(obj.spec, "services"))
    if isinstance(services, Hidden):
        yield _service(estate, obj, services, "spec.services", "")
        return
    for index, service in enumerate(services):
        enabled = switch(at(service, "enabled"))
        if enabled is False:
            place = f"spec.services[{index}]"
            yield Accounted(urn=obj.urn, path=place, because="the service is not enabled")
            continue
        path = f"spec.services[{index}].spec"
        spec = service if isinstance(service, Hidden) else at(service, "spec")
        own = _service(estate, obj, spec, path, _part_of(service, index))
        if isinstance(enabled, Hidden) and own.pod.wants_gpu:
            why = f"Whether it is enabled is {enabled.value} at preview"
            where = f"spec.services[{index}].enabled"
            part = Undecided(obj.urn, where, why, SETTLE)
            own = replace(own, holds=(), undecided=(*own.undecided, part))
        yield own


def _part_of(service: Any, index: int) -> str:
    name = text(at(service, "name"))
    return name if isinstance(name, str) else str(index)


def _service(estate: Estate, obj: Object, spec: Any, path: str, part: str) -> Workload:
    if isinstance(spec, Hidden):
        return build(estate, obj, read_pod(estate, obj, spec, path), part=part, ceiling=None)
    reading = _reading(estate, obj, spec, path)
    if at(spec, "inferencePlatform") == "kserve" and not _is_standard(spec):
        return _on_knative(estate, obj, spec, path, part, reading)
    scale = at(spec, "scale")
    enabled = switch(at(scale, "enabled"))
    if isinstance(enabled, Hidden):
        why = f"Whether it scales itself is {enabled.value} at preview"
        unread = Undecided(obj.urn, f"{path}.scale.enabled", why, SETTLE)
        return build(estate, obj, reading, part=part, undecided=(unread,), ceiling=None)
    size = count(at(spec, "multiNode", "parallelism", "pipeline"))
    shape: dict[str, Any] = {
        "part": part,
        "pods_per_replica": size if isinstance(size, int) and size else 1,
    }
    if isinstance(size, Hidden) or isinstance(at(spec, "multiNode"), Hidden):
        why = "How many pods serve one replica is not known at preview"
        unread = Undecided(obj.urn, f"{path}.multiNode", why, SETTLE)
        return build(estate, obj, reading, part=part, undecided=(unread,), ceiling=None)
    if not enabled:
        return keep_pods(
            estate, obj, reading, value=at(spec, "replicas"), path=f"{path}.replicas", **shape
        )
    minimum, maximum = at(scale, "hpa", "minReplicas"), count(at(scale, "hpa", "maxReplicas"))
    return keep_pods(
        estate,
        obj,
        reading,
        value=1 if minimum == 0 else minimum,
        path=f"{path}.scale.hpa.minReplicas",
        cause=Cause.SCALER_MINIMUM,
        fix=(
            f"Set {path}.scale.enabled to false and {path}.replicas to 0 when idle: its HPA never "
            "goes below one pod"
        ),
        ceiling=maximum if isinstance(maximum, int) else None,
        **shape,
    )


def _is_standard(spec: Any) -> bool:
    """Whether KServe makes a Deployment; a hidden mode is taken for it, since it holds more."""
    mode = at(spec, "annotations", "serving.kserve.io/deploymentMode")
    return isinstance(mode, Hidden) or mode in ("RawDeployment", "Standard")


def _on_knative(
    estate: Estate, obj: Object, spec: Any, path: str, part: str, reading: PodReading
) -> Workload:
    """An InferenceService in serverless mode: the annotations' min-scale counts, else KServe's
    minimum of 1, and `replicas` does not."""
    annotations = at(spec, "annotations")
    key = next((key for key in _MIN_SCALE if at(annotations, key) is not None), _MIN_SCALE[0])
    return keep_pods(
        estate,
        obj,
        reading,
        value=at(annotations, key),
        path=f'{path}.annotations["{key}"]',
        cause=Cause.SCALER_MINIMUM,
        fix=f'Set {path}.annotations["{key}"] to "0"',
        part=part,
    )


def _reading(estate: Estate, obj: Object, spec: Any, path: str) -> PodReading:
    container = {"resources": at(spec, "resources")}
    reading = read_pod(estate, obj, one_container(container, spec), path)
    claims = items(at(spec, "draResources"))
    if isinstance(claims, Hidden) or claims:
        reading = read_claims(estate, obj, reading, claims, f"{path}.draResources")
    elif not reading.demand.wants_gpu and _names_profile(spec):
        why = "the operator adds the GPUs that the model's profile needs"
        where = f"{path}.storage.nimCache.profile"
        unread = Undecided(obj.urn, where, f"{where} is set: {why}", _NAME_THEM)
        reading = add_to(reading, undecided=(unread,))
    return reading


def _names_profile(spec: Any) -> bool:
    profile = text(at(spec, "storage", "nimCache", "profile"))
    return isinstance(profile, Hidden) or bool(profile)


_NAME_THEM: Final = "Set spec.resources.limits to the GPUs that a pod takes"
