"""A waiver that nothing needs."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.gate.waivers import concerns, expiry, is_everything, named
from zerofloor.report import Severity
from zerofloor.rules.likeness import did_you_mean_urn
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.settings import Waiver

BAD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t3.large, ami: ami-0123456789abcdef0}
settings:
  waivers:
    - {rule: always-on-instance-holds-gpu, urn: "*", reason: demo for a customer, owner: ml-team, expires: 2126-01-31, maxMonthlyUsd: 1000}
"""

GOOD = """\
resources:
  - type: aws:ec2/instance:Instance
    name: inference
    inputs: {instanceType: t3.large, ami: ami-0123456789abcdef0}
"""


def check(judged: Judged) -> Iterable[Problem]:
    for waiver in judged.settings.waivers:
        if not any(concerns(waiver, finding) for finding in judged.findings):
            yield Problem(
                "",
                f"The waiver of {waiver.owner} for {named(waiver)} matches no finding{_and_expired(waiver, judged)}.",
                f"Remove the waiver, or correct its rule or URN{_like(waiver, judged)}.",
                place=named(waiver),
                source=waiver.place,
            )
        elif waiver.rule == "*" and waiver.urn is not None and is_everything(waiver.urn):
            yield Problem(
                "",
                f"The waiver of {waiver.owner} permits every rule on every resource.",
                "Name the rule and the resource that the waiver is for.",
                place=named(waiver),
                source=waiver.place,
                severity=Severity.WARNING,
            )


def _like(waiver: Waiver, judged: Judged) -> str:
    names = (resource.name for resource in judged.estate.by_urn.values())
    return "" if waiver.urn is None else did_you_mean_urn(waiver.urn, names)


def _and_expired(waiver: Waiver, judged: Judged) -> str:
    return f" and {expiry(waiver, judged.today)}" if judged.today > waiver.expires else ""


RULE = Rule(
    id="GPU206",
    name="unused-waiver",
    title="Unused waiver",
    why=("The waiver matches no finding: it is left over, or its rule or URN is mistyped."),
    fix="Remove the waiver, or correct its rule or URN.",
    severity=Severity.INFO,
    since="0.1.0",
    scope="gate",
    check=check,
    bad=BAD,
    good=GOOD,
)
