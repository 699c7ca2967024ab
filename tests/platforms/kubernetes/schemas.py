"""The fields of the vendors' custom resources, from the compact schemas under tests/data/schemas
(made by tools/crd_paths.py)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerofloor.stack import Hidden

FOLDER = Path(__file__).parents[2] / "data" / "schemas"
_SCALARS: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
    "number": (int, float),
    "int-or-string": (int, float, str),
}


@dataclass(slots=True)
class Node:
    """A field: its type, and what is inside it where a schema says."""

    kind: str = "object"
    required: bool = False
    inside: dict[str, Node] = field(default_factory=dict)

    def step(self, key: str) -> Node | None:
        """The field of this name; None where the definition has none."""
        if key in self.inside:
            return self.inside[key]
        if "{}" in self.inside:
            return self.inside["{}"]
        if self.kind in _OPEN:
            return _ANYTHING
        known = {"pod": POD, "container": CONTAINER}.get(self.kind, frozenset())
        return _ANYTHING if key in known else None


_OPEN = frozenset({"any", "template"})
_ANYTHING = Node("any")
POD = frozenset(
    [
        "activeDeadlineSeconds",
        "affinity",
        "automountServiceAccountToken",
        "containers",
        "dnsConfig",
        "dnsPolicy",
        "enableServiceLinks",
        "ephemeralContainers",
        "hostAliases",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostUsers",
        "hostname",
        "imagePullSecrets",
        "initContainers",
        "nodeName",
        "nodeSelector",
        "os",
        "overhead",
        "preemptionPolicy",
        "priority",
        "priorityClassName",
        "readinessGates",
        "resourceClaims",
        "resources",
        "restartPolicy",
        "runtimeClassName",
        "schedulerName",
        "schedulingGates",
        "securityContext",
        "serviceAccount",
        "serviceAccountName",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "subdomain",
        "terminationGracePeriodSeconds",
        "tolerations",
        "topologySpreadConstraints",
        "volumes",
    ]
)
CONTAINER = frozenset(
    [
        "args",
        "command",
        "env",
        "envFrom",
        "image",
        "imagePullPolicy",
        "lifecycle",
        "livenessProbe",
        "name",
        "ports",
        "readinessProbe",
        "resizePolicy",
        "resources",
        "restartPolicy",
        "securityContext",
        "startupProbe",
        "stdin",
        "stdinOnce",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "tty",
        "volumeDevices",
        "volumeMounts",
        "workingDir",
    ]
)


@functools.cache
def definitions() -> Mapping[tuple[str, str], Node]:
    """By (group, kind) the fields of its object, all versions that are served together."""
    found: dict[tuple[str, str], Node] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        root = Node()
        for line in path.read_text().splitlines():
            if line.startswith("= "):
                group, kind = line.split()[1:3]
                root = found.setdefault((group, kind), Node())
            elif not line.startswith("#"):
                where, kind = line.split()
                _add(root, where, kind)
    return found


def scalable() -> frozenset[tuple[str, str]]:
    """Kinds whose definition has a scale subresource."""
    return frozenset(
        (parts[1], parts[2])
        for path in FOLDER.glob("*.txt")
        for line in path.read_text().splitlines()
        if line.startswith("= ") and (parts := line.split())[3:] == ["scale"]
    )


def _add(root: Node, where: str, kind: str) -> None:
    node = root
    for key in steps(where):
        node = node.inside.setdefault(key, Node())
    node.kind, node.required = kind.removesuffix("!"), kind.endswith("!")


def steps(path: str) -> list[str]:
    """`spec.a[].b{}.c` in steps; those into a list are none."""
    return [part for key in path.replace("{}", ".{}").split(".") if (part := key.replace("[]", ""))]


def unknown_step(group: str, kind: str, path: tuple[str, ...]) -> str | None:
    """The part of a path that the definition does not have; None where it has all of it."""
    node: Node | None = definitions()[group, kind]
    for end, key in enumerate(path, 1):
        node = node.step(key) if node is not None else None
        if node is None:
            return ".".join(path[:end])
    return None


def faults(group: str, kind: str, body: Mapping[str, Any]) -> Iterator[str]:
    """What the API server would refuse or drop in an object: fields that there are none of,
    scalars of another type, fields that are missing. Hidden values may be anything."""
    inner = {
        key: value
        for key, value in body.items()
        if key not in ("apiVersion", "kind", "metadata", "status")
    }
    yield from _faults(definitions()[group, kind], inner, "")


def _faults(node: Node, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Hidden) or value is None or node.kind in _OPEN:
        return
    if isinstance(value, list | tuple):
        for item in value:
            yield from _faults(node, item, path)
        return
    if node.kind in _SCALARS:
        wanted = _SCALARS[node.kind]
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            yield f"{path}: {value!r} is not a {node.kind}"
        return
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is not an object"
        return
    for key, inner in value.items():
        step = node.step(key)
        if step is None:
            yield f"{path}.{key}: no such field".lstrip(".")
        else:
            yield from _faults(step, inner, f"{path}.{key}".lstrip("."))
    for key, inside in node.inside.items():
        if inside.required and value.get(key) is None:
            yield f"{path}.{key}: missing".lstrip(".")
