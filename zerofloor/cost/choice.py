"""What one node of a supply costs: one price where its type is settled, a range where the platform
may choose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from zerofloor.capacity import Market
from zerofloor.cost import google
from zerofloor.hardware.instances import Shape
from zerofloor.money import Money
from zerofloor.prices import managed
from zerofloor.prices.book import HOUR, Key, Missing, Price, PriceBook, normal
from zerofloor.prices.embedded import EVERYWHERE, LIST_REGION, ManagedRow
from zerofloor.structs import Value

if TYPE_CHECKING:
    from zerofloor.floor.result import Floor, Supply


class Option(Value, frozen=True):
    """A node that the platform may take, with its price an hour."""

    shape: Shape
    price: Price
    note: str = ""
    """What the price rests on, for `what`."""
    bounded: bool = False
    """True where the price is what it costs at most: a spot node without a spot price."""
    product: str = ""
    """The product of a managed service that it is priced as; empty where it has its own price."""
    parts: tuple[google.Part, ...] = ()
    """What the price is made of, where that is sold apart."""


class Choice(Value, frozen=True):
    """All that a node may be, the cheapest first; never empty."""

    options: tuple[Option, ...]
    without_price: tuple[str, ...] = ()
    """Types that it could also be and that have no price there, which mostly means that they are
    not sold there."""

    @property
    def bounded(self) -> bool:
        """Whether the cheapest costs that at most."""
        return self.cheapest.bounded

    @property
    def cheapest(self) -> Option:
        return self.options[0]

    @property
    def dearest(self) -> Option:
        return self.options[-1]

    @property
    def open(self) -> bool:
        return self.cheapest.price.money != self.dearest.price.money


class Unpriced(Value, frozen=True):
    """No node of the supply has a price."""

    why: str
    """What is missing, as a clause."""
    settle: str = ""
    """How to price it, as a clause; empty where there is nothing to set."""
    elsewhere: Price | None = None
    """A price of the same machine in another market or in us-east-1, where there is one: printed
    beside it, never counted."""


def choose(supply: Supply, book: PriceBook) -> Choice | Unpriced:
    """The nodes that this supply may be, with their prices; `Unpriced` where no price is known for
    any."""
    if not supply.cloud:
        return Unpriced(
            why="its node pool isn't in the documents",
            settle="run `zerofloor check --join` on this one and the one that declares the pool",
        )
    if not supply.shapes:
        return Unpriced(why="its instance type is unknown")
    if supply.cloud in managed.PROVIDERS:
        found = [(shape, _managed(shape, supply, book)) for shape in supply.shapes]
    elif supply.region is None and supply.cloud in LIST_REGION:
        return Unpriced(
            why="its region is unknown",
            settle=set_region(supply.cloud),
            elsewhere=_beside(supply, book),
        )
    else:
        place = supply.region or EVERYWHERE
        found = [(shape, _machine(shape, supply, place, book)) for shape in supply.shapes]
    options = [
        option for _, priced in found if not isinstance(priced, Missing) for option in priced
    ]
    missing = [(shape, priced) for shape, priced in found if isinstance(priced, Missing)]
    if missing and supply.market is Market.SPOT:
        without = replace(supply, shapes=tuple(shape for shape, _ in missing))
        bounded = _on_demand(without, book, SPOT_BOUND, is_bound=True)
        options += bounded
        priced_now = {option.shape.instance_type for option in bounded}
        missing = [pair for pair in missing if pair[0].instance_type not in priced_now]
    if not options:
        _, first = missing[0]
        return Unpriced(why=first.why, settle=first.settle, elsewhere=_beside(supply, book))
    if supply.market is Market.SPOT and supply.falls_back:
        options += _on_demand(supply, book, FALLBACK)
    options.sort(key=lambda option: (option.price.money, option.shape.instance_type, option.note))
    return Choice(tuple(options), tuple(shape.instance_type for shape, _ in missing))


def set_region(cloud: str) -> str:
    """How to settle the region of what runs in a cloud."""
    return (
        f"set `{_REGION_OF_A_STACK[cloud]}` of the stack, or `region: {{{cloud}: "
        f"{LIST_REGION[cloud]}}}` in zerofloor.yaml"
    )


_REGION_OF_A_STACK: Final = {
    "aws": "aws:region",
    "gcp": "gcp:region",
    "azure": "azure-native:location",
}
"""The configuration that says the region, by cloud."""


SPOT_BOUND: Final = "at most its on-demand price"
"""A spot price never exceeds the on-demand price (EC2 user guide, "Spot Instances"; Compute Engine,
"Spot VMs"; Azure, "Spot Virtual Machines": capped at the pay-as-you-go price)."""


FALLBACK: Final = "on-demand, where there are no spot nodes"


def _on_demand(
    supply: Supply, book: PriceBook, note: str, *, is_bound: bool = False
) -> tuple[Option, ...]:
    """What the same nodes cost on demand."""
    found = choose(replace(supply, market=Market.ON_DEMAND), book)
    if isinstance(found, Unpriced):
        return ()
    return tuple(replace(option, note=note, bounded=is_bound) for option in found.options)


def _machine(
    shape: Shape, supply: Supply, region: str, book: PriceBook
) -> tuple[Option, ...] | Missing:
    if supply.cloud == "gcp":
        found = google.price_node(shape, supply, region, book)
        if isinstance(found, Missing):
            return found
        return (Option(shape, found.price, note=found.note, parts=found.parts),)
    key = Key(
        supply.cloud, shape.instance_type, region, supply.market, supply.price_as or "", supply.os
    )
    price = book.find(key)
    return price if isinstance(price, Missing) else (Option(shape, price),)


def _managed(shape: Shape, supply: Supply, book: PriceBook) -> tuple[Option, ...] | Missing:
    key = Key(
        supply.cloud,
        shape.instance_type,
        supply.region or "*",
        supply.market,
        supply.price_as or "",
    )
    own = book.find(key)
    if not isinstance(own, Missing):
        return (Option(shape, own),)
    if supply.market is not Market.ON_DEMAND or shape.gpus is None or book.currency != "USD":
        return own
    rows = next(
        (
            rows
            for gpu in (shape.instance_type, shape.accelerator)
            if gpu and (rows := _rows(supply, gpu, shape))
        ),
        (),
    )
    if not rows:
        return own
    return tuple(
        Option(
            shape,
            Price(key, Money(row.usd * shape.gpus), HOUR, row.source, row.as_of, "snapshot"),
            note=f"as {row.product}",
            product=row.product,
        )
        for row in rows
    )


def _rows(supply: Supply, gpu: str, shape: Shape) -> tuple[ManagedRow, ...]:
    return managed.offers(supply.cloud, gpu, shape.gpus, supply.price_as)


def _listed_market(market: Market) -> Market:
    """The market in which AWS lists a price to put beside: reserved capacity has none."""
    match market:
        case Market.SPOT:
            return market
        case Market.ON_DEMAND | Market.RESERVED:
            return Market.ON_DEMAND
        case _:
            assert_never(market)


def _beside(supply: Supply, book: PriceBook) -> Price | None:
    """The first type's nearest price that is in the book: on demand in the region, else by the
    us-east-1 list."""
    if supply.cloud != "aws" or supply.price_as:
        return None
    first = supply.shapes[0].instance_type
    places = [
        (place, market)
        for place in (supply.region, "us-east-1")
        if place
        for market in (_listed_market(supply.market), Market.ON_DEMAND)
    ]
    prices = (book.find(Key("aws", first, place, market)) for place, market in places)
    return next((price for price in prices if not isinstance(price, Missing)), None)


def machine_keys(floor: Floor) -> tuple[Key, ...]:
    """The prices that live look-ups ask for: those of the floor's AWS machines in a known
    region."""
    keys: set[Key] = set()
    for entry in floor.entries:
        supply = entry.supply
        if supply is None or supply.cloud != "aws" or not supply.region or supply.price_as:
            continue
        market = _listed_market(supply.market)
        keys.update(
            normal(Key("aws", shape.instance_type, supply.region, market))
            for shape in supply.shapes
        )
    return tuple(sorted(keys))
