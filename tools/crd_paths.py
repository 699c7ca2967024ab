"""Makes the compact schemas under tests/data/schemas of CustomResourceDefinitions: `python -m
tools.crd_paths "SOURCE" FILE… >tests/data/schemas/NAME.txt`.

One field a line: its path, its type, `!` where it must be there. What Kubernetes itself defines is
not repeated: `pod` stands for a PodSpec's fields, `template` for a pod template, `container` for a
container; of other common parts only the name is kept (`any`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pulumi_kubernetes as k8s
import yaml
from pulumi._types import input_type_types

POD: Final = frozenset(input_type_types(k8s.core.v1.PodSpecArgs)) - {"resources"}
CONTAINER: Final = frozenset(input_type_types(k8s.core.v1.ContainerArgs))
_COMMON: Final = frozenset({
    "affinity", "dataSource", "dnsConfig", "env", "envFrom", "hostAliases", "imagePullSecrets",
    "initContainers", "lifecycle", "livenessProbe", "matchConditions", "persistentVolumeClaimRetentionPolicy",
    "podSecurityContext", "readinessProbe", "securityContext", "serviceSpec", "startupProbe", "tolerations",
    "topologySpreadConstraints", "volumeClaimTemplate", "volumeClaimTemplates", "volumeMounts", "volumes",
})  # fmt: skip


DEPTH: Final = 7
"""Steps of a path; what is deeper is `any`."""


def fields(definition: Mapping[str, Any]) -> Iterator[str]:
    """The lines of one definition: its group and kind, then the fields of all versions that are
    served, the newest one's type first."""
    spec = definition["spec"]
    served = [version for version in spec["versions"] if version.get("served")]
    served.sort(key=lambda version: not version.get("storage"))
    scale = " scale" if any("scale" in one.get("subresources", {}) for one in served) else ""
    yield f"= {spec['group']} {spec['names']['kind']}{scale}"
    found: dict[str, str] = {}
    for version in served:
        schema = version["schema"]["openAPIV3Schema"]
        for name, inner in schema.get("properties", {}).items():
            if name not in ("apiVersion", "kind", "metadata", "status"):
                for line in _field(name, inner, _must(schema, name)):
                    found.setdefault(line.split()[0], line)
    yield from sorted(found.values())


def _field(path: str, schema: Mapping[str, Any], required: bool) -> Iterator[str]:
    while schema.get("type") == "array":
        path, schema = f"{path}[]", schema.get("items", {})
    name = path.rpartition(".")[2].removesuffix("[]")
    inside = schema.get("properties", {})
    kind = _kind(name, schema, frozenset(inside))
    if path.count(".") >= DEPTH and kind == "object":
        kind = "any"
    yield f"{path} {kind}{'!' if required else ''}"
    own = inside
    if kind in ("pod", "container"):
        known = POD if kind == "pod" else CONTAINER
        own = {key: value for key, value in inside.items() if key not in known}
    elif kind != "object":
        return
    for key, value in sorted(own.items()):
        yield from _field(f"{path}.{key}", value, _must(schema, key))


def _must(schema: Mapping[str, Any], name: str) -> bool:
    """Whether a field must be given; one with a default is filled in before anything is checked."""
    return name in schema.get("required", ()) and "default" not in schema["properties"][name]


def _kind(name: str, schema: Mapping[str, Any], inside: frozenset[str]) -> str:
    if name in _COMMON or schema.get("x-kubernetes-preserve-unknown-fields"):
        return "any"
    if {"containers", "tolerations", "nodeSelector"} <= inside:
        return "pod"
    if {"image", "livenessProbe", "volumeMounts"} <= inside:
        return "container"
    if {"metadata", "spec"} == inside and "containers" in schema["properties"]["spec"].get(
        "properties", {}
    ):
        return "template"
    if schema.get("x-kubernetes-int-or-string"):
        return "int-or-string"
    if not inside and schema.get("type", "object") == "object":
        return "any"
    return str(schema.get("type", "object"))


def main() -> int:
    """Writes the lines to standard output."""
    source, *paths = sys.argv[1:]
    lines = [f"# {source}"]
    for path in paths:
        for definition in yaml.load_all(Path(path).read_text(), Loader=yaml.CSafeLoader):
            if definition:
                lines += fields(definition)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
