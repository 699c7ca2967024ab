"""What must hold for every AWS declaration: more is never less, unknown is never safer, order and
names do not matter."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import stack_of
from tests.platforms.stacks import UNKNOWN
from zerofloor import platforms
from zerofloor.estate import estate
from zerofloor.floor.find import find_floor
from zerofloor.floor.result import Floor
from zerofloor.settings import parse

URN = "urn:pulumi:dev::case"


def floor(case: Mapping[str, Any], chosen: Any = None) -> Floor:
    whole = estate((stack_of(case),), parse(chosen or {}, "test"))
    return find_floor(platforms.read(whole), whole)


def gpu_hours(found: Floor) -> Decimal:
    return sum(
        (
            (e.supply.shapes[0].gpus or Decimal(1)) * e.supply.node_hours_per_week
            for e in found.entries
            if e.supply and e.nodes
        ),
        Decimal(0),
    )


@st.composite
def groups(draw: st.DrawFn) -> dict[str, Any]:
    """An Auto Scaling group or node group that AWS accepts, with what may raise or lower it."""
    low = draw(st.integers(0, 4))
    desired = draw(st.integers(low, 6))
    high = draw(st.integers(desired, 8))
    warm = draw(
        st.sampled_from(
            [
                None,
                {"poolState": "Running"},
                {"poolState": "Running", "minSize": 1},
                {"poolState": "Stopped"},
            ]
        )
    )
    return {
        "eks": draw(st.booleans()),
        "minimum": low,
        "desired": desired,
        "maximum": high,
        "autoscaler": draw(st.booleans()),
        "protected": draw(st.booleans()),
        # A warm pool and a mixed instances policy exclude each other (EC2 Auto Scaling user guide,
        # "Warm pools: limitations").
        "weight": None if warm else draw(st.sampled_from([None, "2", "3"])),
        "warm": warm,
        "up": draw(st.one_of(st.none(), st.integers(0, 8))),
    }


def case(group: Mapping[str, Any]) -> dict[str, Any]:
    sizes = (group["minimum"], group["desired"], group["maximum"])
    if group["eks"]:
        props: dict[str, Any] = {
            "clusterName": "c",
            "instanceTypes": ["g5.xlarge"],
            "scalingConfig": dict(zip(("minSize", "desiredSize", "maxSize"), sizes, strict=True)),
        }
        if group["warm"]:
            props["warmPoolConfig"] = group["warm"]
        return {"resources": [{"type": "aws:eks/nodeGroup:NodeGroup", "name": "g", "props": props}]}
    props = {
        "name": "g",
        **dict(zip(("minSize", "desiredCapacity", "maxSize"), sizes, strict=True)),
        "protectFromScaleIn": group["protected"],
        "launchTemplate": {"name": "lt"},
    }
    if group["weight"]:
        template = {
            "launchTemplateSpecification": {"launchTemplateName": "lt"},
            "overrides": [{"weightedCapacity": group["weight"]}],
        }
        props = {**props, "mixedInstancesPolicy": {"launchTemplate": template}}
        del props["launchTemplate"]
    if group["warm"]:
        props["warmPool"] = group["warm"]
    resources: list[dict[str, Any]] = [
        {"type": "aws:autoscaling/group:Group", "name": "g", "props": props},
        {
            "type": "aws:ec2/launchTemplate:LaunchTemplate",
            "name": "lt",
            "props": {"name": "lt", "instanceType": "g5.xlarge"},
        },
    ]
    if group["autoscaler"]:
        tracking = {
            "autoscalingGroupName": "g",
            "policyType": "TargetTrackingScaling",
            "targetTrackingConfiguration": {"targetValue": 50},
        }
        resources.append(
            {"type": "aws:autoscaling/policy:Policy", "name": "track", "props": tracking}
        )
    if group["up"] is not None:
        action = {
            "autoscalingGroupName": "g",
            "recurrence": "0 8 * * *",
            "minSize": -1,
            "maxSize": -1,
            "desiredCapacity": group["up"],
        }
        resources.append(
            {"type": "aws:autoscaling/schedule:Schedule", "name": "up", "props": action}
        )
        back = {
            "autoscalingGroupName": "g",
            "recurrence": "0 20 * * *",
            "minSize": -1,
            "maxSize": -1,
            "desiredCapacity": group["minimum"],
        }
        resources.append(
            {"type": "aws:autoscaling/schedule:Schedule", "name": "back", "props": back}
        )
    return {"resources": resources}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(groups(), st.sampled_from(["minimum", "desired", "warm", "up"]))
def test_more_is_never_less(group: dict[str, Any], field: str) -> None:
    more = dict(group)
    if field == "warm":
        more["warm"] = None if group["weight"] else {"poolState": "Running", "minSize": 3}
    elif field == "up":
        more["up"] = None if group["up"] is None else group["up"] + 1
    else:
        more[field] += 1
        more["desired"] = max(more["desired"], more["minimum"])
        more["maximum"] = max(more["maximum"], more["desired"])
    chosen = {"trust": {"clusterAutoscaler": group["autoscaler"]}}
    before, after = floor(case(group), chosen), floor(case(more), chosen)
    assert (after.gpus or 0) >= (before.gpus or 0)
    assert gpu_hours(after) >= gpu_hours(before)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(groups(), st.sampled_from(["minimum", "desired", "maximum", "warm"]))
def test_an_unknown_size_is_never_safer(group: dict[str, Any], field: str) -> None:
    if field == "warm" and group["warm"] is None:
        return
    chosen = {"trust": {"clusterAutoscaler": group["autoscaler"]}}
    before = floor(case(group), chosen)
    hidden = floor(case({**group, field: UNKNOWN}), chosen)
    assert hidden.verdict != "zero" or before.verdict == "zero"
