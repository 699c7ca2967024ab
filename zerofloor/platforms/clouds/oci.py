"""Oracle Cloud Infrastructure: instances and pools, OKE, Data Science, dedicated AI clusters,
reservations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerofloor.capacity import Assumption, Cause, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.clouds.read import (
    account,
    is_settled,
    linked,
    or_autoscaled,
    still_bills,
    token_set,
    tokens,
)
from zerofloor.platforms.declared import Declared, Size, declared, link_of, size
from zerofloor.platforms.machines import Machines, describe, machines_of
from zerofloor.platforms.nodes import UNNEEDED, Nodes
from zerofloor.platforms.rows import (
    COUNT,
    PRESENT,
    Kept,
    Release,
    Row,
    Stopped,
    as_declared,
    read_rows,
)
from zerofloor.values import get, hidden, known_items, known_text

CLOUD: Final = "oci"
_INSTANCES: Final = tokens("oci:Core/instance:Instance")
_CONFIGURATIONS: Final = tokens("oci:Core/instanceConfiguration:InstanceConfiguration")
_SCALERS: Final = tokens("oci:Autoscaling/autoScalingConfiguration:AutoScalingConfiguration")
_ADDONS: Final = tokens("oci:ContainerEngine/addon:Addon")
_STOPPED_DOCS: Final = (
    "Oracle docs, “Resource Billing for Stopped Instances” "
    "(of GPU shapes only VM.GPU.A10 stops billing)"
)
_STOPPED: Final = (
    "VM.GPU.A10 is free; every other GPU shape bills as if it ran; a shutdown from inside the "
    "guest never ends billing"
)
_SHAPE_PATHS: Final = ("instanceDetails.launchDetails.shape", "instanceDetails.options[0].shape")
_of_configuration: Final = linked(CLOUD, "instanceConfigurationId", _CONFIGURATIONS, *_SHAPE_PATHS)


def _of_instance(estate: Estate, source: Declared, prefix: str) -> Machines:
    """An instance's own shape, else that of the configuration from which it is launched."""
    shape = source.field("shape")
    if shape.is_absent and not source.field("instanceConfigurationId").is_absent:
        return _of_configuration(estate, source, prefix)
    return (
        Machines() if shape.is_absent else machines_of(estate, CLOUD, source, "shape", shape.value)
    )


_INSTANCE: Final = Row(
    cloud=CLOUD,
    tokens=_INSTANCES,
    platform="OCI instance",
    machine=("shape",),
    machines=_of_instance,
    cause=Cause.INSTANCE,
    because="an instance bills while it runs, and most GPU shapes even while stopped",
    fix="Terminate the instance when it isn't used: of GPU shapes only VM.GPU.A10 stops billing",
    source=_STOPPED_DOCS,
    releases=(
        Release(
            path="state",
            values=("STOPPED",),
            only=r"VM\.GPU\.A10\.\d+",
            because="a stopped VM.GPU.A10 doesn't bill",
        ),
        still_bills("state", "STOPPED", because="this GPU shape bills while stopped"),
    ),
    spot=(("preemptibleInstanceConfig", PRESENT),),
    stopped=_STOPPED,
)
_INSTANCE_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:Core/instancePool:InstancePool"),
    platform="OCI instance pool",
    machine=("instanceConfigurationId",),
    machines=_of_configuration,
    count=("size",),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the pool keeps this many instances",
    fix="Set size to 0 when it isn't used",
    change=((COUNT, 0),),
    source="Oracle docs, “Creating Instance Configurations and Pools”",
    also="an AutoScalingConfiguration's `policies[].capacity.min` in its place",
    stopped=_STOPPED,
)
_NODE_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:ContainerEngine/nodePool:NodePool"),
    platform="OKE node pool",
    machine=("nodeShape",),
    count=("nodeConfigDetails.size", "quantityPerSubnet"),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the pool keeps this many nodes: no autoscaler add-on manages it",
    fix="Set nodeConfigDetails.size to 0, or let the ClusterAutoscaler add-on manage it from 0",
    change=((COUNT, 0),),
    source="Oracle docs, “Using the Kubernetes Cluster Autoscaler”",
    nodes=Nodes(cloud_labels=("name",), labels=("initialNodeLabels",)),
    also="the minimum that the ClusterAutoscaler add-on is given in its place",
    spot=(("nodeConfigDetails.placementConfigs[0].preemptibleNodeConfig", PRESENT),),
)
_NETWORK: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:Core/clusterNetwork:ClusterNetwork"),
    platform="OCI cluster network",
    machine=("instanceConfigurationId",),
    machines=_of_configuration,
    count=("size",),
    each="instancePools",
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the network's pool keeps this many instances, which bill even while stopped",
    fix="Terminate the cluster network when it isn't used, or set the size to 0",
    change=((COUNT, 0),),
    source="Oracle docs, “Cluster Networks”",
    stopped=_STOPPED,
)
_RACK: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:Core/computeGpuMemoryCluster:ComputeGpuMemoryCluster"),
    platform="OCI GPU memory cluster",
    machine=("instanceConfigurationId",),
    machines=_of_configuration,
    count=("size", "gpuMemoryClusterScaleConfig.targetSize"),
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the cluster keeps this many instances, which bill even while stopped",
    fix="Set size to 0, or delete the cluster when it isn't used",
    change=((COUNT, 0),),
    source="pulumi_oci 5.5.0 Core/computeGpuMemoryCluster",
    stopped=_STOPPED,
)
_INACTIVE: Final = Release(
    path="state",
    values=("INACTIVE",),
    because="INACTIVE may not free the GPU",
    bills=Stopped.UNREAD,
)
_MODEL: Final = "modelDeploymentConfigurationDetails.modelConfigurationDetails"
_DEPLOYMENT: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:DataScience/modelDeployment:ModelDeployment"),
    platform="OCI model deployment",
    machine=(f"{_MODEL}.instanceConfiguration.instanceShapeName",),
    count=(
        f"{_MODEL}.scalingPolicy.instanceCount",
        f"{_MODEL}.scalingPolicy.autoScalingPolicies[0].minimumInstanceCount",
    ),
    cause=Cause.ENDPOINT,
    because="a model deployment can't scale to zero: it keeps at least one instance",
    fix="Delete the model deployment when it isn't used: its smallest size is one instance",
    source="pulumi_oci 5.5.0 DataScience/modelDeployment",
    releases=(_INACTIVE,),
    stopped="INACTIVE: not documented, so undecided",
)
_NOTEBOOK: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:DataScience/notebookSession:NotebookSession"),
    platform="OCI notebook session",
    machine=(
        "notebookSessionConfigDetails.shape",
        "notebookSessionConfigurationDetails.shape",
    ),
    cause=Cause.INTERACTIVE,
    because="a session runs until it is deactivated or deleted",
    fix="Delete the notebook session when it isn't used",
    source="pulumi_oci 5.5.0 DataScience/notebookSession",
    releases=(_INACTIVE,),
    stopped="INACTIVE: not documented, so undecided",
)


def _units(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The hardware of a dedicated AI cluster's unit is not disclosed."""
    field = source.field("unitShape")
    name = field.text()
    shown = name if isinstance(name, str) else "dedicated AI unit"
    shape = Shape(CLOUD, shown, None, "accelerator of unknown kind")
    return Machines((shape,), evidence=(field.evidence(describe((shape,))),))


_AI_CLUSTER: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:GenerativeAi/dedicatedAiCluster:DedicatedAiCluster"),
    platform="OCI dedicated AI cluster",
    machine=("unitShape",),
    machines=_units,
    count=("unitCount",),
    cause=Cause.RESERVATION,
    because="a dedicated AI cluster can't scale to zero: hosting is for at least 744 unit-hours",
    fix="Use on-demand inference of Generative AI, and delete the cluster when it isn't used",
    source="Oracle docs, “Paying for Dedicated AI Clusters”",
)
_RESERVATION: Final = Row(
    cloud=CLOUD,
    tokens=tokens("oci:Core/computeCapacityReservation:ComputeCapacityReservation"),
    platform="OCI capacity reservation",
    machine=("instanceShape",),
    count=("reservedCount",),
    each="instanceReservationConfigs",
    cause=Cause.RESERVATION,
    because="reserved capacity that no instance uses bills at 85 %",
    fix="Set reservedCount to 0, or delete the reservation when it isn't used",
    change=((COUNT, 0),),
    source="Oracle docs, “Capacity Reservations”",
    also="without those that instances of the stack use",
)
ROWS: Final = (
    _INSTANCE,
    _INSTANCE_POOL,
    _NODE_POOL,
    _NETWORK,
    _RACK,
    _DEPLOYMENT,
    _NOTEBOOK,
    _AI_CLUSTER,
    _RESERVATION,
)
_QUIET: Final = {
    **dict.fromkeys(_CONFIGURATIONS, "a configuration runs nothing by itself"),
    **dict.fromkeys(_SCALERS, "the pool that it scales counts"),
    **dict.fromkeys(_ADDONS, "an add-on has no machine of its own"),
    **dict.fromkeys(tokens("oci:DataScience/job:Job"), "a job runs nothing until it is started"),
    **dict.fromkeys(tokens("oci:DataScience/jobRun:JobRun"), "a job run ends"),
    **dict.fromkeys(tokens("oci:DataScience/pipeline:Pipeline"), "a pipeline's runs end"),
    **dict.fromkeys(tokens("oci:Core/computeCluster:ComputeCluster"), "a cluster is a network"),
    **dict.fromkeys(tokens("oci:ContainerEngine/cluster:Cluster"), "its node pools count"),
    **dict.fromkeys(tokens("oci:Limits/quota:Quota"), "a quota runs nothing"),
}
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    plain = (_INSTANCE, _NETWORK, _RACK, _DEPLOYMENT, _NOTEBOOK, _AI_CLUSTER)
    yield from read_rows(estate, plain)
    yield from read_rows(estate, (_INSTANCE_POOL,), keep=_scaled)
    for part in read_rows(estate, (_NODE_POOL,), keep=_node_pool):
        yield _growing(estate, part)
    yield from read_rows(estate, (_RESERVATION,), keep=_unused)
    yield from account(estate, _QUIET)


def _scaled(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """An instance pool, whose size an autoscaling configuration may move."""
    for scaler in declared(estate, *_SCALERS):
        enabled = scaler.field("isEnabled")
        if enabled.switch() is False:
            continue
        target = scaler.field("autoScalingResources.id").value
        link = link_of(estate, scaler, "autoScalingResources", *_INSTANCE_POOL.tokens, value=target)
        if source.resource not in link.found:
            continue
        if enabled.is_hidden:
            why = "Whether its autoscaling configuration is enabled isn't known: instances may stay"
            return Kept(undecided=(enabled.undecided(why),))
        minimum = size(scaler, ["policies[0].capacity.min", "policies.capacity.min"])
        if isinstance(minimum, Undecided) or minimum.known is None or not is_settled(link):
            why = "The minimum of its autoscaling configuration isn't known: instances may stay"
            return Kept(undecided=(scaler.open("policies[0].capacity.min", why),))
        lowest = replace(
            row,
            cause=Cause.POOL_MINIMUM,
            because="autoscaling never goes below it",
            fix="Set policies[].capacity.min to 0",
            change=(),
        )
        kept = as_declared(estate, source, lowest, minimum, found)
        return replace(
            kept,
            holds=tuple(replace(hold, urn=source.urn) for hold in kept.holds),
            ceiling=None,
        )
    return as_declared(estate, source, row, number, found)


def _node_pool(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """An OKE pool, which the ClusterAutoscaler add-on of its cluster may lower."""
    subnets = known_items(source.inputs.get("subnetIds"))
    if number.path == "quantityPerSubnet" and number.known is not None and len(subnets) > 1:
        number = replace(number, value=number.known * len(subnets))
    addon = _autoscaler(estate)
    if addon is None or _manages_others(estate, addon, source):
        return or_autoscaled(estate, source, row, number, found)
    minimum = _minimum(estate, addon, source)
    if minimum is None:
        why = "The ClusterAutoscaler add-on may manage the pool: its minimum isn't known at preview"
        return Kept(undecided=(addon.open("configurations", why),), ceiling=None)
    managed = replace(
        row,
        cause=Cause.POOL_MINIMUM,
        because="the ClusterAutoscaler add-on never goes below it",
        fix="Set the pool's minimum in the add-on's nodes setting to 0 (nodes: 0:MAX:ID)",
        change=(),
    )
    kept = as_declared(estate, source, managed, minimum, found)
    what = f"The ClusterAutoscaler add-on {addon.name} manages node pool {source.name}"
    why = "its nodes setting has one entry, and no other pool is in reach"
    known = bool(_named_pools(estate, addon))
    assumptions = () if known else (Assumption(what, why),)
    return replace(kept, ceiling=None, assumptions=(*kept.assumptions, *assumptions))


def _autoscaler(estate: Estate) -> Declared | None:
    for addon in declared(estate, *_ADDONS):
        if addon.field("addonName").value == "ClusterAutoscaler":
            return addon
    return None


def _named_pools(estate: Estate, addon: Declared) -> tuple[str, ...]:
    """The node pools of the estate from which the add-on's configuration is computed."""
    needs = (addon.resource.property_dependencies or {}).get("configurations", ())
    kinds = _NODE_POOL.tokens
    return tuple(urn for urn in needs if urn in estate.by_urn and estate.by_urn[urn].type in kinds)


def _manages_others(estate: Estate, addon: Declared, pool: Declared) -> bool:
    """Whether the add-on names pools of the estate, and not this one."""
    named = _named_pools(estate, addon)
    return bool(named) and pool.urn not in named


def _minimum(estate: Estate, addon: Declared, pool: Declared) -> Size | None:
    """The minimum that the add-on's `nodes` (`MIN:MAX:ID, …`) gives this pool; None where that
    can't be told. Its only entry means the pool that it depends on, or the only pool."""
    alone = _named_pools(estate, addon) == (pool.urn,)
    alone = alone or len(estate.of_type(*_NODE_POOL.tokens)) == 1
    for index, item in enumerate(known_items(addon.inputs.get("configurations"))):
        path = f"configurations[{index}].value"
        value = get(item, "value")
        if get(item, "key") != "nodes" or hidden(value):
            continue
        entries = re.findall(r"(\d{1,4}):\d{1,4}:([\w.\-/]+)", known_text(value) or "")
        named = [low for low, name in entries if name in (pool.name, pool.inputs.get("id"))]
        if not named and len(entries) == 1 and alone:
            named = [entries[0][0]]
        if named:
            return Size(addon, path, int(named[0]))
    return None


def _growing(estate: Estate, part: Part) -> Part:
    """The pool as one that grows for pods, where an autoscaler manages it."""
    if not isinstance(part, Pool) or part.placement is None or _autoscaler(estate) is None:
        return part
    return replace(part, placement=replace(part.placement, grows=True, reclaim=UNNEEDED))


def _unused(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A reservation without the part that instances of the estate use: those bill themselves."""
    kept = as_declared(estate, source, row, number, found)
    if number.known is None:
        return kept
    names = {shape.instance_type for shape in found.shapes}
    used = 0
    for instance in declared(estate, *_INSTANCES):
        linked_urns = (instance.resource.property_dependencies or {}).get(
            "capacityReservationId", ()
        )
        # A shape that is hidden or no text is none of these: the more of the reservation counts.
        if source.urn in linked_urns and known_text(instance.inputs.get("shape")) in names:
            used += 1
    return as_declared(
        estate, source, row, replace(number, value=max(0, number.known - used)), found
    )
