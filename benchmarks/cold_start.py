"""How much CPU a command takes to start: `python -m benchmarks.cold_start`. Whole processes, the
least of several runs, against bare Python; bytecode there for all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.cases import case, digest_of

RUNS = 9

BUDGETS = {"zerofloor --help": 3.5, "zerofloor rules": 5.0, "zerofloor check DIGEST": 6.0}
"""The most that each may take, in multiples of bare Python."""


def _cpu(command: list[str]) -> float:
    """Seconds of CPU of a process and what it started."""
    process = os.fork()
    if process == 0:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.execv(command[0], command)
    used = os.wait4(process, 0)[2]
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print a line a command: CPU and the multiple of bare Python, beside its budget."""
    zerofloor = str(Path(sys.executable).with_name("zerofloor"))
    digest = Path(".work/cold_start_digest.json")
    digest.parent.mkdir(exist_ok=True)
    digest.write_bytes(digest_of(case("P01_asg_lt_min2")))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "zerofloor --help": [zerofloor, "--help"],
        "zerofloor rules": [zerofloor, "rules"],
        "zerofloor check DIGEST": [zerofloor, "check", str(digest)],
    }
    for command in commands.values():
        _cpu(command)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            taken[name].append(_cpu(command))
    bare = min(taken["python -c pass"])
    for name, times in taken.items():
        budget = f", budget {BUDGETS[name]} x" if name in BUDGETS else ""
        sys.stdout.write(
            f"{name:24} {min(times) * 1000:.0f} ms of CPU, {min(times) / bare:.1f} x bare "
            f"Python{budget}\n"
        )


if __name__ == "__main__":
    main()
