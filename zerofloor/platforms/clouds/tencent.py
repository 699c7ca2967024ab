"""Tencent Cloud: CVM instances, scaling groups, TKE node pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import STILL_BILLS, account, linked, token_set, tokens
from zerofloor.platforms.declared import Declared, Size
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, NUMBER, Kept, Row, Scaling, as_declared, read_rows

CLOUD: Final = "tencent"
_CONFIGS: Final = tokens("tencentcloud:As/scalingConfig:ScalingConfig")
_STOP_DOCS: Final = (
    "Tencent Cloud docs, “No Charges When Shut Down” (no charges when shut down: "
    "pay-as-you-go, STOP_CHARGING)"
)
_INSTANCE: Final = Row(
    cloud=CLOUD,
    tokens=tokens("tencentcloud:Instance/instance:Instance"),
    platform="Tencent Cloud CVM instance",
    machine=("instanceType",),
    cause=Cause.INSTANCE,
    because="an instance bills while it runs",
    fix="Delete the instance when it isn't used",
    source=_STOP_DOCS,
    spot=(("instanceChargeType", "SPOTPAID"),),
    stopped="KEEP_CHARGING still bills; STOP_CHARGING isn't documented for GPU types: undecided",
)
_GROUP: Final = Row(
    cloud=CLOUD,
    tokens=tokens("tencentcloud:As/scalingGroup:ScalingGroup"),
    platform="Tencent Cloud scaling group",
    machine=("configurationId",),
    machines=linked(CLOUD, "configurationId", _CONFIGS, "instanceTypes"),
    count=("desiredCapacity", "minSize"),
    default=0,
    ceiling=("maxSize",),
    cause=Cause.POOL_MINIMUM,
    because="the group keeps this many instances",
    fix="Set minSize and desiredCapacity to 0",
    change=((COUNT, 0), ("minSize", 0)),
    source="Tencent Cloud docs, Auto Scaling",
)
_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("tencentcloud:Kubernetes/nodePool:NodePool"),
    platform="TKE node pool",
    machine=("autoScalingConfig.instanceType",),
    count=("desiredCapacity", "minSize"),
    default=0,
    cause=Cause.DESIRED_NOT_LOWERED,
    because="without enableAutoScale the pool keeps this many nodes",
    fix="Set enableAutoScale to true and minSize to 0",
    change=(("enableAutoScale", True), ("minSize", 0), ("maxSize", NUMBER)),
    source="Tencent Cloud docs, TKE node pools (node pools)",
    scaling=Scaling(
        switch="enableAutoScale",
        minimum=("minSize",),
        maximum=("maxSize",),
        fix="Set minSize to 0",
    ),
    nodes=Nodes(),
    spot=(("autoScalingConfig.instanceChargeType", "SPOTPAID"),),
)
_SCALE: Final = Row(
    cloud=CLOUD,
    tokens=tokens("tencentcloud:Kubernetes/scaleWorker:ScaleWorker"),
    platform="TKE workers",
    machine=("workerConfig.instanceType",),
    count=("workerConfig.count",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the cluster keeps this many workers",
    fix="Delete the workers when they aren't used, or use a node pool with minSize 0",
    source="Tencent Cloud docs, TKE nodes",
    nodes=Nodes(),
)
ROWS: Final = (_INSTANCE, _GROUP, _POOL, _SCALE)
_QUIET: Final = dict.fromkeys(_CONFIGS, "its scaling group counts")
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, (_INSTANCE,), keep=_instance)
    yield from read_rows(estate, (_GROUP, _POOL, _SCALE))
    yield from account(estate, _QUIET)


def _instance(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A stopped instance keeps charging unless told otherwise."""
    kept = as_declared(estate, source, row, number, found)
    if source.field("runningFlag").switch() is not False:
        return kept
    mode = source.field("stoppedMode")
    if mode.text() == "STOP_CHARGING":
        why = "stoppedMode is STOP_CHARGING, which isn't documented to stop the bill of GPU types"
        return replace(kept, holds=(), undecided=(mode.undecided(why),))
    link = source.field("runningFlag").evidence(STILL_BILLS)
    return replace(
        kept, holds=tuple(replace(hold, evidence=(*hold.evidence, link)) for hold in kept.holds)
    )
