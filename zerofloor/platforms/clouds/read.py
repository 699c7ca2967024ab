"""What the smaller clouds' readers share: spellings of type tokens, machines whose number of GPUs
stands in a property, words for what a stop does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Accounted, Cause, Part, Undecided
from zerofloor.estate import Estate, Link
from zerofloor.hardware.instances import Shape
from zerofloor.hardware.naming import accelerator_name
from zerofloor.platforms import trust
from zerofloor.platforms.declared import Declared, Size, declared, link_of
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, describe, machines_of, union
from zerofloor.platforms.rows import Kept, Release, Row, Stopped, as_declared
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, keys

STILL_BILLS: Final = "stopping the machine does not stop the bill"


def tokens(*names: str) -> tuple[str, ...]:
    """Each token as the bridges write it: `p:index/box:Box` is also `p:index:Box`."""
    found: list[str] = []
    for name in names:
        package, module, kind = name.split(":")
        found.append(name)
        if "/" in module:
            found.append(f"{package}:{module.partition('/')[0]}:{kind}")
    return tuple(dict.fromkeys(found))


def still_bills(path: str, *values: object, because: str = "") -> Release:
    """A stop that leaves the machine on the bill."""
    note = f"{STILL_BILLS}: {because}" if because else STILL_BILLS
    return Release(path=path, values=values, because=note, bills=Stopped.BILLS)


def token_set(rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(token for row in rows for token in row.tokens)


def counted_gpus(
    cloud: str,
    source: Declared,
    kind: tuple[str, ...],
    count: tuple[str, ...],
    default: int | None,
) -> Machines:
    """A machine with so many GPUs of a kind, each in a property of its own. `default` is the number
    where it is omitted; None: not documented, so not known."""
    named = source.field(*kind)
    number = source.field(*count)
    value = number.count()
    if isinstance(value, Impossible):
        return Machines(undecided=(number.undecided(f"{number.path} is invalid: {value.why}"),))
    if named.is_hidden or isinstance(value, Hidden):
        hidden = named if named.is_hidden else number
        why = f"{hidden.path} isn't known at preview: it decides on the GPUs of a machine"
        return Machines(undecided=(hidden.undecided(why, SETTLE_TYPE),))
    gpus = default if value is None else value
    name = named.text()
    shown = name if isinstance(name, str) and name else "GPU"
    known = None if gpus is None else Decimal(gpus)
    shape = Shape(cloud, shown, known, "" if gpus == 0 else accelerator_name(shown))
    where = number if named.is_absent else named
    return Machines((shape,), evidence=(where.evidence(describe((shape,))),))


def account(estate: Estate, names: Mapping[str, str]) -> Iterator[Part]:
    """Resources that may name GPUs and keep none running, each with the reason."""
    for token, because in names.items():
        for source in declared(estate, token):
            yield Accounted(urn=source.urn, path="", because=because)


def linked(
    cloud: str, prop: str, templates: tuple[str, ...], *paths: str, default: Shape | None = None
) -> Callable[[Estate, Declared, str], Machines]:
    """Reads the machines that another resource describes: the one at whose id `prop` points, at the
    first of `paths` in it."""

    def read(estate: Estate, source: Declared, prefix: str) -> Machines:
        pointer = source.field(prefix + prop)
        link = link_of(estate, source, str(keys(pointer.path)[0]), *templates, value=pointer.value)
        found = []
        for resource in link.found:
            template = Declared(resource, resource.inputs, resource.name)
            kind = template.field(*paths)
            if kind.is_absent and default is not None:
                found.append(Machines((default,)))
            elif kind.is_absent:
                why = f"{template.name} names no machine type: it may have GPUs"
                found.append(Machines(undecided=(kind.undecided(why, SETTLE_TYPE),)))
            else:
                found.append(machines_of(estate, cloud, template, kind.path, kind.value))
        assumptions = (link.assumption,) if link.assumption is not None else ()
        guessed = not is_settled(link)
        if not found or link.open or (guessed and all(machines.plain for machines in found)):
            why = f"What {prop} points at isn't known at preview: it may name GPU machines"
            return Machines(undecided=(pointer.undecided(why, SETTLE_TYPE),))
        chosen = union(found)
        return replace(chosen, assumptions=(*chosen.assumptions, *assumptions))

    return read


def is_settled(link: Link) -> bool:
    """Whether it is known what is pointed at. A guess may raise a floor and never lower it."""
    return bool(link.found) and not link.open and link.assumption is None


def or_autoscaled(
    estate: Estate, source: Declared, row: Row, number: Size, found: Machines
) -> Kept:
    """The nodes of a pool that has no scaler of its own, but that a cluster autoscaler of the stack
    may lower: to the minimum that it is given for the pool, where it names it."""
    kept = as_declared(estate, source, row, number, found)
    trusted = trust.cluster_autoscaler(estate)
    if trusted is None or not kept.holds:
        return kept
    if isinstance(trusted, Undecided):
        return replace(kept, holds=(), undecided=(*kept.undecided, trusted))
    minimum = trust.named(estate, source)
    if minimum is None:
        why = "A cluster autoscaler may manage the pool, and its minimum for it isn't known"
        settle = "Set the pool's size to 0, or add a hint that says when it runs"
        return Kept(undecided=(source.open(number.path, why, settle),))
    managed = replace(
        row,
        cause=Cause.POOL_MINIMUM,
        because="the cluster autoscaler never goes below it",
        fix="Set the minimum that the cluster autoscaler is given for this pool to 0",
        change=(),
    )
    scaled = as_declared(estate, source, managed, minimum, found)
    return replace(scaled, ceiling=None, assumptions=(*scaled.assumptions, trusted))
