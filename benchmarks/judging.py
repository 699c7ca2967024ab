"""How long `zerofloor check` takes on a big digest, and with how much memory: `python -m
benchmarks.judging [RESOURCES …]`.

Each figure is a whole process, beside `json.load` of the same file in one of its own, in
alternating runs.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.big_digest import big_digest

RUNS = 5


def _run(command: list[str]) -> tuple[float, float]:
    """Seconds and peak MiB of a command."""
    started = time.perf_counter()
    watched = (
        "import resource,subprocess,sys; subprocess.run(sys.argv[1:], capture_output=True); "
        + ("print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)")
    )
    peak = subprocess.run(
        [sys.executable, "-c", watched, *command], capture_output=True, text=True, check=True
    ).stdout
    return time.perf_counter() - started, float(peak)


def main() -> None:
    """Print seconds, peak memory and the ratio for each number of resources."""
    zerofloor = str(Path(sys.executable).with_name("zerofloor"))
    for number in [int(n) for n in sys.argv[1:]] or [10_000, 100_000]:
        path = Path(f".work/digest_{number}.json")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(big_digest(number))
        size = path.stat().st_size
        commands = {
            "json.load": [sys.executable, "-c", f"import json; json.load(open({str(path)!r}))"],
            "zerofloor check": [
                zerofloor,
                "check",
                str(path),
                "--max-size",
                str(size // 2**20 + 1),
                "--format",
                "json",
            ],
        }
        runs = RUNS if number <= 10_000 else 3
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                taken[name].append(_run(command))
        load = statistics.median(seconds for seconds, _ in taken["json.load"])
        for name, found in taken.items():
            median = statistics.median(seconds for seconds, _ in found)
            peak = max(mib for _, mib in found)
            what = f"{number:>7} resources, {size / 2**20:.0f} MiB"
            sys.stdout.write(
                f"{what}: {name:16} {median:.2f} s, {peak:.0f} MiB, {median / load:.1f} x "
                "json.load\n"
            )


if __name__ == "__main__":
    main()
