"""What the book knows of one item, in every region and market, each price with its source and
date."""

from __future__ import annotations

from zerofloor.money import Money
from zerofloor.prices import embedded
from zerofloor.prices.book import SAGEMAKER, Key, Missing, Price, PriceBook, normal, region_of
from zerofloor.prices.managed import PROVIDERS

_CLOUDS = ("aws", "azure", "gcp")


def show(book: PriceBook, item: str, region: str | None = None) -> tuple[Price, ...]:
    """The prices that a run would use for a type, a residual, or a managed service's GPU, by cloud,
    region and market; empty
    where there is none.

    A `region` (or zone) narrows it to that region. The prices are those that `PriceBook.find`
    gives: where several sources
    have one, the user's own goes before live ones and those before the snapshot.
    """
    name = item.removeprefix("ml.").lower()
    of_sagemaker = item.startswith("ml.")
    own = {key for table in (book.overrides, book.live) for key in table if key.item == name}
    keys = {key for key in own if key.service == SAGEMAKER} if of_sagemaker else own
    for cloud in () if of_sagemaker else _CLOUDS:
        for of_region, market, _ in embedded.machine_rows(cloud, name):
            keys.add(normal(Key(cloud, name, of_region, market)))
    keys |= {
        Key(cloud, name, of_region)
        for cloud, of_item, of_region in embedded.residual_rows()
        if of_item == name
    }
    if of_sagemaker:
        keys |= {
            Key("aws", name, row.product, service=SAGEMAKER)
            for row in embedded.managed_rows(embedded.SAGEMAKER)
            if row.gpu == f"ml.{name}"
        }
    if region is not None:
        keys = {key for key in keys if key.region in (region_of(key.cloud, region), "*")}
    found = (book.find(key) for key in sorted(keys))
    return tuple(price for price in found if not isinstance(price, Missing)) + (
        () if of_sagemaker else _managed(name)
    )


def _managed(gpu: str) -> tuple[Price, ...]:
    """What managed services ask for this GPU; they have no regions."""
    return tuple(
        Price(
            Key(provider, row.gpu, "*", service=row.product),
            Money(row.usd),
            "GPU and hour",
            row.source,
            row.as_of,
            "snapshot",
        )
        for provider in sorted(PROVIDERS)
        for row in embedded.managed_rows(provider)
        if row.gpu.lower() == gpu
    )
