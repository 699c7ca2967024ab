"""What `zerofloor check` says of a scenario's manifests, before anything is created."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
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


def predict(scenario: Scenario) -> Prediction:
    """Raises CheckFailed where the command gives no report."""
    with tempfile.TemporaryDirectory() as folder:
        report = check(Path(folder), scenario.in_the_end(), dict(scenario.header.trust))
    because = "; ".join(
        f"{item['urn'].rsplit('::', 1)[-1]}: {evidence['because']}"
        for item in report["capacity"]
        if item["verdict"] != "zero"
        for evidence in item["evidence"]
    )
    return Prediction(report["floor"]["verdict"], report["floor"]["gpus"], because)


def check(folder: Path, manifests: tuple[Mapping[str, Any], ...], trust: Mapping[str, object]) -> dict[str, Any]:
    """The JSON report on manifests, with the cluster's settings in a zerofloor.yaml beside them. Raises CheckFailed."""
    (folder / "manifests.yaml").write_text(yaml.safe_dump_all(manifests, sort_keys=False))
    if trust:
        (folder / "zerofloor.yaml").write_text(yaml.safe_dump({"trust": dict(trust)}))
    ran = subprocess.run(
        [str(COMMAND), "check", "manifests.yaml", "--format", "json"], cwd=folder, capture_output=True, text=True, check=False
    )
    try:
        report: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        raise CheckFailed(f"zerofloor check ended with {ran.returncode} and no report: {ran.stderr.strip()[-500:]}") from None
    return report
