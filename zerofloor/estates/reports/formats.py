"""The formats of an audit, and the renderer of each, imported when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from zerofloor.estates.values import Audit
from zerofloor.reports.formats import View
from zerofloor.spelling import none_of
from zerofloor.structs import Value


class AuditFormat(StrEnum):
    """What an audit can be written as."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"


class AuditTarget(Value, frozen=True):
    """A report that is wanted."""

    form: AuditFormat
    path: Path | None
    """None: stdout, or the file of `--output`."""


def audit_target_of(given: str) -> AuditTarget:
    """`FORMAT` or `FORMAT=FILE`. Raises ValueError, with the formats, for another."""
    name, equals, path = given.partition("=")
    if name not in (known := list(AuditFormat)):
        raise ValueError(none_of(name, known))
    return AuditTarget(AuditFormat(name), Path(path) if equals else None)


def render(audit: Audit, by: Sequence[str], form: AuditFormat, view: View) -> str:
    """The audit in one text, added up by each of `by`."""
    match form:
        case AuditFormat.TABLE:
            from zerofloor.estates.reports import table

            return table.render(audit, by, width=view.width, colour=view.colour)
        case AuditFormat.JSON:
            from zerofloor.estates.reports import json_audit

            return json_audit.render(audit, by)
        case AuditFormat.CSV:
            from zerofloor.estates.reports import focus

            return focus.render(audit)
        case AuditFormat.MARKDOWN:
            from zerofloor.estates.reports import markdown

            return markdown.render(audit, by)
        case AuditFormat.HTML:
            from zerofloor.estates.reports import html

            return html.render(audit, by)
    assert_never(form)
