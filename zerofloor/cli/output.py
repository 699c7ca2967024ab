"""Where results and messages go."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zerofloor.errors import InputError

if TYPE_CHECKING:
    from zerofloor.cli.app import Format
    from zerofloor.report import Report

WIDEST = 100
"""Lines longer than this are hard to read, however wide the terminal is."""


def say(message: str) -> None:
    """One line to stderr, whatever the message is made of."""
    from zerofloor.reports.visible import visible

    write(sys.stderr, f"zerofloor: {visible(message)}\n")


def emit(text: str, output: Path | None = None) -> None:
    """A result to stdout, or to a file that is complete or not there."""
    if output is None:
        write(sys.stdout, text)
    else:
        _replace(output, text)


def emit_reports(reports: Sequence[Report], form: Format, output: Path | None) -> None:
    """The reports in one text: as JSON one object, several as a list."""
    emit(_rendered(reports, form, to_stdout=output is None), output)


def emit_estimate(report: Report, form: Format, output: Path | None) -> None:
    """The money of a report."""
    if form == "json":
        from zerofloor.reports import json_report

        text = json_report.render_estimate(report)
    elif form == "markdown":
        from zerofloor.reports import markdown

        text = markdown.render_estimate(report)
    else:
        from zerofloor.reports import table

        text = table.render_estimate(
            report, width=terminal_width(), colour=colour_wanted() and output is None
        )
    emit(text, output)


def terminal_width() -> int:
    """Columns to fill: 80 unless stdout is a terminal."""
    return (
        max(40, min(WIDEST, shutil.get_terminal_size((80, 24)).columns))
        if sys.stdout.isatty()
        else 80
    )


def colour_wanted() -> bool:
    """Whether stdout is a terminal that takes colour, and nobody asked for none (no-color.org)."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _rendered(reports: Sequence[Report], form: Format, *, to_stdout: bool) -> str:
    if form == "json":
        from zerofloor.reports import json_report

        return (
            json_report.render(reports[0])
            if len(reports) == 1
            else json_report.dump([json_report.data(one) for one in reports])
        )
    if form == "markdown":
        from zerofloor.reports import markdown

        return "\n".join(map(markdown.render, reports))
    from zerofloor.reports import table

    width, colour = (terminal_width(), colour_wanted()) if to_stdout else (80, False)
    return "\n".join(table.render(one, width=width, colour=colour) for one in reports)


def write(stream: object, text: str) -> None:
    """Text to stdout or stderr at once, whatever characters it has."""
    import io

    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    try:
        print(text, end="", file=stream, flush=True)  # type: ignore[call-overload]
    except BrokenPipeError:
        # Whoever read us has seen enough; the exit code still says what came out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(path: Path, text: str) -> None:
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        # A temporary file is private; a report gets the mode that any new file would.
        mask = os.umask(0)
        os.umask(mask)
        Path(file.name).chmod(0o666 & ~mask)
        Path(file.name).replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror or error}") from None
