"""The order in which instance types are tried: cheapest first by one list, so that no verdict waits
for a region."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from zerofloor.capacity import Market
from zerofloor.hardware.instances import Shape
from zerofloor.prices.book import Key, Missing, PriceBook
from zerofloor.prices.embedded import LIST_REGION


def cheapest_first(
    shapes: Iterable[Shape], market: Market = Market.ON_DEMAND, book: PriceBook | None = None
) -> tuple[Shape, ...]:
    """The shapes by the price list of us-east-1 (us-central1, eastus), those without a price last,
    equal ones by name.

    Spot ranks by spot prices where each shape has one, else all by on-demand: two lists can't be
    compared with each other.
    `book` adds a user's own prices; None ranks by the embedded snapshot alone.
    """
    found = list(shapes)
    prices = book or PriceBook()
    if market is Market.SPOT and all(_listed(shape, market, prices) is not None for shape in found):
        by_market = Market.SPOT
    else:
        by_market = Market.ON_DEMAND

    def order(shape: Shape) -> tuple[bool, Decimal, str]:
        price = _listed(shape, by_market, prices)
        return price is None, price or Decimal(0), shape.instance_type

    return tuple(sorted(found, key=order))


def is_listed(shape: Shape) -> bool:
    """Whether the embedded snapshot has an on-demand price by which the shape is ranked."""
    return _listed(shape, Market.ON_DEMAND, PriceBook()) is not None


def _listed(shape: Shape, market: Market, book: PriceBook) -> Decimal | None:
    price = book.find(
        Key(shape.cloud, shape.instance_type, LIST_REGION.get(shape.cloud, ""), market)
    )
    return None if isinstance(price, Missing) else price.money.amount
