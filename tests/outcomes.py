"""What comes out of the labelled cases and of the scenarios of the real controllers, beside what
they say themselves."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from tests.cases import Case, cases, stack_of, truth_manifests, truths
from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.settings import Settings
from zerofloor.stack import Stack

TODAY = datetime.date(2026, 11, 24)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One line of docs/evidence/cases.md."""

    name: str
    cloud: str
    expected: str
    """`zero`, `held 8`, `held` (the count is not given), `undecided`; empty where nothing is
    expected."""
    found: str
    why: str
    """What the case itself says."""
    ambiguous: str = ""

    @property
    def agrees(self) -> bool:
        """A count that is not given may be any."""
        return (
            not self.expected
            or self.found == self.expected
            or (self.expected == "held" and self.found.startswith("held"))
        )


def of_cases() -> Iterator[Outcome]:
    """Every labelled case."""
    for name, case in cases().items():
        label = case["label"]
        ambiguous = str(label.get("ambiguity") or "see the label") if label.get("ambiguous") else ""
        yield Outcome(
            name, case["cloud"], _labelled(label), _found(stack_of(case)), label["why"], ambiguous
        )


def of_truths() -> Iterator[Outcome]:
    """Every scenario; what is not static expects nothing."""
    for name, truth in truths().items():
        expected = ""
        if truth["static"]:
            expected = _words(truth["expect"]["verdict"], truth["expect"]["gpus"])
        try:
            found = _found(read(f"{name}.yaml", truth_manifests(truth), input_format="manifests"))
        except InputError as error:
            found = f"refused: {error}"
        settled = truth["settled"]["gpus"]
        yield Outcome(name, "kubernetes", expected, found, f"seen: {settled} GPUs. {truth['why']}")


def report_on(stack: Stack) -> Report:
    """The report with every setting at its default."""
    return judge((stack,), open_book(), Settings(), TODAY)


def _found(stack: Stack) -> str:
    floor = report_on(stack).floor
    return _words(floor.verdict, floor.gpus)


def _labelled(label: Case) -> str:
    verdict = (
        label.get("verdict")
        or {True: "held", False: "zero", None: "undecided"}[label["idle_gpu_billing"]]
    )
    return _words(verdict, label["idle_floor_gpus"])


def _words(verdict: str, gpus: object) -> str:
    return f"{verdict} {gpus:g}" if verdict == "held" and gpus is not None else verdict
