"""How long a command takes to start: `python -m benchmarks.cold_start`. Whole processes, medians of
several runs, against bare Python."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.cases import case, digest_of

RUNS = 9


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - started


def main() -> None:
    """Print a line a command: median seconds and the multiple of bare Python."""
    zerofloor = str(Path(sys.executable).with_name("zerofloor"))
    digest = Path(".work/cold_start_digest.json")
    digest.parent.mkdir(exist_ok=True)
    digest.write_bytes(digest_of(case("P01_asg_lt_min2")))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "zerofloor --help": [zerofloor, "--help"],
        "zerofloor check DIGEST": [zerofloor, "check", str(digest)],
    }
    for command in commands.values():
        _seconds(command)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            taken[name].append(_seconds(command))
    bare = statistics.median(taken["python -c pass"])
    for name, times in taken.items():
        median = statistics.median(times)
        sys.stdout.write(
            f"{name:26} {median:.3f} s (min {min(times):.3f}, max {max(times):.3f}), "
            f"{median / bare:.1f} x bare Python\n"
        )


if __name__ == "__main__":
    main()
