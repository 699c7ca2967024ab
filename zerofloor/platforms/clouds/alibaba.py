"""Alibaba Cloud: ECS, Auto Scaling, ACK node pools, ECI, PAI-EAS, Function Compute, EAIS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Accounted, Cause, Evidence, Part
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.clouds.read import (
    STILL_BILLS,
    account,
    is_settled,
    linked,
    token_set,
    tokens,
)
from zerofloor.platforms.declared import Declared, Field, Size, declared, link_of
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, describe, machines_of, union
from zerofloor.platforms.nodes import Nodes
from zerofloor.platforms.rows import COUNT, NUMBER, Kept, Row, Scaling, as_declared, read_rows
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, get, known_items

CLOUD: Final = "alibaba"
_CONFIGURATIONS: Final = tokens("alicloud:ess/scalingConfiguration:ScalingConfiguration")
_GROUPS: Final = tokens("alicloud:ess/scalingGroup:ScalingGroup")
_TEMPLATES: Final = tokens(
    "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate",
    "alicloud:ecs/launchTemplate:LaunchTemplate",
)
_RULES: Final = tokens("alicloud:ess/scalingRule:ScalingRule")
_FUNCTIONS: Final = tokens("alicloud:fc/v3Function:V3Function")
_ECONOMICAL: Final = (
    "Alibaba Cloud docs, “Economical mode” (vCPUs, memory and GPUs "
    "are released; not for gn5 and families with local SSDs)"
)
_NOT_ECONOMICAL: Final = re.compile(r"ecs\.(?:gn5(?:[-.]|$)|ebmre6p|re6p|i\d|d\d|sccgn)")
_SPOT: Final = (
    ("spotStrategy", "SpotAsPriceGo"),
    ("spotStrategy", "SpotWithPriceLimit"),
)

_of_template: Final = linked(CLOUD, "launchTemplateId", _TEMPLATES, "instanceType")


def _of_instance(estate: Estate, source: Declared, prefix: str) -> Machines:
    """An instance's own type, else that of its launch template."""
    kind = source.field("instanceType")
    if kind.is_absent and not source.field("launchTemplateId").is_absent:
        return _of_template(estate, source, prefix)
    return (
        Machines() if kind.is_absent else machines_of(estate, CLOUD, source, kind.path, kind.value)
    )


_INSTANCE: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:ecs/instance:Instance"),
    platform="ECS instance (Alibaba Cloud)",
    machine=("instanceType",),
    machines=_of_instance,
    cause=Cause.INSTANCE,
    because="an instance bills while it runs",
    fix="Set status to Stopped and stoppedMode to StopCharging when it isn't used",
    change=(("status", "Stopped"), ("stoppedMode", "StopCharging")),
    source=_ECONOMICAL,
    spot=_SPOT,
    also="`status` Stopped with `stoppedMode` StopCharging releases it; omitted: undecided",
    stopped="free with stoppedMode StopCharging on PostPaid, except gn5 and local-SSD families",
)


def _of_group(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The types of a scaling group: of the configurations that belong to it, or of its template."""
    parts = []
    for configuration in declared(estate, *_CONFIGURATIONS):
        value = configuration.inputs.get("scalingGroupId")
        link = link_of(estate, configuration, "scalingGroupId", *_GROUPS, value=value)
        if source.resource not in link.found:
            continue
        kinds = configuration.field("instanceTypes", "instanceType")
        if kinds.is_absent:
            kinds = configuration.field("instanceTypeOverrides[0].instanceType")
        parts.append(machines_of(estate, CLOUD, configuration, kinds.path, kinds.value))
    if not parts and source.field("launchTemplateId").value is not None:
        return _of_template(estate, source, "")
    return union(parts)


_GROUP: Final = Row(
    cloud=CLOUD,
    tokens=_GROUPS,
    platform="scaling group (Alibaba Cloud)",
    machine=("launchTemplateId",),
    machines=_of_group,
    also="with scaling rules `minSize` alone",
    count=("desiredCapacity", "minSize"),
    default=0,
    ceiling=("maxSize",),
    cause=Cause.POOL_MINIMUM,
    because="the group keeps this many instances",
    fix="Set minSize and desiredCapacity to 0",
    change=((COUNT, 0), ("minSize", 0)),
    source="pulumi_alicloud 4.0.0 ess/scalingGroup (scaling groups)",
)
_POOL: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:cs/nodePool:NodePool"),
    platform="ACK node pool",
    machine=("instanceTypes",),
    count=("desiredSize", "nodeCount"),
    default=0,
    cause=Cause.DESIRED_NOT_LOWERED,
    because="without scalingConfig.enable the pool keeps this many nodes",
    fix="Set scalingConfig.enable to true and scalingConfig.minSize to 0",
    change=(
        ("scalingConfig.enable", True),
        ("scalingConfig.minSize", 0),
        ("scalingConfig.maxSize", NUMBER),
    ),
    source="pulumi_alicloud 4.0.0 cs/nodePool (auto-scaling node pools: minSize 0 to 1000)",
    scaling=Scaling(
        switch="scalingConfig.enable",
        minimum=("scalingConfig.minSize",),
        maximum=("scalingConfig.maxSize",),
        fix="Set scalingConfig.minSize to 0",
    ),
    nodes=Nodes(
        name="nodePoolName",
        cloud_labels=(
            "alibabacloud.com/nodepool-id",
            "aliyun.accelerator/nvidia_count",
            "aliyun.accelerator/nvidia_mem",
            "aliyun.accelerator/nvidia_name",
        ),
    ),
    spot=_SPOT,
)


_SET: Final = replace(
    _INSTANCE,
    tokens=tokens("alicloud:ecs/ecsInstanceSet:EcsInstanceSet"),
    platform="ECS instance set (Alibaba Cloud)",
    count=("amount",),
    fix="Set amount to 0 when the instances aren't used",
    change=((COUNT, 0),),
    source="pulumi_alicloud 4.0.0 ecs/ecsInstanceSet",
    stopped="",
)
_WORKERS: Final = Row(
    cloud=CLOUD,
    tokens=tokens(
        "alicloud:cs/managedKubernetes:ManagedKubernetes",
        "alicloud:cs/kubernetes:Kubernetes",
        "alicloud:cs/edgeKubernetes:EdgeKubernetes",
    ),
    platform="ACK cluster workers",
    machine=("workerInstanceTypes",),
    count=("workerNumber",),
    default=0,
    cause=Cause.DESIRED_NOT_LOWERED,
    because="the cluster keeps this many workers",
    fix="Set workerNumber to 0, and use a node pool with scalingConfig.minSize 0",
    change=((COUNT, 0),),
    source="pulumi_alicloud 4.0.0 cs/edgeKubernetes (older versions of the others)",
    nodes=Nodes(),
)
_RESERVED: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:ecs/capacityReservation:CapacityReservation"),
    platform="ECS capacity reservation (Alibaba Cloud)",
    machine=("instanceType",),
    count=("instanceAmount",),
    cause=Cause.RESERVATION,
    because="reserved capacity bills, used or not",
    fix="Release the reservation when it isn't used",
    source="pulumi_alicloud 4.0.0 ecs/capacityReservation",
)


def _eci(estate: Estate, source: Declared, prefix: str) -> Machines:
    """A container group's type, or the GPUs that its containers ask for."""
    kind = source.field("instanceType")
    if not kind.is_absent:
        named = kind.value
        listed = named.split(",") if isinstance(named, str) else named
        return machines_of(estate, CLOUD, source, kind.path, listed)
    containers = source.field("containers")
    if containers.is_hidden:
        why = "The containers aren't known at preview: they may ask for GPUs"
        return Machines(undecided=(containers.undecided(why, SETTLE_TYPE),))
    total = 0
    for index, item in enumerate(known_items(containers.value)):
        asked = count(at(item, "gpu"))
        if isinstance(asked, Hidden | Impossible):
            field = Field(source=source, path=f"containers[{index}].gpu", value=at(item, "gpu"))
            why = f"{field.path} isn't known at preview"
            return Machines(undecided=(field.undecided(why, SETTLE_TYPE),))
        total += asked or 0
    shape = Shape(CLOUD, "ECI containers", Decimal(total), "NVIDIA GPU of ECI" if total else "")
    return Machines((shape,), evidence=(containers.evidence(describe((shape,))),))


_ECI: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:eci/containerGroup:ContainerGroup"),
    platform="ECI container group",
    machine=("instanceType", "containers"),
    machines=_eci,
    cause=Cause.INSTANCE,
    because="a container group bills while it exists",
    fix="Delete the container group when it isn't used",
    source="pulumi_alicloud 4.0.0 eci/containerGroup (billing)",
)


def _pai(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The machine of an EAS service, whose configuration is one JSON string."""
    field = source.field("serviceConfig")
    if field.is_absent:
        return Machines()
    config = _parsed(field.value)
    if config is None:
        why = "serviceConfig can't be read at preview: it may name GPU instances"
        return Machines(undecided=(field.undecided(why, SETTLE_TYPE),))
    kind = get(config, "cloud.computing.instance_type")
    kinds = get(config, "cloud.computing.instances")
    listed = [kind] if kind is not None else [at(item, "type") for item in known_items(kinds)]
    asked = count(get(config, "metadata.gpu"))
    if listed:
        parts = [_eas_type(estate, field, name) for name in listed]
        return union(parts)
    if asked is not None and not isinstance(asked, int):
        return Machines(undecided=(field.undecided("metadata.gpu is not a number", SETTLE_TYPE),))
    shape = Shape(CLOUD, "EAS service", Decimal(asked or 0), "NVIDIA GPU of EAS" if asked else "")
    return Machines((shape,), evidence=(field.evidence(describe((shape,))),))


def _eas_type(estate: Estate, field: Field, name: Any) -> Machines:
    """EAS has names of its own: ml.gu7i.c8m30.1-gu30 has one GPU, ml.c6.large none."""
    if isinstance(name, str) and (match := re.fullmatch(r"ml\.g[nu][\w.]*?\.(\d+)-gu\d+", name)):
        shape = Shape(CLOUD, name, Decimal(match[1]), "NVIDIA GPU of EAS")
        return Machines((shape,), evidence=(field.evidence(describe((shape,))),))
    if isinstance(name, str) and re.match(r"ml\.g[nu]", name):
        shape = Shape(CLOUD, name, None, "NVIDIA GPU of EAS")
        return Machines((shape,), evidence=(field.evidence(describe((shape,))),))
    if isinstance(name, str) and name.startswith("ml."):
        return Machines((Shape(CLOUD, name, Decimal(0)),))
    return machines_of(estate, CLOUD, field.source, field.path, name)


def _parsed(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


_EAS: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:pai/service:Service"),
    platform="PAI-EAS service",
    machine=("serviceConfig",),
    machines=_pai,
    cause=Cause.ENDPOINT,
    because="an EAS service keeps its instances (metadata.instance)",
    fix="Set metadata.instance in serviceConfig to 0, or delete the service when it isn't used",
    source="Alibaba Cloud docs, PAI-EAS (EAS: parameters of model services)",
)
_EAIS: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:eais/instance:Instance"),
    platform="EAIS instance",
    machine=("instanceType",),
    translate=lambda name: Shape(CLOUD, name, None, "NVIDIA GPU of EAIS"),
    cause=Cause.INSTANCE,
    because="an elastic accelerated instance bills while it exists",
    fix="Delete the EAIS instance when it isn't used",
    source="pulumi_alicloud 4.0.0 eais/instance (billing)",
)


def _function(estate: Estate, source: Declared, prefix: str) -> Machines:
    """The GPU function whose instances are provisioned."""
    value = source.inputs.get("functionName")
    names = ("functionName",)
    link = link_of(estate, source, "functionName", *_FUNCTIONS, value=value, names=names)
    parts = []
    for resource in link.found:
        gpu = Declared(resource, resource.inputs, resource.name).field("gpuConfig")
        memory = gpu.source.field("gpuConfig.gpuMemorySize").count()
        if gpu.is_absent or memory == 0:
            parts.append(Machines((Shape(CLOUD, "function", Decimal(0)),)))
        else:
            shape = Shape(CLOUD, "GPU function", None, "NVIDIA GPU of Function Compute")
            parts.append(Machines((shape,), evidence=(gpu.evidence(describe((shape,))),)))
    return union(parts)


_PROVISIONED: Final = Row(
    cloud=CLOUD,
    tokens=tokens("alicloud:fc/v3ProvisionConfig:V3ProvisionConfig"),
    platform="Function Compute provisioned instances",
    machine=("functionName",),
    machines=_function,
    count=("target", "defaultTarget"),
    default=0,
    cause=Cause.SCALER_MINIMUM,
    because="provisioned instances are kept without requests",
    fix="Set target to 0",
    change=((COUNT, 0),),
    source="pulumi_alicloud 4.0.0 fc/v3ProvisionConfig (provisioned instances)",
)
ROWS: Final = (
    _INSTANCE,
    _SET,
    _GROUP,
    _POOL,
    _WORKERS,
    _RESERVED,
    _ECI,
    _EAS,
    _EAIS,
    _PROVISIONED,
)
_QUIET: Final = {
    **dict.fromkeys(_CONFIGURATIONS, "its scaling group counts"),
    **dict.fromkeys(_TEMPLATES, "a launch template runs nothing by itself"),
    **dict.fromkeys(_FUNCTIONS, "a function's instances end with its requests"),
}
READS: Final = token_set(ROWS) | _QUIET.keys()


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, (_INSTANCE,), keep=_instance)
    yield from read_rows(estate, (_GROUP,), keep=_group)
    yield from read_rows(estate, (_EAS,), keep=_service)
    plain = (_SET, _POOL, _WORKERS, _RESERVED, _ECI, _EAIS, _PROVISIONED)
    yield from read_rows(estate, plain)
    for source in declared(estate, *_POOL.tokens):
        why = "a label: whether nodes have GPUs stands in instanceTypes"
        yield Accounted(urn=source.urn, path="scalingConfig.type", because=why)
    yield from account(estate, _QUIET)


def _instance(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A stopped instance is free in economical mode alone."""
    kept = as_declared(estate, source, row, number, found)
    status = source.field("status").text()
    if status != "Stopped":
        return kept
    mode = source.field("stoppedMode")
    if source.field("instanceChargeType").text() == "PrePaid":
        link = source.field("instanceChargeType").evidence("paid for the month, stopped or not")
        return _noted(kept, link, "Delete the instance when it isn't used: a stop ends no bill")
    excluded = bool(found.undecided) or any(
        _NOT_ECONOMICAL.match(shape.instance_type) for shape in found.shapes
    )
    match mode.text():
        case "StopCharging" if not excluded and not source.field("instanceChargeType").is_hidden:
            return Kept(ceiling=kept.ceiling)
        case "StopCharging":
            fix = "Delete the instance when it isn't used: its family has no economical mode"
            return _noted(kept, mode.evidence(STILL_BILLS), fix)
        case "KeepCharging" | "Not-applicable":
            return _noted(kept, mode.evidence(STILL_BILLS), "")
    why = "Stopped without a known stoppedMode: whether that ends the bill is the account's setting"
    settle = "Set stoppedMode to StopCharging"
    return replace(kept, holds=(), undecided=(mode.undecided(why, settle),))


def _noted(kept: Kept, link: Evidence, fix: str) -> Kept:
    """What a stop does not end, with another way out where stopping is none."""
    holds = (
        replace(
            hold,
            evidence=(*hold.evidence, link),
            fix=fix or hold.fix,
            change=() if fix else hold.change,
        )
        for hold in kept.holds
    )
    return replace(kept, holds=tuple(holds))


def _group(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A group keeps desiredCapacity, unless scaling rules move it: then its minimum."""
    minimum = source.field("minSize").count()
    has_rules = False
    for rule in declared(estate, *_RULES):
        value = rule.inputs.get("scalingGroupId")
        link = link_of(estate, rule, "scalingGroupId", *_GROUPS, value=value)
        has_rules = has_rules or (is_settled(link) and source.resource in link.found)
    if number.path == "desiredCapacity" and has_rules:
        number = Size(source, "minSize", minimum if isinstance(minimum, int | Hidden) else 0)
    elif isinstance(minimum, int) and (number.known or 0) < minimum and not number.is_hidden:
        number = Size(source, "minSize", minimum)
    return as_declared(estate, source, row, number, found)


def _service(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    config = _parsed(source.inputs.get("serviceConfig"))
    asked = count(get(config, "metadata.instance")) if config is not None else None
    if isinstance(asked, int):
        number = replace(number, value=asked)
    return as_declared(estate, source, row, number, found)
