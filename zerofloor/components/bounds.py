"""What a replica needs and what it costs, from the tables: GPU memory of a model, price of its
nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Final

from zerofloor.capacity import Market
from zerofloor.components.arguments import Problem
from zerofloor.components.choices import ModelType
from zerofloor.components.spec import resource_of
from zerofloor.hardware.instances import Shape, accelerated_types, lookup, snapshot_rows
from zerofloor.prices.book import Key, Missing, Price, open_book
from zerofloor.spelling import did_you_mean

BYTES: Final[Mapping[ModelType, Decimal]] = {
    ModelType.FP32: Decimal(4),
    ModelType.BF16: Decimal(2),
    ModelType.FP16: Decimal(2),
    ModelType.FP8: Decimal(1),
    ModelType.INT8: Decimal(1),
    ModelType.INT4: Decimal("0.5"),
}

WITH_CACHE: Final = Decimal("1.2")
"""Weights and a fifth more, for KV cache and activations: what is left beside them decides how many
requests run at a time."""

_CLOUDS: Final = ("aws", "gcp", "azure")


def shape_of(name: str) -> Shape | None:
    """The shape of a machine type of any of the large clouds: their names do not overlap."""
    found = (lookup(cloud, name) for cloud in _CLOUDS if _is_of(cloud, name))
    return next((shape for shape in found if shape is not None), None)


def cloud_of(name: str) -> str:
    """The cloud whose machine types are named like this."""
    return next((cloud for cloud in _CLOUDS if _is_of(cloud, name)), "aws")


def _is_of(cloud: str, name: str) -> bool:
    if "." in name:
        return cloud == "aws"
    return cloud == ("azure" if name.lower().startswith("standard_") else "gcp")


def gpu_memory_gib(name: str) -> Decimal | None:
    """Memory of one GPU of a machine type, in GiB; None where no table has it."""
    return _memories().get((cloud_of(name), name.lower()))


@cache
def _memories() -> Mapping[tuple[str, str], Decimal]:
    return {
        (row["cloud"], row["instance_type"].lower()): Decimal(row["gpu_memory_gib_per_gpu"])
        for row in snapshot_rows("gpu_instances.csv")
        if row["gpu_memory_gib_per_gpu"]
    }


@cache
def most_gpus(resource: str) -> tuple[int, str]:
    """The most devices of a resource that one machine type of the large clouds has, and that type;
    0 where none is known."""
    found = [
        (int(shape.gpus), shape.instance_type)
        for cloud in _CLOUDS
        for shape in accelerated_types(cloud)
        if shape.gpus and resource_of(shape) == resource
    ]
    return max(found, key=lambda one: one[0], default=(0, ""))


def weights_gib(billions: float, kind: ModelType) -> Decimal:
    """Size of a model's weights in GiB."""
    return Decimal(str(billions)) * 10**9 * BYTES[kind] / 2**30


def hourly_price(name: str, region: str) -> Price | Missing:
    """What a machine of this type costs an hour on demand."""
    return open_book().find(Key(cloud_of(name), name, region, Market.ON_DEMAND))


def affordable(
    types: Sequence[str], region: str, most: float, nodes: int
) -> tuple[int, list[Problem]]:
    """How many replicas cost at most so much an hour, each on nodes of its own of the most
    expensive type; and what hinders to tell."""
    prices, problems = [], []
    for index, name in enumerate(types):
        found = hourly_price(name, region)
        if isinstance(found, Missing):
            problems.append(Problem(f"instance_types[{index}]", f"{name}: {found.why}"))
        else:
            prices.append(found.money.amount)
    if problems or not prices:
        return 0, problems
    each = max(prices) * nodes
    count = int(Decimal(str(most)) // each)
    if count < 1:
        problems.append(
            Problem("max_hourly_cost", f"{most:g} pays for no replica: one costs {each:.2f}")
        )
    return count, problems


def regions(cloud: str) -> Iterator[str]:
    """The regions in which the snapshot has GPU prices."""
    yield from sorted(
        {row["region"] for row in snapshot_rows("gpu_prices.csv") if row["cloud"] == cloud}
    )


def unknown_region(cloud: str, region: str) -> Problem | None:
    """The problem of a region without any price."""
    known = list(regions(cloud))
    if region in known:
        return None
    return Problem(
        "region", f"{region} is not a region with GPU prices{did_you_mean(region, known)}"
    )
