"""The region of a resource: what says it, and what leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from zerofloor.estate import estate
from zerofloor.settings import Settings, parse
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:aws::west"


def region(
    inputs: Mapping[str, Any],
    *,
    kind: str = "aws:autoscaling/group:Group",
    cloud: str = "aws",
    config: Mapping[str, str] | None = None,
    provider: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
) -> str | None:
    """The region of a resource; `provider` has the inputs of the provider that it is sent by."""
    sent_by = f"{PROVIDER}::4f1c" if provider is not None else None
    one = Resource(f"urn:pulumi:dev::shop::{kind}::x", kind, "x", inputs, provider=sent_by)
    others = (Resource(PROVIDER, "pulumi:providers:aws", "west", provider or {}),)
    stack = Stack("digest", (one, *others), "shop", "dev", config or {})
    return estate((stack,), settings or Settings()).region(one, cloud)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"region": "eu-west-1"}, "eu-west-1"),
        ({"availabilityZone": "eu-west-1b"}, "eu-west-1"),
        ({"availabilityZone": "us-west-2-lax-1a"}, "us-west-2"),
        ({"availabilityZones": ["eu-west-1b", "eu-west-1c"]}, "eu-west-1"),
        # The provider's, where the zones say nothing or can't be read.
        ({}, "us-west-2"),
        ({"region": ""}, "us-west-2"),
        ({"availabilityZones": []}, "us-west-2"),
        ({"availabilityZones": "eu-west-1b"}, "us-west-2"),
        ({"availabilityZones": UNKNOWN}, "us-west-2"),
        ({"availabilityZones": [SECRET]}, "us-west-2"),
        ({"availabilityZone": UNKNOWN}, "us-west-2"),
        ({"availabilityZone": "use1-az1"}, "us-west-2"),
        # A region that is hidden may be another.
        ({"region": UNKNOWN}, None),
        ({"region": SECRET, "availabilityZone": "eu-west-1b"}, None),
    ],
)
def test_the_region_of_an_aws_resource(inputs: Mapping[str, Any], expected: str | None) -> None:
    assert region(inputs, provider={"region": "us-west-2"}) == expected


def test_a_provider_goes_before_the_config_and_that_before_the_settings() -> None:
    settings = parse({"region": {"aws": "ap-south-1"}}, "test")
    config = {"aws:region": "eu-central-1"}
    assert region({}, settings=settings) == "ap-south-1"
    assert region({}, config=config, settings=settings) == "eu-central-1"
    provider = {"region": "us-west-2"}
    assert region({}, provider=provider, config=config, settings=settings) == "us-west-2"
    assert region({}, provider={"region": UNKNOWN}, config=config, settings=settings) is None
    assert region({}, provider={}, config=config) == "eu-central-1"
    assert region({}, config={"aws:region": ""}, settings=settings) == "ap-south-1"
    assert region({}, config={"aws-native:region": "eu-north-1"}) == "eu-north-1"
    assert region({}) is None


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"zone": "europe-west4-a"}, "europe-west4-a"),
        ({"location": "europe-west4"}, "europe-west4"),
        ({"region": "europe-west4"}, "europe-west4"),
        ({"zone": UNKNOWN}, None),
        ({"location": UNKNOWN}, None),
        ({}, "us-central1"),
    ],
)
def test_the_region_of_a_google_resource(inputs: Mapping[str, Any], expected: str | None) -> None:
    kind = "gcp:compute/instance:Instance"
    found = region(inputs, kind=kind, cloud="gcp", config={"gcp:region": "us-central1"})
    assert found == expected
