"""Reading AWS resources: one view over `aws`, `aws-native` and CloudFormation, instance types as
shapes, sizes as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from math import ceil
from typing import Any, Final

from zerofloor.capacity import Market, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape, accelerated_types, family
from zerofloor.platforms.aws import templates
from zerofloor.platforms.declared import Declared, Size
from zerofloor.platforms.machines import Machines, machines_of
from zerofloor.values import known_items, known_text

CLOUD: Final = "aws"


def declared(estate: Estate, *tokens: str) -> Iterator[Declared]:
    """The resources of these types, also those that CloudFormation stacks hold (for `aws-native`
    tokens)."""
    for resource in estate.of_type(*tokens):
        if resource.op != "read":  # What is only looked up is another program's.
            yield Declared(resource, resource.inputs, resource.name)
    wanted = {token for token in tokens if token.startswith("aws-native:")}
    if wanted:
        for inner in templates.inner_resources(estate, wanted):
            yield Declared(inner.holder, inner.properties, inner.logical, inner.logical, inner.prop)


@cache
def family_shapes(prefix: str) -> tuple[Shape, ...]:
    """The accelerated types of one family (`g4dn` → g4dn.xlarge, …); empty where the table has
    none."""
    return tuple(
        shape
        for shape in accelerated_types(CLOUD)
        if shape.instance_type.split(".")[0] == prefix.lower()
    )


def is_plain_family(estate: Estate, prefix: str) -> bool:
    """Whether a family (`m5`) is known to have no accelerator."""
    shape = estate.shape(CLOUD, f"{prefix}.large")
    return bool(family(CLOUD, f"{prefix}.large")) and shape is not None and shape.gpus == 0


def matching(pattern: str) -> tuple[Shape, ...]:
    """The accelerated types that a pattern with `*` names (`g5.*`)."""
    return tuple(
        shape
        for shape in accelerated_types(CLOUD)
        if fnmatchcase(shape.instance_type, pattern.lower())
    )


def order(minimum: Size, desired: Size, maximum: Size) -> Undecided | None:
    """The refusal of sizes that contradict each other: AWS accepts only minimum ≤ desired ≤
    maximum."""
    for low, high in ((minimum, maximum), (minimum, desired), (desired, maximum)):
        if low.known is not None and high.known is not None and low.known > high.known:
            why = (
                f"{low.path} {low.known} is above {high.path} {high.known}: AWS refuses the "
                "declaration"
            )
            return low.source.open(low.path, why, "Correct the values: minimum ≤ desired ≤ maximum")
    return None


def nodes_for(found: Machines, units: int) -> int:
    """The fewest instances that give this many capacity units."""
    if not found.weights:
        return units
    return min(ceil(Decimal(units) / weight) for weight in found.weights if weight > 0)


def narrowed(found: Machines, units: int) -> Machines:
    """With types of different weight the number of instances depends on the type: keep the one with
    the fewest GPUs in all."""
    if len(set(found.weights)) <= 1:
        return found

    def gpus(pair: tuple[Shape, Decimal]) -> tuple[Decimal, Decimal]:
        shape, weight = pair
        return (shape.gpus or Decimal(0)) * ceil(Decimal(max(units, 1)) / weight), -weight

    shape, weight = min(zip(found.shapes, found.weights, strict=True), key=gpus)
    return replace(found, shapes=(shape,), weights=(weight,))


def market(source: Declared, *paths: str) -> Market:
    """The market by a marketType or capacityType property; a capacity block is reserved."""
    # Only the price depends on it: hidden, the higher one counts.
    value = str(known_text(source.pick(*paths)[1]) or "").lower().replace("_", "-")
    return {"spot": Market.SPOT, "capacity-block": Market.RESERVED}.get(value, Market.ON_DEMAND)


def strings(value: Any) -> list[str]:
    """The known strings of a list; who asks has looked whether one is hidden."""
    return (
        [item for item in known_items(value) if isinstance(item, str)]
        if not isinstance(value, str)
        else [value]
    )


def machines(estate: Estate, source: Declared, path: str, value: Any) -> Machines:
    """The EC2 instance types named by a string or a list of strings; no value gives no machines."""
    return machines_of(estate, CLOUD, source, path, value)
