"""A hint that no resource takes."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from zerofloor.report import Severity
from zerofloor.rules.likeness import did_you_mean_urn
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.settings import InstanceHint, WorkloadHint

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
            names = (resource.name for resource in judged.estate.by_urn.values())
            part = f"URN pattern{did_you_mean_urn(workload.urn, names)}"
            yield from _problem(judged, workload, workload.urn, "matches no resource", part)
    for instance in hints.instances:
        if not judged.estate.looked_up(instance.instance_type):
            what = "names an instance type that no resource uses"
            yield from _problem(judged, instance, instance.instance_type, what, "instance type")


def _problem(
    judged: Judged, hint: InstanceHint | WorkloadHint, of: str, what: str, part: str
) -> Iterable[Problem]:
    if not _is_for_many(judged, hint):
        fix = f"Remove the hint, or correct its {part}."
        yield Problem("", f"The hint for {of} {what}.", fix, place=of, source=hint.place)


def _is_for_many(judged: Judged, hint: InstanceHint | WorkloadHint) -> bool:
    """Whether a hint is the organisation's: that may be meant for another repository's stacks."""
    sources = judged.settings.in_force.sources
    own = [source.file for source in sources if source.owner == "repository"]
    has_policy = any(source.owner == "organisation" for source in sources)
    return has_policy and not any(hint.place.startswith(f"{file}:") for file in own)


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
