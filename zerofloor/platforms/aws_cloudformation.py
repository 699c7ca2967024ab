"""The resources inside CloudFormation templates, as `aws-native` would name them (pulumi-eks' NodeGroup deploys its group this way)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from zerofloor.capacity import Assumption, Part, Undecided
from zerofloor.instances import lookup
from zerofloor.platforms.aws_read import SETTLE_VALUE, Declared
from zerofloor.platforms.aws_scene import Scene
from zerofloor.stack import UNKNOWN
from zerofloor.values import hidden, mapping, text

STACKS: Final = ("aws:cloudformation/stack:Stack", "aws-native:cloudformation:Stack")

_AS_THEY_ARE: Final = frozenset({"Labels", "Tags", "UserData"})
"""Properties whose keys people choose."""


class Reference(str):
    """The logical ID of a resource in the same template."""

    __slots__ = ()


def resources(estate: Scene, tokens: set[str]) -> Iterator[Declared]:
    """The resources of these `aws-native` types in every template of the estate that can be read."""
    for stack in estate.of_type(*STACKS):
        template = parse(stack.inputs.get("templateBody"))
        inside = mapping(template.get("Resources"))
        parameters = _parameters(template, mapping(stack.inputs.get("parameters")))
        for logical, body in sorted(inside.items(), key=lambda pair: str(pair[0])):
            token = _token(text(mapping(body).get("Type")) or "")
            if token in tokens:
                inputs = _camel(mapping(body).get("Properties"), parameters, frozenset(map(str, inside)))
                yield Declared(stack, mapping(inputs), str(logical), str(logical))


def parse(body: Any) -> Mapping[str, Any]:
    """The template as a mapping; empty where it is none, hidden or can't be read."""
    return body if isinstance(body, Mapping) else _parsed(body) if isinstance(body, str) else {}


@lru_cache(maxsize=256)
def _parsed(body: str) -> Mapping[str, Any]:
    import yaml

    try:
        return mapping(yaml.load(body, Loader=_loader()))
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def tagged(loader: Any, suffix: str, node: Any) -> Any:
        if suffix in ("Ref", "GetAtt") and isinstance(node, yaml.ScalarNode):
            return {"Ref": str(node.value).split(".")[0]}
        return {"Fn": suffix}

    Loader.add_multi_constructor("!", tagged)
    return Loader


def _token(kind: str) -> str:
    parts = kind.split("::")
    return f"aws-native:{parts[1].lower()}:{_NAMES.get(parts[2], parts[2])}" if len(parts) == 3 and parts[0] == "AWS" else ""


_NAMES: Final = {"EC2Fleet": "Ec2Fleet"}


def _parameters(template: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    declared = mapping(template.get("Parameters"))
    return {name: given.get(name, mapping(body).get("Default", UNKNOWN)) for name, body in declared.items()}


def _camel(value: Any, parameters: Mapping[str, Any], logical: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1 and str(next(iter(value))).startswith(("Ref", "Fn")):
            name = value.get("Ref")
            if isinstance(name, str) and name in parameters:
                return parameters[name]
            return Reference(name) if isinstance(name, str) and name in logical else UNKNOWN
        return {_lower(str(key)): item if key in _AS_THEY_ARE else _camel(item, parameters, logical) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel(item, parameters, logical) for item in value]
    return value


def _lower(key: str) -> str:
    # `VPCZoneIdentifier` → `vpcZoneIdentifier`, `EC2InstanceType` stays readable enough: only the leading capitals matter.
    head = len(key) - len(key.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return key[:1].lower() + key[1:] if head <= 1 else key[: head - 1].lower() + key[head - 1 :]


def read(estate: Scene) -> Iterator[Part]:
    """What of the templates no reader can see: a template elsewhere, or a kind of resource that nobody reads and that names a GPU type."""
    for stack in estate.of_type(*STACKS):
        parent = estate.by_urn.get(stack.parent or "")
        if parent is not None and parent.type.startswith("eks:index:"):
            continue  # the component says what it deploys
        body = stack.inputs.get("templateBody")
        template = parse(body)
        unread = {
            name: item
            for name, item in sorted(mapping(template.get("Resources")).items(), key=lambda pair: str(pair[0]))
            if _token(text(mapping(item).get("Type")) or "") not in _READ
        }
        parameters = stack.inputs.get("parameters")
        if hidden(body) or (not template and _hides_type(parameters)):
            path = "templateBody" if hidden(body) else "parameters"
            yield Undecided(stack.urn, path, f"{path} is hidden: what it deploys could run GPU instances", SETTLE_VALUE)
            continue
        named = _accelerated(unread) or (_accelerated(parameters) if not template else None)
        if named is not None:
            path = "templateBody" if template else "parameters"
            why = f"Its template names {named} in a way that can't be read: it could run for good"
            yield Undecided(stack.urn, path, why, "Declare the resource in the program, add a hint, or waive it")
        elif not template:
            what = f"the CloudFormation stack {stack.name} runs no GPU"
            yield Assumption(what, "its template can't be read here, and no parameter names a GPU type")


def _hides_type(parameters: Any) -> bool:
    """Whether a parameter that may name an instance type is hidden."""
    named = re.compile(r"type|instance|class|size|shape", re.I)
    return hidden(parameters) or any(hidden(value) and named.search(str(key)) for key, value in mapping(parameters).items())


def _accelerated(value: Any, depth: int = 0) -> str | None:
    """An accelerated instance type named somewhere in the value."""
    if isinstance(value, str):
        shape = lookup("aws", value) if re.fullmatch(r"(?:ml\.)?[a-z]+[0-9][a-z0-9-]*\.[a-z0-9-]+", value) else None
        return value if shape is not None and shape.gpus != 0 else None
    if depth > 30 or not isinstance(value, Mapping | list | tuple):
        return None
    inner = [value[key] for key in sorted(value, key=str)] if isinstance(value, Mapping) else value
    return next((found for item in inner if (found := _accelerated(item, depth + 1)) is not None), None)


_READ: Final = frozenset(
    {
        "aws-native:autoscaling:AutoScalingGroup",
        "aws-native:autoscaling:LaunchConfiguration",
        "aws-native:autoscaling:ScalingPolicy",
        "aws-native:autoscaling:ScheduledAction",
        "aws-native:autoscaling:WarmPool",
        "aws-native:batch:ComputeEnvironment",
        "aws-native:batch:JobDefinition",
        "aws-native:ec2:CapacityReservation",
        "aws-native:ec2:Ec2Fleet",
        "aws-native:ec2:Host",
        "aws-native:ec2:Instance",
        "aws-native:ec2:LaunchTemplate",
        "aws-native:ec2:SpotFleet",
        "aws-native:eks:Nodegroup",
    }
)
"""The kinds that a reader takes from templates too."""

READS: Final = frozenset(STACKS)
