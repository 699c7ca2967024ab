"""`zerofloor fireworks`: what runs and what it costs, and nothing is changed unless told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Done, zerofloor
from tests.fireworks.server import ACCOUNT, KEY, Api, Deployment

Local = tuple[str, Api]


@pytest.fixture
def busy(api: Local) -> Local:
    """Three deployments, of which one runs two replicas of four H100."""
    base, account = api
    h100 = {"baseModel": "m", "acceleratorType": "NVIDIA_H100_80GB"}
    running = Deployment({**h100, "acceleratorCount": 4, "minReplicaCount": 2}, 0)
    running.ready_since = [0, 0]
    account.deployments["big"] = running
    account.deployments["idle"] = Deployment({**h100, "acceleratorCount": 1}, 0)
    owner = {"annotations": {"owner": "search \x1b[31m"}}
    account.deployments["odd"] = Deployment({**h100, "acceleratorType": "ACME_X1", **owner}, 0)
    account.now = 3600
    return base, account


def run(local: Local, folder: Path, *arguments: str, key: str = KEY) -> Done:
    environ = {
        "FIREWORKS_API_KEY": key,
        "FIREWORKS_ACCOUNT_ID": ACCOUNT,
        "FIREWORKS_BASE_URL": local[0],
    }
    return zerofloor("fireworks", *arguments, cwd=folder, environ=environ)


def test_the_list_has_every_page_and_the_cost_of_what_runs(busy: Local, tmp_path: Path) -> None:
    done = run(busy, tmp_path, "list", "--format", "json")
    rows = {row["id"]: row for row in json.loads(done.out)["deployments"]}
    assert list(rows) == ["big", "idle", "odd"]
    # 2 replicas of 4 GPUs at $7.00 a GPU-hour (the snapshot's row of 2026-05-08).
    assert rows["big"]["hourly"] == {"amount": "56.00", "currency": "USD"}
    assert (rows["big"]["gpus"], rows["idle"]["gpus"]) == (8, 0)
    assert rows["idle"]["hourly"] == {"amount": "0.00", "currency": "USD"}
    assert rows["odd"]["hourly"] is None


def test_the_table_escapes_what_others_wrote(busy: Local, tmp_path: Path) -> None:
    done = run(busy, tmp_path, "list")
    assert "\x1b" not in done.out
    assert "unpriced" in done.out


@pytest.mark.parametrize("command", [("scale", "big", "0"), ("park", "big"), ("delete", "big")])
def test_nothing_is_changed_unless_told(
    busy: Local, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(busy, tmp_path, *command)
    assert done.code == 0
    assert "--apply" in done.out
    # 2 replicas of 4 GPUs at $7.00 a GPU-hour.
    assert "2 replicas on 8 GPUs, $56.00 an hour" in done.out
    assert busy[1].log == ["GET /v1/accounts/acme/deployments/big"]
    assert not busy[1].deployments["big"].deleted


def test_a_dry_run_of_what_does_not_exist_says_so(busy: Local, tmp_path: Path) -> None:
    done = run(busy, tmp_path, "delete", "bgi")
    assert done.code == 2
    assert "there is no such deployment" in done.err


def test_an_action_as_json_says_what_it_ended(busy: Local, tmp_path: Path) -> None:
    done = run(busy, tmp_path, "park", "big", "--apply", "--format", "json")
    document = json.loads(done.out)
    assert (document["action"], document["applied"]) == ("park", True)
    assert document["deployment"]["gpus"] == 8


def test_what_is_at_zero_says_since_when(busy: Local, tmp_path: Path) -> None:
    account = busy[1]
    account.deployments["idle"].by_day.update({"2026-11-03": 3600, "2026-11-01": 60})
    done = run(busy, tmp_path, "list", "--format", "json", "--today", "2026-11-20")
    since = {row["id"]: row["idleSince"] for row in json.loads(done.out)["deployments"]}
    assert since == {"big": None, "idle": "2026-11-03", "odd": "over 30 days"}
    assert "2026-11-03" in run(busy, tmp_path, "list", "--today", "2026-11-20").out


def test_a_list_without_the_right_to_read_usage_is_a_list(busy: Local, tmp_path: Path) -> None:
    busy[1].forbidden = "/billingUsage"
    done = run(busy, tmp_path, "list", "--format", "json")
    assert [row["idleSince"] for row in json.loads(done.out)["deployments"]] == [None] * 3


def test_totals_by_owner(busy: Local, tmp_path: Path) -> None:
    busy[1].deployments["big"].body["annotations"] = {"team": "search"}
    done = run(busy, tmp_path, "list", "--by", "owner", "--format", "json")
    owners = {row["owner"]: row for row in json.loads(done.out)["owners"]}
    assert owners["search"]["hourly"] == {"amount": "56.00", "currency": "USD"}
    assert owners["search \x1b[31m"]["hourly"] is None


def test_parking_puts_both_bounds_to_zero(busy: Local, tmp_path: Path) -> None:
    assert run(busy, tmp_path, "park", "big", "--apply").code == 0
    body = busy[1].deployments["big"].body
    assert (body["minReplicaCount"], body["maxReplicaCount"]) == (0, 0)
    busy[1].advance(10)
    assert busy[1].deployments["big"].ready_since == []


def test_deleting_what_is_in_use_needs_to_be_told_twice(busy: Local, tmp_path: Path) -> None:
    busy[1].deployments["big"].last_request = busy[1].now
    refused = run(busy, tmp_path, "delete", "big", "--apply")
    assert refused.code == 2
    assert "FAILED_PRECONDITION" in refused.err
    assert run(busy, tmp_path, "delete", "big", "--apply", "--in-use").code == 0
    assert busy[1].deployments["big"].deleted


@pytest.mark.parametrize("command", [("list",), ("park", "absent", "--apply")])
def test_a_refusal_is_one_line_without_the_key(
    busy: Local, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(busy, tmp_path, *command, key="wrong-PLANTED")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "PLANTED" not in done.err


def test_malformed_answers_and_outages(busy: Local, tmp_path: Path) -> None:
    busy[1].faults += ["malformed"]
    assert "not a JSON object" in run(busy, tmp_path, "list").err
    busy[1].faults += ["500", "429"]
    assert run(busy, tmp_path, "list").code == 0
