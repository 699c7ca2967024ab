"""Google Kubernetes Engine: clusters and node pools. Its own cluster autoscaler is trusted
where a pool declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Cause,
    Hold,
    Market,
    Part,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.google.gke_nodes import placement_of
from zerofloor.platforms.google.gke_sizes import sizes_of
from zerofloor.platforms.google.gke_zones import Zones, zones_of
from zerofloor.platforms.google.read import (
    CLOUD,
    declared,
    link,
    machines,
    market,
    pool_of,
    region_of,
)
from zerofloor.platforms.google.tokens import CLUSTERS, POOLS
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import at, count, get, known_items, known_text, switch, text

READS: Final = frozenset({*CLUSTERS, *POOLS})

_DEFAULT_TYPE: Final = "e2-medium"
"""What GKE runs where no type is named (SDK docstring of nodeConfig.machineType)."""
_SYSTEM_PODS: Final = (
    "it is the only pool of its cluster, and one node always stays for system pods"
)
"""GKE docs, cluster autoscaler: an idle pool may go to zero nodes, but one node of the cluster
always stays."""


def read(estate: Estate) -> Iterator[Part]:
    """The pools of every cluster: declared by themselves, inline, and the default one."""
    for node_pool in node_pools(estate):
        yield node_pool.part
    for source in declared(estate, *CLUSTERS):
        yield from _accounted(estate, source)
        yield from _provisioned(source)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """A node pool with what others must know of it."""

    part: Pool
    source: Declared
    prefix: str
    zones: Zones
    standing: int | None = None
    """Nodes that it keeps by its own declaration; None where that isn't known."""


def node_pools(estate: Estate) -> tuple[NodePool, ...]:
    """Every node pool of the estate, worked out once."""
    return estate.once("google node pools", lambda: tuple(_node_pools(estate)))


def pools_of(estate: Estate, urn: str) -> tuple[NodePool, ...]:
    """The node pools that one resource declares."""

    def by_urn() -> Mapping[str, list[NodePool]]:
        found: dict[str, list[NodePool]] = {}
        for node_pool in node_pools(estate):
            found.setdefault(node_pool.source.urn, []).append(node_pool)
        return found

    return tuple(estate.once("google node pools by URN", by_urn).get(urn, ()))


def _node_pools(estate: Estate) -> Iterator[NodePool]:
    members = _members(estate)
    for source in declared(estate, *POOLS):
        cluster = _cluster_of(estate, source)
        alone = Alone.NO if cluster is None else members.get(cluster.urn, Alone.NO)
        found = _node_pool(estate, source, cluster, "", alone=alone)
        if found is not None:
            yield found
    for source in declared(estate, *CLUSTERS):
        yield from _inline(estate, source, members)


class Alone(Enum):
    """Whether a pool is the only one of its cluster, so that system pods have nowhere else."""

    YES = "yes"
    PERHAPS = "perhaps"
    NO = "no"


def _members(estate: Estate) -> Mapping[str, Alone]:
    """By cluster (URN): whether a pool of it is its only one; left out where that isn't known."""
    sizes: dict[str, int] = {}
    unsure: set[str] = set()
    for source in declared(estate, *CLUSTERS):
        inline, kept = source.field("nodePools").items(), _keeps_default(source)
        provisions = [source.field(path).switch() for path in _PROVISIONING]
        if any(one is True for one in provisions):
            continue  # GKE makes pools for pods that have none.
        sizes[source.urn] = 0 if isinstance(inline, Hidden) else len(inline)
        if any(isinstance(one, Hidden) for one in (kept, inline, *provisions)):
            unsure.add(source.urn)
        elif kept is True:
            sizes[source.urn] += 1
    for source in declared(estate, *POOLS):
        cluster = _cluster_of(estate, source)
        if cluster is None:
            return {}  # A pool of an unknown cluster may belong to any.
        if cluster.urn in sizes:
            sizes[cluster.urn] += 1
    return {urn: _alone(number, urn in unsure) for urn, number in sizes.items()}


def _alone(number: int, is_unsure: bool) -> Alone:
    if number != 1:
        return Alone.NO
    return Alone.PERHAPS if is_unsure else Alone.YES


_PROVISIONING: Final = (
    "clusterAutoscaling.enabled",
    "autoscaling.enableNodeAutoprovisioning",
    "enableAutopilot",
    "autopilot.enabled",
)


def _keeps_default(source: Declared) -> bool | Hidden | None:
    """Whether the cluster keeps its default pool; None where it has none."""
    inline = source.inputs.get("nodePools")
    if isinstance(inline, Hidden):
        return inline
    if inline or switch(source.inputs.get("enableAutopilot")) is True:
        return None
    if switch(get(source.inputs, "autopilot.enabled")) is True:
        return None
    removed = source.field("removeDefaultNodePool").switch()
    if isinstance(removed, Hidden):
        return removed
    return None if removed is True else True


def _inline(estate: Estate, cluster: Declared, members: Mapping[str, Alone]) -> Iterator[NodePool]:
    alone = members.get(cluster.urn, Alone.NO)
    listed = cluster.field("nodePools").items()
    if isinstance(listed, Hidden):
        yield _unread(estate, cluster, "nodePools")
        return
    separate = _separate(estate, cluster)
    for index, item in enumerate(listed):
        prefix = f"nodePools[{index}]."
        if isinstance(item, Hidden):
            yield _unread(estate, cluster, f"nodePools[{index}]")
        elif known_text(at(item, "name")) not in separate:
            found = _node_pool(estate, cluster, cluster, prefix, alone=alone)
            if found is not None:
                yield found
    kept = _keeps_default(cluster)
    if kept is not None:
        found = _node_pool(estate, cluster, cluster, "", alone=alone)
        if found is not None:
            yield found


def _separate(estate: Estate, cluster: Declared) -> frozenset[str]:
    """The names of the cluster's pools that are resources of their own."""

    def by_cluster() -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for source in declared(estate, *POOLS):
            owner, name = _cluster_of(estate, source), known_text(source.inputs.get("name"))
            if owner is not None and name is not None:
                found[owner.urn] = found.get(owner.urn, frozenset()) | {name}
        return found

    return estate.once("google pools by cluster", by_cluster).get(cluster.urn, frozenset())


def _unread(estate: Estate, cluster: Declared, path: str) -> NodePool:
    why = f"{path} isn't known at preview: it may declare node pools with GPUs"
    pool = Pool(
        urn=cluster.urn,
        name=cluster.name,
        platform="GKE node pool",
        cloud=CLOUD,
        shapes=(),
        undecided=(cluster.open(path, why),),
        part=path,
    )
    return NodePool(part=pool, source=cluster, prefix="", zones=Zones(number=1))


def _cluster_of(estate: Estate, source: Declared) -> Declared | None:
    """The cluster of a pool in the estate; None where it isn't there or isn't known."""
    return estate.once(("google cluster of", source.urn), lambda: _linked(estate, source))


def _linked(estate: Estate, source: Declared) -> Declared | None:
    prop = source.pick("cluster", "clusterId")[0]
    found = link(estate, source, prop, *CLUSTERS, value=source.inputs.get(prop))
    if found.open or len(found.found) != 1:
        return None
    resource = found.found[0]
    return Declared(resource, resource.inputs, resource.name)


def _node_pool(
    estate: Estate, source: Declared, cluster: Declared | None, prefix: str, *, alone: Alone
) -> NodePool | None:
    config = source.pick(f"{prefix}nodeConfig", f"{prefix}config")[0]
    found = _machines(estate, source, config)
    zones = zones_of(estate, source, cluster, prefix)
    sizes = sizes_of(source, prefix, zones, found.evidence)
    is_default = source.resource.type in CLUSTERS and not prefix
    kept = _keeps_default(source) if is_default else True
    undecided = sizes.undecided
    holds = sizes.holds
    if isinstance(kept, Hidden) and any(hold.least for hold in holds):
        holds = ()
        why = "Whether the default node pool is removed isn't known at preview"
        undecided = (*undecided, source.open("removeDefaultNodePool", why))
    own_taints = get(source.inputs, f"{config}.taints")
    if alone is not Alone.NO and not holds and not undecided and sizes.grows:
        part = _system_pods(source, found, own_taints, alone)
        holds = (part,) if isinstance(part, Hold) else ()
        undecided = (part,) if isinstance(part, Undecided) else ()
    sold, price_as = _market(source, config)
    region = _region(estate, source, cluster)
    own = "" if source.resource.type in POOLS else prefix.rstrip(".") or "default-pool"
    named = get(source.inputs, f"{prefix}name")
    pool = pool_of(
        estate,
        source,
        found,
        platform="GKE node pool",
        holds=holds,
        undecided=undecided,
        desired=sizes.desired,
        ceiling=sizes.ceiling,
        sold=sold,
        region=region,
        placement=placement_of(
            source,
            prefix,
            config,
            found,
            region=region,
            grows=sizes.grows,
            open_growth=sizes.ceiling is None,
            sold=sold,
            by_gke=alone is Alone.NO,
        ),
        part=own,
        notices=sizes.notices,
        assumptions=(
            *(zones.assumptions if any(hold.least for hold in holds) else ()),
            *_system_pods_elsewhere(source, own_taints, alone),
        ),
        evidence=sizes.evidence,
        price_as=price_as,
    )
    if pool is None:
        return None
    pool = replace(pool, name=(known_text(named) if own else None) or _shown(source, own))
    standing = None if sizes.undecided else max((h.least for h in sizes.holds), default=0)
    return NodePool(part=pool, source=source, prefix=prefix, zones=zones, standing=standing)


def _shown(source: Declared, part: str) -> str:
    return f"{source.name} {part}" if part else source.name


def _machines(estate: Estate, source: Declared, config: str) -> Machines:
    whole = source.field(config)
    if whole.is_hidden:
        why = f"{config} isn't known at preview: it may name GPUs"
        return Machines(undecided=(whole.undecided(why),))
    found = machines(
        estate,
        source,
        [f"{config}.machineType"],
        [f"{config}.guestAccelerators", f"{config}.accelerators"],
        default=_DEFAULT_TYPE,
    )
    shared = _shared(source, config)
    if shared == 1:
        return found
    return replace(found, shapes=tuple(replace(shape, shared=shared) for shape in found.shapes))


def _shared(source: Declared, config: str) -> int:
    """Pods that one card takes at a time. A number that is hidden is taken for 1: more nodes."""
    base = source.pick(f"{config}.guestAccelerators[0]", f"{config}.accelerators[0]")[0]
    clients = source.field(f"{base}.gpuSharingConfig.maxSharedClientsPerGpu").count()
    size_ = source.field(f"{base}.gpuPartitionSize").text()
    part = re.match(r"([1-7])g\.", size_) if isinstance(size_, str) else None
    partitions = _MIG_SLICES // int(part[1]) if part else 1
    return max(1, partitions) * (clients if isinstance(clients, int) and clients else 1)


_MIG_SLICES: Final = 7
"""Compute slices of one card (NVIDIA MIG user guide)."""


def _market(source: Declared, config: str) -> tuple[Market, str | None]:
    """The market, and the service whose price applies: flex-start has a list of its own."""
    if source.field(f"{config}.flexStart").switch() is True:
        return Market.ON_DEMAND, "flex-start"
    return market(source, f"{config}."), None


def _region(estate: Estate, source: Declared, cluster: Declared | None) -> str | None:
    place = source.field("location", "zone", "region")
    if place.is_absent and cluster is not None and cluster is not source:
        return region_of(estate.region(cluster.resource, CLOUD))
    return region_of(estate.region(source.resource, CLOUD))


def _keeps_pods_off(taints: Any) -> bool:
    return any(
        known_text(at(taint, "effect")) in ("NO_SCHEDULE", "NO_EXECUTE")
        for taint in known_items(taints)
    )


def _system_pods(
    source: Declared, found: Machines, taints: Any, alone: Alone
) -> Hold | Undecided | None:
    """One node of the only pool of a cluster: system pods have nowhere else to run."""
    if _keeps_pods_off(taints):
        return None
    prop = "cluster" if source.resource.type in POOLS else "nodePools"
    fix = "Add a node pool without GPUs (one e2-standard-2) for the system pods"
    if alone is Alone.PERHAPS or isinstance(taints, Hidden):
        why = "It may be the only pool of its cluster, and then a node stays for system pods"
        return source.open(prop, why, fix)
    said = source.evidence(prop, _SYSTEM_PODS)
    return Hold(
        cause=Cause.STRAY_POD,
        urn=source.urn,
        units=1,
        evidence=(*found.evidence, said),
        fix=fix,
    )


def _system_pods_elsewhere(source: Declared, taints: Any, alone: Alone) -> Iterator[Assumption]:
    """What happens where the taints of the only pool keep system pods off isn't documented."""
    if alone is not Alone.NO and _keeps_pods_off(taints):
        what = f"System pods keep no node of {source.name}"
        yield Assumption(what, "it is the only pool of its cluster here, and its taints bar them")


# Node auto-provisioning


def _provisioned(source: Declared) -> Iterator[Undecided]:
    """Limits of node auto-provisioning that ask for a minimum of accelerators."""
    limits = source.field("clusterAutoscaling.resourceLimits", "autoscaling.resourceLimits")
    listed = limits.items()
    why = "Whether a minimum of accelerators keeps existing nodes isn't documented"
    if isinstance(listed, Hidden):
        yield limits.undecided(f"The limits aren't known at preview. {why}")
        return
    for index, item in enumerate(listed):
        kind, least = text(at(item, "resourceType")), count(at(item, "minimum"))
        if kind in ("cpu", "memory") or least in (None, 0):
            continue
        path = f"{limits.path}[{index}].minimum"
        yield source.open(path, why, f"Set {path} to 0")


# What names a GPU and holds nothing


def _accounted(estate: Estate, source: Declared) -> Iterator[Accounted]:
    separate = _separate(estate, source)
    # A hidden list of pools is undecided already.
    for index, item in enumerate(known_items(source.inputs.get("nodePools"))):
        if known_text(at(item, "name")) in separate:
            because = "the same pool is a resource of its own, which counts"
            yield Accounted(urn=source.urn, path=f"nodePools[{index}]", because=because)
    limits = "clusterAutoscaling.resourceLimits"
    if get(source.inputs, limits) is not None:
        because = "limits of node auto-provisioning, which adds nodes for pods and removes them"
        yield Accounted(urn=source.urn, path=limits, because=because)
    if source.inputs.get("nodeConfig") is not None and _keeps_default(source) is None:
        because = "describes the default node pool, which the cluster does not keep"
        yield Accounted(urn=source.urn, path="nodeConfig", because=because)
