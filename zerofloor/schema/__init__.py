"""JSON schemas of what zerofloor writes and reads."""

from __future__ import annotations

import json
from importlib import resources


def schema_of(name: str) -> str:
    """The schema of `report`, `stack` or `settings` as JSON text."""
    if name == "settings":
        from zerofloor.settings import parsing

        return json.dumps(parsing.schema(), indent=2) + "\n"
    return resources.files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
