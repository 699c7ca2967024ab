"""Clusters read one after the other; one that can't be read leaves the others to be read."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from zerofloor.errors import InputError
from zerofloor.live.kubernetes.api import Api
from zerofloor.live.kubernetes.beside import Price, compare, read_declared
from zerofloor.live.kubernetes.kubeconfig import Access, access_of_stack, open_access
from zerofloor.live.kubernetes.prometheus import Query, read_metrics
from zerofloor.live.kubernetes.read import read_cluster
from zerofloor.live.kubernetes.values import ClusterLive
from zerofloor.live.values import Fault
from zerofloor.stack import Hidden, Stack
from zerofloor.structs import Value
from zerofloor.values import at

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Wanted(Value, frozen=True, kw_only=True):
    """Which clusters to read, and how."""

    kubeconfig: Path | None = None
    contexts: tuple[str, ...] = ()
    of_stacks: bool = False
    """Whether those of the stacks' own providers are read."""
    namespaces: tuple[str, ...] = ()
    """Empty: all."""
    prometheus: str | None = None
    queries: Mapping[str, Query]
    hours: int

    @property
    def any(self) -> bool:
        """Whether a cluster is wanted at all."""
        return self.kubeconfig is not None or bool(self.contexts) or self.of_stacks


def find_clusters(wanted: Wanted, stacks: Sequence[Stack]) -> tuple[list[Access], list[Fault]]:
    """The clusters that are meant. Raises InputError where a kubeconfig or context is none; a
    stack's own that can't be used is a fault."""
    for namespace in wanted.namespaces:
        if not _NAMESPACE.fullmatch(namespace):
            raise InputError(f"--namespace {namespace}: not the name of a namespace")
    found: dict[tuple[str, str], Access] = {}
    faults: list[Fault] = []
    if wanted.kubeconfig is not None or wanted.contexts:
        for context in wanted.contexts or (None,):
            access = open_access(wanted.kubeconfig, context)
            found[access.server, access.context] = access
    if wanted.of_stacks:
        for source, given, context in _kubeconfigs(stacks):
            if isinstance(given, Hidden):
                faults.append(Fault(source, f"its kubeconfig is {given.value}: give --kubeconfig"))
                continue
            try:
                access = access_of_stack(given, context, source)
            except InputError as error:
                faults.append(Fault(source, str(error).removeprefix(f"{source}: ")))
                continue
            found.setdefault((access.server, access.context), access)
        if not found and not faults:
            faults.append(Fault("--stack-kubeconfig", "no stack has a Kubernetes provider"))
    return list(map(_labelled(found.values()), found.values())), faults


def _labelled(accesses: Iterable[Access]) -> Callable[[Access], Access]:
    """Several kubeconfigs may have contexts of one name (`aws`): then the server tells them
    apart."""
    times = Counter(access.context for access in accesses)

    def label(access: Access) -> Access:
        if times[access.context] == 1:
            return access
        return replace(access, label=f"{access.context} ({access.server})")

    return label


def _kubeconfigs(stacks: Sequence[Stack]) -> Iterator[tuple[str, str | Hidden, str | None]]:
    """The kubeconfigs of the stacks' own providers, each with its context."""
    for stack in stacks:
        for resource in stack.resources:
            if resource.type != "pulumi:providers:kubernetes":
                continue
            given, context = at(resource.inputs, "kubeconfig"), at(resource.inputs, "context")
            if isinstance(given, str | Hidden):
                source = f"{stack.project}/{stack.name}: provider {resource.name}"
                yield source, given, context if isinstance(context, str) else None


def read_clusters(
    wanted: Wanted, stacks: Sequence[Stack], *, now: datetime.datetime, price: Price
) -> tuple[list[ClusterLive], list[Fault]]:
    """What runs in each cluster beside the stacks, and what kept others from being read. Raises
    InputError where none can be meant."""
    accesses, faults = find_clusters(wanted, stacks)
    declared = read_declared(stacks)
    metrics = None
    if wanted.prometheus is not None:
        metrics = read_metrics(wanted.prometheus, wanted.queries, now, wanted.hours)
        faults += metrics.faults
    found = []
    for access in accesses:
        api = Api(access)
        try:
            contents = read_cluster(api, tuple(dict.fromkeys(wanted.namespaces)), now)
        finally:
            api.close()
        seen = compare(contents, declared, metrics, access=access, price=price)
        found.append(ClusterLive(access, seen, contents.faults))
    return found, faults
