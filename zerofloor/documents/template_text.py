"""The text of a CloudFormation template: its resources, and what its functions come to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.structs import Value
from zerofloor.values import at, mapping

_AS_THEY_ARE: Final = frozenset({"Labels", "Tags", "UserData"})
"""Properties whose keys people choose."""


class Reference(str):
    """The logical ID of a resource in the same template."""

    __slots__ = ()


class Unreadable(Value, frozen=True):
    """Why a template that is there is none that can be read."""

    why: str


def parse(body: Any) -> Mapping[str, Any] | Unreadable | None:
    """The template; None where there is none or it is hidden, `Unreadable` where what is there is
    none."""
    if body is None or isinstance(body, Hidden):
        return None
    if isinstance(body, str):
        return _parsed(body) if body.strip() else None
    return body if isinstance(body, Mapping) else Unreadable("it is neither text nor an object")


@lru_cache(maxsize=256)
def _parsed(body: str) -> Mapping[str, Any] | Unreadable:
    """JSON first, as JSON: YAML forbids the tabs that JSON allows."""
    if body.lstrip().startswith("{"):
        try:
            return _object(json.loads(body, object_pairs_hook=_pairs))
        except RecursionError:
            return Unreadable("it is nested too deeply")
        except _Twice as twice:
            return Unreadable(str(twice))
        except ValueError:
            pass  # Flow-style YAML begins like JSON.
    return _yaml(body)


def _yaml(body: str) -> Mapping[str, Any] | Unreadable:
    import yaml

    try:
        return _object(yaml.load(body, Loader=_loader()))
    except RecursionError:
        return Unreadable("it is nested too deeply")
    except _Twice as twice:
        return Unreadable(str(twice))
    except (yaml.YAMLError, ValueError, TypeError):
        return Unreadable("it is neither JSON nor YAML")


class _Twice(ValueError):
    """A key that is set twice: which one counts is not told."""


def _object(found: Any) -> Mapping[str, Any] | Unreadable:
    if not isinstance(found, Mapping):
        return Unreadable("it is not an object")
    if _is_deep(found, 0):
        return Unreadable("it is nested too deeply")
    inside = found.get("Resources")
    if inside is not None and not isinstance(inside, Mapping):
        return Unreadable("its Resources are not an object")
    if isinstance(inside, Mapping):
        for logical, body in inside.items():
            if str(logical).startswith("Fn::"):
                continue
            properties = body.get("Properties") if isinstance(body, Mapping) else body
            if not isinstance(body, Mapping) or not isinstance(properties, Mapping | None):
                return Unreadable(f"its resource {str(logical)[:40]} is not an object")
    return found


def _is_deep(value: Any, depth: int) -> bool:
    """Whether it is nested deeper than any template is (an alias may hold itself)."""
    if depth > _DEEPEST:
        return True
    inner = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | list):
        return False
    return any(_is_deep(item, depth + 1) for item in inner)


_DEEPEST: Final = 60


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice("a key is set twice in one object")
    return found


@lru_cache(maxsize=1)
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def tagged(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            content: Any = str(node.value)
        elif isinstance(node, yaml.SequenceNode):
            content = loader.construct_sequence(node, deep=True)
        else:
            content = loader.construct_mapping(node, deep=True)
        name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
        return {name: content}

    def text(loader: Any, node: Any) -> str:
        return str(node.value)

    def once(loader: Any, node: Any) -> Any:
        keys = [str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            raise _Twice("a key is set twice in one object")
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    Loader.add_multi_constructor("!", tagged)
    # A lone `=` and a date are text to CloudFormation, not a value type and a day.
    Loader.add_constructor("tag:yaml.org,2002:value", text)
    Loader.add_constructor("tag:yaml.org,2002:timestamp", text)
    Loader.add_constructor("tag:yaml.org,2002:map", once)
    return Loader


def type_name(body: Any) -> str:
    """The type of a template's resource as it stands there; empty where it has none."""
    found = at(body, "Type")
    return found if isinstance(found, str) else ""


def token(body: Any) -> str:
    """The `aws-native` type of a template's resource; empty where it has none."""
    parts = type_name(body).split("::")
    if len(parts) != 3 or parts[0] != "AWS":
        return ""
    return f"aws-native:{parts[1].lower()}:{_NAMES.get(parts[2], parts[2])}"


_NAMES: Final = {"EC2Fleet": "Ec2Fleet"}


# Intrinsic functions


class Scope(Value, frozen=True):
    """What intrinsic functions of a template may name."""

    parameters: Mapping[str, Any] | Hidden = UNKNOWN
    mappings: Any = None
    logical: frozenset[str] = frozenset()
    conditions: Mapping[str, bool | None] = {}
    """By name whether it is true; None where that isn't known."""


def _scope(
    template: Mapping[str, Any], given: Mapping[str, Any] | Hidden, inside: Mapping[str, Any]
) -> Scope:
    declared = mapping(template.get("Parameters"))
    parameters: dict[str, Any] = {}
    for name, body in {} if isinstance(declared, Hidden) else declared.items():
        own = UNKNOWN if isinstance(given, Hidden) else given.get(name)
        if own is None:
            default = at(body, "Default")
            own = UNKNOWN if default is None else default
        parameters[name] = _as_declared(own, at(body, "Type"))
    scope = Scope(parameters, template.get("Mappings"), frozenset(map(str, inside)))
    conditions = mapping(template.get("Conditions"))
    if isinstance(conditions, Hidden):
        return scope
    return replace(scope, conditions=_conditions(conditions, scope))


def _as_declared(value: Any, kind: Any) -> Any:
    """A parameter's value by its type: a list is given as a text, and the value of one that Systems
    Manager keeps is not here."""
    if isinstance(kind, str) and kind.startswith("AWS::SSM::Parameter::Value<"):
        return UNKNOWN
    is_list = isinstance(kind, str) and (kind == "CommaDelimitedList" or kind.startswith("List<"))
    if is_list and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return value


def scope_of(template: Mapping[str, Any], given: Any = None) -> Scope:
    """What the template's functions may name, with the values given to its parameters."""
    inside = mapping(template.get("Resources"))
    return _scope(template, mapping(given), {} if isinstance(inside, Hidden) else inside)


def declared_resources(template: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
    """The bodies of a template's resources by logical ID, without those whose condition is
    false."""
    inside = mapping(template.get("Resources"))
    if isinstance(inside, Hidden):
        return {}
    return {
        str(logical): body
        for logical, body in inside.items()
        if _condition(body, scope) is not False
    }


def _condition(body: Any, scope: Scope) -> bool | None:
    name = at(body, "Condition")
    return scope.conditions.get(name) if isinstance(name, str) else None


def _conditions(declared: Mapping[str, Any], scope: Scope) -> Mapping[str, bool | None]:
    """What each condition of a template comes to."""
    found: dict[str, bool | None] = {}

    def holds(name: Any) -> bool | None:
        if not isinstance(name, str) or name not in declared:
            return None
        if name not in found:
            found[name] = None  # for a condition that names itself
            found[name] = is_true(declared[name])
        return found[name]

    def is_true(condition: Any) -> bool | None:
        if not isinstance(condition, Mapping) or len(condition) != 1:
            return None
        function, content = next(iter(condition.items()))
        if function == "Condition":
            return holds(content)
        given = content if isinstance(content, list) else []
        if function == "Fn::Equals" and len(given) == 2:
            return _are_equal(camel(given[0], scope), camel(given[1], scope))
        return _combined(str(function), [is_true(inner) for inner in given])

    for name in declared:
        holds(name)
    return found


def _combined(function: str, parts: list[bool | None]) -> bool | None:
    match function:
        case "Fn::Not" if len(parts) == 1:
            return None if parts[0] is None else not parts[0]
        case "Fn::And" if False in parts:
            return False
        case "Fn::Or" if True in parts:
            return True
        case "Fn::And" | "Fn::Or" if parts and None not in parts:
            return function == "Fn::And"
        case _:
            return None


def _are_equal(left: Any, right: Any) -> bool | None:
    """Compared as texts; None for two that differ and may be one text in two spellings (an
    unquoted `yes` is a boolean to YAML)."""
    pair = (left, right)
    if any(isinstance(v, Reference) or not isinstance(v, str | int | float) for v in pair):
        return None
    if any(_PSEUDO.search(str(v)) for v in pair):
        return None
    if str(left).lower() == str(right).lower():
        return True if str(left) == str(right) else None
    return False if isinstance(left, str) and isinstance(right, str) else None


def camel(value: Any, scope: Scope) -> Any:
    """A value with camelCase keys and its intrinsic functions worked out; unknown where they can't
    be."""
    if isinstance(value, Mapping):
        if len(value) == 1:
            name = str(next(iter(value)))
            if name == "Ref" or name.startswith("Fn::"):
                return _resolved(name, value[next(iter(value))], scope)
        if "Fn::Transform" in value:
            return UNKNOWN
        return {
            _lower(str(key)): item if _is_free(str(key), item) else camel(item, scope)
            for key, item in value.items()
        }
    if isinstance(value, list):
        found = [camel(item, scope) for item in value]
        return [item for item in found if item is not _NOTHING]
    return value


def _is_free(key: str, item: Any) -> bool:
    """Whether the keys within are people's own; a list of tags has Key and Value."""
    return key in _AS_THEY_ARE and not isinstance(item, list)


_NOTHING: Final = None
"""What `AWS::NoValue` leaves."""


def _resolved(name: str, content: Any, scope: Scope) -> Any:
    match name:
        case "Ref":
            return _ref(content, scope)
        case "Fn::GetAtt":
            first = content[0] if isinstance(content, list) and content else content
            logical = str(first).split(".")[0]
            return Reference(logical) if logical in scope.logical else UNKNOWN
        case "Fn::Sub":
            return _sub(content, scope)
        case "Fn::Join":
            return _join(content, scope)
        case "Fn::FindInMap":
            return _find(content, scope)
        case "Fn::If" if isinstance(content, list) and len(content) == 3:
            chosen = scope.conditions.get(str(content[0]))
            return UNKNOWN if chosen is None else camel(content[1 if chosen else 2], scope)
        case "Fn::Select":
            return _select(content, scope)
        case "Fn::Split":
            parts = camel(content, scope)
            known = isinstance(parts, list) and all(isinstance(part, str) for part in parts)
            return parts[1].split(parts[0]) if known and len(parts) == 2 else UNKNOWN
        case _:
            return UNKNOWN


def _ref(content: Any, scope: Scope) -> Any:
    if content == "AWS::NoValue":
        return _NOTHING
    if not isinstance(scope.parameters, Hidden) and isinstance(content, str):
        if content in scope.parameters:
            return scope.parameters[content]
        if content in scope.logical:
            return Reference(content)
    return UNKNOWN


def _sub(content: Any, scope: Scope) -> Any:
    pattern = content
    own: Mapping[str, Any] = {}
    if isinstance(content, list) and len(content) == 2 and isinstance(content[1], Mapping):
        pattern, own = content[0], content[1]
    if not isinstance(pattern, str):
        return UNKNOWN
    whole = re.fullmatch(r"\$\{([\w:.]+)\}", pattern)
    if whole and whole[1] not in own:
        return (
            _resolved("Fn::GetAtt", whole[1], scope) if "." in whole[1] else _ref(whole[1], scope)
        )
    out = pattern
    for name in set(re.findall(r"\$\{([\w:.]+)\}", pattern)):
        value = camel(own[name], scope) if name in own else _pseudo(name) or _ref(name, scope)
        if isinstance(value, Reference) or not isinstance(value, str | int | float):
            return UNKNOWN
        out = out.replace("${" + name + "}", str(value))
    return out.replace("${!", "${")


def _pseudo(name: Any) -> str | None:
    """What stands in a text for a pseudo parameter: one word for each, so that two texts that name
    it are alike."""
    is_one = isinstance(name, str) and name.startswith("AWS::") and name != "AWS::NoValue"
    return name.replace("::", "-") if is_one else None


_PSEUDO: Final = re.compile(
    r"AWS-(?:AccountId|NotificationARNs|Partition|Region|StackId|StackName|URLSuffix)"
)


def _join(content: Any, scope: Scope) -> Any:
    if isinstance(content, list) and len(content) == 2 and isinstance(content[1], list):
        content = [content[0], [_pseudo(at(part, "Ref")) or part for part in content[1]]]
    parts = camel(content, scope)
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[1], list):
        return UNKNOWN
    if any(isinstance(p, Reference) or not isinstance(p, str | int) for p in parts[1]):
        return UNKNOWN
    return str(parts[0]).join(map(str, parts[1]))


def _find(content: Any, scope: Scope) -> Any:
    path = camel(content, scope)
    if not isinstance(path, list) or not all(isinstance(key, str) for key in path[:3]):
        return UNKNOWN
    found = at(scope.mappings, *path[:3])
    return UNKNOWN if found is None else found


def _select(content: Any, scope: Scope) -> Any:
    parts = camel(content, scope)
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[1], list):
        return UNKNOWN
    index = str(parts[0])
    known = index.isdigit() and int(index) < len(parts[1])
    return parts[1][int(index)] if known else UNKNOWN


def _lower(key: str) -> str:
    key = key.replace("EC2", "Ec2")  # `DesiredEC2Instances` is `desiredEc2Instances` there.
    # `VPCZoneIdentifier` → `vpcZoneIdentifier`, `EC2InstanceType` stays readable enough: only the
    # leading capitals matter.
    head = len(key) - len(key.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return key[:1].lower() + key[1:] if head <= 1 else key[: head - 1].lower() + key[head - 1 :]


def named_in(value: Any, scope: Scope, depth: int = 0) -> Iterator[str]:
    """The logical IDs of the template's resources that a value refers to."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from named_in(item, scope, depth + 1)
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        words: list[str] = []
        if key in ("Ref", "Fn::GetAtt"):
            words = [str(item[0] if isinstance(item, list) and item else item).split(".")[0]]
        elif key == "Fn::Sub":
            pattern = item[0] if isinstance(item, list) and item else item
            words = re.findall(r"\$\{(\w+)[.}]", str(pattern))
        yield from (word for word in words if word in scope.logical)
        yield from named_in(item, scope, depth + 1)
