"""Types are tried cheapest first by one list, whatever the stack's region."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

from zerofloor.capacity import Market
from zerofloor.hardware.instances import Shape, lookup
from zerofloor.money import Money
from zerofloor.prices.book import Key, Price, open_book
from zerofloor.prices.ranking import cheapest_first


def shape(name: str, cloud: str = "aws") -> Shape:
    found = lookup(cloud, name)
    assert found is not None
    return found


def names(shapes: tuple[Shape, ...]) -> list[str]:
    return [s.instance_type for s in shapes]


def test_by_the_us_east_1_list_with_unpriced_types_last() -> None:
    # us-east-1: g5.xlarge 1.006, g6e.xlarge 1.861, p5.48xlarge 55.04; no page prices trn2 or
    # p6e-gb200.
    expected = ["g5.xlarge", "g6e.xlarge", "p5.48xlarge", "p6e-gb200.36xlarge", "trn2.48xlarge"]
    for order in permutations(expected):
        assert names(cheapest_first(shape(name) for name in order)) == expected


def test_spot_ranks_by_spot_prices_only_where_each_type_has_one() -> None:
    # Spot in us-east-1: p5 14.246, p5en 19.1652, p6-b200 19.0919; on demand p5en is cheaper than
    # p6-b200.
    three = [shape("p5en.48xlarge"), shape("p6-b200.48xlarge"), shape("p5.48xlarge")]
    assert names(cheapest_first(three, Market.SPOT)) == [
        "p5.48xlarge",
        "p6-b200.48xlarge",
        "p5en.48xlarge",
    ]
    assert names(cheapest_first([*three, shape("g5.xlarge")], Market.SPOT)) == [
        "g5.xlarge",
        "p5.48xlarge",
        "p5en.48xlarge",
        "p6-b200.48xlarge",
    ]


def test_a_users_own_price_ranks_too() -> None:
    key = Key("aws", "p5.48xlarge", "us-east-1")
    book = open_book(
        {key: Price(key, Money(Decimal("0.5")), "hour", "contract", "2026-10-01", "override")}
    )
    assert names(cheapest_first([shape("g5.xlarge"), shape("p5.48xlarge")], book=book)) == [
        "p5.48xlarge",
        "g5.xlarge",
    ]


def test_other_clouds_rank_by_their_own_list_region() -> None:
    types = ["a2-highgpu-2g", "a2-highgpu-1g", "g2-standard-4"]
    assert names(cheapest_first(shape(name, "gcp") for name in types)) == [
        "g2-standard-4",
        "a2-highgpu-1g",
        "a2-highgpu-2g",
    ]
