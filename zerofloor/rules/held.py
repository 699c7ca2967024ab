"""Checks over causes: what a hold keeps, in one message for each resource to change."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from zerofloor.capacity import WEEK, Cause, Hold
from zerofloor.cost.estimate import Amount, Estimate, Figure, together
from zerofloor.floor.result import Entry, EntryKind, Floor, Verdict
from zerofloor.hardware.accelerators import device_noun
from zerofloor.money import HOURS_PER_MONTH
from zerofloor.report import Severity
from zerofloor.rules.rule import Check, Judged, Problem
from zerofloor.structs import Value
from zerofloor.words import chain, counted, hours, unique

Held = tuple[Entry, Hold]

COUNTS: Final = frozenset(
    {Cause.FIXED_REPLICAS, Cause.SCALER_MINIMUM, Cause.POOL_MINIMUM, Cause.STATIC_POOL}
)
"""Causes whose evidence is a number that speaks for itself."""

LONGEST: Final = 200
"""Characters of a message; links of the chain that have no room are in the report's evidence."""


class _Bill(Value, frozen=True):
    """Who pays for what, by URN: one resource may be several entries (the variants of an
    endpoint)."""

    entries: Mapping[str, Sequence[Entry]]
    guests: Mapping[str, Sequence[Entry]]
    """The workloads that a pool carries."""
    floor: Mapping[str, Amount]
    """What the floor costs an hour; a URN that is missing has no price."""
    node_hours: Mapping[str, Decimal]
    """Node-hours of a week."""


def holds(cause: Cause) -> Check:
    """A check for what this cause really holds: one problem for each resource to change."""

    def check(judged: Judged) -> Iterable[Problem]:
        by_urn: dict[str, list[Held]] = defaultdict(list)
        for entry in judged.floor.entries:
            for hold in entry.holds if entry.verdict is Verdict.HELD else ():
                if hold.cause is cause:
                    by_urn[hold.urn].append((entry, hold))
        bill = _bill(judged.floor, judged.estimate) if by_urn else None
        return [
            _problem(urn, held, judged, bill)
            for urn, held in sorted(by_urn.items())
            if bill is not None
        ]

    return check


def notices(cause: Cause) -> Check:
    """A check for what this cause might hold."""

    def check(judged: Judged) -> Iterable[Problem]:
        found = {(one.urn, one.message): one for one in judged.floor.notices if one.cause is cause}
        return [
            Problem(
                one.urn,
                one.message,
                one.fix,
                one.evidence,
                place=one.evidence[0].path if one.evidence else "",
                change=one.change,
            )
            for one in found.values()
        ]

    return check


def _problem(urn: str, held: list[Held], judged: Judged, bill: _Bill) -> Problem:
    # A pool that carries a held workload may repeat the workload's hold: the count is the
    # workload's, the nodes are the pool's.
    owners = [one for one in held if one[0].kind is EntryKind.WORKLOAD] or held
    distinct = unique(hold for _, hold in owners)
    strongest = max(
        distinct, key=lambda hold: (hold.least * hold.hours_per_week, hold.hours_per_week)
    )
    weekly = _hours(owners, distinct)
    cost = _cost(owners, bill)
    by_schedule = (
        strongest.cause is Cause.SCHEDULE and weekly <= judged.settings.caps.schedule_hours_per_week
    )
    return Problem(
        urn=urn,
        message=_message(owners, strongest, weekly, judged, bill),
        fix=strongest.fix,
        evidence=tuple(unique(link for hold in distinct for link in hold.evidence)),
        monthly=None if cost is None else cost.monthly,
        up_to=None if cost is None or cost.up_to is None else cost.up_to * HOURS_PER_MONTH,
        at_most=cost is not None and cost.at_most,
        cost_unknown=cost is None,
        severity=Severity.WARNING if by_schedule else None,
        change=strongest.change,
        gpus=sum((_kept(entry, strongest)[0] for entry in _entries(owners)), Decimal(0)) or None,
    )


def _entries(held: list[Held]) -> list[Entry]:
    return list({(entry.urn, entry.name): entry for entry, _ in held}.values())


def _hours(held: list[Held], distinct: list[Hold]) -> Decimal:
    """Hours of a week. Where nothing else holds the entries theirs are exact; else the sum, which
    windows that overlap can only lower."""
    if all(other.cause is distinct[0].cause for entry, _ in held for other in entry.holds):
        return max(entry.hours_per_week for entry, _ in held)
    return min(WEEK, sum((hold.hours_per_week for hold in distinct), Decimal(0)))


def _message(
    held: list[Held], strongest: Hold, weekly: Decimal, judged: Judged, bill: _Bill
) -> str:
    entries = _entries(held)
    names = " and ".join(f"{one.platform} {one.name}" for one in entries[:3]) + (
        f" and {len(entries) - 3} more" if len(entries) > 3 else ""
    )
    parts = {(entry.urn, entry.name): _kept(entry, strongest) for entry in entries}
    gpus = sum((gpus for gpus, _ in parts.values()), Decimal(0))
    noun = _noun(entries, bill)
    text = (
        f"{names} {'keeps' if len(entries) == 1 else 'keep'} "
        f"{counted(gpus, noun) if gpus else f'a {noun}'}"
    )
    nodes = sum(nodes for _, nodes in parts.values())
    if nodes:
        text += f" on {counted(nodes, 'node')}"
    text += f" running {hours(weekly)} with no traffic"
    where = _where(entries, bill)
    if strongest.evidence:
        room = LONGEST - len(f"{text} because {where}.")
        text += f" because {_reason(strongest, judged, room)}"
    return f"{text}{where}."


def _where(entries: Sequence[Entry], bill: _Bill) -> str:
    """`, on Karpenter NodePool gpu (1 node)`: the pools that carry a workload."""
    pools = [
        pool
        for urn in sorted({urn for one in entries for urn in one.carried_by})
        for pool in bill.entries.get(urn, ())
    ]
    if not pools:
        return ""
    named = ", ".join(
        f"{pool.platform} {pool.name}" + (f" ({counted(pool.nodes, 'node')})" if pool.nodes else "")
        for pool in pools[:3]
    )
    return f", on {named}" + (f" and {len(pools) - 3} more" if len(pools) > 3 else "")


def _reason(hold: Hold, judged: Judged, room: int) -> str:
    """The first links of the chain that have room, at least one; where a count speaks for itself,
    without what follows from it."""
    resources = judged.estate.by_urn
    links = [one for one in hold.evidence if not one.is_hardware] or list(hold.evidence)
    one = links[0]
    if hold.cause in COUNTS and len(links) == 1 and one.path and one.value is not None:
        return chain([one], hold.urn, resources).removesuffix(f" ({one.because})")
    fitting = [
        text
        for many in range(len(links), 0, -1)
        if len(text := chain(links[:many], hold.urn, resources)) <= room
    ]
    if fitting or not one.path:
        return fitting[0] if fitting else one.because
    return f"{one.because} ({one.path})"


def _noun(entries: Sequence[Entry], bill: _Bill) -> str:
    """What the kept accelerators are called, by the machines that carry them."""
    pools = [
        pool for one in entries for urn in one.carried_by for pool in bill.entries.get(urn, ())
    ]
    return device_noun(
        shape.accelerator
        for one in (*entries, *pools)
        if one.supply is not None
        for shape in one.supply.shapes
        if shape.accelerator
    )


def _kept(entry: Entry, hold: Hold) -> tuple[Decimal, int]:
    """GPUs and nodes of an entry that a hold keeps; a pool's own hold may keep fewer nodes than are
    held."""
    gpus, nodes = entry.gpus or Decimal(0), entry.nodes or 0
    if entry.kind is EntryKind.POOL and hold.units is not None and 0 < hold.units < nodes:
        return gpus * hold.units / nodes, hold.units
    return gpus, nodes


def _bill(floor: Floor, estimate: Estimate) -> _Bill:
    guests: dict[str, list[Entry]] = defaultdict(list)
    for entry in floor.entries:
        for urn in entry.carried_by:
            guests[urn].append(entry)
    costs: dict[str, Amount] = {}
    for item in estimate.items:
        if Figure.FLOOR in item.counts_in and item.urn not in estimate.unpriced:
            most = None if item.dearest is None else item.dearest * item.quantity
            amount = Amount(item.price * item.quantity, most, at_most=item.at_most)
            known = costs.get(item.urn)
            costs[item.urn] = amount if known is None else together(known, amount)
    entries: dict[str, list[Entry]] = defaultdict(list)
    node_hours: dict[str, Decimal] = defaultdict(Decimal)
    for entry in floor.entries:
        entries[entry.urn].append(entry)
        if entry.supply is not None:
            node_hours[entry.urn] += entry.supply.node_hours_per_week
    return _Bill(entries, guests, costs, node_hours)


def _cost(held: list[Held], bill: _Bill) -> Amount | None:
    """What the holds keep an hour; None where a part of it is not priced."""
    shares: dict[str, Decimal] = {}
    for entry, hold in held:
        for urn, share in _shares(entry, hold, bill).items():
            shares[urn] = min(Decimal(1), shares.get(urn, Decimal(0)) + share)
    total: Amount | None = None
    for urn, share in sorted(shares.items()):
        cost = bill.floor.get(urn)
        if cost is None or (total is not None and total.hourly.currency != cost.hourly.currency):
            return None
        part = _part(cost, share)
        total = part if total is None else together(total, part)
    return total


def _part(cost: Amount, share: Decimal) -> Amount:
    most = None if cost.up_to is None else cost.up_to * share
    return Amount(cost.hourly * share, most, at_most=cost.at_most)


def _shares(entry: Entry, hold: Hold, bill: _Bill) -> Mapping[str, Decimal]:
    """Which part of which entry's bill a hold keeps."""
    if entry.supply is None:
        return {
            urn: _part_of(entry, pool, bill) * _time_of(hold, pool, bill)
            for urn in entry.carried_by
            for pool in bill.entries.get(urn, ())
        }
    node_hours = bill.node_hours[entry.urn]
    if entry.kind is EntryKind.WORKLOAD or hold.units is None or not node_hours:
        return {entry.urn: Decimal(1)}
    return {entry.urn: min(Decimal(1), hold.units * hold.hours_per_week / node_hours)}


def _time_of(hold: Hold, pool: Entry, bill: _Bill) -> Decimal:
    """The part of the time in which a pool's nodes run that a hold has them, by its schedule."""
    node_hours = bill.node_hours[pool.urn]
    if hold.hours_per_week >= WEEK or not pool.nodes or not node_hours:
        return Decimal(1)
    return min(Decimal(1), hold.hours_per_week * pool.nodes / node_hours)


def _part_of(workload: Entry, pool: Entry, bill: _Bill) -> Decimal:
    """The part of a pool's nodes that a workload needs: all of them where nothing else keeps the
    pool, else by its GPUs, in whole nodes."""
    alone = len(bill.guests[pool.urn]) == 1 and all(hold in workload.holds for hold in pool.holds)
    sizes = [shape.gpus for shape in pool.supply.shapes if shape.gpus] if pool.supply else []
    if (
        alone
        or not sizes
        or not pool.nodes
        or workload.gpus is None
        or len(workload.carried_by) > 1
    ):
        return Decimal(1)
    return min(Decimal(1), Decimal(math.ceil(workload.gpus / min(sizes))) / pool.nodes)
