"""The book that a run uses: the snapshot, under the user's own prices where the settings name a
file."""

from __future__ import annotations

from pathlib import Path

from zerofloor.prices.book import PriceBook, Table, open_book
from zerofloor.settings import Settings


def open_for(
    settings: Settings, folder: Path, live: Table | None = None, live_as_of: str = ""
) -> PriceBook:
    """The prices for a run with these settings; a relative `prices` is looked for in `folder` (that
    of zerofloor.yaml).

    `live` are prices that were fetched for this run (`update.cached`, `update.update`), with their
    day. Raises InputError where
    the user's file can't be read or has two prices for one thing.
    """
    overrides: Table = {}
    if settings.prices is not None:
        # pydantic and YAML are only needed by those who have prices of their own.
        from zerofloor.prices.override import load

        overrides = load(folder / settings.prices)
    return open_book(overrides, live, live_as_of)
