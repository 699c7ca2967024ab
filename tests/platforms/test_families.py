"""A family is imported only where an estate has its types: the beginnings must cover them all."""

from __future__ import annotations

import re
from pathlib import Path

from tests.platforms.stacks import TODAY, every_stack
from zerofloor import platforms
from zerofloor.estate import estate
from zerofloor.settings import Settings

ROOT = Path(__file__).parents[2]
TOKEN = re.compile(r"\b[a-z][a-z0-9-]*:[A-Za-z0-9./_-]+:[A-Za-z][A-Za-z0-9]*")


def test_every_type_that_a_family_reads_begins_as_the_family_says() -> None:
    tokens = {
        token
        for folder in (ROOT / "tests", ROOT / "zerofloor" / "platforms")
        for suffix in ("yaml", "json", "py")
        for path in folder.rglob(f"*.{suffix}")
        for token in TOKEN.findall(path.read_text(encoding="utf-8", errors="replace"))
    }
    assert len(tokens) > 300
    for (module, beginnings), family in zip(
        platforms.FAMILIES.items(), platforms.families(), strict=True
    ):
        outside = [
            token
            for token in tokens
            if not token.startswith(beginnings)
            and any(one.reads(token) or one.holds_nothing(token) for one in family)
        ]
        assert outside == [], module


def test_what_a_reader_finds_is_of_a_type_that_some_platform_reads() -> None:
    # The pack asks no further about a resource whose type nobody reads.
    for name, stack in every_stack().items():
        whole = estate(stack.parts, Settings(), TODAY)
        capacity = platforms.read(whole)
        urns = {*(pool.urn for pool in capacity.pools), *(w.urn for w in capacity.workloads)}
        assert [urn for urn in urns if not platforms.is_read(whole.by_urn[urn].type)] == [], name
