"""Node-hours of a week under a declared traffic profile: busy time, idle tails and cold starts,
never below the floor."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from zerofloor.capacity import WEEK
from zerofloor.cost.billing import Billing
from zerofloor.errors import InputError
from zerofloor.settings import Traffic
from zerofloor.structs import Value
from zerofloor.values import MOST

if TYPE_CHECKING:
    from zerofloor.floor.result import Supply

HOUR: Final = Decimal(3600)
"""Seconds in an hour."""

BUSY_HOURS_A_DAY: Final = Decimal(8)
"""Where only the busy hours of a week are declared, so many make a day, and each day is one burst
(seven at most)."""


class Burst(Value, frozen=True):
    """Seconds in a row in which a node is needed, and the idle seconds until the next such row."""

    busy: Decimal
    gap: Decimal
    times: int = 1
    """How often a week."""


class Layer(Value, frozen=True):
    """Nodes that are needed at the same times."""

    nodes: int
    bursts: tuple[Burst, ...]


Profile = tuple[Layer, ...]
"""A week's traffic as nodes: the first layer is needed most often, each further one on top of those
before."""


def profile(traffic: Traffic) -> Profile | None:
    """The declared traffic; None where none is declared.

    Requests per second become nodes by `requests_per_second_per_replica`, one replica a node;
    without it any request at all means one node. Busy hours need `replicas`, one by default.
    InputError where that is more than MOST.
    """
    if traffic.requests_per_second is not None:
        return _by_hour(traffic.requests_per_second, traffic.requests_per_second_per_replica)
    busy = traffic.busy_hours_per_week
    if busy is None:
        return None
    if busy == 0:
        return ()
    days = min(Decimal(7), (busy / BUSY_HOURS_A_DAY).to_integral_value(ROUND_CEILING))
    times = traffic.bursts_per_week or int(days)
    replicas = traffic.replicas or 1
    return (Layer(replicas, (Burst(busy * HOUR / times, (WEEK - busy) * HOUR / times, times),)),)


def most_replicas(traffic: Profile) -> int:
    """Replicas at the busiest time of the week."""
    return sum(layer.nodes for layer in traffic)


def node_hours(supply: Supply, traffic: Profile, meter: Billing, start_seconds: Decimal) -> Decimal:
    """Node-hours on a week's bill, from the floor to the ceiling.

    Each node beyond those that are always there bills its busy time, then its idle tail (the whole
    gap where the next burst
    comes sooner), and a cold start of `start_seconds` where the gap was longer. A schedule's hours
    count as busy ones.
    """
    always = int(supply.node_hours_per_week // WEEK)
    hours = always * WEEK
    below = 0
    for layer in traffic:
        top = (
            below + layer.nodes
            if supply.ceiling is None
            else min(below + layer.nodes, supply.ceiling)
        )
        nodes = max(0, top - max(below, always))
        hours += nodes * _billed(layer.bursts, supply.idle_tail, meter, start_seconds) / HOUR
        below += layer.nodes
    hours = max(supply.node_hours_per_week, hours)
    return (
        hours
        if supply.ceiling is None
        else min(hours, max(supply.node_hours_per_week, supply.ceiling * WEEK))
    )


def _billed(bursts: tuple[Burst, ...], tail: Decimal, meter: Billing, start: Decimal) -> Decimal:
    """Seconds of a week that one node bills; it starts anew only after a gap that its tail did not
    bridge."""
    week = WEEK * HOUR
    running = sum(
        ((burst.busy + min(burst.gap, tail)) * burst.times for burst in bursts), Decimal(0)
    )
    restarts = sum(burst.times for burst in bursts if burst.gap > tail)
    if restarts == 0:
        return week if bursts else Decimal(0)
    starting = Decimal(0) if meter.from_ready else start
    return min(week, meter.billed(running / restarts + starting) * restarts)


def _by_hour(rates: tuple[Decimal, ...], per_replica: Decimal | None) -> Profile:
    levels = [_nodes(rate, per_replica) for rate in rates]
    if max(levels) > MOST:
        raise InputError(
            f"traffic: requestsPerSecond divided by requestsPerSecondPerReplica is above {MOST:,}"
        )
    steps = sorted({level for level in levels if level})
    return tuple(
        Layer(level - below, _runs([one >= level for one in levels]))
        for below, level in pairwise([0, *steps])
    )


def _nodes(rate: Decimal, per_replica: Decimal | None) -> int:
    if rate == 0:
        return 0
    return 1 if per_replica is None else int((rate / per_replica).to_integral_value(ROUND_CEILING))


def _runs(needed: list[bool]) -> tuple[Burst, ...]:
    """The runs of needed hours (there is one at least), the week read as a circle."""
    if all(needed):
        return (Burst(len(needed) * HOUR, Decimal(0)),)
    first = next(hour for hour, on in enumerate(needed) if on and not needed[hour - 1])
    runs: list[Burst] = []
    busy = gap = 0
    for on in needed[first:] + needed[:first]:
        if on and gap:
            runs.append(Burst(busy * HOUR, gap * HOUR))
            busy = gap = 0
        busy, gap = (busy + 1, gap) if on else (busy, gap + 1)
    return (*runs, Burst(busy * HOUR, gap * HOUR))
