"""Koyeb: services, which scale to zero where their minimum is 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.declared import Declared, declared
from zerofloor.platforms.machines import Machines, machines_of, union
from zerofloor.platforms.rows import COUNT, Idle, Row, read_rows

CLOUD: Final = "koyeb"


def _instance_types(estate: Estate, source: Declared, prefix: str) -> Machines:
    listed = source.field("definition.instanceTypes", "definition[0].instanceTypes")
    if listed.is_hidden:
        return machines_of(estate, CLOUD, source, listed.path, listed.value)
    parts = []
    items = listed.items()
    for index in range(len(items) if isinstance(items, list) else 0):
        kind = source.field(f"{listed.path}[{index}].type", f"{listed.path}.type")
        parts.append(machines_of(estate, CLOUD, source, kind.path, kind.value))
    return union(parts)


_SERVICE: Final = Row(
    cloud=CLOUD,
    tokens=tokens("koyeb:index/service:Service"),
    platform="Koyeb service",
    machine=("definition.instanceTypes",),
    machines=_instance_types,
    count=("min",),
    ceiling=("max",),
    each="definition.scalings",
    cause=Cause.SCALER_MINIMUM,
    because="the service never goes below it",
    fix="Set definition.scalings[].min to 0",
    change=((COUNT, 0),),
    idle=Idle(path="", default=300),
    source="Koyeb docs, “Scale to zero” (min 0; idle after 5 minutes)",
)
ROWS: Final = (_SERVICE,)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    for source in declared(estate, *_SERVICE.tokens):
        each = source.field("definition.scalings", "definition[0].scalings")
        row = replace(_SERVICE, each=each.path)
        if each.is_absent:
            # One instance where nothing says how many.
            row = replace(
                _SERVICE,
                each="",
                count=("definition.scalings[0].min",),
                ceiling=(),
                change=(("definition.scalings", [{"min": 0, "max": 1}]),),
            )
        yield from read_rows(estate, (row,), lambda *_, one=source: (one,))
