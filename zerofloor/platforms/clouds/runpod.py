"""RunPod: pods and serverless endpoints, of both Pulumi packages (one namespace)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part, Pool
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import account, counted_gpus, token_set
from zerofloor.platforms.declared import Declared, declared
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.rows import COUNT, Idle, Row, read_rows
from zerofloor.stack import Hidden
from zerofloor.values import known_items

CLOUD: Final = "runpod"
_BILLING: Final = "RunPod docs, “Billing information”"


def _pod(estate: Estate, source: Declared, prefix: str) -> Machines:
    """A pod with `computeType: CPU` has CPU flavours, and no GPU."""
    compute = source.field("computeType").text()
    if isinstance(compute, str) and compute.upper() == "CPU":
        return Machines()
    named = ("gpuTypeId", "gpuTypeIdList", "gpuCount")
    names_no_gpu = all(source.field(path).is_absent for path in named)
    # Hidden ones may be anything; then a GPU counts.
    if names_no_gpu and known_items(source.field("instanceIds").value):
        return Machines()
    return counted_gpus(CLOUD, source, ("gpuTypeId", "gpuTypeIdList[0]"), ("gpuCount",), 1)


def _worker(estate: Estate, source: Declared, prefix: str) -> Machines:
    compute = source.field("computeType").text()
    if isinstance(compute, str) and compute.upper() == "CPU":
        return Machines()
    found = counted_gpus(CLOUD, source, ("gpuIds", "gpuTypeIds[0]"), ("gpuCount",), 1)
    # `gpuIds` may name several pools in order of preference; the first is tried first.
    shapes = tuple(
        replace(shape, instance_type=shape.instance_type.split(",")[0].strip())
        for shape in found.shapes
    )
    return replace(found, shapes=shapes)


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=("runpod:index:Pod", "runpod:index/pod:Pod"),
        platform="RunPod pod",
        machine=("gpuTypeId", "gpuTypeIdList", "gpuCount"),
        machines=_pod,
        cause=Cause.INSTANCE,
        because="a pod runs from its creation and bills by the second until it is stopped",
        fix="Serve it as a serverless Endpoint with workersMin 0, or set terminateAfter",
        price_as="pods",
        source=_BILLING,
        stopped="free but for its volume, which then costs more; a restart may find no GPU",
    ),
    Row(
        cloud=CLOUD,
        tokens=("runpod:index:Endpoint", "runpod:index/endpoint:Endpoint"),
        platform="RunPod serverless endpoint",
        machine=("gpuIds", "gpuCount"),
        machines=_worker,
        count=("workersMin",),
        default=0,
        ceiling=("workersMax",),
        cause=Cause.SCALER_MINIMUM,
        because="active workers run and bill around the clock",
        fix="Set workersMin to 0",
        change=((COUNT, 0),),
        price_as="serverless",
        idle=Idle(path="idleTimeout", default=5),
        source="RunPod docs, “Serverless pricing” (active workers bill 24/7)",
        stopped="flex workers bill until idleTimeout (5 s) after their last request",
    ),
)
_QUIET: Final = {
    "runpod:index:Template": "a template runs nothing by itself",
    "runpod:index:NetworkStorage": "storage has no GPU",
    "runpod:index:NetworkVolume": "storage has no GPU",
}
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    bounds = {
        source.urn: source.field("terminateAfter", "stopAfter")
        for source in declared(estate, *ROWS[0].tokens)
    }
    for part in read_rows(estate, ROWS):
        bound = bounds.get(part.urn) if isinstance(part, Pool) else None
        if isinstance(part, Pool) and bound is not None and bound.value is not None:
            note = (
                "it ends then, and bills until then"
                if not isinstance(bound.value, Hidden)
                else "when it ends isn't known at preview"
            )
            part = replace(
                part,
                holds=tuple(
                    replace(hold, evidence=(*hold.evidence, bound.evidence(note)))
                    for hold in part.holds
                ),
            )
        yield part
    yield from account(estate, _QUIET)
