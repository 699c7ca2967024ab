"""Manifests against the schemas of the API server: the real CRDs, and the Kubernetes SDK's types
for core objects."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import jsonschema
import pulumi_kubernetes as k8s
import yaml
from pulumi._types import input_type_types, is_input_type, unwrap_type

from zerofloor.stack import Hidden

CRDS = Path(__file__).parents[1] / "data" / "crds"
CORE = {
    "Deployment": k8s.apps.v1.DeploymentSpecArgs,
    "DaemonSet": k8s.apps.v1.DaemonSetSpecArgs,
    "Service": k8s.core.v1.ServiceSpecArgs,
    "Job": k8s.batch.v1.JobSpecArgs,
    "CronJob": k8s.batch.v1.CronJobSpecArgs,
}
WITHOUT_SPEC = ("ServiceAccount", "Role", "RoleBinding")
PODS = {
    "ScaledJob": (("jobTargetRef", "template"),),
    "LeaderWorkerSet": (
        ("leaderWorkerTemplate", "leaderTemplate"),
        ("leaderWorkerTemplate", "workerTemplate"),
    ),
}
"""Where pods are in custom resources whose definitions here leave them open."""


def manifest_errors(manifest: Mapping[str, Any]) -> list[str]:
    """What the API server would refuse in any object that a component declares."""
    kind = manifest["kind"]
    if kind in WITHOUT_SPEC:
        return []
    if kind in CORE:
        return core_errors(manifest)
    errors = crd_errors(manifest)
    for path in PODS.get(kind, ()):
        template = manifest["spec"]
        for part in path:
            template = template[part]
        errors += _core(template["spec"], k8s.core.v1.PodSpecArgs, ".".join(path))
    return errors


def crd_errors(inputs: Mapping[str, Any]) -> list[str]:
    """What the API server would refuse in a custom resource. Hidden values stand for a text."""
    validator = _crds()[inputs["apiVersion"], inputs["kind"]]
    return [
        f"{error.json_path}: {error.message}" for error in validator.iter_errors(_shown(inputs))
    ]


def core_errors(inputs: Mapping[str, Any]) -> list[str]:
    """Fields of a core object's spec that its type does not have, and values of another type."""
    return list(_core(inputs["spec"], CORE[inputs["kind"]], "spec"))


@functools.cache
def _crds() -> Mapping[tuple[str, str], Any]:
    validators = {}
    for path in sorted(CRDS.glob("*.yaml")):
        crd = yaml.safe_load(path.read_bytes())["spec"]
        for version in crd["versions"]:
            schema = _strict(version["schema"]["openAPIV3Schema"])
            validators[f"{crd['group']}/{version['name']}", crd["names"]["kind"]] = (
                jsonschema.Draft202012Validator(schema)
            )
    return validators


def _strict(schema: Any) -> Any:
    """The API server prunes what a schema does not name; here that is an error."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        strict["additionalProperties"] = schema.get("x-kubernetes-preserve-unknown-fields", False)
    return strict


def _shown(value: Any) -> Any:
    if isinstance(value, Hidden):
        return "hidden"
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, (list, tuple)) else value


def _core(value: Any, kind: Any, path: str) -> Iterator[str]:
    if isinstance(value, Hidden):
        return
    if is_input_type(kind):
        types = input_type_types(kind)
        for key, item in value.items():
            if key not in types:
                yield f"{path}.{key}: {kind.__name__} has no such field"
            else:
                yield from _core(item, types[key], f"{path}.{key}")
    elif get_origin(kind) in (list, Sequence):
        for index, item in enumerate(value):
            yield from _core(item, unwrap_type(get_args(kind)[0]), f"{path}[{index}]")
    elif kind in (int, str, bool) and not isinstance(value, kind):
        yield f"{path}: {value!r} is not {kind.__name__}"
