"""What can't be read of where a pod without GPUs runs, if that decides whether it keeps a node with
GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from zerofloor.capacity import PodDemand, Pool, Toleration, Undecided
from zerofloor.floor.matching import Meeting, open_label, tolerates
from zerofloor.floor.packing import Group, pack
from zerofloor.floor.packings import Level, only_gpu
from zerofloor.floor.scaling import Scaled
from zerofloor.hardware.instances import Shape

_SETTLE: Final = (
    "Use a value known at preview, or give {pool} a NoSchedule taint that the pods don't tolerate"
)
_SELECTOR: Final = "which nodes they select isn't known at preview"
"""This is among the undecided parts of the workload already, with its path."""
_ANY_NUMBER: Final = 100
"""Stands for a number of pods that isn't known."""


def find_doubts(s: Scaled, meeting: Meeting, peak: Level) -> tuple[Undecided, ...]:
    """What is hidden of a workload without GPUs, or of the pools that take its pods, if a pool
    with GPUs may have to launch a node for them."""
    pod = s.workload.pod
    takers = meeting.takers(pod)
    if pod.wants_gpu or not any(only_gpu(pool) for pool, _ in takers):
        return ()
    plain = [(pool, shapes) for pool, shapes in takers if not only_gpu(pool)]
    reasons = {pool.key: why for pool, shapes in plain if (why := _doubt(pod, pool, shapes))}
    if not reasons and not s.undecided:
        return ()
    certain = [pool for pool in meeting.pools if pool.key not in reasons]
    launching = _launching(s, certain, peak)
    if launching is None:
        return ()
    owner = f"{s.workload.kind} {s.workload.name}"
    settle = _SETTLE.format(pool=launching.name)
    doubts = (
        Undecided(s.workload.urn, "", f"Pods of {owner} may run on {launching.name}: {why}", settle)
        for why in reasons.values()
        if why != _SELECTOR
    )
    return (*s.undecided, *doubts)


def _launching(s: Scaled, certain: Sequence[Pool], peak: Level) -> Pool | None:
    """The pool with GPUs that launches a node for pods of the workload, where only these pools
    take them."""
    meeting = Meeting(certain)
    standing = {key: nodes for key, nodes in peak.standing.items() if key in meeting.by_key}
    pods = _ANY_NUMBER if s.undecided else s.pods(Decimal(0))
    brought = pack(meeting, standing, (Group(s.workload.key, s.workload.pod, pods),)).brought
    return next((pool for pool in certain if pool.key in brought and only_gpu(pool)), None)


def _doubt(pod: PodDemand, pool: Pool, shapes: tuple[Shape, ...]) -> str:
    """What can't be read for which the pod may not run on any of these shapes of a pool; empty
    where it can for certain."""
    placement = pool.placement
    if placement is None:
        return ""
    if pod.open_selector:
        return _SELECTOR
    label = open_label(pool, shapes, pod)
    if label is not None:
        return f"the label {label} of {pool.name} isn't known at preview"
    if placement.open_taints and Toleration(None, "Exists") not in _known_tolerations(pod):
        return f"the taints of {pool.name} aren't known at preview"
    if not tolerates(replace(pod, tolerations=_known_tolerations(pod)), pool):
        return f"their tolerations aren't known at preview, and {pool.name} has a taint"
    if placement.open_limits:
        return f"the limits of {pool.name} aren't known at preview"
    if pod.open_size and not any(shape.vcpus is None for shape in shapes):
        return f"their requests aren't known at preview and may exceed the nodes of {pool.name}"
    return ""


def _known_tolerations(pod: PodDemand) -> tuple[Toleration, ...]:
    """Its tolerations without what is in place of those that can't be read."""
    if not pod.open_tolerations:
        return pod.tolerations
    return tuple(t for t in pod.tolerations if t != Toleration(None, "Exists"))
