"""A real preview with the pack against the same preview with an empty pulumi-policy pack and with
none, in turn.

`python -m benchmarks.pack [PAIRS] [RESOURCES…]` from the repository; needs the real engine (`make
engine`). What a resource costs is the slope from the smallest to the largest stack: the start of a
pack is in neither.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring import Row, Spent, run, show, show_head
from tests.engine.real_engine import BIN, Engine, missing, new_engine

RATIO, MILLISECONDS = 1.10, 1.0
"""The most that a preview may take with the pack, as a multiple of one with an empty pack, and what
each resource may take above that."""

PAIRS, SIZES = 5, (8, 1000)
PACK = Path(sys.executable).parent / "zerofloor-pack"
EMPTY = """\
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

nothing = ResourceValidationPolicy("nothing", "Nothing", lambda args, report: None)
PolicyPack("empty", [nothing], EnforcementLevel.MANDATORY)
"""
_ORDERS: Final = (("none", "empty", "ours"), ("none", "ours", "empty"))

Taken = Mapping[str, Sequence[Spent]]
"""Previews with no pack, an empty one and ours."""


def rows(pairs: int = PAIRS, sizes: Sequence[int] = SIZES) -> Iterator[Row]:
    """A row a size and, with several, one for what a resource takes."""
    with tempfile.TemporaryDirectory() as folder:
        engine = new_engine(Path(folder) / "engine")
        empty = Path(folder) / "empty"
        empty.mkdir()
        (empty / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.0.1\n")
        (empty / "__main__.py").write_text(EMPTY)
        taken: dict[int, Taken] = {}
        for size in sizes:
            taken[size] = measure(engine, size, empty, pairs)
            yield _beside_empty(size, taken[size])
    if len(sizes) > 1:
        yield _each(taken, min(sizes), max(sizes))


def _beside_empty(size: int, taken: Taken) -> Row:
    pairs = zip(taken["ours"], taken["empty"], strict=True)
    ratio = statistics.median(ours.wall / empty.wall for ours, empty in pairs)
    told = ", ".join(f"{name} {_median(found, 'wall'):.2f}" for name, found in taken.items())
    return Row(f"preview, {size:,} resources", ratio, "x empty", RATIO, f"seconds: {told}")


def _each(taken: Mapping[int, Taken], small: int, large: int) -> Row:
    """Milliseconds of CPU that our pack takes for a resource above an empty one: by the wall, the
    machine's other work decides."""

    def slope(name: str, field: str) -> float:
        more = _median(taken[large][name], field) - _median(taken[small][name], field)
        return more / (large - small) * 1000

    above = {field: slope("ours", field) - slope("empty", field) for field in ("wall", "cpu")}
    bare = slope("empty", "wall") - slope("none", "wall")
    told = f"{above['wall']:.2f} ms of wall time; an empty pack takes {bare:.2f} ms above none"
    return Row("a resource, above an empty pack", above["cpu"], "ms CPU", MILLISECONDS, told)


def _median(spent: Sequence[Spent], field: str) -> float:
    return statistics.median(getattr(one, field) for one in spent)


def measure(engine: Engine, size: int, empty: Path, pairs: int) -> Taken:
    """Previews of a stack of `size` resources, the packs in turn; the first of each isn't
    counted."""
    project = engine.folder / f"p{size}"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        json.dumps({"name": f"p{size}", "runtime": "yaml", "resources": program(size)})
    )
    if (done := engine.pulumi("stack", "init", "dev", cwd=project)).returncode != 0:
        raise RuntimeError(done.stdout)
    options: dict[str, list[str]] = {
        "none": [],
        "empty": ["--policy-pack", str(empty)],
        "ours": ["--policy-pack", str(PACK)],
    }
    taken: dict[str, list[Spent]] = {name: [] for name in options}
    for number in range(pairs + 1):
        for name in _ORDERS[number % 2]:
            command = [str(BIN / "pulumi"), "preview", *options[name], "--non-interactive"]
            spent = run(command, project, engine.environ)
            if spent.code != 0:
                raise RuntimeError(f"{' '.join(command)} in {project}: exit {spent.code}")
            if number:
                taken[name].append(spent)
    return taken


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


def main(arguments: Sequence[str]) -> int:
    """Prints the rows; exit 2 where the engine is not built."""
    if reason := missing():
        sys.stderr.write(f"{reason}\n")
        return 2
    pairs, *sizes = [int(argument) for argument in arguments] or [PAIRS]
    show_head()
    for row in rows(pairs, sizes or SIZES):
        show(row)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
