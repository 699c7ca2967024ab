"""JSON schemas of what zerofloor writes and reads."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def schema_of(name: str) -> str:
    """The schema of `report`, `estimate`, `audit`, `simulation`, `baseline`, `stack` or `settings`,
    as JSON."""
    if name == "settings":
        from zerofloor.settings import parsing

        return json.dumps(parsing.schema(), indent=2) + "\n"
    if name == "audit":
        from zerofloor.estates.reports import json_audit

        return json.dumps(json_audit.schema(), indent=1) + "\n"
    if name == "estimate":
        return json.dumps(_estimate(), indent=1) + "\n"
    return resources.files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")


def _estimate() -> dict[str, Any]:
    """An estimate is a part of a report."""
    report = json.loads(schema_of("report"))
    fields = ("documents", "floor", "estimate", "assumptions", "settings", "prices")
    properties = {name: report["properties"][name] for name in fields}
    return {
        **report,
        "title": "zerofloor estimate",
        "properties": {"schema": {"const": "zerofloor.estimate/1"}, **properties},
        "required": sorted(("schema", *fields)),
    }
