"""What can't be read of where pods without GPUs run, if for that they may keep a node with GPUs.

A guess may raise a floor and never lower it: a pool without GPUs takes pods away from one with GPUs
only where its taints, labels and limits, and what the pods ask for, are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from zerofloor.capacity import Cluster, Placement, PodDemand, Pool, Toleration, Undecided
from zerofloor.floor.matching import Meeting, open_label, tolerates
from zerofloor.floor.packing import Group, Packed, pack
from zerofloor.floor.packings import Demand, Packings, group_of, is_of_unknown_type, only_gpu
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value


def find_doubts(
    meeting: Meeting, demand: Demand, packings: Packings
) -> Mapping[str, tuple[Undecided, ...]]:
    """By workload without GPUs (its key): what is hidden, if a pool with GPUs may launch a node for
    its pods on account of it."""
    meeting = _with_types(meeting)
    near = [s for s in demand.workloads if _is_near_gpus(s, meeting)]
    if not near:
        return {}
    cautious = _Cautious(meeting.pools)
    found: dict[str, tuple[Undecided, ...]] = {}
    is_doubted = any(map(_has_open_type, meeting.pools)) or any(
        any(_reasons(s, meeting, cautious)) for s in near
    )
    packed = _pack_known(cautious, demand, packings) if is_doubted else None
    for s in near:
        key = s.workload.key
        launching = None
        if s.undecided:
            launching = _launching(_pack_alone(s, cautious, packings), key, meeting)
        elif packed is not None and _launching(packings.peak, key, meeting) is None:
            launching = _launching(packed, key, meeting)
        if launching is not None:
            doubts = _build_doubts(s, launching, _reasons(s, meeting, cautious))
            found[key] = (*s.undecided, *doubts)
    return found


_ANY_TYPE: Final = "any type"


def _with_types(meeting: Meeting) -> Meeting:
    """The pools, those of an unknown type with one that may have GPUs."""
    if not any(map(is_of_unknown_type, meeting.pools)):
        return meeting
    return Meeting(
        [
            replace(pool, shapes=(Shape(pool.cloud, _ANY_TYPE, None),))
            if is_of_unknown_type(pool)
            else pool
            for pool in meeting.pools
        ]
    )


def _has_open_type(pool: Pool) -> bool:
    return any(shape.instance_type == _ANY_TYPE for shape in pool.shapes)


class _Doubt(Value, frozen=True):
    """Why a pool without GPUs may not take a pod."""

    why: str
    settle: str = "Use a value known at preview"


_SELECTOR: Final = _Doubt("which nodes they select isn't known at preview")
"""This is among the undecided parts of the workload, with its path."""
_ANY_NUMBER: Final = 100
"""Stands for a number of pods that isn't known."""


class _Cautious(Meeting):
    """Pools of which those without GPUs take only pods that certainly run there, and grow only
    where they certainly do."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        super().__init__([_without_open_growth(pool) for pool in pools])

    def takers(self, pod: PodDemand) -> tuple[tuple[Pool, tuple[Shape, ...]], ...]:
        takers = super().takers(pod)
        beside = _clusters_with_gpus(takers)
        return tuple(
            (pool, shapes)
            for pool, shapes in takers
            if only_gpu(pool) or _doubt(pod, pool, shapes, beside) is None
        )


def _clusters_with_gpus(
    takers: tuple[tuple[Pool, tuple[Shape, ...]], ...],
) -> tuple[Cluster | None, ...]:
    return tuple(pool.placement.cluster for pool, _ in takers if pool.placement and only_gpu(pool))


def _without_open_growth(pool: Pool) -> Pool:
    placement = pool.placement
    if placement is None or not placement.open_growth or only_gpu(pool):
        return pool
    return replace(pool, placement=replace(placement, grows=False))


def _is_near_gpus(s: Scaled, meeting: Meeting) -> bool:
    pod = s.workload.pod
    return not pod.wants_gpu and any(only_gpu(pool) for pool, _ in meeting.takers(pod))


def _pack_known(meeting: Meeting, demand: Demand, packings: Packings) -> Packed:
    """All pods whose number is known, in the hours of an idle week in which the most runs."""
    kept = ((s, s.pods(Decimal(0))) for s in demand.workloads)
    groups = [Group(s.workload.key, s.workload.pod, pods) for s, pods in kept if pods]
    daemons = tuple(group_of(s, 1) for s in demand.daemons)
    return pack(meeting, _standing(meeting, packings), groups, daemons)


def _pack_alone(s: Scaled, meeting: Meeting, packings: Packings) -> Packed:
    group = Group(s.workload.key, s.workload.pod, _ANY_NUMBER)
    return pack(meeting, _standing(meeting, packings), (group,))


def _standing(meeting: Meeting, packings: Packings) -> Mapping[str, int]:
    """The nodes that stand in the hours in which the most runs. Where nothing tells of an
    autoscaler, those without GPUs that are there at creation stay."""
    fixed = {
        pool.key: pool.desired
        for pool in meeting.pools
        if pool.desired and pool.shapes and not only_gpu(pool) and _is_fixed(pool)
    }
    return {**fixed, **packings.levels[-1].standing}


def _is_fixed(pool: Pool) -> bool:
    return pool.placement is not None and not pool.placement.grows


def _launching(packed: Packed, workload: str, meeting: Meeting) -> Pool | None:
    """The pool with GPUs that launches a node for pods of a workload."""
    for pool in meeting.pools:
        if only_gpu(pool) and workload in packed.brought.get(pool.key, ()):
            return pool
    return None


def _reasons(s: Scaled, meeting: Meeting, cautious: _Cautious) -> Iterator[_Doubt]:
    """Why pools without GPUs may not take its pods."""
    takers = meeting.takers(s.workload.pod)
    beside = _clusters_with_gpus(takers)
    for pool, shapes in takers:
        if only_gpu(pool):
            continue
        doubt = _doubt(s.workload.pod, pool, shapes, beside)
        if doubt is not None:
            yield doubt
        elif pool.placement != (cautious.by_key[pool.key]).placement:
            why = f"nothing tells whether, and how far, {pool.name} grows for them"
            yield _Doubt(why, "Set trust.clusterAutoscaler in zerofloor.yaml if one runs")


def _build_doubts(s: Scaled, launching: Pool, reasons: Iterator[_Doubt]) -> Iterator[Undecided]:
    owner = f"{s.workload.kind} {s.workload.name}"
    taint = f"give {launching.name} a NoSchedule taint that the pods don't tolerate"
    if _has_open_type(launching):
        why = (
            f"The type of {launching.name} isn't known at preview: pods of {owner} may run on GPUs"
        )
        yield Undecided(launching.urn, "", why, f"Use a type known at preview, or {taint}")
    for doubt in reasons:
        if doubt is not _SELECTOR:
            why = f"Pods of {owner} may run on {launching.name}: {doubt.why}"
            yield Undecided(s.workload.urn, "", why, f"{doubt.settle}, or {taint}")


def _doubt(
    pod: PodDemand,
    pool: Pool,
    shapes: tuple[Shape, ...],
    beside: tuple[Cluster | None, ...],
) -> _Doubt | None:
    """What can't be read for which the pod may not run on any of these shapes of a pool; None where
    it can for certain. `beside`: the clusters of the pools with GPUs that would take it."""
    placement = pool.placement
    if placement is None:
        return None
    if _may_be_elsewhere(pod, placement, beside):
        why = f"whether they and {pool.name} are in one cluster isn't known"
        return _Doubt(why, "Give both the same Kubernetes provider")
    if pod.open_selector:
        return _SELECTOR
    label = open_label(pool, shapes, pod)
    if label is not None:
        return _Doubt(f"the label {label} of {pool.name} isn't known at preview")
    known = _known_tolerations(pod)
    if placement.open_taints and Toleration(None, "Exists") not in known:
        return _Doubt(f"the taints of {pool.name} aren't known at preview")
    if not tolerates(replace(pod, tolerations=known), pool):
        return _Doubt(f"their tolerations aren't known at preview, and {pool.name} has a taint")
    if placement.open_limits:
        return _Doubt(f"the limits of {pool.name} aren't known at preview")
    if pod.open_size and all(shape.vcpus is not None for shape in shapes):
        why = f"their requests aren't known at preview and may exceed the nodes of {pool.name}"
        return _Doubt(why)
    return None


def _may_be_elsewhere(
    pod: PodDemand, placement: Placement, beside: tuple[Cluster | None, ...]
) -> bool:
    """Whether only one of a pod and a NodePool has a provider of its own, so that they may be in
    two clusters, and a pool with GPUs is not where the NodePool is."""
    is_open = placement.karpenter and (placement.cluster is None) != (pod.cluster is None)
    return is_open and any(cluster != placement.cluster for cluster in beside)


def _known_tolerations(pod: PodDemand) -> tuple[Toleration, ...]:
    """Its tolerations without what is in place of those that can't be read."""
    if not pod.open_tolerations:
        return pod.tolerations
    return tuple(t for t in pod.tolerations if t != Toleration(None, "Exists"))
