"""Values that no platform can have: no exception, and no pass where GPUs were held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hiding import Hiding, floor_of, hide, hidings
from tests.platforms.stacks import Labelled, labelled
from zerofloor.settings import parse
from zerofloor.stack import UNKNOWN, Resource, Stack

KUBERNETES = Path(__file__).parents[1] / "platforms" / "kubernetes"


def _deep(levels: int) -> Any:
    value: Any = {"nvidia.com/gpu": 1}
    for _ in range(levels):
        value = {"spec": [value]}
    return value


BAD: list[Any] = [
    -1,
    0.5,
    1e9,
    10**30,
    -(10**30),
    float("nan"),
    float("inf"),
    "",
    "abc",
    "NaN",
    "1e400",
    "-1",
    "９",
    True,
    None,
    [],
    {},
]
BAD += [
    [None],
    [[1]],
    {"": {}},
    "\x00",
    "0" * 400,
    _deep(60),
    "cron(",
    "*/0 * * * *",
    "{",
    {"matchLabels": 3},
    2**63,
]
STEP = 186
"""Every so many of about 200,000 stacks are tried here."""


def bad_stacks(step: int) -> list[tuple[Labelled, Hiding, Any]]:
    """Labelled stacks with one value that can't be, and where it stands."""
    found: list[tuple[Labelled, Hiding, Any]] = []
    number = 0
    for name, one in labelled(KUBERNETES).items():
        for hiding in hidings(name, one.parts[0]):
            if hiding.hidden is not UNKNOWN:
                continue
            for bad in BAD:
                if number % step == 0:
                    found.append((one, hiding, bad))
                number += 1
    return found


def test_no_value_makes_an_exception() -> None:
    tried = bad_stacks(STEP)
    for one, hiding, bad in tried:
        try:
            floor_of(hide(one.parts[0], hiding, bad), parse(dict(one.settings), "test"))
        except Exception as error:
            raise AssertionError(f"{hiding.shown} = {bad!r}"[:300]) from error
    assert len(tried) > 800


BAD_COUNTS: list[Any] = [-1, 0.5, 1e9, "many", [], True]
COUNTS = {
    "replicas",
    "minReplicas",
    "minReplicaCount",
    "parallelism",
    "nvidia.com/gpu",
    "autoscaling.knative.dev/min-scale",
    "numOfHosts",
    "size",
}


RIGHT = (
    "NodePool spec.limits",
    "keda: beside an HPA: both",
    "LinuxVirtualMachine spec.forProvider.size",
)
"""A limit below one node brings none, an HPA that the API refuses leaves the ScaledObject in
charge, and the size of a machine is no count but its type."""


def test_an_impossible_count_never_makes_a_pass() -> None:
    wrong: list[str] = []
    for name, one in labelled(KUBERNETES).items():
        settings = parse(dict(one.settings), "test")
        if one.label["verdict"] != "held" or len(one.parts) > 1:
            continue
        for hiding in hidings(name, one.parts[0]):
            if hiding.hidden is not UNKNOWN or hiding.path[-1] not in COUNTS:
                continue
            for bad in BAD_COUNTS:
                floor = floor_of(hide(one.parts[0], hiding, bad), settings)
                said = f"{hiding.shown} = {bad!r}"
                if floor.verdict == "zero" and not any(part in said for part in RIGHT):
                    wrong.append(said)
    assert not wrong, "\n".join(wrong)


def test_parents_in_a_circle() -> None:
    urns = [f"urn:pulumi:dev::x::kubernetes:apps/v1:Deployment::{name}" for name in ("a", "b")]
    spec = {
        "template": {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1}}}]}}
    }
    inputs = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
    circle = tuple(
        Resource(
            urn,
            "kubernetes:apps/v1:Deployment",
            urn[-1],
            {**inputs, "metadata": {"name": urn[-1]}},
            parent=urns[1 - index],
        )
        for index, urn in enumerate(urns)
    )
    assert floor_of(Stack("digest", circle)).gpus == 2


@pytest.mark.parametrize("number", [1e9, 999_999])
def test_a_count_beyond_reason_takes_no_time_and_is_not_believed(number: float) -> None:
    spec = {
        "replicas": number,
        "template": {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1}}}]}},
    }
    inputs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    floor = floor_of(
        Stack(
            "digest",
            (
                Resource(
                    "urn:pulumi:dev::x::kubernetes:apps/v1:Deployment::a",
                    "kubernetes:apps/v1:Deployment",
                    "a",
                    inputs,
                ),
            ),
        )
    )
    assert floor.verdict == ("held" if number < 1e6 else "undecided")
