"""The snapshot beside a second catalogue: what both have, and what differs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from zerofloor.capacity import Market
from zerofloor.errors import InputError
from zerofloor.money import Money
from zerofloor.prices.book import HOUR, Key, Missing, Price, PriceBook, normal
from zerofloor.structs import Value

TOLERANCE: Final = Decimal("0.01")
"""Prices that are no further apart than this share agree."""

COLUMNS: Final = ("cloud", "instance_type", "region", "purchase_option", "usd_per_hour")
"""Of a catalogue as CSV: the snapshot's own."""


class Difference(Value, frozen=True, kw_only=True):
    key: Key
    ours: Price
    theirs: Price

    @property
    def share(self) -> Decimal:
        """By how much ours is above theirs."""
        return self.ours.money.amount / self.theirs.money.amount - 1


class Comparison(Value, frozen=True, kw_only=True):
    agree: int
    differ: tuple[Difference, ...]
    """The largest difference first."""
    only_theirs: int


def compare(book: PriceBook, path: Path) -> Comparison:
    """The book beside the catalogue in a file: a price file (YAML, JSON), or CSV with the columns
    of the snapshot's machine tables. Raises InputError where it is neither."""
    agree = missing = 0
    differ: list[Difference] = []
    for key, theirs in sorted(_read(path).items()):
        ours = book.find(key)
        if isinstance(ours, Missing) or ours.money.currency != theirs.money.currency:
            missing += 1
            continue
        found = Difference(key=key, ours=ours, theirs=theirs)
        if abs(found.share) > TOLERANCE:
            differ.append(found)
        else:
            agree += 1
    differ.sort(key=lambda one: (-abs(one.share), one.key))
    return Comparison(agree=agree, differ=tuple(differ), only_theirs=missing)


def _read(path: Path) -> Mapping[Key, Price]:
    if path.suffix.lower() == ".csv":
        return dict(_of_csv(path))
    from zerofloor.prices.override import load

    return load(path)


def _of_csv(path: Path) -> Iterator[tuple[Key, Price]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: can't be read: it is not UTF-8 text") from None
    rows = csv.DictReader(lines)
    lacking = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if lacking:
        raise InputError(f"{path}: a catalogue needs the columns {', '.join(lacking)}")
    for number, row in enumerate(rows, 2):
        if any(row[column] is None for column in COLUMNS):
            raise InputError(f"{path}:{number}: the row has too few cells")
        market = Market.SPOT if row["purchase_option"] == "spot" else Market.ON_DEMAND
        key = normal(Key(row["cloud"], row["instance_type"], row["region"], market))
        money = Money(_price(f"{path}:{number}", row["usd_per_hour"]))
        source, as_of = row.get("source") or path.name, row.get("source_date") or "unknown"
        yield key, Price(key, money, HOUR, source, as_of, "override")


def _price(place: str, text: str) -> Decimal:
    try:
        price = Decimal(text)
    except (InvalidOperation, TypeError):
        price = Decimal(0)
    if not price.is_finite() or price <= 0:
        raise InputError(f"{place}: usd_per_hour is not a price above zero")
    return price
