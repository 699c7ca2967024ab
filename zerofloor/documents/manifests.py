"""Kubernetes manifests, YAML or JSON: what `kubectl apply` would take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from zerofloor.documents.properties import inputs_of
from zerofloor.documents.refusal import refusal, shown, undecodable
from zerofloor.documents.yaml_text import yaml_documents
from zerofloor.errors import InputError
from zerofloor.patterns import lazy
from zerofloor.stack import Resource, Stack
from zerofloor.structs import Value

CLUSTER_SCOPED: Final = frozenset(
    {
        # core, rbac, storage, scheduling, admission, apiextensions (`kubectl api-resources
        # --namespaced=false`, Kubernetes 1.35)
        "Namespace", "Node", "PersistentVolume", "ComponentStatus", "ClusterRole", "ClusterRoleBinding", "StorageClass", "CSIDriver",
        "CSINode", "VolumeAttachment", "VolumeAttributesClass", "PriorityClass", "RuntimeClass", "IngressClass", "APIService",
        "CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "FlowSchema",
        "PriorityLevelConfiguration", "CertificateSigningRequest", "DeviceClass", "ResourceSlice", "IPAddress", "ServiceCIDR",
        # Karpenter and its providers
        "NodePool", "NodeClaim", "NodeOverlay", "EC2NodeClass", "AKSNodeClass", "GCENodeClass", "KWOKNodeClass", "NodeClass",
        # Kueue, Volcano, GKE, KEDA, KServe, the GPU operator, Gateway API
        "ClusterQueue", "ResourceFlavor", "AdmissionCheck", "Cohort", "Topology", "WorkloadPriorityClass", "ComputeClass",
        "ClusterTriggerAuthentication", "ClusterServingRuntime", "ClusterStorageContainer", "ClusterPolicy", "NVIDIADriver", "GatewayClass",
        "ClusterIssuer", "ClusterSecretStore",
    }
)  # fmt: skip
"""Kinds whose objects belong to no namespace. One that is missing here only gets `default/` in its
URN."""

_API_VERSION: Final = lazy(r"(?:[a-z0-9][a-z0-9.-]*/)?v[a-z0-9]+")
_KIND: Final = lazy(r"[A-Za-z][A-Za-z0-9]*")
_EXPECTED: Final = "expected Kubernetes objects with apiVersion and kind"


def read_manifests(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The objects of the documents, Lists flattened, as resources to be created.

    Raises InputError where a document is no object of Kubernetes', or one object is there twice.
    """
    if baseline is not None:
        raise refusal(name, "manifests are whole: they take no --baseline")
    resources: dict[str, Resource] = {}
    for number, (place, value) in enumerate(_objects(name, data), 1):
        where = place.where
        resource = _resource(name, where, number, value, place.position)
        if resource.urn in resources:
            raise refusal(
                name,
                (
                    f"{where}: {resource.type.removeprefix('kubernetes:')} "
                    f"{shown(resource.name)} is there twice"
                ),
            )
        resources[resource.urn] = resource
    if not resources:
        raise refusal(name, f"nothing in it: {_EXPECTED}")
    return Stack(
        kind="manifests",
        resources=tuple(resources[urn] for urn in sorted(resources)),
        project=file_in_urn(name),
        name="manifests",
        document=name,
    )


class _Place(Value, frozen=True):
    """Where an object stands."""

    where: str
    """For messages: `document 3 (line 40)`."""
    position: str | None = None
    """`FILE:LINE`, or the file that `helm template` names as its source."""


def _objects(name: str, data: bytes) -> Iterator[tuple[_Place, dict[str, Any]]]:
    for place, value in _documents(name, data):
        for where, found in _flat(name, place.where, value):
            yield _Place(where, place.position), found


def _documents(name: str, data: bytes) -> Iterator[tuple[_Place, Any]]:
    if data.lstrip()[:1] == b"{" and data.lstrip()[:2] != b"{{" and b"\n---" not in data:
        try:
            yield _Place("document 1"), msgspec.json.decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise undecodable(name, data, error) from None
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise undecodable(name, data, error) from None
    lines = text.splitlines()
    try:
        for number, line, value in yaml_documents(name, text):
            where = f"document {number} (line {line})"
            yield _Place(where, _position(name, lines, line)), value
    except InputError:
        if "{{" not in text:
            raise
        line = text.count("\n", 0, text.index("{{")) + 1
        raise refusal(
            name,
            (
                f"a Helm template ({{{{ … }}}} in line {line}), not a manifest: render it with "
                "`helm template` first"
            ),
        ) from None


def _position(name: str, lines: list[str], line: int) -> str:
    """Where a document that begins in `line` (from 1, its `---` included) stands: the template that
    `helm template` names in a comment, else the line of its first content."""
    for number, text in enumerate(lines[line - 1 :], line):
        if text.startswith("# Source: "):
            return shown(text.removeprefix("# Source: ").strip())
        if text.strip() and not text.startswith(("#", "---")):
            return f"{shown(name)}:{number}"
    return f"{shown(name)}:{line}"


def _flat(name: str, where: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value, dict):
        raise refusal(name, f"{where} is {_what(value)}: {_EXPECTED}")
    kind = value.get("kind")
    if not (
        isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list)
    ):
        yield where, value
        return
    for index, item in enumerate(value["items"]):
        if not isinstance(item, dict):
            raise refusal(name, f"{where}, items[{index}] is {_what(item)}: {_EXPECTED}")
        if kind != "List":  # the API server's own lists leave out what their kind says
            item = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")} | item
        yield from _flat(name, f"{where}, items[{index}]", item)


def _resource(
    name: str, where: str, number: int, value: dict[str, Any], position: str | None
) -> Resource:
    api_version, kind = _type(name, where, value)
    called = _called(name, where, number, kind, value.get("metadata"))
    type_token = token_of(api_version, kind)
    try:
        inputs = inputs_of(type_token, value)
    except RecursionError:
        raise refusal(name, f"{where}: nested too deeply") from None
    return Resource(
        urn=f"urn:pulumi:manifests::{file_in_urn(name)}::{type_token}::{called}",
        type=type_token,
        name=called,
        inputs=inputs,
        source_position=position,
    )


def _type(name: str, where: str, value: dict[str, Any]) -> tuple[str, str]:
    """Its apiVersion and its kind."""
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if api_version is None or kind is None:
        lacks = " and ".join(key for key in ("apiVersion", "kind") if value.get(key) is None)
        raise refusal(
            name,
            (
                f"{where} has no {lacks}: {_EXPECTED} (Helm values and kustomizations must be "
                "rendered first)"
            ),
        )
    if not isinstance(api_version, str) or not _API_VERSION.fullmatch(api_version):
        raise refusal(name, f"{where}: apiVersion is not one of Kubernetes' (group/version, or v1)")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise refusal(name, f"{where}: kind is not a kind of Kubernetes'")
    if api_version.startswith("kustomize.config.k8s.io/"):
        raise refusal(
            name,
            f"{where} is a kustomization, not a manifest: render it with `kubectl kustomize` first",
        )
    return api_version, kind


def _called(name: str, where: str, number: int, kind: str, metadata: Any) -> str:
    """NAMESPACE/NAME, or the name alone of what has no namespace."""
    if not isinstance(metadata, dict):
        raise refusal(name, f"{where}: {kind} has no metadata with a name")
    for key in ("name", "namespace", "generateName"):
        if not isinstance(metadata.get(key, ""), str | None):
            raise refusal(name, f"{where}: metadata.{key} is {_what(metadata[key])}, not text")
    # What a generateName becomes is not known, and two of them are two objects.
    called = metadata.get("name") or (
        f"{metadata['generateName']}#{number}" if metadata.get("generateName") else None
    )
    if not called:
        raise refusal(name, f"{where}: {kind} has neither metadata.name nor metadata.generateName")
    if kind in CLUSTER_SCOPED:
        return str(called)
    return f"{metadata.get('namespace') or 'default'}/{called}"


def token_of(api_version: str, kind: str) -> str:
    """The type of an object: `apps/v1` and `Deployment` are `kubernetes:apps/v1:Deployment`."""
    return f"kubernetes:{api_version if '/' in api_version else f'core/{api_version}'}:{kind}"


def file_in_urn(name: str) -> str:
    """The file's name as it may stand in a URN, whose parts `::` divides."""
    return "".join(c if c.isprintable() else "_" for c in name).replace(":", "%3A") or "-"


def _what(value: Any) -> str:
    if value is None:
        return "null"
    for kind, called in ((bool, "a boolean"), (str, "text"), (list, "a list"), (dict, "an object")):
        if isinstance(value, kind):
            return called
    return "a number"
