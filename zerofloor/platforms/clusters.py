"""Which cluster of the estate a pool of nodes belongs to: pods of another never land on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cluster, Pool
from zerofloor.estate import Estate
from zerofloor.stack import Resource

_PLACES: Final = ("endpoint", "fqdn", "privateFqdn", "arn")
"""Outputs of EKS, GKE and AKS clusters that a kubeconfig repeats."""

_SHORTEST_PLACE: Final = 7
"""Characters of the shortest address (`1.1.1.1`)."""


def is_cluster(resource: Resource) -> bool:
    """Whether the resource is a Kubernetes cluster, by its type."""
    return resource.custom and resource.type.endswith(("Cluster", "Kubernetes", "ManagedCluster"))


def clusters_behind(estate: Estate, urns: Iterable[str]) -> frozenset[str]:
    """The clusters among these resources and below those of them that are components."""
    found: set[str] = set()
    for urn in urns:
        resource = estate.by_urn.get(urn)
        if resource is None:
            continue
        below = estate.descendants(urn) if not resource.custom else ()
        found.update(one.urn for one in (resource, *below) if is_cluster(one))
    return frozenset(found)


def clusters_at(estate: Estate, kubeconfig: str) -> frozenset[str]:
    """The deployed clusters whose API address or ARN stands in a kubeconfig."""
    places = estate.once("places of clusters", lambda: tuple(_places(estate)))
    return frozenset(urn for urn, place in places if place.search(kubeconfig))


def _places(estate: Estate) -> Iterator[tuple[str, re.Pattern[str]]]:
    for resource in estate.by_urn.values():
        if not is_cluster(resource):
            continue
        for name in _PLACES:
            value = (resource.outputs or {}).get(name, "").removeprefix("https://").rstrip("/")
            if len(value) >= _SHORTEST_PLACE:
                yield resource.urn, re.compile(rf"(?<![\w.-]){re.escape(value)}(?![\w.-])")


def in_its_cluster(estate: Estate, pool: Pool) -> Pool:
    """The pool with the cluster that its declaration is computed from, or is."""
    placement = pool.placement
    resource = estate.by_urn.get(pool.urn)
    if placement is None or placement.cluster is not None or resource is None:
        return pool
    if resource.type.startswith("kubernetes:"):
        return pool
    if is_cluster(resource):
        made_from = frozenset({resource.urn})
    else:
        links = (resource.property_dependencies or {}).values()
        made_from = clusters_behind(estate, {urn for urns in links for urn in urns})
    if not made_from:
        return pool
    stack = id(estate.stack_of.get(resource.urn))
    cluster = Cluster(document=stack, provider="", made_from=made_from)
    return replace(pool, placement=replace(placement, cluster=cluster))
