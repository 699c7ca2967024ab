"""A GPU whose floor can't be decided."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.floor.result import Verdict
from zerofloor.floor.settling import how_to_settle
from zerofloor.report import Severity
from zerofloor.rules.rule import Judged, Problem, Rule
from zerofloor.words import counted, open_point

BAD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: -1, desiredSize: 0, maxSize: 2}
"""

GOOD = """\
resources:
  - type: aws:eks/nodeGroup:NodeGroup
    name: gpu
    inputs:
      clusterName: main
      instanceTypes: [g5.xlarge]
      scalingConfig: {minSize: 0, desiredSize: 0, maxSize: 2}
"""


def check(judged: Judged) -> Iterable[Problem]:
    for one in judged.floor.undecided:
        yield Problem(
            one.urn,
            open_point(one),
            how_to_settle(one, judged.estate.by_urn.get(one.urn)),
            cost_unknown=True,
            severity=Severity(judged.settings.undecided),
            place=one.path,
        )
    named = {hold.urn for entry in judged.floor.entries for hold in entry.holds} | {
        urn for entry in judged.floor.entries if entry.holds for urn in entry.carried_by
    }
    for entry in judged.floor.entries:
        if entry.verdict is Verdict.HELD and not entry.holds and entry.urn not in named:
            what = counted(entry.gpus, "GPU") if entry.gpus else "GPUs"
            yield Problem(
                entry.urn,
                f"{what} of {entry.platform} {entry.name} keep running, and zerofloor did not find the cause.",
                REPORT,
                cost_unknown=True,
            )


REPORT = "Please report this with the document: a held GPU always has a cause."

RULE = Rule(
    id="GPU201",
    name="undecided-gpu",
    title="Idle GPUs can't be ruled out",
    why=(
        "A GPU depends on a value that is unknown until deployment, secret, or invalid, or on a resource type that zerofloor doesn't read. "
        "What can't be shown to scale to zero blocks; the setting `undecided: warning` makes it a warning."
    ),
    fix=(
        "Use a value known at preview (for example plain stack configuration), or add a hint "
        "(hints.workloads, hints.instances) with a reason."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
