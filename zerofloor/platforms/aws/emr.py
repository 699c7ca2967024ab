"""EMR: the instance groups and fleets of a cluster run as long as the cluster, unless it ends
itself when idle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from zerofloor.capacity import Cause, Evidence, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.aws.launch import overridden
from zerofloor.platforms.aws.read import CLOUD, declared, machines, narrowed, nodes_for
from zerofloor.platforms.declared import Declared, Size, changes_of, link_of, size
from zerofloor.platforms.machines import Machines
from zerofloor.values import at, get, hidden, known_items
from zerofloor.words import counted, verb

CLUSTERS: Final = ("aws:emr/cluster:Cluster", "aws-native:emr:Cluster")
GROUPS: Final = ("aws:emr/instanceGroup:InstanceGroup", "aws-native:emr:InstanceGroupConfig")
FLEETS: Final = ("aws:emr/instanceFleet:InstanceFleet", "aws-native:emr:InstanceFleetConfig")
READS: Final = frozenset({*CLUSTERS, *GROUPS, *FLEETS})
_OF_A_CLUSTER: Final = (
    "masterInstanceGroup",
    "coreInstanceGroup",
    "masterInstanceFleet",
    "coreInstanceFleet",
)
_TASKS: Final = ("taskInstanceGroups", "taskInstanceFleets")
_FIX: Final = "Add an autoTerminationPolicy to the cluster, or use a type without a GPU here"


def read(estate: Estate) -> Iterator[Part]:
    """Every group and fleet, in its cluster or as a resource of its own."""
    for cluster in declared(estate, *CLUSTERS):
        ends = _ends(cluster)
        for path, value in _parts(cluster):
            yield from _part(estate, cluster, path, value, 1, ends)
    for source in declared(estate, *GROUPS, *FLEETS):
        prop = "clusterId" if source.inputs.get("clusterId") is not None else "jobFlowId"
        link = link_of(estate, source, prop, *CLUSTERS, value=source.inputs.get(prop), names=())
        of = link.found[0] if link.found and not link.open and link.assumption is None else None
        yield from _part(
            estate,
            source,
            "",
            source.inputs,
            0,
            None if of is None else _ends(Declared(of, of.inputs, of.name)),
        )


def _parts(cluster: Declared) -> Iterator[tuple[str, Any]]:
    prefix = "instances." if cluster.inputs.get("instances") is not None else ""
    whole = cluster.inputs.get("instances")
    if hidden(whole):
        yield "instances", whole
        return
    for name in _OF_A_CLUSTER:
        value = get(cluster.inputs, prefix + name)
        if value is not None:
            yield prefix + name, value
    for name in _TASKS:
        value = get(cluster.inputs, prefix + name)
        if hidden(value):
            yield prefix + name, value
        for index, item in enumerate(known_items(value)):  # Hidden ones are told above.
            yield f"{prefix}{name}[{index}]", item


def _ends(cluster: Declared) -> Evidence | None:
    """What ends the cluster when it is idle (EMR management guide, "Using an auto-termination
    policy", "Configuring a cluster to …
    terminate after step execution")."""
    policy = cluster.inputs.get("autoTerminationPolicy")
    if policy is not None and not hidden(policy):
        return cluster.evidence("autoTerminationPolicy", "the cluster terminates itself when idle")
    path, alive = cluster.pick(
        "keepJobFlowAliveWhenNoSteps", "instances.keepJobFlowAliveWhenNoSteps"
    )
    return (
        cluster.evidence(path, "the cluster ends with its steps")
        if alive in (False, "false")
        else None
    )


def _part(
    estate: Estate, source: Declared, path: str, value: Any, default: int, ends: Evidence | None
) -> Iterator[Pool]:
    dot = f"{path}." if path else ""
    if hidden(value):
        if ends is None:
            undecided = (
                source.open(path, f"{path} isn't known at preview: it may run GPU instances"),
            )
            yield _pool(estate, source, path, Machines(), (), None, undecided, None)
        return
    configs = at(value, "instanceTypeConfigs")
    fleet = configs is not None or path.endswith("Fleet") or "Fleets[" in path
    if fleet:
        found = overridden(estate, source, f"{dot}instanceTypeConfigs", configs, Machines())
        counts = [
            size(source, [f"{dot}{name}"], 0, "omitted")
            for name in ("targetOnDemandCapacity", "targetSpotCapacity")
        ]
    else:
        found = machines(estate, source, f"{dot}instanceType", at(value, "instanceType"))
        counts = [size(source, [f"{dot}instanceCount"], default, f"omitted: {default}")]
    if found.plain or (not found.shapes and not found.undecided):
        return
    wrong = [count for count in counts if isinstance(count, Undecided)]
    wrong += [
        source.open(
            c.path, f"{c.path} isn't known at preview: any number of GPU instances could stay on"
        )
        for c in counts
        if isinstance(c, Size) and c.is_hidden
    ]
    units = sum(count.known or 0 for count in counts if isinstance(count, Size))
    chosen = narrowed(found, units)
    nodes = nodes_for(chosen, units)
    if ends is not None or wrong or not nodes:
        yield _pool(
            estate, source, path, chosen, (), nodes, () if ends is not None else tuple(wrong), ends
        )
        return
    step = next(c for c in counts if isinstance(c, Size) and c.known).evidence(
        f"{counted(nodes, 'instance')} {verb(nodes, 'runs', 'run')} as long as the cluster"
    )
    hold = Hold(
        cause=Cause.POOL_MINIMUM,
        urn=source.urn,
        units=nodes,
        evidence=(*chosen.evidence, step),
        fix=_FIX,
        change=changes_of(source, ("autoTerminationPolicy", {"idleTimeout": 3600})) if path else (),
    )
    yield _pool(estate, source, path, chosen, (hold,), nodes, chosen.undecided, None)


def _pool(
    estate: Estate,
    source: Declared,
    path: str,
    found: Machines,
    holds: tuple[Hold, ...],
    nodes: int | None,
    undecided: tuple[Undecided, ...],
    ends: Evidence | None,
) -> Pool:
    return Pool(
        urn=source.urn,
        name=source.name,
        platform="EMR instance group",
        cloud=CLOUD,
        shapes=found.shapes,
        holds=holds,
        desired=nodes if found.shapes else None,
        ceiling=nodes,
        region=estate.region(source.resource, CLOUD),
        part=source.part(path),
        undecided=undecided,
        assumptions=found.assumptions,
        overlap=(nodes or 0) if source.resource.replaced_before_delete else 0,
        evidence=(*found.evidence, *([ends] if ends is not None else [])),
    )
