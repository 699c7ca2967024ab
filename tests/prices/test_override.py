"""A user's price file: read as written, refused where it is not clear."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from zerofloor.errors import InputError
from zerofloor.prices.book import Key
from zerofloor.prices.opening import open_for
from zerofloor.prices.override import load
from zerofloor.settings import Settings

GOOD = """
prices:
  - {item: p5.48xlarge, region: us-east-1, price: 39.5, source: contract 2026-07, asOf: 2026-07-01}
  - {item: ml.g5.xlarge, price: "1.408", source: SageMaker price list}
  - {cloud: onprem, item: h100, price: 0.9, source: depreciation}
  - {item: NAT gateway, region: EU-West-1, price: 0.048, source: price list}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "prices.yaml"
    path.write_text(text)
    return path


def test_read_with_exact_amounts(tmp_path: Path) -> None:
    found = {
        key: (price.money.amount, price.source, price.as_of)
        for key, price in load(written(tmp_path, GOOD)).items()
    }
    assert found == {
        Key("aws", "p5.48xlarge", "us-east-1"): (Decimal("39.5"), "contract 2026-07", "2026-07-01"),
        Key("aws", "g5.xlarge", "*", service="sagemaker"): (
            Decimal("1.408"),
            "SageMaker price list",
            "unknown",
        ),
        Key("onprem", "h100", "*"): (Decimal("0.9"), "depreciation", "unknown"),
        Key("aws", "nat gateway", "eu-west-1"): (Decimal("0.048"), "price list", "unknown"),
    }


def test_the_settings_name_the_file_beside_them(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    book = open_for(Settings(prices="prices.yaml"), tmp_path)
    assert Key("aws", "p5.48xlarge", "us-east-1") in book.overrides


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prices: [{item: p5.48xlarge, price: 0, source: gift}]", "prices.0.price"),
        ("prices: [{item: p5.48xlarge, price: -1, source: gift}]", "prices.0.price"),
        ("prices: [{item: p5.48xlarge, price: .nan, source: gift}]", "prices.0.price"),
        ("prices: [{item: p5.48xlarge, price: two, source: gift}]", "prices.0.price"),
        ("prices: [{item: p5.48xlarge, price: 1}]", "prices.0.source"),
        (
            "prices: [{item: p5.48xlarge, price: 1, source: gift, regoin: us-east-1}]",
            "prices.0.regoin",
        ),
        (
            "prices: [{item: p5.48xlarge, price: 1, source: gift, market: savings}]",
            "prices.0.market",
        ),
        (
            "prices: [{item: a, price: 1, source: one}, {item: A, price: 2, source: two}]",
            "two prices for A",
        ),
        ("prices: {", "not YAML"),
        ("[]", "document"),
        ("", "document"),
        ("currency: dollars\nprices: []", "currency"),
        ("prices: [\x00]", "not YAML"),
    ],
)
def test_what_is_not_clear_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as raised:
        load(written(tmp_path, text))
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml"):
        open_for(Settings(prices="absent.yaml"), tmp_path)
