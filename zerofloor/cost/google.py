"""What a Google node costs: machines, cards beside N1 machines, TPU chips, Cloud Run instances."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from zerofloor.capacity import Market
from zerofloor.hardware.instances import Shape
from zerofloor.money import Money
from zerofloor.prices.book import HOUR, Key, Missing, Price, PriceBook
from zerofloor.prices.embedded import LIST_REGION, ManagedRow, managed_rows
from zerofloor.structs import Value
from zerofloor.words import number

if TYPE_CHECKING:
    from zerofloor.floor.result import Supply

_FEES: Final = {
    "vertex-ai": "Vertex AI's own fee",
    "notebooks": "the notebook service's fee",
    "dataproc": "Dataproc's fee for each vCPU",
}
"""Services that charge something on top of the machine: no source has it, so that the machine's
price is a lower bound."""
_RUN: Final = {
    "cloud-run": "zonal redundancy on",
    "cloud-run-without-zonal-redundancy": "zonal redundancy off",
}
_SAID: Final = {
    "cloud-run": "with zonal redundancy",
    "cloud-run-without-zonal-redundancy": "without zonal redundancy",
}
_INSTANCE: Final = re.compile(r"cloud run (\S+) with ([\d.]+) vcpu and ([\d.]+) gib")
_VCPU: Final = "Cloud Run vCPU, instance-based billing"
_MEMORY: Final = "Cloud Run memory, instance-based billing"


class Part(Value, frozen=True, kw_only=True):
    """One thing that a node is billed for."""

    what: str
    price: Price
    """For one node and hour."""


class Priced(Value, frozen=True, kw_only=True):
    """The price of a node with what it is made of."""

    price: Price
    note: str = ""
    parts: tuple[Part, ...] = ()
    """Empty where it is sold as one."""


def price_node(shape: Shape, supply: Supply, region: str, book: PriceBook) -> Priced | Missing:
    """What one node costs an hour; `Missing` where its accelerators have no price."""
    service = supply.price_as or ""
    own = book.find(_key(shape.instance_type, region, supply.market, service, supply.os))
    if not isinstance(own, Missing) and (not shape.card or _is_tpu(shape)):
        return Priced(price=own)
    if service in _RUN:
        return _instance(shape, service, region, book) or _whole(own)
    if service and service not in _FEES:
        return _whole(own)
    plain = _plain(shape, supply, region, book)
    if isinstance(plain, Missing) or not service:
        return plain
    fee = f"{_FEES[service]} left out, which has no price: a lower bound"
    return Priced(price=plain.price, note=", ".join(filter(None, (plain.note, fee))))


def _whole(price: Price | Missing) -> Priced | Missing:
    return price if isinstance(price, Missing) else Priced(price=price)


def _is_tpu(shape: Shape) -> bool:
    return shape.accelerator.startswith("Google TPU")


def _key(item: str, region: str, market: Market, service: str = "", os: str = "linux") -> Key:
    return Key("gcp", item, region, market, service, os)


def _plain(shape: Shape, supply: Supply, region: str, book: PriceBook) -> Priced | Missing:
    machine = book.find(_key(shape.instance_type, region, supply.market, os=supply.os))
    if shape.card and not _is_tpu(shape):
        return _with_cards(shape, supply.market, region, book, machine)
    if not isinstance(machine, Missing):
        return Priced(price=machine)
    if shape.gpus and _is_tpu(shape):
        chip = f"tpu-{shape.accelerator.rsplit(' ', 1)[-1].lower()}-chip"
        found = book.find(_key(chip, region, supply.market))
        if not isinstance(found, Missing):
            return Priced(
                price=_times(found, shape.gpus), note=f"by the chip ({_dollars(found.money)} each)"
            )
    return machine


def _with_cards(
    shape: Shape, market: Market, region: str, book: PriceBook, machine: Price | Missing
) -> Priced | Missing:
    """The cards and the machine that carries them: both bill while the machine runs."""
    card = book.find(_key(shape.card, region, market))
    if isinstance(card, Missing) or not shape.gpus:
        return card if isinstance(card, Missing) else _whole(machine)
    cards = _times(card, shape.gpus)
    named = f"{number(shape.gpus)} {shape.card}"
    if isinstance(machine, Missing):
        note = f"{shape.instance_type} itself has no {market} price: a lower bound"
        return Priced(price=cards, note=note)
    total = Price(
        cards.key,
        Money(cards.money.amount + machine.money.amount, cards.money.currency),
        HOUR,
        cards.source if cards.source == machine.source else f"{cards.source}; {machine.source}",
        min(cards.as_of, machine.as_of),
        cards.origin,
    )
    parts = (
        Part(what=named, price=cards),
        Part(what=f"{shape.instance_type} with {named}, the machine alone", price=machine),
    )
    return Priced(price=total, note=f"with {named}", parts=parts)


def _times(price: Price, units: Decimal) -> Price:
    money = Money(price.money.amount * units, price.money.currency)
    return Price(price.key, money, price.unit, price.source, price.as_of, price.origin)


def _dollars(money: Money) -> str:
    return f"{money.amount.normalize():f} {money.currency}/h"


# Cloud Run


def _instance(shape: Shape, service: str, region: str, book: PriceBook) -> Priced | None:
    """An instance with a GPU by its three meters; the snapshot has those of the list's region."""
    match = _INSTANCE.fullmatch(shape.instance_type.lower())
    row = _meter(shape.accelerator, _RUN[service])
    vcpu = book.find(Key("gcp", _VCPU, region))
    memory = book.find(Key("gcp", _MEMORY, region))
    if match is None or row is None or isinstance(vcpu, Missing) or isinstance(memory, Missing):
        return None
    if region.lower() != LIST_REGION["gcp"] or book.currency != "USD":
        return None
    key = _key(shape.instance_type, region, Market.ON_DEMAND, service)
    gpu = Price(key, Money(row.usd), HOUR, row.source, row.as_of, "snapshot")
    rest = Decimal(match[2]) * vcpu.money.amount + Decimal(match[3]) * memory.money.amount
    beside = Price(key, Money(rest * 3600), HOUR, vcpu.source, vcpu.as_of, vcpu.origin)
    total = Price(
        key,
        Money(gpu.money.amount + beside.money.amount),
        HOUR,
        row.source,
        min(row.as_of, vcpu.as_of),
        "snapshot",
    )
    parts = (
        Part(what=f"GPU of a Cloud Run instance {_SAID[service]}", price=gpu),
        Part(what=f"{match[2]} vCPU and {match[3]} GiB of a Cloud Run instance", price=beside),
    )
    return Priced(price=total, note=_SAID[service], parts=parts)


def _meter(accelerator: str, redundancy: str) -> ManagedRow | None:
    name = accelerator.removeprefix("NVIDIA ")
    for row in managed_rows("google"):
        if row.product.startswith(f"cloud run GPU, {redundancy}") and row.gpu == name:
            return row
    return None
