"""A waiver matches a finding and doesn't permit it."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.gate.waivers import concerns, named, refusal
from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.words import short

BAD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: g5.xlarge, ami: ami-0123456789abcdef0, availabilityZone: us-east-1a}
settings:
  waivers:
    - {rule: always-on-instance-holds-gpu, urn: "*", reason: demo for a customer, owner: ml-team, expires: 2026-01-31, maxMonthlyUsd: 1000}
"""

GOOD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: g5.xlarge, ami: ami-0123456789abcdef0, availabilityZone: us-east-1a}
settings:
  waivers:
    - {rule: always-on-instance-holds-gpu, urn: "*", reason: demo for a customer, owner: ml-team, expires: 2126-01-31, maxMonthlyUsd: 1000}
"""


def check(judged: Judged) -> Iterable[Problem]:
    for finding in judged.findings:
        matching = [waiver for waiver in judged.settings.waivers if concerns(waiver, finding)]
        refusals = [(waiver, refusal(waiver, finding, judged.today)) for waiver in matching]
        if all(why is not None for _, why in refusals):
            for waiver, why in refusals:
                where = f" on {short(finding.urn)}" if finding.urn else ""
                yield Problem(
                    finding.urn,
                    f"The waiver of {waiver.owner} for {finding.name}{where} {why}.",
                    RULE.fix,
                    place=f"{finding.rule} {named(waiver)}",
                    source=waiver.place,
                )


RULE = Rule(
    id="GPU205",
    name="waiver-not-in-force",
    title="Waiver is no longer valid",
    why=(
        "A waiver ends on its last day and at its cap; what it permitted then blocks again. An unknown cost can't be "
        "shown to be below the cap: only a waiver that names undecided-gpu or unpriced-gpu, not `*`, permits it."
    ),
    fix="Fix the finding, or have its owner renew the waiver in the settings with a new date or cap.",
    severity=Severity.WARNING,
    since="0.1.0",
    scope="gate",
    check=check,
    bad=BAD,
    good=GOOD,
)
