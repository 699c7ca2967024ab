"""Finding items, comparing with a second catalogue, and how old the prices are that count."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal as D
from pathlib import Path

import pytest

from tests.cli.command import zerofloor
from tests.supplies import cost, supply
from zerofloor.capacity import Market
from zerofloor.errors import InputError
from zerofloor.prices.book import day_of, oldest_of, open_book
from zerofloor.prices.catalogue import find, listed, near
from zerofloor.prices.comparing import compare

BOOK = open_book()


def test_every_item_that_is_listed_can_be_shown(tmp_path: Path) -> None:
    for one in listed(BOOK)[::97]:
        done = zerofloor("prices", "show", one.item, cwd=tmp_path)
        assert done.code == 0, (one, done.err)


def test_an_item_is_found_by_a_part_of_its_name_in_any_case() -> None:
    found = {one.item for one in find(BOOK, "G6E")}
    assert {"g6e.xlarge", "g6e.48xlarge", "ml.g6e.2xlarge"} <= found
    (one,) = [one for one in find(BOOK, "g6e.xlarge") if one.cloud == "aws"]
    assert one.cheapest == D("1.861")  # us-east-1; dearer elsewhere
    assert one.most_expensive > one.cheapest
    assert find(BOOK, "zzz") == ()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("g5.xlage", "g5.xlarge"),
        ("Application Load Balancer", "Application/Network Load Balancer"),
        ("nat gatway", "NAT gateway"),
        ("zzzzzz", None),
    ],
)
def test_a_typo_is_answered_with_what_may_have_been_meant(text: str, meant: str | None) -> None:
    assert (meant in near(BOOK, text)) if meant else near(BOOK, text) == []


def test_the_commands_answer_a_persons_mistakes_in_a_line(tmp_path: Path) -> None:
    for given, says in (
        (("show", "g6e"), "g6e: no price; `zerofloor prices find g6e` lists"),
        (("show", "g6e.xlage"), "did you mean g6e.xlarge"),
        (("show", "g6e.xlarge", "--region", "eu-west-9"), "there is one in ap-northeast-1"),
        (("find", "zzz"), "zzz: no item of that name"),
        (("list", "--cloud", "asw"), "--cloud asw: there are aws, azure"),
        (("verify", "--against", "none.csv"), "none.csv: can't be read"),
    ):
        done = zerofloor("prices", *given, cwd=tmp_path)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
        assert says in done.err, done.err


def catalogue(folder: Path, *rows: str) -> Path:
    path = folder / "second.csv"
    head = "cloud,instance_type,region,purchase_option,usd_per_hour\n"
    path.write_text(head + "".join(f"{row}\n" for row in rows))
    return path


def test_what_differs_by_more_than_one_percent_is_told_the_largest_first(tmp_path: Path) -> None:
    # The book: g5.xlarge 1.006, p4d.24xlarge 21.957642, g4dn.xlarge 0.526.
    path = catalogue(
        tmp_path,
        "aws,g5.xlarge,us-east-1,on_demand,1.0159",  # 0.98 % below
        "aws,g4dn.xlarge,us-east-1,on_demand,0.5320",  # 1.13 % below
        "aws,p4d.24xlarge,us-east-1,on_demand,32.7726",
        "aws,p9.48xlarge,us-east-1,on_demand,1",
    )
    found = compare(BOOK, path)
    assert (found.agree, found.only_theirs) == (1, 1)
    assert [one.key.item for one in found.differ] == ["p4d.24xlarge", "g4dn.xlarge"]
    done = zerofloor("prices", "verify", "--against", str(path), cwd=tmp_path)
    assert "differs: aws p4d.24xlarge us-east-1 on-demand: $21.957642 here" in done.out
    assert "$32.7726 there (unknown), -33.0%" in done.out
    assert "1 agree, 2 differ by more than 1%, 1 have no price here" in done.out


@pytest.mark.parametrize(
    "text",
    [
        "cloud,region\naws,us-east-1\n",
        "cloud,instance_type,region,purchase_option,usd_per_hour\naws,g5.xlarge,us-east-1,x,free\n",
        "cloud,instance_type,region,purchase_option,usd_per_hour\naws,g5.xlarge,us-east-1,x,-1\n",
        "cloud,instance_type,region,purchase_option,usd_per_hour\naws,g5.xlarge\n",
        "",
    ],
)
def test_a_catalogue_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "second.csv"
    path.write_text(text)
    with pytest.raises(InputError):
        compare(BOOK, path)


def test_a_bare_metal_size_costs_what_the_same_machine_costs_virtually() -> None:
    """The price list has bare metal under dedicated tenancy, 6 to 10 % above what is billed: c6g
    and c7i by a second catalogue of 2025-05 (2.176 and 4.284)."""
    for metal, virtual, amount in (
        ("c6g.metal", "c6g.16xlarge", D("2.176")),
        ("c7i.metal-24xl", "c7i.24xlarge", D("4.284")),
        ("m6g.metal", "m6g.16xlarge", D("2.464")),
        ("r5b.metal", "r5b.24xlarge", D("7.152")),
    ):
        (one,) = [item for item in find(BOOK, metal) if item.item == metal]
        (other,) = [item for item in find(BOOK, virtual) if item.item == virtual]
        assert one.cheapest == other.cheapest == amount


@pytest.mark.parametrize(
    ("as_of", "day"),
    [
        ("2026-07-20", datetime.date(2026, 7, 20)),
        ("2026-07", datetime.date(2026, 7, 1)),
        ("2026", datetime.date(2026, 1, 1)),
        ("unknown", None),
        ("", None),
        ("2026-13-01", None),
        ("2026-07-20-1", None),
    ],
)
def test_a_month_or_a_year_counts_from_its_first_day(as_of: str, day: datetime.date | None) -> None:
    assert day_of(as_of) == day


def test_the_oldest_price_that_counts_is_told() -> None:
    assert oldest_of(["2026-07-20", "unknown", "2026", "2026-02-01"]) == "2026"
    assert oldest_of(["unknown"]) == ""
    found = cost(supply("g5.xlarge"), supply("p5.48xlarge", market=Market.SPOT))
    # On demand by Karpenter's list of 2026-07-20; the spot price has no date, and two lines: the
    # node that is held, and the four at maximum scale.
    assert (found.oldest, found.undated) == ("2026-07-20", 2)


INSTANCE = {
    "urn": "urn:pulumi:dev::shop::aws:ec2/instance:Instance::a",
    "type": "aws:ec2/instance:Instance",
    "custom": True,
    "inputs": {"instanceType": "g5.xlarge", "availabilityZone": "us-east-1a"},
}


@pytest.mark.parametrize(
    ("limit", "fails"),
    [({}, False), ({"maxPriceAgeDays": 127}, False), ({"maxPriceAgeDays": 126}, True)],
)
def test_a_limit_can_count_a_prices_own_day(
    tmp_path: Path, limit: dict[str, int], fails: bool
) -> None:
    """The price is of 2026-07-20, 127 days before 2026-11-24; the snapshot was gathered the day
    before."""
    steps = [{"op": "create", "urn": INSTANCE["urn"], "newState": INSTANCE}]
    (tmp_path / "p.json").write_text(json.dumps({"steps": steps, "changeSummary": {"create": 1}}))
    (tmp_path / "zerofloor.yaml").write_text(json.dumps({"limits": limit}))
    done = zerofloor("check", "p.json", "--today", "2026-11-24", "-f", "json", cwd=tmp_path)
    report = json.loads(done.out)
    stale = [one for one in report["findings"] if one["rule"] == "GPU204"]
    assert bool(stale) is fails
    assert all("the oldest is of 2026-07-20" in one["message"] for one in stale)
    assert report["prices"]["oldest_used"] == "2026-07-20"
    page = zerofloor("check", "p.json", "--today", "2026-11-24", cwd=tmp_path).out
    assert "oldest price used 2026-07-20 (127 days old)" in " ".join(page.split())


def test_a_price_of_ones_own_stands_beside_the_list_price(tmp_path: Path) -> None:
    steps = [{"op": "create", "urn": INSTANCE["urn"], "newState": INSTANCE}]
    (tmp_path / "p.json").write_text(json.dumps({"steps": steps, "changeSummary": {"create": 1}}))
    own = {"item": "g5.xlarge", "price": 0.634, "source": "Compute Savings Plan, three years"}
    (tmp_path / "prices.yaml").write_text(json.dumps({"prices": [own]}))
    (tmp_path / "zerofloor.yaml").write_text("prices: prices.yaml\n")
    table = zerofloor("estimate", "p.json", cwd=tmp_path).out
    assert "$0.634 per node and hour (list price $1.006)" in " ".join(table.split())
    done = zerofloor("estimate", "p.json", "-f", "json", cwd=tmp_path)
    (item,) = json.loads(done.out)["estimate"]["items"]
    assert (item["price"]["amount"], item["list_price"]["amount"]) == ("0.634", "1.006")
    row = zerofloor("estimate", "p.json", "-f", "csv", cwd=tmp_path).out.splitlines()
    cells = dict(zip(row[0].split(","), row[1].split(","), strict=False))
    # 730 × 0.634 and 730 × 1.006.
    assert (cells["ContractedCost"], cells["ListCost"]) == ("462.82", "734.38")
