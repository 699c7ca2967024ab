"""AIBrix: StormService, RoleSet, PodSet, RayClusterFleet, KVCache and PodAutoscaler.

Source: vllm-project/aibrix, api/orchestration/v1alpha1, api/autoscaling/v1alpha1 and
pkg/controller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from zerofloor.capacity import (
    NOT_KNOWN,
    Cause,
    Evidence,
    Hold,
    Part,
    Scaler,
    Subject,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes import ray
from zerofloor.platforms.kubernetes.objects import Object, annotation, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, one_container, read_pod
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, items, text
from zerofloor.words import counted

_GROUP: Final = "orchestration.aibrix.ai"
_AUTOSCALER: Final = ("autoscaling.aibrix.ai", "PodAutoscaler")
KINDS = frozenset(
    {
        *(
            (_GROUP, kind)
            for kind in (
                "StormService",
                "RoleSet",
                "PodSet",
                "RayClusterFleet",
                "RayClusterReplicaSet",
                "KVCache",
            )
        ),
        _AUTOSCALER,
        ("model.aibrix.ai", "ModelAdapter"),
    }
)
_TO_ZERO: Final = "autoscaling.aibrix.ai/scale-to-zero"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "StormService")):
        template = at(obj.spec, "template")
        roles = template if isinstance(template, Hidden) else at(template, "spec")
        yield from _roles(estate, obj, roles, "spec.template.spec", at(obj.spec, "replicas"))
    for obj in objects(estate, (_GROUP, "RoleSet")):
        yield from _roles(estate, obj, obj.spec, "spec", 1)
    for obj in objects(estate, (_GROUP, "PodSet")):
        reading = read_pod(estate, obj, at(obj.spec, "template"), "spec.template")
        yield keep_pods(
            estate,
            obj,
            reading,
            value=at(obj.spec, "podGroupSize"),
            path="spec.podGroupSize",
            fix="Delete the PodSet when idle: nothing scales it to zero",
        )
    for obj in objects(estate, (_GROUP, "RayClusterFleet"), (_GROUP, "RayClusterReplicaSet")):
        yield from ray.fleet(estate, obj)
    for obj in objects(estate, (_GROUP, "KVCache")):
        yield _cache(estate, obj)
    for obj in objects(estate, _AUTOSCALER):
        yield _scaler(estate, obj)


def _roles(estate: Estate, obj: Object, spec: Any, path: str, copies: Any) -> Iterator[Workload]:
    """The roles of each set; each role has replicas of `podGroupSize` pods."""
    roles = items(at(spec, "roles"))
    number = 1 if copies is None else copies
    for index, role in enumerate([roles] if isinstance(roles, Hidden) else roles):
        where = f"{path}.roles[{index}]"
        reading = read_pod(
            estate,
            obj,
            role if isinstance(role, Hidden) else at(role, "template"),
            f"{where}.template",
        )
        named = text(at(role, "name"))
        part = named if isinstance(named, str) else str(index)
        each = at(role, "replicas")
        replicas, group = count(1 if each is None else each), count(at(role, "podGroupSize"))
        if not isinstance(replicas, int) or isinstance(group, Hidden | Impossible):
            why = "How many pods the role keeps is not known at preview"
            unread = Undecided(obj.urn, f"{where}.replicas", why, SETTLE, about=Subject.REPLICAS)
            yield build(estate, obj, reading, part=part, undecided=(unread,), ceiling=None)
            continue
        size = replicas * (group if isinstance(group, int) and group else 1)
        if obj.kind == "RoleSet" or size == 0:
            yield keep_pods(
                estate,
                obj,
                reading,
                value=replicas,
                path=f"{where}.replicas",
                part=part,
                pods_per_replica=max(1, size // max(1, replicas)),
            )
            continue
        yield keep_pods(
            estate,
            obj,
            reading,
            value=number,
            path="spec.replicas",
            part=part,
            pods_per_replica=size,
        )


def _cache(estate: Estate, obj: Object) -> Workload:
    cache = at(obj.spec, "cache")
    given = at(cache, "template")
    template = one_container({"resources": at(cache, "resources")}, {}) if given is None else given
    reading = read_pod(estate, obj, cache if isinstance(cache, Hidden) else template, "spec.cache")
    return keep_pods(
        estate,
        obj,
        reading,
        value=at(cache, "replicas"),
        path="spec.cache.replicas",
        fix="Set spec.cache.replicas to 0 when idle",
    )


def _scaler(estate: Estate, obj: Object) -> Scaler:
    """Like an HPA: it never goes below its minimum (1 where it says none), and to zero only with
    the label that allows it."""
    spec = obj.spec
    target = at(spec, "scaleTargetRef")
    kind, name = text(at(target, "kind")), text(at(target, "name"))
    value = at(spec, "minReplicas")
    minimum, maximum = count(value), count(at(spec, "maxReplicas"))
    undecided: tuple[Undecided, ...] = ()
    holds: tuple[Hold, ...] = ()
    path = "spec.minReplicas"
    if isinstance(spec, Hidden) or isinstance(minimum, Hidden):
        why = "Its minimum is not known at preview"
        undecided = (Undecided(obj.urn, path, why, SETTLE),)
    floor = minimum if isinstance(minimum, int) else 1
    allowed = _may_go_to_zero(obj)
    if not undecided and (floor or not allowed):
        kept = max(1, floor)
        why = f"the autoscaler keeps {counted(kept, 'replica')} without a request"
        because = Evidence(obj.urn, path, value, why)
        fix = f'Set {path} to 0 and the annotation {_TO_ZERO} to "true"'
        change = () if not allowed else change_of(obj, path, 0)
        holds = (
            Hold(
                cause=Cause.SCALER_MINIMUM,
                urn=obj.urn,
                units=kept,
                evidence=(because,),
                fix=fix,
                change=change,
            ),
        )
    role = at(spec, "subTargetSelector")
    if role is not None and not undecided:
        why = "It scales one role of its target: what the others keep is their own"
        undecided = (Undecided(obj.urn, "spec.subTargetSelector", why, SETTLE),)
    return Scaler(
        urn=obj.urn,
        kind=obj.kind,
        namespace=obj.namespace,
        cluster=obj.cluster,
        target_kind="" if isinstance(kind, Hidden) else kind or "Deployment",
        target_name=name if isinstance(name, str) else None,
        target_urns=tuple((obj.resource.property_dependencies or {}).get("spec", ())),
        wakes_from_zero=floor == 0,
        holds=holds,
        maximum=maximum if isinstance(maximum, int) else NOT_KNOWN,
        undecided=undecided,
    )


def _may_go_to_zero(obj: Object) -> bool:
    """Whether a label or annotation allows it; hidden, it does not (that may raise a floor)."""
    label = at(obj.body, "metadata", "labels", _TO_ZERO)
    return "true" in (label, annotation(obj, _TO_ZERO))
