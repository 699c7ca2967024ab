"""What a cloud's reader of residuals says of one resource, before it has a price."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from zerofloor.structs import Value


class Bill(Value, frozen=True):
    """One thing that bills, as the price book names it."""

    what: str
    item: str = ""
    """Empty where the book has no price."""
    quantity: Decimal | None = Decimal(1)
    """None where its size is not known."""
    is_node: bool = False
    region: str | None = None
    """Where another resource says it; None: the resource's own."""
    follows: Literal["nodes", "machine", ""] = ""
    """As in `residuals.Need`."""
    part: str = ""
    """As in `residuals.Need`."""
