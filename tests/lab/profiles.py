"""Traffic profiles on a fast clock: what their nodes cost from creation to removal, and what the
estimate says of the same profile."""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

from tests.lab.harness.api import Manifest
from tests.lab.harness.lab import Lab
from tests.lab.harness.stand_ins import TRIGGER_PORT
from zerofloor.capacity import WEEK
from zerofloor.cost.billing import meter
from zerofloor.cost.traffic import Burst, Layer, node_hours
from zerofloor.documents import read
from zerofloor.floor.result import Supply
from zerofloor.judge import judge
from zerofloor.prices.book import Key, PriceBook
from zerofloor.settings import Settings

COOLDOWN, CONSOLIDATE = 10, 10
REGION = "us-east-1"
GIVE_UP = 240


@dataclass(frozen=True, slots=True)
class Traffic:
    """Replicas that are needed, and for how many seconds; each step begins when so many run."""

    name: str
    steps: tuple[tuple[int, int], ...]
    instance_type: str = "g6e.xlarge"
    market: str = "on-demand"
    boot_seconds: int = 0
    """How long a machine takes from its launch to its registration."""


PROFILES = (
    Traffic("one short burst", ((1, 10), (0, 0))),
    Traffic("one long burst", ((1, 90), (0, 0))),
    Traffic("two bursts nearer than the cool-down", ((1, 20), (0, 5), (1, 20), (0, 0))),
    Traffic("four bursts nearer than the cool-down", ((1, 10), (0, 5)) * 4),
    Traffic(
        "two bursts nearer than cool-down and reclaim together", ((1, 20), (0, 15), (1, 20), (0, 0))
    ),
    Traffic("two bursts far apart", ((1, 20), (0, 80), (1, 20), (0, 0))),
    Traffic("office hours, a day in two minutes", ((1, 40), (0, 80)) * 2),
    Traffic("three replicas at once", ((3, 30), (0, 0))),
    Traffic("a rush within a busy time", ((1, 20), (3, 20), (1, 60), (0, 0))),
    Traffic("an eight-GPU node for one pod", ((1, 30), (0, 0)), "g6e.48xlarge"),
    Traffic("a machine that boots for 30 seconds", ((1, 30), (0, 0)), boot_seconds=30),
    Traffic("spot", ((1, 30), (0, 0)), "p5.48xlarge", market="spot"),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """One profile: node-seconds and money, estimated and seen."""

    profile: Traffic
    starts: int
    """Nodes that were made."""
    estimated_seconds: Decimal
    seen_seconds: Decimal
    hourly: Decimal
    """USD for an hour of a node, by the price book."""

    @property
    def estimated(self) -> Decimal:
        """USD."""
        return self.hourly * self.estimated_seconds / 3600

    @property
    def seen(self) -> Decimal:
        """USD."""
        return self.hourly * self.seen_seconds / 3600


def estimate(profile: Traffic) -> tuple[Decimal, Decimal]:
    """Node-seconds that zerofloor expects of a week with this traffic and no other, and USD for an
    hour of a node."""
    supply = _supply(profile)
    levels = range(1, max(replicas for replicas, _ in profile.steps) + 1)
    layers = tuple(Layer(1, _bursts(profile.steps, level)) for level in levels)
    hours = node_hours(supply, layers, meter("aws"), Decimal(profile.boot_seconds))
    price = PriceBook().find(Key("aws", profile.instance_type, REGION, supply.market))
    return hours * 3600, price.money.amount  # type: ignore[union-attr]  # a missing price fails right here


def run_profiles(lab: Lab, profiles: Sequence[Traffic]) -> list[Cost]:
    """All of them side by side."""
    claims = Claims(lab)
    with ThreadPoolExecutor(len(profiles)) as pool:
        costs = list(pool.map(lambda profile: _run(lab, claims, profile), profiles))
    claims.ended.set()
    return costs


def table(costs: Sequence[Cost]) -> str:
    """One line a profile."""
    head = f"{'profile':56}{'nodes':>6}{'estimated':>12}{'seen':>8}{'estimated':>12}{'seen':>10}"
    rows = (
        (
            f"{c.profile.name:56}{c.starts:>6}{c.estimated_seconds:>10.0f} "
            f"s{c.seen_seconds:>6.0f} s{c.estimated:>12.4f}{c.seen:>10.4f} USD"
        )
        for c in costs
    )
    return "\n".join((head, *rows))


class Claims:
    """When each NodeClaim was made, and when it was gone, by its pool; looked at every half
    second."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._lives: dict[str, tuple[str, float, float | None]] = {}
        self.ended = threading.Event()
        threading.Thread(target=self._look_on, daemon=True).start()

    def of(self, pool: str) -> list[tuple[float, float | None]]:
        """Births and ends; None: still there."""
        return [(born, gone) for owner, born, gone in list(self._lives.values()) if owner == pool]

    def _look_on(self) -> None:
        while not self.ended.wait(0.5):
            try:
                listed = self._lab.api.get("/apis/karpenter.sh/v1/nodeclaims")["items"]
            except OSError:
                continue  # A look that took too long: the next one sees the same.
            there = {item["metadata"]["name"]: item for item in listed}
            now = time.time()
            for name, item in there.items():
                born = datetime.datetime.fromisoformat(
                    item["metadata"]["creationTimestamp"]
                ).timestamp()
                self._lives.setdefault(
                    name, (item["metadata"]["labels"]["karpenter.sh/nodepool"], born, None)
                )
            for name, (pool, born, gone) in list(self._lives.items()):
                if gone is None and name not in there:
                    self._lives[name] = (pool, born, now)


def _run(lab: Lab, claims: Claims, profile: Traffic) -> Cost:
    name = key(profile)
    lab.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for manifest in manifests(profile):
        lab.api.apply(manifest, name)
    for replicas, seconds in profile.steps:
        lab.set_trigger(name, replicas * 10)
        wait_for(lambda wanted=replicas: wanted == 0 or running(lab, name) >= wanted)
        time.sleep(seconds)
    wait_for(lambda: all(gone for _, gone in claims.of(name)))
    lives = claims.of(name)
    for manifest in reversed(manifests(profile)):
        lab.api.delete(lab.api.path_of(manifest, name))
    estimated, hourly = estimate(profile)
    seen = sum(
        (meter("aws").billed(Decimal((gone or time.time()) - born)) for born, gone in lives),
        Decimal(0),
    )
    return Cost(profile, len(lives), estimated, seen, hourly)


def running(lab: Lab, namespace: str) -> int:
    return sum(
        pod["status"]["phase"] == "Running"
        for pod in lab.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    )


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + GIVE_UP
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.5)


def _bursts(steps: Sequence[tuple[int, int]], level: int) -> tuple[Burst, ...]:
    """The times in which so many replicas are needed; after the last one the week is idle."""
    ends = list(accumulate(seconds for _, seconds in steps))
    needed = [(end - steps[i][1], end) for i, end in enumerate(ends) if steps[i][0] >= level]
    joined: list[tuple[int, int]] = []
    for start, end in needed:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    following = [start for start, _ in joined[1:]] + [int(WEEK * 3600)]
    return tuple(
        Burst(Decimal(end - start), Decimal(after - end))
        for (start, end), after in zip(joined, following, strict=True)
    )


def _supply(profile: Traffic) -> Supply:
    items = {"apiVersion": "v1", "kind": "List", "items": manifests(profile)}
    settings = Settings(region={"aws": REGION})
    report = judge(
        (read("profile.json", json.dumps(items).encode()),),
        PriceBook(),
        settings,
        datetime.date(2026, 11, 24),
    )
    supplies = [
        entry.supply for entry in report.floor.entries if entry.kind == "pool" and entry.supply
    ]
    assert len(supplies) == 1, profile.name
    return supplies[0]


def key(profile: Traffic) -> str:
    return "cost-" + "".join(c if c.isalnum() else "-" for c in profile.name.lower())[:50].strip(
        "-"
    )


def manifests(profile: Traffic) -> list[Manifest]:
    name = key(profile)
    node_class = name if profile.boot_seconds else "default"
    requirements: list[Mapping[str, Any]] = [
        {
            "key": "node.kubernetes.io/instance-type",
            "operator": "In",
            "values": [profile.instance_type],
        },
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [profile.market]},
    ]
    pool = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {
            "template": {
                "spec": {
                    "nodeClassRef": {
                        "group": "karpenter.kwok.sh",
                        "kind": "KWOKNodeClass",
                        "name": node_class,
                    },
                    "requirements": requirements,
                    "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
                    "expireAfter": "Never",
                }
            },
            "disruption": {
                "consolidationPolicy": "WhenEmpty",
                "consolidateAfter": f"{CONSOLIDATE}s",
                "budgets": [{"nodes": "100%"}],
            },
        },
    }
    container = {
        "name": "c",
        "image": "registry.invalid/x:1",
        "resources": {"limits": {"nvidia.com/gpu": "1"}},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}},
                "spec": {
                    "nodeSelector": {"karpenter.sh/nodepool": name},
                    "tolerations": [
                        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
                    ],
                    "terminationGracePeriodSeconds": 1,
                    "containers": [container],
                },
            },
        },
    }
    metadata = {
        "url": f"http://127.0.0.1:{TRIGGER_PORT}/v/{name}",
        "valueLocation": "value",
        "targetValue": "10",
    }
    scaler = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "app"},
        "spec": {
            "scaleTargetRef": {"name": "app"},
            "pollingInterval": 1,
            "cooldownPeriod": COOLDOWN,
            "minReplicaCount": 0,
            "maxReplicaCount": 3,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {"scaleDown": {"stabilizationWindowSeconds": COOLDOWN}}
                }
            },
            "triggers": [{"type": "metrics-api", "metadata": metadata}],
        },
    }
    if not profile.boot_seconds:
        return [pool, deployment, scaler]
    boots = {"nodeRegistrationDelay": f"{profile.boot_seconds}s"}
    return [
        {
            "apiVersion": "karpenter.kwok.sh/v1alpha1",
            "kind": "KWOKNodeClass",
            "metadata": {"name": name},
            "spec": boots,
        },
        pool,
        deployment,
        scaler,
    ]
