"""Cores and memory of AWS and Azure types without accelerators, by their names. A size that the
name doesn't give is None; where makers differ the larger one counts."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SMALL: Final = {"nano": 2, "micro": 2, "small": 2, "medium": 1, "large": 2, "xlarge": 4}
_BURSTABLE: Final = {
    "nano": ("2", "0.5"),
    "micro": ("2", "1"),
    "small": ("2", "2"),
    "medium": ("2", "4"),
    "large": ("2", "8"),
    "xlarge": ("4", "16"),
    "2xlarge": ("8", "32"),
}
"""vCPUs and GiB of T types (EC2, "Burstable performance instances")."""
_GIB_PER_VCPU: Final = {"c": Decimal(2), "m": Decimal(4), "r": Decimal(8)}
"""From the fifth generation on (EC2, "Instance type specifications")."""


def aws_size(name: str) -> tuple[Decimal | None, Decimal | None]:
    """vCPUs and GiB of an EC2 type: large has 2 vCPUs, xlarge 4, Nxlarge N times 4."""
    family, _, size = name.rpartition(".")
    if re.fullmatch(r"t[2-9][a-z]*", family) and size in _BURSTABLE:
        vcpus, gib = _BURSTABLE[size]
        return Decimal(vcpus), Decimal(gib)
    many = re.fullmatch(r"(\d{1,3})xlarge", size)
    number = 4 * int(many[1]) if many else _SMALL.get(size)
    if number is None:
        return None, None
    # c5n and c6gn differ: network-optimized C types have up to 2.625 GiB per vCPU.
    split = re.fullmatch(r"([cmr])(?:[5-9]|\d\d)([a-z]*)", family)
    if split is None or (split[1] == "c" and "n" in split[2]):
        return Decimal(number), None
    return Decimal(number), number * _GIB_PER_VCPU[split[1]]


_AZURE: Final = re.compile(
    r"standard_(?P<family>[def])(?P<vcpus>\d{1,3})(?:-(?P<usable>\d{1,3}))?(?P<features>[a-z]*)"
    r"_v(?P<version>\d{1,2})"
)


def azure_size(name: str) -> tuple[Decimal | None, Decimal | None]:
    """vCPUs and GiB of a D, E or F size (Azure docs, "Dsv5-series" and its neighbours). Up to v2
    the number of a D size doesn't count its vCPUs."""
    match = _AZURE.fullmatch(name.lower())
    if match is None or "i" in match["features"]:
        return None, None
    family, version = match["family"], int(match["version"])
    if version < 3 and family != "f":
        return None, None
    vcpus = Decimal(match["vcpus"])
    each = {"d": Decimal(4), "e": Decimal(8), "f": Decimal(2) if version == 2 else Decimal(8)}
    memory = vcpus * (Decimal(2) if "l" in match["features"] else each[family])
    return Decimal(match["usable"] or match["vcpus"]), memory
