"""Progress on a terminal only."""

from __future__ import annotations

import os
import pty
import sys
import threading
import time
from pathlib import Path

import pytest

from zerofloor.cli.progress import progress


def test_a_terminal_sees_what_runs_and_then_a_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    seen = bytearray()
    reader = threading.Thread(target=lambda: seen.extend(os.read(ours, 4096)), daemon=True)
    reader.start()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress("previewing a\x1bb"):
            time.sleep(1.2)
        reader.join(5)
    os.close(ours)
    assert b"zerofloor: previewing a\\x1bb (1 s)" in seen


def test_a_pipe_sees_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "err").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("previewing"):
            time.sleep(1.1)
    assert (tmp_path / "err").read_text() == ""
