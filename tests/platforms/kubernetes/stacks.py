"""Stacks written as pairs in the YAML files beside this one: objects, and what one property makes
of them.

A pair has `objects` (manifests, or `{type, name, props}` for what is no Kubernetes object) and
`stacks`. A stack has `patch` (by
`Kind/name` a JSON merge patch, RFC 7386: null takes a field away), `add` and `drop`, `settings`,
and `label` (verdict, gpus, why).
`$unknown` and `$secret` stand for values that a preview does not know or show.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cases import stack_of
from zerofloor.stack import Stack

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": "AAABAP",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One stack of a pair with its label."""

    pair: Mapping[str, Any]
    name: str
    label: Mapping[str, Any]
    resources: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    parts: tuple[Stack, ...]
    """One document, or several that are judged together."""


def labelled() -> dict[str, Labelled]:
    """Every stack by `file: pair: name`."""
    found: dict[str, Labelled] = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for pair in document["pairs"]:
            for stack in pair["stacks"]:
                found[f"{path.stem}: {pair['pair']}: {stack['name']}"] = _labelled(pair, stack)
    return found


def _labelled(pair: Mapping[str, Any], stack: Mapping[str, Any]) -> Labelled:
    objects = [
        copy.deepcopy(o)
        for o in [*pair["objects"], *stack.get("add", [])]
        if _key(o) not in stack.get("drop", [])
    ]
    unused = set(stack.get("patch", {})) - {_key(o) for o in objects}
    assert not unused, f"{pair['pair']}: no such object: {unused}"
    resources = tuple(_resource(o, stack.get("patch", {}).get(_key(o), {})) for o in objects)
    parts = sorted({r["document"] for r in resources})
    stacks = tuple(
        stack_of({"resources": [r for r in resources if r["document"] == part], "config": {}})
        for part in parts
    )
    return Labelled(
        pair, stack["name"], stack["label"], resources, stack.get("settings", {}), stacks
    )


def _key(declared: Mapping[str, Any]) -> str:
    return (
        f"{declared['kind']}/{declared['metadata']['name']}"
        if "kind" in declared
        else str(declared["name"])
    )


def _resource(declared: Mapping[str, Any], patch: Any) -> dict[str, Any]:
    document = str(declared.get("document", "dev"))
    props = {
        k: v
        for k, v in (declared["props"] if "type" in declared else declared).items()
        if k != "document"
    }
    token = declared.get("type")
    if token is None:
        version = declared["apiVersion"]
        token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{declared['kind']}"
    name = _key(declared).replace("/", "-") + (
        "" if "kind" not in declared else f"-{declared['metadata'].get('namespace', 'default')}"
    )
    urn = f"urn:pulumi:{document}::case::{token}::{name}"
    return {
        "type": token,
        "name": name,
        "urn": urn,
        "document": document,
        "props": _known(merged(props, patch)),
    }


def merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386) applied."""
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), inner)
    return out


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    return (
        {"$unknown": UNKNOWN, "$secret": SECRET}.get(value, value)
        if isinstance(value, str)
        else value
    )
