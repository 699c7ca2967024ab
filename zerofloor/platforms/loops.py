"""Scaling loops: what a scaler measures, how often it looks, and how fast it moves a count.

`check` needs only what a scaler keeps; a simulation needs the loop. Read on demand, by URN.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from zerofloor.capacity import Undecided
from zerofloor.structs import Value


class Measure(StrEnum):
    """What a scaler's number counts, among what a trace of requests tells."""

    CONCURRENCY = "concurrency"
    """Requests that wait or are being answered."""
    WAITING = "waiting"
    """Requests that wait."""
    RATE = "rate"
    """Requests a second."""


class Signal(Value, frozen=True, kw_only=True):
    """One metric of a scaler."""

    path: str
    """Where it is declared."""
    measure: Measure
    target: float
    """What one replica is meant for."""
    activation: float = 0.0
    """Active above it (KEDA: 0 to 1 and back)."""
    window: float = 0.0
    """Seconds over which it is averaged; 0: as it is at the moment."""
    is_ratio: bool = False
    """True for a metric of type Value: the replicas are scaled by metric over target."""
    is_share: bool = False
    """True where the target is a share of what one replica can serve."""
    because: str = ""
    """What is assumed of it, as a sentence without a full stop; empty where the platform says so
    itself."""


class Policy(Value, frozen=True):
    """How much may change in a period."""

    is_percent: bool
    amount: float
    period: float
    """Seconds."""


class Rules(Value, frozen=True, kw_only=True):
    """One direction of a HorizontalPodAutoscaler's behavior."""

    window: float
    """Seconds of stabilisation."""
    policies: tuple[Policy, ...] = ()
    """None: any change at once."""
    takes_least: bool = False
    """selectPolicy Min: the policy that allows least counts, else the one that allows most."""
    is_off: bool = False
    """selectPolicy Disabled."""


UP: Final = Rules(window=0.0, policies=(Policy(True, 100.0, 15.0), Policy(False, 4.0, 15.0)))
"""The default behavior.scaleUp (Kubernetes docs, "Horizontal Pod Autoscaling", default
behavior)."""
DOWN: Final = Rules(window=300.0, policies=(Policy(True, 100.0, 15.0),))
"""The default behavior.scaleDown."""


class Window(Value, frozen=True, kw_only=True):
    """Hours in which a schedule wants replicas, whatever is asked of them."""

    path: str
    """Where it is declared."""
    start: str
    end: str
    """Cron expressions: it is open from a start until the next end."""
    timezone: str
    """An IANA name."""
    replicas: int


class Loop(Value, frozen=True, kw_only=True):
    """A scaler as it acts."""

    urn: str
    kind: str
    """ScaledObject, HorizontalPodAutoscaler, Fireworks deployment, …"""
    minimum: int
    maximum: int
    signals: tuple[Signal, ...]
    windows: tuple[Window, ...] = ()
    idle: int | None = None
    """KEDA's idleReplicaCount; None: not set."""
    poll: float
    """Seconds between two looks at whether it is active."""
    cooldown: float | None
    """Seconds without activity until the last replica goes; None: it never goes to zero."""
    sync: float
    """Seconds between two looks at how many replicas are wanted."""
    tolerance: float = 0.1
    """A metric this near to its target changes nothing."""
    up: Rules = UP
    down: Rules = DOWN
    refuses_at_zero: bool = False
    """True where a request at zero replicas gets an error at once; else it waits."""
    hold_limit: float | None = None
    """Seconds after which a waiting request gets an error; None: it waits until it is answered."""
    limit: int | None = None
    """Requests that a replica takes at a time at most, where that is declared."""
    wakes_on_request: bool = False
    """True where a request itself starts the first replica, at once."""
    assumptions: tuple[str, ...] = ()
    """What it rests on beyond the declaration, each a sentence without a full stop."""
    undecided: tuple[Undecided, ...] = ()
    """Why it can't be played."""
