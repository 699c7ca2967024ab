"""What a look-up in a cloud is answered with when there is no cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from zerofloor.engine.invokes import Question, answer


def result(
    token: str,
    args: Mapping[str, Any] | None = None,
    config: Mapping[str, str] | None = None,
    region: str | None = None,
) -> Any:
    found = answer(Question(token, args or {}, config or {}, region))
    return None if found is None else found.result


def test_the_region_is_the_providers_or_the_one_asked_for() -> None:
    assert result("aws:index/getRegion:getRegion", region="us-west-2")["region"] == "us-west-2"
    assert (
        result("aws:index/getRegion:getRegion", {"region": "cn-north-1"}, region="us-west-2")[
            "endpoint"
        ]
        == "ec2.cn-north-1.amazonaws.com.cn"
    )
    assert result("aws:index/getRegion:getRegion") is None


def test_zones_are_as_many_as_the_region_has() -> None:
    # docs.aws.amazon.com: us-east-1 has six zones for every account, us-west-2 four, most others
    # three.
    zones = "aws:index/getAvailabilityZones:getAvailabilityZones"
    assert result(zones, {"state": "available"}, region="us-east-1")["names"] == [
        f"us-east-1{letter}" for letter in "abcdef"
    ]
    assert len(result(zones, region="us-west-2")["names"]) == 4
    assert result(zones, region="eu-west-1")["names"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert (
        result(
            zones,
            {"filters": [{"name": "zone-type", "values": ["local-zone"]}]},
            region="us-west-2",
        )
        is None
    )


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eu-west-3", "aws")],
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert result("aws:index/getPartition:getPartition", region=region)["partition"] == partition
    assert result("aws:index/getCallerIdentity:getCallerIdentity", region=region)["arn"].startswith(
        f"arn:{partition}:"
    )


def test_other_clouds_answer_from_their_configuration() -> None:
    google = result(
        "gcp:organizations/getClientConfig:getClientConfig",
        config={"gcp:project": "acme", "gcp:region": "europe-west4"},
    )
    assert (google["project"], google["region"]) == ("acme", "europe-west4")
    assert result("gcp:organizations/getClientConfig:getClientConfig") is None
    azure = answer(
        Question(
            "azure-native:authorization:getClientConfig", {}, {"azure-native:tenantId": "t"}, None
        )
    )
    assert azure is not None
    assert azure.result["tenantId"] == "t"
    assert azure.assumption == "zeros for subscriptionId, clientId, objectId"


def test_only_the_cloud_knows_an_image() -> None:
    assert result("aws:ec2/getAmi:getAmi", {"owners": ["amazon"]}, region="us-west-2") is None


def test_manifests_are_decoded_as_the_kubernetes_provider_does() -> None:
    text = "kind: A\nwhen: 2026-01-01\n'8080': x\n---\n---\nkind: B\nlist: [1, 1.5, on]\n"
    assert result("kubernetes:yaml:decode", {"text": text}) == {
        "result": [
            {"kind": "A", "when": "2026-01-01", "8080": "x"},
            {"kind": "B", "list": [1, 1.5, True]},
        ]
    }
