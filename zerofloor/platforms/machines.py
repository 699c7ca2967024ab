"""Instance types as shapes: what a machine of a pool may be, and what is not known about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import force_setattr, replace

from zerofloor.capacity import Assumption, Evidence, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape, accelerated_types
from zerofloor.platforms.declared import Declared
from zerofloor.spelling import did_you_mean
from zerofloor.structs import Value
from zerofloor.values import hidden
from zerofloor.words import counted, unique

SETTLE_TYPE: Final = (
    "Name an instance type that zerofloor knows, or add it with its GPUs (0: none) under "
    "hints.instances in zerofloor.yaml"
)


class Machines(Value, frozen=True):
    """What an instance may be."""

    shapes: tuple[Shape, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    weights: tuple[Decimal, ...] = ()
    """For each shape the capacity units of one instance; empty where sizes count instances."""
    by_attributes: bool = False
    """True where no type is named and attributes choose among all."""

    def __post_init__(self) -> None:
        """Marks the evidence: hardware is never the reason why a machine keeps running."""
        if any(not link.is_hardware for link in self.evidence):
            marked = tuple(replace(link, is_hardware=True) for link in self.evidence)
            force_setattr(self, "evidence", marked)

    @property
    def plain(self) -> bool:
        """Whether it is certain that no instance has an accelerator."""
        return (
            not self.undecided
            and bool(self.shapes)
            and all(shape.gpus == 0 for shape in self.shapes)
        )

    @property
    def mixed(self) -> bool:
        """Whether some of the types have an accelerator and some have none."""
        return any(shape.gpus == 0 for shape in self.shapes) and any(
            shape.gpus != 0 for shape in self.shapes
        )


def machines_of(estate: Estate, cloud: str, source: Declared, path: str, value: Any) -> Machines:
    """The instance types named by a string or a list of strings; no value gives no machines."""
    if hidden(value):
        return Machines(
            undecided=(
                source.open(
                    path, f"The instance type is {value.value}: it could be a GPU type", SETTLE_TYPE
                ),
            )
        )
    shapes: list[Shape] = []
    undecided: list[Undecided] = []
    assumptions: list[Assumption] = []
    many = isinstance(value, Sequence) and not isinstance(value, str)
    for index, item in enumerate(value if many else [] if value is None else [value]):
        where = f"{path}[{index}]" if many else path
        if hidden(item):
            undecided.append(
                source.open(
                    where, f"An instance type is {item.value}: it could be a GPU type", SETTLE_TYPE
                )
            )
        elif not isinstance(item, str) or not item.strip():
            undecided.append(source.open(where, "The instance type is not a name", SETTLE_TYPE))
        elif (shape := estate.shape(cloud, item)) is None:
            undecided.append(
                source.open(
                    where,
                    f"Unknown instance type {item}: it could have GPUs{_like(cloud, item)}",
                    _hint_for(item),
                )
            )
        else:
            shapes.append(shape)
            assumptions += estate.hint_assumptions(item)
    found = tuple(dict.fromkeys(shapes))
    evidence = (source.evidence(path, describe(found)),) if found else ()
    return Machines(found, tuple(undecided), evidence, tuple(dict.fromkeys(assumptions)))


def _like(cloud: str, instance_type: str) -> str:
    known = [shape.instance_type for shape in accelerated_types(cloud)]
    return did_you_mean(instance_type, known)


def _hint_for(instance_type: str) -> str:
    written = f"{{instanceType: {instance_type}, gpus: 0, reason: …}}"
    return f"Add hints: {{instances: [{written}]}} to zerofloor.yaml, with the GPUs it has"


def union(parts: Iterable[Machines]) -> Machines:
    """Any of these."""
    found = list(parts)
    pairs = [
        pair
        for part in found
        for pair in zip(part.shapes, part.weights or (Decimal(1),) * len(part.shapes), strict=True)
    ]
    once = list(dict.fromkeys(pairs))
    return Machines(
        tuple(shape for shape, _ in once),
        tuple(dict.fromkeys(u for part in found for u in part.undecided)),
        tuple(unique(e for part in found for e in part.evidence)),
        tuple(dict.fromkeys(a for part in found for a in part.assumptions)),
        tuple(weight for _, weight in once) if any(weight != 1 for _, weight in once) else (),
        any(part.by_attributes for part in found),
    )


def describe(shapes: Sequence[Shape]) -> str:
    """What the types have, as a clause."""
    if len(shapes) > 4:
        counts = sorted({shape.gpus for shape in shapes if shape.gpus is not None})
        return (
            (
                f"any of {counted(len(shapes), 'type')} with {_number(counts[0])} to "
                f"{_number(counts[-1])} GPUs each"
            )
            if counts
            else "accelerated types"
        )
    return "; ".join(_describe(shape) for shape in shapes)


def _describe(shape: Shape) -> str:
    if shape.gpus is None:
        return f"{shape.instance_type} has accelerators of unknown number"
    return (
        f"{shape.instance_type} has {_number(shape.gpus)} {shape.accelerator}"
        if shape.gpus
        else f"{shape.instance_type} has no GPU"
    )


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
