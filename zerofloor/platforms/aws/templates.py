"""CloudFormation templates as data: the resources in them, with properties as `aws-native` would
name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from zerofloor.estate import Estate
from zerofloor.stack import UNKNOWN, Resource
from zerofloor.values import known_mapping, known_text

STACKS: Final = ("aws:cloudformation/stack:Stack", "aws-native:cloudformation:Stack")

_AS_THEY_ARE: Final = frozenset({"Labels", "Tags", "UserData"})
"""Properties whose keys people choose."""


class Reference(str):
    """The logical ID of a resource in the same template."""

    __slots__ = ()


def resources(
    estate: Estate, tokens: set[str]
) -> Iterator[tuple[Resource, str, Mapping[str, Any]]]:
    """The resources of these `aws-native` types in every template of the estate that can be read:
    the CloudFormation stack that
    holds it, its logical ID, its properties."""
    for stack in estate.of_type(*STACKS):
        template = parse(stack.inputs.get("templateBody"))
        inside = known_mapping(template.get("Resources"))
        parameters = _parameters(template, known_mapping(stack.inputs.get("parameters")))
        for logical, body in sorted(inside.items(), key=lambda pair: str(pair[0])):
            if token(body) in tokens:
                inputs = _camel(
                    known_mapping(body).get("Properties"), parameters, frozenset(map(str, inside))
                )
                yield stack, str(logical), known_mapping(inputs)


def parse(body: Any) -> Mapping[str, Any]:
    """The template as a mapping; empty where it is none, hidden or can't be read."""
    return body if isinstance(body, Mapping) else _parsed(body) if isinstance(body, str) else {}


@lru_cache(maxsize=256)
def _parsed(body: str) -> Mapping[str, Any]:
    import yaml

    try:
        return known_mapping(yaml.load(body, Loader=_loader()))
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


def token(body: Any) -> str:
    """The `aws-native` type of a template's resource; empty where it has none."""
    parts = (known_text(known_mapping(body).get("Type")) or "").split("::")
    return (
        f"aws-native:{parts[1].lower()}:{_NAMES.get(parts[2], parts[2])}"
        if len(parts) == 3 and parts[0] == "AWS"
        else ""
    )


_NAMES: Final = {"EC2Fleet": "Ec2Fleet"}


def _parameters(template: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    declared = known_mapping(template.get("Parameters"))
    return {
        name: given.get(name, known_mapping(body).get("Default", UNKNOWN))
        for name, body in declared.items()
    }


def _camel(value: Any, parameters: Mapping[str, Any], logical: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1 and str(next(iter(value))).startswith(("Ref", "Fn")):
            name = value.get("Ref")
            if isinstance(name, str) and name in parameters:
                return parameters[name]
            return Reference(name) if isinstance(name, str) and name in logical else UNKNOWN
        return {
            _lower(str(key)): item if key in _AS_THEY_ARE else _camel(item, parameters, logical)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_camel(item, parameters, logical) for item in value]
    return value


def _lower(key: str) -> str:
    # `VPCZoneIdentifier` → `vpcZoneIdentifier`, `EC2InstanceType` stays readable enough: only the
    # leading capitals matter.
    head = len(key) - len(key.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return key[:1].lower() + key[1:] if head <= 1 else key[: head - 1].lower() + key[head - 1 :]
