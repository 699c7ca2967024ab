"""What Azure resources bill at zero GPUs: control planes, management fees, addresses, disks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Pool
from zerofloor.cost.bills import Bill
from zerofloor.estate import Estate
from zerofloor.platforms.azure import aks
from zerofloor.platforms.azure.tokens import logical
from zerofloor.stack import Resource
from zerofloor.values import at, count, get, hidden, known_items, known_text

CLUSTERS: Final = (
    "azure-native:containerservice:ManagedCluster",
    "azure:containerservice/kubernetesCluster:KubernetesCluster",
)


def bills(estate: Estate, resource: Resource) -> Iterator[Bill]:
    """What one resource bills whether GPUs run or not."""
    reader = _READERS.get(logical(resource.type))
    if reader is not None and resource.op != "read":
        yield from reader(resource)
    if resource.type in _POOLED and resource.op != "read":
        yield from _nodes(estate, resource)


def _nodes(estate: Estate, resource: Resource) -> Iterator[Bill]:
    """The nodes without GPUs of an AKS cluster, whose system pool runs all week, and the OS disks
    of those with GPUs."""

    def by_urn() -> Mapping[str, list[Pool]]:
        found: dict[str, list[Pool]] = {}
        for part in aks.read(estate):
            if isinstance(part, Pool) and part.shapes:
                found.setdefault(part.urn, []).append(part)
        return found

    for pool in estate.once("aks pools by URN", by_urn).get(resource.urn, ()):
        if any(shape.gpus != 0 for shape in pool.shapes):
            yield from _os_disk(resource, pool)
            continue
        kind = pool.shapes[0].instance_type
        number = None if pool.desired is None else Decimal(pool.desired)
        if number != 0:
            yield Bill(f"nodes of {pool.name} ({kind})", kind, number, True, pool.region)


def _os_disk(resource: Resource, pool: Pool) -> Iterator[Bill]:
    """The OS disk of a pool's nodes. An ephemeral one is part of the machine; a managed one is a
    Premium SSD (AKS, "Storage options": ephemeral by default where the size has room for it)."""
    prefix = f"{pool.part}." if pool.part else ""
    kind = get(resource.inputs, f"{prefix}osDiskType")
    if known_text(kind) == "Ephemeral":
        return
    size = _first(*(get(resource.inputs, f"{prefix}{name}") for name in _DISK_SIZES))
    tier = "Premium" if known_text(kind) == "Managed" else None
    bill = _managed_disk(f"OS disk of each node of {pool.name}", tier, size)
    yield replace(bill, region=pool.region, follows="nodes", part=pool.name)


_DISK_SIZES: Final = ("osDiskSizeGB", "osDiskSizeGb")


def is_cluster(token: str) -> bool:
    return logical(token) in CLUSTERS


def _first(*values: Any) -> Any:
    """The first value that is there, hidden or not."""
    return next((value for value in values if value is not None), None)


_STANDARD: Final = "AKS control plane Standard tier (Uptime SLA)"


def _cluster(cluster: Resource) -> Iterator[Bill]:
    tier = _first(get(cluster.inputs, "sku.tier"), cluster.inputs.get("skuTier"))
    automatic = known_text(get(cluster.inputs, "sku.name")) == "Automatic"
    name = (known_text(tier) or "").lower()
    if hidden(tier):
        yield Bill("AKS control plane (its tier isn't known; Free costs nothing)")
    elif name == "standard" or (automatic and not name):
        yield Bill("AKS control plane, Standard tier", _STANDARD)
    elif name == "premium":
        yield Bill("AKS control plane, Premium tier")
    outbound = get(cluster.inputs, "networkProfile.outboundType")
    if outbound is None or known_text(outbound) == "loadBalancer":
        yield Bill("load balancer of the AKS cluster")
        yield Bill("public IP address of the AKS cluster", _ADDRESS)


_ADDRESS: Final = "Public IP address static regional Standard"


def _address(address: Resource) -> Iterator[Bill]:
    sku = get(address.inputs, "sku.name")
    given = address.inputs.get("sku") if sku is None else sku
    standard = known_text(given) in (None, "Standard") and not hidden(given)
    yield Bill("public IP address", _ADDRESS if standard else "")


def _nat(gateway: Resource) -> Iterator[Bill]:
    yield Bill("NAT gateway, without its data", "NAT gateway")


def _balancer(balancer: Resource) -> Iterator[Bill]:
    yield Bill("load balancer, by its rules")


def _environment(environment: Resource) -> Iterator[Bill]:
    for profile in known_items(environment.inputs.get("workloadProfiles")):
        kind = (known_text(at(profile, "workloadProfileType")) or "Consumption").lower()
        if not kind.startswith(("consumption", "flex")):
            yield Bill(
                "Container Apps management of dedicated profiles",
                "Container Apps dedicated plan management (per environment with a dedicated "
                "profile)",
            )
            return


def _disk(disk: Resource) -> Iterator[Bill]:
    kind = _first(get(disk.inputs, "sku.name"), disk.inputs.get("storageAccountType"))
    size = _first(disk.inputs.get("diskSizeGB"), disk.inputs.get("diskSizeGb"))
    yield _managed_disk("managed disk", kind, size)


def _system_disk(machine: Resource) -> Iterator[Bill]:
    native = get(machine.inputs, "storageProfile.osDisk")
    disk = native if native is not None else machine.inputs.get("osDisk")
    if disk is None:
        return
    kind = _first(at(disk, "managedDisk", "storageAccountType"), at(disk, "storageAccountType"))
    size = _first(at(disk, "diskSizeGB"), at(disk, "diskSizeGb"))
    yield replace(_managed_disk("OS disk", kind, size), follows="machine")


_TIERS: Final[Mapping[str, tuple[tuple[int, int, str], ...]]] = {
    "premium": (
        (16, 32, "Managed disk Premium SSD P4 32 GiB"),
        (64, 128, "Managed disk Premium SSD P10 128 GiB"),
    ),
    "standard": (
        (0, 32, "Managed disk Standard HDD S4 32 GiB"),
        (64, 128, "Managed disk Standard HDD S10 128 GiB"),
    ),
    "standardssd": ((512, 1024, "Managed disk Standard SSD E30 1 TiB"),),
}
"""By kind: above this size and up to that, a disk bills as this tier (Azure managed disk types)."""


def _managed_disk(what: str, kind: object, size: object) -> Bill:
    gib = count(size)
    name = known_text(kind) or ""
    if not isinstance(gib, int) or not name:
        return Bill(what, "Managed disk Premium SSD P4 32 GiB", None)
    for above, most, item in _TIERS.get(name.lower().split("_")[0], ()):
        if above < gib <= most:
            return Bill(f"{what}, {gib} GiB {name}", item)
    return Bill(f"{what}, {gib} GiB {name}")


_POOLED: Final = frozenset(aks.READS - {aks.AUTOMATIC})

_READERS: Final[Mapping[str, Callable[[Resource], Iterator[Bill]]]] = {
    **dict.fromkeys(CLUSTERS, _cluster),
    "azure-native:app:ManagedEnvironment": _environment,
    "azure:containerapp/environment:Environment": _environment,
    "azure-native:compute:Disk": _disk,
    "azure:compute/managedDisk:ManagedDisk": _disk,
    "azure-native:compute:VirtualMachine": _system_disk,
    "azure:compute/linuxVirtualMachine:LinuxVirtualMachine": _system_disk,
    "azure:compute/windowsVirtualMachine:WindowsVirtualMachine": _system_disk,
    "azure-native:network:NatGateway": _nat,
    "azure:network/natGateway:NatGateway": _nat,
    "azure-native:network:PublicIPAddress": _address,
    "azure:network/publicIp:PublicIp": _address,
    "azure-native:network:LoadBalancer": _balancer,
    "azure:lb/loadBalancer:LoadBalancer": _balancer,
}
