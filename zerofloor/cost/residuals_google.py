"""What Google resources bill beside their GPUs: cluster fees, disks, addresses, NAT, the nodes
without GPUs of a GKE cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Literal

from zerofloor.capacity import Pool
from zerofloor.cost.bills import Bill
from zerofloor.estate import Estate
from zerofloor.platforms.google import gke
from zerofloor.platforms.google.groups import GROUPS, groups
from zerofloor.platforms.google.read import last
from zerofloor.platforms.google.templates import INSTANCES, TEMPLATES
from zerofloor.platforms.google.tokens import CLUSTERS, POOLS
from zerofloor.stack import Resource
from zerofloor.values import at, count, get, hidden, known_items, known_text


def bills(estate: Estate, resource: Resource) -> Iterator[Bill]:
    """What one resource bills whether GPUs run or not, and what its GPU nodes need beside them."""
    reader = _READERS.get(resource.type)
    if reader is not None and resource.op != "read":
        yield from reader(resource)
    if resource.type in (*CLUSTERS, *POOLS) and resource.op != "read":
        yield from _nodes(estate, resource)
    if resource.type in GROUPS and resource.op != "read":
        yield from _machines(estate, resource)


def _machines(estate: Estate, manager: Resource) -> Iterator[Bill]:
    """The disks of a GPU group's machines, as far as its template is seen."""
    for group in groups(estate):
        pool, template = group.part, group.what.source
        seen = template.resource.type in TEMPLATES
        if group.source.urn != manager.urn or not seen or not isinstance(pool, Pool):
            continue
        prefix = "properties." if template.resource.type.startswith("google-native:") else ""
        for disk in known_items(get(template.inputs, f"{prefix}disks")):
            if at(disk, "source") is not None:
                continue
            start = at(disk, "initializeParams") or disk
            kind, size = at(start, "diskType"), at(start, "diskSizeGb")
            bill = _disk(f"disk of each machine of {pool.name}", kind, size)
            if kind == "local-ssd":
                bill = replace(bill, item="local SSD")
            yield replace(bill, region=pool.region, follows="nodes", part=pool.name)


_BALANCED: Final = "persistent disk pd-balanced"


def _disk(what: str, kind: Any, size: Any, nodes: Decimal | None = Decimal(1)) -> Bill:
    """A disk by its type (pd-standard where none is given) and size in GB."""
    name = "pd-standard" if kind is None else known_text(last(kind)) or ""
    amount = count(size)
    known = nodes is not None and isinstance(amount, int) and bool(name)
    total = nodes * amount if known and nodes is not None and isinstance(amount, int) else None
    item = f"persistent disk {name}" if name.startswith("pd-") and name != "pd-extreme" else ""
    shown = f"{what}, {amount} GB {name}" if isinstance(amount, int) and name else what
    return Bill(shown, item, total)


def _instance(instance: Resource) -> Iterator[Bill]:
    boot = instance.inputs.get("bootDisk")
    if boot is not None:
        start = at(boot, "initializeParams")
        kind, size = at(start, "type"), at(start, "size")
        disk = _disk("boot disk", None if hidden(boot) else kind, size)
        yield replace(disk, follows="machine")
    for item in known_items(instance.inputs.get("scratchDisks")):
        size = at(item, "size")
        amount = count(375 if size is None else size)
        total = Decimal(amount) if isinstance(amount, int) else None
        yield Bill("local SSD", "local SSD", total, follows="machine")


def _volume(disk: Resource) -> Iterator[Bill]:
    size = disk.inputs.get("size")
    yield _disk(
        "disk", disk.inputs.get("type"), disk.inputs.get("sizeGb") if size is None else size
    )


def _address(address: Resource) -> Iterator[Bill]:
    if address.inputs.get("addressType") == "INTERNAL":
        return
    yield Bill("static address while nothing uses it", "static external address, unused")


def _nat(nat: Resource) -> Iterator[Bill]:
    yield Bill("Cloud NAT, by the machines behind it and their data")


def _nodes(estate: Estate, resource: Resource) -> Iterator[Bill]:
    """A cluster's fee, the disks of its nodes, and the nodes without GPUs."""
    if resource.type in CLUSTERS:
        yield Bill("GKE cluster management", "GKE cluster management")
    for node_pool in gke.pools_of(estate, resource.urn):
        pool = node_pool.part
        gpus = _has_gpus(pool)
        standing = None if node_pool.standing is None else Decimal(node_pool.standing)
        nodes = Decimal(1) if gpus else standing
        if nodes == 0:
            continue
        path = f"{node_pool.prefix}nodeConfig"
        config = get(resource.inputs, path)
        size = at(config, "diskSizeGb")
        if not hidden(config):
            disk = _disk(
                f"boot disk of each node of {pool.name}" if gpus else f"boot disks of {pool.name}",
                "pd-balanced" if at(config, "diskType") is None else at(config, "diskType"),
                100 if size is None else size,
                nodes,
            )
            follows: Literal["nodes", ""] = "nodes" if gpus else ""
            baked = [
                Bill(f"disk of each node of {pool.name} from an image", _BALANCED, None)
                for _ in known_items(at(config, "secondaryBootDisks"))
            ]
            for one in (disk, *baked):
                yield replace(one, region=pool.region, follows=follows, part=pool.name)
        if not gpus and len(pool.shapes) == 1:
            kind = pool.shapes[0].instance_type
            yield Bill(f"nodes of {pool.name} ({kind})", kind, nodes, True, pool.region)


def _has_gpus(pool: Pool) -> bool:
    return any(shape.gpus != 0 for shape in pool.shapes)


_READERS: Final[Mapping[str, Callable[[Resource], Iterator[Bill]]]] = {
    **dict.fromkeys(INSTANCES, _instance),
    "gcp:compute/disk:Disk": _volume,
    "gcp:compute/regionDisk:RegionDisk": _volume,
    "google-native:compute/v1:Disk": _volume,
    "gcp:compute/address:Address": _address,
    "gcp:compute/globalAddress:GlobalAddress": _address,
    "google-native:compute/v1:Address": _address,
    "gcp:compute/routerNat:RouterNat": _nat,
}
