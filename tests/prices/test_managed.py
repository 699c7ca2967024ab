"""Managed services name their GPUs in their own ways: which of their offers is meant."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from zerofloor.prices.embedded import managed_rows
from zerofloor.prices.managed import PROVIDERS, offers


@pytest.mark.parametrize(
    ("provider", "gpu", "gpus", "product", "expected"),
    [
        ("fireworks", "H100 80GB", 1, None, ["7"]),
        ("fireworks", "NVIDIA_H100_80GB", 1, None, ["7"]),
        ("fireworks", "NVIDIA_A100_80GB", 1, None, ["3.89"]),
        ("fireworks", "NVIDIA_A100_40GB", 1, None, []),
        ("runpod", "AMPERE_24", 1, "serverless", ["0.684"]),
        ("runpod", "ADA_80_PRO", 1, "serverless", ["4.176"]),
        ("runpod", "NVIDIA GeForce RTX 4090", 1, "pods secure", ["0.74"]),
        ("runpod", "NVIDIA A100-SXM4-80GB", 1, "pods secure cloud", ["1.79"]),
        ("runpod", "NVIDIA A100 80GB PCIe", 1, "pods community", ["1.19"]),
        ("runpod", "NVIDIA H100 80GB HBM3", 1, "pods secure", ["3.49", "3.99"]),
        ("runpod", "NVIDIA L40", 1, "pods", []),
        ("runpod", "L40", 1, "serverless", ["1.908"]),
        ("modal", "A100-80GB", 1, None, ["2.4984"]),
        ("modal", "A100-40GB", 1, None, ["2.0988"]),
        ("modal", "L4", 1, None, ["0.7992"]),
        ("lambda", "H100 SXM", 8, None, ["3.99"]),
        ("lambda", "H100 SXM", 1, None, ["4.29"]),
        ("lambda", "H100 SXM", 2, None, []),
        ("huggingface", "L40S", 4, "aws", ["2.075"]),
        ("huggingface", "L4", 1, "gcp", ["0.7"]),
        (
            "together",
            "NVIDIA H100 80GB",
            1,
            None,
            ["3.99"],
        ),  # its average of other people's lists does not count beside it
        ("coreweave", "H200", 8, None, ["6.305"]),  # there is only an average
        ("coreweave", "NVIDIA H100 80GB", 8, None, ["6.155"]),  # its spot nodes can be taken away
        ("runpod", "", 1, None, []),
        ("nowhere", "H100", 1, None, []),
    ],
)
def test_what_is_meant(
    provider: str, gpu: str, gpus: int, product: str | None, expected: list[str]
) -> None:
    assert [row.usd for row in offers(provider, gpu, D(gpus), product)] == [
        D(usd) for usd in expected
    ]


def test_every_offer_is_found_by_its_own_name() -> None:
    for provider in PROVIDERS:
        for row in managed_rows(provider):
            found = offers(provider, row.gpu, None, None)
            assert row in found or row.product.startswith(("average", "spot")), row
