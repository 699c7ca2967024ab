"""A hint that no resource takes."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule

BAD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t3.large, ami: ami-0123456789abcdef0}
settings:
  hints:
    workloads: [{urn: "*::infernce", runs: never, reason: no GPU in it}]
"""

GOOD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t3.large, ami: ami-0123456789abcdef0}
settings:
  hints:
    workloads: [{urn: "*::inference", runs: never, reason: no GPU in it}]
"""


def check(judged: Judged) -> Iterable[Problem]:
    hints = judged.settings.hints
    for workload in hints.workloads:
        if not any(fnmatchcase(urn, workload.urn) for urn in judged.estate.by_urn):
            yield _problem(workload.urn, workload.place, "matches no resource", "URN pattern")
    for instance in hints.instances:
        if not judged.estate.looked_up(instance.instance_type):
            what = "names an instance type that no resource uses"
            yield _problem(instance.instance_type, instance.place, what, "instance type")


def _problem(of: str, place: str, what: str, part: str) -> Problem:
    fix = f"Remove the hint, or correct its {part}."
    return Problem("", f"The hint for {of} {what}.", fix, place=of, source=place)


RULE = Rule(
    id="GPU210",
    name="unused-hint",
    title="Unused hint",
    why="The hint applies to no resource: it is left over, or its URN pattern or instance type is mistyped.",
    fix="Remove the hint, or correct its URN pattern or instance type.",
    severity=Severity.INFO,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
