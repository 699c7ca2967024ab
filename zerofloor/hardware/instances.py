"""Instance types: how many accelerators a node has, from the snapshot's tables and the cloud's
naming scheme."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from zerofloor.hardware import google
from zerofloor.hardware.naming import has_scheme, read_name
from zerofloor.hardware.plain_sizes import aws_size, azure_size
from zerofloor.structs import Value


class Shape(Value, frozen=True):
    """One kind of node."""

    cloud: str
    instance_type: str
    gpus: Decimal | None
    """Accelerators per node: 0 for a CPU type, a fraction for a part of one, None for an
    accelerated type whose count no page gives."""
    accelerator: str = ""
    """The accelerator's name; empty for a CPU type."""
    vcpus: Decimal | None = None
    memory_gib: Decimal | None = None
    """Memory in GiB; None where the table has none."""
    card: str = ""
    """What the price list calls one of its accelerators where they are sold beside the machine
    (`nvidia-tesla-t4` on an n1-standard-8); empty where they are part of the type."""
    shared: int = 1
    """Pods that one accelerator takes at a time (time-sharing clients, partitions)."""

    @property
    def slots(self) -> Decimal | None:
        """What pods on a node may ask for in all; None where the count isn't known."""
        return None if self.gpus is None else self.gpus * self.shared


def snapshot_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one table of the embedded snapshot."""
    path = Path(__file__).parents[1] / "prices" / "snapshot" / name
    with path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def lookup(
    cloud: str, instance_type: str, hints: Mapping[str, Decimal] | None = None
) -> Shape | None:
    """The shape of an instance type; None where neither table, family nor hint knows it (then
    it can't be called CPU).

    `hints` gives GPUs per node for types that the user knows better (0: no accelerator).
    """
    name = plain_type(cloud, instance_type)
    hinted = hints.get(instance_type, hints.get(name)) if hints else None
    if hinted is None:
        return _known(cloud, name)
    known = _table().get((cloud, name.lower()))
    return Shape(
        cloud, name, hinted, known.accelerator if known else "hinted GPU" if hinted else ""
    )


@lru_cache(maxsize=4096)
def _known(cloud: str, name: str) -> Shape | None:
    known = _table().get((cloud, name.lower()))
    if known is not None:
        return known
    if cloud == "azure" and name.lower().endswith("_promo"):
        # The same machine at another price: Standard_NC6_Promo (Azure retail price list).
        return _known(cloud, name[: -len("_promo")])
    unit = google.unit_of(name) if cloud == "gcp" else None
    if unit is not None:
        return Shape(cloud, name, *unit)
    if has_scheme(cloud):
        named = read_name(cloud, name)
        return None if named is None else Shape(cloud, name, named.gpus, named.accelerator)
    accelerated = _families().get((cloud, family(cloud, name)))
    if accelerated is None and cloud == "azure" and family(cloud, name):
        accelerated = _families().get((cloud, family(cloud, name)[:1]))
    series = google.series_of(family(cloud, name)) if cloud == "gcp" else None
    if accelerated is None and series is not None:
        accelerated = _families().get((cloud, series))
    if accelerated is None:
        return None
    if not accelerated:
        vcpus, memory = _plain_size(cloud, name)
        return Shape(cloud, name, Decimal(0), vcpus=vcpus, memory_gib=memory)
    by_name = google.gpus_of(name) if cloud == "gcp" else None
    if by_name is not None:
        return Shape(cloud, name, by_name, "NVIDIA (by the name of its type)")
    return Shape(
        cloud,
        name,
        _tpu_chips(cloud, name),
        "TPU" if _tpu_chips(cloud, name) else "accelerator of unknown size",
    )


def accelerated_types(cloud: str) -> tuple[Shape, ...]:
    """All accelerated types of the table, sorted by name: what a Karpenter requirement chooses
    among."""
    return tuple(shape for (of, _), shape in sorted(_table().items()) if of == cloud)


def plain_type(cloud: str, instance_type: str) -> str:
    """The machine behind a service's name for it: `ml.g5.xlarge` → `g5.xlarge`; the last part of a
    resource path."""
    if cloud == "aws":
        return instance_type.strip().removeprefix("ml.")
    return instance_type.strip().rsplit("/", 1)[-1]


def family(cloud: str, name: str) -> str:
    """The part of a type's name that tells its family: `g6e.xlarge` → `g`, `Standard_NC6s_v3` →
    `nc`, `a2-highgpu-1g` → `a2`."""
    if cloud == "aws":
        match = re.fullmatch(r"([a-z]+)[\d-][a-z0-9-]*\.[a-z0-9-]+", name)
    elif cloud == "azure":
        match = re.match(r"(?:standard|basic)_([a-z]+)\d", name.lower())
    else:
        match = re.match(r"([a-z0-9]+)-", name)
    return match[1] if match else ""


def _tpu_chips(cloud: str, name: str) -> Decimal | None:
    # GKE's TPU machine types end in the chips of one node: ct5lp-hightpu-4t (GKE docs, "TPU
    # types").
    match = (
        re.fullmatch(r"(?:ct|tpu)[0-9a-z]+-[a-z0-9]+-(\d{1,3})t", name) if cloud == "gcp" else None
    )
    return Decimal(match[1]) if match else None


def _plain_size(cloud: str, name: str) -> tuple[Decimal | None, Decimal | None]:
    """vCPUs and GiB of a type without accelerators, as far as its name gives them."""
    match cloud:
        case "aws":
            return aws_size(name)
        case "azure":
            return azure_size(name)
        case "gcp":
            return google.vcpus_of(name), google.memory_of(name)
    return None, None


@cache
def _table() -> Mapping[tuple[str, str], Shape]:
    table: dict[tuple[str, str], Shape] = {}
    for row in snapshot_rows("gpu_instances.csv"):
        table[row["cloud"], row["instance_type"].lower()] = Shape(
            row["cloud"],
            row["instance_type"],
            _accelerators(row),
            row["accelerator_name"],
            _decimal(row["vcpus"]),
            _decimal(row["memory_gib"]),
        )
    return table


@cache
def _families() -> Mapping[tuple[str, str], bool]:
    return {
        (row["cloud"], row["family"]): row["accelerated"] == "yes"
        for row in snapshot_rows("families.csv")
    }


def _accelerators(row: Mapping[str, str]) -> Decimal | None:
    # "NVIDIA A100 80GB (fraction 0.05 of one GPU)": some sources count the part as one.
    part = re.search(r"\(fraction (0\.\d+) of one GPU\)", row["accelerator_name"])
    return Decimal(part[1]) if part else _decimal(row["accelerator_count"])


def _decimal(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None
