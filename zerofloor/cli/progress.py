"""What a person sees while a preview runs: one line on a terminal, gone when it is done."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from zerofloor.cli.output import write

CLEAR = "\r\x1b[K"


@contextlib.contextmanager
def progress(what: str | Callable[[], str]) -> Iterator[None]:
    """Shows `what` (asked anew each second) and the seconds so far on stderr if that is a terminal,
    else nothing."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    from zerofloor.reports.visible import visible

    done = threading.Event()
    started = time.monotonic()

    def show() -> None:
        while not done.wait(1):
            seconds = int(time.monotonic() - started)
            text = what if isinstance(what, str) else what()
            write(sys.stderr, f"{CLEAR}zerofloor: {visible(text)} ({seconds} s)")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        write(sys.stderr, CLEAR)
