"""Values as people see them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from zerofloor.stack import SECRET, UNKNOWN
from zerofloor.words import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UNKNOWN, "not known yet"),
        (SECRET, "secret"),
        (None, "not set"),
        ("g5.xlarge", "g5.xlarge"),
        ("", '""'),
        (" a", '" a"'),
        (True, "true"),
        (0, "0"),
        (Decimal("0.50"), "0.5"),
        (["a", UNKNOWN], '["a", "not known yet"]'),
        ({"a": SECRET}, '{"a": "secret"}'),
        # 80 characters are shown, and of more the first 79.
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        (["y" * 100], '["' + "y" * 77 + "…"),
    ],
)
def test_a_value_is_shown_in_a_few_characters(value: Any, text: str) -> None:
    assert shown(value) == text
