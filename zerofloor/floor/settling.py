"""How to settle what is undecided, by what hides the value: a secret isn't made known by naming
it."""

from __future__ import annotations

from typing import Final

from zerofloor.capacity import Undecided
from zerofloor.platforms.machines import SETTLE_TYPE
from zerofloor.stack import SECRET, UNKNOWN, Resource
from zerofloor.values import get

HINT: Final = 'hints: {workloads: [{urn: "*::NAME", runs: never, reason: …}]}'
"""What goes for a pool or a workload whatever its properties are."""

SECRET_VALUE: Final = (
    f"Pass it as plain configuration, not as a secret; or, if it keeps no GPU, add {HINT} to "
    "zerofloor.yaml, with the name of the instance, group or workload"
)
UNKNOWN_TYPE: Final = (
    "Use a type known at preview (a config value, not another resource's output); or, if it has "
    f"no GPU, add {HINT} to zerofloor.yaml, with the name of the instance or group"
)


def how_to_settle(point: Undecided, resource: Resource | None) -> str:
    """What its reader says, unless the value at fault is hidden and that doesn't help."""
    if resource is None or not point.path:
        return point.settle
    value = get(resource.inputs, point.path)
    if value is SECRET:
        return SECRET_VALUE
    if value is UNKNOWN and point.settle == SETTLE_TYPE:
        return UNKNOWN_TYPE
    return point.settle
