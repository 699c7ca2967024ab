"""The settings that are compared: each one a stack with some properties changed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from zerofloor.errors import InputError
from zerofloor.hardware.node_labels import INSTANCE_TYPE
from zerofloor.platforms.kubernetes.objects import group_kind
from zerofloor.spelling import did_you_mean
from zerofloor.stack import Resource, Stack
from zerofloor.structs import Value
from zerofloor.values import get

MOST: Final = 64
"""Settings that are compared at once."""

_BEHAVIOR: Final = "behavior.scaleDown.stabilizationWindowSeconds"

_KUBERNETES: Final[Mapping[str, Mapping[str, str]]] = {
    "ScaledObject": {
        "minReplicaCount": "spec.minReplicaCount",
        "maxReplicaCount": "spec.maxReplicaCount",
        "cooldownPeriod": "spec.cooldownPeriod",
        "pollingInterval": "spec.pollingInterval",
        "stabilizationWindowSeconds": f"spec.advanced.horizontalPodAutoscalerConfig.{_BEHAVIOR}",
    },
    "HTTPScaledObject": {
        "minReplicaCount": "spec.replicas.min",
        "maxReplicaCount": "spec.replicas.max",
        "scaledownPeriod": "spec.scaledownPeriod",
    },
    "HorizontalPodAutoscaler": {
        "minReplicas": "spec.minReplicas",
        "maxReplicas": "spec.maxReplicas",
        "stabilizationWindowSeconds": f"spec.{_BEHAVIOR}",
    },
    "NodePool": {
        "consolidateAfter": "spec.disruption.consolidateAfter",
        "instanceType": "",
    },
    "Deployment": {"replicas": "spec.replicas"},
    "StatefulSet": {"replicas": "spec.replicas"},
}
"""Short names of what is often varied, by Kubernetes kind; an empty path is set by hand below."""

_FIREWORKS: Final = {
    "minReplicaCount": "minReplicaCount",
    "maxReplicaCount": "maxReplicaCount",
    "acceleratorType": "acceleratorType",
    "acceleratorCount": "acceleratorCount",
    "scaleUpWindow": "autoscalingPolicy.scaleUpWindow",
    "scaleDownWindow": "autoscalingPolicy.scaleDownWindow",
    "scaleToZeroWindow": "autoscalingPolicy.scaleToZeroWindow",
}
_RUN: Final = {
    "minInstanceCount": "template.scaling.minInstanceCount",
    "maxInstanceCount": "template.scaling.maxInstanceCount",
    "maxInstanceRequestConcurrency": "template.maxInstanceRequestConcurrency",
}
_TOKENS: Final[Mapping[str, Mapping[str, str]]] = {
    "fireworks:index:Deployment": _FIREWORKS,
    "fireworks:index/deployment:Deployment": _FIREWORKS,
    "gcp:cloudrunv2/service:Service": _RUN,
    "google-native:run/v2:Service": _RUN,
    "azure-native:app:ContainerApp": {
        "minReplicas": "template.scale.minReplicas",
        "maxReplicas": "template.scale.maxReplicas",
        "cooldownPeriod": "template.scale.cooldownPeriod",
        "pollingInterval": "template.scale.pollingInterval",
    },
    "azure:containerapp/app:App": {
        "minReplicas": "template.minReplicas",
        "maxReplicas": "template.maxReplicas",
        "cooldownPeriod": "template.cooldownPeriodInSeconds",
        "pollingInterval": "template.pollingIntervalInSeconds",
    },
    "aws:ec2/instance:Instance": {"instanceType": "instanceType"},
    "aws:eks/nodeGroup:NodeGroup": {
        "instanceType": "instanceTypes[0]",
        "minSize": "scalingConfig.minSize",
        "maxSize": "scalingConfig.maxSize",
    },
}

SERVING: Final = (
    "concurrency",
    "tokensPerSecond",
    "promptTokensPerSecond",
    "nodeSeconds",
    "imageSeconds",
    "loadSeconds",
)
"""Names of assumptions, which can be varied as properties can."""


class Choice(Value, frozen=True):
    """One `--set NAME=V1,V2`."""

    name: str
    values: tuple[str, ...]


def parse_choice(given: str) -> Choice:
    """`minReplicaCount=0,1`. ValueError where it is none."""
    name, sign, values = given.partition("=")
    listed = tuple(value.strip() for value in values.split(","))
    if not sign or not name.strip() or not all(listed):
        raise ValueError(given)
    if len(set(listed)) < len(listed):
        raise ValueError(given)
    return Choice(name.strip(), listed)


def combinations(choices: Sequence[Choice]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Every combination, the first name changing slowest. InputError where there are too many."""
    names = [choice.name for choice in choices]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--set {name} is given twice: list its values, {name}=A,B")
    number = 1
    for choice in choices:
        number *= len(choice.values)
    if number > MOST:
        raise InputError(f"--set: {number} combinations, more than {MOST}")
    values = itertools.product(*(choice.values for choice in choices))
    return tuple(tuple(zip(names, combined, strict=True)) for combined in values)


def changed(
    stacks: Sequence[Stack], resources: Sequence[str], name: str, value: str
) -> tuple[Stack, ...]:
    """The stacks with a property of one of the resources (URNs, in the order of preference) set.

    InputError for a name that none of them has.
    """
    by_urn = {r.urn: r for stack in stacks for r in stack.resources}
    chosen = [by_urn[urn] for urn in resources if urn in by_urn]
    urn, path = _place(chosen, name)
    edits = {urn: _edited(by_urn[urn], path, value)}
    if name.rpartition(":")[2] == "instanceType":
        for other in chosen:
            moved = _with_instance_type(edits.get(other.urn, other), value)
            if moved is not None:
                edits[other.urn] = moved
    return tuple(
        replace(stack, resources=tuple(edits.get(r.urn, r) for r in stack.resources))
        for stack in stacks
    )


def _place(resources: Sequence[Resource], name: str) -> tuple[str, str]:
    owner, sign, rest = name.rpartition(":")
    fitting = [r for r in resources if not sign or owner in (r.name, r.urn)]
    for resource in fitting:
        known = _names_of(resource)
        if rest in known:
            return resource.urn, known[rest]
    for resource in fitting:
        # A path that isn't there would change nothing, and say so by the same numbers.
        if get(resource.inputs, rest) is not None or rest in _paths_of(resource):
            return resource.urn, rest
    names = sorted({*(n for r in resources for n in _names_of(r)), *SERVING})
    hint = did_you_mean(rest, names) or f"; known: {', '.join(names)}, or a path (spec.…)"
    raise InputError(f"--set {name}: nothing here has it{hint}")


def _paths_of(resource: Resource) -> frozenset[str]:
    """Paths that have a meaning even where they are omitted."""
    return frozenset(_names_of(resource).values()) - {""}


def _names_of(resource: Resource) -> Mapping[str, str]:
    kind = group_kind(resource.type)
    if kind is not None:
        return _KUBERNETES.get(kind[1], {})
    return _TOKENS.get(resource.type, {})


def _typed(value: str) -> Any:
    if re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    if re.fullmatch(r"-?\d+\.\d+", value):
        return float(value)
    return {"true": True, "false": False}.get(value, value)


def _edited(resource: Resource, path: str, value: str) -> Resource:
    if not path:
        return resource
    parts: list[str | int] = [
        int(part[1:-1]) if part.startswith("[") else part
        for part in re.findall(r"[^.\[\]]+|\[\d+\]", path)
    ]
    return replace(resource, inputs=_set(resource.inputs, parts, value))


def _set(holder: Any, parts: Sequence[str | int], value: Any) -> Any:
    """A copy with the value at the path; what is missing on the way is made. Text stays text."""
    if not parts:
        return value if isinstance(holder, str) or not isinstance(value, str) else _typed(value)
    first, rest = parts[0], parts[1:]
    if isinstance(first, int):
        listed = list(holder) if isinstance(holder, list | tuple) else []
        listed += [None] * (first + 1 - len(listed))
        listed[first] = _set(listed[first], rest, value)
        return listed
    mapping = dict(holder) if isinstance(holder, Mapping) else {}
    key = _snake(first) if first not in mapping and _snake(first) in mapping else first
    mapping[key] = _set(mapping.get(key), rest, value)
    return mapping


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


def _with_instance_type(resource: Resource, value: str) -> Resource | None:
    """A NodePool that makes nodes of one type, or a workload that selected another one; None where
    it doesn't say a type."""
    kind = group_kind(resource.type)
    if kind is None:
        return None
    inputs = _typed_nodes(resource.inputs, value)
    if kind[1] == "NodePool" and not _names_a_type(resource.inputs):
        requirement = {"key": INSTANCE_TYPE, "operator": "In", "values": [value]}
        listed = _requirements(inputs)
        parts = ("spec", "template", "spec", "requirements")
        inputs = _set(inputs, parts, [*listed, requirement])
    return replace(resource, inputs=inputs)


def _requirements(inputs: Any) -> list[Any]:
    for key in ("spec", "template", "spec", "requirements"):
        inputs = inputs.get(key) if isinstance(inputs, Mapping) else None
    return list(inputs) if isinstance(inputs, list | tuple) else []


def _names_a_type(value: Any) -> bool:
    return any(True for _ in _type_requirements(value))


def _type_requirements(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("key") == INSTANCE_TYPE:
            yield value
        for part in value.values():
            yield from _type_requirements(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _type_requirements(part)


def _typed_nodes(value: Any, instance_type: str) -> Any:
    """A copy in which every selector of an instance type selects this one."""
    if isinstance(value, Mapping):
        if value.get("key") == INSTANCE_TYPE:
            return {**value, "operator": "In", "values": [instance_type]}
        return {
            key: instance_type if key == INSTANCE_TYPE else _typed_nodes(part, instance_type)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_typed_nodes(part, instance_type) for part in value]
    return value
