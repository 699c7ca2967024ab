"""Workloads that can never start: their pods fit no node of the pools that they are meant for, or
name a pool that isn't declared. At zero replicas nothing else tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause, Evidence, Notice, PodDemand, Pool
from zerofloor.floor.matching import Meeting, meets, tolerates
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.allocatable import KARPENTER_OVERHEAD, KERNEL_OVERHEAD, Room, room_for_pods
from zerofloor.hardware.instances import Shape
from zerofloor.spelling import did_you_mean
from zerofloor.words import counted

_POOL_LABELS: Final = (
    "karpenter.sh/nodepool",
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
)
"""Labels by whose value a pod names its pool."""


def find_misfits(meeting: Meeting, workloads: Sequence[Scaled]) -> Iterator[Notice]:
    """A notice for each workload that asks for a GPU and can't start on any declared node."""
    for s in workloads:
        workload = s.workload
        if not workload.pod.wants_gpu or s.ceiling == 0 or workload.opaque or workload.pod_unread:
            continue
        meant = meeting.meant(workload.pod)
        if meant:
            why = _unfit(workload.pod, meant)
            if why is not None:
                yield _notice(s, Cause.UNFIT_REPLICA, *why)
        else:
            named = _unknown_pool(workload.pod, meeting.pools)
            if named is not None:
                yield _notice(s, Cause.UNKNOWN_POOL, *named)


def _notice(s: Scaled, cause: Cause, pool: Pool | None, why: str, fix: str) -> Notice:
    workload = s.workload
    evidence = () if pool is None else (Evidence(pool.urn, "", None, "it is the pool meant"),)
    return Notice(
        cause=cause,
        urn=workload.urn,
        message=f"{workload.kind} {workload.name} {why}",
        fix=fix,
        evidence=evidence,
    )


def _unfit(
    pod: PodDemand, meant: Sequence[tuple[Pool, tuple[Shape, ...]]]
) -> tuple[Pool, str, str] | None:
    """Why no node takes the pod, by the pool that lacks the least; None where one may."""
    reasons = []
    for pool, shapes in meant:
        why = _refusal(pod, pool, shapes)
        if why is None:
            return None
        reasons.append((pool, *why))
    return reasons[-1]


def _refusal(pod: PodDemand, pool: Pool, shapes: tuple[Shape, ...]) -> tuple[str, str] | None:
    name = f"{pool.platform} {pool.name}"
    if not tolerates(pod, pool):
        taints = pool.placement.taints if pool.placement else ()
        key = next(iter(taint.key for taint in taints), "")
        return (
            f"can't start on {name}: its pods do not tolerate the taint {key}",
            f"Add a toleration for {key} to the pods of the workload",
        )
    if pool.placement is not None and pool.desired == 0 and not pool.placement.grows:
        return (
            f"can't start on {name}, which stays at 0 nodes: nothing may add one",
            "Give the pool an autoscaler with a maximum above 0",
        )
    limits = pool.placement.limits if pool.placement else {}
    for resource, count in sorted(pod.accelerators.items()):
        if resource in limits and limits[resource] < count:
            return (
                f"can't start on {name}: a pod asks for {counted(count, 'GPU')}, and the pool's "
                f"limit is {limits[resource]:f}",
                f"Raise limits.{resource} of the pool to {count:f} or more",
            )
    lacks = [_lack(pod, shape, pool) for shape in shapes]
    if None in lacks:
        return None
    # The last of the types is the largest or the most expensive: what it lacks, all lack.
    what, has = next(one for one in reversed(lacks) if one is not None)
    return (
        f"fits no node of {name}: a pod asks for {what}, and {has}",
        "Ask for less, or name a larger instance type in the pool",
    )


def _lack(pod: PodDemand, shape: Shape, pool: Pool) -> tuple[str, str] | None:
    """What the pod asks for beyond what a node of this type leaves to pods."""
    if pod.open_count:
        return None
    if shape.slots is not None and pod.gpus > shape.slots:
        return counted(pod.gpus, "GPU"), f"{shape.instance_type} has {shape.slots:f}"
    karpenter = pool.placement is not None and pool.placement.karpenter
    by_default = karpenter and shape.cloud == "aws"
    room = room_for_pods(shape, KARPENTER_OVERHEAD if by_default else KERNEL_OVERHEAD)
    return beyond(room, pod.cpu, pod.memory, shape.instance_type)


def beyond(room: Room, cpu: Decimal, memory: Decimal, instance_type: str) -> tuple[str, str] | None:
    """What of so many cores and bytes exceeds the room of a node, and what that has."""
    if room.cpu is not None and cpu > room.cpu:
        return f"{cpu:f} CPUs", f"{instance_type} leaves {room.cpu:.2f} to pods"
    if room.memory is not None and memory > room.memory:
        gib = Decimal(2**30)
        return (
            f"{memory / gib:.1f} GiB of memory",
            f"{instance_type} leaves {room.memory / gib:.1f} GiB to pods",
        )
    return None


def _unknown_pool(pod: PodDemand, pools: Sequence[Pool]) -> tuple[None, str, str] | None:
    """The pool that the pod names, undeclared, where others of its kind are declared."""
    for label in _POOL_LABELS:
        wanted = pod.node_selector.get(label)
        near = [
            pool for pool in pools if pool.placement and meets(pool.placement.cluster, pod.cluster)
        ]
        names = [_name_by(label, pool) for pool in near]
        known = sorted({name for name in names if name})
        if wanted is None or not known or wanted in known or None in names:
            continue
        meant = did_you_mean(wanted, known) or f"; declared: {', '.join(known)[:60]}"
        return (
            None,
            f"names the pool {wanted}, which is not declared here{meant}",
            f"Set the node selector {label} to the name of a declared pool",
        )
    return None


def _may_meet(pod: PodDemand, pool: Pool) -> bool:
    return pool.placement is not None and meets(pool.placement.cluster, pod.cluster)


def _name_by(label: str, pool: Pool) -> str | None:
    """A pool's name under a label: empty where it has none of that kind, None where it can't be
    read."""
    placement = pool.placement
    if placement is None:
        return ""
    if label == "karpenter.sh/nodepool" and placement.karpenter:
        return None if placement.name_hidden else pool.name
    return placement.labels.get(label, "")
