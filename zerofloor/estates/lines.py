"""A report -> what idles, line by line: each billed resource's idle cost, shared among what holds
it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from zerofloor.capacity import WEEK, Hold
from zerofloor.cost.estimate import ResourceCost
from zerofloor.cost.owners import owner_named, owner_of
from zerofloor.estate import Estate, estate
from zerofloor.estates.values import Line, LineState, Seen
from zerofloor.floor.result import Entry, Verdict
from zerofloor.gate.baseline import stacks_of
from zerofloor.gate.waivers import blocks
from zerofloor.money import Money
from zerofloor.report import Finding, Report, Severity
from zerofloor.settings import Settings
from zerofloor.stack import Stack
from zerofloor.words import sentence

CENT: Final = Decimal("0.01")
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What tells owners: the resources, and the stacks' own tags."""

    estate: Estate
    names: Mapping[int, str]
    """The name in the backend by the id of a stack."""
    stack_tags: Mapping[str, Mapping[str, str]]
    """By that name."""
    keys: tuple[str, ...]
    """Tags that name an owner; the first counts."""

    def stack(self, urn: str) -> str:
        """The stack's name; the first's for what has no URN, a finding on the whole."""
        stack = self.estate.stack_of.get(urn, self.estate.stacks[0])
        return self.names[id(stack)]

    def type(self, urn: str) -> str:
        resource = self.estate.by_urn.get(urn)
        return resource.type if resource else ""

    def tags(self, urn: str) -> Mapping[str, str]:
        """Tags and labels of a resource, its provider's default ones included."""
        owner = owner_of(urn, self.estate)
        return {**owner.labels, **owner.tags}

    def owner(self, *urns: str) -> str:
        """Who owns the first of these that says it, else who owns its stack."""
        own = (self.tags(urn) for urn in urns)
        whole = (self.stack_tags.get(self.stack(urn), {}) for urn in urns)
        named = (owner_named(tags, self.keys) for tags in (*own, *whole))
        return next(filter(None, named), "")


def owned(
    stacks: Sequence[tuple[str, Stack]],
    stack_tags: Mapping[str, Mapping[str, str]],
    keys: tuple[str, ...],
) -> Owned:
    """The index of these stacks, each with its name in the backend."""
    return Owned(
        estate=estate(tuple(stack for _, stack in stacks), Settings()),
        names={id(stack): name for name, stack in stacks},
        stack_tags=stack_tags,
        keys=keys,
    )


def findings_of(report: Report, index: Owned, *, joined: bool) -> tuple[Seen, ...]:
    """What the gate says, as a later run will say it again; remarks are left out."""
    identity = "+".join(stacks_of(report))
    return tuple(
        Seen(
            stack=index.stack(one.urn),
            identity=identity,
            rule=one.rule,
            name=one.name,
            urn=one.urn,
            message=one.message,
            fingerprint=one.fingerprint,
            severity=one.severity.value,
            monthly=None if one.monthly is None else one.monthly.cents().amount,
            up_to=None if one.up_to is None else one.up_to.cents().amount,
            gpus=one.gpus,
            cost_unknown=one.cost_unknown,
            blocks=blocks(one),
            owner=index.owner(one.urn),
            joined=joined,
        )
        for one in report.findings
        if one.severity is not Severity.INFO
    )


def lines_of(report: Report, index: Owned) -> tuple[Line, ...]:
    """What idles, what may idle, and what idles without a price."""
    return tuple(_Lines(report, index).all())


class _Lines:
    """The lines of one report."""

    def __init__(self, report: Report, index: Owned) -> None:
        self.report = report
        self.index = index
        self.findings: dict[tuple[str, str], Finding] = {
            (one.urn, one.name): one for one in report.findings
        }
        self.entries: dict[str, list[Entry]] = defaultdict(list)
        self.guests: dict[str, list[Entry]] = defaultdict(list)
        for entry in report.floor.entries:
            self.entries[entry.urn].append(entry)
            for urn in entry.carried_by:
                self.guests[urn].append(entry)
        self.costs: dict[str, list[ResourceCost]] = defaultdict(list)
        for cost in report.estimate.resources:
            self.costs[cost.urn].append(cost)

    def all(self) -> Iterator[Line]:
        held = set()
        for urn in sorted(self.entries):
            billed = [one for one in self.entries[urn] if one.supply and one.supply.nodes]
            if any(one.verdict is Verdict.HELD for one in billed):
                held.add(urn)
                yield from self._held(urn, billed)
        open_points: dict[str, str] = {}
        for point in self.report.floor.undecided:
            open_points.setdefault(point.urn, point.settle)
        for urn, settle in sorted(open_points.items()):
            # Machines may bill for certain of which only the GPUs are open.
            monthly = NOTHING if urn in held else self._monthly(urn)
            yield self._undecided(urn, settle, monthly)

    def _held(self, urn: str, billed: Sequence[Entry]) -> Iterator[Line]:
        costs = self.costs.get(urn, [])
        monthly = self._monthly(urn)
        unpriced = urn in self.report.estimate.unpriced or not any(cost.what for cost in costs)
        gpus = sum((one.gpus or NOTHING for one in billed), NOTHING)
        holders = self._holders(urn, billed)
        total = sum(weight for _, weight in holders)
        money = _shared(monthly, [weight for _, weight in holders], total, CENT)
        counts = _shared(gpus, [weight for _, weight in holders], total, Decimal("0.001"))
        whole = [one for one in costs if one.what]
        for (hold, _), amount, count in zip(holders, money, counts, strict=True):
            yield self._line(
                billed[0],
                urn=urn,
                hold=hold,
                monthly=amount,
                gpus=count,
                hours=max(one.hours_per_week for one in billed),
                state="unpriced" if unpriced else "held",
                runs_on=whole[0].what if whole else "",
            )

    def _holders(self, urn: str, billed: Sequence[Entry]) -> list[tuple[Hold, Decimal]]:
        """Each declaration that keeps nodes of this resource, with its share: its own largest hold,
        and the largest of each workload that it carries."""
        found: dict[tuple[str, str], tuple[Hold, Decimal]] = {}
        for hold, weight in (*self._own(urn, billed), *self._carried(urn, billed)):
            key = hold.urn, hold.cause.value
            known = found.get(key)
            found[key] = (hold, weight + (known[1] if known else NOTHING))
        return [found[key] for key in sorted(found)]

    def _own(self, urn: str, billed: Sequence[Entry]) -> Iterator[tuple[Hold, Decimal]]:
        of_guests = {hold.urn for guest in self.guests.get(urn, ()) for hold in guest.holds}
        for entry in billed:
            mine = [hold for hold in entry.holds if hold.urn not in of_guests]
            if mine:
                yield mine[0], Decimal(max(mine[0].least, 1)) * mine[0].hours_per_week
            elif entry.holds and not of_guests:
                yield entry.holds[0], WEEK

    def _carried(self, urn: str, billed: Sequence[Entry]) -> Iterator[tuple[Hold, Decimal]]:
        sizes = [
            shape.gpus
            for entry in billed
            if entry.supply
            for shape in entry.supply.shapes
            if shape.gpus
        ]
        for guest in self.guests.get(urn, ()):
            if guest.holds:
                needed = (guest.gpus or Decimal(1)) / min(sizes) if sizes else Decimal(1)
                hours = guest.holds[0].hours_per_week
                yield guest.holds[0], Decimal(max(math.ceil(needed), 1)) * hours

    def _monthly(self, urn: str) -> Decimal:
        costs = self.costs.get(urn, ())
        total = sum((cost.floor.monthly.amount for cost in costs), NOTHING)
        return Money(total).cents().amount

    def _undecided(self, urn: str, settle: str, monthly: Decimal) -> Line:
        entries = self.entries.get(urn, [])
        finding = self.findings.get((urn, "undecided-gpu"))
        return self._made(
            urn=urn,
            entry=entries[0] if entries else None,
            gpus=None,
            hours=NOTHING,
            monthly=monthly,
            state="undecided",
            cause="undecided-gpu",
            held_by=urn,
            finding=finding,
            fix=finding.fix if finding else sentence(settle),
            runs_on="",
        )

    def _line(
        self,
        entry: Entry,
        *,
        urn: str,
        hold: Hold,
        monthly: Decimal,
        gpus: Decimal,
        hours: Decimal,
        state: LineState,
        runs_on: str,
    ) -> Line:
        finding = self.findings.get((hold.urn, hold.cause.value))
        return self._made(
            urn=urn,
            entry=entry,
            gpus=gpus,
            hours=hours,
            monthly=monthly,
            state=state,
            cause=hold.cause.value,
            held_by=hold.urn,
            finding=finding,
            fix=finding.fix if finding else hold.fix,
            runs_on=runs_on,
        )

    def _made(
        self,
        *,
        urn: str,
        entry: Entry | None,
        gpus: Decimal | None,
        hours: Decimal,
        monthly: Decimal,
        state: LineState,
        cause: str,
        held_by: str,
        finding: Finding | None,
        fix: str,
        runs_on: str,
    ) -> Line:
        supply = entry.supply if entry else None
        return Line(
            stack=self.index.stack(urn),
            urn=urn,
            name=entry.name if entry else urn.rpartition("::")[2],
            type=self.index.type(urn),
            platform=entry.platform if entry else "",
            runs_on=runs_on,
            cloud=supply.cloud if supply else "",
            region=(supply.region or "") if supply else "",
            gpus=gpus,
            hours_per_week=hours,
            monthly=monthly,
            state=state,
            rule=finding.rule if finding else "",
            cause=cause,
            held_by=held_by,
            holder=self.index.stack(held_by),
            owner=self.index.owner(held_by, urn),
            tags=dict(sorted({**self.index.tags(urn), **self.index.tags(held_by)}.items())),
            message=finding.message if finding else "",
            fix=fix,
            waived_by=(finding.waived_by or "") if finding else "",
            fingerprint=finding.fingerprint if finding else f"{cause} {held_by}",
        )


def _shared(
    amount: Decimal, weights: Sequence[Decimal], total: Decimal | int, unit: Decimal
) -> list[Decimal]:
    """An amount in shares that add up to it; what rounding leaves is the first's."""
    shares = [(amount * weight / total).quantize(unit) for weight in weights]
    shares[0] += amount - sum(shares)
    return shares
