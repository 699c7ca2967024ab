"""Floors built by hand, for tests of the money alone."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from zerofloor.capacity import WEEK, Market
from zerofloor.cost.estimate import Estimate
from zerofloor.cost.reckon import estimate
from zerofloor.estate import estate
from zerofloor.floor.result import Entry, EntryKind, Floor, Supply, Verdict
from zerofloor.hardware.instances import Shape, lookup
from zerofloor.prices.book import PriceBook, open_book
from zerofloor.settings import Settings
from zerofloor.settings import parse as settings_of
from zerofloor.stack import Resource, Stack

TODAY = datetime.date(2026, 11, 24)


def supply(
    *types: str,
    cloud: str = "aws",
    region: str | None = "us-east-1",
    market: Market = Market.ON_DEMAND,
    price_as: str | None = None,
    nodes: int = 1,
    hours: str | int | None = None,
    desired: int | None = None,
    ceiling: int | None = 4,
    tail: int = 0,
    overlap: int = 0,
) -> Supply:
    """Nodes of these types; `hours` are those of a week in which the floor's nodes are there,
    `tail` is in seconds."""
    node_hours = nodes * (WEEK if hours is None else Decimal(hours))
    at_creation = nodes if desired is None else desired
    shapes = tuple(shape(cloud, one) for one in types)
    return Supply(
        cloud,
        shapes,
        market,
        region,
        price_as,
        nodes,
        node_hours,
        at_creation,
        ceiling,
        Decimal(tail),
        overlap,
    )


def shape(cloud: str, instance_type: str) -> Shape:
    """The type as the tables know it; a managed service's GPU as one GPU (`2x H100 80GB`: two)."""
    found = lookup(cloud, instance_type)
    if found is None:
        number, _, name = instance_type.rpartition("x ")
        found = Shape(cloud, name, Decimal(number or 1), name)
    return found


def urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::aws:eks/nodeGroup:NodeGroup::{name}"


def floor(supplies: Mapping[str, Supply]) -> Floor:
    """One pool for each supply."""
    entries = tuple(
        Entry(
            urn(name),
            EntryKind.POOL,
            name,
            "EKS managed node group",
            Verdict.HELD,
            Decimal(1),
            one.nodes,
            WEEK,
            (),
            supply=one,
        )
        for name, one in sorted(supplies.items())
    )
    return Floor(Verdict.HELD, Decimal(1), 1, entries)


def cost(
    *supplies: Supply,
    named: Mapping[str, Supply] | None = None,
    settings: Mapping[str, Any] | None = None,
    book: PriceBook | None = None,
    today: datetime.date = TODAY,
) -> Estimate:
    """What these supplies cost, as pools `p0`, `p1`, … or by their names."""
    pools = {f"p{number}": one for number, one in enumerate(supplies)} | dict(named or {})
    given = settings_of(dict(settings or {}), "test") if settings else Settings()
    return estimate(floor(pools), estate((), given), book or open_book(), today)


def stack(*resources: Resource, config: Mapping[str, str] | None = None) -> Stack:
    return Stack(
        "digest",
        tuple(sorted(resources, key=lambda one: one.urn)),
        "shop",
        "dev",
        config or {"aws:region": "us-east-1"},
    )


def resource(
    kind: str,
    name: str,
    inputs: Mapping[str, Any],
    dependencies: Mapping[str, Iterable[str]] | None = None,
    op: str = "create",
) -> Resource:
    links = {prop: tuple(urns) for prop, urns in (dependencies or {}).items()}
    return Resource(
        f"urn:pulumi:dev::shop::{kind}::{name}",
        kind,
        name,
        inputs,
        op=op,
        property_dependencies=links,
    )
