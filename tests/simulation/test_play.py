"""Courses worked out by hand: what KEDA, the autoscaler and Karpenter do at which second.

Cold start 120 + 600 + 120 s, two seconds a request, KEDA's poll every 30 s, the autoscaler's every
15 s, an empty node gone after 30 s.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from tests.simulation.stacks import manifests, run, trace
from zerofloor.platforms.loops import Policy
from zerofloor.settings import ColdStart, Settings
from zerofloor.simulation.fleet import AT_ONCE, Fleet, Kind, Plan
from zerofloor.simulation.outcome import Outcome
from zerofloor.simulation.service import NotPlayable
from zerofloor.simulation.simulate import Asked, Serving


def _outcome(objects: dict[str, Any] | None = None, *arrivals: float, **more: Any) -> Outcome:
    requests = trace(*(arrivals or (10.0, 20.0, 2000.0)), tokens=more.pop("tokens", 124.0))
    return run(objects, requests, Asked(**more)).outcomes[0]


def _changed(kind: str, **spec: Any) -> dict[str, Any]:
    objects = copy.deepcopy(manifests())
    objects[kind]["spec"].update(spec)
    return objects


def test_from_zero_each_burst_pays_a_cold_start_and_a_tail() -> None:
    # Seen at 30, ready at 870, quiet from 872; the last look that sees them is 870, the first that
    # is more than 300 s later is 1200, the node is gone at 1230: 1200 s. So again from 2010.
    one = _outcome()
    assert one.node_hours == Decimal("2400") / 3600
    assert (one.cold_starts, one.held, one.refused) == (2, 3, 0)
    assert (one.waits.p50, one.waits.most) == (850.0, 860.0)
    assert one.floor_nodes == 0


def test_with_a_minimum_of_one_nothing_waits_and_the_node_stays() -> None:
    one = _outcome(_changed("ScaledObject", minReplicaCount=1))
    assert (one.cold_starts, one.held, one.floor_nodes) == (0, 0, 1)
    assert one.cost is not None
    assert one.cost.amount == one.node_hours * Decimal("1.861")


def test_a_longer_cool_down_keeps_the_replica_for_the_next_burst() -> None:
    short = _outcome(_changed("ScaledObject", cooldownPeriod=60))
    long = _outcome(_changed("ScaledObject", cooldownPeriod=1200))
    assert (short.cold_starts, long.cold_starts) == (2, 1)
    # 870 + 60 < 960: gone at 990, after 960 s, twice. The other: seen last at 870, for the request of
    # 2000 is answered at 2002 and no look is near; zero at 2100, gone at 2130.
    assert short.node_hours == Decimal(2 * 960) / 3600
    assert round(long.node_hours * 3600) == 2100


def test_the_image_is_pulled_once_and_the_model_loaded_each_time() -> None:
    # The node stays 600 s longer, so the second start finds it: 2010 + 120.
    objects = manifests()
    objects["NodePool"]["spec"]["disruption"]["consolidateAfter"] = "1h"
    one = _outcome(objects)
    assert (one.cold_starts, one.waits.most) == (2, 860.0)
    assert one.waits.p50 == 850.0
    assert one.lines[0].node_hours * 3600 == pytest.approx(Decimal(2460 + 3630 - 30), abs=1)


def test_the_autoscaler_asks_for_as_many_as_requests_over_target_and_no_more_than_the_maximum() -> (
    None
):
    # 40 requests wait at zero; target 8. At 30: 1 replica. At 45: 40 / 8 = 5.
    objects = _changed("ScaledObject", maxReplicaCount=4)
    one = _outcome(objects, *([10.0] * 40))
    assert one.replicas_started == 4
    assert len(one.lines) == 1
    most = _outcome(_changed("ScaledObject", maxReplicaCount=100), *([10.0] * 40))
    assert most.replicas_started == 5


def test_policies_bound_how_many_are_added_in_a_period() -> None:
    # One pod in 600 s beyond the first: the cold start of 855 s allows the second and third.
    behavior = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}}
    objects = _changed(
        "ScaledObject",
        maxReplicaCount=10,
        advanced={"horizontalPodAutoscalerConfig": {"behavior": behavior}},
    )
    one = _outcome(objects, *([10.0] * 80))
    assert one.replicas_started == 3


def test_an_activation_threshold_keeps_it_at_zero() -> None:
    objects = manifests()
    objects["ScaledObject"]["spec"]["triggers"][0]["metadata"]["activationQueueLength"] = "5"
    one = run(objects, trace(10.0, span=604_800.0)).outcomes[0]
    assert (one.cold_starts, one.refused, int(one.node_hours)) == (0, 1, 0)


def test_ten_empty_nodes_go_one_after_the_other_by_the_default_budget() -> None:
    # 10 % of ten nodes is one a pass, and a pass takes 30 s.
    kind = Kind("pool", None, 1)
    for percent, gone in ((10.0, [130.0 + 30 * n for n in range(10)]), (100.0, [130.0] * 10)):
        plan = Plan(kinds=(kind,), most=10, reclaim=30.0, budget=Policy(True, percent, 0.0))
        fleet = Fleet(plan, AT_ONCE, 10)
        fleet.scale(0, 100.0)
        fleet.reclaim(1e6)
        assert sorted(node.gone for node in fleet.past) == gone


def test_pods_go_where_most_share_a_node_and_a_node_stays_with_its_last_pod() -> None:
    plan = Plan(kinds=(Kind("pool", None, 1), Kind("pool", None, 2)), most=3, reclaim=30.0)
    fleet = Fleet(plan, AT_ONCE, 3)
    assert [len(node.pods) for node in fleet.nodes] == [2, 1]
    fleet.scale(2, 10.0)
    assert [len(node.pods) for node in fleet.nodes] == [1, 1]
    fleet.scale(0, 20.0)
    fleet.reclaim(60.0)
    assert [node.gone for node in fleet.past] == [50.0, 50.0]


def test_the_cold_start_is_that_of_the_options_else_of_the_settings() -> None:
    serving = Serving(node_seconds=3.0, image_seconds=0.0, load_seconds=0.0)
    assert _outcome(None, 10.0, serving=serving).waits.most == 23.0
    quick = ColdStart(node_seconds=Decimal(5), image_seconds=Decimal(0), load_seconds=Decimal(0))
    found = run(None, trace(10.0), settings=Settings(cold_start=quick))
    assert found.outcomes[0].waits.most == 25.0


def test_a_request_that_a_replica_can_not_take_waits_for_the_next_slot() -> None:
    objects = _changed("ScaledObject", minReplicaCount=1)
    one = _outcome(objects, 10.0, 10.0, 10.0, serving=Serving(concurrency=1))
    assert (one.held, one.waits.p50, one.waits.most) == (2, 2.0, 4.0)


@pytest.mark.parametrize(
    ("trigger", "why"),
    [
        ({"type": "cpu", "metadata": {"value": "60"}}, "trigger of type cpu"),
        (
            {
                "type": "prometheus",
                "metadata": {"serverAddress": "http://p", "query": "my_metric", "threshold": "5"},
            },
            "what this metric counts (my_metric)",
        ),
    ],
)
def test_a_trigger_that_the_trace_tells_nothing_of_is_named(trigger: Any, why: str) -> None:
    objects = manifests()
    objects["ScaledObject"]["spec"]["triggers"].append(trigger)
    with pytest.raises(NotPlayable) as error:
        run(objects)
    assert why in str(error.value)
    assert "spec.triggers[1]" in str(error.value)


def _two_pools(most: str) -> dict[str, Any]:
    """The pool, which takes so many GPUs at most, and another one like it."""
    objects = copy.deepcopy(manifests())
    objects["NodePool"]["spec"]["limits"] = {"nvidia.com/gpu": most}
    other = copy.deepcopy(objects["NodePool"])
    other["metadata"]["name"] = "other"
    return {**objects, "another": other}


def test_of_two_pools_that_take_all_pods_the_first_is_played_and_named() -> None:
    # Karpenter tries those of equal weight by name, the last one first (OrderByWeight).
    found = run(_two_pools("4"))
    assert "Its pods run on pool other, the first that takes them" in found.assumptions
    assert "Its pods run on pool" not in " ".join(run().assumptions)


def test_pods_that_need_two_pools_at_once_are_named() -> None:
    objects = _two_pools("1")
    objects["ScaledObject"]["spec"]["maxReplicaCount"] = 2
    with pytest.raises(NotPlayable, match=r"use several pools \(gpu, other\) at once"):
        run(objects)


def test_a_hidden_bound_is_named() -> None:
    objects = _changed("ScaledObject", minReplicaCount="04da6b54-80e4-46f7-96ec-b56ff0331ba9")
    with pytest.raises(NotPlayable, match=r"spec\.minReplicaCount"):
        run(objects)


def test_a_metric_counts_what_its_name_says_or_what_is_told() -> None:
    objects = manifests()
    metadata = {"serverAddress": "http://p", "threshold": "8"}
    for query in ("sum(vllm:num_requests_waiting)", "sum(rate(http_requests_total[2m]))"):
        trigger = {"type": "prometheus", "metadata": {**metadata, "query": query}}
        objects["ScaledObject"]["spec"]["triggers"] = [trigger]
        found = run(objects)
        assert any("since its name says so" in text for text in found.assumptions)
