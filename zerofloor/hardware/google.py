"""How Google names accelerators: cards that are added to a machine, TPU slices and topologies."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from math import prod
from typing import Final

from zerofloor.patterns import lazy

CARDS: Final = {
    "nvidia-tesla-t4": "NVIDIA T4",
    "nvidia-tesla-p4": "NVIDIA P4",
    "nvidia-tesla-p100": "NVIDIA P100",
    "nvidia-tesla-v100": "NVIDIA V100",
    "nvidia-tesla-k80": "NVIDIA K80",
    "nvidia-tesla-a100": "NVIDIA A100 40GB",
    "nvidia-a100-80gb": "NVIDIA A100 80GB",
    "nvidia-l4": "NVIDIA L4",
    "nvidia-h100-80gb": "NVIDIA H100 80GB",
    "nvidia-h100-mega-80gb": "NVIDIA H100 80GB (mega)",
    "nvidia-h200-141gb": "NVIDIA H200 141GB",
    "nvidia-b200": "NVIDIA B200",
    "nvidia-gb200": "NVIDIA GB200",
    "nvidia-gb300": "NVIDIA GB300",
    "nvidia-rtx-pro-6000": "NVIDIA RTX PRO 6000",
}
"""Compute Engine's accelerator types (Compute Engine docs, "GPU platforms"), with the names that
the instance table has."""

_PRICED_BY_CARD: Final = lazy(r"nvidia-tesla-(?:t4|p4|p100|v100)|tpu-v\w+-chip")

_SLICE: Final = lazy(r"(v2|v3|v4|v5p|tpu7x|v5litepod|v6e)-(\d{1,5})")
_BY_CORE: Final = frozenset({"v2", "v3", "v4", "v5p", "tpu7x"})
"""Generations whose slices are named by TensorCores, two a chip; the others count chips (Cloud TPU
docs, "TPU configurations"; XPK's system characteristics)."""
_GENERATION: Final = {"v5litepod": "v5e", "tpu7x": "7x"}


def card_of(accelerator: str) -> str:
    """The name of a card in the table's words, also of `nvidia-tesla-t4-vws` and
    `NVIDIA_TESLA_T4`."""
    name = accelerator.strip().rsplit("/", 1)[-1].lower().replace("_", "-").removesuffix("-vws")
    if name in CARDS:
        return CARDS[name]
    if name.startswith("tpu-"):
        return f"Google TPU {name.removeprefix('tpu-').split('-')[0]}"
    plain = name.removeprefix("nvidia-").replace("-", " ").upper()
    return f"NVIDIA {plain}" if name.startswith("nvidia-") else accelerator


@lru_cache(maxsize=1024)
def slice_chips(name: str) -> tuple[Decimal, str] | None:
    """Chips and name of a TPU slice: `v5litepod-8` has 8 chips, `v3-8` has 4; None for another
    name."""
    match = _SLICE.fullmatch(name.lower())
    if match is None or int(match[2]) < 1:
        return None
    generation, number = match[1], int(match[2])
    if generation in _BY_CORE:
        # Two cores a chip, and a board has four chips: the smallest slice is 8 cores.
        return (Decimal(number) / 2, _tpu(generation)) if number >= 8 and not number % 8 else None
    return Decimal(number), _tpu(generation)


def topology_chips(topology: str) -> Decimal | None:
    """Chips of a topology: 2x2x4 has 16 (Cloud TPU docs, "Topologies"); None where it is none."""
    if not re.fullmatch(r"\d{1,3}(?:x\d{1,3}){1,2}", topology.strip().lower()):
        return None
    return Decimal(prod(int(side) for side in topology.strip().lower().split("x")))


def unit_of(name: str) -> tuple[Decimal, str] | None:
    """What the price list sells one by one: a card, a chip, a slice; None for a machine."""
    found = name.lower()
    if _PRICED_BY_CARD.fullmatch(found):
        return Decimal(1), card_of(found)
    return slice_chips(found)


def _tpu(generation: str) -> str:
    return f"Google TPU {_GENERATION.get(generation, generation)}"


def gpus_of(name: str) -> Decimal | None:
    """GPUs of an accelerator-optimized type that no table has, by its name: a3-highgpu-2g has two
    (Compute Engine docs, "Accelerator-optimized machine family")."""
    match = re.fullmatch(r"a\dx?-[a-z]+gpu-(\d{1,2})g(?:-\w+)*", name)
    return Decimal(match[1]) if match else None


def series_of(family: str) -> str | None:
    """The series of which a family is the AMD or the Arm variant: `n4` of `n4d` and `n4a`
    (Compute Engine docs, "Machine families resource and comparison guide", processor type); None
    for the series itself."""
    match = re.fullmatch(r"([cehmntxz]\d{1,2})[ad]", family)
    return match[1] if match else None


_SHARED: Final = {"f1-micro": 1, "g1-small": 1, "e2-micro": 2, "e2-small": 2, "e2-medium": 2}
_GIB_PER_VCPU: Final = {
    ("n1", "standard"): Decimal("3.75"),
    ("n1", "highmem"): Decimal("6.5"),
    ("n1", "highcpu"): Decimal("0.9"),
    **{(family, "standard"): Decimal(4) for family in ("e2", "n2", "n2d", "n4", "c2", "t2d")},
    **{(family, "highmem"): Decimal(8) for family in ("e2", "n2", "n2d", "n4")},
    **{(family, "highcpu"): Decimal(1) for family in ("e2", "n2", "n2d")},
}
"""Memory by family and ratio (Compute Engine docs, "General-purpose machine family")."""
_CUSTOM: Final = lazy(r"(?:[a-z]\d[a-z]?-)?custom-(\d{1,3})-(\d{3,7})(?:-ext)?")


def vcpus_of(name: str) -> Decimal | None:
    """vCPUs of a type without accelerators, by its name; None where the name has no number."""
    if name in _SHARED:
        return Decimal(_SHARED[name])
    custom = _CUSTOM.fullmatch(name)
    number = custom or re.fullmatch(r"[a-z]\d[a-z]?-[a-z]+-(\d{1,4})(?:-\w+)*", name)
    return Decimal(number[1]) if number else None


def memory_of(name: str) -> Decimal | None:
    """GiB of a type without accelerators; None where the ratio of its family isn't listed."""
    custom = _CUSTOM.fullmatch(name)
    if custom:
        return Decimal(custom[2]) / 1024
    parts = name.split("-")
    each = _GIB_PER_VCPU.get((parts[0], parts[1])) if len(parts) == 3 else None
    vcpus = vcpus_of(name)
    return None if each is None or vcpus is None else each * vcpus
