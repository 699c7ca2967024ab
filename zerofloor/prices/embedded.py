"""The price snapshot that comes with the package: read lazily, one cloud at a time, since a run
rarely needs two."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

from zerofloor.capacity import Market
from zerofloor.structs import Value

TABLES: Final = (
    "cpu_prices.csv",
    "gpu_instances.csv",
    "gpu_prices.csv",
    "managed_prices.csv",
    "residual_prices.csv",
    "token_prices.csv",
)
"""The gathered tables; the snapshot's hash is over their bytes."""

EVERYWHERE: Final = "all"
"""The region of a price that holds in every region: what most smaller clouds have."""

LIST_REGION: Final = {"aws": "us-east-1", "gcp": "us-central1", "azure": "eastus"}
"""The region whose list ranks instance types, whatever the region of the stack."""


SAGEMAKER: Final = "aws-sagemaker"
"""The provider of SageMaker's instances in the managed table: its product is the region, its GPU
the instance type, its price one instance and hour."""


class Row(Value, frozen=True):
    usd: Decimal
    unit: str
    source: str
    as_of: str


class ManagedRow(Value, frozen=True):
    """A managed service's price for one GPU and hour."""

    provider: str
    product: str
    gpu: str
    usd: Decimal
    billing: str
    source: str
    as_of: str
    note: str


class TokenRow(Value, frozen=True):
    """A serverless model's price per million tokens, in USD."""

    provider: str
    model: str
    input: Decimal
    output: Decimal
    source: str
    as_of: str
    note: str


@cache
def gathered() -> str:
    """The day on which the snapshot was gathered; the rows carry their own sources' dates."""
    day: str = json.loads(_table("manifest.json").read_bytes())["gathered"]
    return day


@cache
def snapshot_hash() -> str:
    """sha256 over the tables' names and bytes."""
    digest = hashlib.sha256()
    for name in TABLES:
        digest.update(name.encode() + b"\0")
        digest.update(_table(name).read_bytes())
    return digest.hexdigest()


@cache
def machine_row(cloud: str, item: str, region: str, market: Market) -> Row | None:
    """The price of a machine; `item` and `region` in lower case, `market` on-demand or spot. What
    costs the same everywhere stands under EVERYWHERE."""
    for place in (region, EVERYWHERE):
        for _, _, row in _machine_rows(cloud, item, f",{place},{market.replace('-', '_')},"):
            return row
    return None


def all_machine_rows() -> Iterator[tuple[str, str, str, Row]]:
    """Every price of a machine: cloud, type, region."""
    for name in ("gpu_prices.csv", "cpu_prices.csv"):
        for cloud, item, region, _, usd, source, as_of in _cells(name):
            yield cloud, item, region, Row(Decimal(usd), "hour", source, as_of)


@cache
def machine_regions(cloud: str) -> frozenset[str]:
    """The regions in which any machine of a cloud has a price."""
    return frozenset(
        line.split(",", 3)[2]
        for name in ("gpu_prices.csv", "cpu_prices.csv")
        for line in _table(name).read_text(encoding="utf-8").splitlines()
        if line.startswith(f"{cloud},")
    ) - {EVERYWHERE}


def machine_rows(cloud: str, item: str) -> Iterator[tuple[str, Market, Row]]:
    """All prices of a machine, with their region and market."""
    return _machine_rows(cloud, item, ",")


def _machine_rows(cloud: str, item: str, having: str) -> Iterator[tuple[str, Market, Row]]:
    for name in ("gpu_prices.csv", "cpu_prices.csv"):
        lines = [line for line in _machine_lines(name, cloud).get(item, ()) if having in line]
        for _, _, region, option, usd, source, as_of in csv.reader(lines):
            yield (
                region,
                Market(option.replace("_", "-")),
                Row(Decimal(usd), "hour", source, as_of),
            )


@cache
def _machine_lines(name: str, cloud: str) -> Mapping[str, list[str]]:
    # Lines are kept as they are and taken apart when asked for: a run needs a few of thousands.
    lines: dict[str, list[str]] = {}
    for line in _table(name).read_text(encoding="utf-8").splitlines():
        of_cloud, item, _ = line.split(",", 2)
        if of_cloud == cloud:
            lines.setdefault(item.lower(), []).append(line)
    return lines


@cache
def residual_rows(*, named: bool = False) -> Mapping[tuple[str, str, str], Row]:
    """What bills without a GPU, by cloud, lower-case item (as it is `named` otherwise) and
    region."""
    return {
        (cloud, item if named else item.lower(), region): Row(Decimal(usd), unit, source, as_of)
        for cloud, item, region, usd, unit, source, as_of in _cells("residual_prices.csv")
    }


@cache
def managed_rows(provider: str) -> tuple[ManagedRow, ...]:
    """What one managed service sells, as listed."""
    return tuple(
        ManagedRow(provider, product, gpu, Decimal(usd), billing, source, as_of, note)
        for _, product, gpu, usd, _, billing, source, as_of, note in _cells(
            "managed_prices.csv", provider
        )
    )


@cache
def sagemaker_row(instance_type: str, region: str) -> Row | None:
    """The price of a SageMaker instance (`g5.xlarge`); None where the snapshot has none."""
    for row in managed_rows(SAGEMAKER):
        if row.gpu == f"ml.{instance_type}" and row.product == region:
            return Row(row.usd, "hour", row.source, row.as_of)
    return None


@cache
def token_rows() -> tuple[TokenRow, ...]:
    """The serverless models, as listed."""
    return tuple(
        TokenRow(provider, model, Decimal(usd_in), Decimal(usd_out), source, as_of, note)
        for provider, model, usd_in, _, usd_out, source, as_of, note in _cells("token_prices.csv")
    )


def _cells(name: str, first: str = "") -> Iterator[list[str]]:
    """The rows of a table without its head, of those only the ones whose first cell is `first`."""
    lines = _table(name).read_text(encoding="utf-8").splitlines()[1:]
    return csv.reader([line for line in lines if line.startswith(first + ",")] if first else lines)


def _table(name: str) -> Path:
    return Path(__file__).parent / "snapshot" / name
