"""EC2: instances, Spot requests, fleets, dedicated hosts, capacity reservations and blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Hold, Market, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws import scaling, stops
from zerofloor.platforms.aws.groups import Group, Lowered, pool_of
from zerofloor.platforms.aws.launch import (
    in_units,
    of_template,
    overridden,
    required,
    spot_template,
)
from zerofloor.platforms.aws.read import (
    CLOUD,
    declared,
    family_shapes,
    is_plain_family,
    machines,
    market,
)
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.platforms.machines import Machines, union
from zerofloor.stack import Hidden
from zerofloor.values import at, count, get, hidden, items, known_items, known_text
from zerofloor.words import counted, verb

INSTANCES: Final = ("aws:ec2/instance:Instance", "aws-native:ec2:Instance")
_SPOT: Final = "aws:ec2/spotInstanceRequest:SpotInstanceRequest"
_INSTANCE_FIX: Final = (
    "Move it to an Auto Scaling group with minSize 0, stop it (aws.ec2transitgateway.InstanceState "
    'with state "stopped"), or remove it'
)
_SPOT_FIX: Final = "Move it to an Auto Scaling group of spot instances with minSize 0, or remove it"
_HOSTS: Final = ("aws:ec2/dedicatedHost:DedicatedHost", "aws-native:ec2:Host")
_RESERVATIONS: Final = (
    "aws:ec2/capacityReservation:CapacityReservation",
    "aws-native:ec2:CapacityReservation",
)
_BLOCK: Final = "aws:ec2/capacityBlockReservation:CapacityBlockReservation"
_RESERVATION_FLEET: Final = "aws-native:ec2:CapacityReservationFleet"
_FLEETS: Final = ("aws:ec2/fleet:Fleet", "aws-native:ec2:Ec2Fleet")
_SPOT_FLEETS: Final = ("aws:ec2/spotFleetRequest:SpotFleetRequest", "aws-native:ec2:SpotFleet")
READS: Final = frozenset(
    {
        *INSTANCES,
        _SPOT,
        *stops.READS,
        *_HOSTS,
        *_RESERVATIONS,
        _BLOCK,
        _RESERVATION_FLEET,
        *_FLEETS,
        *_SPOT_FLEETS,
    }
)


def read(estate: Estate) -> Iterator[Part]:
    """Everything of EC2 that is no Auto Scaling group."""
    rests = stops.rests(estate, INSTANCES)
    for source in declared(estate, *INSTANCES, _SPOT):
        yield from _instance(estate, source, rests.get(source.urn))
    for source in declared(estate, *_FLEETS):
        yield from _fleet(estate, source)
    for source in declared(estate, *_SPOT_FLEETS):
        yield from _spot_fleet(estate, source)
    for source in declared(estate, *_HOSTS):
        yield from _host(estate, source)
    used = _used_reservations(estate)
    for source in declared(estate, *_RESERVATIONS):
        yield from _reservation(estate, source, used)
    for source in declared(estate, _RESERVATION_FLEET):
        yield from _reservation_fleet(estate, source)
    for source in declared(estate, _BLOCK):
        yield from _block(estate, source)


def _fixed(
    estate: Estate,
    source: Declared,
    platform: str,
    found: Machines,
    units: int,
    hold: Hold | None,
    spot: Market = Market.ON_DEMAND,
    undecided: tuple[Undecided, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
    price_as: str | None = None,
    os: str = "linux",
) -> Iterator[Pool]:
    """A pool of a known number of machines."""
    if found.plain:
        return
    holds = (hold,) if hold is not None and hold.least else ()
    open_types = found.undecided if holds or undecided else ()
    yield Pool(
        urn=source.urn,
        name=source.name,
        platform=platform,
        cloud=CLOUD,
        shapes=found.shapes,
        holds=holds,
        part=source.part(),
        desired=units if found.shapes else None,
        ceiling=units,
        market=spot,
        region=estate.region(source.resource, CLOUD),
        undecided=(*undecided, *open_types),
        assumptions=(*found.assumptions, *assumptions),
        overlap=units if source.resource.replaced_before_delete else 0,
        evidence=found.evidence,
        price_as=price_as,
        os=os,
    )


def _instance(
    estate: Estate, source: Declared, rest: stops.Rest | Undecided | None
) -> Iterator[Part]:
    kind = source.inputs.get("instanceType")
    if kind is not None:
        found = machines(estate, source, "instanceType", kind)
    else:
        found = of_template(estate, source, "launchTemplate", source.inputs.get("launchTemplate"))
        if not found.shapes and not found.undecided:
            found = Machines(
                undecided=(
                    source.open(
                        "instanceType", "The instance's type isn't given: it could be a GPU type"
                    ),
                )
            )
    spot = Market.SPOT if source.resource.type == _SPOT else _market(estate, source)
    host = _linked_host(estate, source)
    if host is not None:
        return  # its host bills, used or not, and counts
    if isinstance(rest, stops.Rest):
        yield from _resting(estate, source, found, rest, spot)
        return
    step = source.evidence("instanceType", "it runs until it is stopped")
    fix = _SPOT_FIX if source.resource.type == _SPOT else _INSTANCE_FIX
    hold = Hold(
        cause=Cause.INSTANCE, urn=source.urn, units=1, evidence=(*found.evidence, step), fix=fix
    )
    if isinstance(rest, Undecided):
        yield from _fixed(estate, source, "EC2 instance", found, 1, None, spot, (rest,))
        return
    # An instance on hardware of its own has a price of its own (EC2 user guide, "Dedicated
    # Instances").
    own = source.inputs.get("tenancy") in ("dedicated", "host")
    yield from _fixed(
        estate,
        source,
        "EC2 instance",
        found,
        1,
        hold,
        spot,
        price_as="dedicated-instance" if own else None,
    )


def _resting(
    estate: Estate, source: Declared, found: Machines, rest: stops.Rest, spot: Market
) -> Iterator[Part]:
    """An instance that something stops, permanently or for a part of the week."""
    seen = replace(found, evidence=(*found.evidence, *rest.evidence))
    units = 1 if rest.starts or rest.hours else 0
    hold = None
    if rest.hours:
        first = rest.evidence[0]
        hold = Hold(
            cause=Cause.SCHEDULE,
            urn=first.urn,
            units=1,
            evidence=seen.evidence,
            fix="Shorten the window, or start on demand instead",
            hours_per_week=rest.hours,
        )
    else:
        seen = replace(seen, undecided=())
    yield from _fixed(
        estate, source, "EC2 instance", seen, units, hold, spot, assumptions=rest.assumptions
    )


def _market(estate: Estate, source: Declared) -> Market:
    found = market(source, "instanceMarketOptions.marketType")
    if found is Market.ON_DEMAND and source.inputs.get("launchTemplate") is not None:
        return spot_template(estate, source, "launchTemplate", source.inputs.get("launchTemplate"))
    return found


def _linked_host(estate: Estate, source: Declared) -> str | None:
    dependencies = (source.resource.property_dependencies or {}).get("hostId", ())
    return next(
        (urn for urn in dependencies if urn in estate.by_urn and estate.by_urn[urn].type in _HOSTS),
        None,
    )


def _fleet(estate: Estate, source: Declared) -> Iterator[Part]:
    prefix = "targetCapacitySpecification"
    total = size(source, [f"{prefix}.totalTargetCapacity"])
    found = _configs(
        estate, source, "launchTemplateConfigs", source.inputs.get("launchTemplateConfigs")
    )
    found = in_units(
        found,
        source.field(f"{prefix}.targetCapacityUnitType").text(),
        source,
        f"{prefix}.targetCapacityUnitType",
    )
    # Only the price depends on it: hidden, the higher one counts.
    kind = known_text(get(source.inputs, f"{prefix}.defaultTargetCapacityType")) or "on-demand"
    spot = (
        Market.SPOT
        if kind == "spot" and _none(get(source.inputs, f"{prefix}.onDemandTargetCapacity"))
        else Market.ON_DEMAND
    )
    yield from _sized(estate, source, "EC2 Fleet", found, total, spot, None)


def _spot_fleet(estate: Estate, source: Declared) -> Iterator[Part]:
    prefix = (
        "spotFleetRequestConfigData."
        if source.inputs.get("spotFleetRequestConfigData") is not None
        else ""
    )
    total = size(source, [f"{prefix}targetCapacity"])
    specifications = get(source.inputs, f"{prefix}launchSpecifications")
    if hidden(specifications):
        why = "The launch specifications aren't known at preview: they may name GPU types"
        found = Machines(undecided=(source.open(f"{prefix}launchSpecifications", why),))
    else:
        parts = []
        for index, item in enumerate(known_items(specifications)):  # Not hidden: asked above.
            where = f"{prefix}launchSpecifications[{index}]"
            if at(item, "instanceRequirements") is not None:
                part = required(
                    estate,
                    source,
                    f"{where}.instanceRequirements",
                    at(item, "instanceRequirements"),
                )
            else:
                part = machines(estate, source, f"{where}.instanceType", at(item, "instanceType"))
            parts.append(
                overridden(
                    estate,
                    source,
                    where,
                    [{"weightedCapacity": at(item, "weightedCapacity")}],
                    part,
                )
            )
        configs = get(source.inputs, f"{prefix}launchTemplateConfigs")
        parts.append(_configs(estate, source, f"{prefix}launchTemplateConfigs", configs))
        found = union(parts)
    unit = f"{prefix}targetCapacityUnitType"
    found = in_units(found, source.field(unit).text(), source, unit)
    target = scaling.target_of(estate, source.resource, "ec2:spot-fleet-request:TargetCapacity", [])
    all_spot = _none(get(source.inputs, f"{prefix}onDemandTargetCapacity"))
    spot = Market.SPOT if all_spot else Market.ON_DEMAND
    yield from _sized(estate, source, "Spot Fleet", found, total, spot, target)


def _none(value: Any) -> bool:
    return value is None or count(value) == 0


def _configs(estate: Estate, source: Declared, path: str, configs: Any) -> Machines:
    if hidden(configs):
        return Machines(
            undecided=(
                source.open(
                    path,
                    "The template configurations aren't known at preview: they may name GPU types",
                ),
            )
        )
    parts = []
    for index, config in enumerate(known_items(configs)):  # Not hidden: asked above.
        where = f"{path}[{index}]"
        base = of_template(
            estate,
            source,
            f"{where}.launchTemplateSpecification",
            at(config, "launchTemplateSpecification"),
        )
        overrides = at(config, "overrides")
        parts.append(
            overridden(estate, source, f"{where}.overrides", overrides, base)
            if overrides is not None
            else base
        )
    return union(parts)


def _sized(
    estate: Estate,
    source: Declared,
    platform: str,
    found: Machines,
    total: Size | Undecided,
    spot: Market,
    target: scaling.Target | None,
) -> Iterator[Pool]:
    """A fleet: it launches its target capacity and keeps it; only a scaling target lowers it."""
    if isinstance(total, Undecided):
        if not found.plain:
            yield Pool(
                urn=source.urn,
                name=source.name,
                platform=platform,
                cloud=CLOUD,
                shapes=found.shapes,
                part=source.part(),
                undecided=(total, *found.undecided),
            )
        return
    minimum = Size(source, total.path, 0 if target is not None else total.value)
    lowered = None
    maximum = Size(source, total.path, total.value)
    if target is not None and isinstance(target.minimum, Size) and isinstance(target.maximum, Size):
        minimum, maximum = target.minimum, target.maximum
        lowered = Lowered(target.lowered) if target.lowered is not None else None
    group = Group(source, platform, found, minimum, total, maximum, market=spot, lowered=lowered)
    pool = pool_of(estate, group)
    if pool is not None:
        yield pool


def _host(estate: Estate, source: Declared) -> Iterator[Part]:
    """A dedicated host bills as a whole: all the GPUs of its family's largest size (EC2 user guide,
    "Dedicated Hosts pricing")."""
    path, value = source.pick("instanceType", "instanceFamily")
    prefix = value.split(".")[0] if isinstance(value, str) else ""
    sizes = family_shapes(prefix)
    if sizes:
        largest = max(
            sizes, key=lambda shape: (shape.gpus or Decimal(0), shape.vcpus or Decimal(0))
        )
        evidence = (
            source.evidence(
                path, f"a host of the family {prefix} has {largest.gpus} {largest.accelerator}"
            ),
        )
        found = Machines((largest,), evidence=evidence)
    elif prefix and is_plain_family(estate, prefix):
        return
    else:
        found = machines(estate, source, path, value) if value is not None else Machines()
        if found.plain:
            return
    step = source.evidence(path, "an allocated host bills, with or without instances on it")
    hold = Hold(
        cause=Cause.RESERVATION,
        urn=source.urn,
        units=1,
        evidence=(*found.evidence, step),
        fix="Release the host when nothing runs on it",
    )
    yield from _fixed(
        estate, source, "EC2 dedicated host", found, 1, hold, price_as="dedicated-host"
    )


def _used_reservations(estate: Estate) -> Counter[tuple[str, str]]:
    """On-demand instances of the estate by type and zone: an open reservation that they match is
    billed only once."""
    used: Counter[tuple[str, str]] = Counter()
    for source in declared(estate, *INSTANCES):
        kind, zone = source.inputs.get("instanceType"), source.inputs.get("availabilityZone")
        preference = get(
            source.inputs, "capacityReservationSpecification.capacityReservationPreference"
        )
        if (
            isinstance(kind, str)
            and isinstance(zone, str)
            and preference != "none"
            and _market(estate, source) is Market.ON_DEMAND
        ):
            used[kind, zone] += 1
    return used


def _reservation(
    estate: Estate, source: Declared, used: Counter[tuple[str, str]]
) -> Iterator[Part]:
    found = machines(estate, source, "instanceType", source.inputs.get("instanceType"))
    number = size(source, ["instanceCount"], 1)
    if isinstance(number, Undecided) or number.is_hidden:
        why = (
            number
            if isinstance(number, Undecided)
            else source.open("instanceCount", "How many instances are reserved is not known")
        )
        yield from _fixed(
            estate, source, "EC2 capacity reservation", found, 0, None, undecided=(why,)
        )
        return
    reserved = number.known or 0
    matched = 0
    if source.inputs.get("instanceMatchCriteria") in (None, "open"):
        key = (str(source.inputs.get("instanceType")), str(source.inputs.get("availabilityZone")))
        matched = min(reserved, used[key])
        used[key] -= matched
    ends = source.evidence(
        "endDateType",
        "no end"
        if source.inputs.get("endDate") is None
        else "bills until its end date, used or not",
    )
    bills = verb(reserved, "bills", "bill")
    note = f"{counted(reserved, 'reserved instance')} {bills} whether used or not"
    if matched:
        note += f"; {matched} of them {verb(matched, 'runs', 'run')} in this stack"
    step = number.evidence(note)
    fix = "Remove the reservation when nothing uses it, or waive it until its end date"
    hold = Hold(
        cause=Cause.RESERVATION,
        urn=source.urn,
        units=reserved - matched,
        evidence=(*found.evidence, step, ends),
        fix=fix,
    )
    # Only the price depends on it.
    platform = known_text(source.inputs.get("instancePlatform")) or "Linux/UNIX"
    os = "linux" if platform == "Linux/UNIX" else platform.lower()
    yield from _fixed(
        estate, source, "EC2 capacity reservation", found, reserved - matched, hold, os=os
    )


def _reservation_fleet(estate: Estate, source: Declared) -> Iterator[Part]:
    total = size(source, ["totalTargetCapacity"])
    listed = items(source.inputs.get("instanceTypeSpecifications"))
    specifications: Any = listed
    if not isinstance(listed, Hidden):
        specifications = [
            {"instanceType": at(item, "instanceType"), "weightedCapacity": at(item, "weight")}
            for item in listed
        ]
    found = overridden(estate, source, "instanceTypeSpecifications", specifications, Machines())
    platform = "EC2 capacity reservation fleet"
    for part in _sized(estate, source, platform, found, total, Market.ON_DEMAND, None):
        holds = tuple(_reserved(source, total.path, hold) for hold in part.holds)
        yield replace(part, holds=holds)


def _reserved(source: Declared, path: str, hold: Hold) -> Hold:
    bills = f"{counted(hold.least, 'reserved instance')} {verb(hold.least, 'bills', 'bill')}"
    return Hold(
        cause=Cause.RESERVATION,
        urn=source.urn,
        units=hold.units,
        evidence=(*hold.evidence[:-1], source.evidence(path, f"{bills} whether used or not")),
        fix="Remove the reservation fleet when nothing uses it, or waive it until its end date",
        change=hold.change,
    )


def _block(estate: Estate, source: Declared) -> Iterator[Part]:
    """A capacity block is paid in full when it is bought; only accelerated types are sold (EC2 user
    guide, "Capacity Blocks for ML")."""
    shape = Shape(CLOUD, "capacity block", None, "accelerator of unknown size")
    step = source.evidence(
        "capacityBlockOfferingId",
        "paid in full, used or not; only accelerated types are sold this way",
    )
    hold = Hold(
        cause=Cause.RESERVATION,
        urn=source.urn,
        units=1,
        evidence=(step,),
        fix="Buy it when the work starts, or waive it with its end date",
    )
    yield from _fixed(
        estate,
        source,
        "EC2 capacity block",
        Machines((shape,), evidence=(step,)),
        1,
        hold,
        Market.RESERVED,
    )
