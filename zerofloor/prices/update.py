"""The user-side price book: live prices fetched whole, then written at once, in the form of an
override file."""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from zerofloor.capacity import Market
from zerofloor.errors import InputError
from zerofloor.hardware.instances import accelerated_types
from zerofloor.prices import override
from zerofloor.prices.book import SAGEMAKER, Key, Price, Table, normal
from zerofloor.prices.live import Clients, fetch
from zerofloor.prices.price_list import OFFERS

MARKETS: Final[tuple[Market, ...]] = (Market.ON_DEMAND, Market.SPOT)


def default_path(environment: Mapping[str, str]) -> Path:
    """Where the user's book is kept: `zerofloor/prices.json` in `XDG_CACHE_HOME`, else in
    `~/.cache`."""
    base = environment.get("XDG_CACHE_HOME")
    return (
        (Path(base) if base else Path(environment.get("HOME") or "~").expanduser() / ".cache")
        / "zerofloor"
        / "prices.json"
    )


def keys_of_types(
    regions: Iterable[str], types: Iterable[str] = (), markets: Iterable[Market] = MARKETS
) -> tuple[Key, ...]:
    """What to ask for: these AWS types (all accelerated ones where none is named; `ml.…` for
    SageMaker's) in these regions and markets."""
    chosen = tuple(types) or tuple(shape.instance_type for shape in accelerated_types("aws"))
    places = tuple(regions)
    keys = set()
    for one in chosen:
        of_sagemaker = one.startswith("ml.")
        service = SAGEMAKER if of_sagemaker else ""
        for region in places:
            for market in (Market.ON_DEMAND,) if of_sagemaker else markets:
                keys.add(normal(Key("aws", one.removeprefix("ml."), region, market, service)))
    return tuple(sorted(keys))


def keys_of_residuals(regions: Iterable[str]) -> tuple[Key, ...]:
    """What bills beside GPUs and is on AWS' price list: disks, NAT, load balancers, EKS."""
    return tuple(sorted(normal(Key("aws", item, region)) for region in regions for item in OFFERS))


def update(path: Path, keys: Iterable[Key], clients: Clients, now: datetime.datetime) -> Table:
    """Fetch the prices of `keys` and write them to `path`, whose earlier content they replace.
    Returns what is in it now.

    The file is complete or as it was: all is fetched first, then moved into place. Raises
    LiveFailed where AWS can't be asked
    and InputError where the file can't be written.
    """
    found = fetch(keys, clients, now)
    priced = [price for price in found.values() if price is not None]
    data = {
        "currency": "USD",
        "fetched": now.date().isoformat(),
        "prices": [_line(price) for price in sorted(priced, key=lambda price: price.key)],
        "unsold": [
            {"item": k.item, "region": k.region, "market": k.market, "service": k.service}
            for k, price in sorted(found.items())
            if price is None
        ],
    }
    _write(path, json.dumps(data, indent=1) + "\n")
    return {price.key: price for price in priced}


def cached(path: Path, keys: Iterable[Key], today: datetime.date) -> Table | None:
    """The user's book, if it was fetched today and answers for all of `keys`; None: fetch anew.

    Raises InputError where the file is there and can't be decoded.
    """
    if not path.exists():
        return None
    file = override.read(path)
    table = override.table(file, str(path), "live")
    unsold = {
        normal(Key("aws", one.item, one.region, one.market, one.service)) for one in file.unsold
    }
    return (
        table
        if file.fetched == today and all(key in table or key in unsold for key in map(normal, keys))
        else None
    )


def _line(price: Price) -> dict[str, Any]:
    return {
        "cloud": price.key.cloud,
        "item": price.key.item,
        "region": price.key.region,
        "market": price.key.market,
        "service": price.key.service,
        "unit": price.unit,
        "price": str(price.money.amount),
        "source": price.source,
        "asOf": price.as_of,
    }


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            beside = Path(file.name)
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                beside.replace(path)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror or error}") from None
