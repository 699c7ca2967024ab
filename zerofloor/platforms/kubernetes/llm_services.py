"""KServe's LLMInferenceServices: a group of pods a replica, scaled by an HPA or by KEDA.

Source: kserve/kserve, pkg/apis/serving/v1alpha2 and pkg/controller/v1alpha2/llmisvc.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.keda import TRUSTED as KEDA_TRUSTED
from zerofloor.platforms.kubernetes.objects import Object, annotation, meet, merged, objects
from zerofloor.platforms.kubernetes.pods import (
    SETTLE,
    PodReading,
    add_to,
    elsewhere,
    read_claims,
    read_pod,
)
from zerofloor.platforms.kubernetes.serving import TRUSTED
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import Hidden
from zerofloor.values import at, count, items, text

_GROUP: Final = "serving.kserve.io"
CONFIGURATIONS = frozenset({(_GROUP, "LLMInferenceServiceConfig")})
"""They run nothing by themselves."""
KINDS = frozenset({(_GROUP, "LLMInferenceService"), *CONFIGURATIONS})
_STOP: Final = "serving.kserve.io/stop"
_DEVICE_CLASS: Final = "serving.kserve.io/exp-dra-device-class"
_DEVICE_COUNT: Final = "serving.kserve.io/exp-dra-device-count"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "LLMInferenceService")):
        if isinstance(obj.spec, Hidden):
            yield build(estate, obj, read_pod(estate, obj, obj.spec, "spec"), ceiling=None)
            continue
        spec, unread = _with_bases(estate, obj)
        yield from _role(estate, obj, spec, "spec", "", unread)
        if at(spec, "prefill") is not None:
            yield from _role(estate, obj, at(spec, "prefill"), "spec.prefill", "prefill", unread)


def _with_bases(estate: Estate, obj: Object) -> tuple[Any, Undecided | None]:
    """The specification over its configurations (`baseRefs`), the last of which counts most; with
    what is not in the stack."""
    refs = items(at(obj.spec, "baseRefs"))
    if isinstance(refs, Hidden):
        why = f"Its base configurations are {refs.value} at preview: they may ask for GPUs"
        return obj.spec, Undecided(obj.urn, "spec.baseRefs", why, SETTLE)
    base: Any = {}
    for index, ref in enumerate(refs):
        name = text(at(ref, "name"))
        known = objects(estate, (_GROUP, "LLMInferenceServiceConfig"))
        found = next((one for one in known if one.name == name and meet(one, obj)), None)
        if found is None or isinstance(found.spec, Hidden):
            why = "A base configuration isn't in the stack, and its pods may ask for GPUs"
            settle = "Check it together with the configuration's stack (--join), or waive it"
            return obj.spec, Undecided(obj.urn, f"spec.baseRefs[{index}]", why, settle)
        base = merged(base, found.spec)
    return merged(base, obj.spec) if refs else obj.spec, None


def _role(
    estate: Estate, obj: Object, role: Any, path: str, name: str, unread: Undecided | None
) -> Iterator[Workload]:
    """The leader and the workers of one role (decode or prefill)."""
    if isinstance(role, Hidden):
        yield build(estate, obj, read_pod(estate, obj, role, path), part=name, ceiling=None)
        return
    template, worker = at(role, "template"), at(role, "worker")
    if template is None and worker is None:
        if name == "" and at(role, "prefill") is None:
            why = "Its pod template is in a configuration outside the declaration"
            yield _kept(estate, obj, elsewhere(obj, path, why), role, path, name)
        return
    reading = _reading(estate, obj, template, f"{path}.template", unread)
    yield _kept(estate, obj, reading, role, path, name)
    size = _group_size(role)
    if worker is None or size == 1:
        return
    inner = _reading(estate, obj, worker, f"{path}.worker", unread)
    if isinstance(size, Hidden):
        why = "How many pods are in a group is not known at preview"
        part = Undecided(obj.urn, f"{path}.parallelism", why, SETTLE)
        inner = add_to(inner, undecided=(part,))
    workers = size - 1 if isinstance(size, int) else 1
    part_name = f"{name} workers".strip()
    yield _kept(estate, obj, inner, role, path, part_name, workers)


def _group_size(role: Any) -> int | Hidden:
    """Pods of a group with workers: data / dataLocal, else the pipeline's (GetSize); two where
    neither says."""
    parallelism = at(role, "parallelism")
    data, local, pipeline = (
        count(at(parallelism, axis)) for axis in ("data", "dataLocal", "pipeline")
    )
    for number in (data, local, pipeline):
        if isinstance(number, Hidden):
            return number
    data_size, local_size = _number(data), _number(local)
    if data_size or local_size:
        return max(1, max(1, data_size) // max(1, local_size))
    return _number(pipeline) or 2


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _reading(
    estate: Estate, obj: Object, template: Any, path: str, unread: Undecided | None
) -> PodReading:
    pod = template if isinstance(template, Hidden) else {"spec": template}
    reading = read_pod(estate, obj, pod, path)
    if unread is not None and not reading.demand.wants_gpu:
        reading = add_to(reading, undecided=(unread,))
    named = annotation(obj, _DEVICE_CLASS)
    if named is None and not isinstance(obj.annotations, Hidden):
        return reading
    number = annotation(obj, _DEVICE_COUNT)
    device = {"deviceClassName": named, "count": number}
    claims = [{"claimCreationSpec": {"devices": [device]}}]
    return read_claims(estate, obj, reading, claims, "metadata.annotations")


def _kept(
    estate: Estate,
    obj: Object,
    reading: PodReading,
    role: Any,
    path: str,
    part: str,
    pods: int = 1,
) -> Workload:
    stopped = annotation(obj, _STOP)
    if stopped in ("true", True):
        return build(estate, obj, reading, part=part)
    scaling = at(role, "scaling")
    if isinstance(scaling, Hidden):
        why = f"{path}.scaling is {scaling.value} at preview: its minimum is not known"
        unread = Undecided(obj.urn, f"{path}.scaling", why, SETTLE)
        return build(estate, obj, reading, part=part, undecided=(unread,), ceiling=None)
    if scaling is None:
        advice = (
            f"Set {path}.scaling with a keda idleReplicaCount of 0, or stop it with the "
            f'annotation {_STOP} "true"'
        )
        value = at(role, "replicas")
        where = f"{path}.replicas"
        return keep_pods(
            estate,
            obj,
            reading,
            value=value,
            path=where,
            fix=advice,
            part=part,
            pods_per_replica=pods,
            assumptions=(TRUSTED,),
        )
    return _scaled(estate, obj, reading, scaling, path, part, pods)


def _scaled(
    estate: Estate,
    obj: Object,
    reading: PodReading,
    scaling: Mapping[str, Any],
    path: str,
    part: str,
    pods: int,
) -> Workload:
    """`minReplicas` (1 or more) while a trigger is active; KEDA's `idleReplicaCount` when none
    is."""
    way = next((w for w in ("keda", "wva.keda") if at(scaling, *w.split(".")) is not None), None)
    idle = None if way is None else at(scaling, *way.split("."), "idleReplicaCount")
    trusted: tuple[Assumption, ...] = (TRUSTED,)
    where, value = f"{path}.scaling.minReplicas", at(scaling, "minReplicas")
    if idle is not None and estate.settings.trust.keda:
        where, value = f"{path}.scaling.{way}.idleReplicaCount", idle
        trusted = (TRUSTED, KEDA_TRUSTED)
    elif value == 0:
        value = 1  # The definition's minimum is 1.
    maximum = count(at(scaling, "maxReplicas"))
    fix = (
        f"Set {path}.scaling.{way}.idleReplicaCount to 0"
        if way is not None
        else f"Scale it with KEDA ({path}.scaling.keda) and an idleReplicaCount of 0"
    )
    return keep_pods(
        estate,
        obj,
        reading,
        value=value,
        path=where,
        cause=Cause.SCALER_MINIMUM,
        fix=fix,
        part=part,
        pods_per_replica=pods,
        ceiling=maximum if isinstance(maximum, int) else None,
        assumptions=trusted,
    )
