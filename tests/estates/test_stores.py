"""The same backend in each store gives the same audit; a store that says no is one clear line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.cli.command import TODAY, Done, refused, zerofloor
from tests.estates.backends import Backend, instance, state
from tests.estates.servers import Answer, Cloud, azure, google, serving

STATES = {
    "shop/dev": state("shop", "dev", [instance("a", {"owner": "ann"})]),
    "shop/prod": state("shop", "prod", [instance("b")]),
    "web/dev": state("web", "dev", []),
}

OBJECTS = {
    ".pulumi/meta.yaml": b"version: 1\n",
    ".pulumi/stacks/shop/dev.json": json.dumps(STATES["shop/dev"]).encode(),
    ".pulumi/stacks/shop/prod.json.gz": gzip.compress(json.dumps(STATES["shop/prod"]).encode()),
    ".pulumi/stacks/web/dev.json": json.dumps(STATES["web/dev"]).encode(),
    ".pulumi/history/shop/dev/dev-1.history.json": b"{",
}

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def under(prefix: str) -> dict[str, bytes]:
    return {f"{prefix}{key}": data for key, data in OBJECTS.items()}


def audit(url: str, folder: Path, *options: str, environ: Mapping[str, str]) -> Done:
    return zerofloor("audit", url, "-f", "json", *TODAY, *options, cwd=folder, environ=environ)


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, Any]:
    """What the same states in a folder give."""
    backend = Backend(tmp_path / "same")
    for key, data in OBJECTS.items():
        path = backend.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    found: dict[str, Any] = json.loads(audit(backend.url, tmp_path, environ={}).out)
    assert found["totals"]["gpus"] == "2.000"
    return found


def same(done: Done, expected: dict[str, Any], backend: str) -> None:
    assert done.code == 1, done.err
    assert json.loads(done.out) == {**expected, "backend": backend}


@pytest.fixture
def bucket() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", **_lower(KEYS))
        client.create_bucket(Bucket="states")
        for key, data in under("team/").items():
            client.put_object(Bucket="states", Key=key, Body=data)
        yield client


def _lower(keys: Mapping[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in keys.items()}


def test_s3(bucket: Any, tmp_path: Path, expected: dict[str, Any]) -> None:
    done = audit("s3://states/team?region=us-east-1&awssdk=v2", tmp_path, environ=KEYS)
    same(done, expected, "s3://states/team")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://nix?region=us-east-1", "can't be listed"),
        ("s3://states/other?region=us-east-1", "no Pulumi backend"),
        ("s3://states?region=us-east-1&profile=nix", "nix"),
    ],
)
def test_s3_that_says_no(url: str, said: str, bucket: Any, tmp_path: Path) -> None:
    assert said in refused(audit(url, tmp_path, environ=KEYS))


def test_an_object_that_s3_does_not_give_is_named(bucket: Any, tmp_path: Path) -> None:
    """moto checks no policies: an object in an archive, which no one may read, stands for one."""
    bucket.put_object(
        Bucket="states",
        Key="team/.pulumi/stacks/shop/dev.json",
        Body=b"{}",
        StorageClass="GLACIER",
    )
    done = audit("s3://states/team?region=us-east-1", tmp_path, environ=KEYS)
    assert done.code == 2
    found = json.loads(done.out)
    assert [one["stack"] for one in found["problems"]] == ["shop/dev"]
    assert "can't be read" in found["problems"][0]["why"]
    assert found["totals"]["gpus"] == "1.000"


def test_s3_at_an_endpoint_of_ones_own(tmp_path: Path) -> None:
    def answer(_: object) -> Answer:
        return Answer("<Error><Code>AccessDenied</Code><Message>no</Message></Error>", 403)

    with serving(answer) as (address, asked):
        url = f"s3://states?region=x&endpoint={address}&disableSSL=true&s3ForcePathStyle=true"
        line = refused(audit(url, tmp_path, environ=KEYS))
    assert "AccessDenied" in line
    assert {request.method for request in asked} == {"GET"}
    assert asked[0].path == "/states"


def test_google_storage(tmp_path: Path, expected: dict[str, Any]) -> None:
    with serving(google(under("team/"))) as (address, asked):
        environ = {"STORAGE_EMULATOR_HOST": f"http://{address}"}
        same(audit("gs://states/team", tmp_path, environ=environ), expected, "gs://states/team")
    assert {request.method for request in asked} == {"GET"}


def test_google_storage_that_says_no(tmp_path: Path) -> None:
    def answer(_: object) -> Answer:
        return Answer({"error": {"code": 403, "message": "denied"}}, 403)

    with serving(answer) as (address, _):
        environ = {"STORAGE_EMULATOR_HOST": f"http://{address}"}
        line = refused(audit("gs://states", tmp_path, environ=environ))
    assert "gs://states: can't be listed: 403" in line


AZURE = {"AZURE_STORAGE_KEY": "a2V5"}


def test_azure_blobs(tmp_path: Path, expected: dict[str, Any]) -> None:
    with serving(azure(under("team/"))) as (address, asked):
        url = f"azblob://states/team?storage_account=acme&protocol=http&domain={address}"
        same(audit(url, tmp_path, environ=AZURE), expected, "azblob://states/team")
    assert {request.method for request in asked} == {"GET"}


def test_azure_blobs_that_say_no(tmp_path: Path) -> None:
    def answer(_: object) -> Answer:
        return Answer(status=403, headers={"x-ms-error-code": "AuthorizationFailure"})

    line = refused(audit("azblob://states", tmp_path, environ=AZURE))
    assert "storage account isn't named" in line
    with serving(answer) as (address, _):
        url = f"azblob://states?storage_account=acme&protocol=http&domain={address}"
        assert "can't be listed" in refused(audit(url, tmp_path, environ=AZURE))


@pytest.fixture
def cloud() -> Cloud:
    found = Cloud()
    found.stacks = {f"acme/{name}": one for name, one in STATES.items()}
    found.stacks["other/web/dev"] = STATES["web/dev"]
    return found


TOKEN = {"PULUMI_ACCESS_TOKEN": "pul-right"}


def test_pulumi_cloud(cloud: Cloud, tmp_path: Path, expected: dict[str, Any]) -> None:
    cloud.tags["acme/shop/prod"] = {"owner": "bob"}
    cloud.updating.add("acme/web/dev")
    with serving(cloud) as (address, asked):
        done = audit(f"http://{address}/acme", tmp_path, environ=TOKEN)
    assert done.code == 1, done.err
    found = json.loads(done.out)
    assert found["totals"] == expected["totals"]
    assert [one["name"] for one in found["stacks"]] == [f"acme/{name}" for name in STATES]
    assert {line["owner"] for line in found["lines"]} == {"ann", "bob"}
    (notice,) = found["notices"]
    assert notice["stack"] == "acme/web/dev"
    assert "update by ann" in notice["what"]
    assert {request.method for request in asked} == {"GET"}
    assert asked[0].headers["accept"] == "application/vnd.pulumi+8"


def test_pulumi_cloud_with_all_organisations(cloud: Cloud, tmp_path: Path) -> None:
    with serving(cloud) as (address, _):
        found = json.loads(audit(f"http://{address}", tmp_path, environ=TOKEN).out)
    assert [one["name"] for one in found["stacks"]][-1] == "other/web/dev"
    assert found["problems"] == []


def test_the_token_of_a_login_is_for_its_service_only(cloud: Cloud, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with serving(cloud) as (address, asked):
        account = {"accessToken": "pul-right", "username": "ann"}
        login = {"current": f"http://{address}", "accounts": {f"http://{address}": account}}
        (home / "credentials.json").write_text(json.dumps(login))
        environ = {"PULUMI_HOME": str(home), "PULUMI_ACCESS_TOKEN": "", "PULUMI_BACKEND_URL": ""}
        done = zerofloor("audit", *TODAY, cwd=tmp_path, environ=environ)
        assert done.code == 1, done.err
        many = len(asked)
        line = refused(audit("http://127.0.0.1:1", tmp_path, environ=environ))
        assert "no access token" in line
        assert len(asked) == many


@pytest.mark.parametrize(
    "kept",
    [
        {"accounts": {"{}": {"accessToken": "pul-right"}}},
        # Versions before 2.0 of the CLI kept it apart, and a logout leaves an empty one behind.
        {"accessTokens": {"{}": "pul-right"}},
        {"accounts": {"{}": {"accessToken": ""}}, "accessTokens": {"{}": "pul-right"}},
    ],
)
def test_where_a_login_keeps_its_token(
    kept: dict[str, Any], cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(cloud) as (address, _):
        text = json.dumps(kept).replace("{}", f"http://{address}")
        (tmp_path / "credentials.json").write_text(text)
        environ = {"PULUMI_HOME": str(tmp_path), "PULUMI_ACCESS_TOKEN": ""}
        assert (
            len(json.loads(audit(f"http://{address}", tmp_path, environ=environ).out)["stacks"]) > 1
        )


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "the token isn't accepted"), (403, "no right"), (404, "isn't there"), (302, "HTTP 302")],
)
def test_pulumi_cloud_that_says_no(status: int, said: str, cloud: Cloud, tmp_path: Path) -> None:
    where = {"Location": "http://127.0.0.1:1/"}
    cloud.failures["/user/stacks"] = [Answer({"code": status}, status, where)]
    with serving(cloud) as (address, asked):
        assert said in refused(audit(f"http://{address}", tmp_path, environ=TOKEN))
    assert len(asked) == 1


def test_pulumi_cloud_with_a_wrong_token_never_shows_it(cloud: Cloud, tmp_path: Path) -> None:
    with serving(cloud) as (address, _):
        environ = {"PULUMI_ACCESS_TOKEN": "pul-wrong"}
        line = refused(audit(f"http://{address}", tmp_path, environ=environ))
    assert "set PULUMI_ACCESS_TOKEN" in line
    assert "pul-wrong" not in line


def test_a_service_that_throttles_is_asked_again(cloud: Cloud, tmp_path: Path) -> None:
    cloud.failures["shop/dev/export"] = [
        Answer(status=429, headers={"Retry-After": "0"}),
        Answer(status=503, headers={"Retry-After": "0"}),
    ]
    with serving(cloud) as (address, _):
        assert audit(f"http://{address}/acme", tmp_path, environ=TOKEN).code == 1


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_stack_that_can_not_be_exported_is_named(
    status: int, cloud: Cloud, tmp_path: Path
) -> None:
    cloud.failures["shop/dev/export"] = [
        Answer(status=status, headers={"Retry-After": "0"}) for _ in range(4)
    ]
    with serving(cloud) as (address, _):
        done = audit(f"http://{address}/acme", tmp_path, environ=TOKEN)
    assert done.code == 2
    found = json.loads(done.out)
    assert [one["stack"] for one in found["problems"]] == ["acme/shop/dev"]
    assert found["totals"]["gpus"] == "1.000"


def test_what_is_not_pulumis_service(tmp_path: Path) -> None:
    with serving(lambda _: Answer("<html>welcome</html>")) as (address, _):
        line = refused(audit(f"http://{address}", tmp_path, environ=TOKEN))
        assert "not an answer of Pulumi's service" in line
        line = refused(audit(f"http://{address}/acme/shop", tmp_path, environ=TOKEN))
        assert "an organisation only" in line
    line = refused(audit("http://127.0.0.1:1", tmp_path, environ=TOKEN))
    assert "can't be reached" in line
