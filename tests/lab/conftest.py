from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.harness.lab import WITH_HTTP, Lab, cannot_run, running_lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A running control plane. Where it can't run the test is skipped with the reason; in CI it
    fails."""
    require_lab()
    with running_lab(WITH_HTTP) as running:
        yield running


def require_lab() -> None:
    """Skips where the lab can't run; fails there in CI or with ZEROFLOOR_REQUIRE_LAB=1."""
    if reason := cannot_run():
        if os.environ.get("CI") == "true" or os.environ.get("ZEROFLOOR_REQUIRE_LAB") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
