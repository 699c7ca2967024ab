"""A Kubernetes object behind a resource: its group, kind, name and namespace, whichever version and
spelling it came in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from zerofloor.estate import Estate
from zerofloor.stack import Hidden, Resource
from zerofloor.values import at, known_mapping, known_text

_TOKEN = re.compile(r"kubernetes:(?:([^:/]+)/)?([^:/]+):([A-Za-z0-9]+)")


@dataclass(frozen=True, slots=True)
class Object:
    """One object. `body` is the whole manifest with camelCase keys."""

    resource: Resource
    group: str
    """`apps`, `core`, `keda.sh`, …"""
    version: str
    kind: str
    name: str | None
    """metadata.name; None where it is hidden or the provider will make one up."""
    name_hidden: bool
    namespace: str | None
    """`default` where absent; None where hidden."""
    body: Mapping[str, Any]

    @property
    def urn(self) -> str:
        return self.resource.urn

    @property
    def spec(self) -> Any:
        return self.body.get("spec")

    @property
    def annotations(self) -> Any:
        return at(self.body, "metadata", "annotations")

    @property
    def shown_name(self) -> str:
        return self.name or self.resource.name


@lru_cache(maxsize=4096)
def group_kind(token: str) -> tuple[str, str] | None:
    """`kubernetes:apps/v1:Deployment` → ("apps", "Deployment"); None for a type that is no
    Kubernetes object."""
    match = _TOKEN.fullmatch(token)
    if match is None or match[1] in ("helm.sh", "yaml", "kustomize"):
        return None
    return match[1] or "core", match[3]


def objects(estate: Estate, *wanted: tuple[str, str]) -> Iterator[Object]:
    """The estate's objects of these (group, kind) pairs, sorted by URN; any version."""
    found: list[Object] = []
    for token, resources in estate.by_type.items():
        if group_kind(token) in wanted:
            found += [as_object(resource) for resource in resources]
    yield from sorted(found, key=lambda o: o.urn)


def as_object(resource: Resource) -> Object:
    """The object behind a resource whose type is a Kubernetes kind."""
    match = _TOKEN.fullmatch(resource.type)
    if match is None:
        raise ValueError(f"{resource.type} is no Kubernetes kind")
    group = match[1] or "core"
    body = resource.inputs if group in _BUILT_IN else camelized(resource.inputs)
    name = at(body, "metadata", "name")
    namespace = at(body, "metadata", "namespace")
    return Object(
        resource=resource,
        group=group,
        version=match[2],
        kind=match[3],
        name=known_text(name),
        name_hidden=isinstance(name, Hidden),
        namespace=None if isinstance(namespace, Hidden) else known_text(namespace) or "default",
        body=body,
    )


_BUILT_IN = frozenset(
    {
        "core",
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
    }
)

# Objects whose keys are the user's own words.
_FREE = frozenset(
    {
        "labels",
        "annotations",
        "matchLabels",
        "nodeSelector",
        "limits",
        "requests",
        "data",
        "stringData",
        "rayStartParams",
        "tags",
    }
)

_SNAKE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")


def camelized(value: Any, key: str = "") -> Any:
    """A custom resource with its snake_case fields in camelCase: Python programs pass them on as
    written.

    Free-form maps keep their keys. Where both spellings stand, the camelCase one counts.
    """
    if isinstance(value, Mapping):
        if key in _FREE or (key == "metadata" and not _is_object_meta(value)):
            return value
        out: dict[str, Any] = {}
        for name, inner in value.items():
            camel = _camel(name) if _SNAKE.fullmatch(name) else name
            if camel != name and camel in value:
                continue
            out[camel] = camelized(inner, camel)
        return out
    if isinstance(value, list | tuple):
        return [camelized(inner, key) for inner in value]
    return value


def _is_object_meta(value: Mapping[str, Any]) -> bool:
    return any(
        field in value for field in ("name", "labels", "annotations", "namespace", "generateName")
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def annotation(obj: Object, key: str) -> Any:
    """The annotation's value; hidden where all annotations are."""
    annotations = obj.annotations
    return annotations if isinstance(annotations, Hidden) else known_mapping(annotations).get(key)


def same_namespace(one: str | None, other: str | None) -> bool:
    """Whether two namespaces are, or may be, the same: a hidden one may be any."""
    return one is None or other is None or one == other
