"""Whether a cluster autoscaler runs: by a setting, or because the stack deploys one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Assumption, Evidence, Undecided
from zerofloor.estate import Estate, tags
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import at, count, get, hidden, items, mapping, seconds, switch, text

_CHARTS: Final = (
    "kubernetes:helm.sh/v3:Release",
    "kubernetes:helm.sh/v3:Chart",
    "kubernetes:helm.sh/v4:Chart",
)
_DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"
_ADDONS: Final = ("aws:eks/addon:Addon", "aws-native:eks:Addon")
_CLUSTERS: Final = ("aws:eks/cluster:Cluster", "aws-native:eks:Cluster")
_COMPONENT: Final = "eks:index:Cluster"
_NAME: Final = "cluster-autoscaler"
_SETTLE: Final = "Make it known at preview, or set trust.clusterAutoscaler in zerofloor.yaml"


class Cluster(Value, frozen=True):
    """Which cluster something belongs to."""

    name: str | None = None
    """Its EKS name where it is known."""
    urn: str | None = None
    """The resource that declares it, where the estate has it."""
    is_hidden: bool = False
    """Whether something names it and can't be read."""


class _Autoscaler(Value, frozen=True):
    """A cluster autoscaler that the stack deploys."""

    resource: Resource
    name: str | None = None
    """The cluster that it is told to serve; None where nothing names one, or by dependency."""
    clusters: tuple[str, ...] = ()
    """The URNs of clusters from which a hidden name is computed."""
    doubt: Undecided | None = None
    """Why it can't be told whether it runs, scales down, or whom it serves."""
    groups_doubt: Undecided | None = None
    """Why it can't be told which groups it is given, with which minimum."""


def cluster_autoscaler(
    estate: Estate, cluster: Cluster | None = None
) -> Assumption | Undecided | None:
    """The assumption that a cluster autoscaler removes idle nodes; Undecided where that can't be
    told, None where it can't be relied on."""
    what = "A cluster autoscaler removes idle nodes"
    trusted = estate.settings.trust.cluster_autoscaler
    if trusted is not None:
        return Assumption(what, "trust.clusterAutoscaler", "config") if trusted else None
    doubt: Undecided | None = None
    for one in _autoscalers(estate):
        served = _serves(estate, one, cluster or Cluster())
        if served is False:
            continue
        if served is True and one.doubt is None:
            return Assumption(what, f"the stack deploys one: {one.resource.name}")
        doubt = doubt or one.doubt or _whom(one)
    return doubt


def _whom(one: _Autoscaler) -> Undecided:
    why = f"Whether {one.resource.name} serves this node group's cluster isn't known at preview"
    return Undecided(one.resource.urn, "", why, _SETTLE)


def _serves(estate: Estate, one: _Autoscaler, cluster: Cluster) -> bool | None:
    """Whether an autoscaler looks after a cluster; None where that can't be told."""
    if one.name is None and not one.clusters:
        return True
    if cluster == Cluster():
        return True  # Nothing says that the group belongs to another one.
    if cluster.urn is not None and cluster.urn in one.clusters:
        return True
    names = [one.name] if one.name is not None else [_name_of(estate, u) for u in one.clusters]
    if cluster.name is None and cluster.urn is not None and one.name is not None:
        # A cluster that the provider names begins with Pulumi's name for it.
        return True if estate.by_urn[cluster.urn].name == one.name else None
    if cluster.name is None or None in names:
        return None
    return cluster.name in names


def _name_of(estate: Estate, urn: str) -> str | None:
    value = estate.by_urn[urn].inputs.get("name")
    return value if isinstance(value, str) else None


DISCOVERED: Final = "k8s.io/cluster-autoscaler/enabled"
"""The tag by which an autoscaler finds a self-managed group (Cluster Autoscaler on AWS, README,
"Auto-Discovery Setup"); EKS puts it on the groups that it manages."""


def reaches(estate: Estate, source: Declared) -> bool:
    """Whether the cluster autoscaler of the stack would look after this self-managed group: by its
    tag, or because it is named."""
    given = source.inputs.get("tags")
    listed = items(given)
    unread = isinstance(listed, Hidden) or any(
        hidden(item) or hidden(at(item, "key")) for item in listed
    )
    if estate.settings.trust.cluster_autoscaler is not None or unread or DISCOVERED in tags(given):
        return True
    return named(estate, source) is not None or estate.once(
        "own tags", lambda: any(_own_tags(one.resource) for one in _autoscalers(estate))
    )


class _Groups(Value, frozen=True):
    """The groups that autoscalers of the stack name, each with the minimum that it is given
    there."""

    by_name: Mapping[str, Size]
    by_dependency: Mapping[str, Size]
    """Those whose name is hidden, by the URN on which the naming property depends."""
    open: Sequence[Size]
    """Those whose name is hidden and computed from nothing in the estate."""
    highest: Size | None
    """The highest of all minimums."""


def named(estate: Estate, source: Declared) -> Size | None:
    """The minimum that a cluster autoscaler of the stack is given for a group that it names; None
    where none names it."""
    known = _groups(estate)
    name = source.pick("name", "autoScalingGroupName")[1]
    by_name = known.by_name.get(name) if isinstance(name, str) else None
    return by_name or known.by_dependency.get(source.urn)


def _groups(estate: Estate) -> _Groups:
    return estate.once("named groups", lambda: _index(estate, tuple(_named(estate))))


def _index(estate: Estate, found: Sequence[tuple[Resource, str, Any, Size]]) -> _Groups:
    by_name: dict[str, Size] = {}
    by_dependency: dict[str, Size] = {}
    unnamed: list[Size] = []
    for resource, prop, name, minimum in found:
        if isinstance(name, str):
            by_name.setdefault(name, minimum)
        elif hidden(name):
            computed = (resource.property_dependencies or {}).get(prop, ())
            for urn in computed:
                by_dependency.setdefault(urn, minimum)
            if not computed:
                unnamed.append(minimum)
    highest = max(
        (m for *_, m in found),
        key=lambda m: m.known if m.known is not None else 10**9,
        default=None,
    )
    return _Groups(by_name, by_dependency, unnamed, highest)


def may_name(estate: Estate, source: Declared) -> Iterator[Undecided]:
    """A minimum that an autoscaler of the stack may be given for this self-managed group."""
    if named(estate, source) is not None:
        return
    for one in _autoscalers(estate):
        if one.groups_doubt is not None:
            yield one.groups_doubt
    known = _groups(estate)
    path, name = source.pick("name", "autoScalingGroupName")
    highest = known.highest
    if hidden(name) and highest is not None and highest.known != 0:
        why = (
            f"Its name isn't known at preview: the cluster autoscaler {highest.source.name} may "
            "keep it at a minimum above 0"
        )
        yield source.open(path, why)
    for minimum in known.open:
        if minimum.known != 0:
            why = "The cluster autoscaler keeps a minimum of a group whose name isn't known"
            yield minimum.source.open(minimum.path, why)


def _named(estate: Estate) -> Iterator[tuple[Resource, str, Any, Size]]:
    """The groups that autoscalers name, each with its own minimum."""
    for one in _autoscalers(estate):
        resource = one.resource
        source = Declared(resource, resource.inputs, resource.name)
        groups = items(get(resource.inputs, "values.autoscalingGroups"))
        for index, group in enumerate([] if isinstance(groups, Hidden) else groups):
            path = f"values.autoscalingGroups[{index}].minSize"
            minimum = size(source, [path], 0, "omitted")
            if isinstance(minimum, Size):
                yield resource, "values", at(group, "name"), minimum
        containers = items(get(resource.inputs, "spec.template.spec.containers"))
        for index, container in enumerate([] if isinstance(containers, Hidden) else containers):
            for argument in _arguments(container):
                match = re.fullmatch(r"--nodes[= ](\d{1,6}):\d+:(.+)", _shown(argument))
                if match:
                    path = f"spec.template.spec.containers[{index}]"
                    yield resource, "spec", match[2], Size(source, path, int(match[1]))


def _own_tags(resource: Resource) -> bool:
    """Whether an autoscaler finds its groups by other tags than the usual ones."""
    given = get(resource.inputs, "values.autoDiscovery.tags")
    if given is not None and not hidden(given):
        return True  # Hidden ones, or a hidden autoDiscovery, find nothing for certain.
    containers = items(get(resource.inputs, "spec.template.spec.containers"))
    found = [
        _shown(argument)
        for container in ([] if isinstance(containers, Hidden) else containers)
        for argument in _arguments(container)
        if "asg:tag=" in _shown(argument)
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
        if _is_chart(resource) is True:
            given = seconds(at(resource.inputs, "values", "extraArgs", "scale-down-unneeded-time"))
            return given if isinstance(given, Decimal) else _UNNEEDED
    return _UNNEEDED


def evicts_local_storage(estate: Estate) -> bool:
    """Whether the cluster autoscaler evicts pods with local storage, too: by default it leaves
    their nodes (its FAQ, skip-nodes-with-local-storage)."""
    return estate.once("local storage", lambda: any(map(_evicts_local, _autoscalers(estate))))


def _evicts_local(one: _Autoscaler) -> bool:
    inputs = one.resource.inputs
    if switch(get(inputs, "values.extraArgs.skip-nodes-with-local-storage")) is False:
        return True
    containers = items(get(inputs, "spec.template.spec.containers"))
    return any(
        re.search(r"skip-nodes-with-local-storage[= ]false", _shown(argument))
        for container in ([] if isinstance(containers, Hidden) else containers)
        for argument in _arguments(container)
    )


def grows_only(estate: Estate) -> Evidence | None:
    """A cluster autoscaler in the stack that adds nodes and is told never to remove one."""
    if estate.settings.trust.cluster_autoscaler is not None:
        return None
    return estate.once("grows only", lambda: _grows_only(estate))


def _grows_only(estate: Estate) -> Evidence | None:
    because = "the cluster autoscaler adds nodes and removes none"
    for resource in estate.of_type(*_CHARTS):
        path = "values.extraArgs.scale-down-enabled"
        value = get(resource.inputs, path)
        if _is_chart(resource) is True and switch(value) is False:
            return Evidence(resource.urn, path, value, because)
    return None


# The autoscalers of the estate


def _autoscalers(estate: Estate) -> tuple[_Autoscaler, ...]:
    return estate.once("autoscalers", lambda: tuple(_deployed(estate)))


def _deployed(estate: Estate) -> Iterator[_Autoscaler]:
    for resource in estate.of_type(*_CHARTS):
        found = _of_chart(estate, resource)
        if found is not None:
            yield found
    for resource in estate.of_type(_DEPLOYMENT):
        found = _of_deployment(estate, resource)
        if found is not None:
            yield found
    for resource in estate.of_type(*_ADDONS):
        if resource.inputs.get("addonName") == _NAME:
            yield _of_addon(estate, resource)


def _of_chart(estate: Estate, resource: Resource) -> _Autoscaler | None:
    values = mapping(resource.inputs.get("values"))
    is_chart = _is_chart(resource)
    if is_chart is False:
        return None
    if isinstance(values, Hidden):
        if is_chart is None:
            return None  # Hidden as a whole: the reader of charts tells that.
        why = "The autoscaler's values aren't known at preview: what it does isn't known"
        doubt = Undecided(resource.urn, "values", why, _SETTLE)
        return _Autoscaler(resource, doubt=doubt, groups_doubt=doubt)
    if is_chart is None and not {"autoDiscovery", "autoscalingGroups"} & set(values):
        return None
    runs = _runs(values.get("replicaCount"))
    scale_down = get(values, "extraArgs.scale-down-enabled")
    off = scale_down is not None and switch(scale_down) is not True
    if runs is False or (off and not hidden(scale_down)):
        return None
    unread = [
        path
        for path, is_unread in (
            ("chart", is_chart is None),
            ("values.replicaCount", runs is None),
            ("values.extraArgs", off),
        )
        if is_unread
    ]
    name = get(values, "autoDiscovery.clusterName")
    return _serving(estate, resource, "values", name, unread, _unread_groups(values))


def _unread_groups(values: Mapping[str, Any]) -> str | None:
    """The path at which the groups that a chart's values name can't be read."""
    groups = items(values.get("autoscalingGroups"))
    if isinstance(groups, Hidden):
        return "values.autoscalingGroups"
    index = next((i for i, group in enumerate(groups) if hidden(group)), None)
    return None if index is None else f"values.autoscalingGroups[{index}]"


def _serving(
    estate: Estate,
    resource: Resource,
    prop: str,
    name: Any,
    unread: Sequence[str],
    unread_groups: str | None,
) -> _Autoscaler:
    clusters: tuple[str, ...] = ()
    paths = list(unread)
    if isinstance(name, Hidden):
        clusters = _computed_from(estate, resource, prop)
        if not clusters:
            paths.append(f"{prop}.autoDiscovery.clusterName")
    doubts = [_unread(resource, path) for path in paths]
    certain_groups = unread_groups is None and "chart" not in unread
    groups = unread_groups or next(iter(unread), prop)
    return _Autoscaler(
        resource,
        name if isinstance(name, str) else None,
        clusters,
        doubts[0] if doubts else None,
        None if certain_groups else _unread(resource, groups),
    )


def _unread(resource: Resource, path: str) -> Undecided:
    why = f"{path} isn't known at preview: what the cluster autoscaler does depends on it"
    return Undecided(resource.urn, path, why, _SETTLE)


def _computed_from(estate: Estate, resource: Resource, prop: str) -> tuple[str, ...]:
    """The clusters from which a hidden part of a property is computed; for a component, of which no
    document tells the dependencies, the only cluster of its stack: programs write its name there.

    A document without any (an event log) leaves open what the value is.
    """
    dependencies = (resource.property_dependencies or {}).get(prop, ())
    known = _clusters(estate)
    if dependencies or resource.custom:
        return tuple(dict.fromkeys(known[urn] for urn in dependencies if urn in known))
    stack = estate.stack_of.get(resource.urn)
    own = {real for urn, real in known.items() if estate.stack_of.get(urn) is stack}
    return tuple(own) if len(own) == 1 else ()


def _clusters(estate: Estate) -> Mapping[str, str]:
    """The EKS clusters by URN; a component by its own, with the cluster that it makes."""
    return estate.once("eks clusters", lambda: dict(_indexed(estate)))


def _indexed(estate: Estate) -> Iterator[tuple[str, str]]:
    for resource in estate.of_type(*_CLUSTERS):
        yield resource.urn, resource.urn
    for component in estate.of_type(_COMPONENT):
        made = [r.urn for r in estate.descendants(component.urn) if r.type in _CLUSTERS]
        yield component.urn, made[0] if made else component.urn


def _of_deployment(estate: Estate, resource: Resource) -> _Autoscaler | None:
    spec = resource.inputs.get("spec")
    containers = items(get(spec, "template.spec.containers"))
    if isinstance(containers, Hidden):
        called = text(get(resource.inputs, "metadata.name"))
        if not isinstance(called, str) or _NAME not in called:
            return None
        doubt = _unread(resource, "spec.template.spec.containers")
        return _Autoscaler(resource, doubt=doubt, groups_doubt=doubt)
    runs = _runs(at(spec, "replicas"))
    if runs is False:
        return None
    for index, container in enumerate(containers):
        image = text(at(container, "image"))
        # A container whose image isn't known is taken for no autoscaler: then nothing is lowered.
        if not isinstance(image, str):
            continue
        if image.split("@")[0].rsplit("/", 1)[-1].split(":")[0] == _NAME:
            path = f"spec.template.spec.containers[{index}]"
            return _of_container(estate, resource, container, path, runs)
    return None


def _of_container(
    estate: Estate, resource: Resource, container: Any, path: str, runs: bool | None
) -> _Autoscaler | None:
    arguments = _arguments(container)
    if any(re.search(r"scale-down-enabled[= ]false", _shown(argument)) for argument in arguments):
        return None
    name = _discovered(arguments)
    unread = [argument for argument in arguments if isinstance(argument, Hidden)]
    clusters = _computed_from(estate, resource, "spec") if name is None else ()
    # One argument that is computed from a cluster is the usual one that names it.
    whole = hidden(at(container, "command")) or hidden(at(container, "args"))
    told = not unread or (len(unread) == 1 and bool(clusters) and not whole)
    doubt = None if told and runs is True else _unread(resource, f"{path}.command")
    return _Autoscaler(
        resource,
        name,
        clusters if unread else (),
        doubt,
        None if told else _unread(resource, f"{path}.command"),
    )


def _of_addon(estate: Estate, resource: Resource) -> _Autoscaler:
    given = resource.inputs.get("configurationValues")
    prop = "configurationValues"
    off = False
    if isinstance(given, str):
        try:
            off = switch(at(json.loads(given), "extraArgs", "scale-down-enabled")) is False
        except (ValueError, RecursionError):
            off = True  # AWS takes YAML as well, which is not read here.
    name = resource.inputs.get("clusterName")
    clusters = _computed_from(estate, resource, "clusterName") if hidden(name) else ()
    unread = isinstance(given, Hidden) or off
    path = prop if unread else "clusterName"
    doubtful = unread or (hidden(name) and not clusters)
    return _Autoscaler(
        resource,
        name if isinstance(name, str) else None,
        clusters,
        _unread(resource, path) if doubtful else None,
    )


def _runs(replicas: Any) -> bool | None:
    """Whether a replica runs; None where that can't be told."""
    number = count(replicas)
    if number is None:
        return True
    return number > 0 if isinstance(number, int) else None


def _arguments(container: Any) -> list[str | Hidden]:
    """The command line of a container; a part that can't be read stays hidden in it."""
    out: list[str | Hidden] = []
    for prop in ("command", "args"):
        listed = items(at(container, prop))
        parts = [listed] if isinstance(listed, Hidden) else listed
        out += [part for part in parts if isinstance(part, str | Hidden)]
    return out


def _shown(argument: str | Hidden) -> str:
    return argument if isinstance(argument, str) else ""


def _discovered(arguments: Sequence[str | Hidden]) -> str | None:
    for argument in arguments:
        match = re.search(r"k8s\.io/cluster-autoscaler/(?!enabled)([\w-]+)", _shown(argument))
        if match and "node-template" not in _shown(argument):
            return match[1]
    return None


def _is_chart(resource: Resource) -> bool | None:
    """Whether a chart is the cluster autoscaler's; None where its name can't be read."""
    chart = text(resource.inputs.get("chart"))
    if isinstance(chart, Hidden):
        return None
    pattern = rf"(?:.*/)?{_NAME}(?:-chart)?(?:-\d[\w.+-]*)?(?:\.tgz)?/?"
    return re.fullmatch(pattern, chart or "") is not None
