"""What bills beside instances, from answers in the shape of AWS' Price List Query API
(tests/data/price_list): each with its SKU and date; nothing stands in for what is not on it."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from zerofloor.prices.book import Key, Missing, Price, open_book
from zerofloor.prices.live import Clients, LiveFailed, fetch
from zerofloor.prices.override import load
from zerofloor.prices.update import keys_of_residuals, keys_of_types, update

DATA = Path(__file__).parents[1] / "data" / "price_list" / "residuals.json"
NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
Change = Callable[[dict[str, Any]], None]


class Pricing:
    """A `pricing` client that answers with the file's products by their product family."""

    def __init__(self, change: Change | None = None) -> None:
        self.answers = json.loads(DATA.read_text())["answers"]
        self.asked: list[Mapping[str, Any]] = []
        if change is not None:
            for products in self.answers.values():
                for product in products:
                    change(product)

    def get_paginator(self, operation: str) -> Pricing:
        assert operation == "get_products"
        return self

    def paginate(self, **given: Any) -> Iterator[Mapping[str, Any]]:
        self.asked.append(given)
        wanted = {one["Field"]: one["Value"] for one in given["Filters"]}
        products = self.answers.get(wanted.get("productFamily", ""), [])
        # Halves, as pages come.
        yield {"PriceList": [json.dumps(one) for one in products[:1]]}
        yield {"PriceList": [json.dumps(one) for one in products[1:]]}


def fetched(item: str, region: str = "eu-central-1", change: Change | None = None) -> Price | None:
    key = Key("aws", item.lower(), region)
    return fetch([key], Clients(Pricing(change), lambda _: None), NOW)[key]


@pytest.mark.parametrize(
    ("item", "amount", "unit", "sku"),
    [
        ("EBS gp3 storage", D("0.0952"), "GB-month", "VOLGP3"),
        ("EBS gp2 storage", D("0.1190"), "GB-month", "VOLGP2"),
        ("EBS gp3 provisioned IOPS", D("0.0060"), "IOPS-month", "IOPS"),
        # The list counts GiB/s, the book MB/s.
        ("EBS gp3 provisioned throughput", D("48.64") / 1024, "MBps-month", "TPUT"),
        ("NAT gateway", D("0.0520"), "hour", "NATH"),
        ("Application/Network Load Balancer", D("0.0270"), "hour", "ALBH"),
        ("EKS control plane standard support", D("0.10"), "hour", "EKSC"),
        # Extended support comes on top of the cluster's hours.
        ("EKS control plane extended support", D("0.10") + D("0.50"), "hour", "EKSC, EKSX"),
        ("Elastic IP (idle)", D("0.0050"), "hour", "IPIDLE"),
    ],
)
def test_each_residual_is_read_by_its_usage_type(item: str, amount: D, unit: str, sku: str) -> None:
    price = fetched(item)
    assert price is not None
    assert (price.money.amount, price.unit, price.as_of) == (amount, unit, "2026-11-01")
    assert price.source.endswith(f"SKU {sku}")


def test_another_regions_price_never_stands_in() -> None:
    us = fetched("EBS gp3 storage", "us-east-1")
    assert us is not None
    assert us.money.amount == D("0.08")  # without a prefix in its usage type
    assert fetched("EBS gp3 storage", "eu-west-1") is None
    assert fetched("NAT gateway", "us-east-1") is None


def _twice(product: dict[str, Any]) -> None:
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    other = copy.deepcopy(dimension)
    other["pricePerUnit"]["USD"] = "9.9"
    term["priceDimensions"]["other"] = other


def _set(usd: Any) -> Change:
    def change(product: dict[str, Any]) -> None:
        for term in product["terms"]["OnDemand"].values():
            for dimension in term["priceDimensions"].values():
                dimension["pricePerUnit"] = usd

    return change


@pytest.mark.parametrize(
    "change",
    [
        _twice,
        _set({"USD": "NaN"}),
        _set({"USD": "-1"}),
        _set({"EUR": "0.1"}),
        _set({"USD": "x"}),
        lambda product: product.pop("terms"),
        lambda product: product.pop("product"),
    ],
)
def test_a_list_that_cant_be_read_is_refused(change: Change) -> None:
    with pytest.raises(LiveFailed, match="can't be read"):
        fetched("NAT gateway", change=change)


def test_a_second_tier_is_not_the_first_ones_price() -> None:
    def tiers(product: dict[str, Any]) -> None:
        _twice(product)
        (term,) = product["terms"]["OnDemand"].values()
        term["priceDimensions"]["other"]["beginRange"] = "10240"

    price = fetched("NAT gateway", change=tiers)
    assert price is not None
    assert price.money.amount == D("0.0520")


def test_nothing_of_zero_dollars_is_a_price() -> None:
    assert fetched("NAT gateway", change=_set({"USD": "0.0000000000"})) is None


def test_sagemakers_instances_are_asked_for_by_their_own_list() -> None:
    (key,) = keys_of_types(["us-east-1"], ["ml.g5.xlarge"])
    assert (key.service, key.item) == ("sagemaker", "g5.xlarge")
    pricing = Pricing()
    assert fetch([key], Clients(pricing, lambda _: None), NOW) == {key: None}
    (asked,) = pricing.asked
    assert asked["ServiceCode"] == "AmazonSageMaker"
    assert {"Type": "TERM_MATCH", "Field": "instanceName", "Value": "ml.g5.xlarge"} in asked[
        "Filters"
    ]


def test_update_writes_them_into_a_file_that_every_run_can_use(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    keys = keys_of_residuals(["eu-central-1"])
    update(path, keys, Clients(Pricing(), lambda _: None), NOW)
    book = open_book(load(path))
    for item, amount, unit in (
        ("EBS gp3 storage", D("0.0952"), "GB-month"),
        ("NAT gateway", D("0.052"), "hour"),
    ):
        found = book.find(Key("aws", item, "eu-central-1"))
        assert isinstance(found, Price)
        assert (found.money.amount, found.unit) == (amount, unit)
    assert isinstance(book.find(Key("aws", "NAT gateway", "eu-west-1")), Missing)
