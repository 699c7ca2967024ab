"""KubeRay: RayCluster, RayService, RayJob, RayCronJob (KubeRay docs, "RayCluster configuration" and
"KubeRay autoscaling"; ray-project/kuberay, ray-operator/apis/ray/v1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    WEEK,
    Accounted,
    Cause,
    Change,
    Evidence,
    Hold,
    Part,
    Subject,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, read_pod, suspended
from zerofloor.platforms.kubernetes.queues import switched_off
from zerofloor.platforms.kubernetes.ray_serve import Pinned, pinned_by
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import Impossible, at, count, items, seconds, switch, text
from zerofloor.words import counted

KINDS = frozenset(
    {
        ("ray.io", "RayCluster"),
        ("ray.io", "RayService"),
        ("ray.io", "RayJob"),
        ("ray.io", "RayCronJob"),
    }
)


class _Cluster(Value, frozen=True, kw_only=True):
    """A Ray cluster inside some object."""

    obj: Object
    spec: Any
    path: str
    """Where its specification stands."""
    off: tuple[bool | Hidden, ...] = ()
    """The switches that suspend it."""
    job: Any = None
    """The RayJob's specification that it runs for; None: it never ends."""
    job_path: str = "spec"
    ends: frozenset[str] | Hidden = frozenset()
    """Which groups ("head", "workers") are deleted when the job is done."""
    pinned: Pinned | None = None
    """What a Serve config keeps on the workers; None: there is no Serve config."""
    copies: int = 1
    """How many such clusters there are."""
    copies_path: str = ""


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, ("ray.io", "RayCluster")):
        yield from _read_cluster(estate, _Cluster(obj=obj, spec=obj.spec, path="spec"))
    for obj in objects(estate, ("ray.io", "RayService")):
        inner = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "rayClusterConfig")
        cluster = _Cluster(
            obj=obj,
            spec=inner,
            path="spec.rayClusterConfig",
            pinned=pinned_by(at(obj.spec, "serveConfigV2")),
        )
        yield from _read_cluster(estate, cluster)
    for obj in objects(estate, ("ray.io", "RayJob")):
        yield from _job(estate, obj, obj.spec, "spec")
        because = "the entry point takes GPUs that the cluster has"
        yield Accounted(urn=obj.urn, path="spec.entrypointNumGpus", because=because)
    for obj in objects(estate, ("ray.io", "RayCronJob")):
        yield from _cron_job(estate, obj)


def fleet(estate: Estate, obj: Object) -> Iterator[Workload]:
    """AIBrix' RayClusterFleet: `replicas` clusters of one template."""
    value = at(obj.spec, "replicas")
    replicas = count(1 if value is None else value)
    template = at(obj.spec, "template")
    cluster = _Cluster(
        obj=obj,
        spec=template if isinstance(template, Hidden) else at(template, "spec"),
        path="spec.template.spec",
        copies=replicas if isinstance(replicas, int) else 1,
        copies_path="spec.replicas",
    )
    for workload in _read_cluster(estate, cluster):
        if isinstance(replicas, int):
            yield workload
            continue
        why = "How many clusters the fleet keeps is not known at preview"
        part = Undecided(obj.urn, "spec.replicas", why, SETTLE, about=Subject.REPLICAS)
        yield replace(workload, holds=(), undecided=(*workload.undecided, part))


def _job(estate: Estate, obj: Object, job: Any, path: str) -> Iterator[Workload]:
    inner = job if isinstance(job, Hidden) else at(job, "rayClusterSpec")
    if inner is None:
        return  # It runs on a cluster that is there (`clusterSelector`).
    cluster = _Cluster(
        obj=obj,
        spec=inner,
        path=f"{path}.rayClusterSpec",
        off=(switched_off(estate, obj, at(job, "suspend")),),
        job=job,
        job_path=path,
        ends=_ends(job),
    )
    yield from _read_cluster(estate, cluster)


def _cron_job(estate: Estate, obj: Object) -> Iterator[Workload]:
    """A RayJob by schedule: its clusters are gone when a run is done, or stay one by one."""
    job = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "jobTemplate")
    stopped, schedule = suspended(at(obj.spec, "suspend")), text(at(obj.spec, "schedule"))
    for workload in _job(estate, obj, job, "spec.jobTemplate"):
        if stopped is True:
            yield replace(workload, holds=(), undecided=(), desired=0, ceiling=0)
            continue
        # Nothing runs when it is created; what stays of each run adds up without an end.
        own = replace(workload, desired=0, ceiling=None if workload.holds else workload.ceiling)
        yield (
            replace(own, schedule_hidden=True)
            if isinstance(schedule, Hidden)
            else replace(own, schedule=schedule)
        )


_INTERACTIVE: Final = "InteractiveMode"
_ALL: Final = frozenset({"head", "workers"})
_DELETED: Final = {
    "DeleteCluster": _ALL,
    "DeleteSelf": _ALL,
    "DeleteWorkers": frozenset({"workers"}),
}


def _ends(job: Any) -> frozenset[str] | Hidden:
    """What is deleted when a RayJob has succeeded: by `shutdownAfterJobFinishes` or by a deletion
    rule."""
    mode = text(at(job, "submissionMode"))
    if mode == _INTERACTIVE or isinstance(mode, Hidden):
        # It waits for a person who submits a job, whatever is deleted afterwards.
        return mode if isinstance(mode, Hidden) else frozenset()
    shutdown = switch(at(job, "shutdownAfterJobFinishes"))
    if isinstance(shutdown, Hidden):
        return shutdown
    if shutdown:
        return _ALL if _is_soon(at(job, "ttlSecondsAfterFinished")) else frozenset()
    strategy = at(job, "deletionStrategy")
    rules = items(at(strategy, "deletionRules"))
    legacy = at(strategy, "onSuccess", "policy")
    for part in (strategy, rules, legacy):
        if isinstance(part, Hidden):
            return part
    gone = _DELETED.get(str(legacy), frozenset())
    for rule in [] if isinstance(rules, Hidden) else rules:
        policy, status = at(rule, "policy"), at(rule, "condition", "jobStatus")
        for part in (policy, status):
            if isinstance(part, Hidden):
                return part
        if status == "SUCCEEDED" and _is_soon(at(rule, "condition", "ttlSeconds")):
            gone |= _DELETED.get(str(policy), frozenset())
    return gone


def _is_soon(delay: Any) -> bool:
    """Whether it is over within a week; a delay that is hidden is not taken for short."""
    length = Decimal(0) if delay is None else seconds(delay)
    return isinstance(length, Decimal) and length <= WEEK * 3600


def _read_cluster(estate: Estate, cluster: _Cluster) -> Iterator[Workload]:
    obj, spec, path = cluster.obj, cluster.spec, cluster.path
    if isinstance(spec, Hidden):
        yield build(estate, obj, read_pod(estate, obj, spec, path), ceiling=None)
        return
    # Kueue resumes what it admits itself; the cluster of a RayJob is suspended through its job.
    inside = at(spec, "suspend")
    own = suspended(inside) if cluster.job is not None else switched_off(estate, obj, inside)
    cluster = replace(cluster, off=(*cluster.off, own))
    yield _head(estate, cluster)
    groups = items(at(spec, "workerGroupSpecs"))
    if isinstance(groups, Hidden):
        reading = read_pod(estate, obj, groups, f"{path}.workerGroupSpecs")
        yield build(estate, obj, reading, part="workers", ceiling=None)
        return
    left = cluster.pinned.gpus if cluster.pinned is not None else Decimal(0)
    for index, group in enumerate(groups):
        where = f"{path}.workerGroupSpecs[{index}]"
        template = group if isinstance(group, Hidden) else at(group, "template")
        reading = read_pod(estate, obj, template, f"{where}.template")
        sized = _size(cluster, group, where, reading, left)
        each = reading.demand.gpus * sized.hosts
        left = max(Decimal(0), left - each * sized.kept)
        yield _workers(estate, cluster, group, where, index, reading, sized)


def _head(estate: Estate, cluster: _Cluster) -> Workload:
    path = f"{cluster.path}.headGroupSpec"
    spec = at(cluster.spec, "headGroupSpec")
    template = spec if isinstance(spec, Hidden) else at(spec, "template")
    reading = read_pod(estate, cluster.obj, template, f"{path}.template")
    because = Evidence(
        cluster.obj.urn, path, spec, "the head pod runs for as long as the cluster is there"
    )
    fix = "Keep GPUs out of the head group: it runs for as long as the cluster is there"
    hold = Hold(
        cause=Cause.FIXED_REPLICAS, urn=cluster.obj.urn, units=1, evidence=(because,), fix=fix
    )
    return _group(estate, cluster, "head", "head", reading, hold, cluster.off, wanted=1, ceiling=1)


class _Size(Value, frozen=True, kw_only=True):
    """How many workers a group keeps, and why."""

    kept: int = 0
    cause: Cause = Cause.SCALER_MINIMUM
    wanted: int = 0
    """At creation."""
    ceiling: int | None = None
    hosts: int = 1
    because: Evidence | None = None
    fix: str = ""
    change: tuple[Change, ...] = ()
    undecided: Undecided | None = None


def _size(cluster: _Cluster, group: Any, where: str, reading: PodReading, left: Decimal) -> _Size:
    obj, path = cluster.obj, cluster.path
    scaled = switch(at(cluster.spec, "enableInTreeAutoscaling"))
    hosts = count(at(group, "numOfHosts"))
    replicas, least, most = (
        count(at(group, field)) for field in ("replicas", "minReplicas", "maxReplicas")
    )
    numbers = ((least, "minReplicas"), (replicas, "replicas"), (hosts, "numOfHosts"))
    opened = next((f for v, f in numbers if isinstance(v, Hidden | Impossible)), None)
    if opened is not None or isinstance(scaled, Hidden):
        field = f"{where}.{opened}" if opened else f"{path}.enableInTreeAutoscaling"
        why = f"{field} can't be read at preview, so the number of workers is not known"
        return _Size(undecided=Undecided(obj.urn, field, why, SETTLE))
    low = least if isinstance(least, int) else 0
    high = most if isinstance(most, int) else None
    wanted = max(replicas if isinstance(replicas, int) else 0, low)
    wanted = min(wanted, high) if high is not None else wanted
    own_hosts = hosts if isinstance(hosts, int) and hosts else 1
    if scaled is not True:
        return _fixed(cluster, group, where, wanted, own_hosts)
    because = Evidence(
        obj.urn,
        f"{where}.minReplicas",
        at(group, "minReplicas"),
        f"the autoscaler keeps {counted(low, 'worker')}",
    )
    found = _Size(
        kept=low,
        wanted=wanted,
        ceiling=high,
        hosts=own_hosts,
        because=because,
        fix=f"Set {where}.minReplicas to 0",
        change=change_of(obj, f"{where}.minReplicas", 0),
    )
    return _with_serve(cluster, found, reading, left)


def _fixed(cluster: _Cluster, group: Any, where: str, wanted: int, hosts: int) -> _Size:
    """A group without an autoscaler keeps its replicas."""
    obj, switch_path = cluster.obj, f"{cluster.path}.enableInTreeAutoscaling"
    because = Evidence(
        obj.urn,
        f"{where}.replicas",
        at(group, "replicas"),
        f"without autoscaling the group keeps {counted(wanted, 'worker')}",
    )
    fix = f"Set {switch_path} to true with {where}.minReplicas 0, or {where}.replicas to 0"
    change = (*change_of(obj, switch_path, True), *change_of(obj, f"{where}.minReplicas", 0))
    if cluster.pinned is not None:
        # Ray's autoscaler keeps what the Serve app keeps.
        fix = (
            f"Set {switch_path} to true, {where}.minReplicas to 0 and min_replicas 0 in "
            "spec.serveConfigV2"
        )
        change = ()
    return _Size(
        kept=wanted,
        cause=Cause.FIXED_REPLICAS,
        wanted=wanted,
        ceiling=wanted,
        hosts=hosts,
        because=because,
        fix=fix,
        change=change,
    )


def _with_serve(cluster: _Cluster, found: _Size, reading: PodReading, left: Decimal) -> _Size:
    """What the deployments of a Serve config keep beyond the group's own minimum."""
    pinned, demand = cluster.pinned, reading.demand
    if pinned is None or found.kept or not (demand.wants_gpu or reading.undecided):
        return found if pinned is None or not left else _raised(cluster, found, demand.gpus, left)
    if pinned.open is not None and not left:
        part = Undecided(cluster.obj.urn, "spec.serveConfigV2", pinned.open, SETTLE)
        return replace(found, undecided=part)
    return _raised(cluster, found, demand.gpus, left)


def _raised(cluster: _Cluster, found: _Size, gpus: Decimal, left: Decimal) -> _Size:
    each = gpus * found.hosts
    needed = math.ceil(left / each) if each else int(left > 0)
    needed = needed if found.ceiling is None else min(needed, found.ceiling)
    if needed <= found.kept:
        return found
    why = f"its deployments keep replicas that need {counted(left, 'GPU')} without a request"
    config = at(cluster.obj.spec, "serveConfigV2")
    because = Evidence(cluster.obj.urn, "spec.serveConfigV2", config, why)
    fix = "Give each deployment with GPUs an autoscaling_config with min_replicas 0"
    return replace(found, kept=needed, because=because, fix=fix, change=())


def _workers(
    estate: Estate,
    cluster: _Cluster,
    group: Any,
    where: str,
    index: int,
    reading: PodReading,
    sized: _Size,
) -> Workload:
    named = text(at(group, "groupName"))
    name = named if isinstance(named, str) and named else f"workers {index}"
    stopped = (*cluster.off, suspended(at(group, "suspend")))
    if sized.undecided is not None and True not in stopped:
        part = sized.undecided
        return build(estate, cluster.obj, reading, part=name, undecided=(part,), ceiling=None)
    hold: Hold | None = None
    if sized.kept and sized.because is not None:
        hold = Hold(
            cause=sized.cause,
            urn=cluster.obj.urn,
            units=sized.kept,
            evidence=(sized.because,),
            fix=sized.fix,
            change=sized.change,
        )
    return _group(
        estate,
        cluster,
        "workers",
        name,
        reading,
        hold,
        stopped,
        wanted=sized.wanted,
        ceiling=sized.ceiling,
        hosts=sized.hosts,
        where=where,
    )


def _group(
    estate: Estate,
    cluster: _Cluster,
    role: str,
    name: str,
    reading: PodReading,
    hold: Hold | None,
    stopped: tuple[bool | Hidden, ...],
    *,
    wanted: int,
    ceiling: int | None,
    hosts: int = 1,
    where: str = "",
) -> Workload:
    """The pods of one group, as far as it is not suspended and the job does not end it."""
    obj, copies = cluster.obj, cluster.copies
    if True in stopped:
        return build(estate, obj, reading, part=name)
    shape: dict[str, Any] = {
        "part": name,
        "desired": wanted * copies,
        "ceiling": None if ceiling is None else ceiling * copies,
        "pods_per_replica": hosts,
    }
    if any(isinstance(value, Hidden) for value in stopped):
        path = where or cluster.path
        part = Undecided(obj.urn, path, "Whether it is suspended is not known at preview", SETTLE)
        return build(estate, obj, reading, undecided=(part,), **shape)
    if isinstance(cluster.ends, Hidden):
        by_mode = isinstance(at(cluster.job, "submissionMode"), Hidden)
        field = "submissionMode" if by_mode else "shutdownAfterJobFinishes"
        path = f"{cluster.job_path}.{field}"
        why = "Whether the cluster is deleted when the job is done is not known at preview"
        part = Undecided(obj.urn, path, why, SETTLE)
        return build(estate, obj, reading, undecided=(part,), **shape)
    if role in cluster.ends or hold is None:
        return build(estate, obj, reading, **shape)
    if cluster.job is not None:
        hold = _left_by_job(cluster, hold)
    hold = replace(hold, units=hold.least * copies)
    if cluster.copies_path and copies:
        replicas = change_of(obj, cluster.copies_path, 0)
        fix = f"Set {cluster.copies_path} to 0 when idle, or scale it to zero with KEDA"
        hold = replace(hold, fix=fix, change=replicas)
    return build(estate, obj, reading, holds=(hold,) if hold.least else (), **shape)


def _left_by_job(cluster: _Cluster, hold: Hold) -> Hold:
    """What stays of a RayJob's cluster when the job is done, or while none is submitted."""
    mode = at(cluster.job, "submissionMode")
    if mode == _INTERACTIVE:
        path = f"{cluster.job_path}.submissionMode"
        why = "the cluster waits until a person submits a job (seen: lab RJ12)"
        change = change_of(cluster.obj, path, "K8sJobMode")
        because = Evidence(cluster.obj.urn, path, mode, why)
        fix = f"Set {path} to K8sJobMode, or delete the RayJob when it is no longer used"
        return replace(hold, evidence=(because,), fix=fix, change=change)
    path = f"{cluster.job_path}.shutdownAfterJobFinishes"
    value = at(cluster.job, "shutdownAfterJobFinishes")
    because = Evidence(
        cluster.obj.urn, path, value, "the cluster stays when the job is done: nothing deletes it"
    )
    if at(cluster.job, "deletionStrategy") is not None:
        rules = f"{cluster.job_path}.deletionStrategy.deletionRules"
        fix = f"Add a rule to {rules} that deletes the cluster when the job has succeeded"
        return replace(hold, evidence=(because,), fix=fix, change=())
    change = change_of(cluster.obj, path, True)
    return replace(hold, evidence=(because,), fix=f"Set {path} to true", change=change)
