"""What a person wrote -> Settings; every mistake is named with its line and the nearest right key,
and no value is quoted."""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from zerofloor.errors import InputError
from zerofloor.settings.nodes import Node, node_of, read_file, shown_key
from zerofloor.settings.values import Bounds, Settings
from zerofloor.spelling import did_you_mean

OURS: Final = frozenset({"in_force", "place", "places"})
"""Fields that aren't written in a file."""

AT_MOST: Final = 8
"""Mistakes that are named; more than these are counted."""

_INVALID: Final = object()
"""What stands for a value that was wrong: its mistake has been noted."""


def load(path: Path) -> Settings:
    """The settings in a YAML file, with what it extends.

    Raises InputError where the file can't be read, is not YAML, or has a key that is not known or
    not valid (all named).
    """
    return settings_of(read_file(path))


def parse(data: Any, name: str) -> Settings:
    """The settings in decoded data; InputError names each wrong key, never its value."""
    return settings_of(node_of({} if data is None else data, name))


def settings_of(node: Node) -> Settings:
    """The settings in a tree. Raises InputError as `load` does."""
    problems: list[str] = []
    found = _struct(Settings, node, "", problems)
    if found is not _INVALID:
        problems.extend(_together(found, node))
    if problems:
        more = len(problems) - AT_MOST
        shown = problems[:AT_MOST] + ([f"and {more} more mistakes"] if more > 0 else [])
        raise InputError("; ".join(shown))
    settings: Settings = found
    return settings


def given_paths(node: Node, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Each setting that is written, by its path (`limits.maxFloorHourly`); a list is one."""
    if isinstance(node.value, dict) and node.value:
        for key, value in node.value.items():
            yield from given_paths(value, f"{prefix}.{key}" if prefix else key)
    elif prefix:
        yield prefix, node


def schema() -> dict[str, Any]:
    """The JSON schema of a settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "zerofloor.yaml",
        **_schema(Settings),
    }


def camel(name: str) -> str:
    """A field's name as people write it."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


@cache
def fields_of(kind: type) -> Mapping[str, tuple[str, Any, bool]]:
    """By the key that people write: the field, its type, and whether it must be there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {
        camel(field.name): (field.name, hints[field.name], field.required)
        for field in msgspec.structs.fields(kind)
        if field.name not in OURS
    }


def _together(settings: Settings, node: Node) -> Iterator[str]:
    """What two keys say together, and what no type tells."""
    yield from _left_open(node)
    waivers = node.value.get("waivers") if isinstance(node.value, dict) else None
    for waiver, place in zip(settings.waivers, waivers.value if waivers else (), strict=False):
        if waiver.urn is None and waiver.id is None:
            yield f"{place.place}: a waiver needs urn, or an id that resources carry"


def _struct(kind: type, node: Node, path: str, problems: list[str]) -> Any:
    if not isinstance(node.value, dict):
        # An empty section is an empty mapping: what is in it may be commented out.
        if node.value is not None:
            return _wrong(node, path, f"must be a mapping{_such_as(kind, path)}", problems)
        node = Node({}, node.file, node.line)
    fields = fields_of(kind)
    before = len(problems)
    values = {}
    for key, part in node.value.items():
        if key not in fields:
            near = did_you_mean(key, fields)
            what = f"{path}: unknown key" if path else "unknown key"
            problems.append(f"{part.place}: {what} {shown_key(key)}{near}")
            continue
        field, hint, _ = fields[key]
        values[field] = _value(hint, part, f"{path}.{key}" if path else key, problems)
    for key, (field, _, required) in fields.items():
        if required and field not in values:
            problems.append(f"{node.place}: {path + ': ' if path else ''}{key} is missing")
    if len(problems) > before:
        return _INVALID
    own = {field.name for field in msgspec.structs.fields(kind)} & OURS
    if "place" in own:
        values["place"] = node.place
    if "places" in own:
        values["places"] = {key: part.place for key, part in node.value.items()}
    return kind(**values)


def _value(hint: Any, node: Node, path: str, problems: list[str]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        value = _value(arguments[0], node, path, problems)
        return _within(arguments[1], value, node, path, problems)
    if origin in (types.UnionType, typing.Union):
        if node.value is None:
            return None
        (inner,) = (part for part in arguments if part is not types.NoneType)
        return _value(inner, node, path, problems)
    if origin is Literal:
        return _literal(arguments, node, path, problems)
    if origin is tuple:
        return _items(hint, node, path, problems)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(node.value, dict):
            return _wrong(node, path, f"must be a mapping{_such_as(hint, path)}", problems)
        return {
            key: _value(arguments[1], part, f"{path}.{key}", problems)
            for key, part in node.value.items()
        }
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint, node, path, problems)
    return plain(node) if hint is Any else _scalar(hint, node, path, problems)


def _items(hint: Any, node: Node, path: str, problems: list[str]) -> Any:
    if not isinstance(node.value, list):
        return _wrong(node, path, f"must be a list{_such_as(hint, path)}", problems)
    of_part, parts = typing.get_args(hint)[0], enumerate(node.value, 1)
    return tuple(_value(of_part, part, f"{path} item {number}", problems) for number, part in parts)


_WAIVER: Final = (
    '{rule: GPU001, urn: "*::NAME", reason: TEXT, owner: TEAM, expires: 2026-12-31, '
    "maxMonthlyUsd: 100}"
)

_EXAMPLES: Final[Mapping[str, str]] = {
    "answers": '{"aws:ec2/getAmi:getAmi": {id: ami-0123456789abcdef0}}',
    "hints.instances": "[{instanceType: TYPE, gpus: 0, reason: TEXT}]",
    "hints.workloads": '[{urn: "*::NAME", runs: never, reason: TEXT}]',
    "limits.scoped": '[{stack: "dev*", maxFloorHourly: 0}]',
    "region": "{aws: us-east-1}",
    "rules": "{GPU105: error}",
    "waivers": f"[{_WAIVER}]",
    "waivers item": _WAIVER,
}
"""What people would write where the types alone don't tell."""


def _such_as(hint: Any, path: str) -> str:
    """`, such as region: {aws: us-east-1}`: an item of a list by itself, all else from the top."""
    place = "answers" if path.startswith("answers.") else path.rstrip("0123456789 ")
    example = _EXAMPLES.get(place) or _example(hint)
    if not place or place.endswith(" item"):
        return f", such as {example}"
    *around, name = place.split(".")
    for section in reversed(around):
        name, example = section, f"{{{name}: {example}}}"
    return f", such as {name}: {example}"


def _example(hint: Any) -> str:
    """A value of this type in YAML: of a mapping the keys that must be there, or else the first."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Annotated, types.UnionType, typing.Union):
        return _example(arguments[0])
    if origin is Literal:
        return str(arguments[0])
    if origin is tuple:
        return f"[{_example(arguments[0])}]"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        fields = fields_of(hint)
        keys = [key for key, (_, _, required) in fields.items() if required] or [next(iter(fields))]
        return f"{{{', '.join(f'{key}: {_example(fields[key][1])}' for key in keys)}}}"
    return _SAMPLES.get(hint, "…")


_SAMPLES: Final[Mapping[Any, str]] = {
    bool: "true",
    datetime.date: "2026-12-31",
    Decimal: "1",
    int: "1",
    str: "TEXT",
}


def plain(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(part) for key, part in node.value.items()}
    if isinstance(node.value, list):
        return [plain(part) for part in node.value]
    return node.value


_PLACEHOLDERS: Final = frozenset({"…", "...", "REPLACE"})
"""What messages and examples write for a value of a person's own."""


def _left_open(node: Node, path: str = "") -> Iterator[str]:
    """Placeholders that were pasted and not replaced."""
    if isinstance(node.value, dict):
        for key, part in node.value.items():
            yield from _left_open(part, f"{path}.{key}" if path else shown_key(key))
    elif isinstance(node.value, list):
        for part in node.value:
            yield from _left_open(part, path)
    elif isinstance(node.value, str) and node.value.strip() in _PLACEHOLDERS:
        yield f"{node.place}: {path} is a placeholder; write the value"


def _scalar(kind: type, node: Node, path: str, problems: list[str]) -> Any:
    value = node.value
    if kind is bool:
        if isinstance(value, bool):
            return value
        return _wrong(node, path, "must be true or false", problems)
    if kind is datetime.date:
        return _date(node, path, problems)
    if kind is str:
        if isinstance(value, str):
            return value
        return _wrong(node, path, "must be text (quote it)", problems)
    number = _number(value)
    if number is None or not number.is_finite():
        return _wrong(node, path, "must be a number", problems)
    if kind is Decimal:
        return number
    if number != number.to_integral_value() or abs(number) > 10**15:
        return _wrong(node, path, "must be a whole number", problems)
    return int(number)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _date(node: Node, path: str, problems: list[str]) -> Any:
    value = node.value
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            pass
    return _wrong(node, path, "must be a date (YYYY-MM-DD)", problems)


def _literal(words: Sequence[str], node: Node, path: str, problems: list[str]) -> Any:
    # YAML 1.1 takes a bare `off` for false; people mean the word.
    word = "off" if node.value is False and node.text.lower() in ("off", "") else node.value
    if word in words and isinstance(word, str):
        return word
    near = did_you_mean(word, words) if isinstance(word, str) else ""
    return _wrong(node, path, f"must be {' or '.join(words)}{near}", problems)


def _within(bounds: Bounds, value: Any, node: Node, path: str, problems: list[str]) -> Any:
    if value is _INVALID or value is None:
        return value
    if isinstance(value, tuple):
        if bounds.length is not None and len(value) != bounds.length:
            return _wrong(node, path, f"must have {bounds.length} entries", problems)
        return value
    if isinstance(value, str):
        if len(value.strip()) < bounds.shortest:
            least = f"at least {bounds.shortest} characters" if bounds.shortest > 1 else "some text"
            return _wrong(node, path, f"must have {least}", problems)
        return value
    if bounds.least is not None and value < bounds.least:
        return _wrong(node, path, f"must be at least {bounds.least:f}", problems)
    if bounds.most is not None and value > bounds.most:
        return _wrong(node, path, f"must be at most {bounds.most:f}", problems)
    return value


def _wrong(node: Node, path: str, what: str, problems: list[str]) -> Any:
    problems.append(f"{node.place}: {path or 'the document'} {what}")
    return _INVALID


def _schema(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _bounded(_schema(arguments[0]), arguments[1])
    if origin in (types.UnionType, typing.Union):
        (inner,) = (part for part in arguments if part is not types.NoneType)
        return {"anyOf": [_schema(inner), {"type": "null"}]}
    if origin is Literal:
        return {"enum": [*arguments, False] if "off" in arguments else list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        fields = fields_of(hint)
        required = [key for key, (_, _, must) in fields.items() if must]
        return {
            "type": "object",
            "properties": {key: _schema(part) for key, (_, part, _) in fields.items()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }
    return dict(_TYPES[hint])


_TYPES: Final[Mapping[Any, dict[str, Any]]] = {
    Any: {},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    datetime.date: {"type": "string", "format": "date"},
}


def _bounded(schema: dict[str, Any], bounds: Bounds) -> dict[str, Any]:
    if bounds.least is not None:
        schema["minimum"] = float(bounds.least)
    if bounds.most is not None:
        schema["maximum"] = float(bounds.most)
    if bounds.length is not None:
        schema["minItems"] = schema["maxItems"] = bounds.length
    if bounds.shortest:
        schema["minLength"] = bounds.shortest
    return schema
