"""AWS' price list of what is no EC2 instance: disks, NAT gateways, load balancers, EKS, public
addresses, SageMaker's instances. Each is found by its usage type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.money import Money
from zerofloor.prices.book import HOUR, SAGEMAKER, Key, Price
from zerofloor.structs import Value


class Offer(Value, frozen=True, kw_only=True):
    """Where a price is on the list."""

    service: str
    """The service code (`AmazonEC2`)."""
    usage: tuple[str, ...]
    """The usage types without their region's prefix; the price is their sum."""
    filters: tuple[tuple[str, str], ...]
    """What the list is asked for."""
    list_unit: str
    unit: str = HOUR
    """The unit of the price book."""
    divisor: int = 1
    """How many of ours one of the list's units is."""


def _offer(
    service: str, usage: str | tuple[str, ...], family: str, list_unit: str = "Hrs", **more: Any
) -> Offer:
    given = (usage,) if isinstance(usage, str) else usage
    return Offer(
        service=service,
        usage=given,
        filters=(("productFamily", family),),
        list_unit=list_unit,
        **more,
    )


_CLUSTER: Final = "AmazonEKS-Hours:perCluster"

OFFERS: Final[Mapping[str, Offer]] = {
    "ebs gp2 storage": _offer(
        "AmazonEC2", "EBS:VolumeUsage.gp2", "Storage", "GB-Mo", unit="GB-month"
    ),
    "ebs gp3 storage": _offer(
        "AmazonEC2", "EBS:VolumeUsage.gp3", "Storage", "GB-Mo", unit="GB-month"
    ),
    "ebs gp3 provisioned iops": _offer(
        "AmazonEC2", "EBS:VolumeP-IOPS.gp3", "System Operation", "IOPS-Mo", unit="IOPS-month"
    ),
    "ebs gp3 provisioned throughput": _offer(
        "AmazonEC2",
        "EBS:VolumeP-Throughput.gp3",
        "Provisioned Throughput",
        "GiBps-mo",
        unit="MBps-month",
        divisor=1024,
    ),
    "nat gateway": _offer("AmazonEC2", "NatGateway-Hours", "NAT Gateway"),
    "application/network load balancer": _offer(
        "AWSELB", "LoadBalancerUsage", "Load Balancer-Application"
    ),
    "eks control plane standard support": _offer("AmazonEKS", _CLUSTER, "Compute"),
    # Extended support is charged on top of the cluster's own hours.
    "eks control plane extended support": _offer(
        "AmazonEKS", (_CLUSTER, "AmazonEKS-Hours:extendedSupport"), "Compute"
    ),
    "elastic ip (idle)": _offer("AmazonVPC", "PublicIPv4:IdleAddress", "VpcPublicIPv4Address"),
}
"""By the item of the price book, in lower case."""


def offer_of(key: Key) -> Offer | None:
    """Where the price of this is on the list; None for what is no such thing."""
    if key.cloud != "aws":
        return None
    region = (("regionCode", key.region),)
    if key.service == SAGEMAKER:
        name = f"ml.{key.item}"
        return Offer(
            service="AmazonSageMaker",
            usage=(f"Host:{name}",),
            filters=(*region, ("instanceName", name), ("component", "Hosting")),
            list_unit="Hrs",
        )
    found = OFFERS.get(key.item)
    if found is None:
        return None
    filters = (*region, *found.filters)
    return Offer(
        service=found.service,
        usage=found.usage,
        filters=filters,
        list_unit=found.list_unit,
        unit=found.unit,
        divisor=found.divisor,
    )


def price_of(key: Key, offer: Offer, products: Iterable[Mapping[str, Any]]) -> Price | None:
    """The price in the products that the list answered with; None where one of its usage types is
    not on the list.

    ValueError where a usage type has two prices, or a price isn't one.
    """
    listed = list(products)
    parts = [_part(key, offer, usage, listed) for usage in offer.usage]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    amount = sum((amount for amount, _, _ in known), Decimal(0)) / offer.divisor
    skus = ", ".join(sku for _, sku, _ in known)
    as_of = min(day for _, _, day in known)
    source = f"AWS Price List ({offer.service}), SKU {skus}"
    return Price(key, Money(amount), offer.unit, source, as_of, "live")


def _part(
    key: Key, offer: Offer, usage: str, products: Iterable[Mapping[str, Any]]
) -> tuple[Decimal, str, str] | None:
    """Amount, SKU and date of one usage type."""
    # us-east-1 has no prefix, or USE1; the others have theirs (EU, EUC1, APN1).
    pattern = re.compile(rf"(?:[A-Z]+\d*-)?{re.escape(usage)}")
    found: set[tuple[Decimal, str, str]] = set()
    for product in products:
        attributes = product["product"]["attributes"]
        if attributes.get("regionCode") != key.region:
            continue
        if pattern.fullmatch(attributes.get("usagetype", "")):
            found |= set(_first_tier(product, offer))
    if len({amount for amount, _, _ in found}) > 1:
        raise ValueError(f"{usage} has {len(found)} different prices")
    return min(found, default=None)


def _first_tier(product: Mapping[str, Any], offer: Offer) -> Iterator[tuple[Decimal, str, str]]:
    """The price from the first unit on; further tiers are for amounts that no single stack has."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"].lower() != offer.list_unit.lower():
                continue
            if dimension.get("beginRange", "0") != "0":
                continue
            amount = Decimal(dimension["pricePerUnit"]["USD"])
            if not amount.is_finite() or amount < 0:
                raise ValueError("a price is not an amount")
            if amount > 0:
                yield amount, product["product"]["sku"], term["effectiveDate"][:10]
