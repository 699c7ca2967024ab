"""Whether a cluster autoscaler runs: by a setting, or because the stack deploys one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Assumption, Evidence, Undecided
from zerofloor.estate import Estate, tags
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.stack import Resource
from zerofloor.values import (
    at,
    count,
    get,
    hidden,
    known_items,
    known_mapping,
    known_text,
    seconds,
    switch,
)

_CHARTS: Final = (
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:helm.sh/v3:Chart",
    "kubernetes:helm.sh/v4:Chart",
)
_NAME: Final = "cluster-autoscaler"


def cluster_autoscaler(estate: Estate, cluster: str | None = None) -> Assumption | None:
    """The assumption that a cluster autoscaler removes idle nodes, or None where nobody may rely on
    it.

    `cluster` is the EKS name of the cluster that it must serve, where it is known.
    """
    trusted = estate.settings.trust.cluster_autoscaler
    if trusted is not None:
        return (
            Assumption(
                "A cluster autoscaler removes idle nodes", "trust.clusterAutoscaler", "config"
            )
            if trusted
            else None
        )
    for resource, serves in estate.once("autoscalers", lambda: tuple(_deployed(estate))):
        if serves is None or cluster is None or serves == cluster:
            return Assumption(
                "A cluster autoscaler removes idle nodes", f"the stack deploys one: {resource.name}"
            )
    return None


DISCOVERED: Final = "k8s.io/cluster-autoscaler/enabled"
"""The tag by which an autoscaler finds a self-managed group (Cluster Autoscaler on AWS, README,
"Auto-Discovery Setup"); EKS puts it
on the groups that it manages."""


def reaches(estate: Estate, source: Declared) -> bool:
    """Whether the cluster autoscaler of the stack would look after this self-managed group: by its
    tag, or because it is named."""
    given = source.inputs.get("tags")
    unread = hidden(given) or any(
        hidden(item) or hidden(at(item, "key")) for item in known_items(given)
    )
    if estate.settings.trust.cluster_autoscaler is not None or unread or DISCOVERED in tags(given):
        return True
    return named(estate, source) is not None or estate.once(
        "own tags", lambda: any(_own_tags(r) for r, _ in _deployed(estate))
    )


@dataclass(frozen=True, slots=True)
class _NamedGroups:
    """The groups that autoscalers of the stack name, each with the minimum that it is given
    there."""

    by_name: Mapping[str, Size]
    by_dependency: Mapping[str, Size]
    """Those whose name is hidden, by the URN on which the naming property depends."""
    highest: Size | None
    """The highest of all minimums."""


def named(estate: Estate, source: Declared) -> Size | None:
    """The minimum that a cluster autoscaler of the stack is given for a group that it names; None
    where none names it."""
    known = _named_groups(estate)
    name = known_text(source.pick("name", "autoScalingGroupName")[1])
    return known.by_name.get(name or "") or known.by_dependency.get(source.urn)


def _named_groups(estate: Estate) -> _NamedGroups:
    return estate.once("named groups", lambda: _index(tuple(_named(estate))))


def _index(found: Sequence[tuple[Resource, str, Any, Size]]) -> _NamedGroups:
    by_name: dict[str, Size] = {}
    by_dependency: dict[str, Size] = {}
    for resource, prop, name, minimum in found:
        if isinstance(name, str):
            by_name.setdefault(name, minimum)
        elif hidden(name):
            for urn in (resource.property_dependencies or {}).get(prop, ()):
                by_dependency.setdefault(urn, minimum)
    highest = max(
        (m for *_, m in found),
        key=lambda m: m.known if m.known is not None else 10**9,
        default=None,
    )
    return _NamedGroups(by_name, by_dependency, highest)


def may_name(estate: Estate, source: Declared) -> Iterator[Undecided]:
    """A minimum that an autoscaler of the stack is given for a group whose name may be this one's,
    which is hidden."""
    path, name = source.pick("name", "autoScalingGroupName")
    highest = _named_groups(estate).highest
    if (
        hidden(name)
        and highest is not None
        and highest.known != 0
        and named(estate, source) is None
    ):
        yield source.open(
            path,
            (
                f"Its name is hidden: the cluster autoscaler {highest.source.name} may keep it "
                "at a minimum above 0"
            ),
        )


def _named(estate: Estate) -> Iterator[tuple[Resource, str, Any, Size]]:
    """The groups that autoscalers name, each with its own minimum."""
    for resource, _ in _deployed(estate):
        source = Declared(resource, resource.inputs, resource.name)
        for index, group in enumerate(
            known_items(get(resource.inputs, "values.autoscalingGroups"))
        ):
            minimum = size(source, [f"values.autoscalingGroups[{index}].minSize"], 0, "omitted")
            if isinstance(minimum, Size):
                yield resource, "values", at(group, "name"), minimum
        for index, container in enumerate(
            known_items(get(resource.inputs, "spec.template.spec.containers"))
        ):
            for argument in _arguments(container) or ():
                match = re.fullmatch(r"--nodes[= ](\d{1,6}):\d+:(.+)", argument)
                if match:
                    yield (
                        resource,
                        "spec",
                        match[2],
                        Size(source, f"spec.template.spec.containers[{index}]", int(match[1])),
                    )


def _own_tags(resource: Resource) -> bool:
    """Whether an autoscaler finds its groups by other tags than the usual ones."""
    given = get(resource.inputs, "values.autoDiscovery.tags")
    if given is not None and not hidden(
        given
    ):  # hidden ones, or a hidden autoDiscovery, find nothing for certain
        return True
    found = [
        a
        for c in known_items(get(resource.inputs, "spec.template.spec.containers"))
        for a in _arguments(c) or ()
        if "asg:tag=" in a
    ]
    return bool(found) and not any(DISCOVERED in argument for argument in found)


_UNNEEDED: Final = Decimal(600)
"""Seconds for which a node must be unneeded before it goes (Cluster Autoscaler FAQ,
scale-down-unneeded-time: 10 minutes)."""


def reclaim_seconds(estate: Estate) -> Decimal:
    """Seconds from a node's last pod until the cluster autoscaler removes it."""
    return estate.once("reclaim", lambda: _reclaim_seconds(estate))


def _reclaim_seconds(estate: Estate) -> Decimal:
    for resource in estate.of_type(*_CHARTS):
        if _is_chart(resource):
            given = seconds(at(resource.inputs, "values", "extraArgs", "scale-down-unneeded-time"))
            return given if isinstance(given, Decimal) else _UNNEEDED
    return _UNNEEDED


def grows_only(estate: Estate) -> Evidence | None:
    """A cluster autoscaler in the stack that adds nodes and is told never to remove one."""
    if estate.settings.trust.cluster_autoscaler is not None:
        return None
    return estate.once("grows only", lambda: _grows_only(estate))


def _grows_only(estate: Estate) -> Evidence | None:
    for resource in estate.of_type(*_CHARTS):
        if _is_chart(resource):
            value = get(resource.inputs, "values.extraArgs.scale-down-enabled")
            if switch(value) is False:
                path = "values.extraArgs.scale-down-enabled"
                return Evidence(
                    resource.urn, path, value, "the cluster autoscaler adds nodes and removes none"
                )
    return None


def _deployed(estate: Estate) -> Iterator[tuple[Resource, str | None]]:
    for resource in estate.of_type(*_CHARTS):
        values = resource.inputs.get("values")
        if not _is_chart(resource) or hidden(values) or not _runs(get(values, "replicaCount")):
            continue
        scale_down = get(values, "extraArgs.scale-down-enabled")
        if scale_down is None or switch(scale_down) is True:
            yield resource, known_text(get(values, "autoDiscovery.clusterName"))
    for resource in estate.of_type("kubernetes:apps/v1:Deployment"):
        spec = at(resource.inputs, "spec")
        if hidden(spec) or not _runs(at(spec, "replicas")):
            continue
        for container in known_items(get(spec, "template.spec.containers")):
            image = known_text(at(container, "image")) or ""
            if image.split("@")[0].rsplit("/", 1)[-1].split(":")[0] != _NAME:
                continue
            arguments = _arguments(container)
            if arguments is not None and not any(
                re.search(r"scale-down-enabled[= ]false", argument) for argument in arguments
            ):
                yield resource, _discovered(arguments)
    for resource in estate.of_type("aws:eks/addon:Addon", "aws-native:eks:Addon"):
        if resource.inputs.get("addonName") == _NAME:
            yield resource, known_text(resource.inputs.get("clusterName"))


def _runs(replicas: Any) -> bool:
    """Whether it is certain that a replica runs."""
    number = count(replicas)
    return number is None or (isinstance(number, int) and number > 0)


def _arguments(container: Any) -> list[str] | None:
    lists = [known_mapping(container).get("command"), known_mapping(container).get("args")]
    if any(hidden(value) for value in lists):
        return None
    return [item for value in lists for item in known_items(value) if isinstance(item, str)]


def _discovered(arguments: list[str]) -> str | None:
    for argument in arguments:
        match = re.search(r"k8s\.io/cluster-autoscaler/(?!enabled)([\w-]+)", argument)
        if match and "node-template" not in argument:
            return match[1]
    return None


def _is_chart(resource: Resource) -> bool:
    chart = known_text(resource.inputs.get("chart")) or ""
    return (
        re.fullmatch(rf"(?:.*/)?{_NAME}(?:-chart)?(?:-\d[\w.+-]*)?(?:\.tgz)?/?", chart) is not None
    )
