"""Machine types as the components on cloud instances ask for them: which hold whole GPUs, and
where the price book has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import PlainText, Problem, Spec, Whole
from zerofloor.components.spec import one_of_many, resource_of, unusable
from zerofloor.hardware import google
from zerofloor.hardware.instances import Shape, lookup, snapshot_rows
from zerofloor.spelling import did_you_mean

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
        near = did_you_mean(region, sorted(by_region)) or "."
        yield Problem(
            path,
            f"{region} is not among the {_PLACE[cloud]}s with GPUs that zerofloor knows{near} "
            "Where it is one, set `any_region`",
        )
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


def zone_region(zone: str) -> str | None:
    """The region of a Google zone: `us-central1-a` → `us-central1`; None for another text."""
    found = re.fullmatch(r"([a-z]+-[a-z]+\d+)-[a-z]", zone)
    return found[1] if found else None


CARDS: Final[Mapping[str, str]] = {name: card for card, name in google.CARDS.items()}
"""Google's accelerator types by the names of the instance table."""
ATTACHED: Final = (
    "nvidia-tesla-t4",
    "nvidia-tesla-p4",
    "nvidia-tesla-v100",
    "nvidia-tesla-p100",
)
"""Cards that are added to an N1 machine (Compute Engine docs, "GPU machine types")."""


class GoogleMachine(Spec):
    """The machine of a Google component: its type, and on N1 the cards added to it."""

    machine_type: PlainText
    accelerator: PlainText | None = None
    accelerators: Annotated[Whole, Field(ge=1, le=8)] | None = None

    def machine_problems(self) -> Iterator[Problem]:
        """A type without cards, cards for a type that has its own, and types that can't be used."""
        if self.machine_type.startswith("n1-"):
            if self.accelerator is None:
                yield Problem("accelerator", f"is required: {self.machine_type} has no GPU itself")
            elif self.accelerator not in ATTACHED:
                near = did_you_mean(self.accelerator, ATTACHED)
                yield Problem("accelerator", f"must be one of {', '.join(ATTACHED)}{near}")
            return
        shape, why = usable("gcp", self.machine_type)
        if shape is None:
            yield Problem("machine_type", why)
        for argument in ("accelerator", "accelerators"):
            if argument in self.model_fields_set:
                yield Problem(argument, f"is for N1 machines; {self.machine_type} has its own")

    @property
    def priced_as(self) -> str:
        """What the price list calls the machine: on N1 the card."""
        return self.accelerator or self.machine_type

    @property
    def cards(self) -> tuple[str, int] | None:
        """Google's name of the cards and their number; None for TPUs, which are in the type."""
        if self.machine_type.startswith("n1-"):
            return str(self.accelerator), self.accelerators or 1
        shape = lookup("gcp", self.machine_type)
        if shape is None or not shape.gpus or shape.accelerator not in CARDS:
            return None
        return CARDS[shape.accelerator], int(shape.gpus)
