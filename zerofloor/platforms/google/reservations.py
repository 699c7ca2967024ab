"""What is paid for whether a machine uses it or not: reservations, future reservations,
commitments, sole-tenant nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Market,
    Part,
    Pool,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.hardware import google
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.declared import Declared, Size, changes_of, size
from zerofloor.platforms.google import gke, groups, instances
from zerofloor.platforms.google.groups import Group
from zerofloor.platforms.google.instances import NODE_GROUPS, Instance, held
from zerofloor.platforms.google.read import (
    CLOUD,
    SETTLE_TEMPLATE,
    End,
    cards,
    declared,
    ends_at,
    last,
    link,
    machines,
    pool_of,
    region_of,
    resources,
    unknown_number,
)
from zerofloor.platforms.google.templates import native, of_template
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import at, count, get, items
from zerofloor.words import counted, verb

RESERVATIONS: Final = ("gcp:compute/reservation:Reservation", *native("Reservation"))
FUTURE: Final = ("gcp:compute/futureReservation:FutureReservation", *native("FutureReservation"))
COMMITMENTS: Final = ("gcp:compute/regionCommitment:RegionCommitment", *native("RegionCommitment"))
NODE_TEMPLATES: Final = ("gcp:compute/nodeTemplate:NodeTemplate", *native("NodeTemplate"))
READS: Final = frozenset({*RESERVATIONS, *FUTURE, *COMMITMENTS, *NODE_TEMPLATES, *NODE_GROUPS})
_WEEK_SECONDS: Final = 168 * 3600


def read(estate: Estate) -> Iterator[Part]:
    """What bills by being reserved."""
    users = list(_users(estate)) if estate.of_type(*RESERVATIONS) else []
    for source in declared(estate, *RESERVATIONS):
        yield from _reservation(estate, source, users)
    for source in declared(estate, *FUTURE):
        yield from _future(estate, source)
    for source in declared(estate, *COMMITMENTS):
        yield from _commitment(estate, source)
    for source in declared(estate, *NODE_GROUPS):
        yield from _node_group(estate, source)
    for source in declared(estate, *NODE_TEMPLATES):
        because = "a node template bills nothing: the node groups made of it do"
        yield Accounted(urn=source.urn, path="", because=because)


# Reservations and the machines that use them


@dataclass(slots=True)
class _User:
    """Machines that may use a reservation; each is billed once, in it or beside it."""

    pool: Pool
    left: int
    places: tuple[str, ...]
    """Their zones, or their region where the zones aren't known."""
    affinity: Any
    depends_on: frozenset[str]
    """URNs of what the machine was computed from."""

    def may_use(self, reservation: Declared, shape: Shape, *, by_name: bool) -> bool:
        """Whether the reservation's machines are these."""
        zone = last(reservation.inputs.get("zone"))
        near = {place for place in (zone, region_of(zone)) if isinstance(place, str)}
        if not near.intersection(self.places) or self.pool.market is not Market.ON_DEMAND:
            return False
        alike = [(one.instance_type, one.gpus) for one in self.pool.shapes]
        if alike != [(shape.instance_type, shape.gpus)]:
            return False
        kinds = [at(self.affinity, name) for name in ("type", "consumeReservationType")]
        if any(isinstance(one, Hidden) for one in kinds):
            return False  # What may not use it is counted beside it.
        kind = next((one for one in kinds if one is not None), None)
        if "SPECIFIC" in str(kind):
            return self._names(reservation)
        return not by_name and kind != "NO_RESERVATION"

    def _names(self, reservation: Declared) -> bool:
        given = at(self.affinity, "specificReservation", "values")
        values = items(at(self.affinity, "values") if given is None else given)
        own = reservation.inputs.get("name")
        if isinstance(own, str) and isinstance(values, list) and own in map(last, values):
            return True
        return reservation.urn in self.depends_on


def _users(estate: Estate) -> Iterator[_User]:
    """Instances, groups and node pools with the machines that they certainly keep."""
    machines_kept: list[Instance | Group] = [*instances.instances(estate), *groups.groups(estate)]
    for one in machines_kept:
        if isinstance(one.part, Pool) and (kept := held(one.part)):
            place = last(one.source.pick("zone", "region")[1])
            affinity = get(one.what.source.inputs, f"{one.what.prefix}reservationAffinity")
            yield _User(
                pool=one.part,
                left=kept,
                places=(place,) if isinstance(place, str) else (),
                affinity=affinity,
                depends_on=_dependencies(one.source) | _dependencies(one.what.source),
            )
    for node_pool in gke.node_pools(estate):
        if kept := held(node_pool.part):
            config = node_pool.source.pick(
                f"{node_pool.prefix}nodeConfig", f"{node_pool.prefix}config"
            )[0]
            each = kept // max(1, node_pool.zones.number)
            for zone in node_pool.zones.names:
                yield _User(
                    pool=node_pool.part,
                    left=each,
                    places=(zone,),
                    affinity=get(node_pool.source.inputs, f"{config}.reservationAffinity"),
                    depends_on=_dependencies(node_pool.source),
                )


def _dependencies(source: Declared) -> frozenset[str]:
    found = source.resource.property_dependencies or {}
    return frozenset(urn for urns in found.values() for urn in urns)


def _reservation(estate: Estate, source: Declared, users: list[_User]) -> Iterator[Part]:
    base = "specificReservation"
    found = _reserved(estate, source, base)
    number = size(source, [f"{base}.count"], 0)
    undecided: list[Undecided] = []
    holds: list[Hold] = []
    rest = _ends(estate, source)
    evidence: tuple[Evidence, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    reserved = 0
    if isinstance(number, Undecided):
        undecided.append(number)
    elif isinstance(rest, Undecided):
        undecided.append(rest)
    elif number.is_hidden:
        undecided.append(unknown_number(number))
    else:
        reserved = number.known or 0
        if isinstance(rest, End):
            evidence, assumptions = (rest.evidence,), rest.assumptions
        else:
            holds.append(_unused(source, number, found, users))
    pool = pool_of(
        estate,
        source,
        found,
        platform="Reservation",
        holds=holds,
        undecided=undecided,
        desired=reserved,
        ceiling=reserved,
        evidence=evidence,
        assumptions=assumptions,
    )
    if pool is not None:
        yield pool


def _reserved(estate: Estate, source: Declared, base: str) -> Machines:
    whole = source.field(base)
    if whole.is_hidden:
        return Machines(undecided=(whole.undecided("What is reserved isn't known at preview"),))
    template = source.field(f"{base}.sourceInstanceTemplate")
    if not template.is_absent:
        return of_template(
            estate, source, base.split(".")[0], template.path, template.value
        ).machines
    inner = source.field(f"{base}.instanceProperties")
    if inner.is_hidden:
        return Machines(undecided=(inner.undecided("What is reserved isn't known at preview"),))
    path = inner.path
    return machines(estate, source, [f"{path}.machineType"], [f"{path}.guestAccelerators"])


def _unused(source: Declared, number: Size, found: Machines, users: list[_User]) -> Hold:
    """The machines that are reserved and that nothing of the estate uses for certain."""
    reserved = number.known or 0
    by_name = source.field("specificReservationRequired").switch() is True
    used = 0
    for user in users:
        if len(found.shapes) == 1 and user.may_use(source, found.shapes[0], by_name=by_name):
            taken = min(user.left, reserved - used)
            user.left -= taken
            used += taken
    bills = verb(reserved, "bills", "bill")
    said = f"{counted(reserved, 'reserved machine')} {bills} whether used or not"
    if used:
        said += f"; {used} of them {verb(used, 'runs', 'run')} in this stack"
    return Hold(
        cause=Cause.RESERVATION,
        urn=source.urn,
        units=reserved - used,
        evidence=(*found.evidence, number.evidence(said)),
        fix="Set deleteAfterDuration, or delete the reservation when nothing uses it",
        change=changes_of(source, ("deleteAfterDuration", {"seconds": "86400"})),
    )


def _ends(estate: Estate, source: Declared) -> End | Undecided | None:
    duration = source.field("deleteAfterDuration")
    seconds = source.field("deleteAfterDuration.seconds").count()
    if isinstance(seconds, Hidden):
        return duration.undecided("After which time the reservation is deleted isn't known")
    if isinstance(seconds, int):
        if not 0 < seconds <= _WEEK_SECONDS:
            return None
        hours = (Decimal(seconds) / 3600).quantize(Decimal("0.1"))
        return End(evidence=duration.evidence(f"deleted after {counted(hours, 'hour')}"))
    return ends_at(estate, source.field("deleteAtTime"))


# Future reservations and commitments


def _future(estate: Estate, source: Declared) -> Iterator[Part]:
    status = source.field("planningStatus")
    if status.value == "DRAFT":
        because = "a draft bills nothing: it isn't requested yet"
        yield Accounted(urn=source.urn, path="", because=because)
        return
    found, number = _future_size(estate, source)
    undecided: list[Undecided] = []
    holds: list[Hold] = []
    if isinstance(number, Undecided):
        undecided.append(number)
    elif status.value != "SUBMITTED":
        why = "Whether the future reservation is submitted isn't known: submitted, it bills"
        undecided.append(status.undecided(why, "Set planningStatus to DRAFT or SUBMITTED"))
    elif number.is_hidden:
        undecided.append(unknown_number(number))
    else:
        step = number.evidence(f"{counted(number.known or 0, 'unit')} bill from the start time")
        holds.append(
            Hold(
                cause=Cause.RESERVATION,
                urn=source.urn,
                units=number.known or 0,
                evidence=(*found.evidence, status.evidence("asked for"), step),
                fix="Set planningStatus to DRAFT, or waive it with its end date",
                change=changes_of(source, ("planningStatus", "DRAFT")),
            )
        )
    pool = pool_of(
        estate,
        source,
        found,
        platform="Future reservation",
        holds=holds,
        undecided=undecided,
        sold=Market.RESERVED,
    )
    if pool is not None:
        yield pool


def _future_size(estate: Estate, source: Declared) -> tuple[Machines, Size | Undecided]:
    base = "specificSkuProperties"
    if not source.field(base).is_absent:
        found = _reserved(estate, source, base)
        return found, size(source, [f"{base}.totalCount"], 0)
    path = "aggregateReservation.reservedResources"
    listed = source.field(path).items()
    if isinstance(listed, Hidden) or any(isinstance(one, Hidden) for one in listed):
        unread = source.open(path, "What is reserved isn't known at preview")
        return Machines(undecided=(unread,)), Size(source, path, 1)
    for index in range(len(listed)):
        asked = cards(source, f"{path}[{index}].accelerator")
        if asked.undecided:
            return Machines(undecided=asked.undecided), Size(source, path, 1)
        if asked.number:
            shape = Shape(CLOUD, asked.name, Decimal(1), google.card_of(asked.name))
            number = Size(source, path, int(asked.number))
            return Machines((shape,), evidence=asked.evidence), number
    return Machines(), Size(source, path, 0)


def _commitment(estate: Estate, source: Declared) -> Iterator[Part]:
    """Accelerators that are paid for one or three years, whatever runs."""
    listed = source.field("resources").items()
    if isinstance(listed, Hidden):
        yield source.open("resources", "What is committed to isn't known: perhaps accelerators")
        return
    for index, item in enumerate(listed):
        kind, path = at(item, "acceleratorType"), f"resources[{index}]"
        if isinstance(item, Hidden) or isinstance(kind, Hidden):
            yield source.open(path, "What is committed to isn't known: perhaps accelerators")
            continue
        if kind is None:
            continue
        amount = count(at(item, "amount"))
        name = str(last(kind)).lower()
        shape = Shape(CLOUD, name, Decimal(1), google.card_of(name))
        step = source.evidence(f"{path}.amount", "paid for the whole term, used or not")
        is_known = isinstance(amount, int)
        hold = Hold(
            cause=Cause.RESERVATION,
            urn=source.urn,
            units=amount if isinstance(amount, int) else 0,
            evidence=(step,),
            fix="Waive it with the end of its term: a commitment can't be cancelled",
        )
        why = "How many accelerators are paid for isn't known"
        pool = pool_of(
            estate,
            source,
            Machines((shape,), evidence=(step,)),
            platform="Committed accelerators",
            holds=(hold,) if is_known else (),
            undecided=() if is_known else (source.open(f"{path}.amount", why),),
            sold=Market.RESERVED,
            part=path,
        )
        if pool is not None:
            yield pool


# Sole-tenant nodes


def _node_group(estate: Estate, source: Declared) -> Iterator[Part]:
    """A sole-tenant node bills as a whole from its creation."""
    found = _nodes(estate, source)
    kept = _kept_nodes(source)
    undecided = (kept,) if isinstance(kept, Undecided) else ()
    holds = () if isinstance(kept, Undecided) else kept
    chained = tuple(replace(hold, evidence=(*found.evidence, *hold.evidence)) for hold in holds)
    pool = pool_of(
        estate,
        source,
        found,
        platform="Sole-tenant node group",
        holds=chained,
        undecided=undecided,
        desired=max((hold.least for hold in holds), default=0),
        price_as="sole-tenant",
    )
    if pool is not None:
        yield pool


def _nodes(estate: Estate, source: Declared) -> Machines:
    value = source.inputs.get("nodeTemplate")
    found = link(estate, source, "nodeTemplate", *NODE_TEMPLATES, value=value)
    templates = resources(estate, found)
    if len(templates) != 1:
        why = "Which node template is meant isn't known: its nodes could have GPUs"
        return Machines(undecided=(source.open("nodeTemplate", why, SETTLE_TEMPLATE),))
    template = templates[0]
    kind = template.field("nodeType")
    added = cards(template, "accelerators")
    if added.undecided:
        return Machines(undecided=added.undecided)
    if added.number:
        shape = Shape(
            CLOUD,
            kind.value if isinstance(kind.value, str) else "node",
            added.number,
            google.card_of(added.name),
        )
        return Machines((shape,), evidence=added.evidence)
    if kind.is_absent:
        return Machines()
    return machines(estate, template, ["nodeType"])


def _kept_nodes(source: Declared) -> tuple[Hold, ...] | Undecided:
    policy, mode = source.field("autoscalingPolicy"), source.field("autoscalingPolicy.mode")
    if policy.is_hidden or mode.is_hidden:
        return policy.undecided("Whether the node group scales in isn't known")
    word = str(mode.value).upper()
    scales = word in ("ON", "ONLY_SCALE_OUT")
    paths = ["autoscalingPolicy.minNodes"] if scales else ["initialSize"]
    number = size(source, paths, 0, "omitted: 0")
    if isinstance(number, Undecided):
        return number
    if number.is_hidden:
        return unknown_number(number)
    holds = []
    if number.known:
        holds.append(
            Hold(
                cause=Cause.RESERVATION,
                urn=source.urn,
                units=number.known,
                evidence=(number.evidence("a sole-tenant node bills as a whole, used or not"),),
                fix=f"Set {number.path} to 0",
                change=changes_of(source, (number.path, 0)),
            )
        )
    if word == "ONLY_SCALE_OUT":
        holds.append(
            Hold(
                cause=Cause.KEPT_PEAK,
                urn=source.urn,
                units=None,
                evidence=(mode.evidence("it adds nodes and removes none"),),
                fix=f"Set {mode.path} to ON",
                change=changes_of(source, (mode.path, "ON")),
            )
        )
    return tuple(holds)
