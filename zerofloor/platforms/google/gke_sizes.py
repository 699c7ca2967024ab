"""How many nodes a GKE pool keeps: a fixed size, or the minimum of its autoscaler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zerofloor.capacity import (
    Cause,
    Change,
    Evidence,
    Hold,
    Notice,
    Undecided,
)
from zerofloor.platforms.declared import Declared, Size, how_many, size
from zerofloor.platforms.google.gke_zones import Zones
from zerofloor.platforms.google.tokens import CLUSTERS, POOLS
from zerofloor.stack import Hidden
from zerofloor.values import at, switch
from zerofloor.words import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a pool keeps and may reach, in nodes of all zones together."""

    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    desired: int | None = None
    ceiling: int | None = None
    grows: bool = False
    evidence: tuple[Evidence, ...] = ()


def sizes_of(source: Declared, prefix: str, zones: Zones, chain: tuple[Evidence, ...]) -> Sizes:
    """The nodes that a pool keeps; `chain` says what they are."""
    initial = size(source, [f"{prefix}nodeCount", f"{prefix}initialNodeCount"], 0)
    if isinstance(initial, Undecided):
        return Sizes(undecided=(initial,))
    scaling = source.field(f"{prefix}autoscaling")
    # The cluster's own `autoscaling` of google-native is node auto-provisioning, no pool's.
    is_default_pool = source.resource.type in CLUSTERS and not prefix
    if scaling.is_absent or is_default_pool:
        return _fixed(source, prefix, initial, zones, chain)
    if scaling.is_hidden:
        why = f"{scaling.path} isn't known at preview: GPU nodes may stay on"
        return Sizes(undecided=(scaling.undecided(why),), desired=_times(initial, zones))
    native = source.resource.type.startswith("google-native:")
    enabled = switch(at(scaling.value, "enabled"))
    if native and isinstance(enabled, Hidden):
        return Sizes(undecided=(scaling.undecided("Whether the pool scales isn't known"),))
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
) -> Sizes:
    if number.is_hidden:
        why = f"{number.path} isn't known at preview, so any number of GPU nodes could stay on"
        return Sizes(undecided=(source.open(number.path, why),))
    nodes = _times(number, zones) or 0
    step = number.evidence(f"{_each(number.known or 0, zones)}, and no autoscaling lowers it")
    goal = {"minNodeCount": 0, "maxNodeCount": max(1, number.known or 1)}
    change = [Change(urn=source.urn, path=f"{prefix}autoscaling", to=goal)]
    if number.path == f"{prefix}nodeCount":
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
    return Sizes(holds=(hold,), desired=nodes, ceiling=nodes)


def _each(number: int, zones: Zones) -> str:
    if zones.number == 1:
        return counted(number, "node")
    return f"{counted(number, 'node')} in each of {counted(zones.number, 'zone')}"


def _autoscaled(
    source: Declared, prefix: str, initial: Size, zones: Zones, chain: tuple[Evidence, ...]
) -> Sizes:
    path = f"{prefix}autoscaling"
    each = size(source, [f"{path}.minNodeCount"], 0, "omitted: 0")
    total = size(source, [f"{path}.totalMinNodeCount"], 0, "omitted: 0")
    most = size(source, [f"{path}.maxNodeCount"])
    most_total = size(source, [f"{path}.totalMaxNodeCount"])
    found: list[Size] = []
    for one in (each, total, most, most_total):
        if isinstance(one, Undecided):
            return Sizes(undecided=(one,))
        found.append(one)
    each, total, most, most_total = found
    for low, high in ((each, most), (total, most_total)):
        if low.known and high.known is not None and low.known > high.known:
            why = f"{low.path} {low.known} is above {high.path} {high.known}: GKE refuses the pool"
            fix = "Correct the values: minimum ≤ maximum"
            return Sizes(undecided=(source.open(low.path, why, fix),))
    ceiling = most_total.known if most_total.known is not None else _times(most, zones)
    hidden = [one for one in (each, total) if one.is_hidden]
    if hidden:
        many = how_many(ceiling, "node")
        why = f"{hidden[0].path} isn't known at preview, so {many} could stay on"
        return Sizes(undecided=(source.open(hidden[0].path, why),), ceiling=ceiling, grows=True)
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
    return Sizes(
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
            "autoscaler lowers it"
        ),
        fix=f"Leave {number.path} out (initialNodeCount sets the size at creation only)",
        evidence=(number.evidence("applied again at every update"),),
    )
