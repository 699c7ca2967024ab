"""KubeRay: RayCluster, RayService, RayJob (KubeRay docs, "RayCluster configuration" and "KubeRay
autoscaling")."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from zerofloor.capacity import Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod, suspended
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.values import (
    Impossible,
    at,
    count,
    known_items,
    known_mapping,
    known_text,
    quantity,
    switch,
)
from zerofloor.words import counted

KINDS = frozenset(
    {
        ("ray.io", "RayCluster"),
        ("ray.io", "RayService"),
        ("ray.io", "RayJob"),
        ("ray.io", "RayCronJob"),
    }
)


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, ("ray.io", "RayCluster")):
        yield from _cluster(estate, obj, obj.spec, "spec", None)
    for obj in objects(estate, ("ray.io", "RayService")):
        inner = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "rayClusterConfig")
        yield from _cluster(
            estate, obj, inner, "spec.rayClusterConfig", at(obj.spec, "serveConfigV2")
        )
    for obj in objects(estate, ("ray.io", "RayJob")):
        inner = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "rayClusterSpec")
        if inner is not None:
            yield from _cluster(estate, obj, inner, "spec.rayClusterSpec", None)


def _cluster(estate: Estate, obj: Object, spec: Any, path: str, serve: Any) -> Iterable[Workload]:
    if isinstance(spec, Hidden):
        yield build(estate, obj, read_pod(estate, obj, spec, path), ceiling=None)
        return
    off = suspended(at(spec, "suspend")), suspended(at(obj.spec, "suspend"))
    ends = _job_ends(obj)
    head = at(spec, "headGroupSpec", "template")
    yield _group(estate, obj, head, f"{path}.headGroupSpec", "head", 1, 1, None, off, ends)
    scaled = switch(at(spec, "enableInTreeAutoscaling"))
    pinned = _pinned_gpus(serve)
    groups = at(spec, "workerGroupSpecs")
    if isinstance(groups, Hidden):
        yield build(
            estate,
            obj,
            read_pod(estate, obj, groups, f"{path}.workerGroupSpecs"),
            part="workers",
            ceiling=None,
        )
    for index, group in enumerate(known_items(groups)):
        where = f"{path}.workerGroupSpecs[{index}]"
        name = known_text(at(group, "groupName")) or f"workers {index}"
        hosts = count(at(group, "numOfHosts"))
        replicas, least, most = (
            count(at(group, field)) for field in ("replicas", "minReplicas", "maxReplicas")
        )
        numbers = ((least, "minReplicas"), (replicas, "replicas"), (hosts, "numOfHosts"))
        opened = next((f for v, f in numbers if isinstance(v, Hidden | Impossible)), None)
        reading = read_pod(
            estate,
            obj,
            group if isinstance(group, Hidden) else at(group, "template"),
            f"{where}.template",
        )
        stopped = (*off, suspended(at(group, "suspend")))
        if True not in stopped and (opened is not None or isinstance(scaled, Hidden)):
            field = f"{where}.{opened}" if opened else f"{path}.enableInTreeAutoscaling"
            part = Undecided(
                obj.urn,
                field,
                f"{field} can't be read at preview, so the number of workers is not known",
                SETTLE,
            )
            yield build(estate, obj, reading, part=name, undecided=(part,), ceiling=None)
            continue
        low = least if isinstance(least, int) else 0
        high = most if isinstance(most, int) else None
        wanted = max(replicas if isinstance(replicas, int) else 0, low)
        wanted = min(wanted, high) if high is not None else wanted
        if scaled is not True:
            because = Evidence(
                obj.urn,
                f"{where}.replicas",
                at(group, "replicas"),
                f"without autoscaling the group keeps {counted(wanted, 'worker')}",
            )
            kept, fix = (
                wanted,
                (
                    f"Set {path}.enableInTreeAutoscaling to true with {where}.minReplicas 0, "
                    f"or {where}.replicas to 0"
                ),
            )
        else:
            because = Evidence(
                obj.urn,
                f"{where}.minReplicas",
                at(group, "minReplicas"),
                f"the autoscaler keeps {counted(low, 'worker')}",
            )
            kept, fix = low, f"Set {where}.minReplicas to 0"
            if isinstance(serve, Hidden) and not kept and True not in stopped:
                part = Undecided(
                    obj.urn,
                    "spec.serveConfigV2",
                    "its deployments are not known at preview: they may keep workers",
                    SETTLE,
                )
                yield build(estate, obj, reading, part=name, undecided=(part,), ceiling=high)
                continue
            each = reading.demand.gpus
            if pinned and each and kept < math.ceil(pinned / each):
                kept = math.ceil(pinned / each)
                why = (
                    f"its deployments keep replicas that need {pinned:f} GPUs, whether or not "
                    "somebody asks"
                )
                because = Evidence(obj.urn, "spec.serveConfigV2", None, why)
                fix = "Give each deployment with GPUs an autoscaling_config with min_replicas 0"
        ceiling = high if scaled is True else wanted
        yield _group(
            estate,
            obj,
            at(group, "template"),
            where,
            name,
            kept,
            hosts if isinstance(hosts, int) and hosts else 1,
            ceiling,
            stopped,
            ends,
            because,
            fix,
            wanted,
        )


def _group(
    estate: Estate,
    obj: Object,
    template: Any,
    path: str,
    name: str,
    kept: int,
    hosts: int,
    ceiling: int | None,
    stopped: tuple[bool | Hidden, ...],
    ends: bool,
    because: Evidence | None = None,
    fix: str = "Keep GPUs out of the head group: it runs for as long as the cluster is there",
    desired: int | None = None,
) -> Workload:
    reading = read_pod(estate, obj, template, f"{path}.template")
    if True in stopped:
        return build(estate, obj, reading, part=name)
    wanted = kept if desired is None else desired
    if any(isinstance(value, Hidden) for value in stopped):
        part = Undecided(
            obj.urn, f"{path}", "whether it is suspended is not known at preview", SETTLE
        )
        return build(
            estate,
            obj,
            reading,
            part=name,
            undecided=(part,),
            desired=wanted,
            ceiling=ceiling,
            pods_per_replica=hosts,
        )
    if ends:
        return build(
            estate,
            obj,
            reading,
            part=name,
            desired=wanted,
            ceiling=ceiling or wanted,
            pods_per_replica=hosts,
        )
    because = because or Evidence(
        obj.urn, path, None, "the head pod runs for as long as the cluster is there"
    )
    if obj.kind == "RayJob":
        why = "shutdownAfterJobFinishes is not true, so the cluster stays when the job is done"
        because = Evidence(
            obj.urn, "spec.shutdownAfterJobFinishes", at(obj.spec, "shutdownAfterJobFinishes"), why
        )
        fix = "Set spec.shutdownAfterJobFinishes to true"
    holds = (
        (
            Hold(
                Cause.FIXED_REPLICAS if desired is None else Cause.SCALER_MINIMUM,
                obj.urn,
                kept,
                (because,),
                fix,
            ),
        )
        if kept
        else ()
    )
    return build(
        estate,
        obj,
        reading,
        part=name,
        holds=holds,
        desired=wanted,
        ceiling=ceiling if desired is not None else wanted,
        pods_per_replica=hosts,
    )


def _job_ends(obj: Object) -> bool:
    return obj.kind == "RayJob" and switch(at(obj.spec, "shutdownAfterJobFinishes")) is True


def _pinned_gpus(serve: Any) -> Decimal:
    """GPUs that the deployments of a Ray Serve config keep without a request; an unreadable config
    pins none by itself."""
    config = known_text(serve)
    if config is None:
        return Decimal(0)
    import yaml

    try:
        parsed = yaml.safe_load(config)
    except (yaml.YAMLError, ValueError, RecursionError):
        return Decimal(0)
    total = Decimal(0)
    for application in known_items(at(parsed, "applications")):
        for deployment in known_items(at(application, "deployments")):
            gpus = quantity(at(deployment, "ray_actor_options", "num_gpus"))
            if not isinstance(gpus, Decimal) or not gpus:
                continue
            scaling = known_mapping(at(deployment, "autoscaling_config"))
            # num_replicas defaults to 1, min_replicas of an autoscaling config too (Ray Serve
            # docs).
            number = (
                count(scaling.get("min_replicas", 1))
                if scaling
                else count(at(deployment, "num_replicas"))
            )
            total += gpus * (number if isinstance(number, int) else 1)
    return total
