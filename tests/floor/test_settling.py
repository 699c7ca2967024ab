"""How to settle an open point depends on what hides the value."""

from __future__ import annotations

from typing import Any

import pytest

from zerofloor.capacity import Undecided
from zerofloor.floor.settling import SECRET_VALUE, UNKNOWN_TYPE, how_to_settle
from zerofloor.platforms.declared import SETTLE_VALUE
from zerofloor.platforms.machines import SETTLE_TYPE
from zerofloor.stack import SECRET, UNKNOWN, Resource

URN = "urn:pulumi:dev::shop::aws:eks/nodeGroup:NodeGroup::gpu"


@pytest.mark.parametrize(
    ("inputs", "path", "said", "settle"),
    [
        # A secret isn't made known by naming its type: only a plain value or a hint helps.
        ({"instanceTypes": [SECRET]}, "instanceTypes[0]", SETTLE_TYPE, SECRET_VALUE),
        ({"scalingConfig": {"minSize": SECRET}}, "scalingConfig.minSize", SETTLE_VALUE, SECRET_VALUE),
        ({"instanceTypes": [UNKNOWN]}, "instanceTypes[0]", SETTLE_TYPE, UNKNOWN_TYPE),
        ({"instanceTypes": UNKNOWN}, "instanceTypes", "Declare it", "Declare it"),
        ({"scalingConfig": {"minSize": UNKNOWN}}, "scalingConfig.minSize", SETTLE_VALUE, SETTLE_VALUE),
        ({"instanceTypes": ["zz.huge"]}, "instanceTypes[0]", SETTLE_TYPE, SETTLE_TYPE),
        ({}, "", SETTLE_VALUE, SETTLE_VALUE),
    ],
)  # fmt: skip
def test_by_what_hides_it(inputs: dict[str, Any], path: str, said: str, settle: str) -> None:
    resource = Resource(URN, "aws:eks/nodeGroup:NodeGroup", "gpu", inputs)
    point = Undecided(URN, path, "It could be a GPU type", said)
    assert how_to_settle(point, resource) == settle
    assert how_to_settle(point, None) == said
