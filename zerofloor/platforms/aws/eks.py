"""EKS: managed node groups, Auto Mode, and the pulumi-eks components that create them and
self-managed groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, assert_never

from msgspec.structs import replace

from zerofloor.capacity import (
    Assumption,
    Cause,
    Hold,
    Market,
    Notice,
    Part,
    Placement,
    Pool,
    Taint,
    Undecided,
)
from zerofloor.documents.template_text import parse
from zerofloor.estate import Estate, tags
from zerofloor.hardware.instances import lookup
from zerofloor.platforms import trust
from zerofloor.platforms.aws.actions import actions_by_group
from zerofloor.platforms.aws.groups import NODE_GROUPS, Action, Group, Lowered, Warm, pool_of
from zerofloor.platforms.aws.launch import lone, of_template, spot_template
from zerofloor.platforms.aws.read import CLOUD, declared, machines, market
from zerofloor.platforms.aws.templates import STACKS
from zerofloor.platforms.declared import Declared, Size, link_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.taints import read_taints
from zerofloor.platforms.trust import Cluster
from zerofloor.stack import Hidden, Resource
from zerofloor.values import (
    at,
    get,
    has_hidden,
    hidden,
    known_items,
    known_mapping,
    known_text,
    switch,
)

CLUSTERS: Final = ("aws:eks/cluster:Cluster", "aws-native:eks:Cluster")
DEFAULT_TYPE: Final = "t3.medium"
"""What EKS launches where neither the group nor its template names a type (EKS user guide, "Managed
node groups"), and the
default of pulumi-eks (nodes/nodegroup.ts, DEFAULT_INSTANCE_TYPE)."""
COMPONENTS: Final = (
    "eks:index:Cluster",
    "eks:index:NodeGroup",
    "eks:index:NodeGroupV2",
    "eks:index:ManagedNodeGroup",
)
READS: Final = frozenset({*NODE_GROUPS, *CLUSTERS, *COMPONENTS})
_SIZES: Final = ("scalingConfig.minSize", "scalingConfig.desiredSize")
_PULUMI_EKS: Final = "pulumi-eks' default"


def read(estate: Estate) -> Iterator[Part]:
    """Every node group and built-in node pool of EKS clusters. Self-managed groups of a stack are
    read as ASGs."""
    actions = actions_by_group(estate)
    for source in declared(estate, *NODE_GROUPS):
        if not source.inputs:
            why = "The node group has no inputs in this document: it may have GPU nodes"
            yield source.open("", why)
            continue
        yield from _managed(estate, source, actions.get(source.key, ()), defaults=False)
    for resource in estate.of_type("eks:index:ManagedNodeGroup"):
        if not created_children(estate, resource, *NODE_GROUPS):
            yield from _managed(
                estate, Declared(resource, resource.inputs, resource.name), (), defaults=True
            )
    for resource in estate.of_type(
        "eks:index:NodeGroup", "eks:index:NodeGroupV2", "eks:index:Cluster"
    ):
        yield from _self_managed(estate, resource)
    for source in declared(estate, *CLUSTERS):
        yield from _auto_mode(estate, source, source.inputs.get("computeConfig"))
    for resource in estate.of_type("eks:index:Cluster"):
        if not any(child.type in CLUSTERS for child in estate.descendants(resource.urn)):
            source = Declared(resource, resource.inputs, resource.name)
            # Hidden, no built-in pool is assumed to exist: it would take pods off other nodes.
            options = known_mapping(resource.inputs.get("autoMode"))
            pools = get(options, "computeConfig.nodePools")
            default = ["general-purpose", "system"] if pools is None else pools
            yield from _auto_mode(
                estate, source, {"enabled": options.get("enabled"), "nodePools": default}
            )


def created_children(estate: Estate, component: Resource, *types: str) -> bool:
    """Whether the document has what the component created (by parent, or of the same name), so that
    only that counts."""
    if component.type != "eks:index:Cluster" and any(
        child.type in types for child in estate.descendants(component.urn)
    ):
        return True
    stack = estate.stack_of.get(component.urn)
    named = estate.once(
        ("children", types),
        lambda: {(r.name, id(estate.stack_of.get(r.urn))) for r in estate.of_type(*types)},
    )
    return (component.name, id(stack)) in named


def _managed(
    estate: Estate, source: Declared, actions: tuple[Action | Undecided, ...], defaults: bool
) -> Iterator[Part]:
    cluster = cluster_of(estate, source, "clusterName" if not defaults else "cluster")
    because = _PULUMI_EKS if defaults else ""
    minimum = size(source, ["scalingConfig.minSize"], 1 if defaults else 0, because)
    desired = size(source, ["scalingConfig.desiredSize"], 2 if defaults else None, because)
    maximum = size(source, ["scalingConfig.maxSize"], 2 if defaults else None, because)
    if isinstance(desired, Size) and desired.value is None and isinstance(minimum, Size):
        omitted = "omitted: the minimum"
        desired = replace(desired, value=minimum.value, default=omitted, is_derived=True)
    if (
        not defaults
        and isinstance(minimum, Size)
        and isinstance(desired, Size)
        and source.pick(*_SIZES)[1] is None
    ):
        minimum = source.open(
            "scalingConfig",
            "No size is given: EKS then starts as many nodes as it likes",
            "Set minSize and desiredSize",
        )
    found = _managed_machines(estate, source)
    spot = market(source, "capacityType")
    if spot is Market.ON_DEMAND and source.inputs.get("capacityType") is None:
        spot = spot_template(estate, source, "launchTemplate", source.inputs.get("launchTemplate"))
    label = _capacity_type(spot)
    # Hidden, the label is there and its value isn't known.
    name = known_text(source.pick("nodeGroupName", "nodegroupName")[1])
    os = (
        "windows"
        if (known_text(source.inputs.get("amiType")) or "").startswith("WINDOWS")
        else "linux"
    )
    labels = {
        "eks.amazonaws.com/capacityType": label,
        "eks.amazonaws.com/nodegroup": name,
        "kubernetes.io/os": os,
    }
    placed = placement(
        estate, source, found, labels, source.inputs.get("labels"), source.inputs.get("taints")
    )
    for part in _group(
        estate,
        source,
        "EKS managed node group",
        found,
        (minimum, desired, maximum),
        spot,
        placed,
        cluster,
        actions,
    ):
        yield part if part.os == os else replace(part, os=os)


def _managed_machines(estate: Estate, source: Declared) -> Machines:
    path, types = source.pick("instanceTypes")
    if types is not None and types != []:
        return machines(estate, source, path, types)
    found = of_template(estate, source, "launchTemplate", source.inputs.get("launchTemplate"))
    if found.shapes or found.undecided:
        return found
    return _default_type(estate, source, "instanceTypes")


def _default_type(estate: Estate, source: Declared, path: str) -> Machines:
    shape = estate.shape(CLOUD, DEFAULT_TYPE)
    evidence = source.evidence(path, f"omitted: {DEFAULT_TYPE}")
    return Machines((shape,) if shape else (), evidence=(evidence,))


def _self_managed(estate: Estate, resource: Resource) -> Iterator[Part]:
    """A pulumi-eks component whose group is not in the document: its own inputs say what it will
    create."""
    source = Declared(resource, resource.inputs, resource.name)
    prefix, default_group = "", resource.type == "eks:index:Cluster"
    # The group itself, or the CloudFormation stack in which NodeGroup deploys it.
    if created_children(estate, resource, "aws:autoscaling/group:Group") or _deploys_template(
        estate, resource
    ):
        return
    if default_group:
        skipped = [
            resource.inputs.get("skipDefaultNodeGroup"),
            resource.inputs.get("fargate"),
            get(resource.inputs, "autoMode.enabled"),
        ]
        if any(value is True or isinstance(value, Mapping) for value in skipped):
            return
        prefix = "nodeGroupOptions." if resource.inputs.get("nodeGroupOptions") is not None else ""
    path = f"{prefix}instanceType"
    kind = get(resource.inputs, path)
    found = (
        machines(estate, source, path, kind)
        if kind is not None
        else _default_type(estate, source, path)
    )
    sizes = tuple(
        size(source, [f"{prefix}{name}"], default, _PULUMI_EKS)
        for name, default in (("minSize", 1), ("desiredCapacity", 2), ("maxSize", 2))
    )
    cluster = (
        _canonical(estate, resource) if default_group else cluster_of(estate, source, "cluster")
    )
    spot = Market.ON_DEMAND if get(resource.inputs, f"{prefix}spotPrice") is None else Market.SPOT
    inputs = at(resource.inputs, "nodeGroupOptions") if prefix else resource.inputs
    placed = placement(estate, source, found, {}, at(inputs, "labels"), at(inputs, "taints"))
    yield from _group(
        estate,
        source,
        "EKS self-managed node group",
        found,
        (sizes[0], sizes[1], sizes[2]),
        spot,
        placed,
        cluster,
        (),
    )


def _capacity_type(market: Market) -> str:
    """EKS's word for it, as its nodes' label says it."""
    match market:
        case Market.ON_DEMAND:
            return "ON_DEMAND"
        case Market.SPOT:
            return "SPOT"
        case Market.RESERVED:
            return "CAPACITY_BLOCK"
        case _:
            assert_never(market)


def _deploys_template(estate: Estate, resource: Resource) -> bool:
    below = estate.children.get(resource.urn, ())
    return any(
        child.type in STACKS and isinstance(parse(child.inputs.get("templateBody")), Mapping)
        for child in below
    )


def component_type(estate: Estate, source: Declared) -> Machines | None:
    """The type by the inputs of the pulumi-eks component that created an ASG; None where there is
    none or it does not say."""
    parent = estate.by_urn.get(source.resource.parent or "")
    if parent is None or parent.type not in COMPONENTS or not parent.inputs:
        return None
    component = Declared(parent, parent.inputs, parent.name)
    path, kind = component.pick("instanceType", "nodeGroupOptions.instanceType")
    return (
        machines(estate, component, path, kind)
        if kind is not None
        else _default_type(estate, component, "instanceType")
    )


def _group(
    estate: Estate,
    source: Declared,
    platform: str,
    found: Machines,
    sizes: tuple[Any, Any, Any],
    spot: Market,
    placed: Placement,
    cluster: Cluster,
    actions: tuple[Action | Undecided, ...],
) -> Iterator[Pool]:
    wrong = [part for part in sizes if not isinstance(part, Size)]
    if wrong:
        if not found.plain:
            place = estate.region(source.resource, CLOUD)
            yield Pool(
                urn=source.urn,
                name=source.name,
                platform=platform,
                cloud=CLOUD,
                shapes=found.shapes,
                region=place,
                part=source.part(),
                undecided=tuple(wrong),
                evidence=found.evidence,
            )
        return
    minimum, desired, maximum = sizes
    lowered = autoscaler(estate, source, minimum, cluster)
    group = Group(
        source,
        platform,
        found,
        minimum,
        desired,
        maximum,
        market=spot,
        placement=sized(estate, placed, minimum, maximum),
        lowered=lowered,
        actions=tuple(action for action in actions if isinstance(action, Action)),
        undecided=tuple(action for action in actions if isinstance(action, Undecided)),
        notices=_untainted(source, found, placed, maximum) if lowered is not None else (),
        warm=warm_pool(source, "warmPoolConfig"),
        evidence=(maximum.evidence("the group never goes above it"),)
        if maximum.known is not None
        else (),
    )
    pool = pool_of(estate, group)
    if pool is not None:
        yield pool


def _untainted(
    source: Declared, found: Machines, placed: Placement, maximum: Size
) -> tuple[Notice, ...]:
    """A warning about a GPU group that any pod may keep."""
    path, given = source.pick("taints", "nodeGroupOptions.taints")
    only_gpu = bool(found.shapes) and all(shape.gpus != 0 for shape in found.shapes)
    if not only_gpu or placed.taints or given not in (None, [], {}) or maximum.known == 0:
        return ()
    message = (
        f"Node group {source.name} has no NoSchedule taint, so pods without a GPU can be "
        "scheduled on its nodes and keep them"
    )
    fix = f"Add a taint (key nvidia.com/gpu, effect NO_SCHEDULE) to {path}, and tolerate it"
    because = source.evidence(path, "pods without a GPU may land on its nodes and keep them")
    return (
        Notice(
            cause=Cause.UNTAINTED_POOL,
            urn=source.urn,
            message=message,
            fix=fix,
            evidence=(because,),
        ),
    )


def sized(estate: Estate, placed: Placement, minimum: Size, maximum: Size) -> Placement:
    """The placement of a group that can't grow where its sizes say so, or never shrinks where its
    autoscaler may not."""
    fixed = maximum.known is not None and maximum.known == (minimum.known or 0)
    evidence = trust.grows_only(estate)
    kept = (
        None
        if evidence is None
        else Hold(
            cause=Cause.NEVER_EMPTIED,
            urn=evidence.urn,
            units=None,
            evidence=(evidence,),
            fix="Leave scale-down enabled",
        )
    )
    autoscaler = trust.cluster_autoscaler(estate)
    reclaim = placed.reclaim if autoscaler is None else trust.reclaim_seconds(estate)
    open_growth = not isinstance(autoscaler, Assumption) or maximum.is_hidden
    return replace(
        placed,
        grows=placed.grows and not fixed,
        open_growth=open_growth and not fixed,
        retained=kept,
        reclaim=reclaim,
        evicts_local=trust.evicts_local_storage(estate),
    )


def autoscaler(estate: Estate, source: Declared, minimum: Size, cluster: Cluster) -> Lowered | None:
    """The cluster autoscaler as what lowers this group, for certain or perhaps."""
    trusted = trust.cluster_autoscaler(estate, cluster)
    if trusted is None:
        return None
    evidence = minimum.evidence("the cluster autoscaler goes down to it")
    if isinstance(trusted, Undecided):
        return Lowered(evidence, doubts=(trusted,))
    return Lowered(evidence, trusted)


def warm_pool(source: Declared, path: str) -> Warm | Undecided | None:
    """The warm pool of a group, where its instances run (Stopped is the default; stopped ones bill
    for disks only)."""
    given = source.inputs.get(path)
    config = lone(given)
    if config is None or given == []:
        return None
    if not isinstance(config, Mapping | Hidden):
        why = f"{path} is not an object: it may keep GPU instances running"
        return source.open(path, why, "Correct the value")
    if config is not given:
        path = f"{path}[0]"
    state = at(config, "poolState")
    if config == {} or switch(at(config, "enabled")) is False:
        return None
    if isinstance(state, Hidden):
        why = "Whether the instances of the warm pool run isn't known at preview"
        return source.open(f"{path}.poolState", why)
    if str(state or "Stopped").lower() != "running":
        return None
    minimum = size(source, [f"{path}.minSize"], 0)
    prepared = _prepared(source, f"{path}.maxGroupPreparedCapacity")
    if isinstance(minimum, Undecided):
        return minimum
    if isinstance(prepared, Undecided):
        return prepared
    running = source.evidence(f"{path}.poolState", "instances of the warm pool run, and bill")
    return Warm(running, minimum, prepared)


def _prepared(source: Declared, path: str) -> Size | Undecided:
    value = get(source.inputs, path)
    if value == -1:  # the same as leaving it out (EC2 Auto Scaling API, PutWarmPool)
        return Size(source, path, None)
    return size(source, [path])


def cluster_of(estate: Estate, source: Declared, prop: str) -> Cluster:
    """The cluster that a property names, by dependency or by name."""
    value = source.inputs.get(prop)
    link = link_of(estate, source, prop, *CLUSTERS, "eks:index:Cluster", value=value)
    if link.found and not link.open:
        return _canonical(estate, link.found[0])
    if isinstance(value, Hidden):
        return Cluster(is_hidden=True)
    return Cluster(value if isinstance(value, str) else None)


def _canonical(estate: Estate, resource: Resource) -> Cluster:
    found = (
        resource
        if resource.type in CLUSTERS
        else next((r for r in estate.descendants(resource.urn) if r.type in CLUSTERS), resource)
    )
    name = found.inputs.get("name")
    return Cluster(name if isinstance(name, str) else None, found.urn)


def group_cluster(estate: Estate, source: Declared) -> Cluster | None:
    """The cluster of a self-managed group (an ASG), None where nothing says that it belongs to
    one."""
    parent = estate.by_urn.get(source.resource.parent or "")
    if parent is not None and parent.type in COMPONENTS:
        if parent.type == "eks:index:Cluster":
            return _canonical(estate, parent)
        return cluster_of(estate, Declared(parent, parent.inputs, parent.name), "cluster")
    for key in sorted(tags(source.inputs.get("tags"))):
        if key.startswith("kubernetes.io/cluster/"):
            return Cluster(key.removeprefix("kubernetes.io/cluster/"))
    if any(key.startswith("k8s.io/cluster-autoscaler/") for key in tags(source.inputs.get("tags"))):
        return Cluster()
    return None


def placement(
    estate: Estate,
    source: Declared,
    found: Machines,
    fixed: Mapping[str, str | None],
    labels: Any,
    taints: Any,
) -> Placement:
    """How pods get onto the nodes of a group: its own labels and taints, and what EKS and the
    kubelet add."""
    well_known: dict[str, str | None] = {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": None,
        "kubernetes.io/hostname": None,
        "node.kubernetes.io/instance-type": found.shapes[0].instance_type
        if len(found.shapes) == 1 and not found.undecided
        else None,
        "topology.kubernetes.io/region": estate.region(source.resource, CLOUD),
        "topology.kubernetes.io/zone": None,
        **fixed,
    }
    if any(shape.accelerator.startswith("NVIDIA") for shape in found.shapes):
        # Set by NVIDIA's GPU feature discovery where it runs.
        well_known |= {
            "nvidia.com/gpu.present": None,
            "nvidia.com/gpu.product": None,
            "nvidia.com/gpu.count": None,
        }
    # A hidden value is a label whose value isn't known; hidden labels are open ones.
    own = {str(key): known_text(value) for key, value in known_mapping(labels).items()}
    return Placement(
        labels={**well_known, **own},
        open_labels=hidden(labels),
        hidden_labels=frozenset(key for key, value in {**fixed, **own}.items() if value is None),
        taints=_taints(taints),
        open_taints=has_hidden(taints),
    )


def _taints(value: Any) -> tuple[Taint, ...]:
    """The taints: a list, or by key those of pulumi-eks' self-managed groups ({value, effect})."""
    if not isinstance(value, Mapping):
        return tuple(read_taints(value))
    listed = [
        {"key": key, **known_mapping(body)} for key, body in value.items() if not hidden(body)
    ]
    return tuple(read_taints(listed))


def _auto_mode(estate: Estate, source: Declared, config: Any) -> Iterator[Part]:
    """EKS Auto Mode's built-in pools launch C, M and R types, never a GPU (EKS user guide,
    "Built-in NodePools")."""
    if switch(at(config, "enabled")) is not True:
        return
    shapes = tuple(
        shape
        for kind in ("m6a.large", "m6a.4xlarge", "m6a.48xlarge")
        if (shape := lookup(CLOUD, kind))
    )
    # Hidden ones are left out: a pool without GPUs only takes pods off other nodes.
    for name in [item for item in known_items(at(config, "nodePools")) if isinstance(item, str)]:
        taints = (Taint("CriticalAddonsOnly"),) if name == "system" else ()
        labels = {
            "karpenter.sh/nodepool": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }
        placed = Placement(labels=labels, taints=taints, karpenter=True)
        evidence = (
            source.evidence("computeConfig.nodePools", f"{name} launches C, M and R types only"),
        )
        yield Pool(
            urn=source.urn,
            name=name,
            platform="EKS Auto Mode node pool",
            cloud=CLOUD,
            shapes=shapes,
            region=estate.region(source.resource, CLOUD),
            part=name,
            placement=placed,
            evidence=evidence,
        )
