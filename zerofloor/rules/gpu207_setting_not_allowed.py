"""The repository's settings go beyond what the organisation allows."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule

BAD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t3.large, ami: ami-0123456789abcdef0}
settings:
  rules: {always-on-instance-holds-gpu: off}
policy:
  undecided: error
"""

GOOD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t3.large, ami: ami-0123456789abcdef0}
settings:
  rules: {long-idle-tail: error}
policy:
  undecided: error
"""


def check(judged: Judged) -> Iterable[Problem]:
    in_force = judged.settings.in_force
    for one in in_force.refused:
        yield Problem(
            "",
            f"{one.place} is ignored ({one.what}) because {one.why}.",
            RULE.fix,
            place=one.what,
            source=one.place,
        )
    if in_force.inline_waivers:
        return
    for finding in judged.findings:
        if finding.carries:
            yield Problem(
                finding.urn,
                "The tag zerofloor-waive is ignored because the organisation doesn't allow it.",
                "Remove the tag, or ask the organisation for a waiver.",
                place=finding.rule,
            )


RULE = Rule(
    id="GPU207",
    name="setting-not-allowed",
    title="Repository setting isn't allowed",
    why=(
        "The organisation's settings (`--policy`, or the pack's configuration) are a floor. A repository may raise severities and lower "
        "limits; hints, waivers, trust and prices need `allow` there. Anything else is ignored and reported."
    ),
    fix="Remove the setting, or have the organisation allow it.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="gate",
    check=check,
    bad=BAD,
    good=GOOD,
)
