"""Which cluster of the estate a pool of nodes belongs to: pods of another never land on it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from zerofloor.capacity import Cluster, Pool
from zerofloor.estate import Estate
from zerofloor.stack import Resource

_PLACES: Final = ("endpoint", "fqdn", "privateFqdn", "arn")
"""Outputs of EKS, GKE and AKS clusters that a kubeconfig repeats."""

_NAMES: Final = ("name", "clusterName", "resourceName")
_OF_POOLS: Final = ("clusterName", "cluster", "kubernetesClusterId", "clusterId", "resourceName")
"""Inputs by which a cluster says its name, and by which a pool names its cluster."""

REFERENCE: Final = "pulumi:pulumi:StackReference"

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
        if resource.type == REFERENCE:
            found.update(_clusters_of_stack(estate, resource.inputs.get("name")))
            continue
        below = estate.descendants(urn) if not resource.custom else ()
        found.update(one.urn for one in (resource, *below) if is_cluster(one))
    return frozenset(found)


def _clusters_of_stack(estate: Estate, name: Any) -> Iterator[str]:
    """The clusters of the stack that a reference names (`ORGANISATION/PROJECT/STACK`), where it is
    in the estate."""
    if not isinstance(name, str):
        return  # Any stack's, perhaps: then it is tied to none.
    *rest, stack_name = name.split("/")
    for stack in estate.stacks:
        if stack.name == stack_name and (not rest or stack.project == rest[-1]):
            yield from (one.urn for one in stack.resources if is_cluster(one))


def _cluster_named(estate: Estate, resource: Resource) -> frozenset[str]:
    """The one cluster of another stack that has the name by which a pool names its own."""
    if len(estate.stacks) < 2:
        return frozenset()
    by_name = estate.once("clusters by name", lambda: _by_name(estate))
    given = (resource.inputs.get(name) for name in _OF_POOLS)
    for name in given:
        found = by_name.get(name.rsplit("/", 1)[-1], ()) if isinstance(name, str) else ()
        if len(found) == 1:
            return frozenset(found)
    return frozenset()


def _by_name(estate: Estate) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for resource in estate.by_urn.values():
        if is_cluster(resource):
            for name in _NAMES:
                for value in (resource.inputs.get(name), (resource.outputs or {}).get(name)):
                    if isinstance(value, str):
                        found[value].add(resource.urn)
    return found


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
        behind = clusters_behind(estate, {urn for urns in links for urn in urns})
        made_from = behind or _cluster_named(estate, resource)
    if not made_from:
        return pool
    stack = id(estate.stack_of.get(resource.urn))
    cluster = Cluster(document=stack, provider="", made_from=made_from)
    return replace(pool, placement=replace(placement, cluster=cluster))
