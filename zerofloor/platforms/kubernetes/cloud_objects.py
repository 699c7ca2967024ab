"""Machines of a cloud that a controller in the cluster creates from an object: Crossplane, AWS
Controllers for Kubernetes, Config Connector, Azure Service Operator, Cluster API.

Sources: each project's CRDs (crossplane-contrib/provider-upjet-aws, -gcp, -azure;
aws-controllers-k8s; GoogleCloudPlatform/k8s-config-connector; Azure/azure-service-operator;
kubernetes-sigs/cluster-api and its providers); their fields are those of the cloud's API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from zerofloor.capacity import Cause, Evidence, Hold, Part, Pool
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Size, changes_of
from zerofloor.platforms.google.read import machines as google_machines
from zerofloor.platforms.kubernetes.objects import Object, as_object, meet, objects, tokens_of
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.nodes import UNNEEDED, Nodes
from zerofloor.platforms.rows import Kept, Release, Row, Scaling, as_declared, read_rows
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import Impossible, at, count, get, items, known_text

_FIX: Final = "Delete the object when it isn't used, or use a node group that scales to zero"


class Kind(Value, frozen=True, kw_only=True):
    """One kind of object with the row that reads it."""

    group: str
    kind: str
    row: Row
    region: str
    """The path of its region, zone or location."""


def _machine(
    cloud: str, platform: str, path: str, released: tuple[str, tuple[Any, ...]] = ("", ())
) -> Row:
    """A machine by itself."""
    field, values = released
    releases = (Release(path=field, values=values, because="it is stopped"),) if field else ()
    return Row(
        cloud=cloud,
        tokens=(),
        platform=platform,
        machine=(path,),
        cause=Cause.INSTANCE,
        because="the controller keeps the machine for as long as the object exists",
        fix=_FIX,
        source="the CRD of its kind",
        releases=releases,
    )


def _group(
    cloud: str,
    platform: str,
    machine: str,
    sizes: tuple[str, ...],
    scaling: Scaling | None = None,
    default: int = 1,
) -> Row:
    """A group of nodes."""
    return Row(
        cloud=cloud,
        tokens=(),
        platform=platform,
        machine=(machine,),
        count=sizes,
        default=default,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the group keeps this many nodes",
        fix=f"Set {sizes[0]} to 0, or let an autoscaler scale the group to zero",
        source="the CRD of its kind",
        scaling=scaling,
        nodes=Nodes(name="metadata.name", labels=(), taints=""),
    )


def _scaling(minimum: tuple[str, ...]) -> Scaling:
    """A minimum is given where an autoscaler is on, and nowhere else."""
    return Scaling(minimum=minimum, fix=f"Set {minimum[0]} to 0")


def _google(base: str) -> Row:
    """A node pool of GKE. Crossplane's older versions have its blocks as lists of one."""
    scaled = (f"{base}.autoscaling", f"{base}.autoscaling[0]")
    least = tuple(
        f"{path}.{field}" for field in ("minNodeCount", "totalMinNodeCount") for path in scaled
    )
    row = _group(
        cloud="gcp",
        platform="GKE node pool",
        machine=f"{base}.nodeConfig.machineType",
        sizes=(f"{base}.nodeCount", f"{base}.initialNodeCount"),
        scaling=_scaling(least),
        default=0,
    )
    return replace(row, machines=_with_cards(f"{base}.nodeConfig", f"{base}.nodeConfig[0]"))


def _with_cards(*bases: str) -> Any:
    def read_machines(estate: Estate, source: Declared, _: str) -> Machines:
        types = [f"{base}.machineType" for base in bases]
        cards = [f"{base}.guestAccelerator" for base in bases]
        return google_machines(estate, source, types, cards)

    return read_machines


def _google_machine(base: str) -> Row:
    stopped = (f"{base}.desiredStatus", ("TERMINATED", "SUSPENDED"))
    row = _machine("gcp", "Compute Engine instance", f"{base}.machineType", stopped)
    return replace(row, machines=_with_cards(base))


_P: Final = "spec.forProvider"
_EKS: Final = "EKS managed node group"
_AKS: Final = "AKS node pool"
_VM: Final = "Azure VM"

CLOUDS: Final = (
    Kind(
        group="ec2.aws.upbound.io",
        kind="Instance",
        row=_machine("aws", "EC2 instance", f"{_P}.instanceType"),
        region=f"{_P}.region",
    ),
    Kind(
        group="eks.aws.upbound.io",
        kind="NodeGroup",
        row=_group(
            "aws",
            _EKS,
            f"{_P}.instanceTypes",
            tuple(
                f"{_P}.scalingConfig{index}.{field}"
                for field in ("desiredSize", "minSize")
                for index in ("", "[0]")
            ),
        ),
        region=f"{_P}.region",
    ),
    Kind(
        group="compute.gcp.upbound.io",
        kind="Instance",
        row=_google_machine(_P),
        region=f"{_P}.zone",
    ),
    Kind(
        group="container.gcp.upbound.io",
        kind="NodePool",
        row=_google(_P),
        region=f"{_P}.location",
    ),
    Kind(
        group="compute.azure.upbound.io",
        kind="LinuxVirtualMachine",
        row=_machine("azure", _VM, f"{_P}.size"),
        region=f"{_P}.location",
    ),
    Kind(
        group="containerservice.azure.upbound.io",
        kind="KubernetesClusterNodePool",
        row=_group(
            "azure",
            _AKS,
            f"{_P}.vmSize",
            (f"{_P}.nodeCount",),
            _scaling((f"{_P}.minCount",)),
            default=0,
        ),
        region="",
    ),
    Kind(
        group="ec2.services.k8s.aws",
        kind="Instance",
        row=_machine("aws", "EC2 instance", "spec.instanceType"),
        region="",
    ),
    Kind(
        group="eks.services.k8s.aws",
        kind="Nodegroup",
        row=_group(
            "aws",
            _EKS,
            "spec.instanceTypes",
            ("spec.scalingConfig.desiredSize", "spec.scalingConfig.minSize"),
        ),
        region="",
    ),
    Kind(
        group="compute.cnrm.cloud.google.com",
        kind="ComputeInstance",
        row=_google_machine("spec"),
        region="spec.zone",
    ),
    Kind(
        group="container.cnrm.cloud.google.com",
        kind="ContainerNodePool",
        row=_google("spec"),
        region="spec.location",
    ),
    Kind(
        group="compute.azure.com",
        kind="VirtualMachine",
        row=_machine("azure", _VM, "spec.hardwareProfile.vmSize"),
        region="spec.location",
    ),
    Kind(
        group="containerservice.azure.com",
        kind="ManagedClustersAgentPool",
        row=_group(
            "azure",
            _AKS,
            "spec.vmSize",
            ("spec.count",),
            _scaling(("spec.minCount",)),
        ),
        region="",
    ),
)

_CAPI: Final = "cluster.x-k8s.io"
_INFRA: Final = "infrastructure.cluster.x-k8s.io"
_TEMPLATE: Final = "spec.template.spec"
MACHINES: Final = (
    ("AWSMachineTemplate", "aws", f"{_TEMPLATE}.instanceType"),
    ("AzureMachineTemplate", "azure", f"{_TEMPLATE}.vmSize"),
    ("GCPMachineTemplate", "gcp", f"{_TEMPLATE}.instanceType"),
    ("AWSManagedMachinePool", "aws", "spec.instanceType"),
    ("AzureManagedMachinePool", "azure", "spec.sku"),
    ("AWSMachinePool", "aws", "spec.awsLaunchTemplate.instanceType"),
)
"""Cluster API's kinds that name the machines of those that use them: cloud and path of the type."""

_USERS: Final = ((_CAPI, "MachineDeployment"), (_CAPI, "MachineSet"), (_CAPI, "MachinePool"))
_REFERENCE: Final = "spec.template.spec.infrastructureRef.name"
_MANAGED: Final = "cluster.x-k8s.io/replicas-managed-by"
_MINIMUM: Final = "spec.scaling.minSize"
"""Of a managed pool, whose replicas its cloud's autoscaler may move."""
_LEAST: Final = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"

KINDS: Final = frozenset(
    {*((one.group, one.kind) for one in CLOUDS), *((_INFRA, kind) for kind, _, _ in MACHINES)}
)


def read(estate: Estate) -> Iterator[Part]:
    for one in CLOUDS:
        tokens = tuple(tokens_of(estate, (one.group, one.kind)))
        if tokens:
            for part in read_rows(estate, (replace(one.row, tokens=tokens),), keep=_zoned):
                yield _placed(estate, part, one.region)
    for kind, cloud, path in MACHINES:
        tokens = tuple(tokens_of(estate, (_INFRA, kind)))
        if tokens:
            row = replace(_group(cloud, "Cluster API machines", path, ("",)), tokens=tokens)
            yield from read_rows(estate, (replace(row, count=()),), keep=_used)


def _placed(estate: Estate, part: Part, path: str) -> Part:
    """The pool in the region that the object names; nodes for pods that wait are another's word."""
    if not isinstance(part, Pool):
        return part
    if part.placement is not None:
        # Which labels and taints its nodes have is not read: any may be among them.
        part = replace(part, placement=replace(part.placement, open_labels=True, reclaim=UNNEEDED))
    place = known_text(get(estate.by_urn[part.urn].inputs, path)) if path else None
    if place is None:
        return part
    zone = re.fullmatch(r"(.+-.+\d)-[a-z]", place) if part.cloud == "gcp" else None
    return replace(part, region=zone[1] if zone else place.replace(" ", "").lower())


def _zoned(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A pool of GKE has its number in each of its zones; a group of EKS goes down to its minimum
    where a cluster autoscaler is trusted to run."""
    if row.platform == _EKS and estate.settings.trust.cluster_autoscaler is True:
        least = source.field(*(path for path in row.count if path.endswith("minSize")))
        lowest = least.count()
        if isinstance(lowest, int):
            number = replace(number, path=least.path, value=lowest)
    kept = as_declared(estate, source, row, number, found)
    if not row.count:
        return kept
    several = row.platform == "GKE node pool" and "total" not in number.path
    zones = _zones(source) if several else 1
    return replace(kept, holds=tuple(_to_zero(source, number, hold, zones) for hold in kept.holds))


def _to_zero(source: Declared, number: Size, hold: Hold, zones: int) -> Hold:
    return replace(
        hold,
        units=None if hold.units is None else hold.units * zones,
        fix=f"Set {number.path} to 0",
        change=changes_of(source, (number.path, 0)),
    )


def _zones(source: Declared) -> int:
    """Three for a region, unless they are listed (GKE docs, "Types of clusters")."""
    base = "spec.forProvider" if source.field("spec.forProvider").value is not None else "spec"
    listed = items(source.field(f"{base}.nodeLocations").value)
    if isinstance(listed, list) and listed:
        return len(listed)
    location = known_text(source.field(f"{base}.location").value) or ""
    return 3 if re.fullmatch(r"[a-z]+-[a-z]+\d+", location) else 1


def _used(estate: Estate, source: Declared, row: Row, _: Size, found: Machines) -> Kept:
    """The replicas of everything that names these machines."""
    template = as_object(estate, source.resource)
    users = [
        user
        for user in objects(estate, *_USERS)
        if get(user.body, _REFERENCE) == template.name and meet(user, template)
    ]
    if not users:
        why = "What uses these machines isn't in the document: it may keep any number of them"
        settle = "Check it together with the MachineDeployment or MachinePool that names it"
        return Kept(undecided=(source.open(row.machine[0], why, settle),), ceiling=None)
    kept = [_kept_by(user, source, found) for user in users]
    ceilings = [one.ceiling for one in kept]
    known = [ceiling for ceiling in ceilings if ceiling is not None]
    return Kept(
        holds=tuple(hold for one in kept for hold in one.holds),
        undecided=tuple(part for one in kept for part in one.undecided),
        ceiling=sum(known) if len(known) == len(ceilings) else None,
    )


def _kept_by(user: Object, source: Declared, found: Machines) -> Kept:
    """What one user keeps: its replicas, or the least that an autoscaler leaves."""
    holder = Declared(user.resource, user.resource.inputs, user.shown_name)
    least = count(at(user.annotations, _LEAST))
    scaled = least is not None or at(user.annotations, _MANAGED) is not None
    path, value = "spec.replicas", get(user.body, "spec.replicas")
    if least is not None:
        path, value = f'metadata.annotations["{_LEAST}"]', at(user.annotations, _LEAST)
    elif scaled:
        holder, path = source, _MINIMUM
        value = source.field(path).value or 0
    number = count(value)
    number = 1 if number is None else number
    if isinstance(number, Hidden | Impossible):
        why = "How many machines it keeps isn't known at preview"
        return Kept(undecided=(holder.open(path, why),))
    if not number:
        return Kept(ceiling=None if scaled else 0)
    of = f"{user.kind} {user.shown_name}"
    hold = Hold(
        cause=Cause.POOL_MINIMUM if scaled else Cause.DESIRED_NOT_LOWERED,
        urn=holder.urn,
        units=number,
        evidence=(*found.evidence, Evidence(holder.urn, path, value, f"{of} keeps this many")),
        fix=f"Set {path} of {of} to 0",
        change=changes_of(holder, (path, "0" if least is not None else 0)),
    )
    return Kept(holds=(hold,), ceiling=None if scaled else number)
