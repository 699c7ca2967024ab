"""How long `zerofloor audit` takes on a backend of many stacks, and with how much memory:
`python -m benchmarks.audit [STACKS [RESOURCES]]`.

The figures are of the whole command with all its processes: wall time, CPU time, the peak of the
sum of their resident memory (shared pages counted once for each process: an upper bound), and what
one stack costs.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.backend import write_backend
from benchmarks.measuring import Row, show, show_head

ASKED = 20.0
"""Seconds of wall time that the backend below may take."""
SIZE = (500, 200)
"""Stacks, and resources in each."""


def rows(stacks: int = SIZE[0], resources: int = SIZE[1]) -> Iterator[Row]:
    """The time, and the memory of all processes together."""
    with tempfile.TemporaryDirectory() as folder:
        write_backend(Path(folder), stacks, resources)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        wall, cpu, peak, found = _audit(folder)
    told = f"{size / 2**20:.0f} MiB, {cpu:.1f} s of CPU, {cpu / stacks * 1000:.0f} ms a stack"
    yield Row(f"audit, {stacks} stacks of {resources} resources", wall, "s", ASKED, told)
    of_result = len(json.dumps(found)) / stacks / 1024
    yield Row("", peak, "MiB", None, f"{of_result:.1f} KiB of result a stack")


def main() -> None:
    """Print the rows."""
    given = [int(one) for one in sys.argv[1:]]
    stacks, resources = [*given, *SIZE[len(given) :]]
    show_head()
    for row in rows(stacks, resources):
        show(row)


def _audit(folder: str) -> tuple[float, float, float, dict[str, object]]:
    """Wall seconds, CPU seconds, peak MiB, and the audit."""
    command = [
        str(Path(sys.executable).with_name("zerofloor")),
        "audit",
        f"file://{folder}",
        "--format",
        "json",
        "--today",
        "2026-11-24",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, _family(process.pid))))
            time.sleep(0.05)
        wall = time.perf_counter() - started
        out.seek(0)
        found = json.load(out)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, peak, found


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
