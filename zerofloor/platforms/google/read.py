"""The shared spelling of Google's resources: names and paths, machine types with their cards,
markets, and the pool that a service declares."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Assumption,
    Evidence,
    Hold,
    Market,
    Notice,
    Placement,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate, Link
from zerofloor.hardware import google
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.declared import Declared, Field, Size, link_of
from zerofloor.platforms.declared import declared as all_declared
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, describe, machines_of
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, text
from zerofloor.words import counted

CLOUD: Final = "gcp"

_NO_CARD: Final = frozenset({"", "ACCELERATOR_TYPE_UNSPECIFIED"})
_CARD_TYPE: Final = ("type", "acceleratorType")
_CARD_COUNT: Final = ("count", "acceleratorCount", "coreCount")


def declared(estate: Estate, *tokens: str) -> Iterator[Declared]:
    """The resources of these types; those that the program only looks up are not its own."""
    for source in all_declared(estate, *tokens):
        if source.resource.op != "read":
            yield source


def last(value: Any) -> Any:
    """The name at the end of a path or URL (without `?uniqueId=…`); anything else as it is."""
    if not isinstance(value, str):
        return value
    return value.strip().partition("?")[0].rstrip("/").rsplit("/", 1)[-1]


def link(estate: Estate, user: Declared, prop: str, *types: str, value: Any = None) -> Link:
    """What a property points at, whether it holds a name, a path or a URL."""
    return link_of(estate, user, prop, *types, value=last(value), names=("name",))


def resources(estate: Estate, found: Link) -> tuple[Declared, ...]:
    """The resources of a link."""
    return tuple(Declared(one, one.inputs, one.name) for one in found.found)


@dataclass(frozen=True, slots=True)
class Cards:
    """Accelerators that are added to a machine."""

    number: Decimal = Decimal(0)
    name: str = ""
    """Google's own name of them, in lower case: `nvidia-tesla-t4`."""
    undecided: tuple[Undecided, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def cards(source: Declared, *paths: str) -> Cards:
    """The accelerators at the first of the paths: a list of objects, or one object."""
    field = source.field(*paths)
    listed = field.items()
    if isinstance(listed, Hidden):
        return Cards(undecided=(_open_cards(field, f"{field.path} is {listed.value}"),))
    number, name = Decimal(0), ""
    places: list[tuple[str, int]] = []
    is_list = isinstance(field.value, list | tuple)
    for index, item in enumerate(listed):
        amount, kind = count(_first(item, _CARD_COUNT)), text(_first(item, _CARD_TYPE))
        if isinstance(kind, str) and kind.strip() in _NO_CARD:
            continue
        if amount == 0 or (amount is None and kind is None and not isinstance(item, Hidden)):
            continue
        if not isinstance(amount, int):
            return Cards(undecided=(_open_cards(field, _why_open(amount)),))
        if isinstance(kind, Hidden):
            return Cards(undecided=(_open_cards(field, f"the type of {amount} isn't known"),))
        number += amount
        where = f"{field.path}[{index}]" if is_list else field.path
        places.append((f"{where}.{_name(item, _CARD_COUNT)}", amount))
        name = str(last(kind or name)).lower().replace("_", "-").removesuffix("-vws")
    if not number:
        return Cards()
    said = f"{counted(int(number), 'accelerator')} ({name}) on each machine"
    evidence = tuple(Evidence(source.urn, path, amount, said) for path, amount in places)
    return Cards(number, name, evidence=evidence)


def _first(item: Any, names: Sequence[str]) -> Any:
    if isinstance(item, Hidden):
        return item
    return next((value for name in names if (value := at(item, name)) is not None), None)


def _name(item: Any, names: Sequence[str]) -> str:
    return next((name for name in names if at(item, name) is not None), names[0])


def _why_open(amount: object) -> str:
    if isinstance(amount, Impossible):
        return f"their number is invalid: {amount.why}"
    return "their number isn't known"


def _open_cards(field: Field, why: str) -> Undecided:
    return field.undecided(f"The accelerators can't be counted: {why}")


def machines(
    estate: Estate,
    source: Declared,
    kind: Sequence[str],
    added: Sequence[str] = (),
    default: str | None = None,
) -> Machines:
    """The machine of a type (by name or path) with the accelerators that are added to it.

    `default` is what runs where no type is given; None: no machine then, unless cards are added.
    A type with accelerators of its own names the same cards as the list beside it: they are not
    added to each other.
    """
    field = source.field(*kind)
    extra = cards(source, *added) if added else Cards()
    if field.is_absent:
        if default is None:
            return _with_cards(Machines(), extra, source)
        shape = estate.shape(CLOUD, default)
        evidence = field.evidence(f"omitted: {default}")
        found = Machines((shape,) if shape else (), evidence=(evidence,))
        return _with_cards(found, extra, source)
    value = field.value if field.is_hidden else _names(field.value)
    return _with_cards(machines_of(estate, CLOUD, source, field.path, value), extra, source)


def _names(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [last(item) for item in value]
    return last(value)


def _with_cards(found: Machines, extra: Cards, source: Declared) -> Machines:
    if any(shape.gpus for shape in found.shapes):
        return found
    if extra.undecided:
        return Machines((), (*found.undecided, *extra.undecided), found.evidence, found.assumptions)
    if not extra.number:
        return _counted(found, source)
    # A type of unknown name or size has at least the cards that are listed for it.
    bases = found.shapes or (Shape(CLOUD, f"a machine with {extra.name}", None),)
    shapes = tuple(
        replace(base, gpus=extra.number, accelerator=google.card_of(extra.name), card=extra.name)
        for base in bases
    )
    # That the type has no GPU by itself is no link of the chain: the cards beside it are.
    return Machines(shapes, (), extra.evidence, found.assumptions, found.weights)


def _counted(found: Machines, source: Declared) -> Machines:
    """Undecided where a type has accelerators and neither table nor name says how many."""
    unknown = [shape for shape in found.shapes if shape.gpus is None]
    if not unknown:
        return found
    path = found.evidence[0].path if found.evidence else ""
    why = f"{unknown[0].instance_type} has GPUs of unknown number"
    return Machines((), (*found.undecided, source.open(path, why, SETTLE_TYPE)), found.evidence)


def shape_evidence(source: Declared, path: str, shape: Shape) -> Evidence:
    """The evidence of a shape that no machine type names."""
    return source.evidence(path, describe((shape,)))


def market(source: Declared, prefix: str = "") -> Market:
    """Spot where the machine is declared spot or preemptible; only the price depends on it, so
    hidden is on demand."""
    said = [
        source.field(prefix + path).value
        for path in ("spot", "preemptible", "scheduling.preemptible", "scheduling.spot")
    ]
    model = source.field(prefix + "scheduling.provisioningModel", prefix + "provisioningModel")
    is_spot = any(one is True for one in said) or model.value == "SPOT"
    return Market.SPOT if is_spot else Market.ON_DEMAND


def unknown_number(number: Size) -> Undecided:
    """The undecided part of a number of machines that is hidden."""
    why = f"{number.path} isn't known at preview, so any number of GPU machines could stay on"
    return number.source.open(number.path, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How something ends by itself within a week."""

    evidence: Evidence
    assumptions: tuple[Assumption, ...] = ()


_NEAR: Final = datetime.timedelta(days=7)


def day_of(field: Field) -> datetime.date | None:
    """The day of a time (RFC 3339) in a property; None where it can't be read."""
    day = re.match(r"\d{4}-\d{2}-\d{2}", str(field.value))
    try:
        return datetime.date.fromisoformat(day[0]) if day else None
    except ValueError:
        return None


def ends_at(estate: Estate, field: Field) -> End | Undecided | None:
    """Whether it ends at the time in a property: within a week of the check; where the day of the
    check isn't given, that it does is an assumption. Later is no end: it bills until then."""
    if field.is_hidden:
        return field.undecided(f"When {field.source.name} ends isn't known at preview")
    if field.is_absent or field.value == "":
        return None
    end = day_of(field)
    if end is None:
        return field.undecided("The time at which it ends isn't one that can be read")
    said = field.evidence("it ends then, requests or not")
    if estate.today is not None:
        return End(evidence=said) if end - estate.today <= _NEAR else None
    what = Assumption(f"{field.source.name} ends at {field.value}", "that lies close ahead")
    return End(evidence=said, assumptions=(what,))


def lasts(estate: Estate, field: Field) -> bool | None:
    """Whether something that expires at the time in a property is in force for another week; None
    where that isn't known."""
    if field.is_absent:
        return True
    end = None if field.is_hidden else day_of(field)
    if end is None or estate.today is None or is_within_the_week(estate.today, end):
        return None
    return end > estate.today


def is_within_the_week(today: datetime.date, end: datetime.date) -> bool:
    """Whether the end lies in the week that is looked at."""
    return datetime.timedelta(0) < end - today < _NEAR


def region_of(place: object) -> str | None:
    """`us-central1` of `us-central1-a`, of a region, or of a path to either; None for anything
    else."""
    name = last(place)
    if not isinstance(name, str) or not name:
        return None
    parts = name.split("-")
    return "-".join(parts[:2]) if len(parts) > 2 and len(parts[-1]) == 1 else name


def is_zone(place: str) -> bool:
    """Whether a location is a zone (`us-central1-a`) rather than a region."""
    return len(place.split("-")) > 2


def pool_of(
    estate: Estate,
    source: Declared,
    found: Machines,
    *,
    platform: str,
    holds: Iterable[Hold] = (),
    extra: Iterable[Hold] = (),
    undecided: Iterable[Undecided] = (),
    desired: int | None = None,
    ceiling: int | None = None,
    sold: Market = Market.ON_DEMAND,
    region: str | None = None,
    placement: Placement | None = None,
    part: str = "",
    notices: Iterable[Notice] = (),
    assumptions: Iterable[Assumption] = (),
    evidence: Iterable[Evidence] = (),
    price_as: str | None = None,
) -> Pool | None:
    """The pool of a declaration; None where it has no GPU and takes no pods.

    What isn't known about the machine matters only where one may run.
    """
    if not found.shapes and not found.undecided:
        return None
    if found.plain and placement is None:
        return None
    kept = () if found.plain else tuple(hold for hold in holds if hold.least)
    beside = () if found.plain else tuple(hold for hold in extra if hold.least)
    open_parts = () if found.plain else tuple(undecided)
    if kept or beside or open_parts:
        open_parts = (*open_parts, *found.undecided)
    overlap = (desired or 0) if source.resource.replaced_before_delete else 0
    return Pool(
        urn=source.urn,
        name=source.name,
        platform=platform,
        cloud=CLOUD,
        shapes=found.shapes,
        holds=tuple(sorted(kept, key=lambda hold: -hold.least)),
        extra=beside,
        desired=desired if found.shapes else None,
        ceiling=ceiling,
        market=sold,
        region=region or region_of(estate.region(source.resource, CLOUD)),
        placement=placement,
        undecided=tuple(dict.fromkeys(open_parts)),
        notices=() if found.plain else tuple(notices),
        assumptions=(*found.assumptions, *assumptions),
        price_as=price_as,
        overlap=overlap,
        evidence=(*found.evidence, *evidence),
        part=part,
    )


SETTLE_TEMPLATE: Final = (
    "Check it together with the stack that declares it (--join), or name the machine type here"
)
