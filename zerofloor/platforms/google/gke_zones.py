"""Over how many zones the nodes of a GKE pool are spread: its sizes count for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from zerofloor.capacity import (
    Assumption,
    Evidence,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.google.read import (
    is_zone,
    last,
)
from zerofloor.platforms.google.tokens import CLUSTERS
from zerofloor.stack import Hidden
from zerofloor.values import known_text
from zerofloor.words import counted

_DEFAULT_ZONES: Final = 3
"""Zones of a regional cluster that lists none (GKE docs, "Regional clusters")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Over how many zones a pool's nodes are spread."""

    number: int
    """At least."""
    names: tuple[str, ...] = ()
    """Those that are known."""
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def zones_of(estate: Estate, source: Declared, cluster: Declared | None, prefix: str) -> Zones:
    """The zones of a pool: its own list, else those of its cluster."""
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
    said = location.evidence(f"a region: nodes in {counted(_DEFAULT_ZONES, 'zone')} by default")
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
