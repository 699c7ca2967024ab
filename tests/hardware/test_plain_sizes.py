"""Cores and memory by a name, against what the vendors' pages list."""

from __future__ import annotations

from decimal import Decimal

import pytest

from zerofloor.hardware.plain_sizes import aws_size, azure_size

# EC2 user guide, "Instance type specifications".
EC2: dict[str, tuple[float, float]] = {
    "m5.large": (2, 8),
    "m5.24xlarge": (96, 384),
    "m7g.medium": (1, 4),
    "c7i.xlarge": (4, 8),
    "c6gd.16xlarge": (64, 128),
    "r6i.32xlarge": (128, 1024),
    "r7iz.2xlarge": (8, 64),
    "m8gb.48xlarge": (192, 768),
    "t3.nano": (2, 0.5),
    "t3.medium": (2, 4),
    "t4g.2xlarge": (8, 32),
}
# Azure docs, "Sizes for virtual machines".
AZURE: dict[str, tuple[float, float]] = {
    "Standard_D2s_v3": (2, 8),
    "Standard_D8as_v5": (8, 32),
    "Standard_D4lds_v5": (4, 8),
    "Standard_E16-4ads_v5": (4, 128),
    "Standard_E4ds_v4": (4, 32),
    "Standard_F8s_v2": (8, 16),
}


@pytest.mark.parametrize("name", EC2)
def test_an_ec2_size_has_what_its_name_gives(name: str) -> None:
    assert aws_size(name) == tuple(map(Decimal, EC2[name]))


@pytest.mark.parametrize("name", AZURE)
def test_an_azure_size_has_what_its_name_gives(name: str) -> None:
    assert azure_size(name) == tuple(map(Decimal, AZURE[name]))


@pytest.mark.parametrize("name", ["m5.metal", "u-6tb1.metal", "x"])
def test_an_ec2_size_that_the_name_does_not_give_is_not_known(name: str) -> None:
    assert aws_size(name) == (None, None)


@pytest.mark.parametrize("name", ["c5n.large", "c6in.large", "m4.large", "i3.large", "x2gd.large"])
def test_the_memory_of_other_ec2_families_is_not_known(name: str) -> None:
    assert aws_size(name) == (Decimal(2), None)


@pytest.mark.parametrize("name", ["Standard_DS2_v2", "Standard_D3_v2", "Standard_B2ms", "Basic_A1"])
def test_an_azure_size_whose_number_counts_no_vcpus_is_not_known(name: str) -> None:
    assert azure_size(name) == (None, None)
