"""What keeps provisioned nodes: a pool that never removes them, a daemon, a job that runs again too
soon."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from zerofloor.capacity import (
    WEEK,
    Capacity,
    Cause,
    Change,
    Evidence,
    Hold,
    Pool,
    Undecided,
    Workload,
)
from zerofloor.floor.matching import shapes_for, tolerates
from zerofloor.floor.packing import Nodes
from zerofloor.floor.packings import Asker, follows_pods, has_gpu, is_gpu, nodes_for, only_gpu
from zerofloor.schedules import BadSchedule, hours_for
from zerofloor.structs import Value


class Retained(Value, frozen=True, kw_only=True):
    """A node that is never removed once it was provisioned."""

    hold: Hold
    nodes: Nodes


def find_retained(
    pools: tuple[Pool, ...], askers: Mapping[str, tuple[Asker, ...]], capacity: Capacity
) -> Mapping[str, Retained]:
    """By pool (its key): what stays of it after the busy hour, one node where one is certain.

    That needs pods that provision nodes: those of the estate, or, if it has none for the pool,
    those that the pool is there for.
    """
    pinning = tuple(w for w in capacity.workloads if w.daemon and w.pod.do_not_disrupt)
    retained: dict[str, Retained] = {}
    for pool in pools:
        placement = pool.placement
        if placement is None or placement.expires or not placement.grows or not has_gpu(pool):
            continue
        meant = askers.get(pool.key, ())
        hold = placement.retained or _pinned_by_daemon(pool, pinning) or _reused(pool, meant)
        nodes = None if hold is None else _first_node(pool, meant)
        if hold is not None and nodes is not None:
            retained[pool.key] = Retained(hold=hold, nodes=nodes)
    return retained


def _first_node(pool: Pool, meant: tuple[Asker, ...]) -> Nodes | None:
    """The node that the busy hour certainly provisions; None if no GPU node is certain."""
    arriving = next((s for same in meant for s in same if s.ceiling != 0 or s.desired), None)
    if arriving is not None:
        nodes = nodes_for(pool, arriving, arriving.workload.pods_per_replica)
        return Nodes(nodes[0].shapes, 1) if nodes else None
    if meant or not only_gpu(pool):
        return None
    return Nodes(pool.shapes, 1)


def _pinned_by_daemon(pool: Pool, pinning: tuple[Workload, ...]) -> Hold | None:
    """A daemon whose pods must not be disrupted keeps each node that it runs on (tests/data/truth,
    N55)."""
    for workload in pinning if follows_pods(pool) else ():
        if shapes_for(pool, replace(workload.pod, accelerators={}, open_count=False)) and tolerates(
            workload.pod, pool
        ):
            path = 'spec.template.metadata.annotations["karpenter.sh/do-not-disrupt"]'
            because = Evidence(
                workload.urn,
                path,
                "true",
                f"its pod on each node of {pool.name} keeps Karpenter from removing the node",
            )
            change = (Change(urn=workload.urn, path=path, to=None),)
            fix = f"Remove {path}"
            return Hold(
                cause=Cause.PROTECTED,
                urn=workload.urn,
                units=None,
                evidence=(because,),
                fix=fix,
                change=change,
            )
    return None


def _reused(pool: Pool, askers: tuple[Asker, ...]) -> Hold | None:
    """A job that runs again before its last node is removed keeps that node (seen:
    tests/data/truth/T12)."""
    reclaim = pool.placement.reclaim if pool.placement else Decimal(0)
    # A node that stays for a week meets every schedule's next run, or none: longer says no more.
    wait = min(reclaim, WEEK * 3600)
    if not follows_pods(pool) or wait < 60:
        return None
    for s in (s for same in askers for s in same if s.workload.schedule and s.ceiling != 0):
        schedule = s.workload.schedule or ""
        try:
            covered = hours_for(schedule, datetime.timedelta(seconds=int(wait)))
        except BadSchedule:
            continue
        if covered >= WEEK:
            why = (
                f"{s.workload.kind} {s.workload.name} runs again before an idle node is gone, "
                "so its node stays all week"
            )
            path = "spec.disruption.consolidateAfter"
            because = (
                Evidence(s.workload.urn, "spec.schedule", schedule, why),
                Evidence(pool.urn, "", None, f"an idle node stays {wait:f} s"),
            )
            return Hold(
                cause=Cause.NEVER_EMPTIED,
                urn=pool.urn,
                units=None,
                evidence=because,
                fix=f"Set {path} of {pool.name} below the time between two runs",
            )
    return None


def doubt_eviction(pool: Pool, workloads: tuple[Workload, ...]) -> Pool:
    """The pool, undecided where a pod without a GPU may sit on a node of it that Cluster Autoscaler
    then keeps: an untainted group with a node at creation, beside others that could take the pod.
    """
    placement = pool.placement
    if placement is None or placement.karpenter or not placement.reclaim:
        return pool
    # A size or a type that isn't known may be of a GPU node at creation.
    if pool.desired == 0 or not (only_gpu(pool) or not pool.shapes):
        return pool
    for workload in workloads:
        pod = workload.pod
        if placement.evicts_local and ".volumes" in pod.unevictable:
            continue
        if tolerates(pod, pool) and (not pool.shapes or shapes_for(pool, pod)):
            why = (
                f"A pod of {workload.kind} {workload.name} may be scheduled on a node of "
                f"{pool.name}, and the cluster autoscaler doesn't evict it"
            )
            settle = f"Taint {pool.name} (NO_SCHEDULE), so that only GPU pods land there"
            part = Undecided(workload.urn, pod.unevictable, why, settle)
            return replace(pool, undecided=(*pool.undecided, part))
    return pool


def doubt(pool: Pool, unread: tuple[Workload, ...]) -> Pool:
    """The pool, undecided where a daemon whose annotations can't be read may keep its nodes, or a
    job whose schedule can't be."""
    placement = pool.placement
    if (
        placement is None
        or placement.expires
        or not (placement.grows and follows_pods(pool))
        or not any(map(is_gpu, pool.shapes))
    ):
        return pool
    for workload in unread:
        if workload.schedule_hidden:
            if placement.reclaim < 60 or not shapes_for(pool, workload.pod):
                continue
            why = (
                "Its schedule is not known at preview: a run before an idle node of "
                f"{pool.name} is gone keeps the node all week"
            )
            settle = "Give the schedule in the program so that the preview knows it"
            part = Undecided(workload.urn, "spec.schedule", why, settle)
            return replace(pool, undecided=(*pool.undecided, part))
        if workload.pod_unread or (
            shapes_for(pool, replace(workload.pod, accelerators={}, open_count=False))
            and tolerates(workload.pod, pool)
        ):
            why = (
                "The annotations of its pods are not known at preview: do-not-disrupt would "
                f"keep each node of {pool.name}"
            )
            path, settle = (
                "spec.template.metadata.annotations",
                "Give the annotations in the program so that the preview knows them",
            )
            return replace(
                pool, undecided=(*pool.undecided, Undecided(workload.urn, path, why, settle))
            )
    return pool
