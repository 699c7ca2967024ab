"""Which pools a pod is meant for, and on which of their node shapes it can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum

from zerofloor.capacity import Cluster, Placement, PodDemand, Pool, Taint, Toleration
from zerofloor.hardware.accelerators import supplied_by
from zerofloor.hardware.instances import Shape
from zerofloor.hardware.node_labels import Requirement, matches, type_labels

_OPEN_KEYS = (
    "topology.kubernetes.io/",
    "failure-domain.beta.kubernetes.io/",
    "topology.ebs.csi.aws.com/",
    "kubernetes.io/hostname",
)
"""Labels of places: nothing in a declaration says that a node will not be there."""

_DISCOVERED = (
    "nvidia.com/",
    "amd.com/",
    "feature.node.kubernetes.io/",
    "gpu.intel.com/",
    "habana.ai/",
)
"""Labels that an operator puts on GPU nodes once they run (GPU feature discovery)."""

_FIELD_DOMAINS = ("karpenter.k8s.aws/", "eks.amazonaws.com/", "karpenter.azure.com/")


def shapes_for(pool: Pool, pod: PodDemand) -> tuple[Shape, ...]:
    """The shapes of a pool that meet the pod's node selector and affinity and carry its kind of
    accelerator, sizes aside."""
    if pool.placement is None or not meets(pool.placement.cluster, pod.cluster):
        return ()
    terms = _terms(pod)
    return tuple(
        shape
        for shape in pool.shapes
        if _supplies(shape, pod)
        and any(all(_match(pool, shape, r) is not Match.NO for r in term) for term in terms)
    )


def open_label(pool: Pool, shapes: tuple[Shape, ...], pod: PodDemand) -> str | None:
    """The label that the pod selects and whose hidden value decides whether it runs on any of
    these shapes of a pool; None where it does by the labels that are known."""
    open_keys: list[str] = []
    for shape in shapes:
        for term in _terms(pod):
            matched = [_match(pool, shape, r) for r in term]
            if Match.NO in matched:
                continue
            if Match.MAYBE not in matched:
                return None
            open_keys.append(term[matched.index(Match.MAYBE)].key)
    return min(open_keys, default=None)


def _terms(pod: PodDemand) -> tuple[tuple[Requirement, ...], ...]:
    """What a node's labels must meet: all of one of these."""
    selector = tuple(
        Requirement(key, "In", (value,)) for key, value in sorted(pod.node_selector.items())
    )
    return tuple((*selector, *term) for term in pod.affinity or ((),))


def kind_of(pod: PodDemand) -> object:
    """Pods of one kind are meant for the same shapes."""
    return (
        tuple(sorted(pod.node_selector.items())),
        pod.affinity,
        tuple(sorted(pod.accelerators)),
        pod.wants_gpu,
        pod.cluster,
    )


def meets(one: Cluster | None, other: Cluster | None) -> bool:
    """Whether what runs in two clusters can meet."""
    return one is None or one.may_be(other)


class Meeting:
    """Which pools take which pods, remembered by the kind of pod: many workloads are alike."""

    def __init__(self, pools: Sequence[Pool]) -> None:
        self.pools = tuple(pools)
        self.by_key = {pool.key: pool for pool in self.pools}
        self._meant: dict[object, tuple[tuple[Pool, tuple[Shape, ...]], ...]] = {}
        self._takers: dict[object, tuple[tuple[Pool, tuple[Shape, ...]], ...]] = {}
        self._by_label: dict[str, Mapping[str | None, tuple[Pool, ...]]] = {}

    def meant(self, pod: PodDemand) -> tuple[tuple[Pool, tuple[Shape, ...]], ...]:
        """The pools that the pod is meant for, with the shapes on which it can run there."""
        kind = kind_of(pod)
        if kind not in self._meant:
            self._meant[kind] = tuple(
                (pool, shapes) for pool in self._near(pod) if (shapes := shapes_for(pool, pod))
            )
        return self._meant[kind]

    def _near(self, pod: PodDemand) -> tuple[Pool, ...]:
        """The pools whose labels don't rule the pod out at once: of many pools and pods each may
        select its own."""
        near = self.pools
        for key, value in pod.node_selector.items():
            if key not in self._by_label:
                self._by_label[key] = _by_label(self.pools, key)
            fitting = self._by_label[key].get(value, self._by_label[key][None])
            near = fitting if len(fitting) < len(near) else near
        return near

    def takers(self, pod: PodDemand) -> tuple[tuple[Pool, tuple[Shape, ...]], ...]:
        """Those of them whose taints it tolerates."""
        kind = kind_of(pod), pod.tolerations
        if kind not in self._takers:
            self._takers[kind] = tuple(
                (pool, shapes) for pool, shapes in self.meant(pod) if tolerates(pod, pool)
            )
        return self._takers[kind]


def _by_label(pools: Sequence[Pool], key: str) -> Mapping[str | None, tuple[Pool, ...]]:
    """By the value of a label: the pools that have it or may have it; under None those that may
    have any."""
    values = [pool.placement.labels.get(key) if pool.placement else None for pool in pools]
    anything = [index for index, value in enumerate(values) if value is None]
    found: dict[str | None, list[int]] = {None: []}
    for index, value in enumerate(values):
        if value is not None:
            found.setdefault(value, []).append(index)
    return {
        value: tuple(pools[index] for index in sorted((*own, *anything)))
        for value, own in found.items()
    }


def selects_nodes(pod: PodDemand) -> bool:
    """Whether the pod says on which nodes it wants to run."""
    return bool(pod.node_selector) or any(pod.affinity)


def fits(shape: Shape, gpus: Decimal, cpu: Decimal, memory: Decimal) -> bool:
    """Whether so many GPUs, cores and bytes fit on one node; a size that no table has is no
    limit."""
    return (
        (shape.slots is None or gpus <= shape.slots)
        and (shape.vcpus is None or cpu <= shape.vcpus)
        and (shape.memory_gib is None or memory <= shape.memory_gib * 2**30)
    )


def tolerates(pod: PodDemand, pool: Pool) -> bool:
    """Whether the pod tolerates all taints of the pool that keep pods off."""
    placement = pool.placement
    taints = placement.taints if placement else ()
    by_request = placement is not None and placement.tolerates_by_request
    return all(
        any(_tolerated(taint, t) for t in pod.tolerations)
        for taint in taints
        if taint.effect in ("NoSchedule", "NoExecute")
        and not (by_request and taint.effect == "NoSchedule" and taint.key in pod.accelerators)
    )


def disliked(pod: PodDemand, pool: Pool) -> bool:
    """Whether a PreferNoSchedule taint sends the pod elsewhere where it can (seen: tests/data/truth
    N53)."""
    taints = pool.placement.taints if pool.placement else ()
    return any(
        taint.effect == "PreferNoSchedule"
        and not any(_tolerated(taint, t) for t in pod.tolerations)
        for taint in taints
    )


def _tolerated(taint: Taint, toleration: Toleration) -> bool:
    if toleration.effect is not None and toleration.effect != taint.effect:
        return False
    if toleration.key is None:
        return toleration.operator == "Exists"
    if toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or taint.value in (None, toleration.value)


def _supplies(shape: Shape, pod: PodDemand) -> bool:
    if not pod.wants_gpu:
        return True
    if shape.gpus == 0:
        return False
    return all(supplied_by(resource, shape.accelerator) for resource in pod.accelerators)


class Match(Enum):
    """Whether a node's label meets a requirement."""

    NO = "no"
    MAYBE = "maybe"
    """Its value is hidden."""
    YES = "yes"


def _match(pool: Pool, shape: Shape, r: Requirement) -> Match:
    placement = pool.placement
    assert placement is not None
    if r.key in placement.labels:
        if r.key in placement.hidden_labels:
            return {"Exists": Match.YES, "DoesNotExist": Match.NO}.get(r.operator, Match.MAYBE)
        value = placement.labels[r.key]
        return _known(value is None or matches(value, r))
    if r.key == "karpenter.sh/nodepool":
        return Match.MAYBE if placement.name_hidden else _known(matches(pool.name, r))
    known = _by_supply(pool, placement, shape, r)
    if known is not None:
        return _known(known)
    return Match.MAYBE if placement.open_labels else _known(matches(None, r))


def _known(met: bool) -> Match:
    return Match.YES if met else Match.NO


def _by_supply(pool: Pool, placement: Placement, shape: Shape, r: Requirement) -> bool | None:
    """Whether a requirement is met on a label that the type, the market, the place or an operator
    gives a node; None for one that none of them gives."""
    field = r.key.partition("/")[2] if r.key.startswith(_FIELD_DOMAINS) else r.key
    derived = type_labels(shape)
    if field in derived:
        return matches(derived[field], r)
    allowed = [own for own in placement.requirements if own.key == r.key]
    if allowed:
        return _overlap(allowed, r)
    if r.key in ("karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType"):
        return matches(pool.market, r) or matches(pool.market.upper().replace("-", "_"), r)
    if r.key.startswith(_OPEN_KEYS) or (r.key.startswith(_DISCOVERED) and shape.gpus != 0):
        return True
    return None


def _overlap(allowed: list[Requirement], r: Requirement) -> bool:
    """Whether a pool that may choose a label's value can choose one that the pod takes."""
    chosen = [own for own in allowed if own.operator == "In"]
    if chosen:
        return any(
            all(matches(value, own) for own in allowed) and matches(value, r)
            for value in chosen[0].values
        )
    if r.operator == "In":
        return any(all(matches(value, own) for own in allowed) for value in r.values)
    return r.operator != "DoesNotExist" or not any(own.operator == "Exists" for own in allowed)
