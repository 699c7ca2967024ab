"""Snowflake: compute pools, which suspend when idle, and the services that keep them awake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, token_set, tokens
from zerofloor.platforms.declared import Declared, Field, Size, declared
from zerofloor.platforms.machines import Machines, machines_of, union
from zerofloor.platforms.rows import Idle, Kept, Row, as_declared, read_rows
from zerofloor.stack import Hidden

CLOUD: Final = "snowflake"
_POOLS: Final = tokens("snowflake:index/computePool:ComputePool")
_SERVICES: Final = tokens("snowflake:index/service:Service")
_DOCS: Final = (
    "https://docs.snowflake.com/en/sql-reference/sql/create-compute-pool (MIN_NODES > 0; "
    "AUTO_SUSPEND_SECS default 3600, 0 never suspends)"
)


def _families(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The family, and those that may take its place."""
    parts = []
    for path in ("instanceFamily", "backupInstanceFamilies"):
        field = source.field(path)
        if not field.is_absent and (field.is_hidden or field.value):
            parts.append(machines_of(estate, CLOUD, source, field.path, field.value))
    return union(parts)


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=_POOLS,
        platform="Snowflake compute pool",
        machine=("instanceFamily",),
        machines=_families,
        count=("minNodes",),
        ceiling=("maxNodes",),
        cause=Cause.POOL_MINIMUM,
        because="a pool that isn't suspended keeps this many nodes",
        fix="Set autoSuspendSecs to 600: 0 means that the pool never suspends",
        change=(("autoSuspendSecs", 600),),
        idle=Idle(path="autoSuspendSecs", default=3600),
        also="only with `autoSuspendSecs` 0 (omitted: 3600) or a Service that never suspends",
        source=_DOCS,
        stopped="suspended: free",
    ),
)
_QUIET: Final = {
    **dict.fromkeys(tokens("snowflake:index/jobService:JobService"), "a job service ends"),
    **dict.fromkeys(tokens("snowflake:index/notebook:Notebook"), "a notebook's session ends"),
}
READS: Final = token_set(ROWS) | frozenset(_SERVICES) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS, keep=_kept)
    yield from account(estate, _QUIET)
    yield from account(estate, dict.fromkeys(_SERVICES, "its compute pool bills, not the service"))


def _kept(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """The pool's nodes, where it never suspends or a service keeps it awake."""
    kept = as_declared(estate, source, row, number, found)
    suspend = source.field("autoSuspendSecs")
    seconds = -1 if suspend.value in (-1, "-1") else suspend.count()
    if seconds == 0:
        link = suspend.evidence("0 means that the pool never suspends")
        return replace(
            kept,
            holds=tuple(replace(hold, evidence=(link, *hold.evidence)) for hold in kept.holds),
        )
    if seconds is not None and not isinstance(seconds, int):
        why = f"{suspend.path} isn't known at preview: 0 would mean that the pool never suspends"
        return replace(kept, holds=(), undecided=(*kept.undecided, suspend.undecided(why)))
    doubts = []
    for service in declared(estate, *_SERVICES):
        runs = _runs_on(estate, service, source)
        if runs is False:
            continue
        own = service.field("autoSuspendSecs")
        awake = _keeps_awake(own)
        if awake is False:
            continue
        if runs is None or awake is None:
            why = "A service that may run on the pool may keep it awake: its settings aren't known"
            doubts.append(own.undecided(why))
            continue
        link = own.evidence(f"service {service.name} never suspends, and keeps the pool awake")
        fix = "Set autoSuspendSecs of the service, so that the pool can suspend"
        return replace(
            kept,
            holds=tuple(
                replace(hold, evidence=(*hold.evidence, link), fix=fix, change=())
                for hold in kept.holds
            ),
        )
    undecided = tuple(doubts) if kept.holds or kept.undecided else ()
    return Kept(ceiling=kept.ceiling, undecided=undecided)


def _keeps_awake(suspend: Field) -> bool | None:
    """Whether a service never suspends by itself; None where that isn't known. Omitted or -1 (the
    provider's word for it) is Snowflake's default: it never does."""
    if suspend.is_absent or suspend.value in (-1, "-1"):
        return True
    seconds = suspend.count()
    if isinstance(seconds, int):
        return seconds == 0
    return None


def _runs_on(estate: Estate, service: Declared, pool: Declared) -> bool | None:
    """Whether the service runs on the pool; None where that isn't known."""
    needs = (service.resource.property_dependencies or {}).get("computePool", ())
    pools = [urn for urn in needs if urn in estate.by_urn and estate.by_urn[urn].type in _POOLS]
    if pools:
        return pool.urn in pools
    wanted, name = service.field("computePool").text(), pool.field("name").text()
    if isinstance(wanted, Hidden) or isinstance(name, Hidden):
        return None
    if wanted is None or name is None:
        return wanted is not None and _plain(wanted) == _plain(pool.name)
    return _plain(wanted) == _plain(name)


def _plain(identifier: str) -> str:
    """An identifier as Snowflake compares it: in upper case unless quoted."""
    return identifier.strip('"').upper()
