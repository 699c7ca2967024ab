"""An amount of money: a Decimal and its currency, never a float, never without a unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from zerofloor.structs import Value

HOURS_PER_MONTH: Final = Decimal(730)
"""Hours in a billing month, as the clouds' own calculators count."""


class Money(Value, frozen=True, order=True):
    amount: Decimal
    currency: str = "USD"

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"can't add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def cents(self) -> Money:
        """Rounded half up to cents, for print."""
        return Money(self.amount.quantize(Decimal("0.01"), ROUND_HALF_UP), self.currency)


ZERO: Final = Money(Decimal(0))
