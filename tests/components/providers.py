"""Resources that components declare by token, against the providers' own SDKs (names, types,
required properties, enumerations) and AWS' own API models (botocore)."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin

import botocore.session
import botocore.validate
from pulumi._types import (
    input_type_py_to_pulumi_names,
    input_type_types,
    is_input_type,
    unwrap_type,
)

from zerofloor.stack import Hidden

SDKS = {"aws": "pulumi_aws", "gcp": "pulumi_gcp", "azure-native": "pulumi_azure_native"}


def sdk_errors(token: str, inputs: Mapping[str, Any]) -> list[str]:
    """What the provider's SDK would refuse: a property that its type does not have, a value of
    another type or outside its enumeration, a required property that is missing."""
    package, path, kind = token.split(":")
    module = path.partition("/")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Of other types of the module.
        found = importlib.import_module(f"{SDKS[package]}.{module}")
        return list(_walk(inputs, getattr(found, f"{kind}Args"), kind))


def _walk(value: Any, kind: Any, path: str) -> Iterator[str]:
    if isinstance(value, Hidden):
        return
    options = _options(kind)
    objects = [option for option in options if is_input_type(option)]
    enums = [option for option in options if isinstance(option, type) and issubclass(option, Enum)]
    if objects and isinstance(value, Mapping):
        yield from _object(value, objects[0], path)
    elif isinstance(value, (list, tuple)):
        items = [
            option
            for option in options
            if get_origin(option) in (list, Sequence)
            or getattr(get_origin(option), "__name__", "") == "Sequence"
        ]
        if not items:
            yield f"{path}: is not a list"
            return
        for index, item in enumerate(value):
            yield from _walk(item, get_args(items[0])[0], f"{path}[{index}]")
    elif isinstance(value, Mapping):
        maps = [o for o in options if getattr(get_origin(o), "__name__", "") == "Mapping"]
        if not maps:
            yield f"{path}: is no map"
            return
        for key, item in value.items():
            yield from _walk(item, get_args(maps[0])[1], f"{path}.{key}")
    elif enums:
        allowed = {member.value for option in enums for member in option}
        if value not in allowed:
            yield f"{path}: {value!r} is none of {sorted(allowed)}"
    elif not _is_of(value, options):
        yield f"{path}: {value!r} is not {' or '.join(sorted(str(o) for o in options))}"


def _object(value: Mapping[str, Any], kind: Any, path: str) -> Iterator[str]:
    types = input_type_types(kind)
    for key, item in value.items():
        if key not in types:
            yield f"{path}.{key}: {kind.__name__} has no such property"
        else:
            yield from _walk(item, types[key], f"{path}.{key}")
    names = input_type_py_to_pulumi_names(kind)
    for parameter in inspect.signature(kind.__init__).parameters.values():
        name = names.get(parameter.name)
        if name is not None and parameter.default is parameter.empty and name not in value:
            yield f"{path}.{name}: is required"


def _options(kind: Any) -> list[Any]:
    """The plain types that a declared type admits."""
    if get_origin(kind) is Union:
        found = [option for part in get_args(kind) for option in _options(part)]
        return [option for option in found if option is not type(None)]
    if getattr(get_origin(kind), "__name__", "") in ("Awaitable", "Output"):
        return []
    plain = unwrap_type(kind) if get_origin(kind) is not None else kind
    return [kind] if plain is kind or get_origin(kind) is not None else [plain]


def _is_of(value: Any, options: list[Any]) -> bool:
    if Any in options or not options:
        return True
    if isinstance(value, bool):
        return bool in options
    if isinstance(value, int):
        return int in options or float in options
    return any(isinstance(option, type) and isinstance(value, option) for option in options)


# AWS' own models


def api_errors(service: str, shape: str, value: Any) -> list[str]:
    """What an AWS API would refuse in a request, by botocore's model of it: members, types, bounds
    and enumerations. Hidden values stand for a text."""
    model = botocore.session.get_session().get_service_model(service).shape_for(shape)
    shown = _shown(value)
    report = botocore.validate.ParamValidator().validate(shown, model)
    refused = [report.generate_report()] if report.has_errors() else []
    return refused or list(_outside(model, shown, shape))


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    return "hidden" if isinstance(value, Hidden) else value


def _outside(shape: Any, value: Any, path: str) -> Iterator[str]:
    """The texts that are no member of their enumeration."""
    if isinstance(value, dict):
        for name, item in value.items():
            inner = shape.value if shape.type_name == "map" else shape.members[name]
            yield from _outside(inner, item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _outside(shape.member, item, f"{path}[{index}]")
    elif value != "hidden" and getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.enum}"


def capitalised(value: Any, renamed: Mapping[str, str] | None = None) -> Any:
    """The provider's camelCase as the Query APIs spell it: `minSize` → `MinSize`; other names by
    the table, where an empty one leaves the property out."""
    if isinstance(value, Mapping):
        names = {key: (renamed or {}).get(key, key[:1].upper() + key[1:]) for key in value}
        return {names[key]: capitalised(one, renamed) for key, one in value.items() if names[key]}
    return (
        [capitalised(one, renamed) for one in value] if isinstance(value, (list, tuple)) else value
    )
