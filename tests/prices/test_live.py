"""Live AWS prices: what botocore's stubs and a local server answer, and a clear line for each way
it can fail."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import ANY, Stubber

from zerofloor.capacity import Market
from zerofloor.errors import InputError
from zerofloor.prices import update as book_file
from zerofloor.prices.book import Key, Price, Table, open_book
from zerofloor.prices.live import Clients, LiveFailed, fetch

NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
TODAY = NOW.date()
ON_DEMAND = Key("aws", "p5.48xlarge", "us-east-1")
SPOT = Key("aws", "p5.48xlarge", "us-east-1", Market.SPOT)
ATTRIBUTES = {
    "regionCode": "us-east-1",
    "instanceType": "p5.48xlarge",
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
    "tenancy": "Shared",
}


def product(*dollars: str, unit: str = "Hrs", **attributes: str) -> str:
    """A product as the Price List writes it: a JSON string."""
    dimensions = {
        f"T.D{number}": {"unit": unit, "pricePerUnit": {"USD": amount}}
        for number, amount in enumerate(dollars)
    }
    term = {"effectiveDate": "2026-11-01T00:00:00Z", "priceDimensions": dimensions}
    return json.dumps(
        {
            "product": {"sku": "ABC", "attributes": {**ATTRIBUTES, **attributes}},
            "terms": {"OnDemand": {"ABC.T": term}},
        }
    )


@contextmanager
def stubbed(prepare: Callable[[Stubber, Stubber], None]) -> Iterator[Clients]:
    credentials = {
        "aws_access_key_id": "AKIAEXAMPLE",
        "aws_secret_access_key": "hunter2",
        "region_name": "us-east-1",
    }
    pricing, ec2 = boto3.client("pricing", **credentials), boto3.client("ec2", **credentials)
    with Stubber(pricing) as of_pricing, Stubber(ec2) as of_ec2:
        prepare(of_pricing, of_ec2)
        yield Clients(pricing, lambda region: ec2)
        of_pricing.assert_no_pending_responses()
        of_ec2.assert_no_pending_responses()


def pages(*found: list[str]) -> Callable[[Stubber, Stubber], None]:
    def prepare(pricing: Stubber, _: Stubber) -> None:
        for number, listed in enumerate(found):
            last = number == len(found) - 1
            asked: dict[str, Any] = {
                "ServiceCode": "AmazonEC2",
                "Filters": ANY,
                "FormatVersion": "aws_v1",
                "MaxResults": 100,
            }
            if number:
                asked["NextToken"] = f"page{number}"
            answer: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": listed}
            pricing.add_response(
                "get_products",
                answer if last else {**answer, "NextToken": f"page{number + 1}"},
                asked,
            )

    return prepare


def on_demand(*found: list[str]) -> Price | None:
    with stubbed(pages(*found)) as clients:
        return fetch([ON_DEMAND], clients, NOW)[ON_DEMAND]


def test_the_price_is_read_over_several_pages() -> None:
    price = on_demand([], [product("55.0400000000")], [])
    assert price is not None
    assert price.money.amount == Decimal("55.04")
    assert (price.source, price.as_of, price.origin) == (
        "AWS Price List, SKU ABC",
        "2026-11-01",
        "live",
    )


def test_what_is_asked_for_leaves_one_sku() -> None:
    seen: dict[str, str] = {}

    def prepare(pricing: Stubber, _: Stubber) -> None:
        pages([product("55.04")])(pricing, _)
        pricing.client.meta.events.register(
            "provide-client-params.pricing.GetProducts",
            lambda params, **_: seen.update(filters(params)),
        )

    def filters(params: dict[str, Any]) -> dict[str, str]:
        assert all(one["Type"] == "TERM_MATCH" for one in params["Filters"])
        return {one["Field"]: one["Value"] for one in params["Filters"]}

    with stubbed(prepare) as clients:
        fetch([ON_DEMAND], clients, NOW)
    assert seen == {**ATTRIBUTES, "productFamily": "Compute Instance"}


def test_dimensions_of_nothing_and_capacity_block_skus_do_not_count() -> None:
    block = product("0.0100000000", marketoption="CapacityBlock")
    unused = product("55.04", capacitystatus="UnusedCapacityReservation")
    price = on_demand([block, unused, product("0.0000000000", "55.04")])
    assert price is not None
    assert price.money.amount == Decimal("55.04")
    assert on_demand([block]) is None
    assert on_demand([product("0.0000000000")]) is None


@pytest.mark.parametrize(
    "listed",
    [
        "{",
        "[]",
        "null",
        json.dumps({"product": {"attributes": ATTRIBUTES, "sku": "A"}}),
        product("a lot"),
        product("NaN"),
        product("-1"),
        product("55.04", "56.04"),
    ],
)
def test_a_price_list_that_cant_be_read_is_refused(listed: str) -> None:
    with pytest.raises(
        LiveFailed, match=r"p5.48xlarge in us-east-1 with a price list that can't be read"
    ):
        on_demand([listed])


def history(*entries: tuple[str, str, datetime.datetime], token: str = "") -> dict[str, Any]:
    found = [
        {
            "AvailabilityZone": zone,
            "SpotPrice": price,
            "Timestamp": when,
            "InstanceType": "p5.48xlarge",
        }
        for zone, price, when in entries
    ]
    return {"SpotPriceHistory": found, **({"NextToken": token} if token else {})}


def spot(*answers: dict[str, Any]) -> Price | None:
    def prepare(_: Stubber, ec2: Stubber) -> None:
        for number, answer in enumerate(answers):
            asked = {
                "InstanceTypes": ["p5.48xlarge"],
                "ProductDescriptions": ["Linux/UNIX", "Linux/UNIX (Amazon VPC)"],
                "StartTime": NOW,
            }
            ec2.add_response(
                "describe_spot_price_history",
                answer,
                asked | ({"NextToken": "more"} if number else {}),
            )

    with stubbed(prepare) as clients:
        return fetch([SPOT], clients, NOW)[SPOT]


def test_spot_takes_the_newest_of_each_zone_and_of_these_the_dearest() -> None:
    old, new = NOW - datetime.timedelta(hours=9), NOW - datetime.timedelta(hours=1)
    price = spot(
        history(("us-east-1a", "14.25", new), ("us-east-1a", "30.00", old), token="more"),
        history(("us-east-1b", "15.10", old), ("us-east-1c", "9.99", new)),
    )
    assert price is not None
    assert price.money.amount == Decimal("15.10")
    assert price.source == "EC2 spot price history, most expensive of 3 zones"


def test_an_emulators_spot_price_is_none() -> None:
    # moto answers 0.00001 of 2006 for everything.
    assert spot(history(("us-east-1a", "0.00001", NOW))) is None
    assert (
        spot(history(("us-east-1a", "14.25", datetime.datetime(2006, 1, 1, tzinfo=datetime.UTC))))
        is None
    )
    assert spot(history()) is None


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("ThrottlingException", "throttles"),
        ("ExpiredTokenException", "have expired"),
        ("ExpiredToken", "have expired"),
        ("UnrecognizedClientException", "does not accept"),
        ("AccessDeniedException", "pricing:GetProducts"),
        ("InternalErrorException", "AWS answered InternalErrorException"),
    ],
)
def test_what_aws_refuses_is_said_in_one_line_without_its_text(code: str, says: str) -> None:
    def prepare(pricing: Stubber, _: Stubber) -> None:
        pricing.add_client_error(
            "get_products",
            code,
            "User arn:aws:iam::123456789012:user/jo with key AKIAEXAMPLE and hunter2",
        )

    with stubbed(prepare) as clients, pytest.raises(LiveFailed) as raised:
        fetch([ON_DEMAND], clients, NOW)
    text = str(raised.value)
    assert says in text
    assert "\n" not in text
    assert not any(secret in text for secret in ("AKIA", "hunter2", "123456789012"))


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from zerofloor.prices.live import boto_clients

    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(LiveFailed, match="no AWS credentials found"):
        fetch([ON_DEMAND], boto_clients(), NOW)


def test_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from zerofloor.prices.live import boto_clients

    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_PROFILE", "absent")
    with pytest.raises(LiveFailed, match="no AWS credentials found"):
        fetch([ON_DEMAND], boto_clients(), NOW)


def unsigned(url: str, attempts: int) -> Clients:
    config = Config(
        signature_version=UNSIGNED,
        retries={"mode": "standard", "max_attempts": attempts},
        connect_timeout=1,
        read_timeout=5,
    )
    pricing = boto3.client("pricing", region_name="us-east-1", endpoint_url=url, config=config)
    return Clients(
        pricing,
        lambda region: boto3.client("ec2", region_name=region, endpoint_url=url, config=config),
    )


def test_no_network() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    with pytest.raises(LiveFailed, match="can't be reached"):
        fetch([ON_DEMAND], unsigned(f"http://127.0.0.1:{port}", 1), NOW)


@contextmanager
def server(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """A local server that gives these answers one after the other, the last one again and again."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


THROTTLED = (400, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}')


def test_throttled_requests_are_tried_again() -> None:
    listed = json.dumps({"FormatVersion": "aws_v1", "PriceList": [product("55.04")]}).encode()
    with server([THROTTLED, (200, listed)]) as url:
        price = fetch([ON_DEMAND], unsigned(url, 3), NOW)[ON_DEMAND]
    assert price is not None
    assert price.money.amount == Decimal("55.04")


@pytest.mark.parametrize(
    "answer",
    [
        THROTTLED,
        (200, b"<html>log in to the hotel's network</html>"),
        (200, b'{"PriceList": "all of it"}'),
    ],
)
def test_throttled_for_good_or_not_aws_at_all(answer: tuple[int, bytes]) -> None:
    for key in (ON_DEMAND, SPOT):
        with server([answer]) as url, pytest.raises(LiveFailed, match="live prices: "):
            fetch([key], unsigned(url, 1), NOW)


def test_the_users_book_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "prices.json"

    def both(pricing: Stubber, ec2: Stubber) -> None:
        pages([product("55.04")])(pricing, ec2)
        ec2.add_response("describe_spot_price_history", history())

    with stubbed(both) as clients:
        written = book_file.update(path, [ON_DEMAND, SPOT], clients, NOW)
    before = path.read_bytes()
    assert read_back(path, [ON_DEMAND, SPOT]) == written

    def fails_at_the_second(pricing: Stubber, ec2: Stubber) -> None:
        pages([product("77.00")])(pricing, ec2)
        ec2.add_client_error("describe_spot_price_history", "RequestLimitExceeded", "no")

    with stubbed(fails_at_the_second) as clients, pytest.raises(LiveFailed):
        book_file.update(path, [ON_DEMAND, SPOT], clients, NOW)
    assert path.read_bytes() == before
    assert [child.name for child in path.parent.iterdir()] == ["prices.json"]


def read_back(path: Path, keys: list[Key], day: datetime.date = TODAY) -> Table | None:
    return book_file.cached(path, keys, day)


def test_the_users_book_serves_for_its_day_and_what_it_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    assert read_back(path, [ON_DEMAND]) is None
    with stubbed(pages([product("50.00")])) as clients:
        book_file.update(path, [ON_DEMAND], clients, NOW)
    assert read_back(path, [ON_DEMAND], datetime.date(2026, 11, 25)) is None
    assert read_back(path, [ON_DEMAND, SPOT]) is None
    live = read_back(path, [ON_DEMAND])
    assert live is not None
    found = open_book(live=live, live_as_of="2026-11-24").find(ON_DEMAND)
    assert isinstance(found, Price)
    assert (found.money.amount, found.origin, found.as_of) == (
        Decimal("50.00"),
        "live",
        "2026-11-01",
    )


def test_a_folder_that_cant_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        stubbed(pages([product("50.00")])) as clients,
        pytest.raises(InputError, match=r"prices\.json: can't be written: [A-Z][a-z ]+$"),
    ):
        book_file.update(tmp_path / "file" / "prices.json", [ON_DEMAND], clients, NOW)


def test_other_clouds_and_services_are_not_asked_for() -> None:
    with stubbed(lambda pricing, ec2: None) as clients:
        keys = [
            Key("gcp", "a2-highgpu-1g", "us-east1"),
            Key("aws", "g5.xlarge", "us-east-1", service="bedrock"),
        ]
        assert fetch(keys, clients, NOW) == {}


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"XDG_CACHE_HOME": "/cache", "HOME": "/home/jo"}, "/cache/zerofloor/prices.json"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/jo"}, "/home/jo/.cache/zerofloor/prices.json"),
        ({}, str(Path("~/.cache/zerofloor/prices.json").expanduser())),
    ],
)
def test_where_the_users_book_is_kept(environment: dict[str, str], path: str) -> None:
    assert str(book_file.default_path(environment)) == path
