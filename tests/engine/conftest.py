from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.real_engine import Engine, missing, new_engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """The real engine. Without its binaries the test is skipped, and fails in CI or with
    ZEROFLOOR_REQUIRE_ENGINE=1."""
    require_engine()
    return new_engine(tmp_path / "engine")


def require_engine(*more: str) -> None:
    """Skips where the real engine, or one of these programs beside it, isn't built; fails there in
    CI."""
    if reason := missing(*more):
        if os.environ.get("CI") == "true" or os.environ.get("ZEROFLOOR_REQUIRE_ENGINE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
