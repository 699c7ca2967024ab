"""`python -m tests.lab.traces [--record]`: traces of requests played on the lab's real controllers,
and what `zerofloor simulate` says of the same ones.

Requests are answered by the pods that run, so many at a time; how many wait or are being answered
is what KEDA's trigger reads. Seen are the seconds from each NodeClaim's creation to its removal.
Run it alone, with `nice -n -5`: Karpenter's removal of nodes starves beside other work.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import heapq
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from tests.lab import profiles
from tests.lab.harness.api import Manifest
from tests.lab.harness.lab import Lab, running_lab
from tests.lab.profiles import Claims, Traffic
from zerofloor.cost.billing import meter
from zerofloor.documents import read
from zerofloor.platforms.loops import Measure
from zerofloor.prices.book import PriceBook
from zerofloor.settings import Settings
from zerofloor.simulation.simulate import Asked, Serving, simulate
from zerofloor.simulation.trace import Trace

RECORDED = Path(__file__).parent / "traces.json"
SYNC = 2.0
"""The lab's --horizontal-pod-autoscaler-sync-period."""
START = 3.0
"""Seconds from a pending pod to a ready node in the lab, without a delay."""
AT_A_TIME = 2
"""Requests that a pod answers at a time, and that the scaler aims at."""
STEP = 0.25
SIDE_BY_SIDE = 5
WITHIN = 0.1
"""By how much node-seconds may differ."""

Requests = tuple[tuple[float, float], ...]
"""When each arrives, and how long it takes, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A trace and the settings that it meets."""

    name: str
    requests: Requests
    least: int = 0
    most: int = 3
    cooldown: int = 10
    consolidate: int = 10
    boot: int = 0
    budget: str = "100%"
    until: float | None = None
    """Seconds after which nothing is counted, for what never ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Node-seconds on the bill and nodes, simulated and seen."""

    name: str
    requests: int
    simulated: int
    seen: int
    simulated_nodes: int
    seen_nodes: int

    @property
    def off(self) -> float:
        """By which share of what was seen the simulation is above it."""
        return (self.simulated - self.seen) / self.seen


def _steady(begin: float, end: float, every: float, seconds: float) -> Requests:
    return tuple((float(at), seconds) for at in np.arange(begin, end, every))


TRACES = (
    Played(name="one long answer", requests=((2.0, 200.0),)),
    Played(name="a steady trickle", requests=_steady(2, 240, 5, 8), most=1),
    Played(
        name="two bursts nearer than the cool-down",
        requests=(*_steady(2, 90, 3, 5), *_steady(115, 200, 3, 5)),
        cooldown=40,
    ),
    Played(
        name="two bursts far apart",
        requests=(*_steady(2, 130, 3, 5), *_steady(260, 390, 3, 5)),
    ),
    Played(
        name="a ramp to three replicas and back",
        requests=tuple(
            (float(at), 10.0) for at in (*range(2, 60, 5), *range(60, 220, 2), *range(220, 280, 5))
        ),
    ),
    Played(name="a rush of twelve at once", requests=((2.0, 100.0),) * 12),
    Played(
        name="a minimum of one under a rush",
        requests=((20.0, 60.0),) * 6,
        least=1,
        until=300.0,
    ),
    Played(
        name="a machine that boots for 30 seconds",
        requests=_steady(2, 220, 4, 6),
        boot=30,
    ),
    Played(
        name="three nodes under the default budget",
        requests=((2.0, 150.0),) * 6,
        budget="10%",
    ),
    Played(
        name="a node that stays for the next burst",
        requests=(*_steady(2, 90, 3, 5), *_steady(130, 220, 3, 5)),
        consolidate=60,
    ),
)


def simulated(played: Played) -> tuple[int, int]:
    """Node-seconds on the bill, and nodes, as `zerofloor simulate` has them."""
    items = {"apiVersion": "v1", "kind": "List", "items": manifests(played)}
    arrivals = np.array([at for at, _ in played.requests])
    trace = Trace(
        arrivals=arrivals,
        context=np.zeros(len(arrivals)),
        generated=np.array([seconds for _, seconds in played.requests]),
        span=played.until,
    )
    serving = Serving(
        tokens_per_second=1.0,
        concurrency=AT_A_TIME,
        node_seconds=START + played.boot,
        image_seconds=0.0,
        load_seconds=0.0,
    )
    asked = Asked(metric=Measure.CONCURRENCY, serving=serving, hpa_sync=SYNC)
    found = simulate(
        (read("trace.json", json.dumps(items).encode()),),
        Settings(region={"aws": profiles.REGION}),
        PriceBook(),
        datetime.date(2026, 11, 27),
        trace,
        asked,
    )
    one = found.outcomes[0]
    return round(one.node_hours * 3600), one.nodes


def manifests(played: Played) -> list[Manifest]:
    """The stack of a trace."""
    base = Traffic(played.name, ((played.most, 0),), boot_seconds=played.boot)
    made = profiles.manifests(base)
    for manifest in made:
        spec = manifest["spec"]
        if manifest["kind"] == "NodePool":
            spec["disruption"] |= {
                "consolidateAfter": f"{played.consolidate}s",
                "budgets": [{"nodes": played.budget}],
            }
        if manifest["kind"] == "ScaledObject":
            spec["minReplicaCount"], spec["maxReplicaCount"] = played.least, played.most
            spec["cooldownPeriod"] = played.cooldown
            spec["triggers"][0]["metadata"]["targetValue"] = str(AT_A_TIME)
            behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
            behavior["scaleDown"]["stabilizationWindowSeconds"] = played.cooldown
    return made


def run(lab: Lab, traces: Sequence[Played]) -> list[Result]:
    """All of them, a few side by side."""
    claims = Claims(lab)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        results = list(pool.map(lambda played: _run(lab, claims, played), traces))
    claims.ended.set()
    return results


def _run(lab: Lab, claims: Claims, played: Played) -> Result:
    name = profiles.key(Traffic(played.name, ()))
    lab.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for manifest in manifests(played):
        lab.api.apply(manifest, name)
    time.sleep(8)  # KEDA looks at a new ScaledObject within that.
    profiles.wait_for(lambda: profiles.running(lab, name) >= played.least)
    began = time.time()
    _play(lab, name, played, began)
    if played.until is None:
        profiles.wait_for(lambda: all(gone for _, gone in claims.of(name)))
    else:
        time.sleep(max(0.0, began + played.until - time.time()))
    ended = began + played.until if played.until is not None else time.time()
    lives = [min(gone or ended, ended) - max(born, began) for born, gone in claims.of(name)]
    for manifest in reversed(manifests(played)):
        lab.api.delete(lab.api.path_of(manifest, name))
    bill = meter("aws")
    seconds = sum((bill.billed(Decimal(life)) for life in lives), Decimal(0))
    simulated_seconds, nodes = simulated(played)
    result = Result(
        name=played.name,
        requests=len(played.requests),
        simulated=simulated_seconds,
        seen=round(seconds),
        simulated_nodes=nodes,
        seen_nodes=len(lives),
    )
    sys.stderr.write(line(result) + "\n")
    return result


def _play(lab: Lab, name: str, played: Played, began: float) -> None:
    """Answer the requests by the pods that run, and tell the trigger how many there are."""
    waiting = sorted(played.requests)
    held: list[float] = []
    ends: list[float] = []
    told = -1
    slots = 0
    while waiting or held or ends:
        now = time.time() - began
        while waiting and waiting[0][0] <= now:
            held.append(waiting.pop(0)[1])
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        with contextlib.suppress(OSError):  # A look that took too long: the last one counts.
            slots = profiles.running(lab, name) * AT_A_TIME
        while held and len(ends) < slots:
            heapq.heappush(ends, now + held.pop(0))
        if told != len(held) + len(ends):
            told = len(held) + len(ends)
            lab.set_trigger(name, told)
        time.sleep(STEP)
    lab.set_trigger(name, 0)


def line(result: Result) -> str:
    """One result in a line."""
    return (
        f"{result.name:45}{result.requests:>4} requests {result.simulated:>6} s simulated "
        f"{result.seen:>6} s seen {result.off:+7.1%}, nodes {result.simulated_nodes} and "
        f"{result.seen_nodes}"
    )


def recorded() -> list[Mapping[str, Any]]:
    """The last recorded results."""
    found: list[Mapping[str, Any]] = json.loads(RECORDED.read_text())
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.traces", description=__doc__)
    parser.add_argument("--record", action="store_true", help="keep the results for the docs")
    arguments = parser.parse_args()
    with running_lab() as lab:
        results = run(lab, TRACES)
    if arguments.record:
        lines = ",\n".join(json.dumps(asdict(result)) for result in results)
        RECORDED.write_text(f"[\n{lines}\n]\n")
    return 1 if any(abs(result.off) > WITHIN for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
