"""What must hold whatever the requests are.

With one replica at most, a trigger that sees every request, and starts that take no time, another
request and a longer window never cost less. Where starts bill, a longer window may save one; where
a scaler looks now and then, it may miss a request that a later start would have made it see.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.stacks import TODAY, manifests, run, stack, trace
from zerofloor.estate import estate
from zerofloor.reports.simulation import render, render_json
from zerofloor.settings import Settings
from zerofloor.simulation.service import read
from zerofloor.simulation.simulate import Asked, Serving
from zerofloor.simulation.variants import Choice

AT_ONCE = Serving(node_seconds=0.0, image_seconds=0.0, load_seconds=0.0)
_ARRIVALS = st.lists(st.integers(0, 4000), min_size=1, max_size=12)


def _pushed() -> dict[str, Any]:
    objects = manifests()
    address = "keda-add-ons-http-external-scaler.keda:9090"
    trigger = {"type": "external-push", "metadata": {"scalerAddress": address}}
    objects["ScaledObject"]["spec"]["triggers"] = [trigger]
    return objects


def _hours(objects: dict[str, Any], arrivals: list[int], serving: Serving = AT_ONCE) -> Decimal:
    requests = trace(0.0, *(float(at) for at in arrivals), span=100_000.0)
    return run(objects, requests, Asked(serving=serving)).outcomes[0].node_hours


@given(arrivals=_ARRIVALS, more=st.integers(0, 4000))
@settings(max_examples=30, deadline=None)
def test_another_request_never_costs_less(arrivals: list[int], more: int) -> None:
    assert _hours(_pushed(), [*arrivals, more]) >= _hours(_pushed(), arrivals)


@given(arrivals=_ARRIVALS, windows=st.tuples(st.integers(0, 900), st.integers(0, 900)))
@settings(max_examples=30, deadline=None)
def test_a_longer_window_never_costs_less(arrivals: list[int], windows: tuple[int, int]) -> None:
    objects = _pushed()
    hours = []
    for window in sorted(windows):
        objects["ScaledObject"]["spec"]["cooldownPeriod"] = window
        hours.append(_hours(objects, arrivals))
    assert hours[0] <= hours[1]


@given(
    minimum=st.integers(0, 3),
    replicas=st.none() | st.integers(0, 2),
    scaled=st.booleans(),
    kept=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_a_week_without_a_request_costs_the_analysis_floor(
    minimum: int, replicas: int | None, scaled: bool, kept: bool
) -> None:
    objects = copy.deepcopy(manifests())
    objects["ScaledObject"]["spec"] |= {"minReplicaCount": minimum, "maxReplicaCount": 4}
    if replicas is not None:
        objects["Deployment"]["spec"]["replicas"] = replicas
    if not scaled:
        del objects["ScaledObject"]
    if kept:
        objects["NodePool"]["spec"]["disruption"]["consolidateAfter"] = "Never"
    floor = read(estate((stack(objects),), Settings(), TODAY)).floor
    found = run(objects, trace(span=604_800.0))
    one = found.outcomes[0]
    assert one.node_hours == 168 * Decimal(floor.nodes or 0)
    assert one.gpu_hours == 168 * (floor.gpus or Decimal(0))
    assert one.floor_nodes == floor.nodes
    assert (one.requests, one.held, one.cold_starts) == (0, 0, 0)


@given(arrivals=_ARRIVALS)
@settings(max_examples=5, deadline=None)
def test_the_same_question_has_the_same_bytes(arrivals: list[int]) -> None:
    requests = trace(*(float(at) for at in arrivals))
    asked = Asked(choices=(Choice("minReplicaCount", ("0", "1")),), max_wait=60.0)
    first, second = (run(None, requests, asked) for _ in range(2))
    assert render_json(first) == render_json(second)
    assert render(first) == render(second)
