"""Prices at the door: the book, comparison with a baseline, live prices that can't be had."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cases import digest_of
from tests.cli.command import TODAY, refused, zerofloor

INSTANCE = {
    "type": "aws:ec2/instance:Instance",
    "name": "inference",
    "props": {"instanceType": "g6e.xlarge", "ami": "ami-1"},
}


def write_digest(path: Path, *instances: str) -> None:
    resources = [{**INSTANCE, "name": name} for name in instances]
    path.write_bytes(digest_of({"config": {"aws:region": "us-west-2"}, "resources": resources}))


def test_show_prints_region_market_price_source_and_age(tmp_path: Path) -> None:
    done = zerofloor("prices", "show", "g6e.xlarge", "--region", "us-west-2", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "aws  us-west-2  on-demand  $1.861 per hour\n    snapshot: " in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "days old)" in done.out
    assert "nowhere" in refused(
        zerofloor("prices", "show", "g6e.xlarge", "--region", "nowhere", *TODAY, cwd=tmp_path)
    )


def test_verify_finds_the_snapshot_whole(tmp_path: Path) -> None:
    done = zerofloor("prices", "verify", *TODAY, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("0 problems\n")


def test_prices_of_ones_own_beside_the_settings(tmp_path: Path) -> None:
    """0.50 an hour × 730 = 365.00."""
    write_digest(tmp_path / "digest.json", "inference")
    prices = {
        "currency": "USD",
        "prices": [
            {
                "cloud": "aws",
                "item": "g6e.xlarge",
                "region": "*",
                "price": "0.50",
                "source": "contract",
                "asOf": "2026-11-01",
            }
        ],
    }
    (tmp_path / "zerofloor.yaml").write_text("prices: own.json\n")
    (tmp_path / "own.json").write_text(json.dumps(prices))
    done = zerofloor("check", "digest.json", "--format", "json", *TODAY, cwd=tmp_path)
    assert done.err == ""
    assert json.loads(done.out)["floor"]["monthly"] == {"amount": "365.00", "currency": "USD"}


def test_the_change_against_a_report_and_against_a_document(tmp_path: Path) -> None:
    """One instance more: + 1.861 an hour."""
    write_digest(tmp_path / "before.json", "a")
    write_digest(tmp_path / "after.json", "a", "b")
    zerofloor(
        "check", "before.json", "--format", "json", "--output", "report.json", *TODAY, cwd=tmp_path
    )
    for baseline in ("report.json", "before.json"):
        done = zerofloor("check", "after.json", "--against", baseline, *TODAY, cwd=tmp_path)
        assert done.code == 1
        assert f"Against {baseline}: floor +$1.86/h" in done.out
    assert "missing.json" in refused(
        zerofloor("check", "after.json", "--against", "missing.json", *TODAY, cwd=tmp_path)
    )
    (tmp_path / "bad.json").write_text("{")
    assert "bad.json" in refused(
        zerofloor("check", "after.json", "--against", "bad.json", *TODAY, cwd=tmp_path)
    )


NO_CREDENTIALS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_PROFILE": "",
}


def test_live_prices_that_can_not_be_had_stop_the_run_or_not_as_asked(tmp_path: Path) -> None:
    write_digest(tmp_path / "digest.json", "inference")
    environ = {**NO_CREDENTIALS, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    refused(zerofloor("check", "digest.json", "--live", *TODAY, cwd=tmp_path, environ=environ))
    done = zerofloor(
        "check", "digest.json", "--live", "--offline-ok", *TODAY, cwd=tmp_path, environ=environ
    )
    assert done.code == 1
    assert "$1.86/h" in done.out
    assert done.err.count("\n") == 1
    assert "going on with the snapshot" in done.err
