"""The last recorded results, for the docs: tests/lab/results.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.lab.comparison import Result

RECORDED = Path(__file__).parent / "results.json"


def record(results: Iterable[Result]) -> None:
    """Puts results in place of the recorded ones of the same scenarios; that one differed at first
    stays with it."""
    lines = {
        line["id"]: line for line in (json.loads(RECORDED.read_text()) if RECORDED.exists() else [])
    }
    for result in results:
        line = as_json(result)
        before = lines.get(line["id"], {})
        if "differed" in (before.get("outcome"), before.get("first")):
            line["first"] = "differed"
        lines[line["id"]] = line
    RECORDED.write_text(
        "[\n" + ",\n".join(json.dumps(lines[name]) for name in sorted(lines)) + "\n]\n"
    )


def as_json(result: Result) -> dict[str, Any]:
    """A result without its times, so that runs that say the same are the same."""
    return {
        "id": result.scenario.header.id,
        "outcome": result.outcome,
        "prediction": {"verdict": result.prediction.verdict, "gpus": result.prediction.gpus},
        "observation": {
            key: value
            for key, value in asdict(result.observation).items()
            if key in ("nodes", "gpus")
        },
    }
