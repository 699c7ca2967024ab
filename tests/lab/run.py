"""`python -m tests.lab.run --all | --ci | NAME…`: runs scenarios on real controllers and compares
with what zerofloor said before.

Exit 0: all agree (or are undecided, or turn on what no manifest shows); 1: some don't, or the lab
broke; 2: bad usage.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TypeVar

from tests.lab.comparison import FAILURES, Outcome, Result, compare
from tests.lab.drive import Observation, run_scenario, wait_until_removed
from tests.lab.harness.lab import (
    DEFAULT,
    GATES_ON,
    Clusters,
    Lab,
    LabFailed,
    not_built,
    running_lab,
)
from tests.lab.observer import Observer
from tests.lab.prediction import CheckFailed, Prediction, predict
from tests.lab.record import as_json, record
from tests.lab.scenario import Scenario, named, scenarios

T = TypeVar("T")
R = TypeVar("R")

VENDORS_SIDE_BY_SIDE = 2
"""Labs with a vendor's controller that run at the same time."""
SIDE_BY_SIDE = {"many": 24, "few": 5, "none": 1}
"""How many scenarios run at the same time, by what they bear beside them."""


def main() -> int:
    """The command."""
    arguments = _arguments()
    try:
        chosen = _chosen(arguments)
        predictions = predict(chosen)
        results = run(chosen, predictions, keep=arguments.keep, side_by_side=arguments.side_by_side)
    except LookupError as error:
        _say(str(error))
        return 2
    except (LabFailed, CheckFailed) as error:
        _say(f"The lab broke: {error}")
        return 1
    except KeyboardInterrupt:
        _say("Stopped; nothing is left running.")
        return 1
    if arguments.json:
        Path(arguments.json).write_text(
            json.dumps([as_json(result) for result in results], indent=1) + "\n"
        )
    if arguments.record:
        record(results)
    print(table(results))  # noqa: T201
    return 1 if any(result.outcome in FAILURES for result in results) else 0


def run(
    chosen: Sequence[Scenario],
    predictions: Mapping[str, Prediction],
    *,
    keep: bool = False,
    side_by_side: int = 24,
) -> list[Result]:
    """Runs them, each in the cluster that it names; the clusters run side by side too. Raises
    LabFailed."""
    ended = threading.Event()
    own = [scenario for scenario in chosen if not scenario.header.needs]
    groups = [
        (clusters, here)
        for clusters, names in ((DEFAULT, ("default", "webhook-down")), (GATES_ON, ("gates-on",)))
        if (here := [scenario for scenario in own if scenario.header.cluster in names])
    ]
    results = _all_or_none(
        lambda group: _run_in(*group, predictions, ended, keep, side_by_side),
        groups,
        len(groups),
        ended,
    )
    results += _all_or_none(
        lambda group: _run_with_vendors(*group, predictions, ended, keep, side_by_side),
        _by_vendor(chosen),
        VENDORS_SIDE_BY_SIDE,
        ended,
    )
    return sorted(
        (result for some in results for result in some),
        key=lambda result: result.scenario.header.id,
    )


def _by_vendor(chosen: Sequence[Scenario]) -> list[tuple[Clusters, list[Scenario]]]:
    """A lab for each vendor, with what its scenarios need beside it."""
    groups: dict[str, list[Scenario]] = {}
    for scenario in chosen:
        if scenario.header.needs:
            groups.setdefault(scenario.header.needs[0], []).append(scenario)
    return [
        (
            Clusters(vendors=tuple(sorted({name for one in here for name in one.header.needs}))),
            here,
        )
        for here in groups.values()
    ]


def _run_with_vendors(
    clusters: Clusters,
    chosen: Sequence[Scenario],
    predictions: Mapping[str, Prediction],
    ended: threading.Event,
    keep: bool,
    side_by_side: int,
) -> list[Result]:
    """What a vendor's controller breaks is its own scenarios alone."""
    try:
        return _run_in(clusters, chosen, predictions, ended, keep, side_by_side)
    except (LabFailed, OSError) as error:  # Nobody answers: the machine or a program is at its end.
        _say(f"The lab with {', '.join(clusters.vendors)} broke: {error}")
        nothing = Observation(False, 0, 0, 0, 0, 0)
        return [
            Result(one, predictions[one.header.id], nothing, "broke", str(error).splitlines()[0])
            for one in chosen
        ]


def _run_in(
    clusters: Clusters,
    chosen: Sequence[Scenario],
    predictions: Mapping[str, Prediction],
    ended: threading.Event,
    keep: bool,
    side_by_side: int,
) -> list[Result]:
    start = time.monotonic()
    ended = _Within(ended)
    with running_lab(clusters, keep=keep) as lab:
        beside = f" with {', '.join(clusters.vendors)}" if clusters.vendors else ""
        _say(
            f"the control plane{beside} is healthy after {time.monotonic() - start:.0f} "
            f"s{f', logs in {lab.folder}' if keep else ''}"
        )
        observer = Observer(lab, ended)

        def batch(scenarios: Sequence[Scenario], most: int) -> list[Result]:
            # The longest first, so that the last ones don't wait for it.
            order = sorted(scenarios, key=lambda scenario: -scenario.header.settle_within)
            return _all_or_none(
                lambda scenario: _one(lab, observer, scenario, predictions[scenario.header.id]),
                order,
                most,
                ended,
            )

        results = []
        for beside, most in SIDE_BY_SIDE.items():
            here = [
                s
                for s in chosen
                if s.header.beside == beside and s.header.cluster != "webhook-down"
            ]
            results += batch(here, min(most, side_by_side))
        results = [_again_alone(lab, observer, result) for result in results]
        if without_webhook := [s for s in chosen if s.header.cluster == "webhook-down"]:
            lab.stop("keda-webhooks")
            results += [
                _again_alone(lab, observer, result)
                for result in batch(without_webhook, side_by_side)
            ]
        return results


class _Within(threading.Event):
    """The end of one lab: when it is set, or when the whole run's is."""

    def __init__(self, whole: threading.Event) -> None:
        super().__init__()
        self._whole = whole

    def is_set(self) -> bool:
        return super().is_set() or self._whole.is_set()


def _all_or_none(
    action: Callable[[T], R], items: Sequence[T], most: int, ended: threading.Event
) -> list[R]:
    """The action on each item, at most so many at a time; when one breaks, or Ctrl-C comes, all
    end."""
    pool = ThreadPoolExecutor(max(most, 1))
    futures = [pool.submit(action, item) for item in items]
    try:
        for future in as_completed(futures):
            future.result()
        return [future.result() for future in futures]
    except BaseException:
        ended.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _one(lab: Lab, observer: Observer, scenario: Scenario, prediction: Prediction) -> Result:
    result = compare(scenario, prediction, run_scenario(lab, observer, scenario))
    _say(line(result))
    return result


def _again_alone(lab: Lab, observer: Observer, result: Result) -> Result:
    """What did not settle, or did otherwise than its file says, has one more chance with nothing
    beside it."""
    if result.outcome not in ("unsettled", "unexpected"):
        return result
    _say(f"again, alone: {result.scenario.header.id}")
    wait_until_removed(lab, observer, result.scenario)
    again = _one(lab, observer, result.scenario, result.prediction)
    return replace(
        again, detail=f"{again.detail} (run again alone; at first {result.outcome})".strip()
    )


def line(result: Result) -> str:
    """One result in a line."""
    seen = result.observation
    said = result.prediction.verdict + (
        "" if result.prediction.gpus is None else f" {result.prediction.gpus:g}"
    )
    text = (
        f"{result.outcome:10} {result.scenario.header.id}: predicted {said}, seen {seen.gpus} "
        f"GPUs on {seen.nodes} nodes"
    )
    return f"{text} in {seen.seconds:.0f} s" + (f" ({result.detail})" if result.detail else "")


def table(results: Iterable[Result]) -> str:
    """How many agreed, by the way of holding; then what did not."""
    results = list(results)
    columns: tuple[Outcome, ...] = (
        "agreed",
        "undecided",
        "beyond",
        "differed",
        "unexpected",
        "unsettled",
        "broke",
    )
    rows = [
        f"{'way of holding':28}{'scenarios':>10}" + "".join(f"{column:>12}" for column in columns)
    ]
    ways = sorted({result.scenario.header.way for result in results})
    for way in [*ways, ""]:
        counted = Counter(
            result.outcome for result in results if not way or result.scenario.header.way == way
        )
        rows.append(
            f"{way or 'all':28}{sum(counted.values()):>10}"
            + "".join(f"{counted[column] or '':>12}" for column in columns)
        )
    return "\n".join([*rows, *(line(result) for result in results if result.outcome in FAILURES)])


def _chosen(arguments: argparse.Namespace) -> Sequence[Scenario]:
    if arguments.names:
        return named(arguments.names)
    chosen = [scenario for scenario in scenarios() if arguments.all or scenario.header.ci]
    for name in sorted({name for scenario in chosen for name in scenario.header.needs}):
        if reason := not_built([name]):
            skipped = [scenario for scenario in chosen if name in scenario.header.needs]
            _say(f"{len(skipped)} scenarios are skipped: {reason}")
            chosen = [scenario for scenario in chosen if scenario not in skipped]
    return chosen


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.run", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--all", action="store_true", help="every scenario, about an hour")
    what.add_argument("--ci", action="store_true", help="every way of holding, ten minutes")
    what.add_argument("names", nargs="*", default=[], help="ids, or how they start (S11)")
    parser.add_argument("--json", metavar="FILE", help="write the results here")
    parser.add_argument(
        "--record",
        action="store_true",
        help="put the results where docs/evidence/how-do-we-know.md is made from",
    )
    parser.add_argument("--keep", action="store_true", help="keep the programs' logs")
    parser.add_argument(
        "--side-by-side", type=int, default=24, metavar="N", help="at most so many at the same time"
    )
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # A plain kill ends it as cleanly as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
