"""How much CPU a command takes to start: `python -m benchmarks.cold_start`. Whole processes against
bare Python, started where there are no settings."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import BARE, ZEROFLOOR, Row, in_turn, median_cpu, ratio, show, show_head
from tests.cases import case, digest_of

RUNS = 9

ASKED = {"--help": 3.5, "rules": 5.0, "check DIGEST": 6.0}
"""The most that each may take, in multiples of bare Python."""


def rows() -> Iterator[Row]:
    """A row a command."""
    with tempfile.TemporaryDirectory() as folder:
        digest = Path(folder) / "digest.json"
        digest.write_bytes(digest_of(case("P01_asg_lt_min2")))
        words = {name: name.replace("DIGEST", str(digest)).split() for name in ASKED}
        commands = {"bare": BARE, **{name: [ZEROFLOOR, *rest] for name, rest in words.items()}}
        taken = in_turn(commands, RUNS, cwd=Path(folder))
    bare = taken.pop("bare")
    for name, spent in taken.items():
        took, least = median_cpu(spent) * 1000, median_cpu(bare) * 1000
        told = f"{took:.0f} ms of CPU; python -c pass {least:.0f}"
        yield Row(f"zerofloor {name}", ratio(spent, bare), "x bare", ASKED[name], told)


def main() -> int:
    show_head()
    for row in rows():
        show(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
