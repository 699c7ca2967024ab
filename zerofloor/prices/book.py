"""The price book: every price with its currency, region, market, unit, source and date; what is not
in it is missing, never another's."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias

import msgspec

from zerofloor.capacity import Market
from zerofloor.money import Money
from zerofloor.prices import azure, embedded, regions
from zerofloor.structs import Value

Origin = Literal["override", "live", "snapshot"]
"""Where a price was found, in the order in which they are asked."""

HOUR: Final = "hour"
MONTH: Final = "month"
SAGEMAKER: Final = "sagemaker"
"""The service of SageMaker's instances."""


class Key(Value, frozen=True, order=True):
    """What a price is for."""

    cloud: str
    item: str
    """An instance type, or the name of a residual (`NAT gateway`)."""
    region: str
    market: Market = Market.ON_DEMAND
    service: str = ""
    """The service that sells it (`sagemaker`); empty: the cloud's plain machine."""
    os: str = "linux"


class Price(Value, frozen=True):
    """What one unit of an item costs."""

    key: Key
    money: Money
    unit: str
    """hour, GB-month, …: what one `money` buys."""
    source: str
    as_of: str
    """The price's own date; `unknown` where its source had none."""
    origin: Origin


class Missing(Value, frozen=True):
    """There is no such price."""

    key: Key
    why: str
    """What is missing, as a clause."""
    settle: str = ""
    """How to price it, as a clause; empty where there is nothing to set."""


Table: TypeAlias = Mapping[Key, Price]


class PriceBook(Value, frozen=True):
    """Prices by their sources, asked in this order: the user's own, live ones, the embedded
    snapshot."""

    overrides: Table = msgspec.field(default_factory=dict)
    live: Table = msgspec.field(default_factory=dict)
    live_as_of: str = ""
    """When the live prices were fetched; empty without them."""
    currency: str = "USD"
    """All sums are in this currency; a price in another one can't be used."""
    snapshot_as_of: str = msgspec.field(default_factory=embedded.gathered)
    """The day on which the embedded snapshot was gathered."""

    @property
    def snapshot(self) -> str:
        """sha256 of the embedded snapshot."""
        return embedded.snapshot_hash()

    def list_price(self, key: Key, price: Price) -> Price | None:
        """What the list says for something that the user has a price of their own for; reserved
        capacity beside its on-demand price. None where the list has none in this currency."""
        if price.origin != "override" or price.money.currency != "USD":
            return None
        market = Market.ON_DEMAND if key.market is Market.RESERVED else key.market
        wanted = replace(normal(key), market=market)
        found = self.live.get(wanted) or _snapshot_price(wanted)
        return None if found is None or found.unit != price.unit else found

    def find(self, key: Key) -> Price | Missing:
        """The price of exactly this item, region, market, service and OS; an override for region
        `*` holds in every region."""
        wanted = normal(key)
        anywhere = Key(wanted.cloud, wanted.item, "*", wanted.market, wanted.service, wanted.os)
        found = (
            self.overrides.get(wanted)
            or self.overrides.get(anywhere)
            or self.live.get(wanted)
            or _snapshot_price(wanted)
        )
        if found is None:
            doubt = regions.doubt_of(wanted.cloud, wanted.region)
            if doubt:
                return Missing(
                    key, f"{_why_missing(key)} ({doubt})", f"correct the region, or {SETTLE}"
                )
            return Missing(key, _why_missing(key), SETTLE)
        if found.money.currency != self.currency:
            return Missing(
                key,
                f"its price is in {found.money.currency} and this book counts in {self.currency}",
            )
        return found


def open_book(
    overrides: Table | None = None, live: Table | None = None, live_as_of: str = ""
) -> PriceBook:
    """A book over the snapshot. Its currency is that of the overrides (`override.load` accepts one
    per file), else USD."""
    own = overrides or {}
    currency = next((price.money.currency for price in own.values()), "USD")
    return PriceBook(own, live or {}, live_as_of, currency)


def normal(key: Key) -> Key:
    """The key as the tables spell it: types and regions in lower case, a zone as its region, `East
    US` as `eastus`."""
    return Key(
        key.cloud.lower(),
        key.item.lower(),
        region_of(key.cloud, key.region),
        key.market,
        key.service.lower(),
        key.os.lower(),
    )


def region_of(cloud: str, place: str) -> str:
    """The region of a region, zone or location name."""
    name = place.strip().lower()
    if cloud == "azure":
        return name.replace(" ", "")
    if cloud == "aws" and re.fullmatch(r"[a-z]{2}(-[a-z0-9]+)+-\d[a-z]", name):
        return name[:-1]
    if cloud == "gcp" and re.fullmatch(r"[a-z]+-[a-z]+\d+-[a-z]", name):
        return name[:-2]
    return name


SETTLE: Final = "put a price of your own into the file that `prices` in zerofloor.yaml names"

OLD_AFTER_DAYS: Final = 90
"""From this age on the snapshot is worth a warning."""


def snapshot_age(gathered: str, today: datetime.date) -> int:
    """Days since the snapshot was gathered (never negative)."""
    return max(0, (today - datetime.date.fromisoformat(gathered)).days)


def day_of(as_of: str) -> datetime.date | None:
    """The day that a price's date may mean at the earliest (`2026-07` is its first); None where it
    has none."""
    parts = as_of.split("-")
    try:
        year, month, day = (int(part) for part in (*parts, *("1", "1")[len(parts) - 1 :]))
        return datetime.date(year, month, day)
    except ValueError:
        return None


def oldest_of(dates: Iterable[str]) -> str:
    """The oldest date as it is written; empty where none has one."""
    dated = [(day, as_of) for as_of in dates if (day := day_of(as_of)) is not None]
    return min(dated)[1] if dated else ""


def _snapshot_price(key: Key) -> Price | None:
    if key.cloud == "azure" and key.service:
        sold = azure.price_of(key.item, key.region, key.service)
        if sold is None or key.market is not Market.ON_DEMAND:
            return None
        return Price(key, Money(sold.usd), HOUR, sold.source, sold.as_of, "snapshot")
    if key.cloud == "aws" and key.service == SAGEMAKER and key.market is Market.ON_DEMAND:
        own = embedded.sagemaker_row(key.item, key.region)
        return None if own is None else _of_snapshot(key, own)
    if key.service or key.os != "linux":
        return None
    row = embedded.machine_row(key.cloud, key.item, key.region, key.market)
    if row is not None:
        return Price(key, Money(row.usd), HOUR, row.source, row.as_of, "snapshot")
    residual = (
        embedded.residual_rows().get((key.cloud, key.item, key.region))
        if key.market is Market.ON_DEMAND
        else None
    )
    if residual is not None:
        return Price(
            key, Money(residual.usd), residual.unit, residual.source, residual.as_of, "snapshot"
        )
    return None


def _of_snapshot(key: Key, row: embedded.Row) -> Price:
    return Price(key, Money(row.usd), row.unit, row.source, row.as_of, "snapshot")


def _why_missing(key: Key) -> str:
    where = f" in {key.region}" if key.region not in ("", "*", embedded.EVERYWHERE) else ""
    market = f" {key.market}" if key.market is not Market.ON_DEMAND else ""
    service = f" ({key.service})" if key.service else ""
    system = f" with {key.os}" if key.os != "linux" else ""
    currency = _SOLD_IN.get(key.cloud)
    sold = f" (it is sold in {currency}, and the price list is in USD)" if currency else ""
    return f"the price book has no{market} price for {key.item}{service}{system}{where}{sold}"


_SOLD_IN: Final = {"ovh": "EUR", "scaleway": "EUR", "upcloud": "EUR"}
"""Clouds whose list prices are in another currency than the snapshot's tables: unpriced, never
converted and never summed with USD."""
