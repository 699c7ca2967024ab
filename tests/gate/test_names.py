"""The names in settings are those of the code that uses them."""

from __future__ import annotations

import re
from pathlib import Path

import zerofloor
from zerofloor.gate.names import CLOUDS

NOT_PLACED = frozenset({"", "kubernetes"})
"""What is no cloud with regions."""


def test_each_platforms_cloud_can_have_a_region_in_the_settings() -> None:
    platforms = Path(zerofloor.__file__).parent / "platforms"
    texts = [path.read_text() for path in sorted(platforms.rglob("*.py"))]
    named = {
        name
        for text in texts
        for name in re.findall(r'(?:CLOUD(?:: Final)? = |\bcloud=)"([a-z0-9-]*)"', text)
    }
    assert len(named) > 20
    assert named - NOT_PLACED <= CLOUDS
