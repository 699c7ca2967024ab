"""A price is found by exactly what it is for, in the order of the sources, and is missing
otherwise."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from zerofloor.capacity import Market
from zerofloor.money import Money
from zerofloor.prices.book import Key, Missing, Origin, Price, PriceBook, open_book, snapshot_age
from zerofloor.prices.show import show


def own(key: Key, amount: str, origin: Origin = "override", currency: str = "USD") -> Price:
    return Price(key, Money(Decimal(amount), currency), "hour", "contract", "2026-10-01", origin)


def amount(book: PriceBook, key: Key) -> Decimal:
    price = book.find(key)
    assert isinstance(price, Price), price
    return price.money.amount


@pytest.mark.parametrize(
    ("cloud", "item", "place", "market", "expected"),
    [
        ("aws", "g6e.xlarge", "us-east-1", Market.ON_DEMAND, "1.861"),
        ("aws", "g6e.xlarge", "us-east-1b", Market.ON_DEMAND, "1.861"),
        ("aws", "p5.48xlarge", "us-west-2", Market.SPOT, "21.6229"),
        ("aws", "t3.large", "us-east-1", Market.ON_DEMAND, "0.0832"),
        ("gcp", "a2-highgpu-1g", "us-east1-b", Market.ON_DEMAND, "3.673385"),
        ("azure", "standard_nc128ds_xl_rtxpro6000bse_v6", "West US 2", Market.ON_DEMAND, "6.38"),
        ("aws", "NAT gateway", "us-east-1", Market.ON_DEMAND, "0.045"),
    ],
)
def test_found_with_source_and_date(
    cloud: str, item: str, place: str, market: Market, expected: str
) -> None:
    price = open_book().find(Key(cloud, item, place, market))
    assert isinstance(price, Price)
    assert price.money == Money(Decimal(expected), "USD")
    assert price.source
    assert price.as_of
    assert price.origin == "snapshot"


@pytest.mark.parametrize(
    "key",
    [
        Key("aws", "g6e.xlarge", "xx-nowhere-1"),
        Key("aws", "g6e.xlarge", "us-east-1", Market.SPOT),
        Key("aws", "g6e.xlarge", "us-east-1", Market.RESERVED),
        Key("aws", "g6e.xlarge", "us-east-1", service="sagemaker"),
        Key("aws", "g6e.xlarge", "us-east-1", os="windows"),
        Key("aws", "t3.large", "us-west-2"),
        Key("aws", "p5e.48xlarge", "us-east-1"),
        Key("aws", "NAT gateway", "us-west-1"),
        Key("gcp", "g6e.xlarge", "us-east-1"),
        Key("", "", ""),
    ],
)
def test_nothing_stands_in_for_what_is_not_in_the_book(key: Key) -> None:
    missing = open_book().find(key)
    assert isinstance(missing, Missing)
    assert key.item in missing.why
    assert "zerofloor.yaml" in missing.settle


@pytest.mark.parametrize(
    ("cloud", "region", "doubt"),
    [
        ("aws", "us-eats-1", "not an AWS region; did you mean us-east-1?"),
        ("aws", "us-east-9", "no machine has a price in that region; did you mean us-east-2?"),
        ("gcp", "us-central-1a", "not a Google Cloud region; did you mean us-central1?"),
        ("azure", "us-east-1", "not an Azure region"),
        # Sold there, only not this machine; and clouds whose prices have no region.
        ("aws", "us-west-1", ""),
        ("azure", "eastus", ""),
        ("lambda", "us-eats-1", ""),
    ],
)
def test_a_mistyped_region_is_told_beside_a_missing_price(
    cloud: str, region: str, doubt: str
) -> None:
    missing = open_book().find(Key(cloud, "nothing", region))
    assert isinstance(missing, Missing)
    assert missing.why == f"the price book has no price for nothing in {region}" + (
        f" ({doubt})" if doubt else ""
    )
    assert missing.settle.startswith("correct the region") == bool(doubt)


def test_override_goes_before_live_and_live_before_the_snapshot() -> None:
    key = Key("aws", "g6e.xlarge", "us-east-1")
    assert amount(open_book(live={key: own(key, "1.7", "live")}), key) == Decimal("1.7")
    both = open_book({key: own(key, "1.2")}, {key: own(key, "1.7", "live")})
    assert amount(both, key) == Decimal("1.2")
    assert amount(both, Key("aws", "g6e.2xlarge", "us-east-1")) == Decimal("2.24208")


def test_an_override_for_any_region_yields_to_one_for_this_region() -> None:
    anywhere, here = Key("aws", "g6e.xlarge", "*"), Key("aws", "g6e.xlarge", "eu-west-1")
    book = open_book({anywhere: own(anywhere, "1.5"), here: own(here, "1.6")})
    assert amount(book, here) == Decimal("1.6")
    assert amount(book, Key("aws", "g6e.xlarge", "us-west-2")) == Decimal("1.5")


def test_two_currencies_are_never_added_up() -> None:
    key = Key("onprem", "h100", "*")
    book = open_book({key: own(key, "2.5", currency="EUR")})
    assert amount(book, Key("onprem", "h100", "frankfurt")) == Decimal("2.5")
    missing = book.find(Key("aws", "g6e.xlarge", "us-east-1"))
    assert isinstance(missing, Missing)
    assert "EUR" in missing.why


@pytest.mark.parametrize(
    ("day", "age"), [("2026-11-23", 0), ("2026-11-24", 1), ("2027-02-22", 91), ("2026-01-01", 0)]
)
def test_age_is_counted_from_the_day_passed_in(day: str, age: int) -> None:
    assert snapshot_age(open_book().snapshot_as_of, datetime.date.fromisoformat(day)) == age


def test_show_lists_what_a_run_would_use() -> None:
    key = Key("aws", "p5.48xlarge", "us-east-1")
    prices = show(open_book({key: own(key, "39.5")}), "p5.48xlarge", "us-east-1")
    assert [(price.key.market, price.money.amount, price.origin) for price in prices] == [
        (Market.ON_DEMAND, Decimal("39.5"), "override"),
        (Market.SPOT, Decimal("14.246"), "snapshot"),
    ]
    everywhere = show(open_book(), "g6e.xlarge")
    assert len(everywhere) == 8
    assert {price.key.region for price in everywhere} >= {"us-east-1", "ap-northeast-1"}
    assert all(price.source and price.as_of for price in everywhere)
    gateways = show(open_book(), "nat gateway")
    by_place = {(one.key.cloud, one.key.region): one.money.amount for one in gateways}
    # AWS' price list files of 2026-09 and 10; Azure's by its list.
    assert by_place["aws", "us-east-1"] == by_place["azure", "westeurope"] == Decimal("0.045")
    assert by_place["aws", "eu-west-2"] == Decimal("0.05")
    assert by_place["aws", "ap-southeast-5"] == Decimal("0.05015")
    assert show(open_book(), "no-such-type") == ()
    assert (
        show(open_book(), "ml.g6e.xlarge") == ()
    )  # SageMaker sells it at another price, which the snapshot lacks.
