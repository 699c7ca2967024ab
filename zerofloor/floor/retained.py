"""What keeps nodes that came once: a pool that never removes them, a daemon, a job that runs again
too soon."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from zerofloor.capacity import WEEK, Capacity, Cause, Evidence, Hold, Pool, Undecided, Workload
from zerofloor.floor.matching import shapes_for, tolerates
from zerofloor.floor.packing import Nodes
from zerofloor.floor.packings import Asker, follows_pods, is_gpu, nodes_for
from zerofloor.schedules import BadSchedule, hours_for


def retained(
    pools: tuple[Pool, ...], askers: Mapping[str, tuple[Asker, ...]], capacity: Capacity
) -> Mapping[str, tuple[Hold, Nodes]]:
    """Pools (by URN) whose nodes stay after the busy hour, with the hold and the least that stays.

    That needs pods that bring nodes: those of the estate, or, where it has none for the pool, those
    that it is there for.
    """
    kept: dict[str, tuple[Hold, Nodes]] = {}
    pinning = tuple(
        workload
        for workload in capacity.workloads
        if workload.daemon and workload.pod.do_not_disrupt
    )
    for pool in pools:
        placement = pool.placement
        if placement is None or placement.expires:
            continue
        hold = (
            placement.retained
            or _pinned_by_daemon(pool, pinning)
            or _reused(pool, askers.get(pool.key, ()))
        )
        gpu_shapes = tuple(shape for shape in pool.shapes if is_gpu(shape))
        if hold is None or not gpu_shapes or not placement.grows:
            continue
        meant = askers.get(pool.key, ())
        coming = next((s for same in meant for s in same if s.ceiling != 0 or s.desired), None)
        if coming is not None:
            nodes = nodes_for(pool, coming, coming.workload.pods_per_replica)
            if nodes:
                kept[pool.key] = (hold, Nodes(nodes[0].shapes, 1))
        elif not meant and len(gpu_shapes) == len(pool.shapes):
            kept[pool.key] = (hold, Nodes(gpu_shapes, 1))
    return kept


def _pinned_by_daemon(pool: Pool, pinning: tuple[Workload, ...]) -> Hold | None:
    """A daemon whose pods must not be disrupted keeps each node that it runs on (seen: shared/truth
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
            return Hold(Cause.PROTECTED, workload.urn, None, (because,), f"Remove {path}")
    return None


def _reused(pool: Pool, askers: tuple[Asker, ...]) -> Hold | None:
    """A job that runs again before the last run's node is gone: the node never goes (seen:
    shared/truth T12)."""
    wait = pool.placement.reclaim if pool.placement else Decimal(0)
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
                Evidence(pool.urn, path, None, f"an idle node stays {wait:f} s"),
            )
            return Hold(
                Cause.NEVER_EMPTIED,
                pool.urn,
                None,
                because,
                f"Set {path} of {pool.name} below the time between two runs",
            )
    return None


def doubted(pool: Pool, unread: tuple[Workload, ...]) -> Pool:
    """The pool, undecided where a daemon whose annotations can't be read may keep its nodes."""
    placement = pool.placement
    if (
        placement is None
        or placement.expires
        or not (placement.grows and follows_pods(pool))
        or not any(map(is_gpu, pool.shapes))
    ):
        return pool
    for workload in unread:
        if workload.pod_unread or (
            shapes_for(pool, replace(workload.pod, accelerators={}, open_count=False))
            and tolerates(workload.pod, pool)
        ):
            why = (
                "the annotations of its pods are not known at preview: do-not-disrupt would "
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
