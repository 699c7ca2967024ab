"""What `zerofloor check` takes for a big digest: `python -m benchmarks.judging [RESOURCES …]`.

Whole processes, in turn with bare Python and with `json.load` of the same file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.big_digest import big_digest
from benchmarks.measuring import (
    BARE,
    ZEROFLOOR,
    Row,
    in_turn,
    median_cpu,
    ratio,
    show,
    show_head,
)

FOLDER = Path(".work")
SIZES = (1_000, 10_000)
LARGE = 100_000
"""On request: half a minute a run, and a gigabyte for json.load."""

BARE_UP_TO = 1_000
"""Resources up to which the start decides: such digests are compared with bare Python."""

ASKED = {1_000: (8.0, None), 10_000: (1.5, 110), LARGE: (1.3, None)}
"""The multiples of bare Python, or of json.load, and MiB."""


def rows(sizes: Sequence[int] = SIZES) -> Iterator[Row]:
    """Two rows a size: CPU and memory; CPU a resource shows whether it grows in line."""
    for size in sizes:
        path = FOLDER / f"digest_{size}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(big_digest(size))
        mib = path.stat().st_size // 2**20 + 1
        commands = {
            "bare": BARE,
            "json": [sys.executable, "-c", f"import json; json.load(open({str(path)!r}))"],
            "check": [ZEROFLOOR, "check", str(path), "--max-size", str(mib), "--format", "json"],
        }
        taken = in_turn(commands, 9 if size <= BARE_UP_TO else 5 if size < LARGE else 2)
        asked_time, asked_peak = ASKED.get(size, (None, None))
        of = "bare" if size <= BARE_UP_TO else "json"
        spent, load = median_cpu(taken["check"]), median_cpu(taken["json"])
        yield Row(
            f"check, {size:,} resources ({mib} MiB)",
            ratio(taken["check"], taken[of]),
            "x bare" if of == "bare" else "x json.load",
            asked_time,
            f"{spent:.2f} s of CPU, {spent / size * 1e6:.0f} µs a resource; json.load {load:.2f} s",
        )
        yield Row(
            "",
            max(one.peak for one in taken["check"]),
            "MiB",
            asked_peak,
            f"json.load {max(one.peak for one in taken['json']):.0f} MiB",
        )


def main(arguments: Sequence[str]) -> int:
    show_head()
    for row in rows([int(argument) for argument in arguments] or SIZES):
        show(row)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
