"""What a trace costs and how long its requests wait, under one setting or several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from zerofloor.capacity import WEEK
from zerofloor.cost.billing import Billing, meter
from zerofloor.cost.choice import Choice, Unpriced, choose
from zerofloor.floor.result import Supply
from zerofloor.money import Money
from zerofloor.prices.book import PriceBook
from zerofloor.simulation.fleet import Kind, Node
from zerofloor.simulation.play import Course
from zerofloor.simulation.queue import Floats
from zerofloor.simulation.service import Service
from zerofloor.structs import Value

HOUR: Final = Decimal(3600)
HELD: Final = 0.001
"""Seconds from which on a request counts as held."""


class Waits(Value, frozen=True, kw_only=True):
    """How long requests wait until their answer begins, in seconds."""

    p50: float
    p95: float
    p99: float
    most: float

    def at(self, share: str) -> float:
        """One of them by its name in options."""
        return {"p50": self.p50, "p95": self.p95, "p99": self.p99}.get(share, self.most)


class Line(Value, frozen=True, kw_only=True):
    """What bills, by the type of node."""

    what: str
    """`g6e.xlarge on-demand in us-east-1`."""
    node_hours: Decimal
    gpu_hours: Decimal | None
    """None where no table has the number of its GPUs."""
    hourly: Money | None
    """None where it is unpriced."""
    cost: Money | None
    source: str
    """Where the price is from; why there is none where it is unpriced."""
    as_of: str = ""


class Outcome(Value, frozen=True, kw_only=True):
    """One setting."""

    settings: tuple[tuple[str, str], ...]
    """Name and value of what `--set` varies; empty: as declared."""
    requests: int
    held: int
    """Requests that waited."""
    refused: int
    """Requests that got an error, and those that nothing would ever have answered."""
    waits: Waits
    """Of all answered requests."""
    held_waits: Waits
    """Of those that waited."""
    cold_starts: int
    replicas_started: int
    lines: tuple[Line, ...]
    others: tuple[Line, ...]
    """What else of the stack bills without a request, over the same time."""
    nodes: int
    """Nodes that ran, one after the other or at once."""
    floor_nodes: int
    """Nodes that stay without a request."""

    @property
    def node_hours(self) -> Decimal:
        return sum((line.node_hours for line in self.lines), Decimal(0))

    @property
    def gpu_hours(self) -> Decimal:
        """Of those whose GPUs are known."""
        return sum((line.gpu_hours or Decimal(0) for line in self.lines), Decimal(0))

    @property
    def cost(self) -> Money | None:
        """None where a part of it is unpriced."""
        return total(self.lines)

    def longest(self, share: str) -> float:
        """Seconds that requests wait, by a percentile or at most; refused ones wait endlessly."""
        if share == "max":
            return float("inf") if self.refused else self.waits.most
        allowed = {"p50": 0.5, "p95": 0.05, "p99": 0.01}[share]
        return float("inf") if self.refused > allowed * self.requests else self.waits.at(share)


def total(lines: Iterable[Line]) -> Money | None:
    """The cost of all lines; None where one is unpriced."""
    summed: Money | None = None
    for line in lines:
        if line.cost is None:
            return None
        summed = line.cost if summed is None else summed + line.cost
    return Money(Decimal(0)) if summed is None else summed


def outcome(
    settings: Sequence[tuple[str, str]],
    service: Service,
    course: Course,
    hours: Decimal,
    book: PriceBook,
) -> Outcome:
    """What a course costs over so many hours from its beginning."""
    held = course.waits[course.waits >= HELD]
    return Outcome(
        settings=tuple(settings),
        requests=len(course.waits) + course.refused + course.unanswered,
        held=len(held),
        refused=course.refused + course.unanswered,
        waits=_waits(course.waits),
        held_waits=_waits(held),
        cold_starts=course.cold_starts,
        replicas_started=course.started,
        lines=tuple(_lines(service, course.nodes, hours, book)),
        others=tuple(_others(service, hours, book)),
        nodes=sum(1 for node in course.nodes if node.launched < hours * HOUR),
        floor_nodes=service.floor_nodes,
    )


def _waits(waits: Floats) -> Waits:
    if not len(waits):
        return Waits(p50=0.0, p95=0.0, p99=0.0, most=0.0)
    found = np.percentile(waits, [50, 95, 99, 100], method="inverted_cdf")
    p50, p95, p99, most = (round(float(value), 3) for value in found)
    return Waits(p50=p50, p95=p95, p99=p99, most=most)


def _lines(
    service: Service, nodes: Sequence[Node], hours: Decimal, book: PriceBook
) -> Iterator[Line]:
    seconds = billed_seconds(service.supplies, nodes, float(hours * HOUR))
    for kind, billed in seconds.items():
        yield _line(service.supplies[kind], billed / HOUR, book)


def billed_seconds(
    supplies: Mapping[Kind, Supply], nodes: Iterable[Node], until: float
) -> Mapping[Kind, Decimal]:
    """Seconds on the bill by kind of node, up to a moment."""
    found: dict[Kind, Decimal] = {}
    for node in nodes:
        bill = meter(supplies[node.kind].cloud)
        found[node.kind] = found.get(node.kind, Decimal(0)) + _billed(node, bill, until)
    return found


def _billed(node: Node, bill: Billing, until: float) -> Decimal:
    begin = node.first_ready if bill.from_ready else node.launched
    end = min(node.gone, until)
    seconds = end - begin
    if node.gone > until:
        # It goes on running: no step is rounded up yet.
        return Decimal(repr(round(max(0.0, seconds), 6)))
    return bill.billed(Decimal(repr(round(seconds, 6)))) if seconds > 0 else Decimal(0)


def _line(supply: Supply, node_hours: Decimal, book: PriceBook) -> Line:
    shape = supply.shapes[0] if supply.shapes else None
    gpus = shape.gpus if shape is not None else None
    where = f" in {supply.region}" if supply.region else ""
    name = shape.instance_type if shape is not None else "a node of unknown type"
    choice = choose(supply, book)
    priced = _priced(choice)
    return Line(
        what=f"{name} {supply.market}{where}" + (f", {priced.note}" if priced.note else ""),
        node_hours=node_hours,
        gpu_hours=None if gpus is None else node_hours * gpus,
        hourly=priced.hourly,
        cost=None if priced.hourly is None else priced.hourly * node_hours,
        source=priced.source,
        as_of=priced.as_of,
    )


class _Priced(Value, frozen=True):
    hourly: Money | None
    source: str
    as_of: str = ""
    note: str = ""


def _priced(choice: Choice | Unpriced) -> _Priced:
    if isinstance(choice, Unpriced):
        settle = f" ({choice.settle})" if choice.settle else ""
        return _Priced(None, f"{choice.why}{settle}")
    price = choice.cheapest.price
    note = choice.cheapest.note
    if choice.open:
        note = f"{note}, the cheapest of several offers".removeprefix(", ")
    return _Priced(price.money, price.source, price.as_of, note)


def _others(service: Service, hours: Decimal, book: PriceBook) -> Iterator[Line]:
    """What else bills in the stack, over the same time."""
    for supply in service.others:
        if supply.node_hours_per_week:
            yield _line(supply, supply.node_hours_per_week / WEEK * hours, book)
    if service.other_nodes:
        supply = next(iter(service.supplies.values()))
        yield _line(supply, service.other_nodes / WEEK * hours, book)
