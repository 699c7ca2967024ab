"""AKS: agent pools of a cluster, inline or as resources of their own, and where pods land on
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Cause,
    Change,
    Evidence,
    Hold,
    Market,
    Notice,
    Part,
    Placement,
    Taint,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.azure import read as azure
from zerofloor.platforms.azure.pools import Supply, fixed, hold_of, market, pools, unknown_number
from zerofloor.platforms.declared import Declared, Field, Size, size
from zerofloor.platforms.machines import Machines, union
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, has_hidden, hidden, known_items, known_text, quantity, seconds

NATIVE_CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
NATIVE_POOL: Final = "azure-native:containerservice:AgentPool"
CLASSIC_CLUSTER: Final = "azure:containerservice/kubernetesCluster:KubernetesCluster"
CLASSIC_POOL: Final = "azure:containerservice/kubernetesClusterNodePool:KubernetesClusterNodePool"
AUTOMATIC: Final = "azure:containerservice/automaticCluster:AutomaticCluster"
READS: Final = frozenset({NATIVE_CLUSTER, NATIVE_POOL, CLASSIC_CLUSTER, CLASSIC_POOL, AUTOMATIC})

_UNNEEDED: Final = Decimal(600)
"""Seconds for which a node must be unneeded before it is removed (AKS, "Cluster autoscaler":
scale-down-unneeded-time 10m)."""


class _Profile(Value, frozen=True, kw_only=True):
    """One agent pool, wherever it is declared."""

    source: Declared
    prefix: str
    """Before each property's name: `agentPoolProfiles[1].`, `defaultNodePool.`, or nothing."""
    cluster: Declared | None
    """Its cluster, where the stack has it."""
    classic: bool
    is_default: bool
    """Whether it must be a system pool: the classic provider's default pool, or the only inline
    one."""

    def field(self, *names: str) -> Field:
        return self.source.field(*(f"{self.prefix}{name}" for name in names))

    def size(self, *names: str, default: int | None = None, because: str = "") -> Size | Undecided:
        return size(self.source, [f"{self.prefix}{name}" for name in names], default, because)

    @property
    def name(self) -> str | None:
        """The pool's name in the cluster; None where it is hidden."""
        field = self.field("name") if self.prefix else self.field("agentPoolName", "name")
        return self.source.name if field.is_absent else known_text(field.value)


def read(estate: Estate) -> Iterator[Part]:
    """Every agent pool. One that is declared inline and as a resource of its own counts once."""
    own = [_own(estate, source) for source in azure.declared(estate, NATIVE_POOL, CLASSIC_POOL)]
    declared_alone = {
        (profile.cluster.key, profile.name)
        for profile in own
        if profile.cluster is not None and profile.name is not None
    }
    for profile in own:
        if not azure.is_looked_up(profile.source):
            yield from _pool(estate, profile)
    for cluster in azure.declared(estate, NATIVE_CLUSTER):
        if azure.is_looked_up(cluster):
            continue
        listed = cluster.field("agentPoolProfiles").items()
        if isinstance(listed, Hidden):
            why = "Agent pool profiles aren't known at preview, so they may name GPU sizes"
            yield cluster.open("agentPoolProfiles", why)
            continue
        for profile in _inline(cluster, listed):
            if (cluster.key, profile.name) not in declared_alone:
                yield from _pool(estate, profile)
                continue
            because = "the pool is declared as a resource of its own, which counts"
            yield Accounted(urn=cluster.urn, path=profile.prefix.rstrip("."), because=because)
    for cluster in azure.declared(estate, CLASSIC_CLUSTER):
        if not cluster.field("defaultNodePool").is_absent:
            yield from _pool(
                estate,
                _Profile(
                    source=cluster,
                    prefix="defaultNodePool.",
                    cluster=cluster,
                    classic=True,
                    is_default=True,
                ),
            )


def _own(estate: Estate, source: Declared) -> _Profile:
    classic = not azure.native(source)
    path = "kubernetesClusterId" if classic else "resourceName"
    link = azure.linked(estate, source, path, (NATIVE_CLUSTER, CLASSIC_CLUSTER))
    return _Profile(
        source=source,
        prefix="",
        cluster=link.certain,
        classic=classic,
        is_default=False,
    )


def _inline(cluster: Declared, listed: list[Any]) -> Iterator[_Profile]:
    modes = [at(item, "mode") for item in listed]
    some_system = any(hidden(mode) or azure.is_text(mode, "System") for mode in modes)
    for index, mode in enumerate(modes):
        yield _Profile(
            source=cluster,
            prefix=f"agentPoolProfiles[{index}].",
            cluster=cluster,
            classic=False,
            # A cluster has a system pool at all times: where none says so, the first is it.
            is_default=not some_system and mode is None and index == 0,
        )


def _pool(estate: Estate, profile: _Profile) -> Iterator[Part]:
    whole = profile.field("vmSize")
    element = profile.source.field(profile.prefix.rstrip(".")) if profile.prefix else None
    if element is not None and element.is_hidden:
        yield element.undecided("The agent pool isn't known at preview, so it may have GPUs")
        return
    by_size, numbers = _manual(estate, profile)
    if by_size is not None:
        found = by_size
    else:
        found = azure.machines(estate, profile.source, whole.path, whole.value)
    supply = Supply(
        source=profile.source,
        platform="AKS node pool",
        machines=found,
        market=market(profile.source, *_paths(profile, "scaleSetPriority", "priority")),
        name=profile.name or profile.source.name,
        part=profile.prefix.rstrip("."),
        os="windows" if azure.is_text(profile.field("osType").value, "Windows") else "linux",
    )
    if by_size is not None:
        supply = _virtual_machines(supply, numbers)
    else:
        supply = _sized(profile, supply)
    supply = _powered(profile, supply)
    supply = replace(supply, placement=_placement(estate, profile, supply))
    yield from pools(estate, supply)


def _paths(profile: _Profile, *names: str) -> list[str]:
    return [f"{profile.prefix}{name}" for name in names]


def _sized(profile: _Profile, supply: Supply) -> Supply:
    autoscaled = profile.field("enableAutoScaling", "autoScalingEnabled")
    switch = autoscaled.switch()
    if isinstance(switch, Hidden):
        both = autoscaled.undecided(
            f"{autoscaled.path} isn't known at preview: off, the pool keeps its nodes"
        )
        return replace(supply, undecided=(both,))
    if switch is not True:
        return _fixed(profile, supply)
    managed = profile.field("gpuProfile.nvidia.managementMode")
    if managed.is_hidden or azure.is_text(managed.value, "Managed"):
        # AKS, "Managed GPU node pools" (preview): no cluster autoscaler there.
        return _fixed(profile, supply, cause=Cause.SCALER_NOT_IN_EFFECT, least=1)
    return _autoscaled(profile, supply, autoscaled)


def _autoscaled(profile: _Profile, supply: Supply, autoscaled: Field) -> Supply:
    minimum, maximum = profile.size("minCount"), profile.size("maxCount")
    number = _count(profile)
    wrong = [part for part in (minimum, maximum) if isinstance(part, Undecided)]
    if not isinstance(minimum, Size) or not isinstance(maximum, Size):
        return replace(supply, undecided=tuple(wrong))
    desired = number.known if isinstance(number, Size) else None
    supply = replace(supply, desired=desired, ceiling=maximum.known)
    refused = _refused(minimum, maximum)
    if refused is not None:
        return replace(supply, undecided=(refused,))
    system = _is_system(profile)
    if minimum.is_hidden:
        return replace(supply, undecided=(unknown_number(minimum),))
    never = _never_lowered(profile)
    least = max(minimum.known or 0, 1 if system is True else 0)
    if never is not None and _is_above(number, least):
        kept, changes = never
        supply = hold_of(
            supply,
            cause=Cause.NEVER_EMPTIED,
            units=desired,
            fix=f"Set {kept.path} to {changes[0].to if changes else 'its default'}",
            evidence=(kept,),
            changes=changes,
        )
    doubt = _open_profile(profile)
    if doubt is not None:
        supply = replace(supply, undecided=(*supply.undecided, doubt))
    if least:
        because = "the cluster autoscaler never goes below it"
        if not minimum.known:
            because = "a system pool keeps at least 1 node"
        return hold_of(
            supply,
            cause=Cause.POOL_MINIMUM,
            units=least,
            fix=_minimum_fix(profile, minimum, system),
            evidence=(minimum.evidence(because),),
            changes=() if system is True else azure.change(profile.source, minimum.path, 0),
        )
    if isinstance(system, Hidden):
        mode = profile.field("mode")
        return replace(
            supply, undecided=(mode.undecided("A system pool would keep at least 1 node"),)
        )
    return replace(
        supply,
        evidence=(
            autoscaled.evidence("AKS runs the cluster autoscaler for the pool"),
            minimum.evidence("it removes all idle nodes"),
        ),
    )


def _is_above(number: Size | Undecided, least: int) -> bool:
    return isinstance(number, Size) and (number.known or 0) > least


def _refused(minimum: Size, maximum: Size) -> Undecided | None:
    if minimum.value is None:
        why = f"{minimum.path} is missing: what an autoscaled pool then keeps isn't documented"
        return minimum.source.open(minimum.path, why, f"Set {minimum.path} to 0")
    if maximum.known == 0:
        why = f"{maximum.path} is 0: AKS may refuse an autoscaled pool without nodes"
        return maximum.source.open(maximum.path, why, "Set a maximum above 0")
    low, high = minimum.known, maximum.known
    if low is not None and high is not None and low > high:
        why = f"{minimum.path} {low} is above {maximum.path} {high}: AKS refuses the pool"
        return minimum.source.open(minimum.path, why, "Correct the values")
    return None


def _minimum_fix(profile: _Profile, minimum: Size, system: bool | Hidden) -> str:
    if system is True:
        return "Move the GPU size to a user pool with autoscaling and minCount 0"
    return f"Set {minimum.path} to 0"


def _is_system(profile: _Profile) -> bool | Hidden:
    mode = profile.field("mode")
    if profile.is_default:
        return True
    if isinstance(mode.value, Hidden):
        return mode.value
    return azure.is_text(mode.value, "System")


def _never_lowered(profile: _Profile) -> tuple[Evidence, tuple[Change, ...]] | None:
    """The setting of the cluster autoscaler with which every node outlasts an idle week: a node is
    removed only below the utilization threshold, and none is below 0 (AKS, "Cluster autoscaler
    profile"); or it waits longer than a week. With the change that ends it."""
    cluster = profile.cluster
    if cluster is None:
        return None
    field = cluster.field(_THRESHOLD)
    threshold = quantity(field.value)
    if isinstance(threshold, Decimal) and threshold == 0:
        because = "no node is ever below a utilization of 0, so none is removed"
        return field.evidence(because), azure.change(cluster, field.path, "0.5")
    for names in _WAITS:
        wait = cluster.field(*names)
        lasts = seconds(wait.value)
        if isinstance(lasts, Decimal) and lasts > azure.WEEK_SECONDS:
            because = "an idle node stays for more than a week"
            return wait.evidence(because), azure.change(cluster, wait.path, "10m")
    return None


_PROFILE: Final = "autoScalerProfile"
_THRESHOLD: Final = f"{_PROFILE}.scaleDownUtilizationThreshold"
_WAITS: Final = (
    (f"{_PROFILE}.scaleDownUnneededTime", f"{_PROFILE}.scaleDownUnneeded"),
    (f"{_PROFILE}.scaleDownDelayAfterAdd",),
)


def _open_profile(profile: _Profile) -> Undecided | None:
    for names in ((_THRESHOLD,), *_WAITS):
        field = None if profile.cluster is None else profile.cluster.field(*names)
        if field is not None and field.is_hidden:
            why = f"{field.path} isn't known at preview: it may keep idle nodes"
            return field.undecided(why)
    return None


def _count(profile: _Profile) -> Size | Undecided:
    """The declared number of nodes: omitted, 1 in `azure-native` (its schema), 0 in a classic user
    pool (azurerm, kubernetes_cluster_node_pool_resource.go: an unset int), 1 in a default pool."""
    default = 0 if profile.classic and not profile.is_default else 1
    return profile.size("nodeCount", "count", default=default, because=f"omitted: {default}")


def _fixed(
    profile: _Profile,
    supply: Supply,
    *,
    cause: Cause = Cause.DESIRED_NOT_LOWERED,
    least: int = 0,
) -> Supply:
    """A pool without an autoscaler: its declared number."""
    number = _count(profile)
    system = _is_system(profile)
    if isinstance(number, Size) and number.known is not None:
        floor = max(number.known, 1 if system is True else 0)
        if floor != number.known:
            number = replace(number, value=floor, default="a system pool has at least 1 node")
        if number.known == 0 and isinstance(system, Hidden):
            mode = profile.field("mode")
            return replace(
                supply, undecided=(mode.undecided("A system pool would keep at least 1 node"),)
            )
        if number.known == 0 and least:
            managed = profile.field("gpuProfile.nvidia.managementMode")
            why = "No autoscaler serves a managed GPU pool: its nodes may stay"
            return replace(supply, undecided=(managed.undecided(why),))
    because = "autoscaling is off, and nothing else lowers it"
    fix = "Turn autoscaling on with minCount 0, or set the count to 0"
    if system is True:
        fix = "Move the GPU size to a user pool with autoscaling and minCount 0"
    held = fixed(supply, number, cause=cause, because=because, fix=fix)
    if system is True:
        held = replace(held, holds=tuple(replace(hold, change=()) for hold in held.holds))
    if profile.classic and profile.field("nodeCount").is_absent and not held.holds:
        held = replace(held, notices=(*held.notices, _uncounted(profile)))
    return held


def _uncounted(profile: _Profile) -> Notice:
    message = (
        "nodeCount is omitted and autoscaling is off: the provider creates the pool with 0 nodes, "
        "so no GPU pod can run"
    )
    evidence = profile.field("nodeCount").evidence("omitted: 0")
    return Notice(
        cause=Cause.NO_SCALE_IN_SIGNAL,
        urn=profile.source.urn,
        message=message,
        fix="Set autoScalingEnabled with minCount 0 and maxCount",
        evidence=(evidence,),
    )


def _manual(
    estate: Estate, profile: _Profile
) -> tuple[Machines | None, tuple[Size | Undecided, ...]]:
    """The machines of a pool of type VirtualMachines and their numbers, one a size; None for any
    other type."""
    scale = profile.field("virtualMachinesProfile.scale", "virtualMachinesProfile")
    kind = profile.field("type")
    if scale.is_absent and not azure.is_text(kind.value, "VirtualMachines"):
        return None, ()
    path = f"{profile.prefix}virtualMachinesProfile.scale"
    if profile.source.field(path).is_hidden or profile.source.field(f"{path}.manual").is_hidden:
        open_ = profile.source.open(path, "The sizes aren't known at preview: they may have GPUs")
        return Machines(undecided=(open_,)), (open_,)
    found: list[Machines] = []
    numbers: list[Size | Undecided] = []
    for kind_of_scale, names in (("manual", ("count",)), ("autoscale", ("minCount", "count"))):
        for index, item in enumerate(
            known_items(profile.source.field(f"{path}.{kind_of_scale}").value)
        ):
            where = f"{path}.{kind_of_scale}[{index}]"
            sizes = profile.source.field(f"{where}.size", f"{where}.sizes", f"{where}.vmSize")
            machines = azure.machines(estate, profile.source, sizes.path, sizes.value)
            if hidden(item):
                open_ = profile.source.open(where, "The scale isn't known at preview")
                numbers.append(open_)
                found.append(Machines(undecided=(open_,)))
                continue
            if machines.plain or not (machines.shapes or machines.undecided):
                continue
            found.append(machines)
            paths = [f"{where}.{name}" for name in names]
            numbers.append(size(profile.source, paths, 1, "omitted: 1"))
    return union(found), tuple(numbers)


def _virtual_machines(supply: Supply, numbers: tuple[Size | Undecided, ...]) -> Supply:
    # AKS, "Virtual Machines node pools": no cluster autoscaler with GPU sizes.
    for number in numbers:
        supply = fixed(
            supply,
            number,
            cause=Cause.DESIRED_NOT_LOWERED,
            because="a VirtualMachines pool with GPUs has no autoscaler",
            fix="Use a VirtualMachineScaleSets pool with autoscaling and minCount 0",
        )
    if not supply.holds:
        return supply
    units = sum(hold.units or 0 for hold in supply.holds)
    together = replace(
        supply.holds[0],
        units=units,
        evidence=tuple(link for hold in supply.holds for link in hold.evidence),
        change=tuple(step for hold in supply.holds for step in hold.change),
    )
    return replace(supply, holds=(together,), desired=units, ceiling=units)


def _is_stopped(profile: _Profile) -> bool | None:
    """Whether the pool's nodes are stopped; None where that can't be told."""
    state = profile.field("powerState.code")
    if state.is_hidden:
        return None
    system = _is_system(profile)
    if not azure.is_text(state.value, "Stopped") or system is True:
        return False  # AKS, "Start and stop node pools": a system pool can't be stopped.
    # "When an Agent Pool is first created it is initially Running" (azure-native, powerState).
    is_new = profile.source.resource.op in ("create", "create-replacement", "replace", "import")
    return None if is_new or system is not False else True


def _powered(profile: _Profile, supply: Supply) -> Supply:
    """The supply under the pool's power state: a stopped user pool bills no machine."""
    state = profile.field("powerState.code")
    is_stopped = _is_stopped(profile)
    if state.is_hidden or is_stopped is False or not (supply.holds or supply.undecided):
        return supply
    if _is_system(profile) is not False:
        return supply
    if is_stopped is None:
        why = "A new pool starts Running: whether it is stopped at creation isn't documented"
        return replace(supply, holds=(), undecided=(*supply.undecided, state.undecided(why)))
    return replace(
        supply,
        holds=(),
        undecided=(),
        evidence=(*supply.evidence, state.evidence("a stopped user pool bills no machine")),
    )


_NAME_LABELS: Final = ("kubernetes.azure.com/agentpool", "agentpool")
_NVIDIA: Final = {
    "nvidia.com/gpu.present": None,
    "nvidia.com/gpu.product": None,
    "nvidia.com/gpu.count": None,
}


def _placement(estate: Estate, profile: _Profile, supply: Supply) -> Placement:
    """How pods get onto its nodes: its own labels and taints, and what AKS adds (AKS, "Use labels
    in a cluster", "Spot node pools")."""
    shapes = supply.machines.shapes
    kind = shapes[0].instance_type if len(shapes) == 1 and not supply.machines.undecided else None
    mode = profile.field("mode")
    system = _is_system(profile)
    labels: dict[str, str | None] = {
        **dict.fromkeys(_NAME_LABELS, profile.name),
        "kubernetes.azure.com/mode": None
        if mode.is_hidden
        else "system"
        if system is True
        else "user",
        "kubernetes.azure.com/cluster": None,
        "kubernetes.azure.com/role": "agent",
        "kubernetes.azure.com/os-sku": None,
        "kubernetes.azure.com/instance-sku": kind,
        "kubernetes.io/os": supply.os,
        "kubernetes.io/arch": None,
        "kubernetes.io/hostname": None,
        "kubernetes.io/role": "agent",
        "node.kubernetes.io/instance-type": kind,
        "beta.kubernetes.io/instance-type": kind,
        "topology.kubernetes.io/region": azure.region(estate, profile.source),
        "topology.kubernetes.io/zone": None,
    }
    if any(shape.accelerator.startswith("NVIDIA") for shape in shapes):
        labels |= {**_NVIDIA, "accelerator": "nvidia", "kubernetes.azure.com/accelerator": "nvidia"}
    taints = list(_taints(profile.field("nodeTaints")))
    if profile.field("onlyCriticalAddonsEnabled").switch() is True:
        taints.append(Taint("CriticalAddonsOnly", "true", "NoSchedule"))
    if supply.market is Market.SPOT:
        labels["kubernetes.azure.com/scalesetpriority"] = "spot"
        taints.append(Taint("kubernetes.azure.com/scalesetpriority", "spot", "NoSchedule"))
    own = profile.field("nodeLabels").mapping()
    if not isinstance(own, Hidden):
        labels |= {str(key): known_text(value) for key, value in own.items()}
    return Placement(
        labels=labels,
        open_labels=isinstance(own, Hidden),
        hidden_labels=_hidden_labels(profile, own),
        taints=tuple(taints),
        open_taints=has_hidden(profile.field("nodeTaints").value)
        or profile.field("onlyCriticalAddonsEnabled").is_hidden,
        grows=_grows(profile),
        open_growth=_has_open_growth(profile),
        retained=_retained(profile),
        reclaim=_reclaim(profile),
    )


def _hidden_labels(profile: _Profile, own: Mapping[str, Any] | Hidden) -> frozenset[str]:
    """Labels that the nodes have of a value that can't be read."""
    of_name = _NAME_LABELS if profile.name is None else ()
    hidden_keys = () if isinstance(own, Hidden) else (k for k, v in own.items() if hidden(v))
    return frozenset((*of_name, *map(str, hidden_keys)))


def _grows(profile: _Profile) -> bool:
    """Whether a pending pod may get a node: the pool's autoscaler is on."""
    if _is_stopped(profile) is True:
        return False
    switch = profile.field("enableAutoScaling", "autoScalingEnabled").switch()
    return isinstance(switch, Hidden) or switch is True


def _has_open_growth(profile: _Profile) -> bool:
    """Whether it can't be told that a pending pod gets a node."""
    switch = profile.field("enableAutoScaling", "autoScalingEnabled")
    return _is_stopped(profile) is None or switch.is_hidden or profile.field("maxCount").is_hidden


def _retained(profile: _Profile) -> Hold | None:
    never = _never_lowered(profile)
    if never is None:
        return None
    kept, changes = never
    return Hold(
        cause=Cause.NEVER_EMPTIED,
        urn=kept.urn,
        units=None,
        evidence=(kept,),
        fix=f"Set {kept.path} to {changes[0].to if changes else 'its default'}",
        change=changes,
    )


def _reclaim(profile: _Profile) -> Decimal:
    if profile.cluster is None:
        return _UNNEEDED
    given = profile.cluster.field(
        "autoScalerProfile.scaleDownUnneededTime", "autoScalerProfile.scaleDownUnneeded"
    )
    wait = seconds(given.value)
    return wait if isinstance(wait, Decimal) else _UNNEEDED


def _taints(field: Field) -> Iterator[Taint]:
    """`sku=gpu:NoSchedule`. A hidden one keeps no pod off here; `open_taints` says that there is
    one."""
    for item in known_items(field.value):
        key, _, rest = (known_text(item) or "").partition("=")
        value, _, effect = rest.rpartition(":") if rest else ("", "", "")
        if not rest:
            key, _, effect = key.partition(":")
        if key:
            yield Taint(key, value, effect or "NoSchedule")
