"""A cluster's workloads and nodes beside what the stacks declare: the same analysis reads both, so
what keeps a pod alive is told in the same words."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor import platforms
from zerofloor.capacity import Hold, Pool
from zerofloor.estate import Estate, estate
from zerofloor.floor.scaling import Scaled, scale
from zerofloor.live.kubernetes.kubeconfig import Access
from zerofloor.live.kubernetes.prometheus import Metrics, Subject, Used, use_of
from zerofloor.live.kubernetes.read import Contents, stack_of
from zerofloor.live.kubernetes.values import ClusterUnit, Node, Owner, Pod, Ref, Seen
from zerofloor.live.values import State, Use
from zerofloor.money import HOURS_PER_MONTH
from zerofloor.platforms.kubernetes.objects import group_kind
from zerofloor.settings import Settings
from zerofloor.stack import Resource, Stack
from zerofloor.structs import Value
from zerofloor.values import at, known_items, known_mapping, known_text
from zerofloor.words import counted
from zerofloor.words import link as said

Price = Callable[[Node], Decimal | None]
"""USD an hour of a node; None where it isn't known."""

Key = tuple[str, str, str, str]
"""Group, kind, namespace, name."""

POOL_LABELS: Final = (
    "karpenter.sh/nodepool",
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "doks.digitalocean.com/node-pool",
    "k8s.scaleway.com/pool-name",
)
"""Labels by which a node names its pool."""


class Kept(Value, frozen=True):
    """What keeps a workload's pods without a request."""

    least: int
    """Replicas."""
    because: str
    open: str
    """What could not be read of it; empty where all was."""


class Declaration(Value, frozen=True):
    """The resource that declares an object."""

    stack: str
    resource: Resource
    uid: str
    """Of the object that the stack made; empty where its state has none."""


class Declared(Value, frozen=True):
    """What the stacks declare for clusters."""

    objects: Mapping[Key, tuple[Declaration, ...]]
    """Several where stacks of several clusters declare the same names."""
    kept: Mapping[str, Kept]
    """By URN."""
    releases: Mapping[tuple[str, str], Declaration]
    """Helm releases by namespace and name."""
    pools: tuple[Pool, ...]
    stack_of: Mapping[str, str]
    """The stack of each resource, by URN."""


def read_declared(stacks: Sequence[Stack]) -> Declared:
    """What the stacks declare. Each is read by itself: dev and prod have the same names."""
    objects: dict[Key, list[Declaration]] = defaultdict(list)
    releases: dict[tuple[str, str], Declaration] = {}
    kept: dict[str, Kept] = {}
    pools: list[Pool] = []
    named: dict[str, str] = {}
    for stack in stacks:
        whole = estate((stack,), Settings())
        for resource in stack.resources:
            named[resource.urn] = f"{stack.project}/{stack.name}"
            uid = str((resource.outputs or {}).get("metadata.uid", ""))
            declaration = Declaration(named[resource.urn], resource, uid)
            if resource.type == "kubernetes:helm.sh/v3:Release":
                releases[_release_of(resource)] = declaration
            key = _key_of(whole, resource)
            if key is not None:
                objects[key].append(declaration)
        capacity = platforms.read(whole)
        kept |= _kept(scale(capacity, whole))
        pools += capacity.pools
    return Declared(
        {key: tuple(listed) for key, listed in objects.items()},
        kept,
        releases,
        tuple(pools),
        named,
    )


def _key_of(whole: Estate, resource: Resource) -> Key | None:
    group, kind = group_kind(resource.type) or ("", "")
    if not kind:
        return None
    # The state has the names that the provider made up among the inputs; one that is hidden can't
    # be the object's.
    metadata = at(resource.inputs, "metadata")
    provider = whole.by_urn.get((resource.provider or "").rpartition("::")[0])
    default = at(provider.inputs, "namespace") if provider is not None else None
    space = known_text(at(metadata, "namespace")) or known_text(default) or "default"
    name = known_text(at(metadata, "name")) or ""
    return ("" if group == "core" else group, kind, space, name)


def _release_of(resource: Resource) -> tuple[str, str]:
    """Namespace and name of a Helm release; hidden ones match none."""
    inputs = resource.inputs
    space = known_text(inputs.get("namespace")) or "default"
    return space, known_text(inputs.get("name")) or ""


def _kept(scaled: Iterable[Scaled]) -> dict[str, Kept]:
    """What keeps the pods of each object, by URN; the parts of one together."""
    by_urn: dict[str, list[Scaled]] = defaultdict(list)
    for one in scaled:
        by_urn[one.workload.urn].append(one)
    kept: dict[str, Kept] = {}
    for urn, parts in by_urn.items():
        least = sum(max((hold.least for hold in one.holds), default=0) for one in parts)
        holds = [hold for one in parts for hold in one.holds]
        doubts = [one.why for part in parts for one in part.undecided]
        kept[urn] = Kept(least, _because(holds), next(iter(doubts), ""))
    return kept


def _because(holds: Sequence[Hold]) -> str:
    for hold in holds:
        for link in hold.evidence:
            if not link.is_hardware:
                return said(link)
    return ""


def compare(
    contents: Contents,
    declared: Declared,
    metrics: Metrics | None,
    *,
    access: Access,
    price: Price,
) -> tuple[Seen, ...]:
    """Every GPU workload and GPU node, most expensive first."""
    nodes = {node.name: node for node in contents.nodes}
    hourly = {name: price(node) for name, node in nodes.items()}
    workloads: dict[Key, list[Pod]] = defaultdict(list)
    owners: dict[Key, Owner] = {}
    for pod in contents.pods:
        owner = contents.owners.get((pod.namespace, pod.name))
        if owner is not None and (pod.gpus > 0 or pod.holds_open):
            workloads[owner.ref.key].append(pod)
            owners[owner.ref.key] = owner
    running = _kept_live(owners.values(), contents.scalers)
    scalers = _by_target(contents.scalers)
    found = []
    for key, pods in workloads.items():
        owner = owners[key]
        own = scalers.get(key[2:], ())
        used = use_of(metrics, _subjects(owner.ref, pods, own))
        judged = _judge(owner, declared, running.get(key), used)
        scaler = _scaler_of(owner.ref, own)
        scaling = None if scaler is None else _declaration(scaler, declared)
        found.append(
            Seen(
                unit=_unit_of(owner, pods, nodes, access),
                state=judged.state,
                use=used.use,
                last_used=used.last,
                why=judged.why,
                stack=judged.stack,
                urn=judged.urn,
                monthly=_share(pods, nodes, hourly),
                keeps=judged.keeps,
                scaler=scaler,
                scaler_stack="" if scaling is None else scaling.stack,
            )
        )
    found += _nodes(contents, declared, access, hourly)
    found.sort(key=lambda one: (-(one.monthly or Decimal(0)), one.unit.kind, one.unit.id))
    return tuple(found)


def _by_target(
    scalers: Iterable[Mapping[str, Any]],
) -> Mapping[tuple[str, str], list[Mapping[str, Any]]]:
    """The scalers by the namespace and name of what they scale."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for body in scalers:
        space = at(body, "metadata", "namespace")
        found[str(space), str(at(body, "spec", "scaleTargetRef", "name"))].append(body)
    return found


def _kept_live(owners: Iterable[Owner], scalers: Iterable[Mapping[str, Any]]) -> Mapping[Key, Kept]:
    bodies = [owner.body for owner in owners if owner.body is not None]
    whole = estate((stack_of("cluster", [*bodies, *scalers]),), Settings())
    found = _kept(scale(platforms.read(whole), whole))
    keys = {urn: _key_of(whole, whole.by_urn[urn]) for urn in found}
    return {key: found[urn] for urn, key in keys.items() if key is not None}


def _unit_of(
    owner: Owner, pods: Sequence[Pod], nodes: Mapping[str, Node], access: Access
) -> ClusterUnit:
    beneath = sorted({pod.node for pod in pods if pod.node})
    known = [nodes[name] for name in beneath if name in nodes]
    return ClusterUnit(
        kind=owner.ref.kind,
        id=f"{owner.ref.namespace}/{owner.ref.name}",
        cluster=access.name,
        region=", ".join(sorted({node.region for node in known if node.region})),
        instance_type=", ".join(sorted({node.instance_type or "unknown" for node in known})),
        machines=len(beneath),
        gpus=sum((pod.gpus for pod in pods if pod.node), Decimal(0)),
        since=min((pod.created for pod in pods if pod.created), default=None),
        pods=tuple(pods),
        owner=owner,
    )


def _share(
    pods: Sequence[Pod], nodes: Mapping[str, Node], hourly: Mapping[str, Decimal | None]
) -> Decimal | None:
    """USD a month of what the pods hold of their nodes."""
    total = Decimal(0)
    for pod in pods:
        if not pod.node:
            continue
        node, rate = nodes.get(pod.node), hourly.get(pod.node)
        if node is None or rate is None or not node.slots or pod.holds_open:
            return None
        total += rate * min(pod.gpus / node.slots, Decimal(1))
    return total * HOURS_PER_MONTH


class _Judged(Value, frozen=True):
    state: State
    why: str
    stack: str = ""
    urn: str = ""
    keeps: str = ""


def _declaration(owner: Owner, declared: Declared) -> Declaration | None:
    """The declaration of an object: the one that made it, else one of its name."""
    listed = declared.objects.get(owner.ref.key, ())
    own = [one for one in listed if one.uid and one.uid == owner.uid]
    open_ = [one for one in listed if not one.uid or not owner.uid]
    return next(iter((*own, *open_, *listed)), None)


def _judge(owner: Owner, declared: Declared, running: Kept | None, used: Used) -> _Judged:
    declaration = _declaration(owner, declared)
    if declaration is None:
        return _judge_undeclared(owner, declared, used)
    unused = used.why
    stack, urn = declaration.stack, declaration.resource.urn
    if declaration.uid and owner.uid and declaration.uid != owner.uid:
        unused = f"{unused}; it isn't the object that the stack made, but has its name"
    kept = declared.kept.get(urn)
    if kept is None or kept.open:
        told = unused if kept is None else f"{unused}; {kept.open}"
        keeps = f"{stack} may keep it: change the program"
        return _Judged(State.RUNNING, told, stack, urn, keeps)
    keeps = f"{stack} keeps it, and would start it again: change the program"
    keeps = keeps if kept.least else ""
    if running is not None and running.least > kept.least:
        told = f"{running.because or 'it keeps more'}; {kept.least} declared; {unused}"
        return _Judged(State.DRIFTED, told, stack, urn, keeps)
    if kept.least > 0:
        return _Judged(State.HELD, f"{kept.because}; {unused}", stack, urn, keeps)
    return _Judged(_idle_or_running(used), unused, stack, urn)


def _idle_or_running(used: Used) -> State:
    return State.IDLE if used.use is Use.IDLE else State.RUNNING


def _judge_undeclared(owner: Owner, declared: Declared, used: Used) -> _Judged:
    release = _release(owner, declared)
    if release is not None:
        name = f"Helm release {release.resource.name}"
        return _Judged(
            state=_idle_or_running(used),
            why=f"{name} of a stack has it; {used.why}",
            stack=release.stack,
            urn=release.resource.urn,
            keeps=f"{name} would set it back: change its values",
        )
    if owner.why_unread:  # What owns it may be declared.
        return _Judged(State.RUNNING, f"it can't be read whose it is; {used.why}")
    return _Judged(State.ORPHANED, f"no stack that was given declares it; {used.why}")


def _release(owner: Owner, declared: Declared) -> Declaration | None:
    """The Helm release of a stack that made an object."""
    annotations = at(owner.body, "metadata", "annotations")
    name = at(annotations, "meta.helm.sh/release-name")
    space = at(annotations, "meta.helm.sh/release-namespace")
    return declared.releases.get((str(space), str(name))) if name else None


def _scaler_of(ref: Ref, scalers: Iterable[Mapping[str, Any]]) -> Owner | None:
    """What moves an object's replicas; KEDA's before an HPA, which it refuses beside its own."""
    found = [
        body
        for body in scalers
        if (at(body, "spec", "scaleTargetRef", "kind") or "Deployment") == ref.kind
    ]
    found.sort(key=lambda one: one.get("kind") in ("ScaledObject", "HTTPScaledObject"))
    if not found:
        return None
    body = found[-1]
    metadata = known_mapping(at(body, "metadata"))
    name = str(metadata.get("name"))
    return Owner(
        ref=Ref(str(body["apiVersion"]), str(body["kind"]), ref.namespace, name),
        uid=str(metadata.get("uid") or ""),
        body=body,
    )


def _subjects(
    ref: Ref, pods: Sequence[Pod], scalers: Iterable[Mapping[str, Any]]
) -> Iterator[list[Subject]]:
    """What a workload's series may be about: its pods together, itself, its HTTP routes."""
    yield [("pod", pod.namespace, pod.name) for pod in pods]
    yield [("workload", ref.namespace, ref.name)]
    for body in scalers:
        if body.get("kind") == "HTTPScaledObject":
            yield [("route", ref.namespace, str(at(body, "metadata", "name")))]
        for trigger in known_items(at(body, "spec", "triggers")):
            route = at(trigger, "metadata", "interceptorRoute")
            if isinstance(route, str):
                yield [("route", ref.namespace, route)]


def _nodes(
    contents: Contents, declared: Declared, access: Access, hourly: Mapping[str, Decimal | None]
) -> Iterator[Seen]:
    """Each GPU node, with what it costs beyond the GPUs that pods hold."""
    on_node: dict[str, list[Pod]] = defaultdict(list)
    for pod in contents.pods:
        on_node[pod.node].append(pod)
    empty: dict[str, int] = defaultdict(int)
    latest = datetime.datetime.max.replace(tzinfo=datetime.UTC)
    for node in sorted(contents.nodes, key=lambda one: (one.created or latest, one.name)):
        pods = on_node[node.name]
        holding = [pod for pod in pods if pod.gpus > 0 or pod.holds_open]
        held = sum((pod.gpus for pod in holding), Decimal(0))
        free = max(node.slots - held, Decimal(0)) if node.slots else node.gpus
        if not holding:
            empty[_pool_name(node)] += 1
        judged = _node_state(node, pods, holding, declared, empty[_pool_name(node)])
        rate = hourly[node.name]
        part = free / node.slots if node.slots else Decimal(1)
        yield Seen(
            unit=ClusterUnit(
                kind="Node",
                id=node.name,
                cluster=access.name,
                region=node.region,
                instance_type=node.instance_type or "unknown",
                machines=1,
                gpus=(node.gpus * part).normalize(),
                since=node.created,
                node=node,
                pods=tuple(holding),
            ),
            state=judged.state,
            use=Use.UNKNOWN if holding else Use.IDLE,
            why=judged.why,
            stack=judged.stack,
            urn=judged.urn,
            monthly=None if rate is None else rate * part * HOURS_PER_MONTH,
        )


def _pool_name(node: Node) -> str:
    return next((node.labels[label] for label in POOL_LABELS if node.labels.get(label)), "")


def _node_state(
    node: Node, pods: Sequence[Pod], holding: Sequence[Pod], declared: Declared, empty: int
) -> _Judged:
    """`empty`: which of its pool's nodes without GPU pods this one is, the oldest first."""
    pools = [pool for pool in declared.pools if _is_of(node, pool)]
    told = _held_by(holding) if holding else _stays(node, pods)
    if not pools:
        name = _pool_name(node)
        of = (
            f"no stack that was given declares its pool {name}"
            if name
            else "its labels name no pool"
        )
        return _Judged(State.ORPHANED, f"{of}; {told}")
    pool = pools[0]
    stack = declared.stack_of.get(pool.urn, "")
    if holding:
        return _Judged(State.RUNNING, told, stack, pool.urn)
    least = max((hold.least for hold in pool.holds), default=0)
    retained = None if pool.placement is None else pool.placement.retained
    holds = (*(pool.holds if empty <= least else ()), *([retained] if retained else []))
    if holds:
        return _Judged(State.HELD, f"{_because(holds)}; {told}", stack, pool.urn)
    return _Judged(State.IDLE, told, stack, pool.urn)


def _is_of(node: Node, pool: Pool) -> bool:
    """Whether a node may be of a declared pool: it names it, or it names none and fits its type."""
    if pool.placement is None:
        return False
    named = [label for label in POOL_LABELS if node.labels.get(label)]
    known = pool.placement.labels
    if named:
        own = [label for label in named if label in known]
        return any(known[label] in (None, node.labels[label]) for label in own) or (
            "karpenter.sh/nodepool" in named
            and pool.placement.karpenter
            and pool.name == node.labels["karpenter.sh/nodepool"]
        )
    if pool.placement.karpenter or any(label in known for label in POOL_LABELS):
        return False
    return any(shape.instance_type == node.instance_type for shape in pool.shapes)


def _held_by(holding: Sequence[Pod]) -> str:
    first = f"{holding[0].namespace}/{holding[0].name}"
    more = f" and {counted(len(holding) - 1, 'other pod')}" if len(holding) > 1 else ""
    return f"pod {first}{more} on it hold GPUs" if more else f"pod {first} on it holds GPUs"


def _stays(node: Node, pods: Sequence[Pod]) -> str:
    """Why a node without GPU pods is still there."""
    if node.pins:
        return f"no pod on it asks for a GPU; {node.pins} keeps it"
    pinning = [pod for pod in pods if pod.pins]
    if pinning:
        pod = pinning[0]
        return f"no pod on it asks for a GPU; pod {pod.namespace}/{pod.name} keeps it ({pod.pins})"
    others = [pod for pod in pods if (pod.owner or {}).get("kind") != "DaemonSet"]
    if others:
        pod = others[0]
        return f"no pod on it asks for a GPU; pod {pod.namespace}/{pod.name} runs on it"
    return "no pod on it asks for a GPU, and nothing on it keeps it"
