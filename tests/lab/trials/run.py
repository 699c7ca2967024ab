"""Runs trials and keeps what they saw: tests/lab/trials.json."""

from __future__ import annotations

import datetime
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.lab.harness.lab import Clusters, Lab, LabFailed, running_lab
from tests.lab.trials import cold_start, leases, objects, rollouts, scaling
from tests.lab.trials.stage import Broken, Stage

RECORDED = Path(__file__).parents[1] / "trials.json"
MODULES: tuple[ModuleType, ...] = (scaling, cold_start, leases, rollouts, objects)
CLUSTERS = Clusters(http_add_on=True, kafka=True, vendors=("lws",))

Trial = Callable[[Stage], None]


PROMISED = "as promised"


def names_of(module: ModuleType) -> list[str]:
    """The trials of a file: its public functions."""
    return [
        name
        for name, found in vars(module).items()
        if inspect.isfunction(found)
        and found.__module__ == module.__name__
        and not name.startswith("_")
    ]


TRIALS: Mapping[str, Trial] = {
    name: vars(module)[name] for module in MODULES for name in names_of(module)
}
"""By name, in the order of their files."""
CI: Sequence[str] = (
    "gateway",
    "engine_metric",
    "scale_query",
    "scaler_cool_down",
    "hold_gives_up",
    "hosts",
    "named_like_its_engine",
)
"""What CI tries, all side by side within a minute."""


def promise(name: str) -> str:
    """What a trial is about."""
    return " ".join((inspect.getdoc(TRIALS[name]) or "").split())


def run(names: Sequence[str], side_by_side: int) -> list[dict[str, Any]]:
    """The results in the trials' order. What fails has one more chance by itself."""
    with running_lab(CLUSTERS) as lab:
        results = run_in(lab, names, side_by_side)
        return [
            result if result["outcome"] == PROMISED else _once(lab, result["name"], again=True)
            for result in results
        ]


def run_in(
    lab: Lab, names: Sequence[str], side_by_side: int, *, whole: bool = True
) -> list[dict[str, Any]]:
    """The same in a lab that runs, with one chance for each."""
    with ThreadPoolExecutor(side_by_side) as pool:
        return list(pool.map(lambda name: _once(lab, name, whole=whole), names))


def _once(lab: Lab, name: str, *, again: bool = False, whole: bool = True) -> dict[str, Any]:
    called = name.replace("_", "-") + ("-again" if again else "")
    stage = Stage(lab=lab, name=called, whole=whole)
    outcome = PROMISED
    try:
        with stage.open():
            TRIALS[name](stage)
    except (Broken, LabFailed, OSError) as broken:
        outcome = str(broken)
    except Exception as error:  # One that breaks must not end the others.
        outcome = f"{type(error).__name__}: {error}"
    result = {
        "name": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "outcome": outcome,
        "arguments": [[component, arguments] for component, arguments in stage.declarations],
        "diary": [list(line) for line in stage.diary],
    }
    lines = "\n".join(f"  {at:6.1f} s  {what}" for at, what in stage.diary)
    sys.stderr.write(f"{name}: {outcome}\n{lines}\n")
    sys.stderr.flush()
    return result


def record(results: Iterable[Mapping[str, Any]]) -> None:
    """Puts results in place of the recorded ones of the same trials."""
    kept = {line["name"]: line for line in recorded()} | {line["name"]: line for line in results}
    lines = ",\n".join(json.dumps(kept[name]) for name in TRIALS if name in kept)
    RECORDED.write_text(f"[\n{lines}\n]\n")


def recorded() -> list[dict[str, Any]]:
    """The last recorded results."""
    if not RECORDED.exists():
        return []
    found: list[dict[str, Any]] = json.loads(RECORDED.read_text())
    return found
