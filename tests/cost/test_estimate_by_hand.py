"""Stacks worked out by hand from the price list, each with its sum as an expression. Prices:
zerofloor/prices/snapshot, 2026-11-23."""

from __future__ import annotations

from decimal import Decimal as D
from typing import NamedTuple

import pytest

from tests.supplies import cost, supply
from zerofloor.capacity import Market
from zerofloor.cost.estimate import Amount
from zerofloor.floor.result import Supply
from zerofloor.money import Money

NONE = D(0)


class Stack(NamedTuple):
    name: str
    supplies: tuple[Supply, ...]
    floor: D
    desired: D
    ceiling: D
    floor_up_to: D | None = None
    ceiling_up_to: D | None = None


STACKS = [
    # One cloud after the other, one type, one market.
    Stack(
        "one L40S that is always there",
        (supply("g6e.xlarge"),),
        D("1.861"),
        D("1.861"),
        D("1.861") * 4,
    ),
    Stack(
        "the same in Oregon",
        (supply("g6e.xlarge", region="us-west-2"),),
        D("1.861"),
        D("1.861"),
        D("1.861") * 4,
    ),
    Stack(
        "a T4 is dearer in Ireland",
        (supply("g4dn.xlarge", region="eu-west-1", ceiling=1),),
        D("0.587"),
        D("0.587"),
        D("0.587"),
    ),
    Stack(
        "zero, and up to three",
        (supply("g6e.xlarge", nodes=0, ceiling=3),),
        NONE,
        NONE,
        D("1.861") * 3,
    ),
    Stack(
        "two H100 nodes",
        (supply("p5.48xlarge", nodes=2, ceiling=2),),
        D("55.04") * 2,
        D("55.04") * 2,
        D("55.04") * 2,
    ),
    Stack(
        "GovCloud",
        (supply("p5.48xlarge", region="us-gov-west-1", ceiling=1),),
        D("66.048"),
        D("66.048"),
        D("66.048"),
    ),
    Stack(
        "Stockholm",
        (supply("p5.48xlarge", region="eu-north-1", ceiling=1),),
        D("58.8928"),
        D("58.8928"),
        D("58.8928"),
    ),
    Stack(
        "Inferentia", (supply("inf2.xlarge", ceiling=2),), D("0.7582"), D("0.7582"), D("0.7582") * 2
    ),
    Stack("Trainium", (supply("trn1.32xlarge", ceiling=1),), D("21.5"), D("21.5"), D("21.5")),
    Stack(
        "a fraction of an L4 bills as its machine",
        (supply("g6f.2xlarge", region="ap-south-1", ceiling=1),),
        D("0.57038"),
        D("0.57038"),
        D("0.57038"),
    ),
    Stack(
        "Google, one L4",
        (supply("g2-standard-4", cloud="gcp", region="us-central1", ceiling=2),),
        D("0.706832"),
        D("0.706832"),
        D("0.706832") * 2,
    ),
    Stack(
        "Google by its zone",
        (supply("g2-standard-4", cloud="gcp", region="europe-west4-a", ceiling=1),),
        D("0.742916"),
        D("0.742916"),
        D("0.742916"),
    ),
    Stack(
        "Google, eight H100",
        (supply("a3-highgpu-8g", cloud="gcp", region="us-central1", ceiling=1),),
        D("88.49"),
        D("88.49"),
        D("88.49"),
    ),
    Stack(
        "Google, eight A100",
        (supply("a2-highgpu-8g", cloud="gcp", region="us-central1", nodes=0, ceiling=4),),
        NONE,
        NONE,
        D("29.38708") * 4,
    ),
    Stack(
        "Azure, one A100",
        (supply("Standard_NC24ads_A100_v4", cloud="azure", region="eastus", ceiling=1),),
        D("3.673"),
        D("3.673"),
        D("3.673"),
    ),
    Stack(
        "Azure by its location's name",
        (supply("Standard_NC4as_T4_v3", cloud="azure", region="West Europe", ceiling=1),),
        D("0.658"),
        D("0.658"),
        D("0.658"),
    ),
    Stack(
        "Azure, eight H100",
        (supply("Standard_ND96isr_H100_v5", cloud="azure", region="eastus", nodes=2, ceiling=3),),
        D("98.32") * 2,
        D("98.32") * 2,
        D("98.32") * 3,
    ),
    # Markets.
    Stack(
        "spot",
        (supply("p5.48xlarge", market=Market.SPOT, ceiling=2),),
        D("14.246"),
        D("14.246"),
        D("14.246") * 2,
    ),
    Stack(
        "spot in Oregon",
        (supply("p5.48xlarge", market=Market.SPOT, region="us-west-2", ceiling=1),),
        D("21.6229"),
        D("21.6229"),
        D("21.6229"),
    ),
    Stack(
        "spot of a type without an on-demand price",
        (supply("p5e.48xlarge", market=Market.SPOT, region="us-east-2", ceiling=1),),
        D("17.4812"),
        D("17.4812"),
        D("17.4812"),
    ),
    Stack(
        "Google spot",
        (
            supply(
                "g2-standard-4", cloud="gcp", region="us-central1", market=Market.SPOT, ceiling=1
            ),
        ),
        D("0.397336"),
        D("0.397336"),
        D("0.397336"),
    ),
    Stack(
        "spot beside on-demand",
        (
            supply("p5.48xlarge", market=Market.SPOT, nodes=0, ceiling=2),
            supply("p5.48xlarge", nodes=1, ceiling=2),
        ),
        D("55.04"),
        D("55.04"),
        D("14.246") * 2 + D("55.04") * 2,
    ),
    # Counts that differ between the figures.
    Stack(
        "desired above the floor",
        (supply("g5.xlarge", nodes=0, desired=2, ceiling=5),),
        NONE,
        D("1.006") * 2,
        D("1.006") * 5,
    ),
    Stack(
        "floor, desired and ceiling",
        (supply("g5.xlarge", nodes=1, desired=2, ceiling=5),),
        D("1.006"),
        D("1.006") * 2,
        D("1.006") * 5,
    ),
    Stack(
        "a scaler raises it above what is declared",
        (supply("g5.xlarge", nodes=2, desired=1, ceiling=5),),
        D("1.006") * 2,
        D("1.006"),
        D("1.006") * 5,
    ),
    Stack(
        "one GPU of eight bills eight",
        (supply("p4d.24xlarge", ceiling=1),),
        D("21.957642"),
        D("21.957642"),
        D("21.957642"),
    ),
    # Schedules: node-hours of a week over 168.
    Stack(
        "office hours, five days of twelve hours",
        (supply("g5.12xlarge", hours=5 * 12, desired=0, ceiling=1),),
        D("5.672") * 60 / 168,
        NONE,
        D("5.672"),
    ),
    Stack(
        "a night",
        (supply("g5.xlarge", hours="10.5", desired=0, ceiling=1),),
        D("1.006") * D("10.5") / 168,
        NONE,
        D("1.006"),
    ),
    Stack(
        "three nodes on weekdays",
        (supply("p5.48xlarge", nodes=3, hours=120, desired=0, ceiling=3),),
        D("55.04") * 3 * 120 / 168,
        NONE,
        D("55.04") * 3,
    ),
    Stack(
        "one always and one by schedule",
        (supply("g5.xlarge", ceiling=1), supply("g5.xlarge", hours=40, desired=0, ceiling=1)),
        D("1.006") + D("1.006") * 40 / 168,
        D("1.006"),
        D("1.006") * 2,
    ),
    # Candidates: the cheapest counts, up to the dearest.
    Stack(
        "two sizes",
        (supply("g6.xlarge", "g6.2xlarge", ceiling=2),),
        D("0.8048"),
        D("0.8048"),
        D("0.8048") * 2,
        D("0.9776"),
        D("0.9776") * 2,
    ),
    Stack(
        "three families, in whatever order",
        (supply("g5.xlarge", "g4dn.xlarge", "g6e.xlarge", ceiling=3),),
        D("0.526"),
        D("0.526"),
        D("0.526") * 3,
        D("1.861"),
        D("1.861") * 3,
    ),
    Stack(
        "one candidate has no price here",
        (supply("g6e.xlarge", "p5e.48xlarge", "g6e.2xlarge", ceiling=1),),
        D("1.861"),
        D("1.861"),
        D("1.861"),
        D("2.24208"),
        D("2.24208"),
    ),
    Stack(
        "the region's own order: in GovCloud only one is sold",
        (supply("g6e.xlarge", "p5.48xlarge", region="us-gov-west-1", ceiling=1),),
        D("66.048"),
        D("66.048"),
        D("66.048"),
    ),
    Stack(
        "Google's candidates",
        (
            supply(
                "g2-standard-48",
                "g2-standard-4",
                cloud="gcp",
                region="us-central1",
                nodes=2,
                ceiling=2,
            ),
        ),
        D("0.706832") * 2,
        D("0.706832") * 2,
        D("0.706832") * 2,
        D("4.001665") * 2,
        D("4.001665") * 2,
    ),
    # Warm pools that run, reservations, several pools.
    Stack(
        "a node and two warm ones",
        (supply("g5.xlarge", nodes=1 + 2, ceiling=3 + 2),),
        D("1.006") * (1 + 2),
        D("1.006") * 3,
        D("1.006") * 5,
    ),
    Stack(
        "a capacity reservation bills unused",
        (supply("p4d.24xlarge", nodes=4, ceiling=4),),
        D("21.957642") * 4,
        D("21.957642") * 4,
        D("21.957642") * 4,
    ),
    Stack(
        "two clouds",
        (
            supply("g6e.xlarge", ceiling=1),
            supply("Standard_NC6s_v3", cloud="azure", region="eastus", nodes=2, ceiling=2),
        ),
        D("1.861") + D("3.06") * 2,
        D("1.861") + D("3.06") * 2,
        D("1.861") + D("3.06") * 2,
    ),
    Stack(
        "three pools, one held",
        (
            supply("g6e.xlarge", nodes=0, ceiling=2),
            supply("g5.48xlarge", ceiling=1),
            supply("p5.48xlarge", nodes=0, ceiling=1),
        ),
        D("16.288"),
        D("16.288"),
        D("1.861") * 2 + D("16.288") + D("55.04"),
    ),
    Stack(
        "a CPU node among them",
        (supply("g6e.xlarge", ceiling=1), supply("m5.large", ceiling=1)),
        D("1.861") + D("0.096"),
        D("1.957"),
        D("1.957"),
    ),
    Stack("nothing that can come", (supply("p5.48xlarge", nodes=0, ceiling=0),), NONE, NONE, NONE),
    # Managed services: by GPU and hour.
    Stack(
        "Fireworks, two H100",
        (supply("2x H100 80GB", cloud="fireworks", region=None, ceiling=3),),
        D("7") * 2,
        D("7") * 2,
        D("7") * 2 * 3,
    ),
    Stack(
        "RunPod serverless",
        (
            supply(
                "AMPERE_24", cloud="runpod", region=None, price_as="serverless", nodes=2, ceiling=3
            ),
        ),
        D("0.684") * 2,
        D("0.684") * 2,
        D("0.684") * 3,
    ),
    Stack(
        "RunPod pods, where the product is open",
        (supply("NVIDIA L40S", cloud="runpod", region=None, price_as="pods", ceiling=1),),
        D("0.79"),
        D("0.79"),
        D("0.79"),
        D("1.09"),
        D("1.09"),
    ),
    Stack(
        "Modal",
        (supply("H100", cloud="modal", region=None, nodes=0, ceiling=10),),
        NONE,
        NONE,
        D("3.9492") * 10,
    ),
    Stack(
        "Lambda sells eight cheaper",
        (supply("8x H100 SXM", cloud="lambda", region=None, ceiling=1),),
        D("3.99") * 8,
        D("3.99") * 8,
        D("3.99") * 8,
    ),
]


@pytest.mark.parametrize("stack", STACKS, ids=[stack.name for stack in STACKS])
def test_by_hand(stack: Stack) -> None:
    found = cost(*stack.supplies)
    same(found.floor, stack.floor, stack.floor_up_to)
    same(found.desired, stack.desired, None if stack.floor_up_to is None else stack.floor_up_to)
    same(found.ceiling, stack.ceiling, stack.ceiling_up_to)
    assert found.unpriced == ()
    assert found.residual == Amount(Money(NONE))


def same(amount: Amount, expected: D, up_to: D | None) -> None:
    assert round(amount.hourly.amount, 12) == round(expected, 12)
    assert round(amount.monthly.amount, 9) == round(expected * 730, 9)
    assert (None if amount.up_to is None else amount.up_to.amount) == up_to
    assert amount.hourly.currency == "USD"


def test_there_are_forty() -> None:
    assert len(STACKS) >= 40


def test_every_figure_is_the_sum_of_its_items() -> None:
    for stack in STACKS:
        found = cost(*stack.supplies, settings={"traffic": {"busyHoursPerWeek": 40}})
        for figure in ("floor", "desired", "expected", "ceiling"):
            total = sum(
                (
                    item.price.amount * item.quantity
                    for item in found.items
                    if figure in item.counts_in
                ),
                NONE,
            )
            amount = getattr(found, figure)
            assert amount.hourly.amount == total, (stack.name, figure)
            assert (
                sum((getattr(one, figure).hourly.amount for one in found.resources), NONE) == total
            )
        assert all(item.source and item.as_of and item.what for item in found.items)
