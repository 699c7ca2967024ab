"""Services that are only "this token, these property paths, this default, this release": typed rows
of data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Market,
    Notice,
    Part,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.declared import Declared, Field, Size, changes_of, declared, size
from zerofloor.platforms.machines import Machines, describe, machines_of, union
from zerofloor.platforms.nodes import Nodes, placement_of
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, get, items, keys, known_items, seconds
from zerofloor.words import number as shown

PRESENT: Final = object()
"""In `Release.values`: whatever is given."""
COUNT: Final = "COUNT"
"""In `Row.change`: the path at which the number was found."""
NUMBER: Final = object()
"""In `Row.change`: the number itself, as a new value (a scaler's maximum)."""


class Stopped(Enum):
    """Whether a stopped machine bills."""

    FREE = "nothing"
    PART = "a part"
    BILLS = "as if it ran"
    UNREAD = "what isn't documented"


class Release(Value, frozen=True, kw_only=True):
    """A property by which the service itself releases the machines."""

    path: str
    values: tuple[Any, ...]
    """Any of these (None: omitted); `PRESENT` stands for whatever is given."""
    because: str
    """What follows from it, as a clause."""
    bills: Stopped = Stopped.FREE
    """Whether the machine bills then: if it does, it is held, and the message says so."""
    only: str = ""
    """The instance types (a regular expression) for which it holds; empty: all."""


class Scaling(Value, frozen=True, kw_only=True):
    """A service's own scaler: where it is on, its minimum takes the place of the row's number."""

    switch: str = ""
    """Path of what turns it on; empty: a minimum that is given does."""
    on: tuple[Any, ...] = (True,)
    """Values of the switch with which it is on."""
    minimum: tuple[str, ...]
    default: int | None = None
    """The minimum where it is omitted; None: not documented, so undecided."""
    smallest: int = 0
    """The smallest minimum that the service documents: less is undecided."""
    unproven: str = ""
    """Set where it isn't documented that a minimum of 0 is accepted: printed as an assumption."""
    maximum: tuple[str, ...] = ()
    """Paths of its maximum; empty: it has none."""
    cause: Cause = Cause.POOL_MINIMUM
    because: str = "the autoscaler never goes below it"
    fix: str


class Idle(Value, frozen=True, kw_only=True):
    """For how long the service keeps machines after the last request."""

    path: str
    """The property (in an element of `each`); empty: the service fixes it."""
    unit: int = 1
    """Seconds that one of it stands for."""
    default: int
    """The same number where it is omitted."""


class Row(Value, frozen=True, kw_only=True):
    """One kind of resource whose floor is a number that stands in it."""

    cloud: str
    tokens: tuple[str, ...]
    platform: str
    """As people call it: "AppStream fleet"."""
    machine: tuple[str, ...]
    """Paths of the instance type, the first that is there counts; `[].` after a list's name takes
    the type of each of its elements as an alternative."""
    default_machine: Shape | None = None
    """What runs where no type is named; None: nothing with a GPU."""
    count: tuple[str, ...] = ()
    """Paths of the number of machines; empty: one."""
    shared: tuple[str, str] = ("", "")
    """A path of `count` that counts what shares a machine (sessions), and the path of how many do;
    omitted, each has its own."""
    default: int = 1
    """The number where it is omitted."""
    ceiling: tuple[str, ...] = ()
    """Paths of the most that it scales out to; empty: the number itself."""
    cause: Cause
    because: str
    """What follows from the number, as a clause."""
    fix: str
    """The change that ends it, as an imperative sentence."""
    change: tuple[tuple[str, Any], ...] = ()
    """The fix as data: property paths (in an element of `each`) and their new values; `COUNT` is
    the path at which the number was found. Empty where a person must decide."""
    source: str
    """Where the platform says so."""
    releases: tuple[Release, ...] = ()
    each: str = ""
    """A list whose elements are pools of their own; then the paths start in an element."""
    translate: Callable[[str], Shape | None] | None = None
    """Types that the cloud's table does not have; None from it: ask the table."""
    part: str = ""
    """Which of several pools of one resource this is."""
    spot: tuple[tuple[str, Any], ...] = ()
    """Paths and values that make it spot."""
    price_as: str | None = None
    derived: bool = False
    """True where the token is derived from a Terraform provider by the bridge and was not seen."""
    scaling: Scaling | None = None
    nodes: Nodes | None = None
    """Set where pods run on the machines: how they get there. CPU pools are reported too then."""
    machines: Callable[[Estate, Declared, str], Machines] | None = None
    """Reads the machines where their type is no plain name at one of the paths (an element of
    `each` starts at the third argument)."""
    idle: Idle | None = None
    also: str = ""
    """What else decides, for people, where code reads it; empty: nothing."""
    stopped: str = ""
    """What a stopped machine bills, for people; empty where it can't be stopped."""


class Kept(Value, frozen=True, kw_only=True):
    """How much of a number remains while idle."""

    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    notices: tuple[Notice, ...] = ()
    ceiling: int | None = None
    """None: unlimited."""


Keep = Callable[[Estate, Declared, Row, Size, Machines], Kept]
"""What stays of a row's number: `as_declared`, or a cloud's own that knows its scalers."""


def as_declared(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """The number itself: nothing lowers it."""
    if number.is_hidden:
        return Kept(undecided=(number.open(),))
    units = number.known or 0
    ceiling = _ceiling(source, row, units)
    if not units:
        return Kept(ceiling=ceiling)
    # Where no property says how many, what follows is told of the resource as a whole.
    step = number.evidence(row.because) if row.count else source.evidence("", row.because)
    evidence = (*found.evidence, step)
    hold = Hold(
        cause=row.cause,
        urn=source.urn,
        units=units,
        evidence=evidence,
        fix=row.fix,
        change=change_of(source, row, number),
    )
    return Kept(holds=(hold,), ceiling=ceiling)


def change_of(source: Declared, row: Row, number: Size) -> tuple[Change, ...]:
    """The row's fix as data."""
    prefix = next((p for p in _prefixes(source, row) if number.path.startswith(p)), "")
    pairs = (
        (
            number.path if path == COUNT else prefix + path,
            max(1, number.known or 0) if to is NUMBER else to,
        )
        for path, to in row.change
    )
    return changes_of(source, *pairs)


def _ceiling(source: Declared, row: Row, units: int) -> int | None:
    if not row.ceiling:
        return units
    most = source.field(*row.ceiling).count()
    return most if isinstance(most, int) else None


def read_rows(
    estate: Estate,
    rows: Iterable[Row],
    sources: Callable[..., Iterable[Declared]] = declared,
    keep: Keep = as_declared,
) -> Iterator[Part]:
    """The pools of every resource of these rows."""
    for row in rows:
        for source in sources(estate, *row.tokens):
            if source.resource.op != "read":  # That one is looked up, not declared.
                yield from _elements(estate, row, source, keep)


def _elements(estate: Estate, row: Row, source: Declared, keep: Keep) -> Iterator[Part]:
    if not row.each:
        yield from read_row(estate, row, source, keep=keep)
        return
    elements = source.field(row.each)
    if elements.is_hidden:
        yield elements.undecided(f"{row.each} isn't known at preview: it may name GPU machines")
    elif isinstance(elements.value, str | int | float):
        yield elements.undecided(f"{row.each} is not a list: it may name GPU machines")
    for prefix in _prefixes(source, row):
        yield from read_row(estate, row, source, prefix=prefix, keep=keep)


def _prefixes(source: Declared, row: Row) -> list[str]:
    """The paths of the elements of `each`; a lone object in its place is one."""
    value = get(source.inputs, row.each) if row.each else None
    if isinstance(value, Mapping):
        return [f"{row.each}."]
    elements = items(value)
    if isinstance(elements, Hidden):
        return []
    return [f"{row.each}[{index}]." for index in range(len(elements))]


class _Subject(Value, frozen=True, kw_only=True):
    """One resource, or one element of its list at `prefix`, with the row that reads it."""

    estate: Estate
    row: Row
    source: Declared
    prefix: str
    found: Machines


def read_row(
    estate: Estate, row: Row, source: Declared, *, prefix: str = "", keep: Keep = as_declared
) -> Iterator[Part]:
    """The pool of one resource (or of one element of its list, at `prefix`); none without a GPU,
    unless pods run on it."""
    found = row.machines(estate, source, prefix) if row.machines else None
    if found is None:
        found = _machines(estate, row, source, prefix)
    if not found.shapes and not found.undecided:
        return
    if found.plain and row.nodes is None:
        yield from _account_plain(source, found)
        return
    subject = _Subject(estate=estate, row=row, source=source, prefix=prefix, found=found)
    mode = _mode(row, source, prefix)
    number, kept = _keep_now(subject, mode, keep)
    released = _released(source, row, prefix, found)
    kept = _after_release(subject, kept, released)
    yield from _account(subject, kept, released)
    yield _build_pool(subject, kept, number, released, mode)


def _account_plain(source: Declared, found: Machines) -> Iterator[Accounted]:
    paths = dict.fromkeys(link.path for link in found.evidence if link.urn == source.urn)
    for path in paths:
        yield Accounted(urn=source.urn, path=path, because="this type has no GPU")


def _keep_now(
    subject: _Subject, mode: Row | Undecided, keep: Keep
) -> tuple[Size | Undecided, Kept]:
    """The number at creation, and what of it stays under the service's own scaler."""
    row, source, prefix = subject.row, subject.source, subject.prefix
    at_creation = _number(row, source, prefix)
    if isinstance(mode, Undecided):
        return at_creation, Kept(undecided=(mode,))
    number = at_creation if mode is row else _number(mode, source, prefix)
    if isinstance(number, Undecided):
        return at_creation, Kept(undecided=(number,))
    kept = keep(subject.estate, source, mode, number, subject.found)
    if mode is row:
        return at_creation, kept
    if number.known == 0:
        kept = replace(kept, assumptions=(*kept.assumptions, *_unproven(source, row)))
    return (at_creation if number.known is None else _at_creation(at_creation, number)), kept


def _after_release(subject: _Subject, kept: Kept, released: Evidence | Undecided | None) -> Kept:
    """What stays where the service lets go of the machines, or may, or says it and bills on."""
    row, found = subject.row, subject.found
    if found.plain or isinstance(released, Evidence) or not (kept.holds or kept.undecided):
        return replace(kept, holds=(), undecided=())
    if isinstance(released, Undecided):
        kept = replace(kept, holds=(), undecided=(*kept.undecided, released))
    elif bills := _bills_on(subject.source, row, subject.prefix):
        kept = replace(kept, holds=tuple(_noting(hold, bills) for hold in kept.holds))
    return replace(kept, undecided=(*kept.undecided, *found.undecided))


def _account(
    subject: _Subject, kept: Kept, released: Evidence | Undecided | None
) -> Iterator[Accounted]:
    """What names a GPU here and keeps none."""
    row, urn = subject.row, subject.source.urn
    if subject.found.plain and row.nodes is not None:
        because = "a name, of a pool whose nodes have no GPU"
        yield Accounted(urn=urn, path=subject.prefix + row.nodes.name, because=because)
    elif not kept.holds and not kept.undecided:
        because = released.because if isinstance(released, Evidence) else "it keeps no machine"
        yield Accounted(urn=urn, path=subject.prefix + row.machine[0], because=because)


def _has_open_growth(subject: _Subject, mode: Row | Undecided) -> bool:
    """Whether it can't be told that pods get more nodes, or how many."""
    if isinstance(mode, Undecided):
        return True
    scaling = subject.row.scaling
    paths = (*mode.ceiling, *([scaling.switch] if scaling and scaling.switch else ()))
    return any(subject.source.field(subject.prefix + path).is_hidden for path in paths)


def _build_pool(
    subject: _Subject,
    kept: Kept,
    number: Size | Undecided,
    released: Evidence | Undecided | None,
    mode: Row | Undecided,
) -> Pool:
    estate, row, source = subject.estate, subject.row, subject.source
    prefix, found = subject.prefix, subject.found
    desired = None if isinstance(number, Undecided) else number.known
    tail = _idle_tail(row, source, prefix)
    placement = None
    if row.nodes is not None:
        grows = mode is not row and kept.ceiling != 0
        placement = replace(
            placement_of(estate, row.cloud, source, prefix, row.nodes, found, grows=grows),
            open_growth=_has_open_growth(subject, mode),
        )
    evidence = (*found.evidence, released) if isinstance(released, Evidence) else found.evidence
    return Pool(
        urn=source.urn,
        part=source.part(row.part or prefix.rstrip(".")),
        name=_pool_name(row, source, prefix),
        platform=row.platform,
        cloud=row.cloud,
        shapes=found.shapes,
        holds=kept.holds,
        desired=desired if found.shapes else None,
        ceiling=kept.ceiling,
        market=_market(source, row, prefix),
        region=estate.region(source.resource, row.cloud),
        placement=placement,
        undecided=kept.undecided,
        notices=(*kept.notices, *_long_tail(estate, row, source, prefix, tail)),
        assumptions=(*found.assumptions, *kept.assumptions),
        price_as=row.price_as,
        idle_tail=tail,
        overlap=(desired or 0) if source.resource.replaced_before_delete else 0,
        evidence=evidence,
    )


def _pool_name(row: Row, source: Declared, prefix: str) -> str:
    """The resource's name, and for one of several pools its own, or its place."""
    place = prefix.rstrip(".").removeprefix(row.each)
    own = source.field(prefix + row.nodes.name).text() if row.each and row.nodes else None
    return f"{source.name}/{own}" if isinstance(own, str) else f"{source.name}{place}"


def _idle_tail(row: Row, source: Declared, prefix: str) -> Decimal:
    """Seconds from the last request until the service lets a machine go; 0 where it never does or
    that isn't known."""
    if row.idle is None:
        return Decimal(0)
    given = source.field(prefix + row.idle.path).value if row.idle.path else None
    if given is None:
        return Decimal(row.idle.default * row.idle.unit)
    length = seconds(given)
    return length * row.idle.unit if isinstance(length, Decimal) else Decimal(0)


def _long_tail(
    estate: Estate, row: Row, source: Declared, prefix: str, tail: Decimal
) -> Iterator[Notice]:
    if row.idle is None or not row.idle.path or tail <= estate.settings.caps.idle_tail_seconds:
        return
    field = source.field(prefix + row.idle.path)
    yield Notice(
        cause=Cause.LONG_IDLE_TAIL,
        urn=source.urn,
        message=(
            f"{row.platform} {source.name} bills for {shown(tail / 3600)} h after its last "
            f"request because of {field.path}"
        ),
        fix=f"Lower {field.path}",
        evidence=(field.evidence("machines bill until it is over"),),
    )


def _mode(row: Row, source: Declared, prefix: str) -> Row | Undecided:
    """The row itself, or with its scaler's minimum in place of its number where the scaler is
    on."""
    scaling = row.scaling
    if scaling is None:
        return row
    minimum = source.field(*(prefix + path for path in scaling.minimum))
    if scaling.switch:
        switch = source.field(prefix + scaling.switch)
        is_on = _is_one_of(switch.value, scaling.on) or switch.switch() in scaling.on
        if switch.is_hidden:
            fixed = source.field(*(prefix + path for path in row.count))
            if minimum.count() != 0 or fixed.count() != 0:
                why = f"{switch.path} isn't known at preview: it decides how many nodes stay"
                return switch.undecided(why)
            is_on = True
    else:
        is_on = not minimum.is_absent
    if not is_on:
        return row
    if minimum.is_absent and scaling.default is None:
        return minimum.undecided(f"{minimum.path} isn't given, so any minimum could apply")
    given = minimum.count()
    if isinstance(given, int) and given < scaling.smallest:
        why = (
            f"{minimum.path} is below {scaling.smallest}, the smallest minimum that "
            f"{row.platform}s document: the pool may keep more"
        )
        return minimum.undecided(why)
    return replace(
        row,
        count=scaling.minimum,
        default=scaling.default or 0,
        ceiling=scaling.maximum,
        cause=scaling.cause,
        because=scaling.because,
        fix=scaling.fix,
        change=((COUNT, 0),) if scaling.smallest == 0 else (),
    )


def _unproven(source: Declared, row: Row) -> Iterator[Assumption]:
    if row.scaling is not None and row.scaling.unproven:
        what = f"{row.platform} {source.name} scales in to 0 nodes"
        yield Assumption(what, row.scaling.unproven)


def _at_creation(fixed: Size | Undecided, minimum: Size) -> Size:
    """The number that is declared for the creation, else the scaler's minimum."""
    if isinstance(fixed, Undecided) or fixed.default or fixed.known is None:
        return minimum
    return fixed


def _bills_on(source: Declared, row: Row, prefix: str) -> Evidence | None:
    """The state in which the machines are stopped and bill all the same."""
    for release in row.releases:
        field = source.field(prefix + release.path)
        matches = _is_one_of(field.value, release.values)
        if matches and release.bills in (Stopped.BILLS, Stopped.PART):
            return field.evidence(release.because)
    return None


def _noting(hold: Hold, link: Evidence) -> Hold:
    return replace(hold, evidence=(*hold.evidence, link))


def _number(row: Row, source: Declared, prefix: str) -> Size | Undecided:
    if not row.count:
        return Size(source, prefix + row.machine[0], row.default)
    paths = [prefix + path for path in row.count]
    number = size(source, paths, row.default, f"omitted: {row.default}")
    counted, sharing = row.shared
    if not counted or isinstance(number, Undecided) or number.path != prefix + counted:
        return number
    each = size(source, [prefix + sharing], 1)
    if isinstance(each, Undecided):
        return each
    if each.is_hidden or number.known is None:
        return replace(number, value=each.value if each.is_hidden else number.value)
    return replace(number, value=-(-number.known // max(each.known or 1, 1)))


def _market(source: Declared, row: Row, prefix: str) -> Market:
    for path, value in row.spot:
        if _is_one_of(get(source.inputs, prefix + path), (value,)):
            return Market.SPOT
    return Market.ON_DEMAND


def _released(
    source: Declared, row: Row, prefix: str, found: Machines
) -> Evidence | Undecided | None:
    may_release: Undecided | None = None
    for release in row.releases:
        field = source.field(prefix + release.path)
        if release.bills is Stopped.UNREAD and _is_one_of(field.value, release.values):
            return field.undecided(f"What bills in this state isn't documented: {release.because}")
        if release.bills is not Stopped.FREE or not _concerns(release, found):
            continue
        if _is_one_of(field.value, release.values):
            return field.evidence(release.because)
        if field.is_hidden and None in release.values:
            # Where only a value that is given releases them, hidden ones stay held.
            why = f"{field.path} isn't known at preview: it decides whether idle GPUs run"
            may_release = field.undecided(why)
    return may_release


def _concerns(release: Release, found: Machines) -> bool:
    """Whether it holds for all that the machines may be."""
    if not release.only:
        return True
    names = [shape.instance_type for shape in found.shapes]
    return not found.undecided and all(re.fullmatch(release.only, name) for name in names)


def _is_one_of(value: Any, wanted: tuple[Any, ...]) -> bool:
    if isinstance(value, Hidden):
        return False
    if PRESENT in wanted and bool(value):
        return True
    return any(value == one and type(value) is type(one) for one in wanted)


def _machines(estate: Estate, row: Row, source: Declared, prefix: str) -> Machines:
    for path in row.machine:
        listed, found_list, inner = path.partition("[].")
        field = source.field(prefix + listed)
        if field.is_absent:
            continue
        if found_list and not field.is_hidden:
            return _alternatives(estate, row, source, field, inner)
        return _named(estate, row, source, field)
    if row.default_machine is None:
        return Machines()
    evidence = source.evidence(prefix + row.machine[0], describe((row.default_machine,)))
    return Machines((row.default_machine,), evidence=(evidence,))


def _alternatives(
    estate: Estate, row: Row, source: Declared, listed: Field, inner: str
) -> Machines:
    """The types that the elements of a list name, any of which the platform may take."""
    elements = known_items(listed.value)  # Not hidden here: the caller has looked.
    found = []
    for index, element in enumerate(elements):
        path = f"{listed.path}[{index}].{inner}"
        value = at(element, *keys(inner))
        found.append(_named(estate, row, source, Field(source=source, path=path, value=value)))
    if not elements:
        why = f"{listed.path} is not a list of types: it may name GPU machines"
        return Machines(undecided=(listed.undecided(why),))
    return union(found)


def _named(estate: Estate, row: Row, source: Declared, field: Field) -> Machines:
    shape = None
    if row.translate is not None and isinstance(field.value, str):
        shape = row.translate(field.value)
    if shape is None:
        return machines_of(estate, row.cloud, source, field.path, field.value)
    return Machines((shape,), evidence=(field.evidence(describe((shape,))),))
