"""What residuals and the disks of GPU nodes cost: a line of the estimate, or the gap that a missing
price leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.cost.choice import set_region
from zerofloor.cost.estimate import Figure, Gap, Item
from zerofloor.cost.residuals import NODE, Need
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.prices.book import HOUR, MONTH, Key, Missing, Price, PriceBook
from zerofloor.prices.embedded import LIST_REGION
from zerofloor.words import dollars

Nodes = Mapping[Figure, Decimal]
"""Nodes on an average hour, by figure."""

FIGURES: Final = (Figure.FLOOR, Figure.DESIRED, Figure.EXPECTED, Figure.CEILING)
"""The figures of GPU nodes, in the order of reports."""


def price_need(need: Need, book: PriceBook) -> Item | Gap:
    """A residual as a line, or as the gap that its missing price leaves."""
    if not need.item or not need.cloud:
        why = "the price book has no price for it" if need.cloud else "its cloud is unknown"
        return _gap(need, why)
    if need.quantity is None:
        return _gap(need, need.unsized, need.settle)
    if need.region is None:
        beside = _listed(need, book)
        return _gap(need, "its region is unknown", set_region(need.cloud), beside)
    key = Key(need.cloud, need.item, need.region, need.market)
    price = book.find(key)
    if isinstance(price, Missing):
        return _gap(need, price.why, price.settle, _listed(need, book))
    money, monthly = hourly(price)
    listed = book.list_price(key, price)
    return Item(
        urn=need.urn,
        what=f"{need.what} in {need.region}",
        quantity=need.quantity,
        unit=need.unit if price.unit in (HOUR, MONTH) else price.unit.removesuffix("-month"),
        price=money,
        source=price.source,
        as_of=price.as_of,
        counts_in=(Figure.RESIDUAL,),
        listed_monthly=monthly,
        listed=None if listed is None else hourly(listed)[0],
    )


def price_with_nodes(need: Need, nodes: Nodes, book: PriceBook) -> Iterator[Item | Gap]:
    """What bills with GPU nodes, in the figures in which they run.

    The disk of a machine bills in each figure, and is a residual where the machine is stopped.
    Without a price it marks the residual, with all else that bills beside GPU nodes: next to a
    GPU's price a disk's is small.
    """
    if need.follows == "machine" and not nodes.get(Figure.FLOOR):
        yield price_need(need, book)
        return
    if not any(nodes.values()):
        return
    found = price_need(need, book)
    if isinstance(found, Gap):
        yield replace(found, lacks=(Figure.RESIDUAL,) if nodes.get(Figure.FLOOR) else ())
        return
    quantities: dict[Decimal, list[Figure]] = {}
    for figure in FIGURES:
        if figure in nodes:
            share = Decimal(1) if need.follows == "machine" else nodes[figure]
            quantities.setdefault(found.quantity * share, []).append(figure)
    for quantity, figures in quantities.items():
        if quantity:
            yield replace(found, quantity=quantity, counts_in=tuple(figures))


def added(lines: Iterable[Nodes]) -> Nodes:
    """The nodes of several lines together."""
    total: dict[Figure, Decimal] = {}
    for nodes in lines:
        for figure, number in nodes.items():
            total[figure] = total.get(figure, Decimal(0)) + number
    return total


def hourly(price: Price) -> tuple[Money, bool]:
    """A price by the month as one by the hour, and whether it was one."""
    monthly = price.unit.endswith("month")
    return divided(price.money, HOURS_PER_MONTH) if monthly else price.money, monthly


def divided(money: Money, by: Decimal) -> Money:
    return Money(money.amount / by, money.currency)


def elsewhere(price: Price, quantity: Decimal = Decimal(1)) -> str:
    """A price that is shown beside a missing one and counts nowhere."""
    money, _ = hourly(price)
    return f"{price.key.market} in {price.key.region}: {_small(money * quantity)}/h"


def some(names: Sequence[str]) -> str:
    """The first three of a list."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _listed(need: Need, book: PriceBook) -> str:
    """What it would be in the region of the price list; empty where that has no price either."""
    listed = book.find(Key(need.cloud, need.item, LIST_REGION[need.cloud], need.market))
    if isinstance(listed, Missing):
        return ""
    return elsewhere(listed, need.quantity or Decimal(1))


def _gap(need: Need, why: str, settle: str = "", beside: str = "") -> Gap:
    return Gap(
        urn=need.urn,
        what=need.what,
        why=why,
        settle=settle,
        blocks=False,
        lacks=(Figure.RESIDUAL,),
        is_node=need.unit == NODE,
        elsewhere=beside,
    )


def _small(money: Money) -> str:
    if money.amount >= 1:
        return dollars(money)
    unit = "$" if money.currency == "USD" else f"{money.currency} "
    return f"{unit}{money.amount:.4f}"
