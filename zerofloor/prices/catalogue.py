"""What the price book has: its items with their range of prices, found by a part of the name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from zerofloor.prices import embedded
from zerofloor.prices.book import SAGEMAKER, PriceBook
from zerofloor.prices.managed import PROVIDERS
from zerofloor.structs import Value

CLOUDS: Final = ("aws", "azure", "gcp")


class Listed(Value, frozen=True, kw_only=True):
    """An item of the book."""

    cloud: str
    """Or the managed service that sells it."""
    item: str
    unit: str
    cheapest: Decimal
    most_expensive: Decimal
    currency: str
    places: int
    """Regions, or products of a managed service, in which it has a price."""
    oldest: str
    """The date of its oldest price; `unknown` where one has none."""


class _Row(Value, frozen=True):
    cloud: str
    item: str
    unit: str
    place: str
    amount: Decimal
    currency: str
    as_of: str


def listed(book: PriceBook, cloud: str | None = None) -> tuple[Listed, ...]:
    """Every item, by cloud and name; a `cloud` (or managed service) narrows it."""
    found: dict[tuple[str, str, str, str], list[_Row]] = {}
    for row in _rows(book):
        if cloud is None or row.cloud == cloud.lower():
            found.setdefault((row.cloud, row.item, row.unit, row.currency), []).append(row)
    return tuple(_listed(rows) for _, rows in sorted(found.items()))


def find(book: PriceBook, text: str) -> tuple[Listed, ...]:
    """The items in whose name this text is, in any case."""
    wanted = text.lower()
    return tuple(one for one in listed(book) if wanted in one.item.lower())


def near(book: PriceBook, text: str) -> list[str]:
    """Names that are spelled much like it, the nearest first."""
    names = {one.item.lower(): one.item for one in listed(book)}
    wanted = text.lower()
    containing = [name for name in sorted(names) if wanted in name][:3]
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    words = [name for name in sorted(names) if all(word in name for word in wanted.split())][:3]
    return [names[name] for name in dict.fromkeys((*containing, *close, *words))][:3]


def _listed(rows: list[_Row]) -> Listed:
    first = rows[0]
    dates = [row.as_of for row in rows]
    return Listed(
        cloud=first.cloud,
        item=first.item,
        unit=first.unit,
        cheapest=min(row.amount for row in rows),
        most_expensive=max(row.amount for row in rows),
        currency=first.currency,
        places=len({row.place for row in rows}),
        oldest="unknown" if "unknown" in dates else min(dates),
    )


def _rows(book: PriceBook) -> Iterator[_Row]:
    for table in (book.overrides, book.live):
        for key, price in table.items():
            item = f"ml.{key.item}" if key.service == SAGEMAKER else key.item
            money = price.money
            yield _Row(
                key.cloud, item, price.unit, key.region, money.amount, money.currency, price.as_of
            )
    for cloud, item, region, row in embedded.all_machine_rows():
        yield _Row(cloud, item, row.unit, region, row.usd, "USD", row.as_of)
    for (cloud, item, region), row in embedded.residual_rows(named=True).items():
        yield _Row(cloud, item, row.unit, region, row.usd, "USD", row.as_of)
    for provider in _providers():
        for managed in embedded.managed_rows(provider):
            cloud = "aws" if provider == embedded.SAGEMAKER else provider
            unit = "hour" if provider == embedded.SAGEMAKER else "GPU and hour"
            yield _Row(cloud, managed.gpu, unit, managed.product, managed.usd, "USD", managed.as_of)


def _providers() -> Iterable[str]:
    return (*sorted(PROVIDERS), embedded.SAGEMAKER)
