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
    assert busy[1].log == []


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
