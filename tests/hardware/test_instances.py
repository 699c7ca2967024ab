"""Instance types: what carries an accelerator, how many, and what only looks so."""

from __future__ import annotations

from decimal import Decimal

import pytest

from zerofloor.hardware.instances import lookup, plain_type


@pytest.mark.parametrize(
    ("cloud", "name", "gpus"),
    [
        ("aws", "p5.48xlarge", "8"),
        ("aws", "g5.xlarge", "1"),
        ("aws", "g4ad.xlarge", "1"),  # a Radeon Pro V520
        ("aws", "inf2.48xlarge", "12"),
        ("aws", "trn1.32xlarge", "16"),
        ("aws", "ml.g5.12xlarge", "4"),
        ("aws", "g6f.large", "0.125"),  # an eighth of an L4
        ("aws", "t4g.large", "0"),  # Graviton
        ("aws", "m7i.xlarge", "0"),
        ("aws", "i4i.xlarge", "0"),
        ("azure", "Standard_NC24ads_A100_v4", "1"),
        ("azure", "Standard_ND96isr_H100_v5", "8"),
        ("azure", "Standard_D4s_v5", "0"),
        ("gcp", "a3-highgpu-8g", "8"),
        ("gcp", "g2-standard-4", "1"),
        ("gcp", "n2-standard-4", "0"),
        ("gcp", "t2d-standard-4", "0"),  # no variant of a t2
        ("gcp", "n4d-standard-4", "0"),
        ("gcp", "ct5lp-hightpu-4t", "4"),
    ],
)
def test_accelerators(cloud: str, name: str, gpus: str) -> None:
    shape = lookup(cloud, name)
    assert shape is not None
    assert shape.gpus is not None
    assert shape.gpus == Decimal(gpus)


def test_a_new_size_of_an_accelerated_family_is_accelerated_with_an_open_count() -> None:
    shape = lookup("aws", "p9.96xlarge")
    assert shape is not None
    assert shape.gpus is None


@pytest.mark.parametrize(
    ("cloud", "name"),
    [("aws", "zz9.large"), ("aws", "large"), ("aws", ""), ("nowhere", "g5.xlarge")],
)
def test_what_nobody_knows_is_not_called_cpu(cloud: str, name: str) -> None:
    assert lookup(cloud, name) is None


def test_a_hint_knows_better() -> None:
    shape = lookup("aws", "zz9.large", {"zz9.large": Decimal(2)})
    assert shape is not None
    assert shape.gpus == 2
    assert plain_type("aws", "ml.g5.xlarge") == "g5.xlarge"
