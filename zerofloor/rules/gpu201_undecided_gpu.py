"""A GPU whose floor can't be decided."""

from __future__ import annotations

from collections.abc import Iterable

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
            one.settle,
            cost_unknown=True,
            severity=judged.settings.undecided,
        )
    named = {hold.urn for entry in judged.floor.entries for hold in entry.holds} | {
        urn for entry in judged.floor.entries if entry.holds for urn in entry.carried_by
    }
    for entry in judged.floor.entries:
        if entry.verdict == "held" and not entry.holds and entry.urn not in named:
            what = counted(entry.gpus, "GPU") if entry.gpus else "GPUs"
            yield Problem(
                entry.urn,
                f"{what} of {entry.platform} {entry.name} stay, and what holds them was not found.",
                REPORT,
                cost_unknown=True,
            )


REPORT = "Please report this with the document: a held GPU always has a cause."

RULE = Rule(
    id="GPU201",
    name="undecided-gpu",
    title="A GPU whose floor can't be decided",
    why=(
        "A value is unknown until the update, hidden as a secret, impossible, or of a type that no platform here reads, and a GPU depends "
        "on it. What can't be shown to be zero is not passed over: the setting `undecided: warning` makes it a warning."
    ),
    fix=(
        "Make the value known (config instead of an output), or say what it is with a hint "
        "that has a reason."
    ),
    severity="error",
    since="0.1.0",
    scope="stack",
    check=check,
    bad=BAD,
    good=GOOD,
)
