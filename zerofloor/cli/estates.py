"""The files of a command as reports: what `check` and `baseline` do alike."""

from __future__ import annotations

from collections.abc import Sequence

from zerofloor.cli.inputs import (
    Chosen,
    Previewing,
    Reading,
    read_any,
    read_documents,
    settings_for,
)
from zerofloor.cli.judging import Asked, report_on
from zerofloor.cli.output import say
from zerofloor.errors import InputError
from zerofloor.report import Report
from zerofloor.stack import Stack
from zerofloor.structs import Value


class Judging(Value, frozen=True):
    """How files are judged."""

    reading: Reading
    chosen: Chosen
    asked: Asked
    join: bool = False
    previewing: Previewing | None = None
    """How a folder with a Pulumi program is previewed; None: it is refused with a hint."""


class Judged(Value, frozen=True):
    """What came of the files."""

    reports: tuple[Report, ...]
    failures: tuple[str, ...]
    """What could not be judged, and why; it was named on stderr."""

    @property
    def failed(self) -> bool:
        """Whether one could not be judged."""
        return bool(self.failures)


def judge_files(files: Sequence[str], how: Judging) -> Judged:
    """A report for each file or folder, one for all of them with `join`. What can't be judged is
    named, and the rest is judged."""
    estates: list[tuple[tuple[str, ...], tuple[Stack, ...]]] = []
    failures: list[str] = []
    for name in files:
        try:
            estates.append(((name,), _read(name, how)))
        except InputError as error:
            say(str(error))
            failures.append(str(error))
    if how.join and estates:
        if failures:
            say("judging the rest without it; what it would have changed is unknown")
        names = tuple(name for some, _ in estates for name in some)
        estates = [(names, tuple(stack for _, stacks in estates for stack in stacks))]
    reports = []
    for names, stacks in estates:
        try:
            reports.append(report_on(stacks, *settings_for(how.chosen, names), how.asked))
        except InputError as error:
            say(str(error))
            failures.append(str(error))
    return Judged(reports=tuple(reports), failures=tuple(failures))


def _read(name: str, how: Judging) -> tuple[Stack, ...]:
    if how.previewing is None:
        return read_documents(name, how.reading)
    settings, _ = settings_for(how.chosen, (name,))
    return read_any(name, how.reading, how.previewing, settings)
