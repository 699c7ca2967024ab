"""An audit as JSON: the contract that `zerofloor schema audit` describes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from zerofloor.estates.grouping import BY, Row, grouped
from zerofloor.estates.values import SCHEMA, Audit
from zerofloor.reports.json_report import dump

_TOTALS: Final = ("monthly", "waived", "gpus")


def render(audit: Audit, by: Sequence[str]) -> str:
    """One JSON document, pure ASCII; it has the sums by all that needs no key, and those asked
    for."""
    return dump(data(audit, by))


def data(audit: Audit, by: Sequence[str]) -> dict[str, Any]:
    """The audit as JSON-able data: amounts are texts with two decimals, in `currency`."""
    sums = {one: msgspec.to_builtins(grouped(audit, one)) for one in dict.fromkeys((*BY, *by))}
    return {
        "schema": SCHEMA,
        "gate": "fail" if audit.fails else "pass",
        "totals": {name: msgspec.to_builtins(getattr(audit, name)) for name in _TOTALS},
        "by": sums,
        **msgspec.to_builtins(audit),
    }


def schema() -> dict[str, Any]:
    """The JSON schema of an audit, from its own types."""
    (audit, row), definitions = msgspec.json.schema_components(
        (Audit, Row), ref_template="#/$defs/{name}"
    )
    definitions = dict(definitions)
    whole = definitions.pop("Audit")
    decimal = {"type": "string", "format": "decimal"}
    assert audit["$ref"].endswith("Audit")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "zerofloor audit",
        "properties": {
            "schema": {"const": SCHEMA},
            "gate": {"enum": ["pass", "fail"]},
            "totals": {
                "type": "object",
                "properties": dict.fromkeys(_TOTALS, decimal),
                "required": list(_TOTALS),
                "additionalProperties": False,
            },
            "by": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": row},
                "required": list(BY),
            },
            **whole["properties"],
        },
        "required": ["schema", "gate", "totals", "by", *whole["required"]],
        "$defs": definitions,
    }
