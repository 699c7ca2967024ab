"""What keeps a program's process apart from this one: it ends with it, leaves nothing behind, and
can't read its environment. Linux only; elsewhere the parts that it does not know are left out."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

_SET_DUMPABLE: Final = 4
_SET_CHILD_SUBREAPER: Final = 36
# include/uapi/linux/prctl.h


@contextmanager
def ending_signals() -> Iterator[None]:
    """Lets SIGTERM and SIGHUP (a cancelled CI job, a closed terminal) unwind the stack, so that
    what was started is ended and what was written is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    former = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def apart() -> Iterator[Callable[[], None]]:
    """While a program runs: its orphans come to this process, and this process' environment and
    memory are closed to others of the same user (root excepted). Gives what ends the orphans."""
    if not sys.platform.startswith("linux"):
        yield lambda: None
        return
    before = _children()
    _prctl(_SET_CHILD_SUBREAPER, 1)
    _prctl(_SET_DUMPABLE, 0)
    try:
        yield lambda: _end(before)
    finally:
        _prctl(_SET_DUMPABLE, 1)
        _end(before)
        _prctl(_SET_CHILD_SUBREAPER, 0)


def _prctl(option: int, value: int) -> None:
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (AttributeError, OSError):
        return


def _children() -> set[int]:
    """The processes whose parent is this one."""
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found |= {int(pid) for pid in task.read_text().split()}
        except OSError:
            continue
    return found


def _end(before: set[int]) -> None:
    """Ends what was adopted meanwhile, and what that leaves in turn."""
    for _ in range(10):
        adopted = _children() - before
        if not adopted:
            return
        for pid in adopted:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except OSError:
                continue
