"""Whether the price snapshot is whole and plausible: checksums, sources and dates, duplicates,
outliers, unknown types, age."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import re
import statistics
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, Literal

from zerofloor.hardware import google
from zerofloor.hardware.instances import accelerated_types, lookup
from zerofloor.prices.book import OLD_AFTER_DAYS, PriceBook, snapshot_age
from zerofloor.prices.embedded import TABLES
from zerofloor.structs import Value
from zerofloor.words import counted

KEYS: Final = {
    "cpu_prices.csv": ("cloud", "instance_type", "region", "purchase_option"),
    "gpu_instances.csv": ("cloud", "instance_type"),
    "gpu_prices.csv": ("cloud", "instance_type", "region", "purchase_option"),
    "managed_prices.csv": ("provider", "product", "gpu"),
    "residual_prices.csv": ("cloud", "item", "region"),
    "token_prices.csv": ("provider", "model"),
}
"""What identifies a row of each table."""

TIMES_OFF: Final = 20
"""A price this many times above or below the median of its family is a slip, not a price."""


class Problem(Value, frozen=True):
    severity: Literal["error", "warning"]
    where: str
    """Table and row."""
    text: str


def verify(
    book: PriceBook, today: datetime.date, folder: Traversable | None = None
) -> tuple[Problem, ...]:
    """What is wrong with a snapshot, errors first; only its age is a warning. `folder` has it;
    None: the embedded one."""
    place = folder or resources.files("zerofloor.prices").joinpath("snapshot")
    manifest = json.loads(place.joinpath("manifest.json").read_bytes())
    tables = {name: place.joinpath(name).read_bytes() for name in TABLES}
    problems = [*_integrity(tables, manifest["sha256"])]
    for name, content in tables.items():
        problems.extend(check_table(name, content.decode()))
    problems.extend(
        _unknown_types(tables["gpu_prices.csv"].decode(), set(manifest["types_of_unknown_size"]))
    )
    age = snapshot_age(book.snapshot_as_of, today)
    if age > OLD_AFTER_DAYS:
        problems.append(
            Problem(
                "warning",
                "snapshot",
                f"gathered {counted(age, 'day')} ago, on {book.snapshot_as_of}",
            )
        )
    return tuple(
        sorted(problems, key=lambda problem: (problem.severity, problem.where, problem.text))
    )


def check_table(name: str, text: str) -> Iterator[Problem]:
    """The problems of one table's rows: no source or date (`unknown` is one), twice the same, no
    price, far off its family."""
    seen: set[tuple[str, ...]] = set()
    rows = list(csv.DictReader(io.StringIO(text)))
    for row in rows:
        key = tuple(row[column] for column in KEYS[name])
        where = f"{name}: {' '.join(key)}"
        if key in seen:
            yield Problem("error", where, "is listed twice")
        seen.add(key)
        if not row["source"]:
            yield Problem("error", where, "has no source")
        if not re.fullmatch(r"unknown|\d{4}(-\d\d){0,2}", row["source_date"]):
            yield Problem("error", where, f"has no date: {row['source_date']!r}")
        for column in (
            column
            for column in row
            if column.startswith("usd") and (row[column] or column in ("usd", "usd_per_hour"))
        ):
            if _price(row[column]) is None:
                yield Problem(
                    "error", where, f"{column} is not a price above zero: {row[column]!r}"
                )
    if name == "gpu_prices.csv":
        yield from _outliers(rows)


def _outliers(rows: list[dict[str, str]]) -> Iterator[Problem]:
    families: dict[tuple[str, str, str], list[tuple[str, Decimal]]] = {}
    for row in rows:
        shape = lookup(row["cloud"], row["instance_type"])
        price = _price(row["usd_per_hour"])
        if price is not None and shape is not None and shape.gpus:
            group = (row["cloud"], _family(row["instance_type"]), row["purchase_option"])
            where = f"gpu_prices.csv: {' '.join(row[column] for column in KEYS['gpu_prices.csv'])}"
            families.setdefault(group, []).append((where, price / shape.gpus))
    for group, prices in families.items():
        middle = statistics.median(price for _, price in prices)
        for where, price in prices:
            if price > middle * TIMES_OFF or price * TIMES_OFF < middle:
                yield Problem(
                    "error",
                    where,
                    f"${price} a GPU is {TIMES_OFF} times off its family {group[1]} (${middle})",
                )


def _family(instance_type: str) -> str:
    """`g6e.xlarge` → `g6e`, `a2-highgpu-1g` → `a2-highgpu`, `Standard_NC24ads_A100_v4` →
    `NC_A100_v4`."""
    if "." in instance_type:
        return instance_type.split(".", 1)[0]
    if match := re.match(r"[A-Za-z]+_([A-Z]+)\d+[a-z-]*\d*[a-z]*(.*)", instance_type):
        return match[1] + match[2]
    return instance_type.rsplit("-", 1)[0]


def _unknown_types(prices: str, listed: set[str]) -> Iterator[Problem]:
    priced = {(row["cloud"], row["instance_type"]) for row in csv.DictReader(io.StringIO(prices))}
    known = {
        (shape.cloud, shape.instance_type.lower())
        for cloud in sorted({cloud for cloud, _ in priced})
        for shape in accelerated_types(cloud)
    }
    for cloud, name in sorted(priced):
        unit = google.unit_of(name) if cloud == "gcp" else None
        if (cloud, name.lower()) not in known and name not in listed and unit is None:
            yield Problem(
                "error",
                f"gpu_prices.csv: {cloud} {name}",
                "is priced, and the instance table does not know it",
            )


def _integrity(tables: Mapping[str, bytes], sums: Mapping[str, str]) -> Iterator[Problem]:
    for name, content in tables.items():
        if hashlib.sha256(content).hexdigest() != sums.get(name):
            yield Problem(
                "error",
                name,
                "is not what the manifest says: make it again with tools/snapshot.py",
            )


def _price(text: str) -> Decimal | None:
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if price.is_finite() and price > 0 else None
