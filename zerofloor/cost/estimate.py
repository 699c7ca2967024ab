"""Floor, desired, expected and ceiling cost, each from priced line items; a missing price is
unpriced, never $0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

import msgspec

from zerofloor.cost.cold_start import Wait
from zerofloor.money import HOURS_PER_MONTH, Money
from zerofloor.structs import Value
from zerofloor.words import short


class Figure(StrEnum):
    """A sum over the stack, in the order of reports; its value is its name in them."""

    FLOOR = "floor"
    """While idle."""
    DESIRED = "desired"
    """At deployment."""
    EXPECTED = "expected"
    """Under the declared traffic."""
    CEILING = "ceiling"
    """At maximum scale."""
    RESIDUAL = "residual"
    """What remains without a GPU: disks, addresses, control planes."""


class Amount(Value, frozen=True):
    """A cost an hour, averaged over a week."""

    hourly: Money
    up_to: Money | None = None
    """An hour at the most expensive of several types; None where the type is settled."""
    unbounded: bool = False
    """True where nothing limits it (only of a ceiling); then the money is what is certain at
    least."""
    at_most: bool = False
    """True where a part of it is an upper bound: spot nodes without a spot price count on
    demand."""

    @property
    def monthly(self) -> Money:
        return self.hourly * HOURS_PER_MONTH


class Item(Value, frozen=True):
    """One priced line. For each figure the sum of quantity times price over its items is that
    figure's amount."""

    urn: str
    what: str
    """`g6e.xlarge on-demand in us-east-1 (1 NVIDIA L40S)`."""
    quantity: Decimal
    """Units on an average hour of the figures in `counts_in`; an amount that differs between
    figures has an item for each."""
    unit: str
    """node, GB, unit, …"""
    price: Money
    """An hour and unit."""
    source: str
    as_of: str
    """The price's own date (`unknown` where it had none)."""
    counts_in: tuple[Figure, ...]
    """Empty for what bills once (an overlap while a replacement runs): its quantity is then
    node-hours."""
    dearest: Money | None = None
    """The price of the most expensive choice, where it is open among types; None: it is settled."""
    listed: Money | None = None
    """The list price an hour and unit, where the user's own counts; None: it is the list's."""
    at_most: bool = False
    """True where the price is an upper bound."""
    listed_monthly: bool = False
    """True where the price list states it by the month: `price` is then a 730th of it."""


class ResourceCost(Value, frozen=True):
    """The figures of one pool or workload; their sum over all is the estimate's."""

    urn: str
    name: str
    what: str
    """The node, as in its items; empty where it is unpriced."""
    floor: Amount
    desired: Amount
    expected: Amount | None
    ceiling: Amount
    per_gpu_hour: Money | None
    """A node's price for each of its GPUs, an hour; None where it is unpriced or the GPUs are not
    known."""

    def amount(self, figure: Figure) -> Amount | None:
        """One of its figures; None where it has none."""
        match figure:
            case Figure.FLOOR:
                return self.floor
            case Figure.DESIRED:
                return self.desired
            case Figure.EXPECTED:
                return self.expected
            case Figure.CEILING:
                return self.ceiling
            case Figure.RESIDUAL:
                return None
            case _:
                assert_never(figure)


class Gap(Value, frozen=True):
    """Something that bills and has no price in the book."""

    urn: str
    what: str
    why: str
    """What is missing, as a clause."""
    settle: str
    """How to price it, as a clause; empty where there is nothing to set."""
    blocks: bool
    """True for GPUs of the floor or of a limit that is set; a residual or a CPU node is a
    footnote."""
    lacks: tuple[Figure, ...]
    """The figures in which it is missing: their sums are lower bounds."""
    is_node: bool = False
    """True for machines, which are missing as such and not only their disks."""
    elsewhere: str = ""
    """The us-east-1 or on-demand figure, marked as such; never part of a sum. Empty where there is
    none."""

    @property
    def said(self) -> str:
        """`g6e.xlarge: its region is unknown (on-demand in us-east-1: $1.86/h)`."""
        beside = f" ({self.elsewhere})" if self.elsewhere else ""
        return f"{self.what}: {self.why}{beside}"

    @property
    def is_of_gpus(self) -> bool:
        """Whether a sum of GPU nodes lacks it, which a residual or a disk of unknown size is in
        none of."""
        return any(figure is not Figure.RESIDUAL for figure in self.lacks)


class Meaning(Value, frozen=True):
    """What the floor comes to for people, and what the way to zero costs in waiting."""

    weekly: Money
    """A week without a request."""
    weekend: Money | None
    """From Friday 18:00 to Monday 08:00 (62 h), where the floor runs all week; None where a
    schedule decides which of those hours it runs."""
    until_noticed: Money
    noticed_after_days: int
    first_year: Money
    saves_monthly: Money
    """What a floor of zero would save a month."""
    wait: Wait
    """What the first request after idle waits then."""


class Owner(Value, frozen=True, kw_only=True):
    """Whose a resource is; a text is empty where nothing says it."""

    project: str = ""
    stack: str = ""
    namespace: str = ""
    """Kubernetes; of a pool that of the pods that hold its nodes, where they share one."""
    component: str = ""
    """The nearest component around it, `TYPE::NAME`."""
    owner: str = ""
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)


class ResourceChange(Value, frozen=True):
    """What changed for one resource, an hour; one that is gone or new counts whole."""

    urn: str
    floor: Money
    desired: Money
    ceiling: Money


class Change(Value, frozen=True):
    """The hourly figures against a baseline; negative is cheaper."""

    against: str
    """What the baseline is: a report's or an export's name."""
    floor: Money
    desired: Money
    ceiling: Money
    notes: tuple[str, ...] = ()
    resources: tuple[ResourceChange, ...] = ()
    """Those that changed, the largest change of the floor first; none where the baseline doesn't
    list resources."""


class BreakEven(Value, frozen=True):
    """A dedicated deployment against a serverless service's per-token prices."""

    model: str
    provider: str
    per_million: Money
    """Serverless, input and output blended by the output share."""
    output_share: Decimal
    dedicated_monthly: Money
    """One replica that is always there."""
    tokens_per_month: Decimal
    """Above so many tokens a month the dedicated replica is cheaper."""
    capacity_per_month: Decimal | None
    """Tokens that one replica can serve a month; None where no throughput is known."""
    per_million_at: tuple[tuple[Decimal, Money], ...]
    """The dedicated price of a million tokens at a utilisation (0.1 … 1)."""
    throughput: str
    """Where the throughput comes from; empty where it is not known."""
    verdict: str
    """In words: which is cheaper, and by how much."""
    source: str
    as_of: str

    @property
    def is_out_of_reach(self) -> bool:
        """Whether one replica can't serve as many tokens as would make it cheaper."""
        capacity = self.capacity_per_month
        return capacity is not None and capacity < self.tokens_per_month


class Estimate(Value, frozen=True):
    floor: Amount
    desired: Amount
    expected: Amount | None
    """None where no traffic profile is declared."""
    ceiling: Amount
    residual: Amount | None
    """None where the stack has no GPU: what else bills in it was not looked at."""
    items: tuple[Item, ...]
    """By impact: by the floor, then by the largest figure it counts in, then by URN."""
    unpriced: tuple[str, ...]
    """URNs of GPUs that are held, or counted in a limit that is set, without a price."""
    snapshot: str
    """sha256 of the embedded snapshot."""
    snapshot_as_of: str
    sources: tuple[str, ...]
    oldest: str = ""
    """The date of the oldest price that a line uses; empty where none has a date."""
    undated: int = 0
    """Lines whose price has no date."""
    remarks: tuple[str, ...] = ()
    """What a reader of the figures must know beside the gaps, as sentences."""
    resources: tuple[ResourceCost, ...] = ()
    """By entry of the floor that bills, sorted as the items are."""
    gaps: tuple[Gap, ...] = ()
    """All that has no price, the blocking ones first."""
    once: Money | None = None
    """What bills once on top: overlaps while replacements run."""
    owners: Mapping[str, Owner] = msgspec.field(default_factory=dict)
    """By the URNs of its lines, resources and gaps."""
    meaning: Meaning | None = None
    """None where the stack has no GPU."""
    change: Change | None = None
    expected_replicas: int | None = None
    """Replicas at the busiest time of the declared traffic; None where none is declared."""
    break_even: BreakEven | None = None
    """None unless `serverless.model` is set."""

    @property
    def idle(self) -> Amount | None:
        """Floor and residual together: what the stack costs while idle. None where no
        residual was counted."""
        return None if self.residual is None else together(self.floor, self.residual)

    @property
    def footnotes(self) -> tuple[str, ...]:
        """All that is said below the figures: the gaps, how to close them, the remarks."""
        said = (*unpriced_notes(self.gaps), *pricing_notes(self.gaps), *self.remarks)
        return tuple(dict.fromkeys(said))

    def amount(self, figure: Figure) -> Amount | None:
        """One of its figures; None where it has none."""
        match figure:
            case Figure.FLOOR:
                return self.floor
            case Figure.DESIRED:
                return self.desired
            case Figure.EXPECTED:
                return self.expected
            case Figure.CEILING:
                return self.ceiling
            case Figure.RESIDUAL:
                return self.residual
            case _:
                assert_never(figure)


def together(one: Amount, other: Amount) -> Amount:
    """Both as one amount."""
    most = None
    if one.up_to is not None or other.up_to is not None:
        most = (one.up_to or one.hourly) + (other.up_to or other.hourly)
    return Amount(one.hourly + other.hourly, most, at_most=one.at_most or other.at_most)


def unpriced_notes(gaps: Iterable[Gap]) -> Iterator[str]:
    """A sentence for each gap: what has no price and why."""
    for gap in gaps:
        yield f"{short(gap.urn)}: no price for {gap.said}."


def pricing_notes(gaps: Iterable[Gap]) -> Iterator[str]:
    """A sentence for each way to close a gap."""
    for settle in sorted({gap.settle for gap in gaps if gap.settle}):
        yield f"To price it, {settle}."
