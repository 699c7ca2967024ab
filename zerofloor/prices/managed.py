"""Managed GPU services sell by GPU and hour, and name their GPUs in their own ways."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from zerofloor.prices.embedded import ManagedRow, managed_rows

PROVIDERS: Final = frozenset(
    (
        "baseten",
        "coreweave",
        "fireworks",
        "huggingface",
        "hyperstack",
        "lambda",
        "modal",
        "nebius",
        "replicate",
        "runpod",
        "together",
    )
)
"""The services in the managed price table."""

_RUNPOD_POOLS: Final = {
    "AMPERE_16": "A4000/A4500/RTX4000 16GB",
    "AMPERE_24": "L4/A5000/3090 24GB",
    "ADA_24": "4090 24GB",
    "AMPERE_48": "A6000/A40 48GB",
    "ADA_48_PRO": "L40/L40S/6000 Ada 48GB",
    "AMPERE_80": "A100 80GB",
    "ADA_80_PRO": "H100 80GB",
    "HOPPER_141": "H200 141GB",
}
# RunPod's GPU pool ids (docs.runpod.io, "GPU types"), each as the price table names it.


def offers(
    provider: str, gpu: str, gpus: Decimal | None, product: str | None
) -> tuple[ManagedRow, ...]:
    """The rows of a service that sell this GPU on demand, the cheapest first; several where the
    product is open.

    `gpus` is how many one node has (some products have a price of their own for each size);
    `product` is a part of the
    product's name that must be in it (`serverless`, `pods secure`), None: any.
    """
    wanted = _RUNPOD_POOLS.get(gpu.upper(), gpu) if provider == "runpod" else gpu
    found = [
        row
        for row in managed_rows(provider)
        if _same_gpu(row.gpu, wanted)
        and _sold_in(row, gpus)
        and "spot" not in _words(row.product)
        and (product is None or _words(product) <= _words(row.product))
    ]
    listed = [row for row in found if not row.product.startswith("average")]
    return tuple(sorted(listed or found, key=lambda row: (row.usd, row.product, row.gpu)))


def _same_gpu(listed: str, wanted: str) -> bool:
    if listed == wanted:
        return True
    names = _gpu_words(wanted)
    memory = {word for word in names if word.endswith("gb")}
    *models, last = listed.split("/")
    shared = {word for word in _gpu_words(last) if word.endswith("gb")}
    return any(
        words - shared <= names and (not memory or not shared or shared <= memory)
        for words in map(_gpu_words, [*models, last])
    )


def _gpu_words(name: str) -> set[str]:
    plain = re.sub(r"\(\d+ gpu\)|^\d+x |\bhgx\b|nvidia|geforce", " ", name.lower())
    words = set(re.findall(r"[a-z0-9]+", re.sub(r"rtx(?=\d)", "rtx ", plain)))
    # What the vendors call the same board: HBM3 is the memory of the SXM one, SXM4 to 6 are its
    # generations.
    return {"sxm" if re.fullmatch(r"sxm\d|hbm3", word) else word for word in words}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def _sold_in(row: ManagedRow, gpus: Decimal | None) -> bool:
    size = re.search(r"(?:^| )x(\d+)$", row.product) or re.match(r"(\d+)x ", row.gpu)
    return size is None or gpus is None or Decimal(size[1]) == gpus
