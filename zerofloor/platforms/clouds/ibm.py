"""IBM Cloud: VPC instances, instance groups, bare metal, Kubernetes worker pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Cause, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.clouds.read import (
    account,
    is_settled,
    linked,
    or_autoscaled,
    token_set,
    tokens,
)
from zerofloor.platforms.declared import Declared, Size, declared, link_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, Kept, Release, Row, Stopped, as_declared, read_rows
from zerofloor.stack import Hidden

CLOUD: Final = "ibm"
_TEMPLATES: Final = tokens("ibm:index/isInstanceTemplate:IsInstanceTemplate")
_MANAGERS: Final = tokens("ibm:index/isInstanceGroupManager:IsInstanceGroupManager")
_DOCS: Final = "IBM VPC docs, “Instance profiles” (gx profiles have GPUs)"
_GROUP: Final = Row(
    cloud=CLOUD,
    tokens=tokens("ibm:index/isInstanceGroup:IsInstanceGroup"),
    platform="IBM instance group",
    machine=("instanceTemplate",),
    machines=linked(CLOUD, "instanceTemplate", _TEMPLATES, "profile"),
    count=("instanceCount",),
    default=0,
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the group keeps this many instances",
    fix="Set instanceCount to 0",
    change=((COUNT, 0),),
    source="IBM VPC docs, “Creating an instance group for auto scaling”",
    also="the `minMembershipCount` of an IsInstanceGroupManager in its place",
)
_WORKERS: Final = Row(
    cloud=CLOUD,
    tokens=tokens("ibm:index/containerVpcWorkerPool:ContainerVpcWorkerPool"),
    platform="IBM worker pool",
    machine=("flavor",),
    count=("workerCount",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the pool keeps this many workers in each zone",
    fix="Set workerCount to 0, or delete the pool when it isn't used",
    change=((COUNT, 0),),
    source="IBM Cloud Kubernetes Service docs, “Planning your worker node setup”",
    nodes=Nodes(name="workerPoolName", name_labels=("ibm-cloud.kubernetes.io/worker-pool-name",)),
)
_SERVER_STOP: Final = Release(
    path="action",
    values=("stop",),
    because="a stopped GPU instance may still bill",
    bills=Stopped.UNREAD,
)


def _server(token: str, platform: str) -> Row:
    return Row(
        cloud=CLOUD,
        tokens=tokens(token),
        platform=platform,
        machine=("profile",),
        cause=Cause.INSTANCE,
        because="an instance bills while it runs",
        fix="Delete the instance when it isn't used",
        source=_DOCS,
        releases=(_SERVER_STOP,),
        stopped="not documented, so undecided",
    )


_CLASSIC: Final = Row(
    cloud=CLOUD,
    tokens=tokens("ibm:index/computeVmInstance:ComputeVmInstance"),
    platform="IBM classic virtual server",
    machine=("flavorKeyName",),
    cause=Cause.INSTANCE,
    because="a virtual server bills while it exists",
    fix="Delete the virtual server when it isn't used",
    source="IBM classic infrastructure docs, “Virtual server profiles” (AC1, ACL1 have GPUs)",
    stopped="not documented; the resource has no power state",
)
_POOLS: Final = (
    _WORKERS,
    replace(_WORKERS, tokens=tokens("ibm:index/containerVpcCluster:ContainerVpcCluster")),
    replace(
        _WORKERS,
        tokens=tokens("ibm:index/containerWorkerPool:ContainerWorkerPool"),
        machine=("machineType",),
        count=("sizePerZone",),
    ),
    replace(
        _WORKERS,
        tokens=tokens("ibm:index/containerCluster:ContainerCluster"),
        machine=("machineType",),
        count=("defaultPoolSize", "workerNum"),
    ),
)
_SERVERS: Final = (
    _server("ibm:index/isInstance:IsInstance", "IBM VPC instance"),
    _server("ibm:index/isBareMetalServer:IsBareMetalServer", "IBM bare metal server"),
)
ROWS: Final = (*_SERVERS, _CLASSIC, _GROUP, *_POOLS)
_QUIET: Final = {
    **dict.fromkeys(_TEMPLATES, "a template runs nothing by itself"),
    **dict.fromkeys(_MANAGERS, "the group that it scales counts"),
}
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, (*_SERVERS, _CLASSIC))
    yield from read_rows(estate, (_GROUP,), keep=_group)
    yield from read_rows(estate, _POOLS, keep=_in_zones)
    yield from account(estate, _QUIET)


def _group(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A group, whose manager scales it between its bounds."""
    for manager in declared(estate, *_MANAGERS):
        value = manager.inputs.get("instanceGroup")
        link = link_of(estate, manager, "instanceGroup", *row.tokens, value=value)
        is_on = manager.field("enableManager").switch() is not False
        if source.resource not in link.found or not is_on:
            continue
        minimum = size(manager, ["minMembershipCount"], 1)
        if isinstance(minimum, Undecided) or minimum.known is None or not is_settled(link):
            why = "What its manager keeps at least isn't known: instances may stay"
            return Kept(undecided=(manager.open("minMembershipCount", why),))
        scaled = replace(
            row,
            cause=Cause.POOL_MINIMUM,
            because="the group's manager never goes below it",
            fix="Delete the group when it isn't used: minMembershipCount is at least 1",
            change=(),
        )
        return replace(as_declared(estate, source, scaled, minimum, found), ceiling=None)
    return as_declared(estate, source, row, number, found)


def _in_zones(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """Workers are counted by zone."""
    zones = source.field("zones").items()
    if isinstance(zones, Hidden) or number.known is None:
        return as_declared(estate, source, row, number, found)
    several = replace(number, value=number.known * max(1, len(zones)))
    return or_autoscaled(estate, source, row, several, found)
