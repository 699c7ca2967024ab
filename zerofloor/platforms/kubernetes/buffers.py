"""Capacity buffers (autoscaling.x-k8s.io): room for pods that are not there, kept by the node autoscaler where its gate is on."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.capacity import Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, objects, same_namespace
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, elsewhere, read_pod
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.values import at, count

KINDS = frozenset({("autoscaling.x-k8s.io", "CapacityBuffer")})


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, *KINDS):
        yield _buffer(estate, obj)


def _buffer(estate: Estate, obj: Object) -> Workload:
    reading, base = _pods(estate, obj)
    replicas, percent = count(at(obj.spec, "replicas")), count(at(obj.spec, "percentage"))
    path = "spec.replicas" if replicas is not None else "spec.percentage"
    kept: object = replicas
    if replicas is None and isinstance(percent, int):
        # As a percentage of a workload at 0 it keeps nothing (seen: shared/truth G06).
        kept = -(-base * percent // 100) if base is not None else Hidden.UNKNOWN
    if kept == 0 or (kept is None and base == 0) or estate.settings.trust.karpenter_capacity_buffer is False:
        return build(estate, obj, reading)
    if not isinstance(kept, int):
        part = Undecided(obj.urn, path, "how many pods it keeps room for is not known at preview", SETTLE)
        return build(estate, obj, reading, undecided=(part,), ceiling=None)
    because = Evidence(obj.urn, path, at(obj.body, *path.split(".")), f"keeps room for {kept} pods with no pod at all")
    if estate.settings.trust.karpenter_capacity_buffer is None:
        why = f"it keeps room for {kept} GPU pods where the autoscaler's CapacityBuffer gate is on, and none where it is off"
        part = Undecided(obj.urn, path, why, "Set trust.karpenterCapacityBuffer in zerofloor.yaml, or remove the buffer")
        return build(estate, obj, reading, undecided=(part,), ceiling=kept)
    hold = Hold(Cause.CAPACITY_BUFFER, obj.urn, kept, (because,), f"Set {path} to 0, or delete the buffer")
    return build(estate, obj, reading, holds=(hold,), desired=kept, ceiling=kept)


def _pods(estate: Estate, obj: Object) -> tuple[PodReading, int | None]:
    """What one pod of the buffer would ask for, and the replicas of the workload that it follows."""
    for field, kinds in (
        ("podTemplateRef", (("core", "PodTemplate"),)),
        ("scalableRef", (("apps", "Deployment"), ("apps", "StatefulSet"))),
    ):
        name = at(obj.spec, field, "name")
        if name is None:
            continue
        for other in objects(estate, *kinds):
            if other.name == name and same_namespace(other.namespace, obj.namespace):
                template = at(other.body, "template") if field == "podTemplateRef" else at(other.spec, "template")
                replicas = count(at(other.spec, "replicas"))
                return read_pod(estate, other, template, "template"), 1 if replicas is None else replicas if isinstance(
                    replicas, int
                ) else None
        return elsewhere(obj, f"spec.{field}", "what it refers to is not in the stack"), None
    return read_pod(estate, obj, obj.spec if isinstance(obj.spec, Hidden) else {}, "spec"), None
