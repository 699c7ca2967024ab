"""What the Kubernetes provider makes of an object's inputs before it creates anything: a preview
shows that, and other resources refer to it.

Follows `Check` in `provider/pkg/provider/provider.go` of pulumi-kubernetes and what it calls.
tests/engine/test_kubernetes.py compares with the real one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from zerofloor.documents.properties import SENTINELS
from zerofloor.engine import properties as wire

_TOKEN: Final = re.compile(r"kubernetes:([^/:]+)/[^/:]+:([A-Za-z0-9]+)")
_NO_OBJECTS: Final = ("helm.sh", "yaml", "kustomize")
"""Modules of the package whose types are no Kubernetes objects."""

_RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_AUTONAMED: Final = "pulumi.com/autonamed"
_READ_ONLY: Final = (
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
    "managedFields", "resourceVersion", "uid",
)  # fmt: skip
_CLUSTER_SCOPED: Final = frozenset({
    "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole",
    "ClusterRoleBinding", "CustomResourceDefinition", "FlowSchema", "IngressClass",
    "MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PodSecurityPolicy",
    "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "StorageClass",
    "ValidatingWebhookConfiguration", "VolumeAttachment",
    # Custom resources of which the provider learns it from the API server.
    "AKSNodeClass", "ClusterQueue", "ClusterServingRuntime", "ClusterTriggerAuthentication",
    "ComputeClass", "EC2NodeClass", "KWOKNodeClass", "NodeClaim", "NodeOverlay", "NodePool",
    "ResourceFlavor",
})  # fmt: skip
"""Kinds without a namespace; what the provider does not know counts as having one."""


def checked(
    kind: str, props: Mapping[str, Any], *, name: str, urn: str, namespace: str | None = None
) -> dict[str, Any]:
    """The inputs of a resource of the package, as wire values: named, and put into the provider's
    `namespace`, if it has one. What is no Kubernetes object stays as it is."""
    if kind == _RELEASE:
        return _release(props, name=name, urn=urn)
    match = _TOKEN.fullmatch(kind)
    if match is None or match[1] in _NO_OBJECTS:
        return dict(props)
    props = dict(props)
    metadata = props.get("metadata") or {}
    if _is_plain(metadata):
        metadata = {key: value for key, value in metadata.items() if key not in _READ_ONLY}
        if not match[2].endswith(("Patch", "List")):
            metadata = _named(metadata, name=name, urn=urn)
        if namespace and not metadata.get("namespace") and match[2] not in _CLUSTER_SCOPED:
            metadata = {**metadata, "namespace": namespace}
        if metadata or "metadata" in props:
            props["metadata"] = dict(sorted(metadata.items()))
    if kind == "kubernetes:core/v1:Secret":
        props = _encoded(props)
    return dict(sorted(props.items()))


def placed(
    kind: str, inputs: Mapping[str, Any], namespace: str
) -> tuple[Mapping[str, Any], str | None]:
    """A rendered object in a namespace, and what the provider calls it: NAMESPACE/NAME, or NAME of
    what has none. Called None if its name isn't known."""
    metadata = inputs.get("metadata")
    if not isinstance(metadata, Mapping):
        return inputs, None
    name, given = metadata.get("name"), metadata.get("namespace")
    if kind.rpartition(":")[2] in _CLUSTER_SCOPED:
        return inputs, name if isinstance(name, str) else None
    if given is None or given == "":
        inputs = {**inputs, "metadata": {**metadata, "namespace": namespace}}
    where = given if isinstance(given, str) and given else namespace
    return inputs, f"{where}/{name}" if isinstance(name, str) else None


def has_unknown(value: Any) -> bool:
    """Whether some part isn't known yet. The engine asks no provider that is configured so."""
    if isinstance(value, str):
        return value in SENTINELS
    parts = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, Mapping | list) and any(has_unknown(part) for part in parts)


def default_namespace(settings: Mapping[str, Any]) -> str | None:
    """The namespace that a provider with these inputs gives to what names none.

    That of its kubeconfig's context, unless set. None if neither says: a kubeconfig that only the
    user's machine has, which isn't read.
    """
    own = _text(settings.get("namespace"))
    config = _text(settings.get("kubeconfig"))
    if own or not config or not config.lstrip().startswith(("{", "apiVersion:", "kind:")):
        return own
    import yaml

    try:
        parsed = yaml.safe_load(config)
    except (yaml.YAMLError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    chosen = _text(settings.get("context")) or parsed.get("current-context")
    contexts = parsed.get("contexts")
    for context in contexts if isinstance(contexts, list) else ():
        if isinstance(context, dict) and context.get("name") == chosen:
            inner = context.get("context")
            return (_text(inner.get("namespace")) if isinstance(inner, dict) else None) or "default"
    return None  # A kubeconfig without that context is invalid: there is no cluster at all.


def _named(metadata: dict[str, Any], *, name: str, urn: str) -> dict[str, Any]:
    """With a name, if it has none. The provider's is random; this one is of its form, and the same
    for the same resource."""
    if metadata.get("name") or metadata.get("generateName"):
        return metadata
    named = {**metadata, "name": _unique(name, urn)}
    annotations = metadata.get("annotations") or {}
    if _is_plain(annotations):
        named["annotations"] = dict(sorted({**annotations, _AUTONAMED: "true"}.items()))
    return named


def _release(props: Mapping[str, Any], *, name: str, urn: str) -> dict[str, Any]:
    """A release with a name. Of Helm's own defaults, which the provider writes out, none says what
    the chart makes."""
    released = {key: value for key, value in props.items() if key != "compat"}
    return {**released, "name": released.get("name") or _unique(name, urn)}


def _unique(name: str, urn: str) -> str:
    return f"{name}-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def _encoded(props: dict[str, Any]) -> dict[str, Any]:
    """`stringData` as a part of `data`, as the API server would have it; not while some part of
    the Secret is unknown."""
    texts, data = _revealed(props.get("stringData")), _revealed(props.get("data")) or {}
    if not isinstance(texts, dict) or not texts or not isinstance(data, dict):
        return props
    if has_unknown(props) or not all(isinstance(text, str) for text in texts.values()):
        return props
    encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    del props["stringData"]
    return {**props, "data": wire.secret({**data, **encoded})}


def _revealed(value: Any) -> Any:
    """The value without marks of secrets."""
    if wire.is_secret(value):
        return _revealed(value.get("value"))
    if isinstance(value, dict):
        return {key: _revealed(part) for key, part in value.items()}
    return value


def _is_plain(value: Any) -> bool:
    return isinstance(value, dict) and wire.SIGNATURE not in value


def _text(value: Any) -> str | None:
    revealed = _revealed(value)
    known = isinstance(revealed, str) and revealed not in SENTINELS
    return (revealed or None) if known else None
