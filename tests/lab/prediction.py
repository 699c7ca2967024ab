"""What `zerofloor check` says of manifests, before anything is created."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.scenario import Scenario

COMMAND = Path(sys.executable).parent / "zerofloor"


class CheckFailed(Exception):
    """`zerofloor check` gave no report."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """`floor` of the report."""

    verdict: str
    gpus: float | None
    because: str = ""
    """The evidence, in short."""


def predict(scenarios: Sequence[Scenario]) -> dict[str, Prediction]:
    """The predictions by scenario id. Raises CheckFailed where the command gives no report for
    one."""
    by_trust: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        by_trust.setdefault(json.dumps(dict(scenario.header.trust), sort_keys=True), []).append(
            scenario
        )
    predictions = {}
    for trust, alike in by_trust.items():
        reports = check(
            {scenario.header.id: scenario.in_the_end() for scenario in alike},
            {"trust": json.loads(trust)},
        )
        predictions.update({name: _prediction(report) for name, report in reports.items()})
    return predictions


def check(
    documents: Mapping[str, Sequence[Mapping[str, Any]]], settings: Mapping[str, object]
) -> dict[str, dict[str, Any]]:
    """The JSON reports on several documents of manifests, by name, with a zerofloor.yaml beside
    them. Raises CheckFailed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "zerofloor.yaml").write_text(yaml.safe_dump(dict(settings)))
        for name, manifests in documents.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(manifests, sort_keys=False))
        command = [
            str(COMMAND),
            "check",
            *(f"{name}.yaml" for name in documents),
            "--format",
            "json",
        ]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        printed = json.loads(ran.stdout)
    except ValueError:
        raise CheckFailed(
            f"zerofloor check ended with {ran.returncode} and no report: "
            f"{ran.stderr.strip()[-500:]}"
        ) from None
    reports = printed if isinstance(printed, list) else [printed]
    by_name = {report["documents"][0]["name"].removesuffix(".yaml"): report for report in reports}
    if missing := documents.keys() - by_name.keys():
        raise CheckFailed(
            f"zerofloor check gave no report for {', '.join(sorted(missing))}: "
            f"{ran.stderr.strip()[-500:]}"
        )
    return by_name


def _prediction(report: Mapping[str, Any]) -> Prediction:
    because = "; ".join(
        f"{item['urn'].rsplit('::', 1)[-1]}: {evidence['because']}"
        for item in report["capacity"]
        if item["verdict"] != "zero"
        for evidence in item["evidence"]
    )
    return Prediction(report["floor"]["verdict"], report["floor"]["gpus"], because)
