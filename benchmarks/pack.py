"""A real preview with the pack against the same preview with an empty pulumi-policy pack, in
alternating pairs.

`python -m benchmarks.pack [PAIRS] [RESOURCES…]` from the repository. Needs the real engine (`make
engine`). Prints medians, their ratio
(budget: 1.10), and what the pack adds for each resource (budget: 1 ms) from the difference between
the largest and the smallest stack.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.engine.real_engine import Engine, missing, new_engine

RATIO, MILLISECONDS = 1.10, 1.0
PACK = Path(sys.executable).parent / "zerofloor-pack"
EMPTY = """\
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

nothing = ResourceValidationPolicy("nothing", "Nothing", lambda args, report: None)
PolicyPack("empty", [nothing], EnforcementLevel.MANDATORY)
"""


def main(arguments: list[str]) -> int:
    pairs, *sizes = [int(argument) for argument in arguments] or [5, 8, 1000]
    if reason := missing():
        sys.stderr.write(f"{reason}\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        engine = new_engine(Path(folder) / "engine")
        empty = Path(folder) / "empty"
        empty.mkdir()
        (empty / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
        (empty / "__main__.py").write_text(EMPTY)
        added = {size: measure(engine, size, empty, pairs) for size in sizes}
    if len(sizes) > 1:
        small, large = min(sizes), max(sizes)
        each = (added[large] - added[small]) / (large - small) * 1000
        sys.stdout.write(
            f"each resource: {each:.2f} ms more than without a pack (budget {MILLISECONDS:g} ms)\n"
        )
    return 0


def measure(engine: Engine, size: int, empty: Path, pairs: int) -> float:
    """Prints the medians for a stack of `size` resources; returns the seconds that our pack adds to
    a preview without any."""
    project = engine.folder / f"p{size}"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        json.dumps({"name": f"p{size}", "runtime": "yaml", "resources": program(size)})
    )
    if (done := engine.pulumi("stack", "init", "dev", cwd=project)).returncode != 0:
        raise RuntimeError(done.stdout)
    taken: dict[str, list[float]] = {"none": [], "empty": [], "ours": []}
    options: dict[str, list[str]] = {
        "none": [],
        "empty": ["--policy-pack", str(empty)],
        "ours": ["--policy-pack", str(PACK)],
    }
    for number in range(pairs + 1):
        # Turn and turn about, so that a busy machine is busy for both; the first round warms the
        # caches.
        for name in ("none", "empty", "ours") if number % 2 else ("none", "ours", "empty"):
            start = time.perf_counter()
            done = engine.pulumi("preview", *options[name], cwd=project)
            seconds = time.perf_counter() - start
            if done.returncode != 0:
                raise RuntimeError(done.stdout)
            if number:
                taken[name].append(seconds)
    medians = {name: statistics.median(found) for name, found in taken.items()}
    ratio = statistics.median(
        ours / other for ours, other in zip(taken["ours"], taken["empty"], strict=True)
    )
    shown = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in medians.items())
    sys.stdout.write(
        f"{size} resources, {pairs} pairs: {shown}; ours / empty {ratio:.2f} (budget {RATIO:.2f})\n"
    )
    return medians["ours"] - medians["none"]


def program(size: int) -> dict[str, Any]:
    """Instances, deployments and scale-to-zero GPU groups, as a stack has them; nothing that the
    pack would stop."""
    resources: dict[str, Any] = {}
    for index in range(size):
        name = f"r{index}"
        if index % 10 == 0:
            scaling = {"minSize": 0, "maxSize": 4, "desiredSize": 0}
            properties: Any = {
                "clusterName": "c",
                "nodeRoleArn": "r",
                "subnetIds": ["s"],
                "instanceTypes": ["g5.xlarge"],
                "scalingConfig": scaling,
            }
            resources[name] = {"type": "aws:eks/nodeGroup:NodeGroup", "properties": properties}
        elif index % 2:
            resources[name] = {
                "type": "aws:ec2/instance:Instance",
                "properties": {"ami": "ami-1", "instanceType": "t3.medium", "tags": {"n": name}},
            }
        else:
            container = {
                "name": "web",
                "image": "nginx",
                "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
            }
            template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
            spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
            resources[name] = {
                "type": "kubernetes:apps/v1:Deployment",
                "properties": {"metadata": {"name": name}, "spec": spec},
            }
    return resources


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
