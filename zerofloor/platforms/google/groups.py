"""Managed instance groups: their size, what scales them, and the machines that others add to
them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from typing import Any, Final

from zerofloor.capacity import (
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Notice,
    Part,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Size, how_many, size
from zerofloor.platforms.google.read import (
    CLOUD,
    cards,
    declared,
    link,
    pool_of,
)
from zerofloor.platforms.google.templates import Described, native, of_template
from zerofloor.platforms.machines import Machines, machines_of, union
from zerofloor.schedules import BadSchedule, hours_for
from zerofloor.stack import Hidden
from zerofloor.values import at, count, known_mapping, switch
from zerofloor.words import counted

GROUPS: Final = (
    "gcp:compute/instanceGroupManager:InstanceGroupManager",
    "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager",
    *native("InstanceGroupManager"),
    *native("RegionInstanceGroupManager"),
)
AUTOSCALERS: Final = (
    "gcp:compute/autoscaler:Autoscaler",
    "gcp:compute/regionAutoscaler:RegionAutoscaler",
    *native("Autoscaler"),
    *native("RegionAutoscaler"),
)
_CONFIGS: Final = (
    "gcp:compute/perInstanceConfig:PerInstanceConfig",
    "gcp:compute/regionPerInstanceConfig:RegionPerInstanceConfig",
    "gcp:compute/bulkPerInstanceConfig:BulkPerInstanceConfig",
)
_REQUESTS: Final = (
    "gcp:compute/resizeRequest:ResizeRequest",
    "gcp:compute/regionResizeRequest:RegionResizeRequest",
    *native("InstanceGroupManagerResizeRequest"),
)
READS: Final = frozenset({*GROUPS, *AUTOSCALERS, *_CONFIGS, *_REQUESTS})
_WEEK_SECONDS: Final = 168 * 3600


def read(estate: Estate) -> Iterator[Part]:
    """Every managed instance group of the estate."""
    for one in groups(estate):
        yield one.part
    yield from _additions(estate)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group's pool with its declaration."""

    part: Part
    source: Declared
    what: Described


def groups(estate: Estate) -> tuple[Group, ...]:
    """All groups, worked out once."""
    return estate.once("google groups", lambda: tuple(_groups(estate)))


def _groups(estate: Estate) -> Iterator[Group]:
    scalers, added = _scalers(estate), _additions(estate)[0]
    for source in declared(estate, *GROUPS):
        kept = _keep(source, scalers.get(source.urn, ()))
        extra = tuple(added.get(source.urn, ()))
        for version in _versions(estate, source):
            part = _pool(estate, source, version, kept, extra)
            if part is not None:
                yield Group(part=part, source=source, what=version.what)


# What its machines are


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """A share of a group's machines that are made of one template."""

    what: Described
    part: str = ""
    taken: Decimal | None = None
    """Its own share of the size; None: what the others leave."""
    fixed: int | None = None
    others: tuple[_Version, ...] = ()
    """Those that take their shares before it gets the rest."""

    def share(self, units: int) -> int:
        """Its machines of so many of the group; shares in percent are rounded up."""
        if self.fixed is not None:
            return min(self.fixed, units)
        if self.taken is not None:
            return ceil(units * self.taken)
        return max(0, units - sum(other.share(units) for other in self.others))


def _versions(estate: Estate, source: Declared) -> tuple[_Version, ...]:
    listed = source.field("versions").items()
    if isinstance(listed, Hidden):
        what = of_template(estate, source, "versions", "versions", listed)
        return (_Version(what=_flexible(estate, source, what)),)
    if not listed:
        value = source.inputs.get("instanceTemplate")
        what = of_template(estate, source, "instanceTemplate", "instanceTemplate", value)
        return (_Version(what=_flexible(estate, source, what)),)
    found = []
    for index, item in enumerate(listed):
        path = f"versions[{index}]"
        value = item if isinstance(item, Hidden) else at(item, "instanceTemplate")
        what = of_template(estate, source, "versions", f"{path}.instanceTemplate", value)
        found.append(
            _Version(
                what=_flexible(estate, source, what),
                part=path,
                fixed=_whole(at(item, "targetSize", "fixed")),
                taken=_percent(at(item, "targetSize", "percent")),
            )
        )
    if len({one.what.machines.shapes for one in found}) == 1 and not any(
        one.what.machines.undecided for one in found
    ):
        return (replace(found[0], part="", fixed=None, taken=None),)
    explicit = tuple(one for one in found if one.fixed is not None or one.taken is not None)
    return tuple(one if one in explicit else replace(one, others=explicit) for one in found)


def _whole(value: Any) -> int | None:
    number = count(value)
    return number if isinstance(number, int) else None


def _percent(value: Any) -> Decimal | None:
    number = count(value)
    return Decimal(number) / 100 if isinstance(number, int) else None


def _flexible(estate: Estate, source: Declared, what: Described) -> Described:
    """The machine types of a flexibility policy, which take the place of the template's."""
    policy = source.field("instanceFlexibilityPolicy.instanceSelections")
    listed = policy.items()
    if isinstance(listed, Hidden):
        why = "The machine types of the flexibility policy aren't known: they could have GPUs"
        return replace(what, machines=Machines(undecided=(policy.undecided(why),)))
    if not listed:
        return what
    found = []
    for index, item in enumerate(listed):
        path = f"{policy.path}[{index}].machineTypes"
        value = item if isinstance(item, Hidden) else at(item, "machineTypes")
        found.append(machines_of(estate, CLOUD, source, path, value))
    own = union(found)
    added = cards(what.source, f"{what.prefix}guestAccelerators")
    if own.plain and (added.number or added.undecided):
        return what  # Cards of the template stay beside other plain types.
    if not own.shapes and not own.undecided:
        return what
    return replace(what, machines=own)


# How many stay


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a group keeps of itself, in machines."""

    holds: tuple[Hold, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    desired: int | None = None
    ceiling: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scaler:
    """An autoscaler that means a group, or may mean it."""

    source: Declared
    guess: Assumption | None = None
    is_open: bool = False
    """True where it may mean another group as well."""


def _scalers(estate: Estate) -> Mapping[str, tuple[_Scaler, ...]]:
    found: dict[str, tuple[_Scaler, ...]] = {}
    for source in declared(estate, *AUTOSCALERS):
        meant = link(estate, source, "target", *GROUPS, value=source.inputs.get("target"))
        scaler = _Scaler(source=source, guess=meant.assumption, is_open=meant.open)
        for group in meant.found:
            found[group.urn] = (*found.get(group.urn, ()), scaler)
    return found


def _keep(source: Declared, scalers: tuple[_Scaler, ...]) -> _Kept:
    target = size(source, ["targetSize"], 0, "omitted: 0")
    own = _fixed(source, target)
    if not scalers:
        return own
    certain = [one for one in scalers if one.guess is None and not one.is_open]
    if certain:
        return _scaled(source, certain[0].source, target)
    # A guess may raise the floor and never lower it.
    scaler = scalers[0]
    scaled = _scaled(source, scaler.source, target)
    if scaler.guess is not None:
        known = scaler.guess
        return replace(
            scaled,
            holds=(*own.holds, *scaled.holds),
            undecided=(*own.undecided, *scaled.undecided),
            assumptions=(known,),
        )
    if scaled.holds or scaled.undecided:
        why = "Which group it scales isn't known: it may keep GPU machines of this one"
        return replace(own, undecided=(*own.undecided, scaler.source.open("target", why)))
    return own


def _fixed(source: Declared, target: Size | Undecided) -> _Kept:
    if isinstance(target, Undecided):
        return _Kept(undecided=(target,))
    if target.is_hidden:
        why = "targetSize isn't known at preview, so any number of GPU machines could stay on"
        return _Kept(undecided=(source.open(target.path, why),))
    units = target.known or 0
    step = target.evidence(f"the group keeps {counted(units, 'machine')}, and nothing lowers it")
    hold = Hold(
        cause=Cause.DESIRED_NOT_LOWERED,
        urn=source.urn,
        units=units,
        evidence=(step,),
        fix="Set targetSize to 0, or add an Autoscaler with minReplicas 0 and a queue metric",
        change=(Change(urn=source.urn, path="targetSize", to=0),),
    )
    return _Kept(holds=(hold,) if units else (), desired=units, ceiling=units)


_MINIMUM: Final = ("autoscalingPolicy.minReplicas", "autoscalingPolicy.minNumReplicas")
_MAXIMUM: Final = ("autoscalingPolicy.maxReplicas", "autoscalingPolicy.maxNumReplicas")


def _scaled(source: Declared, scaler: Declared, target: Size | Undecided) -> _Kept:
    policy, mode = scaler.field("autoscalingPolicy"), scaler.field("autoscalingPolicy.mode")
    if policy.is_hidden or mode.is_hidden:
        where = policy if policy.is_hidden else mode
        return _Kept(undecided=(where.undecided("Whether the autoscaler scales in isn't known"),))
    word = str(mode.value or "ON").upper()
    if word == "OFF":
        return _off(_fixed(source, target), mode.evidence("the autoscaler is off"))
    minimum, maximum = size(scaler, _MINIMUM), size(scaler, _MAXIMUM)
    for one in (minimum, maximum):
        if isinstance(one, Undecided):
            return _Kept(undecided=(one,))
    assert isinstance(minimum, Size)
    assert isinstance(maximum, Size)
    if minimum.known is None:
        many = how_many(maximum.known, "machine")
        why = f"The minimum isn't known at preview, so {many} could stay on"
        return _Kept(undecided=(scaler.open(minimum.path, why),), ceiling=maximum.known)
    if maximum.known is not None and minimum.known > maximum.known:
        why = f"{minimum.path} is above {maximum.path}: Compute Engine refuses the autoscaler"
        fix = "Correct the values: minimum ≤ maximum"
        return _Kept(undecided=(scaler.open(minimum.path, why, fix),))
    holds = [_minimum(scaler, minimum)] if minimum.known else []
    if word in ("ONLY_UP", "ONLY_SCALE_OUT") and maximum.known != minimum.known:
        holds.append(_peak(scaler))
    elif word not in ("ON", "ONLY_UP", "ONLY_SCALE_OUT"):
        return _Kept(undecided=(mode.undecided(f"{word} is not a mode that an autoscaler has"),))
    windows, open_parts = _schedules(scaler)
    start = target.known if isinstance(target, Size) else None
    return _Kept(
        holds=(*holds, *windows),
        undecided=open_parts,
        notices=tuple(_reapplied(source, target, minimum.known)),
        desired=max(start or 0, minimum.known),
        ceiling=maximum.known,
    )


def _off(fixed: _Kept, evidence: Evidence) -> _Kept:
    """What stays where the autoscaler does nothing."""
    holds = tuple(
        replace(
            hold,
            cause=Cause.PAUSED_SCALER,
            evidence=(evidence, *hold.evidence),
            fix=f"Set {evidence.path} to ON, or targetSize to 0",
        )
        for hold in fixed.holds
    )
    return replace(fixed, holds=holds)


def _minimum(scaler: Declared, minimum: Size) -> Hold:
    return Hold(
        cause=Cause.POOL_MINIMUM,
        urn=scaler.urn,
        units=minimum.known,
        evidence=(minimum.evidence(f"the autoscaler keeps {minimum.known}"),),
        fix=f"Set {minimum.path} to 0",
        change=(Change(urn=scaler.urn, path=minimum.path, to=0),),
    )


def _peak(scaler: Declared) -> Hold:
    path = "autoscalingPolicy.mode"
    return Hold(
        cause=Cause.KEPT_PEAK,
        urn=scaler.urn,
        units=None,
        evidence=(scaler.evidence(path, "it adds machines under load and removes none"),),
        fix=f"Set {path} to ON",
        change=(Change(urn=scaler.urn, path=path, to="ON"),),
    )


def _schedules(scaler: Declared) -> tuple[tuple[Hold, ...], tuple[Undecided, ...]]:
    """What scaling schedules keep: a list, or a map by name in google-native."""
    path = "autoscalingPolicy.scalingSchedules"
    field = scaler.field(path)
    if field.is_hidden:
        return (), (field.undecided("Scaling schedules aren't known: they may keep GPU machines"),)
    by_name = scaler.resource.type.startswith("google-native:")
    listed: Iterable[tuple[str, Any]]
    if by_name:
        listed = [(f"{path}.{name}", one) for name, one in known_mapping(field.value).items()]
    else:
        given = field.items()
        listed = [] if isinstance(given, Hidden) else list(_numbered(path, given))
    holds: list[Hold] = []
    undecided: list[Undecided] = []
    for where, schedule in listed:
        part = _schedule(scaler, where, schedule)
        if isinstance(part, Hold):
            holds.append(part)
        elif part is not None:
            undecided.append(part)
    return tuple(holds), tuple(undecided)


def _numbered(path: str, listed: list[Any]) -> Iterator[tuple[str, Any]]:
    for index, item in enumerate(listed):
        yield f"{path}[{index}]", item


def _schedule(scaler: Declared, path: str, schedule: Any) -> Hold | Undecided | None:
    off = switch(at(schedule, "disabled"))
    units = count(at(schedule, "minRequiredReplicas"))
    if off is True or units == 0:
        return None
    expression, duration = at(schedule, "schedule"), count(at(schedule, "durationSec"))
    if (
        isinstance(off, Hidden)
        or not isinstance(units, int)
        or not isinstance(expression, str)
        or not isinstance(duration, int)
    ):
        return scaler.open(path, "The scaling schedule isn't known: it may keep GPU machines")
    try:
        hours = hours_for(expression, datetime.timedelta(seconds=duration))
    except BadSchedule:
        return scaler.open(path, "The scaling schedule can't be read as a cron expression")
    step = Evidence(
        scaler.urn,
        f"{path}.minRequiredReplicas",
        units,
        f"for {counted(hours, 'hour')} a week ({expression}), requests or not",
    )
    return Hold(
        cause=Cause.SCHEDULE,
        urn=scaler.urn,
        units=units,
        evidence=(step,),
        fix="Shorten the window of the scaling schedule, or scale on a queue metric instead",
        hours_per_week=hours,
    )


def _reapplied(source: Declared, target: Size | Undecided, minimum: int) -> Iterator[Notice]:
    given = target.known if isinstance(target, Size) else None
    ignored = {path.split(".")[-1] for path in source.resource.ignore_changes}
    if given is None or given <= minimum or "targetSize" in ignored:
        return
    yield Notice(
        cause=Cause.REPLICAS_BESIDE_SCALER,
        urn=source.urn,
        message=(
            f"Instance group {source.name} gets its targetSize back at every update although its "
            "autoscaler lowers it"
        ),
        fix="Leave targetSize out, or ignore its changes",
        evidence=(source.evidence("targetSize", "applied again at every update"),),
    )


# What others add


def _additions(
    estate: Estate,
) -> tuple[Mapping[str, tuple[Hold, ...]], tuple[Undecided, ...]]:
    """By group (URN): machines on top of its size; and what isn't known of them."""
    return estate.once("google additions", lambda: _find_additions(estate))


def _find_additions(
    estate: Estate,
) -> tuple[Mapping[str, tuple[Hold, ...]], tuple[Undecided, ...]]:
    added: dict[str, tuple[Hold, ...]] = {}
    undecided: list[Undecided] = []
    for source in declared(estate, *_CONFIGS, *_REQUESTS):
        prop = source.pick("instanceGroupManager", "regionInstanceGroupManager")[0]
        meant = link(estate, source, prop, *GROUPS, value=source.inputs.get(prop))
        is_request = source.resource.type in _REQUESTS
        hold = _request(source) if is_request else _configured(source)
        if hold is None:
            continue
        if isinstance(hold, Undecided):
            undecided.append(hold)
        elif len(meant.found) == 1:
            urn = meant.found[0].urn
            added[urn] = (*added.get(urn, ()), hold)
        else:
            why = "Which instance group it adds machines to isn't known: they could have GPUs"
            undecided.append(source.open(prop, why))
    return added, tuple(undecided)


def _configured(source: Declared) -> Hold | Undecided:
    """A per-instance config: the provider creates its instance beside the group's size."""
    units, path = 1, "name"
    if "bulk" in source.resource.type.lower():
        listed, path = source.field("instances").items(), "instances"
        if isinstance(listed, Hidden):
            return source.open(path, "How many instances it creates isn't known")
        units = len(listed)
    return Hold(
        cause=Cause.INSTANCE,
        urn=source.urn,
        units=units,
        evidence=(source.evidence(path, f"creates {counted(units, 'machine')} in the group"),),
        fix="Remove the per-instance config, or put the group's size and it to zero together",
    )


def _request(source: Declared) -> Hold | Undecided | None:
    number = size(source, ["resizeBy"], 0)
    if isinstance(number, Undecided):
        return number
    limit = source.field("requestedRunDuration")
    seconds = source.field("requestedRunDuration.seconds").count()
    if isinstance(seconds, int) and 0 < seconds <= _WEEK_SECONDS:
        return None  # They are deleted when it is over.
    if number.is_hidden or isinstance(seconds, Hidden):
        where = number.path if number.is_hidden else limit.path
        return source.open(where, "How many machines it adds, and for how long, isn't known")
    step = number.evidence(f"adds {counted(number.known or 0, 'machine')} that stay")
    return Hold(
        cause=Cause.DESIRED_NOT_LOWERED,
        urn=source.urn,
        units=number.known or 0,
        evidence=(step,),
        fix="Set requestedRunDuration, so that the machines are deleted when it is over",
        change=(Change(urn=source.urn, path="requestedRunDuration", to={"seconds": "86400"}),),
    )


# The pool


def _pool(
    estate: Estate, source: Declared, version: _Version, kept: _Kept, extra: tuple[Hold, ...]
) -> Part | None:
    found = version.what.machines
    chain = found.evidence
    more = sum(hold.least for hold in extra) if not version.part else 0
    beside = extra if version.taken is None and version.fixed is None else ()
    return pool_of(
        estate,
        source,
        found,
        platform="Managed instance group",
        holds=tuple(_shared(hold, version, chain) for hold in kept.holds),
        extra=tuple(replace(hold, evidence=(*chain, *hold.evidence)) for hold in beside),
        undecided=kept.undecided,
        desired=None if kept.desired is None else version.share(kept.desired) + more,
        ceiling=None if kept.ceiling is None else version.share(kept.ceiling) + more,
        sold=version.what.market,
        part=version.part,
        notices=kept.notices,
        assumptions=(*version.what.assumptions, *kept.assumptions),
    )


def _shared(hold: Hold, version: _Version, chain: tuple[Evidence, ...]) -> Hold:
    units = hold.units if hold.units is None else version.share(hold.units)
    return replace(hold, units=units, evidence=(*chain, *hold.evidence))
