"""How long five million requests take: `python -m benchmarks.simulation [REQUESTS]`.

Each figure is a whole process of `zerofloor simulate`, the reading of the CSV included, in CPU
seconds; and the playing alone, for traffic from mostly idle to far too much.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measuring import ZEROFLOOR, Row, run, show, show_head
from zerofloor.platforms.loops import Loop, Measure, Signal
from zerofloor.simulation.fleet import Kind, Plan, Starting
from zerofloor.simulation.play import play

STACK = Path(__file__).parents[1] / "examples" / "billing" / "eks.yaml"
SHAPES = (
    ("121 days, as BurstGPT", 121 * 86_400.0),
    ("a week, near what 4 replicas can", 7 * 86_400.0),
    ("an hour, far too much", 3_600.0),
)


ASKED = 2.0
"""CPU seconds that playing five million requests may take."""
REQUESTS = 5_000_000


def rows(number: int = REQUESTS) -> Iterator[Row]:
    """CPU of playing each shape, and of the whole command."""
    random = np.random.default_rng(1)
    for name, span in SHAPES:
        arrivals = np.sort(random.random(number) * span)
        service = random.exponential(2.0, number) + 0.05
        started = time.process_time()
        _play(arrivals, service)
        seconds = time.process_time() - started
        yield Row(f"{number:,} requests, {name}", seconds, "s", ASKED)
    path = Path(".work/requests.csv")
    path.parent.mkdir(exist_ok=True)
    _write(path, np.sort(random.random(number) * SHAPES[0][1]))
    spent = run([ZEROFLOOR, "simulate", str(STACK), "--trace", str(path)])
    told = f"{spent.peak:.0f} MiB, {path.stat().st_size / 2**20:.0f} MiB of CSV"
    yield Row("simulate, the whole command", spent.cpu, "s", None, told)


def main() -> None:
    """Print the rows."""
    show_head()
    for row in rows(int(sys.argv[1]) if sys.argv[1:] else REQUESTS):
        show(row)


def _play(arrivals: np.ndarray, service: np.ndarray) -> None:
    signal = Signal(path="", measure=Measure.CONCURRENCY, target=8)
    loop = Loop(
        urn="", kind="ScaledObject", minimum=0, maximum=8, signals=(signal,), poll=30.0,
        cooldown=300.0, sync=15.0,
    )  # fmt: skip
    plan = Plan(kinds=(Kind("", None, 1),), most=100, reclaim=30.0)
    play(arrivals, service, loop, plan, Starting(node=120.0, image=600.0, load=120.0), 8)


def _write(path: Path, arrivals: np.ndarray) -> None:
    """Requests in the format of the Azure traces."""
    ticks = np.round(arrivals * 1e7).astype(np.int64)
    moments = np.datetime64("2026-01-01T00:00:00") + (ticks // 10**7).astype("timedelta64[s]")
    texts = np.char.replace(moments.astype(str), "T", " ")
    with path.open("w") as file:
        file.write("TIMESTAMP,ContextTokens,GeneratedTokens\n")
        for begin in range(0, len(ticks), 100_000):
            part = slice(begin, begin + 100_000)
            file.writelines(
                f"{text}.{tick % 10**7:07},{1024 + tick % 7},{100 + tick % 53}\n"
                for text, tick in zip(texts[part].tolist(), ticks[part].tolist(), strict=True)
            )


if __name__ == "__main__":
    main()
