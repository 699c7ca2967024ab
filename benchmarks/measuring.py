"""Whole processes by the operating system's own accounting, and the rows of the table that `make
bench` prints: a figure beside what is asked of it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ZEROFLOOR = str(Path(sys.executable).with_name("zerofloor"))
BARE = [sys.executable, "-c", "pass"]


class Spent(NamedTuple):
    """What a process took, with all that it started and waited for."""

    cpu: float
    """Seconds, user and system: on a busy machine steadier than the wall's."""
    wall: float
    """Seconds."""
    peak: float
    """MiB of the largest single process."""
    code: int


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: float
    unit: str
    asked: float | None
    """The most that it may be; None: nothing is asked."""
    beside: str = ""
    """The plain figures that it was made of."""


def run(
    command: Sequence[str], cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> Spent:
    """Runs a command, its output thrown away, with bytecode written as an installation has it."""
    variables = dict(os.environ if environ is None else environ)
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-S", "-c", _WATCHING, *command],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    spent = Spent(*json.loads(done.stdout))
    if spent.code not in (0, 1):  # 1: the gate fails.
        raise RuntimeError(f"exit {spent.code}: {' '.join(command)}")
    return spent


_WATCHING = """
import json, os, sys, time
started = time.perf_counter()
process = os.fork()
if process == 0:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(process, 0)
wall = time.perf_counter() - started
code = os.waitstatus_to_exitcode(status)
print(json.dumps([used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, code]))
"""
"""A small process between: a child's peak begins with what its parent has in memory."""


def in_turn(
    commands: Mapping[str, Sequence[str]], runs: int, cwd: Path | None = None
) -> dict[str, list[Spent]]:
    """Runs of each command, A B A B …, after one of each that isn't counted: a machine that is busy
    is busy for all."""
    taken: dict[str, list[Spent]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            spent = run(command, cwd)
            if number:
                taken[name].append(spent)
    return taken


def ratio(these: Sequence[Spent], those: Sequence[Spent]) -> float:
    """How many times the CPU, pair by pair, the median."""
    return statistics.median(a.cpu / b.cpu for a, b in zip(these, those, strict=True))


def median_cpu(spent: Sequence[Spent]) -> float:
    return statistics.median(one.cpu for one in spent)


def show_head() -> None:
    sys.stdout.write(f"{'':54} {'measured':>18} {'asked':>8}\n")


def show(row: Row) -> None:
    """Prints a row; one that is above what is asked ends in a mark."""
    figure = f"{row.figure:.2f} {row.unit}"
    asked = "" if row.asked is None else f"{row.asked:g}"
    above = "  ABOVE" if row.asked is not None and row.figure > row.asked else ""
    sys.stdout.write(
        f"{row.what:54} {figure:>12} {asked:>8}{above:7}  {row.beside}".rstrip() + "\n"
    )
    sys.stdout.flush()
