"""A self-managed backend of many stacks, in the layout and format that the engine writes
(`.pulumi/stacks/PROJECT/STACK.json`), indented, with outputs and a stack trace for each resource.

`python -m benchmarks.backend FOLDER [STACKS [RESOURCES]]` writes it. Of ten stacks one has a GPU
instance that runs all week, one a GPU node group with a minimum of one, one a cluster whose models
stand in the next one, and six no GPU; every third state is packed.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.big_digest import TRACE

PROVIDERS = {"aws": "7.51.1", "kubernetes": "4.24.0"}


def write_backend(folder: Path, stacks: int = 500, resources: int = 200) -> None:
    """Writes the backend."""
    root = folder / ".pulumi"
    (root / "stacks").mkdir(parents=True)
    (root / "meta.yaml").write_text("version: 1\n")
    for index in range(stacks):
        project = root / "stacks" / f"project-{index // 2}"
        project.mkdir(exist_ok=True)
        stack = "dev" if index % 2 == 0 else "prod"
        text = checkpoint(index, resources)
        if index % 3 == 2:
            (project / f"{stack}.json.gz").write_bytes(gzip.compress(text, 6, mtime=0))
        else:
            (project / f"{stack}.json").write_bytes(text)


def checkpoint(index: int, resources: int) -> bytes:
    """The state of one stack."""
    stack = _Stack(index)
    states = [stack.root(), *stack.providers(), *stack.special()]
    makers = (stack.subnet, stack.deployment, stack.config_map, stack.role)
    states += [makers[n % len(makers)](n) for n in range(max(0, resources - len(states)))]
    state = {
        "version": 3,
        "checkpoint": {
            "stack": f"organization/{stack.project}/{stack.name}",
            "latest": {
                "manifest": {
                    "time": "2026-11-24T06:48:48.08717338Z",
                    "magic": "ab35920a3077459b09dd1a3f7ddc28df4e3efc81b3240013bb6906688abc684d",
                    "version": "v3.259.0",
                },
                "secrets_providers": {
                    "type": "passphrase",
                    "state": {"salt": "v1:WpcjPBsQJn8=:v1:xDk7IKJONRPcM2s0:lqdcdx3sdr"},
                },
                "resources": states,
            },
        },
    }
    return json.dumps(state, indent=4).encode()


class _Stack:
    """One stack's resources."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.project = f"project-{index // 2}"
        self.name = "dev" if index % 2 == 0 else "prod"
        self.urn = f"urn:pulumi:{self.name}::{self.project}"
        self.top = f"{self.urn}::pulumi:pulumi:Stack::{self.project}-{self.name}"
        self.cluster = f"ml-{index if index % 10 == 4 else index - 1}"

    def root(self) -> dict[str, Any]:
        state = self._state("pulumi:pulumi:Stack", f"{self.project}-{self.name}", {}, custom=False)
        del state["parent"]
        return state

    def providers(self) -> Iterator[dict[str, Any]]:
        for package, version in PROVIDERS.items():
            inputs: dict[str, Any] = {"version": version}
            if package == "aws":
                inputs["region"] = "us-west-2"
            if package == "kubernetes" and self.index % 10 in (4, 5):
                inputs["kubeconfig"] = _kubeconfig(self.cluster)
            name = f"default_{version.replace('.', '_')}"
            yield self._state(f"pulumi:providers:{package}", name, inputs)

    def special(self) -> Iterator[dict[str, Any]]:
        team = {"team": f"team-{self.index % 7}"}
        match self.index % 10:
            case 1:
                inputs = {"instanceType": "g5.xlarge", "ami": "ami-0123456789abcdef0", "tags": team}
                yield self._state("aws:ec2/instance:Instance", "inference", inputs)
            case 2:
                yield self._group("own", minimum=1, tags=team)
            case 4:
                yield self._state(
                    "aws:eks/cluster:Cluster",
                    "cluster",
                    {"name": self.cluster, "roleArn": "arn:aws:iam::123456789012:role/eks"},
                    outputs={"name": self.cluster, "endpoint": _server(self.cluster)},
                )
                yield self._group(self.cluster, minimum=0, tags=team)
            case 5:
                yield self._gpu_deployment(team)

    def subnet(self, n: int) -> dict[str, Any]:
        inputs = {
            "vpcId": "vpc-0123456789abcdef0",
            "cidrBlock": f"10.{n // 256 % 256}.{n % 256}.0/24",
            "availabilityZone": "us-west-2a",
            "tags": {"Name": f"s{n}"},
        }
        return self._state("aws:ec2/subnet:Subnet", f"subnet-{n}", inputs)

    def deployment(self, n: int) -> dict[str, Any]:
        return self._deployment(f"web-{n}", 2, {"cpu": "2", "memory": "4Gi"}, {})

    def config_map(self, n: int) -> dict[str, Any]:
        inputs = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"settings-{n}", "namespace": "serving"},
            "data": {"LOG_LEVEL": "info", "NUMBER": str(n)},
        }
        return self._state("kubernetes:core/v1:ConfigMap", f"settings-{n}", inputs)

    def role(self, n: int) -> dict[str, Any]:
        secret = {
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            "ciphertext": "v1:GnTVHUNG4BFQ1Qgh:rGi6xBBY",
        }
        inputs = {"name": f"role-{n}", "assumeRolePolicy": "{}", "description": secret}
        return self._state("aws:iam/role:Role", f"role-{n}", inputs)

    def _gpu_deployment(self, labels: dict[str, str]) -> dict[str, Any]:
        return self._deployment("llm", 1, {"nvidia.com/gpu": "1"}, labels)

    def _deployment(
        self, name: str, replicas: int, limits: dict[str, str], labels: dict[str, str]
    ) -> dict[str, Any]:
        container = {"name": "server", "image": "nginx:1.27", "resources": {"limits": limits}}
        inputs = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "serving", "labels": {"app": name, **labels}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [container]},
                },
            },
        }
        return self._state("kubernetes:apps/v1:Deployment", name, inputs)

    def _group(self, cluster: str, *, minimum: int, tags: dict[str, str]) -> dict[str, Any]:
        inputs = {
            "clusterName": cluster,
            "capacityType": "ON_DEMAND",
            "instanceTypes": ["g6e.xlarge"],
            "nodeRoleArn": "arn:aws:iam::123456789012:role/node",
            "scalingConfig": {"minSize": minimum, "desiredSize": minimum, "maxSize": 4},
            "subnetIds": ["subnet-0123456789abcdef0"],
            "tags": {**tags, f"k8s.io/cluster-autoscaler/{cluster}": "owned"},
        }
        return self._state("aws:eks/nodeGroup:NodeGroup", "gpu", inputs)

    def _state(
        self,
        type_token: str,
        name: str,
        inputs: dict[str, Any],
        *,
        custom: bool = True,
        outputs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        package = type_token.partition(":")[0]
        is_provider = type_token.startswith("pulumi:providers:")
        state: dict[str, Any] = {
            "urn": f"{self.urn}::{type_token}::{name}",
            "custom": custom,
            "id": f"id-{name}",
            "type": type_token,
            "inputs": inputs,
            "outputs": {"id": f"id-{name}", **inputs, **(outputs or {})},
            "parent": self.top,
            "propertyDependencies": {key: [] for key in inputs},
            "created": "2026-11-24T06:48:47.431588615Z",
            "modified": "2026-11-24T06:48:47.431588615Z",
            "sourcePosition": "project:///__main__.py#22",
            "stackTrace": TRACE,
        }
        if custom and not is_provider:
            version = PROVIDERS[package].replace(".", "_")
            provider = f"{self.urn}::pulumi:providers:{package}::default_{version}"
            state["provider"] = f"{provider}::id-default_{version}"
        return state


def _server(cluster: str) -> str:
    return f"https://{cluster.upper()}0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com"


def _kubeconfig(cluster: str) -> str:
    args = ["eks", "get-token", "--cluster-name", cluster]
    user = {"exec": {"command": "aws", "args": args}}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": cluster,
            "clusters": [{"name": cluster, "cluster": {"server": _server(cluster)}}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "users": [{"name": cluster, "user": user}],
        }
    )


if __name__ == "__main__":
    write_backend(Path(sys.argv[1]), *map(int, sys.argv[2:]))
