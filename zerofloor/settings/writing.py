"""Settings as a person would write them: only what differs from the defaults."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from zerofloor.settings.parsing import OURS, camel
from zerofloor.settings.values import Settings

NOT_WRITTEN: Final = frozenset({"extends", "allow"})
"""Fields that belong to one file: what it extends, what it allows others."""


def written(settings: Settings) -> dict[str, Any]:
    """JSON-able data that `parse` reads as the same settings."""
    found = _struct(settings)
    return {key: value for key, value in found.items() if key not in NOT_WRITTEN}


def _struct(value: msgspec.Struct) -> dict[str, Any]:
    found = {}
    for field in msgspec.structs.fields(value):
        given = getattr(value, field.name)
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if given != default and field.name not in OURS:
            found[camel(field.name)] = _plain(given)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _struct(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime.date) else value
