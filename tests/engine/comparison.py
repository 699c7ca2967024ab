"""Stacks without what differs from one preview to the next, or only in how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from zerofloor.stack import Resource, Stack


def comparable(stack: Stack) -> tuple[Resource, ...]:
    """Its resources: a name that the Kubernetes provider made up ends in zeros, and a quantity is
    a text."""
    names = dict(_made_up(stack))

    def known(value: str) -> str:
        for name, fixed in names.items():
            value = value.replace(name, fixed)
        return value

    return tuple(
        replace(resource, inputs=_changed(resource.inputs, known)) for resource in stack.resources
    )


def _made_up(stack: Stack) -> Iterator[tuple[str, str]]:
    for resource in stack.resources:
        metadata = resource.inputs.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
        if isinstance(annotations, Mapping) and "pulumi.com/autonamed" in annotations:
            assert isinstance(metadata, Mapping)
            name, _, suffix = metadata["name"].rpartition("-")
            assert (name, len(suffix)) == (resource.name, 8)
            yield metadata["name"], f"{name}-00000000"
        if resource.type == "kubernetes:helm.sh/v3:Release":
            made_up = f"{resource.name}-[0-9a-f]{{8}}"
            if re.fullmatch(made_up, resource.inputs["name"]):
                yield resource.inputs["name"], f"{resource.name}-00000000"


def _changed(value: Any, known: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {name: _changed(part, known, _inside(key, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_changed(part, known, key) for part in value]
    if isinstance(value, str):
        return known(value)
    return str(value) if key == "quantity" and isinstance(value, int | float) else value


def _inside(key: str, name: str) -> str:
    return "quantity" if key in ("limits", "requests") else name
