"""Checks over causes: what a hold keeps, in one message for each resource to change."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from zerofloor.capacity import WEEK, Cause, Hold
from zerofloor.floor import Entry
from zerofloor.money import HOURS_PER_MONTH, ZERO, Money
from zerofloor.rules.rule import Check, Judged, Problem
from zerofloor.words import chain, counted, hours

Held = tuple[Entry, Hold]


def holds(cause: Cause) -> Check:
    """A check for what this cause really holds: one problem for each resource to change."""

    def check(judged: Judged) -> Iterable[Problem]:
        by_urn: dict[str, list[Held]] = defaultdict(list)
        for entry in judged.floor.entries:
            for hold in entry.holds if entry.verdict == "held" else ():
                if hold.cause is cause:
                    by_urn[hold.urn].append((entry, hold))
        for urn, held in sorted(by_urn.items()):
            yield _problem(urn, held, judged)

    return check


def notices(cause: Cause) -> Check:
    """A check for what this cause might hold."""

    def check(judged: Judged) -> Iterable[Problem]:
        # Two readers may see the same thing; a dict keeps the first of each, in order.
        for notice in dict.fromkeys((n.urn, n.message, n.fix) for n in judged.floor.notices if n.cause is cause):
            evidence = next(n.evidence for n in judged.floor.notices if (n.urn, n.message, n.fix) == notice)
            yield Problem(*notice, evidence=evidence)

    return check


def _problem(urn: str, held: list[Held], judged: Judged) -> Problem:
    workloads = [one for one in held if one[0].kind == "workload"]
    # A pool that carries a held workload may repeat the workload's hold: the count is the workload's, the nodes are the pool's.
    owners = workloads or held
    distinct = list(dict.fromkeys(hold for _, hold in owners))
    strongest = max(distinct, key=lambda hold: (hold.least * hold.hours_per_week, hold.hours_per_week))
    schedule = all(hold.cause is Cause.SCHEDULE for hold in distinct)
    weekly = _hours(owners, distinct)
    monthly, known = _monthly(owners, judged)
    return Problem(
        urn=urn,
        message=_message(owners, strongest, weekly, judged),
        fix=strongest.fix,
        evidence=tuple(dict.fromkeys(link for hold in distinct for link in hold.evidence)),
        monthly=monthly,
        cost_unknown=not known,
        severity="warning" if schedule and weekly <= judged.settings.caps.schedule_hours_per_week else None,
    )


def _hours(held: list[Held], distinct: list[Hold]) -> Decimal:
    """Hours of a week. Where nothing else holds the entries theirs are exact; else the sum, which windows that overlap can only lower."""
    if all(other.cause is distinct[0].cause for entry, _ in held for other in entry.holds):
        return max(entry.hours_per_week for entry, _ in held)
    return min(WEEK, sum((hold.hours_per_week for hold in distinct), Decimal(0)))


def _message(held: list[Held], strongest: Hold, weekly: Decimal, judged: Judged) -> str:
    entries = list(dict.fromkeys(entry for entry, _ in held))
    entry = entries[0]
    names = " and ".join(f"{one.platform} {one.name}" for one in entries[:3]) + (
        f" and {len(entries) - 3} more" if len(entries) > 3 else ""
    )
    gpus = sum((one.gpus for one in entries if one.gpus is not None), Decimal(0))
    text = f"{names} {'keeps' if len(entries) == 1 else 'keep'} {counted(gpus, 'GPU') if gpus else 'a GPU'}"
    nodes = [one.nodes for one in entries if one.nodes is not None]
    if nodes:
        text += f" on {counted(sum(nodes), 'node')}"
    text += f" billing {hours(weekly)} without a request"
    if strongest.evidence:
        text += f": {chain(strongest.evidence, strongest.urn, judged.estate.by_urn)}"
    carriers = sorted({urn for one in entries for urn in one.carried_by if urn != entry.urn})
    pools = [one for one in judged.floor.entries if one.urn in carriers]
    if pools:
        named = ", ".join(f"{pool.platform} {pool.name}" + (f" ({counted(pool.nodes, 'node')})" if pool.nodes else "") for pool in pools)
        text += f". It runs on {named}"
    return text + "."


def _monthly(held: list[Held], judged: Judged) -> tuple[Money | None, bool]:
    """What the holds keep a month, and whether all of it is priced."""
    by_urn = {entry.urn: entry for entry in judged.floor.entries}
    total, known = ZERO, True
    shares: dict[str, Decimal] = {}
    for entry, hold in held:
        for urn, share in _shares(entry, hold, by_urn).items():
            shares[urn] = min(Decimal(1), shares.get(urn, Decimal(0)) + share)
    for urn, share in shares.items():
        cost = _floor_cost(urn, judged)
        if cost is None or (total.amount and cost.currency != total.currency):
            known = False
        else:
            total = Money(total.amount + cost.amount * share, cost.currency)
    return (total if known and shares else None), known and bool(shares)


def _shares(entry: Entry, hold: Hold, by_urn: Mapping[str, Entry]) -> dict[str, Decimal]:
    """Which part of which entry's bill a hold keeps."""
    if entry.supply is not None:
        if entry.kind == "workload" or hold.units is None or not entry.supply.node_hours_per_week:
            return {entry.urn: Decimal(1)}
        return {entry.urn: min(Decimal(1), hold.units * hold.hours_per_week / entry.supply.node_hours_per_week)}
    return {urn: _part_of(entry, by_urn[urn], by_urn) for urn in entry.carried_by if urn in by_urn}


def _part_of(workload: Entry, pool: Entry, by_urn: Mapping[str, Entry]) -> Decimal:
    """The part of a pool's nodes that a workload needs: all of them where nothing else keeps the pool, else by its GPUs, in whole nodes."""
    others = [one for one in by_urn.values() if one.urn != workload.urn and pool.urn in one.carried_by]
    own = [hold for hold in pool.holds if hold not in workload.holds]
    sizes = [shape.gpus for shape in pool.supply.shapes if shape.gpus] if pool.supply else []
    if (not others and not own) or not sizes or not pool.nodes or workload.gpus is None or len(workload.carried_by) > 1:
        return Decimal(1)
    return min(Decimal(1), Decimal(math.ceil(workload.gpus / min(sizes))) / pool.nodes)


def _floor_cost(urn: str, judged: Judged) -> Money | None:
    """What an entry's floor costs a month; None where it is not priced."""
    items = [item for item in judged.estimate.items if item.urn == urn and "floor" in item.counts_in]
    if not items or urn in judged.estimate.unpriced:
        return None
    return Money(sum((item.price.amount * item.quantity for item in items), Decimal(0)), items[0].price.currency) * HOURS_PER_MONTH


def bears_cause(entry: Entry) -> bool:
    """Whether a hold says why this entry is held."""
    return bool(entry.holds)


def all_held(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries whose verdict is held."""
    return (entry for entry in entries if entry.verdict == "held")
