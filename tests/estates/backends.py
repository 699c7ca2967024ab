"""Backends in Pulumi's own layout, written by hand; the states are what the engine writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CIPHER = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": "v1:GnTVHUNG4BFQ1Qgh:rGi6xBBY",
}
"""A secret as a state has it."""


def resource(
    type_token: str,
    name: str,
    inputs: Mapping[str, Any],
    *,
    outputs: Mapping[str, Any] | None = None,
    provider: str = "",
    depends: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """A resource of a stack; `urn_of` its place is filled in by `state`."""
    return {
        "type": type_token,
        "name": name,
        "inputs": dict(inputs),
        "outputs": {**inputs, **(outputs or {})},
        "provider": provider,
        "depends": depends or {},
    }


def instance(name: str, tags: Mapping[str, str] | None = None, size: str = "g5.xlarge") -> Any:
    """A GPU machine that runs all week: 1.006 dollars an hour in us-east-1 (g5.xlarge)."""
    inputs = {"instanceType": size, "ami": "ami-0123456789abcdef0"}
    if tags:
        inputs["tags"] = dict(tags)  # type: ignore[assignment]
    return resource("aws:ec2/instance:Instance", name, inputs)


def deployment(name: str, gpus: int = 1, **labels: str) -> Any:
    """One pod that is always there."""
    limits = {"nvidia.com/gpu": str(gpus)} if gpus else {"cpu": "1"}
    return resource(
        "kubernetes:apps/v1:Deployment",
        name,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "default", "labels": {"app": name, **labels}},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {
                        "containers": [
                            {"name": "s", "image": "vllm", "resources": {"limits": limits}}
                        ]
                    },
                },
            },
        },
        provider="k8s",
    )


def urn_of(project: str, stack: str, type_token: str, name: str) -> str:
    return f"urn:pulumi:{stack}::{project}::{type_token}::{name}"


def state(
    project: str,
    stack: str,
    resources: Sequence[Mapping[str, Any]],
    *,
    kubeconfig: Any = None,
    kubeconfig_from: Sequence[str] = (),
    region: str = "us-east-1",
    exports: Mapping[str, Any] | None = None,
    version: int = 3,
) -> dict[str, Any]:
    """The checkpoint of a stack."""
    top = urn_of(project, stack, "pulumi:pulumi:Stack", f"{project}-{stack}")
    aws = urn_of(project, stack, "pulumi:providers:aws", "default_7_51_1")
    k8s = urn_of(project, stack, "pulumi:providers:kubernetes", "k8s")
    states: list[dict[str, Any]] = [
        {"urn": top, "custom": False, "type": "pulumi:pulumi:Stack", "outputs": exports or {}},
        {
            "urn": aws,
            "custom": True,
            "id": "a",
            "type": "pulumi:providers:aws",
            "inputs": {"region": region, "version": "7.51.1"},
        },
        {
            "urn": k8s,
            "custom": True,
            "id": "k",
            "type": "pulumi:providers:kubernetes",
            "inputs": {} if kubeconfig is None else {"kubeconfig": kubeconfig},
            "propertyDependencies": {"kubeconfig": list(kubeconfig_from)},
        },
    ]
    for one in resources:
        urn = urn_of(project, stack, one["type"], one["name"])
        own = f"{k8s}::k" if one["provider"] == "k8s" else f"{aws}::a"
        links = {key: list(one["depends"].get(key, ())) for key in one["inputs"]}
        states.append(
            {
                "urn": urn,
                "custom": True,
                "id": one["name"],
                "type": one["type"],
                "inputs": one["inputs"],
                "outputs": one["outputs"],
                "parent": top,
                "provider": own,
                "propertyDependencies": links,
            }
        )
    return {
        "version": version,
        "checkpoint": {
            "stack": f"organization/{project}/{stack}",
            "latest": {"manifest": {"version": "v3.259.0"}, "resources": states},
        },
    }


class Backend:
    """A folder with `.pulumi` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / ".pulumi"
        (self.root / "stacks").mkdir(parents=True)
        (self.root / "meta.yaml").write_text("version: 1\n")

    @property
    def url(self) -> str:
        return f"file://{self.folder}"

    def path(self, name: str, suffix: str = ".json") -> Path:
        found = self.root / "stacks" / f"{name}{suffix}"
        found.parent.mkdir(parents=True, exist_ok=True)
        return found

    def add(self, project: str, stack: str, *resources: Any, **more: Any) -> Path:
        """A stack with these resources."""
        found = self.path(f"{project}/{stack}")
        found.write_text(json.dumps(state(project, stack, resources, **more), indent=4))
        return found

    def contents(self) -> dict[str, str]:
        """All that is there, to see that nothing is changed."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
