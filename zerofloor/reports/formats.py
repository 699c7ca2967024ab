"""The formats of a report, and the renderer of each, imported when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from zerofloor.spelling import none_of
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.report import Report


class Format(StrEnum):
    """What a report can be written as."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    GITLAB = "gitlab"
    HTML = "html"
    CSV = "csv"


class Target(Value, frozen=True):
    """A report that is wanted."""

    form: Format
    path: Path | None
    """None: stdout, or the file of `--output`."""


def target_of(given: str) -> Target:
    """`FORMAT` or `FORMAT=FILE`. Raises ValueError, with the formats, for another."""
    name, equals, path = given.partition("=")
    if name not in (known := list(Format)):
        raise ValueError(none_of(name, known))
    return Target(Format(name), Path(path) if equals else None)


class View(Value, frozen=True):
    """Where a text is shown."""

    width: int = 80
    colour: bool = False


TELLS_FAILURES: Final = frozenset({Format.GITHUB, Format.JUNIT, Format.MARKDOWN})
"""The formats in which a pull request shows what could not be judged. The others have findings
only: written without any, they would read as a pass."""


def render(  # noqa: C901, PLR0911 – a case a format
    reports: Sequence[Report], form: Format, view: View, failures: Sequence[str] = ()
) -> str:
    """The reports in one text, with what could not be judged where the format tells that."""
    match form:
        case Format.TABLE:
            from zerofloor.reports import table

            return "\n".join(
                table.render(one, width=view.width, colour=view.colour) for one in reports
            )
        case Format.JSON:
            from zerofloor.reports import json_report

            if len(reports) == 1:
                return json_report.render(reports[0])
            return json_report.dump([json_report.data(one) for one in reports])
        case Format.MARKDOWN:
            from zerofloor.reports import markdown

            return markdown.render_all(reports, failures)
        case Format.SARIF:
            from zerofloor.reports import sarif

            return sarif.render(reports)
        case Format.JUNIT:
            from zerofloor.reports import junit

            return junit.render(reports, failures)
        case Format.GITHUB:
            from zerofloor.reports import github

            return github.render(reports, failures)
        case Format.GITLAB:
            from zerofloor.reports import gitlab

            return gitlab.render(reports)
        case Format.HTML:
            from zerofloor.reports import html

            return html.render(reports)
        case Format.CSV:
            from zerofloor.reports import csv_rows

            return csv_rows.render(reports)
    assert_never(form)
