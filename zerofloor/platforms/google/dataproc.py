"""Dataproc: masters, workers and further node groups of a cluster, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from zerofloor.capacity import (
    WEEK,
    Accounted,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Part,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared, Size, changes_of, size
from zerofloor.platforms.google.read import (
    End,
    declared,
    ends_at,
    link,
    machines,
    pool_of,
    resources,
    unknown_number,
)
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.values import at, get, items, seconds

CLUSTERS: Final = (
    "gcp:dataproc/cluster:Cluster",
    "google-native:dataproc/v1:Cluster",
    "google-native:dataproc/v1beta2:Cluster",
)
POLICIES: Final = (
    "gcp:dataproc/autoscalingPolicy:AutoscalingPolicy",
    "google-native:dataproc/v1:AutoscalingPolicy",
    "google-native:dataproc/v1beta2:AutoscalingPolicy",
)
_ENDING: Final = (
    "gcp:dataproc/workflowTemplate:WorkflowTemplate",
    "gcp:dataproc/batch:Batch",
    "gcp:dataproc/sessionTemplate:SessionTemplate",
    "gcp:dataproc/job:Job",
    *(f"google-native:dataproc/v1:{kind}" for kind in ("WorkflowTemplate", "Job", "Batch")),
    *(f"google-native:dataproc/v1beta2:{kind}" for kind in ("WorkflowTemplate", "Job")),
)
READS: Final = frozenset({*CLUSTERS, *POLICIES, *_ENDING})
_DEFAULT_TYPE: Final = "n1-standard-4"
_WEEK_SECONDS: Final = WEEK * 3600
_FIX: Final = "Set lifecycleConfig.idleDeleteTtl to 1800s"


def read(estate: Estate) -> Iterator[Part]:
    """Every cluster; workflows, batches and jobs end."""
    for source in declared(estate, *CLUSTERS):
        yield from _cluster(estate, source)
    for source in declared(estate, *POLICIES, *_ENDING):
        because = "ends with its work, or describes what does"
        yield Accounted(urn=source.urn, path="", because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """One kind of nodes of a cluster."""

    base: str
    """Where its configuration stands."""
    default: int
    minimum: Size | None = None
    """What an autoscaling policy leaves of it."""


def _cluster(estate: Estate, source: Declared) -> Iterator[Part]:
    config = source.pick("clusterConfig", "config")[0]
    whole = source.field(config)
    if whole.is_hidden:
        yield whole.undecided("The cluster's machines aren't known at preview: perhaps GPUs")
        return
    rest = _lifecycle(estate, source, config)
    roles = [
        _Role(base=f"{config}.masterConfig", default=1),
        _Role(
            base=f"{config}.workerConfig",
            default=2,
            minimum=_scaled(estate, source, config),
        ),
    ]
    listed = source.field(f"{config}.auxiliaryNodeGroups").items()
    if isinstance(listed, Hidden):
        yield source.open(f"{config}.auxiliaryNodeGroups", "Its nodes aren't known: perhaps GPUs")
        listed = []
    for index, item in enumerate(listed):
        for inner, path in _node_groups(source, f"{config}.auxiliaryNodeGroups[{index}]", item):
            if isinstance(inner, Hidden):
                yield source.open(path, "Its nodes aren't known: perhaps GPUs")
            else:
                roles.append(_Role(base=f"{path}.nodeGroupConfig", default=0))
    for role in roles:
        yield from _nodes(estate, source, role, rest)
    yield from _secondary(estate, source, config, rest)


def _node_groups(source: Declared, path: str, item: object) -> Iterator[tuple[object, str]]:
    """The groups of an element, by name in the bridge a list, in google-native an object."""
    if isinstance(item, Hidden):
        yield item, path
        return
    name = "nodeGroups" if at(item, "nodeGroups") is not None else "nodeGroup"
    listed = items(at(item, name))
    if isinstance(listed, Hidden):
        yield listed, f"{path}.{name}"
    elif isinstance(get(source.inputs, f"{path}.{name}"), dict):
        yield listed[0], f"{path}.{name}"
    else:
        for index, inner in enumerate(listed):
            yield inner, f"{path}.{name}[{index}]"


def _machines(estate: Estate, source: Declared, base: str) -> Machines:
    whole = source.field(base)
    if whole.is_hidden:
        return Machines(undecided=(whole.undecided("Its machines aren't known: perhaps GPUs"),))
    kind = source.pick(f"{base}.machineType", f"{base}.machineTypeUri")[0]
    return machines(estate, source, [kind], [f"{base}.accelerators"], default=_DEFAULT_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What ends the cluster."""

    evidence: Evidence
    assumptions: tuple[Assumption, ...] = ()


def _nodes(
    estate: Estate, source: Declared, role: _Role, rest: _Rest | Undecided | None
) -> Iterator[Part]:
    found = _machines(estate, source, role.base)
    default = f"omitted: {role.default}"
    number = size(source, [f"{role.base}.numInstances"], role.default, default)
    if isinstance(number, Size) and role.minimum is not None:
        known = (number.known, role.minimum.known)
        if None in known or (role.minimum.known or 0) < (number.known or 0):
            number = role.minimum
    yield from _part(estate, source, found, number, rest, part=role.base)


def _part(
    estate: Estate,
    source: Declared,
    found: Machines,
    number: Size | Undecided,
    rest: _Rest | Undecided | None,
    *,
    part: str,
) -> Iterator[Part]:
    undecided: list[Undecided] = []
    holds: list[Hold] = []
    if isinstance(number, Undecided):
        undecided.append(number)
    elif number.is_hidden:
        undecided.append(unknown_number(number))
    elif isinstance(rest, Undecided) and number.known:
        undecided.append(rest)
    elif rest is None and number.known:
        step = number.evidence("they run while the cluster exists, with or without jobs")
        config = part.split(".")[0]
        path = f"{config}.lifecycleConfig"
        holds.append(
            Hold(
                cause=Cause.DESIRED_NOT_LOWERED,
                urn=source.urn,
                units=number.known,
                evidence=(*found.evidence, step),
                fix=_FIX,
                change=changes_of(source, (f"{path}.idleDeleteTtl", "1800s")),
            )
        )
    ended = rest if isinstance(rest, _Rest) else None
    pool = pool_of(
        estate,
        source,
        found,
        platform="Dataproc nodes",
        holds=holds,
        undecided=undecided,
        desired=None if isinstance(number, Undecided) else number.known,
        part=part,
        assumptions=ended.assumptions if ended else (),
        evidence=(ended.evidence,) if ended else (),
        price_as="dataproc",
    )
    if pool is not None:
        yield pool


def _secondary(
    estate: Estate, source: Declared, config: str, rest: _Rest | Undecided | None
) -> Iterator[Part]:
    """Secondary workers are of the primary workers' type; whether added cards are on them, too, no
    page says."""
    path = source.pick(f"{config}.preemptibleWorkerConfig", f"{config}.secondaryWorkerConfig")[0]
    number = size(source, [f"{path}.numInstances"], 0, "omitted: 0")
    if isinstance(number, Size) and number.known == 0:
        return
    found = _machines(estate, source, f"{config}.workerConfig")
    if any(shape.card for shape in found.shapes):
        why = "Whether secondary workers have the cards of the primary ones isn't documented"
        yield source.open(path, why)
        return
    yield from _part(estate, source, found, number, rest, part=path)


def _scaled(estate: Estate, source: Declared, config: str) -> Size | None:
    """The smallest number of workers of an autoscaling policy of the estate; 2 by default."""
    path = f"{config}.autoscalingConfig.policyUri"
    uri = get(source.inputs, path)
    if uri is None:
        return None
    found = link(estate, source, config, *POLICIES, value=uri)
    policies = [] if found.open or found.assumption else list(resources(estate, found))
    if not policies and isinstance(uri, str):
        for policy in declared(estate, *POLICIES):
            if policy.inputs.get("policyId") == uri.rsplit("/", 1)[-1]:
                policies = [policy]
    if len(policies) != 1:
        return None
    least = size(policies[0], ["workerConfig.minInstances"], 2, "omitted: 2")
    return least if isinstance(least, Size) else None


def _lifecycle(estate: Estate, source: Declared, config: str) -> _Rest | Undecided | None:
    """A scheduled deletion or stop within a week."""
    base = source.field(f"{config}.lifecycleConfig")
    if base.is_hidden:
        return base.undecided("Whether the cluster is deleted when idle isn't known at preview")
    unread: Undecided | None = None
    for name in ("idleDeleteTtl", "idleStopTtl", "autoDeleteTtl", "autoStopTtl"):
        field = source.field(f"{base.path}.{name}")
        time = seconds(field.value)
        if isinstance(time, Hidden):
            unread = field.undecided("After which time the cluster ends isn't known at preview")
        elif isinstance(time, Decimal) and 0 < time <= _WEEK_SECONDS:
            said = field.evidence(f"it ends after {time / 60:f} minutes")
            what = f"No machine of {source.name} is protected against deletion"
            because = "scheduled deletion does not work then (Dataproc docs)"
            return _Rest(evidence=said, assumptions=(Assumption(what, because),))
    for name in ("autoDeleteTime", "autoStopTime"):
        end = ends_at(estate, source.field(f"{base.path}.{name}"))
        if isinstance(end, End):
            return _Rest(evidence=end.evidence, assumptions=end.assumptions)
        unread = unread or end
    return unread
