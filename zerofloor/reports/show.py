"""`zerofloor show`: a stack as plain data, for a person whom a verdict surprises."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from zerofloor.stack import UNKNOWN, Hidden, Resource, Stack

_MANIFEST_OF_SECRET: Final = re.compile(r"""["']?kind["']?\s*:\s*["']?Secret\b""")
"""A text of manifests with a Secret among them: its content stands there in plain."""


def shown(stack: Stack) -> dict[str, Any]:
    """The stack as JSON-able data: keys and resources sorted, unknown as `{"$unknown": true}`,
    secret as `{"$secret": true}`."""
    return {
        "kind": stack.kind,
        "project": stack.project,
        "stack": stack.name,
        "previewed_by": stack.previewed_by,
        "document": stack.document,
        "config": None if stack.config is None else dict(sorted(stack.config.items())),
        "notes": list(stack.notes),
        "resources": [
            _resource(resource) for resource in sorted(stack.resources, key=lambda r: r.urn)
        ],
    }


def plain(value: Any) -> Any:
    """A property value as JSON-able data."""
    if isinstance(value, Hidden):
        return {"$unknown": True} if value is UNKNOWN else {"$secret": True}
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _MANIFEST_OF_SECRET.search(value):
        return {"$secret": True}
    return value


def _resource(resource: Resource) -> dict[str, Any]:
    links = resource.property_dependencies
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "parent": resource.parent,
        "op": resource.op,
        "provider": resource.provider,
        "propertyDependencies": None
        if links is None
        else {key: list(links[key]) for key in sorted(links)},
        "ignoreChanges": list(resource.ignore_changes),
        "sourcePosition": resource.source_position,
        "inputs": plain(resource.inputs),
    }
