"""Managed services: their windows, and the same floor as the analysis without a request."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.stacks import TODAY, trace
from zerofloor.documents import read as read_document
from zerofloor.estate import estate
from zerofloor.prices.book import open_book
from zerofloor.settings import Settings
from zerofloor.simulation.outcome import Outcome
from zerofloor.simulation.service import NotPlayable, read
from zerofloor.simulation.simulate import Asked, Serving, simulate
from zerofloor.simulation.trace import Trace
from zerofloor.simulation.variants import Choice

FOLDER = Path(__file__).parents[2] / "examples" / "billing"
SETTINGS = Settings(region={"aws": "us-east-1"})
QUICK = Serving(node_seconds=60.0, image_seconds=0.0, load_seconds=0.0)


def _outcome(name: str, requests: Trace, **sets: str) -> Outcome:
    stacks = (read_document(name, (FOLDER / name).read_bytes()),)
    choices = tuple(Choice(key, (value,)) for key, value in sets.items())
    asked = Asked(choices=choices, serving=QUICK)
    return simulate(stacks, SETTINGS, open_book(), TODAY, requests, asked).outcomes[0]


@pytest.mark.parametrize(
    ("name", "sets", "nodes"),
    [
        ("ec2.json", {}, 1),
        ("sagemaker.json", {}, 1),
        ("fireworks.json", {}, 0),
        ("fireworks.json", {"minReplicaCount": "2"}, 2),
        ("cloud-run.json", {}, 0),
        ("cloud-run.json", {"minInstanceCount": "2"}, 2),
        ("container-apps.json", {}, 0),
        ("container-apps.json", {"minReplicas": "1"}, 1),
        ("eks.yaml", {}, 0),
        ("eks.yaml", {"minReplicaCount": "2"}, 2),
    ],
)
def test_a_week_without_a_request_bills_what_is_declared(
    name: str, sets: dict[str, str], nodes: int
) -> None:
    one = _outcome(name, trace(span=604_800.0), **sets)
    assert one.node_hours == 168 * Decimal(nodes)
    assert one.floor_nodes == nodes
    if not sets:
        stacks = (read_document(name, (FOLDER / name).read_bytes()),)
        assert read(estate(stacks, SETTINGS, TODAY)).floor.nodes == nodes


def test_fireworks_bills_from_ready_for_an_hour_after_the_last_request() -> None:
    # A request at 0 gets a 503 and wakes it; ready at 60; the one at 100 is answered until 102;
    # the first look after 102 + 3600 is at 3703. Boot is free.
    one = _outcome("fireworks.json", trace(0.0, 10.0, 100.0))
    assert (one.refused, one.held, one.cold_starts) == (2, 0, 1)
    assert round(one.node_hours * 3600) == 3703 - 60
    short = _outcome("fireworks.json", trace(0.0, 100.0), scaleToZeroWindow="300s")
    assert round(short.node_hours * 3600) == 403 - 60


def test_cloud_run_holds_requests_and_keeps_an_instance_for_fifteen_minutes() -> None:
    one = _outcome("cloud-run.json", trace(0.0, 10.0))
    assert (one.refused, one.held, one.waits.most) == (0, 2, 60.0)
    assert round(one.node_hours * 3600) == 965  # 62 + 900, at the next look of 5 s


def test_container_apps_refuses_what_waits_for_more_than_240_seconds() -> None:
    stacks = (read_document("x", (FOLDER / "container-apps.json").read_bytes()),)
    slow = Asked(serving=Serving(node_seconds=300.0, image_seconds=0.0, load_seconds=0.0))
    requests = trace(0.0, 100.0)
    one = simulate(stacks, SETTINGS, open_book(), TODAY, requests, slow).outcomes[0]
    assert (one.refused, one.held, one.waits.most) == (1, 1, 200.0)


@pytest.mark.parametrize(("most", "nodes"), [(None, 10), (2, 2)])
def test_container_apps_run_at_most_their_own_maximum_or_ten(most: int | None, nodes: int) -> None:
    document: dict[str, Any] = json.loads((FOLDER / "container-apps.json").read_bytes())
    for step in document["steps"]:
        if step["urn"].endswith("llm"):
            step["newState"]["inputs"]["template"]["scale"]["maxReplicas"] = most
    stacks = (read_document("x", json.dumps(document).encode()),)
    # 150 requests a second, of which the default rule wants a replica for every 10: 15 of them.
    requests = trace(*(number / 150 for number in range(30_000)))
    one = simulate(stacks, SETTINGS, open_book(), TODAY, requests, Asked(serving=QUICK)).outcomes[0]
    assert one.nodes == nodes


def test_what_scales_another_way_is_named() -> None:
    document: dict[str, Any] = json.loads((FOLDER / "fireworks.json").read_bytes())
    for step in document["steps"]:
        if step["urn"].endswith("llm"):
            step["newState"]["inputs"]["autoscalingPolicy"] = {
                "loadTargets": {"tokens_generated_per_second": 100}
            }
    stacks = (read_document("x", json.dumps(document).encode()),)
    with pytest.raises(NotPlayable, match="tokens_generated_per_second"):
        simulate(stacks, SETTINGS, open_book(), TODAY, trace(0.0), Asked())


def test_an_instance_of_a_hidden_type_is_named() -> None:
    text = (FOLDER / "ec2.json").read_text()
    assert '"g6e.xlarge"' in text
    unknown = text.replace('"g6e.xlarge"', '"04da6b54-80e4-46f7-96ec-b56ff0331ba9"')
    stacks = (read_document("x", unknown.encode()),)
    with pytest.raises(NotPlayable, match="instanceType"):
        simulate(stacks, SETTINGS, open_book(), TODAY, trace(0.0), Asked())


def test_money_is_the_hours_on_the_bill_times_the_price() -> None:
    one = _outcome("fireworks.json", trace(0.0, 100.0))
    assert one.cost is not None
    assert one.cost.amount == one.node_hours * Decimal(7)


def test_a_setting_that_answers_no_request_is_not_the_cheapest() -> None:
    stacks = (read_document("x", (FOLDER / "fireworks.json").read_bytes()),)
    asked = Asked(choices=(Choice("maxReplicaCount", ("0", "1")),), serving=QUICK)
    found = simulate(stacks, SETTINGS, open_book(), TODAY, trace(0.0, 100.0), asked)
    assert [one.refused for one in found.outcomes] == [2, 1]
    assert found.cheapest == 1
