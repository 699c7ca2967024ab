"""What bills beside the GPU nodes: what stays at zero GPUs (control planes, NAT, load balancers,
addresses, disks, the CPU nodes that a pool needs), and the disks of the GPU nodes themselves."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from decimal import Decimal
from typing import Any, Final, Literal

from zerofloor.capacity import Market
from zerofloor.cost.bills import Bill
from zerofloor.estate import Estate, tags
from zerofloor.floor.result import Floor
from zerofloor.stack import Resource
from zerofloor.structs import Value
from zerofloor.values import (
    at,
    count,
    get,
    known_items,
    known_mapping,
    known_text,
    quantity,
)

UNIT: Final = "unit"
NODE: Final = "node"
GB_MONTH: Final = "GB-month"

Follows = Literal["nodes", "machine", ""]


class Need(Value, frozen=True):
    """Something that bills without a GPU, not yet priced."""

    urn: str
    what: str
    cloud: str
    """Empty where nothing says it."""
    item: str
    """Its name in the price book; empty where the book has none."""
    quantity: Decimal | None
    """None where the size is not known."""
    unit: str
    """What an hourly price counts: node, unit."""
    region: str | None
    market: Market = Market.ON_DEMAND
    follows: Follows = ""
    """nodes: `quantity` is for one GPU node of the resource and bills while the node runs; machine:
    it bills as long as the machine exists, running or stopped; empty: it stays at zero GPUs."""
    part: str = ""
    """Whose nodes, where the resource has several pools; empty: the resource's."""
    unsized: str = "its size is unknown"
    """Why `quantity` is None, as a clause."""
    settle: str = ""
    """How to say its size, as a clause; empty where there is nothing to set."""


class _Scene(Value, frozen=True):
    """What the readers look at."""

    estate: Estate
    held: Set[str]
    """The resources that have to do with a GPU."""
    cloud: str
    """The cloud that Kubernetes objects are on; empty where nothing says it."""
    aws: bool
    """Whether a GPU pool is, or may be, on AWS."""
    today: datetime.date


def residuals(estate: Estate, floor: Floor, today: datetime.date) -> tuple[Need, ...]:
    """What the estate's resources bill at zero GPUs, sorted by URN. `today` decides between
    standard and extended support."""
    clouds = {entry.supply.cloud if entry.supply else "" for entry in floor.entries}
    scene = _Scene(
        estate=estate,
        held={entry.urn for entry in floor.entries},
        cloud=_cloud(estate, clouds - {""}),
        aws=bool(clouds & {"aws", ""}),
        today=today,
    )
    found: list[Need] = []
    for kind, resources in estate.by_type.items():
        existing = [one for one in resources if one.op != "read"]
        reader = _READERS.get(kind)
        if reader is not None:
            found.extend(need for one in existing for need in reader(scene, one))
        elif kind.startswith("azure"):
            found.extend(need for one in existing for need in _azure(estate, one))
        elif kind.startswith(_GOOGLE):
            found.extend(need for one in existing for need in _google(scene, one))
        elif kind in _NO_PRICE:
            cloud, what = _NO_PRICE[kind]
            found.extend(
                Need(one.urn, what, cloud, "", None, UNIT, estate.region(one, cloud))
                for one in existing
            )
    return tuple(sorted(found, key=lambda need: (need.urn, need.what)))


_MACHINES: Final = frozenset(
    {
        "aws:ec2/instance:Instance",
        "aws:eks/nodeGroup:NodeGroup",
        "aws-native:eks:Nodegroup",
        "aws:autoscaling/group:Group",
        "kubernetes:karpenter.sh/v1:NodePool",
        "gcp:compute/instance:Instance",
        "azure-native:compute:VirtualMachine",
        "azure:compute/linuxVirtualMachine:LinuxVirtualMachine",
        "azure:compute/windowsVirtualMachine:WindowsVirtualMachine",
    }
)
"""What runs machines: without a GPU they are counted for some of these, in some cases."""


def uncounted(estate: Estate, floor: Floor, counted: Set[str]) -> tuple[str, ...]:
    """Names of machines and groups without a GPU whose nodes are in no figure; `counted` are the
    resources whose nodes are."""
    held = {entry.urn for entry in floor.entries} | {one.urn for one in floor.undecided}
    return tuple(
        sorted(
            one.name
            for one in estate.of_type(*_MACHINES)
            if one.op != "read" and one.urn not in held and one.urn not in counted
        )
    )


# A cloud's readers are imported where the estate has resources of it.
_GOOGLE: Final = ("gcp:", "google-native:")


def _azure(estate: Estate, resource: Resource) -> Iterator[Need]:
    from zerofloor.cost import residuals_azure

    bills = residuals_azure.bills(estate, resource)
    yield from _needs(estate, resource, bills, cloud="azure")


def _google(scene: _Scene, resource: Resource) -> Iterator[Need]:
    from zerofloor.cost import residuals_google

    bills = residuals_google.bills(scene.estate, resource)
    yield from _needs(scene.estate, resource, bills, cloud="gcp")


def _needs(
    estate: Estate, resource: Resource, bills: Iterable[Bill], *, cloud: str
) -> Iterator[Need]:
    for bill in bills:
        yield Need(
            urn=resource.urn,
            what=bill.what,
            cloud=cloud,
            item=bill.item,
            quantity=bill.quantity,
            unit=NODE if bill.is_node else UNIT,
            region=bill.region or estate.region(resource, cloud),
            follows=bill.follows,
            part=bill.part,
        )


Reader = Callable[[_Scene, Resource], Iterator[Need]]

_EKS_STANDARD_SUPPORT_ENDS: Final = {
    "1.28": "2024-11-26",
    "1.29": "2025-03-23",
    "1.30": "2025-07-23",
    "1.31": "2025-11-26",
    "1.32": "2026-03-23",
    "1.33": "2026-07-29",
    "1.34": "2026-12-02",
    "1.35": "2027-03-27",
}
# endoflife.date/amazon-eks and the EKS user guide, "Kubernetes versions", 2026-04; ISO dates
# compare as text.


def _eks_cluster(scene: _Scene, cluster: Resource) -> Iterator[Need]:
    version = known_text(cluster.inputs.get("version"))
    end = _EKS_STANDARD_SUPPORT_ENDS.get(version or "")
    extended = (
        end is not None
        and scene.today.isoformat() > end
        and get(cluster.inputs, "upgradePolicy.supportType") != "STANDARD"
    )
    support = "extended" if extended else "standard"
    what = (
        f"EKS control plane, Kubernetes {version} in extended support"
        if extended
        else "EKS control plane"
    )
    yield _aws(scene.estate, cluster, what, f"EKS control plane {support} support", Decimal(1))
    if get(cluster.inputs, "computeConfig.enabled") is True:
        yield _aws(
            scene.estate, cluster, "EKS Auto Mode's fee on top of each of its nodes", "", Decimal(1)
        )


def _nat(scene: _Scene, gateway: Resource) -> Iterator[Need]:
    yield _aws(
        scene.estate,
        gateway,
        "NAT gateway, without the data it processes",
        "NAT gateway",
        Decimal(1),
    )


def _load_balancer(scene: _Scene, balancer: Resource) -> Iterator[Need]:
    kind = balancer.inputs.get("loadBalancerType")
    yield _balancer(
        scene.estate,
        balancer,
        "application" if kind is None else known_text(kind) or "unknown kind of",
    )


def _balancer(estate: Estate, resource: Resource, kind: str) -> Need:
    if kind in ("application", "network"):
        return _aws(
            estate,
            resource,
            f"{kind} load balancer, without its LCUs",
            "Application/Network Load Balancer",
            Decimal(1),
        )
    return _aws(estate, resource, f"{kind} load balancer", "", Decimal(1))


def _classic_balancer(scene: _Scene, balancer: Resource) -> Iterator[Need]:
    yield _balancer(scene.estate, balancer, "classic")


def _address(scene: _Scene, address: Resource) -> Iterator[Need]:
    yield _aws(scene.estate, address, "Elastic IP", "Elastic IP (idle)", Decimal(1))


def _volume(scene: _Scene, volume: Resource) -> Iterator[Need]:
    # CreateVolume's default type is gp2 (EC2 API reference).
    kind = volume.inputs.get("type")
    yield _disk(
        scene.estate,
        volume,
        "EBS volume",
        volume.inputs.get("size"),
        "gp2" if kind is None else kind,
    )
    if kind == "gp3":
        # gp3 includes 3,000 IOPS and 125 MB/s (EBS user guide, "General Purpose SSD volumes").
        for prop, included, item, unit in (
            ("iops", 3000, "IOPS", "IOPS-month"),
            ("throughput", 125, "throughput", "MBps-month"),
        ):
            given = count(volume.inputs.get(prop))
            if isinstance(given, int) and given > included:
                what = f"EBS gp3 provisioned {item}"
                yield Need(
                    volume.urn,
                    what,
                    "aws",
                    what,
                    Decimal(given - included),
                    unit,
                    scene.estate.region(volume, "aws"),
                )


def _snapshot(scene: _Scene, snapshot: Resource) -> Iterator[Need]:
    yield Need(
        snapshot.urn,
        "EBS snapshot, whose stored size no document says",
        "aws",
        "",
        None,
        GB_MONTH,
        scene.estate.region(snapshot, "aws"),
    )


def _instance_disks(scene: _Scene, instance: Resource) -> Iterator[Need]:
    # A stopped instance keeps its disks on the bill as a running one does.
    if instance.urn not in scene.held:
        return
    root = known_mapping(at(instance.inputs, "rootBlockDevice"))
    disks = ([root] if root else []) + [
        known_mapping(one) for one in known_items(instance.inputs.get("ebsBlockDevices"))
    ]
    yield from _disks(
        scene.estate,
        instance,
        "disk of the instance",
        disks,
        setting="rootBlockDevice.volumeSize",
        follows="machine",
    )


def _node_group(scene: _Scene, group: Resource) -> Iterator[Need]:
    if group.urn in scene.held:
        yield from _group_disks(scene, group, follows="nodes")
    else:
        yield from _cpu_nodes(scene, group)


def _group_disks(
    scene: _Scene, group: Resource, nodes: Decimal | None = Decimal(1), *, follows: Follows = ""
) -> Iterator[Need]:
    template = group.inputs.get("launchTemplate")
    if template is not None:
        yield from _template_disks(scene, group, template, nodes, follows=follows)
        return
    # 20 GB where nothing is said (EKS API reference, CreateNodegroup diskSize).
    size = group.inputs.get("diskSize")
    yield _disk(
        scene.estate,
        group,
        _OF_NODES,
        20 if size is None else size,
        None,
        number=nodes,
        follows=follows,
    )


_OF_NODES: Final = "disk of its nodes"


def _cpu_nodes(scene: _Scene, group: Resource) -> Iterator[Need]:
    kinds = _kinds(scene, group)
    shapes = [scene.estate.shape("aws", kind) for kind in kinds]
    if not scene.aws or not kinds:
        return
    if not all(shape is not None and shape.gpus == 0 for shape in shapes):
        return
    nodes = count(get(group.inputs, "scalingConfig.desiredSize"))
    if nodes is None:
        nodes = count(get(group.inputs, "scalingConfig.minSize"))
    number = Decimal(nodes) if isinstance(nodes, int) else None
    spot = group.inputs.get("capacityType") == "SPOT"
    market = Market.SPOT if spot else Market.ON_DEMAND
    what = f"CPU nodes {kinds[0]}" + (f" (or {', '.join(kinds[1:])})" if kinds[1:] else "")
    if number != 0:
        yield Need(
            group.urn,
            what,
            "aws",
            kinds[0],
            number,
            NODE,
            scene.estate.region(group, "aws"),
            market,
        )
        yield from _group_disks(scene, group, number)


def _kinds(scene: _Scene, group: Resource) -> list[str]:
    """The instance types of an EKS group, the preferred one first; none where they aren't known."""
    given = group.inputs.get("instanceTypes")
    if given is not None:
        return [kind for kind in known_items(given) if isinstance(kind, str)]
    reference = group.inputs.get("launchTemplate")
    if reference is None:
        return ["t3.medium"]  # EKS API reference, CreateNodegroup instanceTypes
    template = _template(scene.estate, group, reference)
    kind = None if template is None else known_text(template.inputs.get("instanceType"))
    return [] if kind is None else [kind]


def _cpu_group(scene: _Scene, group: Resource) -> Iterator[Need]:
    """A self-managed node group without a GPU: its cluster's other pods need its nodes."""
    of_cluster = any(
        key.startswith(("kubernetes.io/cluster/", "k8s.io/cluster-autoscaler/"))
        for key in tags(group.inputs.get("tags"))
    )
    template = (
        _template(scene.estate, group, group.inputs.get("launchTemplate"))
        if of_cluster and scene.aws
        else None
    )
    kind = template.inputs.get("instanceType") if template is not None else None
    shape = scene.estate.shape("aws", kind) if isinstance(kind, str) else None
    if shape is None or shape.gpus != 0:
        return
    nodes = count(group.inputs.get("desiredCapacity"))
    if nodes is None:
        nodes = count(group.inputs.get("minSize"))
    number = Decimal(nodes) if isinstance(nodes, int) else None
    if number != 0:
        what = f"CPU nodes {shape.instance_type}"
        yield Need(
            group.urn,
            what,
            "aws",
            shape.instance_type,
            number,
            NODE,
            scene.estate.region(group, "aws"),
        )
        yield from _template_disks(scene, group, group.inputs.get("launchTemplate"), number)


def _autoscaling_group(scene: _Scene, group: Resource) -> Iterator[Need]:
    if group.urn not in scene.held:
        yield from _cpu_group(scene, group)
        return
    template = group.inputs.get("launchTemplate")
    if template is None:
        template = get(
            group.inputs, "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"
        )
    if template is None:
        return
    warm = known_mapping(at(group.inputs, "warmPool"))
    parked = _parked(group, warm) if warm else 0
    yield from _template_disks(scene, group, template, follows="nodes")
    if parked:
        state = known_text(warm.get("poolState")) or "Stopped"
        what = f"disk of the warm pool ({state})"
        yield from _template_disks(scene, group, template, Decimal(parked), what)


def _parked(group: Resource, warm: Mapping[str, Any]) -> int:
    """Instances that a warm pool keeps off: what is prepared beyond the desired ones (EC2 Auto
    Scaling user guide, "Warm pools")."""
    if known_text(warm.get("poolState")) not in (None, "Stopped", "Hibernated"):
        return 0
    least = count(warm.get("minSize"))
    prepared = count(warm.get("maxGroupPreparedCapacity"))
    most = prepared if isinstance(prepared, int) else count(group.inputs.get("maxSize"))
    desired = count(group.inputs.get("desiredCapacity"))
    if not isinstance(desired, int):
        desired = count(group.inputs.get("minSize"))
    known = [number if isinstance(number, int) else 0 for number in (least, most, desired)]
    return max(known[0], known[1] - known[2])


def _karpenter_pool(scene: _Scene, pool: Resource) -> Iterator[Need]:
    if pool.urn not in scene.held:
        return
    wanted = known_text(get(pool.inputs, "spec.template.spec.nodeClassRef.name"))
    for node_class in scene.estate.of_type(*_NODE_CLASSES):
        if wanted is not None and known_text(get(node_class.inputs, "metadata.name")) == wanted:
            disks = _class_disks(node_class)
            setting = f"spec.blockDeviceMappings of {node_class.name}"
            yield from _disks(
                scene.estate, pool, _OF_NODES, disks, setting=setting, follows="nodes"
            )


_AUTO_CLASS: Final = "kubernetes:eks.amazonaws.com/v1:NodeClass"
_NODE_CLASSES: Final = ("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", _AUTO_CLASS)


def _class_disks(node_class: Resource) -> list[Mapping[str, Any]]:
    """The disks of each node of a class; of EKS Auto Mode it is one of gp3, 80 GiB unless it is
    told otherwise (EKS user guide, "Create a Node Class for Amazon EKS", ephemeralStorage)."""
    if node_class.type == _AUTO_CLASS:
        size = get(node_class.inputs, "spec.ephemeralStorage.size")
        return [{"volumeSize": "80Gi" if size is None else size, "volumeType": "gp3"}]
    listed = known_items(get(node_class.inputs, "spec.blockDeviceMappings"))
    return [known_mapping(at(one, "ebs")) for one in listed]


def _service(scene: _Scene, service: Resource) -> Iterator[Need]:
    if get(service.inputs, "spec.type") != "LoadBalancer":
        return
    cloud = scene.cloud
    if cloud != "aws":
        yield Need(service.urn, "load balancer of the Service", cloud, "", Decimal(1), UNIT, None)
        return
    annotation = at(
        service.inputs,
        "metadata",
        "annotations",
        "service.beta.kubernetes.io/aws-load-balancer-type",
    )
    kind = known_text(annotation) or ""
    by_class = known_text(get(service.inputs, "spec.loadBalancerClass")) or ""
    # Without a sign of the AWS load balancer controller the cloud provider makes a Classic one
    # (Kubernetes cloud-provider-aws docs).
    network = kind in ("nlb", "nlb-ip", "external") or by_class.endswith("/nlb")
    yield _balancer(scene.estate, service, "network" if network else "classic")


def _ingress(scene: _Scene, ingress: Resource) -> Iterator[Need]:
    name = known_text(get(ingress.inputs, "spec.ingressClassName")) or known_text(
        at(ingress.inputs, "metadata", "annotations", "kubernetes.io/ingress.class")
    )
    if name == "alb" and scene.cloud == "aws":
        yield _balancer(scene.estate, ingress, "application")


def _claim(scene: _Scene, claim: Resource) -> Iterator[Need]:
    size = _gib(get(claim.inputs, "spec.resources.requests.storage"))
    cloud = scene.cloud
    name = known_text(get(claim.inputs, "spec.storageClassName"))
    kind = name if name in ("gp2", "gp3") else None
    for storage in scene.estate.by_type.get("kubernetes:storage.k8s.io/v1:StorageClass", ()):
        if (
            name is not None
            and get(storage.inputs, "metadata.name") == name
            and storage.inputs.get("provisioner") == "ebs.csi.aws.com"
        ):
            kind = (
                known_text(get(storage.inputs, "parameters.type")) or "gp3"
            )  # the EBS CSI driver's default type
    item = f"EBS {kind} storage" if cloud == "aws" and kind in ("gp2", "gp3") else ""
    what = "disk of the volume claim" + (f" ({kind})" if item else "")
    yield Need(
        claim.urn,
        what,
        cloud,
        item,
        size,
        GB_MONTH,
        scene.estate.region(claim, "aws") if cloud == "aws" else None,
    )


def _template(estate: Estate, owner: Resource, reference: Any) -> Resource | None:
    """The launch template of a group; None where it is not in the documents, or none is told."""
    first = known_items(reference)[0] if known_items(reference) else reference
    value = at(first, "id") if at(first, "id") is not None else at(first, "name")
    prop = "launchTemplate" if "launchTemplate" in owner.inputs else "mixedInstancesPolicy"
    link = estate.link(owner, prop, "aws:ec2/launchTemplate:LaunchTemplate", value=value)
    return link.found[0] if len(link.found) == 1 else None


def _template_disks(
    scene: _Scene,
    owner: Resource,
    reference: Any,
    nodes: Decimal | None = Decimal(1),
    what: str = _OF_NODES,
    *,
    follows: Follows = "",
) -> Iterator[Need]:
    template = _template(scene.estate, owner, reference)
    if template is None:
        why = "its launch template is not in the documents"
        yield _of_unknown_size(scene.estate, owner, what, follows, why=why)
        return
    mappings = [
        known_mapping(at(one, "ebs"))
        for one in known_items(template.inputs.get("blockDeviceMappings"))
    ]
    setting = f"a volumeSize in blockDeviceMappings of {template.name}"
    yield from _disks(scene.estate, owner, what, mappings, nodes, setting=setting, follows=follows)


def _disks(
    estate: Estate,
    owner: Resource,
    what: str,
    disks: list[Mapping[str, Any]],
    number: Decimal | None = Decimal(1),
    *,
    setting: str,
    follows: Follows = "",
) -> Iterator[Need]:
    if not disks:
        root, why = f"root {what}", "its size comes from the AMI"
        yield _of_unknown_size(estate, owner, root, follows, why=why, settle=f"set {setting}")
    for disk in disks:
        size, kind = disk.get("volumeSize"), disk.get("volumeType")
        yield _disk(estate, owner, what, size, kind, number=number, follows=follows)


def _of_unknown_size(
    estate: Estate, owner: Resource, what: str, follows: Follows, *, why: str, settle: str = ""
) -> Need:
    return Need(
        urn=owner.urn,
        what=what,
        cloud="aws",
        item="EBS gp3 storage",
        quantity=None,
        unit=GB_MONTH,
        region=estate.region(owner, "aws"),
        follows=follows,
        unsized=why,
        settle=settle,
    )


def _disk(
    estate: Estate,
    owner: Resource,
    what: str,
    size: Any,
    kind: Any,
    *,
    number: Decimal | None = Decimal(1),
    follows: Follows = "",
) -> Need:
    gib = _gib(size)
    name = known_text(kind)
    # The image decides where no type is declared; today's images for EKS and ECS say gp3.
    shown = (
        f"{what} (type not declared, gp3 assumed)"
        if kind is None
        else f"{what} ({name or 'type not known'})"
    )
    item = "EBS gp3 storage" if kind is None else ""
    if name in ("gp2", "gp3"):
        item = f"EBS {name} storage"
    return Need(
        urn=owner.urn,
        what=shown,
        cloud="aws",
        item=item,
        quantity=gib * number if gib is not None and number is not None else None,
        unit=GB_MONTH,
        region=estate.region(owner, "aws"),
        follows=follows,
    )


def _gib(value: Any) -> Decimal | None:
    """A size in GB: a plain number is one already, a Kubernetes quantity is bytes."""
    if isinstance(value, str) and not value.strip().isdigit():
        size = quantity(value)
        return size / 2**30 if isinstance(size, Decimal) else None
    number = count(value)
    return Decimal(number) if isinstance(number, int) else None


def _aws(estate: Estate, resource: Resource, what: str, item: str, number: Decimal) -> Need:
    return Need(resource.urn, what, "aws", item, number, UNIT, estate.region(resource, "aws"))


def _cloud(estate: Estate, of_pools: Set[str]) -> str:
    """That of the stack's clusters, else the only one of the GPU pools."""
    clouds = {cloud for kind, cloud in _CLUSTERS.items() if estate.by_type.get(kind)}
    azure = [kind for kind in estate.by_type if kind.startswith("azure")]
    if azure:
        from zerofloor.cost.residuals_azure import is_cluster

        if any(map(is_cluster, azure)):
            clouds.add("azure")
    clouds = clouds or set(of_pools)
    return next(iter(clouds)) if len(clouds) == 1 else ""


_CLUSTERS: Final = {
    "aws:eks/cluster:Cluster": "aws",
    "aws-native:eks:Cluster": "aws",
    "gcp:container/cluster:Cluster": "gcp",
    "google-native:container/v1:Cluster": "gcp",
    "google-native:container/v1beta1:Cluster": "gcp",
}

_READERS: Final[Mapping[str, Reader]] = {
    "aws:eks/cluster:Cluster": _eks_cluster,
    "aws-native:eks:Cluster": _eks_cluster,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws-native:ec2:NatGateway": _nat,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:alb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:elb/loadBalancer:LoadBalancer": _classic_balancer,
    "aws:ec2/eip:Eip": _address,
    "aws-native:ec2:Eip": _address,
    "aws:ebs/volume:Volume": _volume,
    "aws:ebs/snapshot:Snapshot": _snapshot,
    "aws:ec2/instance:Instance": _instance_disks,
    "aws:eks/nodeGroup:NodeGroup": _node_group,
    "aws-native:eks:Nodegroup": _node_group,
    "aws:autoscaling/group:Group": _autoscaling_group,
    "kubernetes:karpenter.sh/v1:NodePool": _karpenter_pool,
    "kubernetes:core/v1:Service": _service,
    "kubernetes:core/v1:PersistentVolumeClaim": _claim,
    "kubernetes:networking.k8s.io/v1:Ingress": _ingress,
}

_NO_PRICE: Final = {
    "aws:efs/fileSystem:FileSystem": ("aws", "EFS file system"),
    "aws:fsx/lustreFileSystem:LustreFileSystem": ("aws", "FSx for Lustre file system"),
    "runpod:index:NetworkStorage": ("runpod", "network volume"),
}
# What bills at zero GPUs and has no price in the snapshot: named in a footnote, so that no reader
# takes it for nothing.
