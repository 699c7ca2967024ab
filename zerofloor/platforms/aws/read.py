"""Reading AWS resources: one view over `aws`, `aws-native` and CloudFormation, instance types as
shapes, sizes as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from math import ceil
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Evidence, Hold, Undecided
from zerofloor.estate import Estate, Link
from zerofloor.hardware.instances import Shape, accelerated_types, family
from zerofloor.platforms.aws import templates
from zerofloor.stack import Hidden, Resource
from zerofloor.values import Impossible, count, get, hidden, known_items, known_text, no_object
from zerofloor.words import unique

CLOUD: Final = "aws"

SETTLE_VALUE: Final = (
    "Make the value known at preview (a config value instead of another resource's output), or "
    "waive it"
)
SETTLE_TYPE: Final = (
    "Name the instance type in the program or in a config value, or add it under "
    "hints.instances in zerofloor.yaml"
)


@dataclass(frozen=True, slots=True)
class Declared:
    """A resource as a reader sees it: of a Pulumi provider, or inside a CloudFormation template."""

    resource: Resource
    inputs: Mapping[str, Any]
    name: str
    logical: str | None = None
    """Its logical ID where a CloudFormation template holds it."""

    @property
    def urn(self) -> str:
        return self.resource.urn

    @property
    def key(self) -> str:
        """The URN, with the logical ID where a template holds it: a resource may be several
        pools."""
        return self.urn if self.logical is None else part_of(self.urn, self.logical)

    def path(self, path: str) -> str:
        """The property path in the Pulumi resource's own inputs."""
        return path if self.logical is None else f"templateBody: {self.logical}.{path}"

    def pick(self, *paths: str) -> tuple[str, Any]:
        """The first of the paths that is there, with its value: providers name the same thing
        differently."""
        for path in paths:
            value = get(self.inputs, path)
            if value is not None:
                return path, value
        return paths[0], None

    def evidence(self, path: str, because: str) -> Evidence:
        return Evidence(self.urn, self.path(path), get(self.inputs, path), because)

    def open(self, path: str, why: str, settle: str = SETTLE_VALUE) -> Undecided:
        return Undecided(self.urn, self.path(path), why, settle)


def part_of(urn: str, part: str) -> str:
    """What tells one of several pools of a resource from the others, as `Workload.key` does."""
    return f"{urn}#{part}"


def declared(estate: Estate, *tokens: str) -> Iterator[Declared]:
    """The resources of these types, also those that CloudFormation stacks hold (for `aws-native`
    tokens)."""
    for resource in estate.of_type(*tokens):
        yield Declared(resource, resource.inputs, resource.name)
    wanted = {token for token in tokens if token.startswith("aws-native:")}
    if wanted:
        for stack, logical, inputs in templates.resources(estate, wanted):
            yield Declared(stack, inputs, logical, logical)


def link_of(
    estate: Estate,
    user: Declared,
    prop: str,
    *types: str,
    value: Any = None,
    names: tuple[str, ...] = ("name",),
) -> Link:
    """What a property of `user` points at (`Estate.link`)."""
    return estate.link(user.resource, prop, *types, value=value, names=names)


@dataclass(frozen=True, slots=True)
class Machines:
    """What an instance may be."""

    shapes: tuple[Shape, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    weights: tuple[Decimal, ...] = ()
    """For each shape the capacity units of one instance; empty where sizes count instances."""
    by_attributes: bool = False
    """True where no type is named and attributes choose among all."""

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


def machines(estate: Estate, source: Declared, path: str, value: Any) -> Machines:
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
        elif (shape := estate.shape(CLOUD, item)) is None:
            undecided.append(
                source.open(
                    where,
                    f"No table knows the instance type {item}: it could have GPUs",
                    SETTLE_TYPE,
                )
            )
        else:
            shapes.append(shape)
            assumptions += estate.hint_assumptions(item)
    found = tuple(dict.fromkeys(shapes))
    evidence = (source.evidence(path, describe(found)),) if found else ()
    return Machines(found, tuple(undecided), evidence, tuple(dict.fromkeys(assumptions)))


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
    """What the types have, as half a sentence."""
    if len(shapes) > 4:
        counts = sorted({shape.gpus for shape in shapes if shape.gpus is not None})
        return (
            (
                f"any of {len(shapes)} types with {_number(counts[0])} to "
                f"{_number(counts[-1])} GPUs each"
            )
            if counts
            else "accelerated types"
        )
    return "; ".join(_describe(shape) for shape in shapes)


def _describe(shape: Shape) -> str:
    if shape.gpus is None:
        return f"{shape.instance_type} has accelerators, how many no table says"
    return (
        f"{shape.instance_type} has {_number(shape.gpus)} {shape.accelerator}"
        if shape.gpus
        else f"{shape.instance_type} has no GPU"
    )


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


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


@dataclass(frozen=True, slots=True)
class Size:
    """A number that AWS accepts, with the place where it stands."""

    source: Declared
    path: str
    value: int | Hidden | None
    """None where it is absent."""
    default: str = ""
    """What an omitted value means, with the source; empty where it is given."""

    @property
    def known(self) -> int | None:
        return self.value if isinstance(self.value, int) else None

    @property
    def is_hidden(self) -> bool:
        return isinstance(self.value, Hidden)

    def evidence(self, because: str) -> Evidence:
        shown = get(self.source.inputs, self.path)
        note = f" ({self.default})" if shown is None and self.default else ""
        return Evidence(self.source.urn, self.source.path(self.path), shown, because + note)


def size(
    source: Declared, paths: Sequence[str], default: int | None = None, because: str = ""
) -> Size | Undecided:
    """The count at the first of the paths that is there, else the default; Undecided where AWS
    would refuse the value."""
    path, value = source.pick(*paths)
    if value is None and (
        wrong := next((found for name in paths if (found := no_object(source.inputs, name))), None)
    ):
        return source.open(wrong, f"{wrong} can't be: it is not an object", "Correct the value")
    number = count(value)
    if isinstance(number, Impossible):
        return source.open(path, f"{path} can't be: {number.why}", "Correct the value")
    return Size(source, path, default, because) if number is None else Size(source, path, number)


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


def hold(
    cause: Cause,
    urn: str,
    units: int | None,
    fix: str,
    *evidence: Evidence,
    hours: Decimal | None = None,
) -> Hold:
    """A Hold with its chain."""
    return (
        Hold(cause, urn, units, tuple(evidence), fix)
        if hours is None
        else Hold(cause, urn, units, tuple(evidence), fix, hours)
    )


def market(source: Declared, *paths: str) -> str:
    """`spot`, `reserved` (a capacity block) or `on-demand` by a marketType or capacityType
    property."""
    value = str(known_text(source.pick(*paths)[1]) or "").lower().replace("_", "-")
    return {"spot": "spot", "capacity-block": "reserved"}.get(value, "on-demand")


def strings(value: Any) -> list[str]:
    """The known strings of a list."""
    return (
        [item for item in known_items(value) if isinstance(item, str)]
        if not isinstance(value, str)
        else [value]
    )
