"""Every figure beside what is asked of it: `python -m benchmarks [--large]`; `--large` adds 100,000
resources."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from benchmarks import audit, cold_start, judging, pack, shapes, simulation
from benchmarks.measuring import Row, show, show_head
from tests.engine.real_engine import missing


def _rows(*, large: bool) -> Iterator[Row]:
    yield from cold_start.rows()
    yield from judging.rows((*judging.SIZES, judging.LARGE) if large else judging.SIZES)
    yield from shapes.rows()
    yield from simulation.rows()
    yield from pack.rows()
    yield from audit.rows()


def main(arguments: Sequence[str]) -> int:
    """Prints the table; exit 2 for a word that it doesn't know."""
    unknown = [argument for argument in arguments if argument != "--large"]
    if unknown:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    if reason := missing():
        sys.stderr.write(f"{reason}\n")
        return 2
    show_head()
    for row in _rows(large=bool(arguments)):
        show(row)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
