"""A lease has run out, or can't be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from zerofloor.report import Severity
from zerofloor.rules.leased import carried_leases, lease_problem
from zerofloor.rules.rule import Judged, Problem, Rule

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: trial
  annotations: {zerofloor/expires-at: "2026-06-30"}
spec:
  replicas: 0
  selector: {matchLabels: {app: trial}}
  template:
    metadata: {labels: {app: trial}}
    spec:
      containers:
        - {name: server, image: vllm/vllm-openai:v0.11.0, resources: {limits: {nvidia.com/gpu: "1"}}}
"""

GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: trial
  annotations: {zerofloor/expires-at: "2126-06-30"}
spec:
  replicas: 0
  selector: {matchLabels: {app: trial}}
  template:
    metadata: {labels: {app: trial}}
    spec:
      containers:
        - {name: server, image: vllm/vllm-openai:v0.11.0, resources: {limits: {nvidia.com/gpu: "1"}}}
"""


def check(judged: Judged) -> Iterable[Problem]:
    for carried in carried_leases(judged):
        _, lease, _ = carried
        if lease.last_day is None:
            problem = lease_problem(carried, f"can't be read because {lease.why}", lease.fix)
            yield replace(problem, severity=Severity(judged.settings.undecided))
        elif lease.last_day < judged.today:
            yield lease_problem(
                carried, f"expired at {lease.ends:%Y-%m-%d %H:%M} UTC", LATER.format(lease.path)
            )


LATER = "Remove the resource from the program, or set a later date in {}."

RULE = Rule(
    id="GPU208",
    name="lease-expired",
    title="Lease has expired",
    why=(
        "An experiment was to end by the date in its annotation, label or tag `zerofloor/expires-at` (`zerofloor-expires-at` if no slash "
        "is allowed). It holds at any scale, since what is at zero can be woken. A lease that can't be read may have expired; the setting "
        "`undecided: warning` makes that a warning."
    ),
    fix="Remove the resource from the program, or set a later date in the annotation or tag.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
