"""All that an estimate says beside its sums, and nothing else: each stack with its whole list of
notes, beside one that differs in a single property."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.cost.test_residuals import rest
from tests.supplies import TODAY, cost, floor, resource, shape, stack, supply
from zerofloor.cost.estimate import Amount, together
from zerofloor.cost.reckon import estimate
from zerofloor.estate import estate
from zerofloor.floor.result import Supply
from zerofloor.money import Money
from zerofloor.prices.book import Key, Price, PriceBook, normal, open_book
from zerofloor.settings import Settings
from zerofloor.stack import UNKNOWN

GROUP = "aws:eks/nodeGroup:NodeGroup"
INSTANCE = "aws:ec2/instance:Instance"
CONTRACT = "contract 7"


def own(**amounts: str) -> PriceBook:
    """A book with these prices an hour beside the list, by item: `cloud__item`."""
    table = {}
    for name, amount in amounts.items():
        cloud, _, item = name.partition("__")
        key = Key(cloud, item.replace("_", ".") if cloud == "aws" else item, "*")
        table[normal(key)] = Price(
            key, Money(D(amount)), "hour", CONTRACT, "2026-10-01", "override"
        )
    return open_book(table)


NC = "for Azure's NC sizes with several GPUs sources differ by up to 30%."
V710 = "for Azure's V710 sizes a second catalogue is 19% higher."
A3 = "the list price of a3-highgpu leaves out its local SSDs."


@pytest.mark.parametrize(
    ("held", "says"),
    [
        # One price, or one of two: the line itself says it.
        (supply("g5.xlarge"), []),
        (supply("g6e.2xlarge", "g6e.xlarge"), []),
        # Azure's NC sizes, and only those, with more than one GPU.
        (supply("Standard_NC24rs_v3", cloud="azure", region="eastus"), [NC]),
        (supply("Standard_NC12s_v3", cloud="azure", region="eastus"), [NC]),
        (supply("Standard_NC6s_v3", cloud="azure", region="eastus"), []),
        (supply("Standard_ND96asr_v4", cloud="azure", region="eastus"), []),
        (supply("p5.48xlarge"), []),
        (supply("Standard_NV4ads_V710_v5", cloud="azure", region="eastus"), [V710]),
        (supply("a3-highgpu-8g", cloud="gcp", region="us-central1"), [A3]),
        (supply("a2-highgpu-1g", cloud="gcp", region="us-central1"), []),
    ],
)
def test_all_that_is_said_of_a_list_price(held: Supply, says: Sequence[str]) -> None:
    found = cost(held)
    assert found.footnotes == tuple(f"{GROUP}::p0: {one}" for one in says)


def test_two_types_at_one_price_are_no_choice() -> None:
    book = own(aws__g6e_xlarge="2", aws__g6e_2xlarge="2")
    found = cost(supply("g6e.2xlarge", "g6e.xlarge", ceiling=1), book=book)
    assert found.items[0].what == "g6e.2xlarge on-demand in us-east-1 (1 NVIDIA L40S)"
    assert found.items[0].dearest is None
    apart = own(aws__g6e_xlarge="2", aws__g6e_2xlarge="3")
    (item,) = cost(supply("g6e.2xlarge", "g6e.xlarge", ceiling=1), book=apart).items
    assert item.what.endswith("; cheapest of 2 that fit, most expensive g6e.2xlarge")
    assert item.dearest == Money(D(3))


def test_live_prices_are_told_with_their_day() -> None:
    live = PriceBook(live_as_of="2026-11-24")
    assert cost(supply("g5.xlarge"), book=live).footnotes == ("Live AWS prices of 2026-11-24.",)


def test_a_managed_price_is_a_range_where_the_product_is_open() -> None:
    """Hugging Face sells an H100 at $4.50 on AWS and $10 on Google Cloud, Fireworks at $7."""
    settled = cost(supply("1x H100 80GB", cloud="fireworks", region=None))
    assert settled.footnotes == ()
    open_ = cost(supply("1x H100 80GB", cloud="huggingface", region=None, ceiling=1))
    assert (open_.floor.hourly, open_.floor.up_to) == (Money(D("4.5")), Money(D(10)))
    assert open_.footnotes == (
        f"{GROUP}::p0: the product is ambiguous; shown from the cheapest to the most expensive.",
    )


def test_a_type_without_a_price_beside_one_with_a_price_is_named() -> None:
    assert cost(supply("g5.xlarge", "p5e.48xlarge")).footnotes == (
        f"{GROUP}::p0: no price for p5e.48xlarge in us-east-1 (probably not offered there); "
        "ignored.",
    )


def test_the_discount_for_an_n1_machine_that_runs_all_month_is_told() -> None:
    machine = shape("gcp", "n1-standard-4")
    with_card = replace(machine, gpus=D(1), accelerator="NVIDIA T4", card="nvidia-tesla-t4")
    pool = supply("n1-standard-4", cloud="gcp", region="us-central1")
    assert cost(pool).footnotes == ()
    (note,) = cost(replace(pool, shapes=(with_card,))).footnotes
    assert note.endswith("(sustained use); these are list prices.")


CLUSTER = "azure-native:containerservice:ManagedCluster"
SYSTEM = {"name": "system", "mode": "System", "vmSize": "Standard_D4s_v5", "osType": "Linux"}


@pytest.mark.parametrize(
    ("profile", "nodes"),
    [
        ({"count": 3}, 3),
        ({"count": 1}, 1),
        ({"enableAutoScaling": True, "minCount": 2, "maxCount": 5, "count": 4}, 4),
        ({"count": 0}, 1),  # AKS keeps one in a system pool.
        ({"count": 0, "mode": "User"}, 0),
    ],
)
def test_the_nodes_of_an_aks_clusters_system_pool(profile: dict[str, object], nodes: int) -> None:
    inputs = {"location": "eastus", "agentPoolProfiles": [{**SYSTEM, **profile}]}
    found = rest(resource(CLUSTER, "aks", inputs), book=own(azure__Standard_D4s_v5="0.2"))
    of_nodes = [one for one in found.items if one.unit == "node" and "residual" in one.counts_in]
    assert sum((one.quantity for one in of_nodes), D(0)) == nodes
    assert all(one.price == Money(D("0.2")) for one in of_nodes)


def test_the_gpu_pools_of_an_aks_cluster_are_no_residual() -> None:
    gpu = {"name": "gpu", "vmSize": "Standard_NC24ads_A100_v4", "count": 2}
    hidden = {"name": "other", "vmSize": UNKNOWN, "count": 2}
    inputs = {"location": "eastus", "agentPoolProfiles": [{**SYSTEM, "count": 1}, gpu, hidden]}
    found = rest(resource(CLUSTER, "aks", inputs), book=own(azure__Standard_D4s_v5="0.2"))
    assert found.gaps[0].what == "load balancer of the AKS cluster"
    named = [one.what for one in found.items if "nodes of" in one.what]
    assert named == ["nodes of system (Standard_D4s_v5) in eastus"]


def test_aks_nodes_whose_number_is_unknown_are_named() -> None:
    inputs = {"location": "eastus", "agentPoolProfiles": [{**SYSTEM, "count": UNKNOWN}]}
    said = " ".join(rest(resource(CLUSTER, "aks", inputs)).footnotes)
    assert "nodes of system (Standard_D4s_v5)" in said
    assert "its size is unknown" in said


def test_the_disk_of_nodes_that_are_in_no_figure_is_in_none() -> None:
    """Nothing says what the group's nodes are, so they are in no figure and nor are their disks;
    a machine's disk bills whether the machine runs or not."""
    group = resource(GROUP, "gpu", {"instanceTypes": ["g5.xlarge"], "diskSize": 100})
    machine = resource(INSTANCE, "box", {"rootBlockDevice": {"volumeSize": 100}})
    pools = floor({"gpu": supply("g5.xlarge"), "box": supply("g5.xlarge")})
    urns = {"gpu": group.urn, "box": machine.urn}
    entries = tuple(replace(one, urn=urns[one.name], supply=None) for one in pools.entries)
    whole = estate((stack(group, machine),), Settings())
    found = estimate(replace(pools, entries=entries), whole, open_book(), TODAY)
    assert [(one.urn, one.quantity) for one in found.items] == [(machine.urn, D(100))]


@pytest.mark.parametrize(
    ("one", "other", "whole"),
    [
        (("1", None), ("2", None), ("3", None)),
        (("1", "3"), ("2", None), ("3", "5")),
        (("1", None), ("2", "4"), ("3", "5")),
        (("1", "3"), ("2", "4"), ("3", "7")),
    ],
)
def test_two_amounts_as_one(
    one: tuple[str, str | None], other: tuple[str, str | None], whole: tuple[str, str | None]
) -> None:
    """What costs the same in any case is as much at most."""

    def amount(low: str, high: str | None) -> Amount:
        return Amount(Money(D(low)), None if high is None else Money(D(high)))

    assert together(amount(*one), amount(*other)) == amount(*whole)


@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("other", [False, True])
def test_what_is_partly_at_most_so_much_is_at_most_so_much(one: bool, other: bool) -> None:
    dollar = Money(D(1))
    whole = together(Amount(dollar, at_most=one), Amount(dollar, at_most=other))
    assert whole.at_most is (one or other)
