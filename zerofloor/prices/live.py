"""Live AWS prices through boto3: the Price List for on-demand, EC2's spot history for spot. Only
on request."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from zerofloor.capacity import Market
from zerofloor.errors import InputError
from zerofloor.extras import how_to_add
from zerofloor.money import Money
from zerofloor.prices import price_list
from zerofloor.prices.book import HOUR, Key, Price
from zerofloor.structs import Value
from zerofloor.words import counted

LEAST_SPOT: Final = Decimal("0.01")
"""No accelerated machine is cheaper an hour: a lower spot price is a placeholder of an emulator."""
OLDEST_SPOT: Final = datetime.timedelta(days=366)
"""A spot price that has not moved for longer than this is not one."""


class LiveFailed(InputError):
    """Live prices could not be fetched; nothing was kept of what came. Stop, or go on with the
    snapshot."""


class Clients(Value, frozen=True):
    """The AWS clients that are asked."""

    pricing: Any
    """A `pricing` client; its service has three regions only (us-east-1, eu-central-1, ap-south-1)
    and knows the prices of all."""
    ec2: Callable[[str], Any]
    """An `ec2` client for a region."""


def boto_clients() -> Clients:
    """Clients with the user's own credentials, region chain and standard retries. LiveFailed where
    boto3 is not installed."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise LiveFailed(f"live prices need boto3: {how_to_add('aws')}") from None
    config = Config(
        retries={"mode": "standard", "max_attempts": 8}, connect_timeout=10, read_timeout=30
    )
    with _clear_errors():
        pricing = boto3.client("pricing", region_name="us-east-1", config=config)
    return Clients(pricing, lambda region: boto3.client("ec2", region_name=region, config=config))


def fetch(
    wanted: Iterable[Key], clients: Clients, now: datetime.datetime
) -> Mapping[Key, Price | None]:
    """The price of each wanted AWS machine, None where AWS sells none such; keys of other clouds or
    services are left out.

    `now` bounds the spot history. Raises LiveFailed with what went wrong (credentials, network,
    throttling, a price list that
    can't be read); then there is no result at all, not half of one.
    """
    found: dict[Key, Price | None] = {}
    for key in sorted(set(wanted)):
        offer = price_list.offer_of(key)
        if offer is not None:
            with _clear_errors():
                found[key] = _of_offer(key, offer, clients.pricing)
            continue
        if (
            key.cloud == "aws"
            and not key.service
            and key.os == "linux"
            and key.market is not Market.RESERVED
        ):
            with _clear_errors():
                found[key] = (
                    _spot(key, clients.ec2(key.region), now)
                    if key.market is Market.SPOT
                    else _on_demand(key, clients.pricing)
                )
    return found


def _of_offer(key: Key, offer: price_list.Offer, pricing: Any) -> Price | None:
    """A price that is no EC2 instance's, by its usage types: all of them together."""
    products = list(_products(key, pricing, offer.service, dict(offer.filters)))
    try:
        return price_list.price_of(key, offer, products)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise LiveFailed(_unreadable(key, str(error) or type(error).__name__)) from None


def _products(
    key: Key, pricing: Any, service: str, wanted: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """The products of a price list, decoded."""
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()
    ]
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode=service,
        Filters=filters,
        FormatVersion="aws_v1",
        PaginationConfig={"PageSize": 100},
    )
    for page in pages:
        listed = page.get("PriceList")
        if not isinstance(listed, list):
            raise LiveFailed(_unreadable(key, "it has no PriceList"))
        for text in listed:
            try:
                product = json.loads(text)
            except (ValueError, TypeError) as error:
                raise LiveFailed(_unreadable(key, type(error).__name__)) from None
            if not isinstance(product, Mapping):
                raise LiveFailed(_unreadable(key, "a product is not an object"))
            yield product


def _on_demand(key: Key, pricing: Any) -> Price | None:
    # Without capacitystatus there are three SKUs a type, without marketoption a Capacity Block's,
    # which is only the OS fee.
    wanted = {
        "regionCode": key.region,
        "instanceType": key.item,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "tenancy": "Shared",
    }
    prices: list[Price] = []
    family = {"productFamily": "Compute Instance"}
    for product in _products(key, pricing, "AmazonEC2", {**wanted, **family}):
        try:
            attributes = product["product"]["attributes"]
            if all(attributes.get(field) == value for field, value in wanted.items()):
                prices.extend(_dimensions(key, product))
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
            raise LiveFailed(_unreadable(key, f"{type(error).__name__}")) from None
    amounts = {price.money.amount for price in prices}
    if len(amounts) > 1:
        raise LiveFailed(_unreadable(key, f"it has {len(amounts)} different prices"))
    return prices[0] if prices else None


def _dimensions(key: Key, product: Mapping[str, Any]) -> Iterator[Price]:
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            amount = Decimal(dimension["pricePerUnit"]["USD"])
            if not amount.is_finite() or amount < 0:
                raise ValueError(dimension["pricePerUnit"])
            # Each SKU has dimensions of $0 beside the real one.
            if amount > 0 and dimension["unit"] == "Hrs":
                source = f"AWS Price List, SKU {product['product']['sku']}"
                yield Price(key, Money(amount), HOUR, source, term["effectiveDate"][:10], "live")


def _spot(key: Key, ec2: Any, now: datetime.datetime) -> Price | None:
    pages = ec2.get_paginator("describe_spot_price_history").paginate(
        InstanceTypes=[key.item],
        ProductDescriptions=["Linux/UNIX", "Linux/UNIX (Amazon VPC)"],
        StartTime=now,
    )
    newest: dict[str, tuple[datetime.datetime, Decimal]] = {}
    for page in pages:
        if not isinstance(page.get("SpotPriceHistory"), list):
            raise LiveFailed(_unreadable(key, "it has no SpotPriceHistory"))
        for entry in page["SpotPriceHistory"]:
            try:
                when, amount, zone = (
                    entry["Timestamp"],
                    Decimal(entry["SpotPrice"]),
                    entry["AvailabilityZone"],
                )
                if not amount.is_finite() or amount < LEAST_SPOT or now - when > OLDEST_SPOT:
                    continue
            except (KeyError, TypeError, InvalidOperation) as error:
                raise LiveFailed(_unreadable(key, type(error).__name__)) from None
            newest[zone] = max(newest.get(zone, (when, amount)), (when, amount))
    if not newest:
        return None
    # The scheduler picks the zone, so the most expensive counts.
    when, amount = max(newest.values(), key=lambda pair: (pair[1], pair[0]))
    source = f"EC2 spot price history, most expensive of {counted(len(newest), 'zone')}"
    return Price(key, Money(amount), HOUR, source, when.date().isoformat(), "live")


def _unreadable(key: Key, why: str) -> str:
    return (
        f"live prices: AWS answered for {key.item} in {key.region} with a price list that "
        f"can't be read ({why}); no price was changed"
    )


_REASONS: Final = {
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"),
        "your AWS credentials have expired: log in again",
    ),
    **dict.fromkeys(
        (
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "AuthFailure",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
        ),
        "AWS does not accept your credentials",
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        (
            "your AWS identity is not allowed to ask: it needs pricing:GetProducts and "
            "ec2:DescribeSpotPriceHistory"
        ),
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"),
        (
            "AWS throttles the requests, also after retries: try again in a minute, or ask for "
            "fewer types"
        ),
    ),
}


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turns what botocore raises into a LiveFailed of one line. AWS' own texts stay out of it: they
    may name keys and accounts."""
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    try:
        yield
    except boto.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "an unknown error"))
        raise LiveFailed(f"live prices: {_REASONS.get(code, f'AWS answered {code}')}") from None
    except (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.ProfileNotFound,
    ):
        raise LiveFailed(
            "live prices: no AWS credentials found: log in, or set AWS_PROFILE"
        ) from None
    except (boto.TokenRetrievalError, boto.SSOError):
        raise LiveFailed("live prices: your AWS credentials have expired: log in again") from None
    except (boto.ConnectionError, boto.HTTPClientError):
        raise LiveFailed(
            "live prices: AWS can't be reached: check the network or the proxy"
        ) from None
    except (boto.BotoCoreError, ResponseParserError) as error:
        raise LiveFailed(f"live prices: {type(error).__name__}") from None
