"""Floor, desired, expected and ceiling cost, each from priced line items; a missing price is unpriced, never $0."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from zerofloor.money import HOURS_PER_MONTH, Money

Figure = Literal["floor", "desired", "expected", "ceiling", "residual"]


@dataclass(frozen=True, slots=True)
class Amount:
    """A cost an hour, averaged over a week."""

    hourly: Money
    up_to: Money | None = None
    """An hour at the dearest choice, where a choice among types is open; None: there is none."""
    unbounded: bool = False
    """True where nothing limits it (only of a ceiling)."""

    @property
    def monthly(self) -> Money:
        return self.hourly * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Item:
    """One priced line."""

    urn: str
    what: str
    """`g6e.xlarge on-demand in us-east-1 (1 NVIDIA L40S)`."""
    quantity: Decimal
    """Units of the floor; for an item that only counts elsewhere, the units there."""
    unit: str
    """node, GB, hour, …"""
    price: Money
    """An hour and unit."""
    source: str
    as_of: str
    """The price's own date (`unknown` where it had none)."""
    counts_in: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    floor: Amount
    desired: Amount
    expected: Amount | None
    """None where no traffic profile is declared."""
    ceiling: Amount
    residual: Amount
    items: tuple[Item, ...]
    unpriced: tuple[str, ...]
    """URNs of GPUs that are held, or counted in a limit that is set, without a price."""
    snapshot: str
    """sha256 of the embedded snapshot."""
    snapshot_as_of: str
    sources: tuple[str, ...]
    footnotes: tuple[str, ...] = ()
