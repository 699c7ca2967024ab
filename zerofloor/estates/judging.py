"""What a worker does: reads the states that it is given, and returns capacity and money as plain
values."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from zerofloor.cost.owners import OWNER_KEYS
from zerofloor.errors import InputError
from zerofloor.estates.lines import findings_of, lines_of, owned
from zerofloor.estates.links import links_of
from zerofloor.estates.opening import Backend, open_backend
from zerofloor.estates.state import read_state
from zerofloor.estates.values import (
    GroupResult,
    Notice,
    Problem,
    StackRef,
    StackResult,
)
from zerofloor.judge import judge
from zerofloor.prices.opening import open_for
from zerofloor.settings import Settings
from zerofloor.stack import Stack
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.prices.book import PriceBook
    from zerofloor.report import Report

AHEAD: Final = 4
"""States that are fetched at once from a backend behind a network."""


class How(Value, frozen=True, kw_only=True):
    """All that a worker must know beside the stacks; without any credential."""

    url: str
    settings: Settings
    today: datetime.date
    most: int
    """Bytes of the largest state that is read, inflated."""
    owner_tags: tuple[str, ...] = OWNER_KEYS


class Worker:
    """A backend and a price book that are opened once a process."""

    def __init__(self, how: How) -> None:
        self.how = how
        self.backend: Backend = open_backend(how.url)
        self.prices: PriceBook = open_for(how.settings, Path())

    def results(self, refs: Sequence[StackRef]) -> Iterator[StackResult]:
        """Each stack by itself, in the order given."""
        if not self.backend.remote or len(refs) < 2:
            for ref in refs:
                yield self._result(ref, self._fetched(ref))
            return
        with ThreadPoolExecutor(AHEAD) as pool:
            for start in range(0, len(refs), AHEAD):
                batch = refs[start : start + AHEAD]
                for ref, data in zip(batch, pool.map(self._fetched, batch), strict=True):
                    yield self._result(ref, data)

    def group(self, refs: Sequence[StackRef]) -> GroupResult:
        """Stacks that share clusters, as one estate."""
        names = tuple(ref.name for ref in refs)
        try:
            stacks = []
            for ref in refs:
                stack, _ = self._read(ref, self._fetched(ref))
                stacks.append((ref.name, stack))
            report = self._judged([stack for _, stack in stacks])
            tags = {ref.name: self.backend.tags(ref) for ref in refs}
            index = owned(stacks, tags, self.how.owner_tags)
            return GroupResult(
                stacks=names,
                lines=lines_of(report, index),
                findings=findings_of(report, index, joined=True),
                assumptions=_assumptions(report),
            )
        except InputError as error:
            why = str(error)
        except Exception as error:
            why = _ours(error)
        return GroupResult(stacks=names, problems=(Problem(names[0], why),))

    def _result(self, ref: StackRef, data: bytes | InputError) -> StackResult:
        try:
            stack, problems = self._read(ref, data)
            return self._of_stack(ref, stack, problems)
        except InputError as error:
            why = str(error)
        except Exception as error:
            why = _ours(error)
        return StackResult(ref=ref, problems=(Problem(ref.name, _without(ref.name, why)),))

    def _of_stack(self, ref: StackRef, stack: Stack, problems: tuple[Problem, ...]) -> StackResult:
        report = self._judged([stack])
        index = owned([(ref.name, stack)], {ref.name: self.backend.tags(ref)}, self.how.owner_tags)
        floor, estimate = report.floor, report.estimate
        involved = bool(floor.entries or floor.undecided)
        return StackResult(
            ref=ref,
            identity=f"{stack.project}/{stack.name}" if stack.resources else "",
            resources=len(stack.resources),
            gate=report.gate,
            involved=involved,
            lines=lines_of(report, index),
            findings=findings_of(report, index, joined=False),
            assumptions=_assumptions(report) if involved else (),
            links=links_of(stack),
            notices=tuple(self._notices(ref)),
            problems=problems,
            currency=estimate.floor.hourly.currency,
            snapshot=estimate.snapshot,
            snapshot_as_of=estimate.snapshot_as_of,
        )

    def _judged(self, stacks: Sequence[Stack]) -> Report:
        return judge(stacks, self.prices, self.how.settings, self.how.today)

    def _notices(self, ref: StackRef) -> Iterator[Notice]:
        busy = self.backend.in_progress(ref)
        if busy:
            what = f"an update is in progress ({busy}): its last complete state was judged"
            yield Notice(ref.name, what)
        if ref.older:
            named = " and ".join(ref.older)
            what = f"{ref.key} was judged, which is newer than {named}, as the engine does"
            yield Notice(ref.name, what)

    def _fetched(self, ref: StackRef) -> bytes | InputError:
        try:
            return self.backend.state(ref, self.how.most)
        except InputError as error:
            return error

    def _read(self, ref: StackRef, data: bytes | InputError) -> tuple[Stack, tuple[Problem, ...]]:
        """The stack; where its state is damaged, that of before the last write, with the problem.

        Raises InputError where neither can be read.
        """
        try:
            if isinstance(data, InputError):
                raise data
            return read_state(ref.name, data, self.how.most), ()
        except InputError as error:
            before = self._backup(ref)
            if before is None:
                raise
            why = f"{_without(ref.name, str(error))}; its backup {ref.backup} was judged instead"
            return before, (Problem(ref.name, why),)

    def _backup(self, ref: StackRef) -> Stack | None:
        try:
            data = self.backend.backup(ref, self.how.most)
            return None if data is None else read_state(ref.name, data, self.how.most)
        except InputError:
            return None


def _assumptions(report: Report) -> tuple[tuple[str, str], ...]:
    return tuple((one.what, one.because) for one in report.assumptions)


def _ours(error: Exception) -> str:
    """A failure of ours, by its kind and place: its text may quote a value."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?"
    if trace is not None:
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119
    return f"internal error: {type(error).__name__} in {place}; please report it"


def _without(name: str, why: str) -> str:
    """A refusal begins with the document's name: here the stack stands beside it."""
    return why.removeprefix(f"{name}: ")
