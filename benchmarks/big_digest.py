"""A digest as large stacks have it, written as the engine writes it: indented, with outputs and a
stack trace for each resource.

`python benchmarks/big_digest.py [RESOURCES]` writes it to standard output; 10,000 resources are
about 34 MB.
"""

from __future__ import annotations

import json
import sys
from typing import Any

STACK = "urn:pulumi:dev::big"
ROOT = f"{STACK}::pulumi:pulumi:Stack::big-dev"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
TRACE = [
    {"sourcePosition": f"project:///.venv/lib/python3.11/{path}"}
    for path in (
        "site-packages/pulumi/runtime/resource.py#1093",
        "site-packages/pulumi/resource.py#1174",
        "site-packages/pulumi_aws/eks/node_group.py#1221",
        "asyncio/events.py#80",
        "asyncio/base_events.py#1922",
        "asyncio/base_events.py#640",
    )
] + [{"sourcePosition": "project:///pulumi-language-python-exec#232"}]


def big_digest(resources: int = 10_000) -> bytes:
    """A first preview of that many resources: GPU and CPU node groups, deployments, and what
    surrounds them, none of it idle."""
    steps = [_step(ROOT, "pulumi:pulumi:Stack", None, {}, custom=False)]
    for index in range(resources - 1):
        steps.append(_MAKERS[index % len(_MAKERS)](index))
    digest = {
        "config": {"aws:region": "us-west-2"},
        "steps": steps,
        "duration": 1668092699,
        "changeSummary": {"create": resources},
    }
    return json.dumps(digest, indent=4).encode()


def _node_group(index: int) -> dict[str, Any]:
    gpu = index % 10 == 0
    return _step(
        _urn("aws:eks/nodeGroup:NodeGroup", f"group-{index}"),
        "aws:eks/nodeGroup:NodeGroup",
        ROOT,
        {
            "capacityType": "ON_DEMAND",
            "clusterName": "serving",
            "instanceTypes": ["g6e.xlarge" if gpu else "m7i.xlarge"],
            "nodeRoleArn": "arn:aws:iam::123456789012:role/node",
            "scalingConfig": {"desiredSize": 0, "maxSize": 4, "minSize": 0},
            "subnetIds": [UNKNOWN, UNKNOWN],
            "tags": {
                "team": "serving",
                "index": str(index),
                "kubernetes.io/cluster/serving": "owned",
            },
        },
        links={"subnetIds": [_urn("aws:ec2/subnet:Subnet", f"subnet-{index}")]},
    )


def _deployment(index: int) -> dict[str, Any]:
    name = f"model-{index}"
    return _step(
        _urn("kubernetes:apps/v1:Deployment", name),
        "kubernetes:apps/v1:Deployment",
        ROOT,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "serving", "labels": {"app": name}},
            "spec": {
                "replicas": 0 if index % 4 == 1 else 2,
                "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {
                        "containers": [
                            {
                                "name": "server",
                                "image": "nginx:1.27",
                                "resources": {"limits": {"cpu": "2", "memory": "4Gi"}},
                            }
                        ]
                    },
                },
            },
        },
    )


def _subnet(index: int) -> dict[str, Any]:
    return _step(
        _urn("aws:ec2/subnet:Subnet", f"subnet-{index}"),
        "aws:ec2/subnet:Subnet",
        ROOT,
        {
            "vpcId": UNKNOWN,
            "cidrBlock": f"10.{index // 256 % 256}.{index % 256}.0/24",
            "availabilityZone": "us-west-2a",
            "tags": {"Name": f"s{index}"},
        },
    )


def _secret(index: int) -> dict[str, Any]:
    return _step(
        _urn("kubernetes:core/v1:Secret", f"token-{index}"),
        "kubernetes:core/v1:Secret",
        ROOT,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"token-{index}"},
            "stringData": "[secret]",
        },
    )


_MAKERS = (_node_group, _deployment, _subnet, _secret)


def _urn(type_token: str, name: str) -> str:
    return f"{STACK}::{type_token}::{name}"


def _step(
    urn: str,
    type_token: str,
    parent: str | None,
    inputs: dict[str, Any],
    *,
    custom: bool = True,
    links: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    provider = (
        f"{STACK}::pulumi:providers:{type_token.partition(':')[0]}::default::{UNKNOWN}"
        if custom
        else None
    )
    state = {
        "urn": urn,
        "custom": custom,
        "type": type_token,
        "inputs": inputs,
        "outputs": inputs,
        "parent": parent,
        "provider": provider,
        "propertyDependencies": {key: (links or {}).get(key, []) for key in inputs},
        "sourcePosition": "project:///__main__.py#22",
        "stackTrace": TRACE,
    }
    step = {
        "op": "create",
        "urn": urn,
        "provider": provider,
        "newState": state,
        "detailedDiff": None,
    }
    return {key: value for key, value in step.items() if key == "detailedDiff" or value is not None}


if __name__ == "__main__":
    sys.stdout.buffer.write(big_digest(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
