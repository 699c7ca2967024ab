"""Shapes of input that grow badly where an analysis is careless: `python -m benchmarks.shapes`.

Each row is a whole `zerofloor check` in a process of its own: CPU seconds (user and system) and
peak memory, with the growth against the same shape at a smaller size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measuring import ZEROFLOOR, Row, run, show, show_head

FOLDER = Path(".work/shapes")
ASKED: Mapping[str, tuple[float | None, float | None]] = {
    "distinct pods": (3.0, None),
    "types of a NodePool": (1.0, None),
    "stacks joined": (2.0, None),
    "GPU instances": (None, 300),
}
"""CPU seconds and MiB that the largest of each shape may take."""


def _pool(name: str, types: list[str]) -> dict[str, Any]:
    requirement = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {
            "template": {"spec": {"requirements": [requirement]}},
            "disruption": {"consolidateAfter": "1m"},
            "limits": {"nvidia.com/gpu": 100_000, "cpu": 10_000_000},
        },
    }


def _deployment(index: int, cpu: str, memory: str) -> dict[str, Any]:
    resources = {
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"nvidia.com/gpu": 1},
    }
    container = {"name": "server", "image": "vllm", "resources": resources}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"llm-{index}"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
    }


def distinct_pods(number: int) -> list[Path]:
    """Deployments of one GPU pod, each with its own CPU and memory, on three NodePools."""
    pools = [
        _pool("one", ["g6e.xlarge", "g6e.2xlarge"]),
        _pool("four", ["g6e.12xlarge", "g5.12xlarge"]),
        _pool("eight", ["p4d.24xlarge", "p5.48xlarge"]),
    ]
    pods = [_deployment(i, f"{500 + i}m", f"{1024 + i}Mi") for i in range(number)]
    return [_manifests(f"pods_{number}", [*pools, *pods])]


def pool_types(number: int) -> list[Path]:
    """A NodePool that allows many instance types, under one Deployment."""
    families = ["g4dn", "g5", "g6", "g6e", "p4d", "m5", "m6i", "c5", "r5", "r6i"]
    each = number // len(families)
    types = [f"{family}.{size}xlarge" for size in range(1, each + 1) for family in families]
    return [_manifests(f"types_{number}", [_pool("gpu", types), _deployment(0, "1", "1Gi")])]


def stacks_joined(number: int) -> list[Path]:
    """Stacks of ten resources each, five of them held, judged as one estate."""
    return [
        _manifests(f"joined_{number}_{stack}", list(_small_stack(stack))) for stack in range(number)
    ]


def _small_stack(stack: int) -> Iterator[dict[str, Any]]:
    for index in range(5):
        yield {**_deployment(index, "1", "1Gi"), "metadata": {"name": f"s{stack}-{index}"}}
        metadata = {"name": f"s{stack}-{index}"}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def instances(number: int) -> list[Path]:
    """EC2 instances with a GPU, as a digest of the engine."""
    stack = "urn:pulumi:dev::big"
    root = f"{stack}::pulumi:pulumi:Stack::big-dev"
    token = "aws:ec2/instance:Instance"
    inputs = {"instanceType": "g6e.xlarge", "ami": "ami-0", "tags": {"team": "a"}}
    steps: list[dict[str, Any]] = [_step(root, "pulumi:pulumi:Stack", "", {})]
    steps += [_step(f"{stack}::{token}::vm-{i}", token, root, inputs) for i in range(number)]
    config = {"aws:region": "us-east-1"}
    digest = {"config": config, "steps": steps, "changeSummary": {"create": number + 1}}
    path = FOLDER / f"instances_{number}.json"
    path.write_text(json.dumps(digest))
    return [path]


def _step(urn: str, token: str, parent: str, inputs: dict[str, Any]) -> dict[str, Any]:
    state = {"urn": urn, "custom": bool(parent), "type": token, "inputs": inputs, "parent": parent}
    return {"op": "create", "urn": urn, "newState": state, "detailedDiff": None}


def _manifests(name: str, objects: list[dict[str, Any]]) -> Path:
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return path


ROWS: tuple[tuple[str, Callable[[int], list[Path]], tuple[int, ...], tuple[str, ...]], ...] = (
    ("distinct pods", distinct_pods, (500, 1000, 2500, 5000), ()),
    ("types of a NodePool", pool_types, (1000, 2500, 5000), ()),
    ("stacks joined", stacks_joined, (125, 250, 500), ("--join",)),
    ("GPU instances", instances, (5000, 10_000, 20_000), ()),
)


def rows() -> Iterator[Row]:
    """CPU of each shape and size, and the memory of the largest."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make, numbers, options in ROWS:
        before: tuple[int, float] | None = None
        for number in numbers:
            files = [str(path) for path in make(number)]
            spent = run([ZEROFLOOR, "check", *options, "--max-size", "512", *files])
            growth = ""
            if before is not None:
                more, longer = number / before[0], spent.cpu / before[1]
                growth = f"{longer:.1f} x the time for {more:.1f} x the size"
            before = number, spent.cpu
            largest = number == numbers[-1]
            seconds, mib = ASKED[name] if largest else (None, None)
            yield Row(f"{name}, {number:,}", spent.cpu, "s", seconds, growth)
            if largest:
                yield Row("", spent.peak, "MiB", mib)


def main() -> None:
    """Print the rows."""
    show_head()
    for row in rows():
        show(row)


if __name__ == "__main__":
    main()
