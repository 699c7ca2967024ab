"""Where results and messages go."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zerofloor.errors import InputError

if TYPE_CHECKING:
    from zerofloor.report import Report
    from zerofloor.reports.formats import Target, View

F = TypeVar("F")

WIDEST = 100
"""Lines longer than this are hard to read, however wide the terminal is."""


def say(message: str) -> None:
    """A message to stderr, whatever it is made of; further lines are indented, so that none of
    them looks like a message of its own."""
    from zerofloor.reports.visible import visible

    # A full or closed stderr changes no exit code.
    with contextlib.suppress(OSError, InputError):
        lines = "\n  ".join(visible(line) for line in message.split("\n"))
        write(sys.stderr, f"zerofloor: {lines}\n")


def emit(text: str, output: Path | None = None) -> None:
    """A result to stdout, or to a file that is complete or not there."""
    if output is None:
        write(sys.stdout, text)
    else:
        _replace(output, text)


class ReportFailed(InputError):
    """A format of a report that can't be written; what was judged stands in the others."""


def emit_reports(
    reports: Sequence[Report],
    targets: Sequence[Target],
    output: Path | None,
    failures: Sequence[str] = (),
) -> None:
    """The reports in each format that was asked for: to its file, else to `output`, else stdout.
    Formats for a pull request tell the `failures`, too; stderr has them already.

    Raises InputError where two are meant for one place, before anything is written, and
    ReportFailed where a format can't be rendered, once the others are written.
    """
    from zerofloor.reports.formats import TELLS_FAILURES, Format, render

    wanted = [(one.form, one.path or output) for one in targets] or [(Format.TABLE, output)]
    if not reports:
        wanted = [(form, path) for form, path in wanted if form in TELLS_FAILURES]
    emit_texts(wanted, lambda form, view: render(reports, form, view, failures))


@contextlib.contextmanager
def told_to_pull_requests(targets: Sequence[Target], output: Path | None) -> Iterator[None]:
    """Writes the formats for a pull request with the reason if nothing could be judged: a reviewer
    doesn't see stderr."""
    try:
        yield
    except ReportFailed:
        raise
    except Exception as error:
        why = str(error) if isinstance(error, InputError) else f"internal {type(error).__name__}"
        with contextlib.suppress(InputError, OSError):
            emit_reports((), targets, output, [why])
        raise


def emit_texts(wanted: Sequence[tuple[F, Path | None]], render: Callable[[F, View], str]) -> None:
    """What each format renders, to its place. Raises InputError where two are meant for one place,
    before anything is written, and ReportFailed where one can't be rendered or written, at the
    end."""
    refuse_one_place([path for _, path in wanted])
    failed = []
    for form, path in wanted:
        try:
            text = render(form, _view(path))
        except InputError as error:
            failed.append(f"{path}: {error}" if path else str(error))
            continue
        try:
            emit(text, path)
        except InputError as error:
            failed.append(str(error))
    if failed:
        raise ReportFailed("; ".join(failed))


def refuse_one_place(places: Sequence[Path | None]) -> None:
    """Raises InputError where two reports are meant for one place."""
    if len(set(places)) < len(places):
        raise InputError("two reports for one place: give all but one a file (--format json=FILE)")


def exit_code(reports: Sequence[Report], *, failed: bool = False, advisory: bool = False) -> int:
    """2 where something could not be judged, 1 where a gate fails (0 in advisory mode)."""
    if failed:
        return 2
    fails = any(report.gate == "fail" for report in reports)
    if fails and advisory:
        say("advisory: the gate fails; without --advisory this is exit 1")
    return 1 if fails and not advisory else 0


def _view(path: Path | None) -> View:
    from zerofloor.reports.formats import View

    if path is not None:
        return View()
    return View(width=terminal_width(), colour=colour_wanted())


def emit_estimate(report: Report, form: str, output: Path | None, by: str = "") -> None:
    """The money of a report; `by` asks for totals by a key."""
    if form == "json":
        from zerofloor.reports import json_report

        text = json_report.render_estimate(report, by)
    elif form == "markdown":
        from zerofloor.reports import markdown

        text = markdown.render_estimate(report, by)
    elif form == "csv":
        from zerofloor.reports import csv_rows

        text = csv_rows.render([report])
    else:
        from zerofloor.reports import table

        text = table.render_estimate(
            report, width=terminal_width(), colour=colour_wanted() and output is None, by=by
        )
    emit(text, output)


def terminal_width() -> int:
    """Columns to fill: 80 unless stdout is a terminal."""
    return max(40, min(WIDEST, columns())) if sys.stdout is not None and sys.stdout.isatty() else 80


def columns() -> int:
    """The terminal's, 80 where there is none: as `shutil.get_terminal_size`, without the
    compressors that shutil imports."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80


def colour_wanted() -> bool:
    """Whether stdout is a terminal that takes colour (no-color.org, force-color.org)."""
    if os.environ.get("FORCE_COLOR") and not os.environ.get("NO_COLOR"):
        return True
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def write(stream: object, text: str) -> None:
    """Text to stdout or stderr at once, whatever characters it has."""
    import io

    if stream is None:  # closed by whoever started us
        return
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    try:
        print(text, end="", file=stream, flush=True)  # type: ignore[call-overload]
    except BrokenPipeError:
        # Whoever read us has seen enough; the exit code still says what came out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        # What is buffered can't be written at exit either, and that would change the exit code.
        if isinstance(stream, io.TextIOWrapper):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def _replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all. What is there and no ordinary file (a device, a pipe) is
    written to; a link is followed."""
    import tempfile

    if not path.name:
        raise InputError("an empty file name: is a variable not set?")
    temporary: Path | None = None
    try:
        # /dev/stdout may be a pipe, whose own path leads nowhere, or a file that the shell holds.
        of_the_system = str(path.absolute()).startswith(("/dev/", "/proc/"))
        target = path if of_the_system else path.resolve()
        if of_the_system or (target.exists() and not target.is_file()):
            with target.open("w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
            return
        with tempfile.NamedTemporaryFile(
            "w",
            encoding="utf-8",
            errors="backslashreplace",
            dir=target.parent,
            prefix=f".{target.name}.",
            delete=False,
        ) as file:
            temporary = Path(file.name)
            file.write(text)
        # A temporary file is private; a report gets the mode that any new file would.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: can't be written: {error.strerror or error}") from None
