"""Machines that an object declares by itself: eksctl's node groups, OpenShift's machine sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from zerofloor.capacity import Assumption, Cause, Evidence, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Size, changes_of, declared
from zerofloor.platforms.kubernetes.objects import Object, as_object, meet, objects
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.nodes import UNNEEDED, Nodes
from zerofloor.platforms.rows import Kept, Row, as_declared, read_rows
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, get, items, known_text

_CLUSTER: Final = "kubernetes:eksctl.io/v1alpha5:ClusterConfig"
_SET: Final = "kubernetes:machine.openshift.io/v1beta1:MachineSet"
KINDS: Final = frozenset(
    {
        ("eksctl.io", "ClusterConfig"),
        ("machine.openshift.io", "MachineSet"),
        ("autoscaling.openshift.io", "MachineAutoscaler"),
    }
)
_EKSCTL: Final = "https://eksctl.io/usage/schema/ (desiredCapacity, minSize)"


def _groups(field: str) -> Row:
    return Row(
        cloud="aws",
        tokens=(_CLUSTER,),
        platform="eksctl node group",
        each=field,
        machine=("instancesDistribution.instanceTypes", "instanceTypes", "instanceType"),
        count=("desiredCapacity", "minSize"),
        default=2,
        cause=Cause.DESIRED_NOT_LOWERED,
        because="eksctl creates this many nodes, and nothing here lowers them",
        fix="Set desiredCapacity and minSize of the node group to 0",
        spot=(("spot", True),),
        source=_EKSCTL,
        nodes=Nodes(
            name_labels=("alpha.eksctl.io/nodegroup-name", "eks.amazonaws.com/nodegroup"),
            cloud_labels=("alpha.eksctl.io/cluster-name", "alpha.eksctl.io/instance-id"),
        ),
    )


def _set(cloud: str, field: str) -> Row:
    value = "spec.template.spec.providerSpec.value"
    return Row(
        cloud=cloud,
        tokens=(_SET,),
        platform="OpenShift machine set",
        machine=(f"{value}.{field}",),
        count=("spec.replicas",),
        cause=Cause.DESIRED_NOT_LOWERED,
        because="the machine set keeps this many machines",
        fix="Set spec.replicas to 0, or add a MachineAutoscaler with minReplicas 0",
        change=(("spec.replicas", 0),),
        source="OpenShift docs, Machine management: replicas defaults to 1; a MachineAutoscaler's "
        "minReplicas may be 0 on AWS, Azure and Google Cloud",
        nodes=Nodes(
            name="metadata.name",
            labels=("spec.template.spec.metadata.labels",),
            taints="spec.template.spec.taints",
        ),
    )


_GROUPS: Final = (_groups("managedNodeGroups"), _groups("nodeGroups"))
_SETS: Final = (_set("aws", "instanceType"), _set("azure", "vmSize"), _set("gcp", "machineType"))


def read(estate: Estate) -> Iterator[Part]:
    for part in read_rows(estate, _GROUPS, keep=_kept):
        yield _growing(estate, _in_region(estate, part, "metadata.region"))
    for source in declared(estate, _CLUSTER):
        yield from _selected(source)
    sets = {resource.urn: as_object(estate, resource) for resource in estate.of_type(_SET)}
    for part in read_rows(estate, _SETS, keep=_scaled):
        urn = getattr(part, "urn", "")
        scaled = urn in sets and any(_is_for(one, sets[urn]) for one in _scalers(estate))
        placed = _in_region(estate, part, _PLACE) if urn in sets else part
        yield _with_scaler(placed) if scaled else placed
    yield from _attached(estate)


_PLACE: Final = "spec.template.spec.providerSpec.value.placement.region"


def _in_region(estate: Estate, part: Part, path: str) -> Part:
    """The pool in the region that the object itself names."""
    if not isinstance(part, Pool):
        return part
    region = known_text(get(estate.by_urn[part.urn].inputs, path))
    return part if region is None else replace(part, region=region)


def _kept(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """The desired size, or the minimum where a cluster autoscaler is trusted to run."""
    prefix = number.path.rpartition(".")[0]
    low, high = source.field(f"{prefix}.minSize"), source.field(f"{prefix}.maxSize").count()
    least = low.count()
    # Without a minimum of its own the desired size is that, too.
    if estate.settings.trust.cluster_autoscaler is True and least is not None:
        if isinstance(least, Hidden | Impossible):
            return Kept(undecided=(low.undecided("How many nodes it keeps isn't known"),))
        number = replace(number, path=low.path, value=least, default="")
        row = replace(row, cause=Cause.POOL_MINIMUM, because=f"it never goes below {least}")
    kept = as_declared(estate, source, row, number, found)
    pairs = [(number.path, 0)]
    if isinstance(least, int) and least and low.path != number.path:
        pairs.append((low.path, 0))
    change = changes_of(source, *pairs)
    holds = tuple(replace(hold, change=change) for hold in kept.holds)
    return replace(kept, holds=holds, ceiling=high if isinstance(high, int) else kept.ceiling)


def _growing(estate: Estate, part: Part) -> Part:
    """The group as one to which a cluster autoscaler adds nodes for pods that wait: eksctl deploys
    none, and clusters that have such a group mostly do."""
    if not isinstance(part, Pool) or part.placement is None:
        return part
    if estate.settings.trust.cluster_autoscaler is False:
        return part
    placement = replace(part.placement, grows=True, reclaim=UNNEEDED)
    assumptions = part.assumptions if part.holds or not part.shapes else (*part.assumptions, _ADDS)
    return replace(part, placement=placement, assumptions=assumptions)


_ADDS: Final = Assumption(
    "A cluster autoscaler adds nodes to groups at 0",
    "the node groups of eksctl may grow, and without one they don't",
)


def _selected(source: Declared) -> Iterator[Undecided]:
    """Groups whose types eksctl selects by the GPUs that they have."""
    for field in ("managedNodeGroups", "nodeGroups"):
        groups = items(source.inputs.get(field))
        for index, group in enumerate([] if isinstance(groups, Hidden) else groups):
            asked = at(group, "instanceSelector", "gpus")
            if asked not in (None, 0):
                path = f"{field}[{index}].instanceSelector.gpus"
                why = "Which types with GPUs eksctl selects isn't in the document"
                settle = "Name the types in instanceTypes"
                yield source.open(path, why, settle)


def _scaled(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """The replicas, or the minimum of the MachineAutoscaler that scales the set."""
    target = as_object(estate, source.resource)
    scaler = next((one for one in _scalers(estate) if _is_for(one, target)), None)
    if scaler is None:
        return as_declared(estate, source, row, number, found)
    least, most = count(at(scaler.spec, "minReplicas")), count(at(scaler.spec, "maxReplicas"))
    path = "spec.minReplicas"
    if not isinstance(least, int):
        why = "The minimum of its MachineAutoscaler isn't known at preview"
        return Kept(undecided=(Undecided(scaler.urn, path, why, "Give it a value"),))
    ceiling = most if isinstance(most, int) else None
    if not least:
        return Kept(ceiling=ceiling)
    because = f"the MachineAutoscaler never goes below {least}"
    hold = Hold(
        cause=Cause.POOL_MINIMUM,
        urn=scaler.urn,
        units=least,
        evidence=(*found.evidence, Evidence(scaler.urn, path, least, because)),
        fix=f"Set {path} of MachineAutoscaler {scaler.shown_name} to 0",
        change=changes_of(Declared(scaler.resource, scaler.resource.inputs, ""), (path, 0)),
    )
    return Kept(holds=(hold,), ceiling=ceiling)


def _with_scaler(part: Part) -> Part:
    if not isinstance(part, Pool) or part.placement is None:
        return part
    return replace(part, placement=replace(part.placement, grows=True, reclaim=UNNEEDED))


def _scalers(estate: Estate) -> Iterator[Object]:
    return objects(estate, ("autoscaling.openshift.io", "MachineAutoscaler"))


def _is_for(scaler: Object, target: Object) -> bool:
    named = at(scaler.spec, "scaleTargetRef", "name")
    return named == target.name and meet(scaler, target)


def _attached(estate: Estate) -> Iterator[Undecided]:
    """Sets whose machines get their GPUs beside a type without any (`gpus` on Google Cloud)."""
    for source in declared(estate, _SET):
        field = source.field("spec.template.spec.providerSpec.value.gpus")
        replicas = source.field("spec.replicas").count()
        if field.value not in (None, []) and replicas != 0:
            why = "Its machines have GPUs attached"
            yield field.undecided(why, "Set spec.replicas to 0, or add a hint with a reason")
