"""The same audit on a Dask cluster of two worker processes: the same bytes, also where a worker is
killed in the middle."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, TODAY
from tests.estates.backends import Backend, instance
from zerofloor.estates.executors import Dask, Here, Task, tasks_for
from zerofloor.estates.judging import How
from zerofloor.estates.opening import open_backend
from zerofloor.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's own

STACKS = 24

SECONDS = 200
"""For what takes five on an idle machine."""


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    found = Backend(tmp_path / "backend")
    for number in range(STACKS):
        found.add("shop", f"dev{number}", instance("a", {"team": f"team-{number % 3}"}))
    found.path("x/y").write_text("{")
    return found


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, list[int]]]:
    """`HOST:PORT` of a scheduler, and the process ids of its workers."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.estates.dask_cluster"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as started:
        assert started.stdout is not None
        told = json.loads(started.stdout.readline())
        try:
            yield told["address"].removeprefix("tcp://"), told["pids"]
        finally:
            assert started.stdin is not None
            started.stdin.close()
            started.wait(SECONDS)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command; a scheduler that doesn't answer is given up soon."""
    return subprocess.run(
        [COMMAND, *arguments],
        env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_cluster_gives_the_bytes_of_one_process_though_a_worker_dies(
    backend: Backend,
) -> None:
    arguments = ("audit", backend.url, "--format", "json", *TODAY)
    with cluster() as (address, workers):
        alone = run(*arguments, "--jobs", "1")
        there = run(*arguments, "--executor", f"dask://{address}")
        assert (there.returncode, there.stdout, there.stderr) == (
            alone.returncode,
            alone.stdout,
            alone.stderr,
        )
        assert alone.returncode == 2

        how = How(
            url=backend.url,
            settings=Settings(),
            today=datetime.date(2026, 11, 24),
            most=2**20,
        )
        refs = open_backend(backend.url).stacks().stacks
        executor = Dask(f"tcp://{address}")
        tasks = [*tasks_for(executor, refs), Task("group", refs[:2])]
        found: dict[int, tuple[bytes, ...]] = {}
        for number, result in executor.run(how, tasks):
            if not found:
                os.kill(workers[0], signal.SIGKILL)
            found[number] = result
        assert sorted(found) == list(range(STACKS + 2))
        assert found == dict(Here().run(how, tasks))


def test_a_scheduler_that_is_not_there(backend: Backend) -> None:
    done = run("audit", backend.url, "--executor", "dask://127.0.0.1:1", *TODAY)
    assert done.returncode == 2
    assert "no Dask scheduler answers" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
