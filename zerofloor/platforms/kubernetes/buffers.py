"""Capacity buffers (autoscaling.x-k8s.io): room for pods that are not there, kept by the node
autoscaler where its gate is on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from zerofloor.capacity import Accounted, Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, change_of, meet, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, elsewhere, read_pod
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.values import Count, Impossible, at, count, known_items, known_mapping, quantity
from zerofloor.words import counted

KINDS = frozenset({("autoscaling.x-k8s.io", "CapacityBuffer")})

_REFERENCES = (
    ("podTemplateRef", (("core", "PodTemplate"),)),
    ("scalableRef", (("apps", "Deployment"), ("apps", "StatefulSet"))),
)


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, *KINDS):
        yield _buffer(estate, obj)
        because = "it limits how many chunks there are; the chunk says what each takes"
        yield Accounted(urn=obj.urn, path="spec.limits", because=because)


def _buffer(estate: Estate, obj: Object) -> Workload:
    reading, target, template = _chunk(estate, obj)
    gate = estate.settings.trust.karpenter_capacity_buffer
    replicas, percent = count(at(obj.spec, "replicas")), count(at(obj.spec, "percentage"))
    chunks: Count | None = replicas
    path, share = "spec.replicas", None
    if replicas is None and percent is not None:
        path = "spec.percentage"
        chunks = percent
        # A share of a workload: what its scaler leaves of it decides how much that is.
        share = Decimal(percent) / 100 if isinstance(percent, int) and target is not None else None
    elif replicas is None and at(obj.spec, "limits") is not None:
        path, chunks = "spec.limits", _allowed(at(obj.spec, "limits"), template)
    if chunks == 0 or gate is False:
        return build(estate, obj, reading)
    if not isinstance(chunks, int) or (path == "spec.percentage" and share is None):
        fault = "is not known at preview"
        if isinstance(chunks, Impossible):
            fault = f"is invalid: {chunks.why}"
        why = f"The number of pods that it keeps room for {fault}"
        part = Undecided(obj.urn, path, why, SETTLE)
        return build(estate, obj, reading, undecided=(part,), ceiling=None)
    said = (
        f"{chunks}% of {target.shown_name}"
        if share is not None and target is not None
        else counted(chunks, "pod")
    )
    if gate is None:
        why = (
            f"It keeps room for {said} where the autoscaler's CapacityBuffer gate is on, and "
            "none where it is off"
        )
        part = Undecided(
            obj.urn,
            path,
            why,
            "Set trust.karpenterCapacityBuffer in zerofloor.yaml, or remove the buffer",
        )
        return build(estate, obj, reading, undecided=(part,), ceiling=chunks)
    because = Evidence(
        obj.urn, path, at(obj.body, *path.split(".")), f"keeps room for {said} with no pod at all"
    )
    change = change_of(obj, path, 0) if path != "spec.limits" else ()
    fix = f"Set {path} to 0, or delete the buffer"
    hold = Hold(
        cause=Cause.CAPACITY_BUFFER,
        urn=obj.urn,
        units=chunks,
        evidence=(because,),
        fix=fix,
        change=change,
    )
    if share is not None and target is not None:
        following = build(estate, obj, reading, holds=(hold,), ceiling=None)
        return replace(following, follows=target.urn, share=share)
    return build(estate, obj, reading, holds=(hold,), desired=chunks, ceiling=chunks)


def _chunk(estate: Estate, obj: Object) -> tuple[PodReading, Object | None, Any]:
    """What one pod of the buffer asks for, the workload that it follows, and the template of
    both."""
    for field, kinds in _REFERENCES:
        name = at(obj.spec, field, "name")
        if name is None:
            continue
        for other in objects(estate, *kinds):
            if other.name == name and meet(other, obj):
                followed = field == "scalableRef"
                template = _as_requested(
                    at(other.spec, "template") if followed else at(other.body, "template")
                )
                return (
                    read_pod(estate, other, template, "template"),
                    other if followed else None,
                    template,
                )
        return elsewhere(obj, f"spec.{field}", "What it refers to isn't in the stack"), None, {}
    return read_pod(estate, obj, obj.spec if isinstance(obj.spec, Hidden) else {}, "spec"), None, {}


def _as_requested(template: Any) -> Any:
    """The template with what it requests as its limits: of a chunk only requests count, and nothing
    fills them in (seen: lab L84)."""
    spec = at(template, "spec")
    if not isinstance(template, Mapping) or not isinstance(spec, Mapping):
        return template
    out = dict(spec)
    for group in ("containers", "initContainers"):
        if isinstance(out.get(group), list | tuple):
            out[group] = [_only_requests(container) for container in out[group]]
    return {**template, "spec": out}


def _only_requests(container: Any) -> Any:
    requests = at(container, "resources", "requests")
    return (
        {**container, "resources": {"requests": requests, "limits": requests}}
        if isinstance(container, Mapping)
        else container
    )


def _allowed(limits: Any, template: Any) -> Count:
    """How many chunks the buffer's limits allow: as many as the scarcest limited resource has room
    for (seen: lab L89, L92)."""
    if isinstance(limits, Hidden):
        return limits
    rooms: list[int] = []
    for name, value in known_mapping(limits).items():  # Not hidden any more.
        limit = quantity(value)
        asked = [
            quantity(at(container, "resources", "requests", name))
            for container in known_items(at(template, "spec", "containers"))
        ]
        each = sum((amount for amount in asked if isinstance(amount, Decimal)), Decimal(0))
        if isinstance(limit, Hidden):
            return limit
        if isinstance(limit, Decimal):
            rooms.append(int(limit // each) if each else 0)
    return min(rooms, default=0)
