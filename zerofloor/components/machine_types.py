"""Machine types as the components on cloud instances ask for them: which hold whole GPUs, and
where the price book has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from zerofloor.components.arguments import Problem
from zerofloor.components.spec import nearest, one_of_many, resource_of, unusable
from zerofloor.hardware.instances import Shape, lookup, snapshot_rows

_PLACE: Final[Mapping[str, str]] = {"aws": "region", "gcp": "region", "azure": "location"}


def _market(value: Any) -> str:
    return one_of_many(value, ("on-demand", "spot"))


Market = Annotated[str, BeforeValidator(_market)]
"""How a group's machines are bought."""


def above_maximum(path: str, low: int, other: str, high: int) -> Iterator[Problem]:
    """The problem of a lower bound above its upper one."""
    if low > high:
        yield Problem(path, f"{low} is above `{other}`, which is {high}")


def usable(cloud: str, name: str) -> tuple[Shape | None, str]:
    """The shape of a type that holds whole GPUs, or None and why it can't be used."""
    shape = lookup(cloud, name)
    why = unusable(name, shape, cloud)
    return (shape, "") if why is None else (None, why)


def alike(cloud: str, path: str, names: Sequence[str]) -> Iterator[Problem]:
    """Types that can't be used, and types of several makers, whose nodes need taints and images of
    their own."""
    kinds: set[str] = set()
    for index, name in enumerate(names):
        shape, why = usable(cloud, name)
        if shape is None:
            yield Problem(f"{path}[{index}]", why)
        else:
            kinds.add(resource_of(shape))
    if len(kinds) > 1:
        mixed = " and ".join(sorted(kinds))
        yield Problem(path, f"mixes {mixed}: make one group for each, as each has its own taint")


def not_sold(cloud: str, path: str, region: str | None, names: Sequence[str]) -> Iterator[Problem]:
    """A region that the price book does not have, and types that it has in other regions only."""
    if region is None:
        return
    by_region = _sold(cloud)
    if region not in by_region:
        near = nearest(region, sorted(by_region))
        yield Problem(path, f"{region} is no {_PLACE[cloud]} with GPUs that zerofloor knows{near}")
        return
    for name in names:
        regions = sorted(known for known, types in by_region.items() if name.lower() in types)
        if regions and region not in regions:
            some = ", ".join(regions[:4]) + (", …" if len(regions) > 4 else "")
            yield Problem(
                path,
                f"{name} has no price in {region}, so it is probably not sold there; it has one "
                f"in {some}. Where it is sold all the same, set `any_region`",
            )


@cache
def _sold(cloud: str) -> Mapping[str, frozenset[str]]:
    """The types that have a price, by region; without AWS' local zones, which have few."""
    found: dict[str, set[str]] = {}
    for row in snapshot_rows("gpu_prices.csv"):
        if row["cloud"] == cloud and not re.search(r"-\d-", row["region"]):
            found.setdefault(row["region"], set()).add(row["instance_type"].lower())
    return {region: frozenset(types) for region, types in found.items()}


def is_arm(name: str) -> bool:
    """Whether an EC2 type has an Arm processor: Graviton (g5g) or Grace (p6e-gb200); EC2 user
    guide, "Instance type naming conventions"."""
    return bool(re.match(r"[a-z]+\d+[a-z]*(?:g[a-z]*\.|.*-gb\d)", name))
