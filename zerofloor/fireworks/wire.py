"""Property values as the engine sends them, and back: unknown ones as `UNKNOWN`, secrets opened on
the way in and closed again on the way out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from google.protobuf import json_format, struct_pb2

from zerofloor.stack import UNKNOWN, Hidden

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWNS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""The engine's markers of an unknown value, one a type (pulumi_policy/proxy.py)."""


def read(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The values of a message, secrets opened."""
    opened = _open(json_format.MessageToDict(struct))
    return opened if isinstance(opened, dict) else {}


def secret_names(struct: struct_pb2.Struct) -> frozenset[str]:
    """The properties that are, or hold, a secret."""
    values = json_format.MessageToDict(struct)
    return frozenset(name for name, value in values.items() if _has_secret(value))


def write(values: Mapping[str, Any], secrets: Set[str] = frozenset()) -> struct_pb2.Struct:
    """The values as a message; those of these names as secrets."""
    plain = {
        name: _close(value) if name in secrets else _marked(value)
        for name, value in values.items()
        if value is not None
    }
    return json_format.ParseDict(plain, struct_pb2.Struct())


def has_unknown(value: Any) -> bool:
    """Whether anything in it is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(inner) for inner in value.values())
    if isinstance(value, list):
        return any(has_unknown(inner) for inner in value)
    return isinstance(value, Hidden)


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _open(value.get("value"))
        return {name: _open(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_open(inner) for inner in value]
    if isinstance(value, str) and value in UNKNOWNS:
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        inner = any(_has_secret(part) for part in value.values())
        return value.get(SIGNATURE) == SECRET or inner
    return isinstance(value, list) and any(_has_secret(part) for part in value)


def _close(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": _marked(value)}


def _marked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _marked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(inner) for inner in value]
    return "04da6b54-80e4-46f7-96ec-b56ff0331ba9" if isinstance(value, Hidden) else value
