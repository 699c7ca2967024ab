"""Google's names for accelerators: cards, TPU slices by cores and by chips, topologies, and the sizes in type names."""

from __future__ import annotations

from decimal import Decimal

import pytest

from zerofloor.hardware.google import card_of, memory_of, slice_chips, topology_chips, vcpus_of
from zerofloor.hardware.instances import lookup


@pytest.mark.parametrize(
    ("instance_type", "gpus"),
    [
        ("g2-standard-24", 2),  # not monotone: 24 has two,
        ("g2-standard-32", 1),  # 32 has one
        ("g2-standard-96", 8),
        ("a2-megagpu-16g", 16),
        ("a3-highgpu-8g", 8),
        ("a4x-highgpu-4g", 4),
        ("g4-standard-6", "0.125"),
        ("a3-highgpu-16g-nolssd", 16),  # no table has it: by its name
        ("ct5lp-hightpu-4t", 4),
        ("ct6e-standard-8t", 8),
        ("n1-standard-8", 0),
        ("custom-6-20480", 0),
        ("projects/p/zones/us-central1-a/machineTypes/g2-standard-48", 4),
    ],
)
def test_gpus_of_a_machine(instance_type: str, gpus: object) -> None:
    shape = lookup("gcp", instance_type)
    assert shape is not None
    assert shape.gpus == Decimal(str(gpus))


@pytest.mark.parametrize(
    ("name", "chips"),
    [("v2-8", 4), ("v3-8", 4), ("v4-32", 16), ("v5p-8", 4), ("v5litepod-8", 8), ("v6e-1", 1)],
)
def test_chips_of_a_slice(name: str, chips: int) -> None:
    """v2 to v5p count cores, two a chip; v5litepod and v6e count chips."""
    found = slice_chips(name)
    assert found is not None
    assert found[0] == chips


def test_what_is_no_slice_has_no_chips() -> None:
    assert [slice_chips(name) for name in ("v1-8", "v3-7", "v2-4", "e2-8", "v5litepod")] == [
        None
    ] * 5


def test_topologies() -> None:
    assert topology_chips("2x2x4") == 16
    assert topology_chips("4x4") == 16
    assert topology_chips("16") is None


def test_cards_by_any_spelling() -> None:
    spellings = (
        "nvidia-tesla-t4",
        "nvidia-tesla-t4-vws",
        "NVIDIA_TESLA_T4",
        "projects/p/zones/z/acceleratorTypes/nvidia-tesla-t4",
    )
    assert {card_of(name) for name in spellings} == {"NVIDIA T4"}


def test_sizes_in_names() -> None:
    names = ("n1-standard-8", "n1-custom-6-20480", "e2-medium")
    assert [vcpus_of(name) for name in names] == [8, 6, 2]
    assert [memory_of(name) for name in names] == [30, 20, None]
