"""A resource as a reader sees it, whichever provider or template declares it, and the typed view of
its properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Cause, Change, Evidence, Hold, Undecided
from zerofloor.estate import Estate, Link
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import (
    Count,
    Impossible,
    count,
    get,
    items,
    keys,
    mapping,
    no_object,
    switch,
    text,
)
from zerofloor.words import counted

SETTLE_VALUE: Final = (
    "Make the value known at preview (a config value instead of another resource's output), or "
    "waive it"
)


class Declared(Value, frozen=True):
    """A resource as a reader sees it: of a Pulumi provider, or inside a CloudFormation template."""

    resource: Resource
    inputs: Mapping[str, Any]
    name: str
    logical: str | None = None
    """Its logical ID where a CloudFormation template holds it, its name in an ARM template."""
    holder: str = "templateBody"
    """The input that is the template."""

    @property
    def urn(self) -> str:
        return self.resource.urn

    @property
    def key(self) -> str:
        """The URN, with the logical ID where a template holds it: a resource may be several
        pools."""
        return self.urn if self.logical is None else part_of(self.urn, self.logical)

    def part(self, path: str = "") -> str:
        """Which of several pools of the resource one is: `Pool.part`."""
        return "#".join(one for one in (self.logical, path) if one)

    def path(self, path: str) -> str:
        """The property path in the Pulumi resource's own inputs."""
        return path if self.logical is None else f"{self.holder}: {self.logical}.{path}"

    def pick(self, *paths: str) -> tuple[str, Any]:
        """The first of the paths that is there, with its value: providers name the same thing
        differently."""
        for path in paths:
            value = get(self.inputs, path)
            if value is not None:
                return path, value
        return paths[0], None

    def field(self, *paths: str) -> Field:
        """The property at the first of the paths that is there: readers of new platforms use
        this."""
        path, value = self.pick(*paths)
        return Field(source=self, path=path, value=value)

    def evidence(self, path: str, because: str) -> Evidence:
        return Evidence(self.urn, self.path(path), get(self.inputs, path), because)

    def open(self, path: str, why: str, settle: str = SETTLE_VALUE) -> Undecided:
        return Undecided(self.urn, self.path(path), why, settle)


class Field(Value, frozen=True, kw_only=True):
    """One property with its path. No getter treats a hidden value as absent."""

    source: Declared
    path: str
    """The path in the resource's inputs; the first that was asked for where none is there."""
    value: Any
    """None: absent."""

    @property
    def is_absent(self) -> bool:
        return self.value is None

    @property
    def is_hidden(self) -> bool:
        return isinstance(self.value, Hidden)

    def text(self) -> str | Hidden | None:
        return text(self.value)

    def switch(self) -> bool | Hidden | None:
        return switch(self.value)

    def count(self) -> Count | None:
        return count(self.value)

    def mapping(self) -> Mapping[str, Any] | Hidden:
        return mapping(self.value)

    def items(self) -> list[Any] | Hidden:
        return items(self.value)

    def evidence(self, because: str) -> Evidence:
        return Evidence(self.source.urn, self.source.path(self.path), self.value, because)

    def undecided(self, why: str, settle: str = SETTLE_VALUE) -> Undecided:
        return self.source.open(self.path, why, settle)


def part_of(urn: str, part: str) -> str:
    """Identifies one of several pools of a resource, as `Workload.key` does."""
    return f"{urn}#{part}"


def changes_of(source: Declared, *pairs: tuple[str, Any]) -> tuple[Change, ...]:
    """Property paths with their new values as changes; none where a machine could not apply them.

    `ignoreChanges` takes a change out of every update, and a property in a template stands in text.
    """
    ignored = source.resource.ignore_changes
    if source.logical is not None or any(ignores(ignored, path) for path, _ in pairs):
        return ()
    return tuple(Change(urn=source.urn, path=path, to=to) for path, to in pairs)


def ignores(ignored: Sequence[str], path: str) -> bool:
    """Whether one of the `ignoreChanges` entries covers a property path, as the engine reads them
    (`["a.b"]`, `*`, an index or a whole object above it)."""
    parts = keys(path)
    for entry in ignored:
        own = keys(entry.replace('["', ".").replace('"]', ""))
        if len(own) <= len(parts) and all(
            mine in ("*", theirs) for mine, theirs in zip(own, parts, strict=False)
        ):
            return True
    return False


def declared(estate: Estate, *tokens: str) -> Iterator[Declared]:
    """The resources of these types. AWS has its own, which also finds those in CloudFormation
    templates."""
    for resource in estate.of_type(*tokens):
        yield Declared(resource, resource.inputs, resource.name)


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


def how_many(most: int | None, noun: str) -> str:
    """`up to 4 instances with GPUs`, `any number of GPU instances`."""
    return (
        f"any number of GPU {noun}s" if most is None else f"up to {counted(most, noun)} with GPUs"
    )


class Size(Value, frozen=True):
    """A number that the platform accepts, with its property path."""

    source: Declared
    path: str
    value: int | Hidden | None
    """None where it is absent."""
    default: str = ""
    """What an omitted value means, with the source; empty where it is given."""
    is_derived: bool = False
    """True where it is omitted and follows from another size, which is then the one to change."""

    @property
    def known(self) -> int | None:
        return self.value if isinstance(self.value, int) else None

    @property
    def is_hidden(self) -> bool:
        return isinstance(self.value, Hidden)

    def open(self, most: int | None = None) -> Undecided:
        """That it isn't known and what this could mean, at `most` where there is a maximum."""
        why = f"{self.path} isn't known at preview, so {how_many(most, 'instance')} could stay on"
        return self.source.open(self.path, why)

    def evidence(self, because: str) -> Evidence:
        shown = get(self.source.inputs, self.path)
        note = f"; {self.default}" if shown is None and self.default else ""
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
        return source.open(wrong, f"{wrong} is invalid: it is not an object", "Correct the value")
    number = count(value)
    if isinstance(number, Impossible):
        return source.open(path, f"{path} is invalid: {number.why}", "Correct the value")
    return Size(source, path, default, because) if number is None else Size(source, path, number)


def hold(
    cause: Cause,
    urn: str,
    units: int | None,
    fix: str,
    *evidence: Evidence,
    hours: Decimal = WEEK,
    change: tuple[Change, ...] = (),
) -> Hold:
    """A Hold with its chain."""
    return Hold(
        cause=cause,
        urn=urn,
        units=units,
        evidence=evidence,
        fix=fix,
        hours_per_week=hours,
        change=change,
    )
