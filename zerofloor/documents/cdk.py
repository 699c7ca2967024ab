"""What CDK applies to an EKS cluster by custom resources of a CloudFormation template: Kubernetes
objects and Helm charts.

Source: aws/aws-cdk, packages/aws-cdk-lib/aws-eks (k8s-manifest.ts, helm-chart.ts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from zerofloor.documents.manifests import token_of
from zerofloor.documents.template_text import Scope, camel, type_name
from zerofloor.stack import UNKNOWN, Resource
from zerofloor.values import at

MANIFEST: Final = "Custom::AWSCDK-EKS-KubernetesResource"
CHART: Final = "Custom::AWSCDK-EKS-HelmChart"
RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_MARK: Final = "\ufffdnot known\ufffd"
"""Stands in a joined text for what another resource will say."""


def applied(
    logical: str, body: Any, scope: Scope, urn: str, position: str | None
) -> tuple[Resource, ...] | None:
    """What a custom resource of CDK applies; None where its text can't be read. `urn` is what the
    URNs of the template's resources begin with."""
    properties = at(body, "Properties")
    if type_name(body) == CHART:
        values = _parsed(at(properties, "Values"), scope)
        if values is None:
            return None
        given = {"chart": "Chart", "name": "Release", "namespace": "Namespace"}
        inputs = {key: camel(at(properties, name), scope) for key, name in given.items()}
        known = {key: value for key, value in inputs.items() if value is not None}
        resource = Resource(
            urn=f"{urn}{RELEASE}::{logical}",
            type=RELEASE,
            name=logical,
            inputs={**known, "values": values},
            source_position=position,
        )
        return (resource,)
    manifest = _parsed(at(properties, "Manifest"), scope)
    if manifest is None:
        return None
    listed = manifest if isinstance(manifest, list) else [manifest]
    return tuple(_objects(logical, listed, urn, position))


def _objects(logical: str, listed: list[Any], urn: str, position: str | None) -> Iterator[Resource]:
    for index, one in enumerate(listed):
        version, kind, name = at(one, "apiVersion"), at(one, "kind"), at(one, "metadata", "name")
        if not isinstance(version, str) or not isinstance(kind, str):
            continue
        token = token_of(version, kind)
        called = f"{logical}/{name}" if isinstance(name, str) else f"{logical}#{index}"
        yield Resource(
            urn=f"{urn}{token}::{called}",
            type=token,
            name=called,
            inputs=one,
            source_position=position,
        )


def _parsed(value: Any, scope: Scope) -> Any:
    """The JSON of a property, in which what isn't known is marked; an empty object where there is
    none, None where it can't be read."""
    if value is None:
        return {}
    text = _text(value, scope)
    try:
        return _marked(msgspec.json.decode(text)) if isinstance(text, str) else None
    except (msgspec.MsgspecError, RecursionError):
        return None


def _text(value: Any, scope: Scope) -> str | None:
    if isinstance(value, str):
        return value
    parts = at(value, "Fn::Join", 1) if isinstance(value, Mapping) else None
    if not isinstance(parts, list):
        return None
    known = (part if isinstance(part, str) else camel(part, scope) for part in parts)
    # (A reference is a text, too, and its value is not known.)
    return "".join(part if type(part) is str else _MARK for part in known)


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return UNKNOWN if _MARK in value else value
    if isinstance(value, Mapping):
        return {key: _marked(inner) for key, inner in value.items()}
    return [_marked(inner) for inner in value] if isinstance(value, list) else value
