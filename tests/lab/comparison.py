"""Prediction against observation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.lab.drive import Observation
from tests.lab.prediction import Prediction
from tests.lab.scenario import Expected, Header, Observed, Scenario

Outcome = Literal["agreed", "undecided", "beyond", "differed", "unexpected", "unsettled", "broke"]


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario's line in the table."""

    scenario: Scenario
    prediction: Prediction
    observation: Observation
    outcome: Outcome
    detail: str = ""


FAILURES = frozenset({"differed", "unexpected", "unsettled", "broke"})
"""Outcomes that fail the run."""


def compare(scenario: Scenario, prediction: Prediction, observation: Observation) -> Result:
    """agreed; undecided (the manifests don't decide it, and zerofloor says so); beyond (they don't,
    and what was done to the cluster made
    it otherwise than they say); differed; unexpected (the controllers did not do what the file
    says); unsettled. (broke: the vendor's controller that it needs did not run.)"""
    header = scenario.header
    outcome: Outcome
    if not observation.settled:
        outcome, detail = (
            "unsettled",
            f"still changing {header.settle_within:.0f} s after the last step",
        )
    elif observation.problem or not _as_seen_before(header.observe, observation):
        outcome, detail = (
            "unexpected",
            observation.problem or f"the file says {header.observe.model_dump(exclude_unset=True)}",
        )
    elif header.expect and (prediction.verdict, prediction.gpus) != _as_predicted(
        header.expect, prediction
    ):
        outcome, detail = (
            "differed",
            (
                f"expected {header.expect.verdict} {header.expect.gpus}, predicted because: "
                f"{prediction.because}"
            ),
        )
    elif prediction.verdict == "undecided":
        outcome, detail = "undecided", header.not_static_because
    elif _agree(prediction, observation, header):
        outcome, detail = "agreed", ""
    elif header.static:
        outcome, detail = "differed", f"predicted because: {prediction.because}"
    else:
        outcome, detail = "beyond", header.not_static_because
    return Result(scenario, prediction, observation, outcome, detail)


def _as_seen_before(observe: Observed, observation: Observation) -> bool:
    if observe.at_least is not None:
        return observation.gpus >= observe.at_least
    return (observe.gpus, observe.nodes) == (observation.gpus, observation.nodes)


def _as_predicted(expect: Expected, prediction: Prediction) -> tuple[str, float | None]:
    return expect.verdict, prediction.gpus if expect.gpus is None else expect.gpus


def _agree(prediction: Prediction, observation: Observation, header: Header) -> bool:
    if prediction.verdict == "zero":
        return observation.gpus == 0
    certain = prediction.gpus or 0
    # Where a peak decides, the number is what is certainly held, and more may be. What never
    # settles is seen at its most: a node that
    # is replaced every minute stands beside its successor for a while (L55).
    peak_decides = (
        header.expect is not None and header.expect.gpus is None
    ) or header.observe.at_least is not None
    return observation.gpus >= max(certain, 1) if peak_decides else observation.gpus == certain
