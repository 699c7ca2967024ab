"""Virtual machines, scale sets, standby pools, fleets and dedicated hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause, Hold, Market, Notice, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.azure import autoscale, shutdown
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.pools import Supply, fixed, hold_of, market, pools, unknown_number
from zerofloor.platforms.declared import Declared, Size, size
from zerofloor.platforms.machines import Machines, describe, union
from zerofloor.stack import Hidden
from zerofloor.values import at, hidden, known_items

NATIVE_VM: Final = "azure-native:compute:VirtualMachine"
VMS: Final[Mapping[str, str]] = {
    NATIVE_VM: "hardwareProfile.vmSize",
    "azure:compute/linuxVirtualMachine:LinuxVirtualMachine": "size",
    "azure:compute/windowsVirtualMachine:WindowsVirtualMachine": "size",
    "azure:compute/virtualMachine:VirtualMachine": "vmSize",
    "azure-native:devtestlab:VirtualMachine": "size",
    "azure:devtest/linuxVirtualMachine:LinuxVirtualMachine": "size",
    "azure:devtest/windowsVirtualMachine:WindowsVirtualMachine": "size",
}
"""Each type of virtual machine with the property that names its size."""

NATIVE_SET: Final = "azure-native:compute:VirtualMachineScaleSet"
ORCHESTRATED: Final = (
    "azure:compute/orchestratedVirtualMachineScaleSet:OrchestratedVirtualMachineScaleSet"
)
SETS: Final = (
    NATIVE_SET,
    "azure:compute/linuxVirtualMachineScaleSet:LinuxVirtualMachineScaleSet",
    "azure:compute/windowsVirtualMachineScaleSet:WindowsVirtualMachineScaleSet",
    ORCHESTRATED,
    "azure:compute/scaleSet:ScaleSet",
)
STANDBY: Final = (
    "azure-native:standbypool:StandbyVirtualMachinePool",
    "azure:compute/scaleSetStandbyPool:ScaleSetStandbyPool",
)
HOSTS: Final = (
    "azure-native:compute:DedicatedHost",
    "azure:compute/dedicatedHost:DedicatedHost",
)
HOST_GROUPS: Final = (
    "azure-native:compute:DedicatedHostGroup",
    "azure:compute/dedicatedHostGroup:DedicatedHostGroup",
)
PLANS: Final = (
    "azure-native:desktopvirtualization:ScalingPlan",
    "azure:desktopvirtualization/scalingPlan:ScalingPlan",
)
"""Scaling plans of Virtual Desktop: they act on a host pool, which session hosts join by a token
inside the machine."""
DEVOPS: Final = "azuredevops:index/elasticPool:ElasticPool"
FLEET: Final = "azure-native:azurefleet:Fleet"
READS: Final = frozenset(
    {*VMS, *SETS, *STANDBY, *HOSTS, *HOST_GROUPS, *PLANS, FLEET, DEVOPS}
    | shutdown.READS
    | autoscale.READS
)

_SHUT: Final = "Add an auto-shutdown schedule, or delete the VM when it isn't used"


def read(estate: Estate) -> Iterator[Part]:
    """Every machine that is declared by itself, in a set, in a fleet or as a reservation."""
    stops = shutdown.by_machine(estate, tuple(VMS))
    for token, path in VMS.items():
        for source in azure.declared(estate, token):
            if not azure.is_looked_up(source):
                yield from _machine(estate, source, path, stops.get(source.key, ()))
    settings = autoscale.settings_by_target(estate, SETS)
    for source in azure.declared(estate, *SETS):
        if not azure.is_looked_up(source):
            yield from _scale_set(estate, source, settings.get(source.key, []))
    for source in azure.declared(estate, *HOSTS):
        yield from _host(estate, source)
    for source in azure.declared(estate, FLEET):
        yield from _fleet(estate, source)


def _machine(
    estate: Estate, source: Declared, path: str, stops: tuple[shutdown.Stop, ...]
) -> Iterator[Part]:
    field = source.field(path)
    found = azure.machines(estate, source, field.path, field.value)
    if field.is_absent:
        why = "Nothing says the VM's size: it could be a GPU size"
        found = Machines(undecided=(source.open(path, why),))
    if _on_host(estate, source):
        return  # Its host bills, used or not, and counts.
    supply = Supply(
        source=source,
        platform="Virtual machine",
        machines=found,
        market=market(source, "priority"),
        os=_system(source),
        desired=1,
        ceiling=1,
    )
    sure = next((stop for stop in stops if stop.stops is True), None)
    if sure is not None:
        yield from pools(
            estate, replace(supply, evidence=(sure.evidence,), notices=(_until_evening(supply),))
        )
        return
    plan = next(azure.declared(estate, *PLANS), None)
    if plan is not None:
        why = (
            "A Virtual Desktop scaling plan may deallocate the VM: which VMs are session hosts "
            "stands in no property"
        )
        settle = "Add a hint (runs: never) for session hosts of the plan, or waive it"
        yield from pools(estate, replace(supply, undecided=(field.undecided(why, settle),)))
        return
    yield from pools(
        estate,
        hold_of(
            supply,
            cause=Cause.INSTANCE,
            units=1,
            fix=_SHUT,
            evidence=(
                field.evidence("it runs until it is deallocated"),
                *(stop.evidence for stop in stops if stop.stops is False),
            ),
        ),
    )


def _until_evening(supply: Supply) -> Notice:
    source = supply.source
    return Notice(
        cause=Cause.LONG_IDLE_TAIL,
        urn=source.urn,
        message="The VM runs until its daily shutdown, up to 24 hours after its last use",
        fix="Deallocate the VM when it isn't used",
    )


def _system(source: Declared) -> str:
    windows = "windows" in source.resource.type.lower() or azure.is_text(
        source.field(
            "storageProfile.osDisk.osType",
            "virtualMachineProfile.storageProfile.osDisk.osType",
            "osType",
        ).value,
        "Windows",
    )
    return "windows" if windows else "linux"


def _on_host(estate: Estate, source: Declared) -> bool:
    """Whether it is certain that it runs on a dedicated host of the estate."""
    for path in ("host.id", "dedicatedHostId"):
        if not source.field(path).is_absent:
            return azure.linked(estate, source, path, HOSTS).certain is not None
    return False


def _scale_set(
    estate: Estate, source: Declared, settings: list[autoscale.Setting]
) -> Iterator[Part]:
    found = _set_machines(estate, source)
    supply = Supply(
        source=source,
        platform="Virtual machine scale set",
        machines=found,
        market=_set_market(source),
        os=_system(source),
    )
    number = _set_size(source)
    agents = _agents(estate, supply)
    settled = None if agents is not None else autoscale.settle(settings, number)
    if agents is not None:
        supply = agents
    elif settled is None:
        supply = fixed(
            supply,
            number,
            cause=Cause.DESIRED_NOT_LOWERED,
            because="no autoscale setting of the stack lowers it",
            fix="Set the capacity to 0, or add an autoscale setting with minimum 0",
        )
    else:
        holds = tuple(
            replace(hold, evidence=(*found.evidence, *hold.evidence)) for hold in settled.holds
        )
        supply = replace(
            supply,
            holds=holds,
            undecided=settled.undecided,
            evidence=settled.evidence,
            assumptions=settled.assumptions,
            ceiling=settled.ceiling,
            desired=number.known if isinstance(number, Size) else None,
        )
    for standby in azure.declared(estate, *STANDBY):
        supply = _with_standby(estate, supply, standby, number)
    yield from pools(estate, supply)


def _agents(estate: Estate, supply: Supply) -> Supply | None:
    """The scale set as the agents of an Azure DevOps pool, which moves its capacity to the number
    of idle agents (Azure Pipelines, "Scale set agents"); None where it is none's."""
    for pool in azure.declared(estate, DEVOPS):
        link = azure.linked(estate, pool, "azureResourceId", SETS)
        if supply.source.key not in {target.key for target in link.found}:
            continue
        idle = size(pool, ["desiredIdle"])
        if link.certain is None:
            if isinstance(idle, Size) and idle.known == 0:
                continue
            why = "An Azure DevOps pool may keep idle agents of this scale set"
            return replace(supply, undecided=(pool.open("azureResourceId", why),))
        held = fixed(
            supply,
            idle,
            cause=Cause.SCALER_MINIMUM,
            because="Azure DevOps keeps this many idle agents",
            fix="Set desiredIdle to 0",
        )
        most = pool.field("maxCapacity").count()
        return replace(
            held,
            holds=tuple(replace(hold, urn=pool.urn) for hold in held.holds),
            ceiling=most if isinstance(most, int) else None,
        )
    return None


def _set_size(source: Declared) -> Size | Undecided:
    if azure.native(source):
        number = size(source, ["sku.capacity"])
        if isinstance(number, Size) and number.value is None:
            why = "sku.capacity is missing: how many machines the set then has isn't documented"
            return source.open("sku.capacity", why, "Set sku.capacity")
        return number
    if source.resource.type == "azure:compute/scaleSet:ScaleSet":
        return size(source, ["sku.capacity"], 0, "omitted: 0")
    # azurerm, linux_virtual_machine_scale_set_resource.go: instances defaults to 0.
    return size(source, ["instances"], 0, "omitted: 0")


def _set_machines(estate: Estate, source: Declared) -> Machines:
    sizes = source.field("skuProfile.vmSizes", "skuProfile.virtualMachineSizes")
    name = source.field("sku.name", "skuName", "sku")
    if not sizes.is_absent and (azure.is_text(name.value, "Mix") or name.is_absent):
        if sizes.is_hidden:
            return azure.machines(estate, source, sizes.path, sizes.value)
        listed = known_items(sizes.value)
        return union(
            azure.machines(
                estate,
                source,
                f"{sizes.path}[{index}]",
                item if isinstance(item, str | Hidden) else at(item, "name"),
            )
            for index, item in enumerate(listed)
        )
    value = name.value
    if isinstance(value, str | Hidden):
        return azure.machines(estate, source, name.path, value)
    return Machines()


def _set_market(source: Declared) -> Market:
    if not source.field("priorityMixPolicy", "priorityMix").is_absent:
        return Market.ON_DEMAND  # Its base is regular; a share above it may be.
    return market(source, "virtualMachineProfile.priority", "priority")


def _with_standby(
    estate: Estate, supply: Supply, standby: Declared, number: Size | Undecided
) -> Supply:
    """The scale set with the running machines of its standby pool beside it."""
    prefix = "" if standby.field("properties").is_absent else "properties."
    attached = f"{prefix}attachedVirtualMachineScaleSetId"
    link = azure.linked(estate, standby, attached, SETS)
    if supply.source.key not in {target.key for target in link.found}:
        return supply
    state = standby.field(f"{prefix}virtualMachineState")
    if azure.is_text(state.value, "Deallocated", "Hibernated"):
        return supply
    elastic = f"{prefix}elasticityProfile"
    most = size(standby, [f"{elastic}.maxReadyCapacity", f"{prefix}maxReadyCapacity"])
    least = size(standby, [f"{elastic}.minReadyCapacity"], 0)
    known = number.known if isinstance(number, Size) else None
    if state.is_hidden or link.open or not isinstance(most, Size) or most.known is None:
        why = "How many machines of the standby pool run isn't known: they bill while they wait"
        return replace(supply, undecided=(*supply.undecided, state.undecided(why)))
    ready = most.known - (known or 0)
    if isinstance(least, Size):
        ready = max(ready, least.known or 0)
    if ready <= 0:
        return supply
    hold = Hold(
        cause=Cause.WARM_POOL,
        urn=standby.urn,
        units=ready,
        evidence=(
            *supply.machines.evidence,
            state.evidence("machines of the standby pool run, and bill"),
            most.evidence("it fills up to it together with the scale set"),
        ),
        fix=f"Set {state.path} to Deallocated or Hibernated",
        change=azure.change(standby, state.path, "Deallocated"),
    )
    assumptions = () if link.assumption is None else (link.assumption,)
    return replace(
        supply,
        extra=(*supply.extra, hold),
        assumptions=(*supply.assumptions, *assumptions),
    )


_HOST_SKUS: Final[Mapping[str, Shape]] = {
    "nvsv3-type1": Shape(azure.CLOUD, "NVSv3-Type1", Decimal(4), "NVIDIA M60"),
    "nvasv4-type1": Shape(azure.CLOUD, "NVASv4-Type1", None, "AMD MI25"),
}
"""The GPU host SKUs (Azure, "Azure Dedicated Host SKUs": 4 NV12s_v3 of 1 M60 each on NVSv3-Type1;
the cards of NVASv4-Type1 are not listed)."""


def _host(estate: Estate, source: Declared) -> Iterator[Part]:
    field = source.field("sku.name", "skuName")
    shape = None
    if isinstance(field.value, str):
        shape = _HOST_SKUS.get(field.value.lower())
        if shape is None and not field.value.lower().startswith("n"):
            return
    if shape is not None:
        found = Machines((shape,), evidence=(field.evidence(describe((shape,))),))
    elif field.is_absent or field.is_hidden:
        why = "The host's SKU isn't known at preview: it may have GPUs"
        found = Machines(undecided=(field.undecided(why),))
    else:
        why = f"Unknown host SKU {field.value}: it may have GPUs"
        found = Machines(undecided=(field.undecided(why),))
    supply = Supply(source=source, platform="Dedicated host", machines=found, desired=1, ceiling=1)
    yield from pools(
        estate,
        hold_of(
            supply,
            cause=Cause.RESERVATION,
            units=1,
            fix="Delete the host when no VM needs it",
            evidence=(field.evidence("a dedicated host bills with or without VMs"),),
        ),
    )


def _fleet(estate: Estate, source: Declared) -> Iterator[Part]:
    sizes = source.field("vmSizesProfile")
    attributes = source.field("vmAttributes")
    if not attributes.is_absent:
        named = source.field("vmAttributes.acceleratorSupport").value
        count_ = source.field("vmAttributes.acceleratorCount")
        if count_.is_absent and (named is None or azure.is_text(named, "Excluded")):
            return
        why = "VM attributes choose the size: it may be one with GPUs"
        found = Machines(undecided=(attributes.undecided(why, "Name sizes in vmSizesProfile"),))
    elif sizes.is_hidden:
        found = azure.machines(estate, source, sizes.path, sizes.value)
    else:
        found = union(
            azure.machines(
                estate,
                source,
                f"vmSizesProfile[{index}].name",
                item if hidden(item) else at(item, "name"),
            )
            for index, item in enumerate(known_items(sizes.value))
        )
    total: Size | Undecided = Size(source, "regularPriorityProfile.capacity", 0)
    spot = False
    for path in ("regularPriorityProfile.capacity", "spotPriorityProfile.capacity"):
        number = size(source, [path], 0)
        if isinstance(number, Undecided) or number.is_hidden:
            total = number if isinstance(number, Undecided) else unknown_number(number)
            break
        if isinstance(total, Size) and number.known:
            spot = not total.known and path.startswith("spot")
            total = replace(number, value=(total.known or 0) + number.known)
    supply = Supply(
        source=source,
        platform="Compute Fleet",
        machines=found,
        market=Market.SPOT if spot else Market.ON_DEMAND,
    )
    held = fixed(
        supply,
        total,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="a fleet keeps its capacity until it is changed",
        fix="Set the capacities of the regular and the spot profile to 0",
    )
    yield from pools(estate, replace(held, holds=tuple(replace(h, change=()) for h in held.holds)))
