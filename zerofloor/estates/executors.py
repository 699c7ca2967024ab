"""Who runs the tasks of an audit: this process, processes of this machine, or a Dask cluster. The
results are the same bytes, in the same order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from zerofloor.errors import InputError
from zerofloor.estates.values import (
    GroupResult,
    Problem,
    StackRef,
    StackResult,
    encoded,
)
from zerofloor.extras import lacking
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.estates.judging import How

CHUNK: Final = 8
"""Stacks in one task of a local process."""

WORTH_A_PROCESS: Final = 24
"""Stacks that a process must have to do before it is started: a start costs as much as ten."""

RETRIES: Final = 3
"""How often a Dask task is tried again whose worker died."""


class Task(Value, frozen=True):
    """Stacks to judge: each by itself, or all as one estate."""

    kind: Literal["stacks", "group"]
    refs: tuple[StackRef, ...]


class Executor(Protocol):
    """Runs tasks; the results come as they are done, each with its task's number."""

    def run(self, how: How, tasks: Sequence[Task]) -> Iterator[tuple[int, tuple[bytes, ...]]]: ...


def executor_of(address: str | None, stacks: int, jobs: int | None) -> Executor:
    """The executor for so many stacks. Raises InputError for an address that can't be used."""
    if address is not None:
        if not address.startswith("dask://") or not address.removeprefix("dask://"):
            raise InputError(f"--executor {address}: expected dask://HOST:PORT")
        return Dask(f"tcp://{address.removeprefix('dask://')}")
    wanted = jobs or min(_processors(), max(1, stacks // WORTH_A_PROCESS))
    return Processes(wanted) if wanted > 1 else Here()


def tasks_for(executor: Executor, refs: Sequence[StackRef]) -> list[Task]:
    """The stacks in tasks of a size that suits the executor."""
    size = CHUNK if isinstance(executor, Processes) else 1
    return [
        Task("stacks", tuple(refs[start : start + size])) for start in range(0, len(refs), size)
    ]


def run_task(how: How, task: Task) -> tuple[bytes, ...]:
    """What a worker does with a task; the backend and the prices stay open for the next one."""
    worker = _worker(how)
    if task.kind == "group":
        return (encoded(worker.group(task.refs)),)
    return tuple(encoded(one) for one in worker.results(task.refs))


_OPEN: dict[bytes, Any] = {}


def _worker(how: How) -> Any:
    from zerofloor.estates.judging import Worker

    key = msgspec.msgpack.encode(how)
    if key not in _OPEN:
        close_worker()  # One audit at a time: another one has other settings.
        _OPEN[key] = Worker(how)
    return _OPEN[key]


def close_worker() -> None:
    """Lets go of what this process has opened."""
    for worker in _OPEN.values():
        worker.backend.close()
    _OPEN.clear()


class Here:
    """This process, one task after the other."""

    def run(self, how: How, tasks: Sequence[Task]) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        try:
            for number, task in enumerate(tasks):
                yield number, run_task(how, task)
        finally:
            close_worker()


class Processes:
    """Processes of this machine. A task whose process dies is tried alone; if it dies again its
    stacks are named."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, how: How, tasks: Sequence[Task]) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        missing = set(range(len(tasks)))
        for number, result in self._together(how, tasks):
            missing.discard(number)
            yield number, result
        for number in sorted(missing):
            yield number, self._alone(how, tasks[number])

    def _together(self, how: How, tasks: Sequence[Task]) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        from concurrent.futures import as_completed

        pool = self._pool(min(self.jobs, len(tasks)))
        try:
            waiting: dict[Future[tuple[bytes, ...]], int] = {
                pool.submit(run_task, how, task): number for number, task in enumerate(tasks)
            }
            for future in as_completed(waiting):
                if not isinstance(future.exception(), BrokenProcessPool):
                    yield waiting[future], future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _alone(self, how: How, task: Task) -> tuple[bytes, ...]:
        try:
            with self._pool(1) as pool:
                return pool.submit(run_task, how, task).result()
        except BrokenProcessPool:
            pass
        if task.kind == "stacks" and len(task.refs) > 1:
            return tuple(
                result for ref in task.refs for result in self._alone(how, Task("stacks", (ref,)))
            )
        return (encoded(_died(task)),)

    def _pool(self, jobs: int) -> ProcessPoolExecutor:
        # Not forked: a copy of a process with threads (progress) may hang.
        return ProcessPoolExecutor(
            max(1, jobs), mp_context=get_context("spawn"), initializer=_ignore_interrupts
        )


class Dask:
    """A Dask cluster that is there already. Its workers need this package, and read the backend
    with their own credentials."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ModuleNotFoundError:
            raise lacking("dask://", "distributed", "dask") from None
        self.distributed: Any = distributed
        self.address = address

    def run(self, how: How, tasks: Sequence[Task]) -> Iterator[tuple[int, tuple[bytes, ...]]]:
        try:
            client = self.distributed.Client(self.address, set_as_default=False)
        except (OSError, ValueError) as error:
            kind = type(error).__name__
            raise InputError(f"{self.address}: no Dask scheduler answers ({kind})") from None
        with client:
            waiting = {
                client.submit(run_task, how, task, pure=False, retries=RETRIES): number
                for number, task in enumerate(tasks)
            }
            for future in self.distributed.as_completed(list(waiting), loop=client.loop):
                number = waiting[future]
                try:
                    result = future.result()
                except InputError:
                    raise
                except Exception as error:
                    if type(error).__name__ != "KilledWorker":
                        raise InputError(
                            f"{self.address}: a worker can't judge: {type(error).__name__}; has "
                            "it the same zerofloor?"
                        ) from None
                    result = (encoded(_died(tasks[number])),)
                future.release()
                yield number, result


def _died(task: Task) -> StackResult | GroupResult:
    why = "the process that judged it died: is there enough memory for its state?"
    names = tuple(ref.name for ref in task.refs)
    if task.kind == "group":
        return GroupResult(stacks=names, problems=(Problem(names[0], why),))
    return StackResult(ref=task.refs[0], problems=(Problem(names[0], why),))


def _ignore_interrupts() -> None:
    """Ctrl-C goes to all processes of a terminal: the one that started the others answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1
