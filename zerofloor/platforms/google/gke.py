"""Google Kubernetes Engine: clusters and node pools. Its own cluster autoscaler is trusted
where a pool declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Market,
    Notice,
    Part,
    Placement,
    Pool,
    Taint,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.platforms.google.read import (
    CLOUD,
    declared,
    is_zone,
    last,
    link,
    machines,
    market,
    pool_of,
    region_of,
)
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import at, get, known_items, known_mapping, known_text, switch
from zerofloor.words import counted

CLUSTERS: Final = (
    "gcp:container/cluster:Cluster",
    "google-native:container/v1:Cluster",
    "google-native:container/v1beta1:Cluster",
)
POOLS: Final = (
    "gcp:container/nodePool:NodePool",
    "google-native:container/v1:NodePool",
    "google-native:container/v1beta1:NodePool",
)
READS: Final = frozenset({*CLUSTERS, *POOLS})

_DEFAULT_TYPE: Final = "e2-medium"
"""What GKE runs where no type is named (SDK docstring of nodeConfig.machineType)."""
_DEFAULT_ZONES: Final = 3
"""Zones of a regional cluster that lists none (GKE docs, "Regional clusters")."""
_RECLAIM: Final = Decimal(600)
"""Seconds for which a node must be unneeded before it is removed (Cluster Autoscaler FAQ,
scale-down-unneeded-time)."""
_SYSTEM_PODS: Final = (
    "GKE docs, cluster autoscaler: an idle pool may go to zero nodes, but one node of the cluster "
    "always stays for system pods"
)


def read(estate: Estate) -> Iterator[Part]:
    """The pools of every cluster: declared by themselves, inline, and the default one."""
    for node_pool in node_pools(estate):
        yield node_pool.part
    for source in declared(estate, *CLUSTERS):
        yield from _accounted(estate, source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Over how many zones a pool's nodes are spread."""

    number: int
    """At least."""
    names: tuple[str, ...] = ()
    """Those that are known."""
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


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


# Zones


def _zones(estate: Estate, source: Declared, cluster: Declared | None, prefix: str) -> Zones:
    own = source.field(f"{prefix}nodeLocations", f"{prefix}locations")
    is_part = source is cluster
    if not own.is_absent and not (is_part and not prefix):
        listed = own.items()
        if isinstance(listed, Hidden):
            return _at_least_one(source, own.path)
        if listed:
            names = tuple(dict.fromkeys(one for one in listed if isinstance(one, str)))
            number = len(names) + sum(1 for one in listed if not isinstance(one, str))
            said = own.evidence(f"nodes in {counted(number, 'zone')}")
            return Zones(number=number, names=names, evidence=(said,))
    return _cluster_zones(estate, source if cluster is None else cluster, source)


def _cluster_zones(estate: Estate, owner: Declared, pool: Declared) -> Zones:
    location = owner.field("location", "zone", "region")
    if location.is_absent and owner is not pool:
        location = pool.field("location", "zone", "region")
    more = owner.field("nodeLocations", "locations") if owner.resource.type in CLUSTERS else None
    listed = [] if more is None else more.items()
    if isinstance(listed, Hidden):
        return _at_least_one(owner, more.path if more else "nodeLocations")
    names = tuple(dict.fromkeys(one for one in listed if isinstance(one, str)))
    unknown = sum(1 for one in listed if not isinstance(one, str))
    if location.is_hidden:
        if listed:
            return Zones(number=max(1, len(names) + unknown), names=names)
        return _at_least_one(location.source, location.path)
    place = last(location.text())
    if place is None:
        # The provider takes its zone, never its region (its getLocation), so the cluster is zonal.
        place = known_text(_provider_zone(estate, owner)) or "the provider's zone"
        zones = tuple(dict.fromkeys((place, *names)))
        return Zones(
            number=max(len(zones), len(names) + unknown),
            names=zones,
            assumptions=(
                Assumption(
                    f"{owner.name} is in one zone",
                    "it has no location, and then the provider takes its zone",
                ),
            ),
        )
    if is_zone(str(place)):
        zones = tuple(dict.fromkeys((str(place), *names)))
        number = max(len(zones), len(names) + unknown)
        return Zones(number=number, names=zones, evidence=(location.evidence("a zone"),))
    if listed and more is not None:
        number = len(names) + unknown
        said = more.evidence(f"nodes in {counted(number, 'zone')}")
        return Zones(number=number, names=names, evidence=(said,))
    said = location.evidence(f"a region: nodes in {_DEFAULT_ZONES} zones by default")
    return Zones(number=_DEFAULT_ZONES, evidence=(said,))


def _provider_zone(estate: Estate, source: Declared) -> Any:
    provider = estate.by_urn.get((source.resource.provider or "").rsplit("::", 1)[0])
    given = provider.inputs.get("zone") if provider is not None else None
    if given is not None:
        return given
    stack = estate.stack_of.get(source.urn)
    return ((stack.config if stack else None) or {}).get("gcp:zone")


def _at_least_one(source: Declared, path: str) -> Zones:
    what = f"Nodes of {source.name} are in one zone"
    because = f"{path} isn't known yet; each further zone has as many nodes again"
    return Zones(number=1, assumptions=(Assumption(what, because),))


# Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """What a pool keeps and may reach, in nodes of all zones together."""

    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    desired: int | None = None
    ceiling: int | None = None
    grows: bool = False
    evidence: tuple[Evidence, ...] = ()


def _sizes(source: Declared, prefix: str, zones: Zones, chain: tuple[Evidence, ...]) -> _Sizes:
    initial = size(source, [f"{prefix}nodeCount", f"{prefix}initialNodeCount"], 0)
    if isinstance(initial, Undecided):
        return _Sizes(undecided=(initial,))
    scaling = source.field(f"{prefix}autoscaling")
    # The cluster's own `autoscaling` of google-native is node auto-provisioning, no pool's.
    is_default_pool = source.resource.type in CLUSTERS and not prefix
    if scaling.is_absent or is_default_pool:
        return _fixed(source, prefix, initial, zones, chain)
    if scaling.is_hidden:
        why = f"{scaling.path} isn't known at preview: GPU nodes may stay on"
        return _Sizes(undecided=(scaling.undecided(why),), desired=_times(initial, zones))
    native = source.resource.type.startswith("google-native:")
    enabled = switch(at(scaling.value, "enabled"))
    if native and isinstance(enabled, Hidden):
        return _Sizes(undecided=(scaling.undecided("Whether the pool scales isn't known"),))
    if native and enabled is not True:
        off = Evidence(
            source.urn,
            f"{prefix}autoscaling.enabled",
            enabled,
            "google-native scales a pool only where enabled is true",
        )
        return _fixed(source, prefix, initial, zones, (*chain, off))
    return _autoscaled(source, prefix, initial, zones, chain)


def _times(number: Size, zones: Zones) -> int | None:
    return None if number.known is None else number.known * zones.number


def _fixed(
    source: Declared, prefix: str, number: Size, zones: Zones, chain: tuple[Evidence, ...]
) -> _Sizes:
    if number.is_hidden:
        why = f"{number.path} isn't known at preview, so any number of GPU nodes could stay on"
        return _Sizes(undecided=(source.open(number.path, why),))
    nodes = _times(number, zones) or 0
    step = number.evidence(f"{_each(number.known or 0, zones)}, and no autoscaling lowers it")
    goal = {"minNodeCount": 0, "maxNodeCount": max(1, number.known or 1)}
    change = [Change(urn=source.urn, path=f"{prefix}autoscaling", to=goal)]
    if number.path.endswith("nodeCount"):
        change.append(Change(urn=source.urn, path=number.path, to=None))
    native = source.resource.type.startswith("google-native:")
    default_pool = source.resource.type in CLUSTERS and not prefix
    hold = Hold(
        cause=Cause.DESIRED_NOT_LOWERED,
        urn=source.urn,
        units=nodes,
        evidence=(*chain, *zones.evidence, step),
        fix=(
            "Set removeDefaultNodePool to true and declare a NodePool with autoscaling from 0"
            if default_pool
            else f"Set {prefix}autoscaling with minNodeCount 0, and leave {number.path} out"
        ),
        change=() if native or default_pool else tuple(change),
    )
    return _Sizes(holds=(hold,), desired=nodes, ceiling=nodes)


def _each(number: int, zones: Zones) -> str:
    if zones.number == 1:
        return counted(number, "node")
    return f"{counted(number, 'node')} in each of {zones.number} zones"


def _autoscaled(
    source: Declared, prefix: str, initial: Size, zones: Zones, chain: tuple[Evidence, ...]
) -> _Sizes:
    path = f"{prefix}autoscaling"
    each = size(source, [f"{path}.minNodeCount"], 0, "omitted: 0")
    total = size(source, [f"{path}.totalMinNodeCount"], 0, "omitted: 0")
    most = size(source, [f"{path}.maxNodeCount"])
    most_total = size(source, [f"{path}.totalMaxNodeCount"])
    found: list[Size] = []
    for one in (each, total, most, most_total):
        if isinstance(one, Undecided):
            return _Sizes(undecided=(one,))
        found.append(one)
    each, total, most, most_total = found
    for low, high in ((each, most), (total, most_total)):
        if low.known and high.known is not None and low.known > high.known:
            why = f"{low.path} {low.known} is above {high.path} {high.known}: GKE refuses the pool"
            fix = "Correct the values: minimum ≤ maximum"
            return _Sizes(undecided=(source.open(low.path, why, fix),))
    ceiling = most_total.known if most_total.known is not None else _times(most, zones)
    hidden = [one for one in (each, total) if one.is_hidden]
    if hidden:
        why = f"{hidden[0].path} isn't known at preview: so many GPU nodes stay on"
        return _Sizes(undecided=(source.open(hidden[0].path, why),), ceiling=ceiling, grows=True)
    per_zone = (each.known or 0) * zones.number
    minimum, nodes = (
        (total, total.known or 0) if (total.known or 0) > per_zone else (each, per_zone)
    )
    multiplied = zones.evidence if minimum is each else ()
    said = _each(minimum.known or 0, zones if minimum is each else Zones(number=1))
    step = minimum.evidence(f"the autoscaler keeps {said}")
    hold = Hold(
        cause=Cause.POOL_MINIMUM,
        urn=source.urn,
        units=nodes,
        evidence=(*chain, *multiplied, step),
        fix=f"Set {minimum.path} to 0",
        change=(Change(urn=source.urn, path=minimum.path, to=0),),
    )
    return _Sizes(
        holds=(hold,) if nodes else (),
        notices=tuple(_reapplied(source, prefix, nodes, zones)),
        desired=max(_times(initial, zones) or 0, nodes),
        ceiling=ceiling,
        grows=ceiling is None or ceiling > nodes,
        evidence=(step,),
    )


def _reapplied(source: Declared, prefix: str, floor: int, zones: Zones) -> Iterator[Notice]:
    """The notice of a nodeCount beside autoscaling: every update puts the nodes back."""
    number = source.field(f"{prefix}nodeCount")
    given = number.count()
    ignored = {path.split(".")[-1] for path in source.resource.ignore_changes}
    owned = source.field(f"{prefix}ignoreNodeCountChanges").switch() is True
    if given is None or owned or "nodeCount" in ignored or number.source.resource.type not in POOLS:
        return
    if isinstance(given, int) and given * zones.number <= floor:
        return
    yield Notice(
        cause=Cause.REPLICAS_BESIDE_SCALER,
        urn=source.urn,
        message=(
            f"Node pool {source.name} gets its {number.path} back at every update although its "
            "autoscaler lowers it."
        ),
        fix=f"Leave {number.path} out (initialNodeCount sets the size at creation only)",
        evidence=(number.evidence("applied again at every update"),),
    )


# Pools


def _node_pool(
    estate: Estate, source: Declared, cluster: Declared | None, prefix: str, *, alone: Alone
) -> NodePool | None:
    config = source.pick(f"{prefix}nodeConfig", f"{prefix}config")[0]
    found = _machines(estate, source, config)
    zones = _zones(estate, source, cluster, prefix)
    sizes = _sizes(source, prefix, zones, found.evidence)
    is_default = source.resource.type in CLUSTERS and not prefix
    kept = _keeps_default(source) if is_default else True
    undecided = sizes.undecided
    holds = sizes.holds
    if isinstance(kept, Hidden) and any(hold.least for hold in holds):
        holds = ()
        why = "Whether the default node pool is removed isn't known at preview"
        undecided = (*undecided, source.open("removeDefaultNodePool", why))
    if alone is not Alone.NO and not holds and not undecided and sizes.grows:
        part = _system_pods(source, found, get(source.inputs, f"{config}.taints"), alone)
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
        placement=_placement(
            source, prefix, config, found, region=region, grows=sizes.grows, sold=sold, alone=alone
        ),
        part=own,
        name=(known_text(named) if own else None) or _shown(source, own),
        notices=sizes.notices,
        assumptions=zones.assumptions if any(hold.least for hold in holds) else (),
        evidence=sizes.evidence,
        price_as=price_as,
    )
    if pool is None:
        return None
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
        return "on-demand", "flex-start"
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
    said = source.evidence(prop, f"it is the only pool of its cluster ({_SYSTEM_PODS})")
    return Hold(
        cause=Cause.STRAY_POD,
        urn=source.urn,
        units=1,
        evidence=(*found.evidence, said),
        fix=fix,
    )


# How pods get onto the nodes

_FAMILY_CARDS: Final = {
    "a2-highgpu": "nvidia-tesla-a100",
    "a2-megagpu": "nvidia-tesla-a100",
    "a2-ultragpu": "nvidia-a100-80gb",
    "a3-highgpu": "nvidia-h100-80gb",
    "a3-edgegpu": "nvidia-h100-80gb",
    "a3-megagpu": "nvidia-h100-mega-80gb",
    "a3-ultragpu": "nvidia-h200-141gb",
    "a4-highgpu": "nvidia-b200",
    "a4x-highgpu": "nvidia-gb200",
    "a4x-maxgpu": "nvidia-gb300",
    "g2-standard": "nvidia-l4",
    "g4-standard": "nvidia-rtx-pro-6000",
}
_TPU_LABELS: Final = {
    "ct3": "tpu-v3-device",
    "ct3p": "tpu-v3-slice",
    "ct4p": "tpu-v4-podslice",
    "ct5l": "tpu-v5-lite-device",
    "ct5lp": "tpu-v5-lite-podslice",
    "ct5p": "tpu-v5p-slice",
    "ct6e": "tpu-v6e-slice",
    "tpu7x": "tpu7x",
}
_OPEN_LABELS: Final = (
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.gke.io/zone",
    "cloud.google.com/gke-boot-disk",
    "cloud.google.com/gke-container-runtime",
    "cloud.google.com/gke-cpu-scaling-level",
    "cloud.google.com/gke-memory-gb-scaling-level",
    "cloud.google.com/gke-logging-variant",
    "cloud.google.com/gke-max-pods-per-node",
    "cloud.google.com/gke-netd-ready",
    "cloud.google.com/gke-os-distribution",
    "cloud.google.com/gke-stack-type",
    "cloud.google.com/private-node",
    "iam.gke.io/gke-metadata-server-enabled",
)
"""Labels that GKE puts on nodes and whose values no declaration settles."""
_EFFECTS: Final = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}


def _placement(
    source: Declared,
    prefix: str,
    config: str,
    found: Machines,
    *,
    region: str | None,
    grows: bool,
    sold: Market,
    alone: Alone,
) -> Placement:
    given = source.field(f"{config}.labels")
    name = source.field(f"{prefix}name").text()
    is_default = source.resource.type in CLUSTERS and not prefix
    labels: dict[str, str | None] = {
        **dict.fromkeys(_OPEN_LABELS),
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": region,
        "cloud.google.com/gke-nodepool": "default-pool" if is_default else known_text(name),
        **_market_labels(source, config, sold),
    }
    if len(found.shapes) == 1 and not found.undecided:
        labels |= _type_labels(source, prefix, config, found)
    else:
        labels |= dict.fromkeys(_TYPE_LABELS)
    # A hidden label may be any: `open_labels` says so where the whole map is hidden.
    own = {str(key): known_text(value) for key, value in known_mapping(given.value).items()}
    return Placement(
        labels={**labels, **own},
        open_labels=given.is_hidden,
        taints=_taints(source, config, found, by_gke=not is_default and alone is Alone.NO),
        grows=grows,
        reclaim=_RECLAIM,
        tolerates_by_request=True,
    )


_TYPE_LABELS: Final = (
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "cloud.google.com/machine-family",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-accelerator-count",
    "cloud.google.com/gke-tpu-accelerator",
    "cloud.google.com/gke-tpu-topology",
    "cloud.google.com/gke-gpu-partition-size",
)


def _market_labels(source: Declared, config: str, sold: Market) -> dict[str, str | None]:
    spot = source.field(f"{config}.spot").switch()
    preemptible = source.field(f"{config}.preemptible").switch()
    if isinstance(spot, Hidden) or isinstance(preemptible, Hidden):
        return dict.fromkeys(
            (
                "cloud.google.com/gke-spot",
                "cloud.google.com/gke-preemptible",
                "cloud.google.com/gke-provisioning",
            )
        )
    labels: dict[str, str | None] = {"cloud.google.com/gke-provisioning": "standard"}
    if spot is True:
        labels |= {
            "cloud.google.com/gke-spot": "true",
            "cloud.google.com/gke-provisioning": "spot",
        }
    elif preemptible is True:
        labels |= {
            "cloud.google.com/gke-preemptible": "true",
            "cloud.google.com/gke-provisioning": "preemptible",
        }
    if source.field(f"{config}.flexStart").switch() is True:
        labels["cloud.google.com/gke-flex-start"] = "true"
    return labels


def _type_labels(
    source: Declared, prefix: str, config: str, found: Machines
) -> dict[str, str | None]:
    shape = found.shapes[0]
    kind = shape.instance_type
    family = kind.split("-")[0]
    labels: dict[str, str | None] = {
        "node.kubernetes.io/instance-type": kind,
        "beta.kubernetes.io/instance-type": kind,
        "cloud.google.com/machine-family": family,
    }
    if not shape.gpus:
        return labels
    number = None if shape.gpus is None else f"{shape.gpus.normalize():f}"
    labels["cloud.google.com/gke-accelerator-count"] = number
    if family in _TPU_LABELS:
        topology = source.field(f"{prefix}placementPolicy.tpuTopology").text()
        labels["cloud.google.com/gke-tpu-accelerator"] = _TPU_LABELS[family]
        # Without one GKE takes the default topology of the type, which the pod must name as well.
        labels["cloud.google.com/gke-tpu-topology"] = known_text(topology)
        return labels
    base = f"{config}.guestAccelerators[0]"
    listed = source.field(f"{base}.type", f"{config}.accelerators[0].acceleratorType").text()
    labels["cloud.google.com/gke-gpu"] = "true"
    labels["cloud.google.com/gke-gpu-driver-version"] = None
    labels["cloud.google.com/gke-accelerator"] = known_text(last(listed)) or _FAMILY_CARDS.get(
        "-".join(kind.split("-")[:2])
    )
    for prop, label in (
        ("gpuPartitionSize", "cloud.google.com/gke-gpu-partition-size"),
        ("gpuSharingConfig.gpuSharingStrategy", "cloud.google.com/gke-gpu-sharing-strategy"),
        (
            "gpuSharingConfig.maxSharedClientsPerGpu",
            "cloud.google.com/gke-max-shared-clients-per-gpu",
        ),
    ):
        value = get(source.inputs, f"{base}.{prop}")
        if value is not None:
            labels[label] = None if isinstance(value, Hidden) else _label_value(value)
    # Set by NVIDIA's GPU feature discovery where it runs.
    return {
        **labels,
        "nvidia.com/gpu.present": None,
        "nvidia.com/gpu.product": None,
        "nvidia.com/gpu.count": None,
    }


def _label_value(value: Any) -> str:
    # GKE writes the strategy in lower case with a dash: TIME_SHARING → time-sharing.
    return str(value).lower().replace("_", "-")


def _taints(source: Declared, config: str, found: Machines, *, by_gke: bool) -> tuple[Taint, ...]:
    taints = []
    # A hidden taint keeps no pod off here: pods that land raise a floor and never lower it.
    for item in known_items(get(source.inputs, f"{config}.taints")):
        effect = known_text(at(item, "effect")) or "NoSchedule"
        taints.append(
            Taint(
                key=known_text(at(item, "key")) or "",
                value=known_text(at(item, "value")) or "",
                effect=_EFFECTS.get(effect, effect),
            )
        )
    names = {shape.accelerator for shape in found.shapes if shape.gpus != 0}
    keys = {taint.key for taint in taints}
    if not by_gke:
        return tuple(taints)
    # GKE taints the GPU nodes of a cluster that has others (GKE docs, "Run GPUs in Standard node
    # pools"; cluster-toolkit PR 1285 tried it).
    for key, word in (("nvidia.com/gpu", "NVIDIA"), ("google.com/tpu", "TPU")):
        if key not in keys and names and all(word in name for name in names):
            taints.append(Taint(key=key, value="present"))
    return tuple(taints)


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
