"""An audit against an earlier one: what is new, what grew, what is gone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from zerofloor.errors import InputError
from zerofloor.estates.values import SCHEMA, Audit, Fresh, Gone, Line
from zerofloor.gate.baseline import CENT, PRICES_MOVED
from zerofloor.money import Money
from zerofloor.words import dollars

_WRITE: Final = "write it with `zerofloor audit --format json`"


def read_audit(path: Path) -> Audit:
    """The audit in a JSON file. Raises InputError where it is none."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON; {_WRITE}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise InputError(f"{path}: no audit; {_WRITE}")
    try:
        return msgspec.convert(data, Audit)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: a damaged audit: {error}") from None


def compared(audit: Audit, earlier: Audit, file: str) -> Audit:
    """The audit with what changed. A stack that can't be judged now has lost nothing.

    Raises InputError where the earlier one is of another backend.
    """
    if earlier.backend != audit.backend:
        raise InputError(f"{file}: an audit of {earlier.backend}, not of {audit.backend}")
    if earlier.currency != audit.currency:
        raise InputError(f"{file}: an audit in {earlier.currency}, not in {audit.currency}")
    before = {line.key: line for line in earlier.lines}
    now = {line.key for line in audit.lines}
    unread = {one.name for one in audit.stacks if not one.judged}
    same_prices = earlier.snapshot == audit.snapshot
    known = (line for line in audit.lines if line.key in before)
    return replace(
        audit,
        fresh=Fresh(
            file=file,
            day=earlier.today,
            before=earlier.monthly,
            new=tuple(line.key for line in audit.lines if line.key not in before),
            worse={
                line.key: before[line.key].monthly
                for line in known
                if _is_worse(line, before[line.key], same_prices=same_prices)
            },
            gone=tuple(
                Gone(line.stack, line.message or line.name, line.monthly)
                for line in earlier.lines
                if line.key not in now and line.stack not in unread
            ),
        ),
    )


def change(audit: Audit, line: Line) -> str:
    """`new`, or what a line cost before; empty where nothing changed or nothing was compared."""
    fresh = audit.fresh
    if fresh is None:
        return ""
    if line.key in fresh.new:
        return "new"
    before = fresh.worse.get(line.key)
    if before is None:
        return ""
    return f"was {dollars(Money(before, audit.currency))}"


def _is_worse(line: Line, before: Line, *, same_prices: bool) -> bool:
    if line.state == "held" and before.state == "held":
        most = before.monthly + CENT if same_prices else before.monthly * PRICES_MOVED
        return line.monthly > most
    return line.state != before.state and line.monthly >= before.monthly
