"""By what stacks find each other: the clusters that one declares, and the clusters that the pods
and nodes of another belong to."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlsplit

from zerofloor.estates.values import Links, StackResult
from zerofloor.stack import STACK_TYPE, Resource, Stack
from zerofloor.values import known_mapping

PROVIDER: Final = "pulumi:providers:kubernetes"
REFERENCE: Final = "pulumi:pulumi:StackReference"

CLUSTER: Final = re.compile(
    r"(?i)\w[\w-]*:(?:\w*(?:eks|container|kubernetes|k8s|lke|cs)\w*[/:]).*cluster\w*"
)
"""Types of Kubernetes clusters: `aws:eks/cluster:Cluster`, `gcp:container/cluster:Cluster`,
`azure-native:containerservice:ManagedCluster`, …"""

NODES: Final = re.compile(r"(?i).*(?:nodegroup|nodepool|agentpool|machinepool)\w*")
"""Types of node pools, which may stand in another stack than their cluster."""

OF_NODES: Final = (
    "clusterName",
    "cluster",
    "clusterId",
    "kubernetesClusterId",
    "resourceName",
)
"""Inputs by which a node pool names its cluster."""

NAMES: Final = ("name", "clusterName", "resourceName")

ADDRESSES: Final = ("endpoint", "fqdn", "privateFqdn", "apiEndpoint", "host", "apiServerEndpoint")
"""Outputs of a cluster with the address of its API."""

_HERE: Final = frozenset(
    {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
)
"""Hosts that mean another cluster on each machine."""


def links_of(stack: Stack) -> Links:
    """What a stack offers to others and wants of them."""
    clusters = [one for one in stack.resources if one.custom and CLUSTER.fullmatch(one.type)]
    offers = {key for one in clusters for key in _of_cluster(one)}
    exported = [r for r in stack.resources if r.type == STACK_TYPE]
    for one in (*clusters, *exported):
        for value in (one.outputs or {}).values():
            offers.update(_of_kubeconfig(value))
    wants = {key for one in stack.resources for key in _wanted(one, stack)}
    return Links(tuple(sorted(offers)), tuple(sorted(wants - offers)))


def groups_in(results: Sequence[StackResult]) -> tuple[tuple[int, ...], ...]:
    """The stacks, by index, that share a cluster, where one of them has to do with a GPU.

    An address of an API is one cluster everywhere; a mere name is one only where a single stack
    declares a cluster of that name.
    """
    holders: dict[str, set[int]] = defaultdict(set)
    wanting: dict[str, set[int]] = defaultdict(set)
    for index, result in enumerate(results):
        for key in (*result.links.offers, *_stack_keys(result)):
            holders[key].add(index)
        for key in result.links.wants:
            wanting[key].add(index)
    union = _Union(len(results))
    for key, wanted in sorted(wanting.items()):
        offered = holders.get(key, set())
        if key.startswith(("name:", "stack:")):
            if len(offered) == 1:
                union.join((*offered, *wanted))
        else:
            union.join((*offered, *wanted))
    return tuple(
        group
        for group in union.groups()
        if len(group) > 1 and any(results[index].involved for index in group)
    )


def ambiguous_in(results: Sequence[StackResult]) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """Stacks that name a cluster which several stacks declare: which is meant can't be told."""
    offering: dict[str, list[int]] = defaultdict(list)
    for index, result in enumerate(results):
        for key in result.links.offers:
            offering[key].append(index)
    for index, result in enumerate(results):
        strong = {k for k in result.links.wants if not k.startswith("name:") and k in offering}
        for key in result.links.wants:
            if key.startswith("name:") and len(offering.get(key, ())) > 1 and not strong:
                yield index, key.removeprefix("name:"), tuple(offering[key])


def _stack_keys(result: StackResult) -> Iterator[str]:
    """How a StackReference may name this stack."""
    ref = result.ref
    yield f"stack:{ref.name}"
    if ref.project:
        yield f"stack:{ref.project}/{ref.stack}"
        yield f"stack:organization/{ref.project}/{ref.stack}"


def _of_cluster(cluster: Resource) -> Iterator[str]:
    outputs = cluster.outputs or {}
    for name in NAMES:
        for value in (outputs.get(name), cluster.inputs.get(name)):
            if isinstance(value, str) and value:
                yield f"name:{value}"
    arn = outputs.get("arn")
    if arn:
        yield f"arn:{arn}"
    for name in ADDRESSES:
        yield from _server(outputs.get(name))


def _wanted(resource: Resource, stack: Stack) -> Iterator[str]:
    if resource.type == PROVIDER:
        yield from _of_kubeconfig(resource.inputs.get("kubeconfig"), resource.inputs.get("context"))
        sources = (resource.property_dependencies or {}).get("kubeconfig", ())
        yield from _referred(sources, stack)
    elif resource.custom and NODES.fullmatch(resource.type):
        for name in OF_NODES:
            value = resource.inputs.get(name)
            if isinstance(value, str) and value:
                kind = "arn" if value.startswith("arn:") else "name"
                yield f"{kind}:{value.rsplit('/', 1)[-1] if kind == 'name' else value}"
            yield from _referred((resource.property_dependencies or {}).get(name, ()), stack)


def _referred(urns: Iterable[str], stack: Stack) -> Iterator[str]:
    """The stacks that these StackReferences name."""
    wanted = set(urns)
    for resource in stack.resources:
        if resource.urn in wanted and resource.type == REFERENCE:
            name = resource.inputs.get("name")
            if isinstance(name, str):
                yield f"stack:{name}"


def _of_kubeconfig(value: Any, context: Any = None) -> Iterator[str]:
    """The cluster that a kubeconfig is for; nothing where it isn't one, or can't be read."""
    if not isinstance(value, str) or "server" not in value or "clusters" not in value:
        return
    config = _parsed(value)
    chosen = context if isinstance(context, str) else config.get("current-context")
    contexts = _named(config, "contexts", "context")
    place = contexts.get(str(chosen)) or next(iter(contexts.values()), {})
    clusters = _named(config, "clusters", "cluster")
    cluster = clusters.get(str(place.get("cluster"))) or next(iter(clusters.values()), {})
    servers = list(_server(cluster.get("server")))
    yield from servers
    if servers:
        canonical = json.dumps(config, sort_keys=True, default=str)
        yield f"kubeconfig:{hashlib.sha256(canonical.encode()).hexdigest()[:20]}"
    user = _named(config, "users", "user").get(str(place.get("user")), {})
    arguments = known_mapping(user.get("exec")).get("args") or ()
    words = [word for word in arguments if isinstance(word, str)]
    for flag, name in pairwise(words):
        if flag in ("--cluster-name", "--cluster-id", "-i"):
            yield f"name:{name}"
    for text in (chosen, place.get("cluster")):
        if isinstance(text, str) and text.startswith("arn:"):
            yield f"arn:{text}"
        elif isinstance(text, str) and text.startswith("gke_"):
            yield f"name:{text.rsplit('_', 1)[-1]}"


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        return known_mapping(json.loads(text))
    except (ValueError, RecursionError):
        pass
    import yaml

    try:
        return known_mapping(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}


def _named(config: Mapping[str, Any], many: str, one: str) -> Mapping[str, Mapping[str, Any]]:
    found = {}
    listed = config.get(many)
    for item in listed if isinstance(listed, list) else ():
        part = known_mapping(item)
        found[str(part.get("name"))] = known_mapping(part.get(one))
    return found


def _server(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        return
    try:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        host, port = (parts.hostname or "").lower(), parts.port or 443
    except ValueError:
        return
    if host and host not in _HERE and not host.startswith("127.") and host != "::1":
        yield f"server:{host}:{port}{parts.path.rstrip('/')}"


class _Union:
    """Disjoint sets of indices."""

    def __init__(self, size: int) -> None:
        self.parent = list(range(size))

    def root(self, index: int) -> int:
        while self.parent[index] != index:
            self.parent[index] = self.parent[self.parent[index]]
            index = self.parent[index]
        return index

    def join(self, indices: Iterable[int]) -> None:
        roots = sorted({self.root(index) for index in indices})
        for other in roots[1:]:
            self.parent[other] = roots[0]

    def groups(self) -> tuple[tuple[int, ...], ...]:
        found: dict[int, list[int]] = defaultdict(list)
        for index in range(len(self.parent)):
            found[self.root(index)].append(index)
        return tuple(tuple(group) for _, group in sorted(found.items()))
