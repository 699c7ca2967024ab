"""What runs now, as plain values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from zerofloor.structs import Value

SCHEMA: Final = "zerofloor.live/1"
UNDO_SCHEMA: Final = "zerofloor.undo/1"


class Kind(StrEnum):
    """What can be put to zero at one go."""

    INSTANCE = "EC2 instance"
    GROUP = "Auto Scaling group"
    NODE_GROUP = "EKS node group"
    ENDPOINT = "SageMaker endpoint"


class Use(StrEnum):
    """Whether it was used in the time that was asked about."""

    BUSY = "busy"
    IDLE = "idle"
    UNKNOWN = "unknown"
    """No metric tells."""


class State(StrEnum):
    """What runs beside what is declared."""

    ORPHANED = "orphaned"
    """No stack that was given declares it."""
    DRIFTED = "drifted"
    """Its bounds in the account are above those of its declaration."""
    HELD = "held as declared"
    """Its declaration keeps it, so it is the gate's."""
    IDLE = "idle though allowed"
    """It may run, and nothing used it."""
    RUNNING = "running"
    """It may run, and it is used or nothing tells."""
    MANAGED = "managed by a cluster"
    """A cluster's autoscaler made it (Karpenter), so the cluster's workloads decide."""


class Size(Value, frozen=True):
    """The bounds of a group."""

    least: int
    wanted: int
    most: int


class Unit(Value, frozen=True, kw_only=True):
    """GPU machines that one name stands for: an instance, a group, an endpoint."""

    kind: Kind
    id: str
    """What the API calls it: `i-…`, a group's name, CLUSTER/NODEGROUP, an endpoint's name."""
    region: str
    instance_type: str
    machines: int
    gpus: Decimal
    """Of all its machines."""
    size: Size | None = None
    """None for an instance."""
    instances: tuple[str, ...] = ()
    since: datetime.datetime | None = None
    """When its oldest machine was started."""
    tags: Mapping[str, str] = {}
    spot: bool = False
    cluster: str = ""
    """Set where a cluster's autoscaler made it."""


class Fault(Value, frozen=True):
    """What could not be read."""

    what: str
    """`ec2:DescribeInstances in us-east-1`."""
    why: str


class Found(Value, frozen=True):
    """A unit beside its declaration."""

    unit: Unit
    state: State
    use: Use
    why: str
    """As a clause."""
    stack: str = ""
    """PROJECT/STACK of the declaration; empty where there is none."""
    urn: str = ""
    monthly: Decimal | None = None
    """USD that it bills in a month as it runs now; None where its price isn't known."""


class Live(Value, frozen=True):
    """What an account runs now."""

    account: str
    found: tuple[Found, ...]
    faults: tuple[Fault, ...]
