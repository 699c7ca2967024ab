"""Karpenter: NodePools and NodeClaims as pools. `karpenter_types` reads which types they launch,
`karpenter_nodes` what keeps their nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Market,
    Part,
    Placement,
    Pool,
    Subject,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import Shape, accelerated_types
from zerofloor.hardware.node_labels import Requirement
from zerofloor.platforms.kubernetes.karpenter_nodes import (
    Keeping,
    find_emptying,
    find_static,
    find_static_cpu,
    warnings,
)
from zerofloor.platforms.kubernetes.karpenter_types import (
    Requirements,
    find_types,
    read_requirements,
)
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import SETTLE
from zerofloor.platforms.taints import read_taints
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import (
    Impossible,
    at,
    count,
    get,
    has_hidden,
    items,
    known_items,
    known_mapping,
    quantity,
    seconds,
)

KINDS = frozenset(
    {
        ("karpenter.sh", "NodePool"),
        ("karpenter.sh", "NodeClaim"),
        ("karpenter.k8s.aws", "EC2NodeClass"),
        ("eks.amazonaws.com", "NodeClass"),
        ("karpenter.azure.com", "AKSNodeClass"),
        ("karpenter.kwok.sh", "KWOKNodeClass"),
    }
)

TRUSTED: Final = Assumption(
    "Karpenter runs in the cluster and reconciles its objects",
    "a NodePool is declared; set trust.karpenter: false if it does not",
)
_LAG: Final = Decimal(30)
"""Seconds beyond consolidateAfter until an empty node is gone: polling, validation, drain (seen in
the lab: 26 to 36)."""

_CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
_REQUIREMENTS: Final = "spec.template.spec.requirements"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, ("karpenter.sh", "NodePool")):
        yield _pool(estate, obj)
    for obj in objects(estate, ("karpenter.sh", "NodeClaim")):
        yield from _claim(estate, obj)


class _Limits(Value, frozen=True, kw_only=True):
    """The limits of a NodePool: the most that its nodes may have together."""

    amounts: Mapping[str, Decimal]
    is_open: bool
    """True where one can't be read."""
    undecided: tuple[Undecided, ...] = ()

    @property
    def allow_no_gpu(self) -> bool:
        return any(
            amount == 0 and (name in ("cpu", "memory", "nodes") or is_accelerator(name))
            for name, amount in self.amounts.items()
        )


class _Supply(Value, frozen=True, kw_only=True):
    """What a NodePool may launch."""

    cloud: str
    requirements: Requirements
    shapes: tuple[Shape, ...]
    limits: _Limits
    undecided: tuple[Undecided, ...]

    @property
    def has_gpu(self) -> bool:
        return any(shape.gpus != 0 for shape in self.shapes) and not self.limits.allow_no_gpu


def _pool(estate: Estate, obj: Object) -> Pool:
    supply = _read_supply(estate, obj)
    keeping = _find_keeping(estate, obj, supply)
    undecided = supply.undecided
    if not supply.has_gpu:
        undecided = tuple(part for part in undecided if part.about is not Subject.LIMIT)
    requirements = supply.requirements.known
    replicas = count(at(obj.spec, "replicas"))
    return Pool(
        urn=obj.urn,
        name=obj.shown_name,
        platform="Karpenter NodePool",
        cloud=supply.cloud,
        shapes=supply.shapes,
        holds=keeping.holds,
        desired=replicas if isinstance(replicas, int) and keeping.holds else 0,
        ceiling=None,
        market=_market(requirements, reserves=_reserves(estate, obj)),
        falls_back=_falls_back(requirements),
        os=_system(requirements),
        region=estate.region(obj.resource, supply.cloud),
        placement=_placement(estate, obj, supply, keeping),
        undecided=(*undecided, *keeping.undecided),
        notices=keeping.notices,
        assumptions=(TRUSTED,),
    )


def _read_supply(estate: Estate, obj: Object) -> _Supply:
    node = at(obj.spec, "template", "spec")
    cloud = _cloud(node)
    # Requirements that are hidden as a whole are undecided by `_hidden_supply`.
    listed = known_items(at(node, "requirements"))
    requirements = read_requirements(obj, listed, _REQUIREMENTS)
    types = find_types(estate, cloud, requirements.known)
    limits = _read_limits(obj)
    undecided = (
        *_hidden_supply(obj),
        *requirements.undecided,
        *limits.undecided,
        *(_unknown_type(obj, _REQUIREMENTS, name) for name in types.unknown),
    )
    shapes = types.shapes
    if undecided and not shapes:
        shapes = accelerated_types(cloud)
    return _Supply(
        cloud=cloud, requirements=requirements, shapes=shapes, limits=limits, undecided=undecided
    )


def _hidden_supply(obj: Object) -> tuple[Undecided, ...]:
    """The first part of the NodePool, from the outside, without which its types can't be read."""
    for path in ("spec", "spec.template", "spec.template.spec", _REQUIREMENTS):
        value = get(obj.body, path)
        if isinstance(value, Hidden):
            why = f"{path} is {value.value} at preview: it may supply GPUs and keep them"
            return (Undecided(obj.urn, path, why, SETTLE),)
    return ()


def _unknown_type(obj: Object, path: str, name: str) -> Undecided:
    return Undecided(
        obj.urn,
        path,
        f"{name} is not an instance type that zerofloor knows: it may carry GPUs",
        f"Add a hint to zerofloor.yaml: hints.instances: [{{instanceType: {name}, gpus: N, "
        "reason: …}]",
    )


def _cloud(node: Any) -> str:
    kind = at(node, "nodeClassRef", "kind")
    return "azure" if kind == "AKSNodeClass" else "aws"


def _read_limits(obj: Object) -> _Limits:
    limits = at(obj.spec, "limits")
    if isinstance(limits, Hidden):
        why = f"spec.limits is {limits.value} at preview"
        hidden = Undecided(obj.urn, "spec.limits", why, SETTLE, about=Subject.LIMIT)
        return _Limits(amounts={}, is_open=True, undecided=(hidden,))
    amounts: dict[str, Decimal] = {}
    undecided: list[Undecided] = []
    # Whether one of them is hidden, `is_open` says.
    for name, value in known_mapping(limits).items():
        amount = quantity(value)
        if isinstance(amount, Decimal):
            amounts[name] = amount
        elif isinstance(amount, Impossible):
            path, why = f'spec.limits["{name}"]', f"The limit is invalid: {amount.why}"
            undecided.append(Undecided(obj.urn, path, why, "Correct the value"))
    return _Limits(amounts=amounts, is_open=has_hidden(limits), undecided=tuple(undecided))


def _find_keeping(estate: Estate, obj: Object, supply: _Supply) -> Keeping:
    """What keeps its nodes: of a NodePool without GPUs only how many stand, which pods may fill."""
    if not supply.has_gpu:
        return find_static_cpu(obj)
    static = find_static(estate, obj)
    emptying = find_emptying(obj)
    taints = tuple(read_taints(at(obj.spec, "template", "spec", "taints")))
    notices = warnings(
        estate, obj, limits=supply.limits.amounts, shapes=supply.shapes, taints=taints
    )
    return Keeping(
        holds=static.holds,
        retained=emptying.retained if estate.settings.trust.karpenter else None,
        undecided=(*static.undecided, *emptying.undecided),
        notices=tuple(notices),
    )


def _placement(estate: Estate, obj: Object, supply: _Supply, keeping: Keeping) -> Placement:
    template = at(obj.spec, "template")
    labels = at(template, "metadata", "labels")
    taints = at(template, "spec", "taints")
    # A requirement on a label whose value is hidden gives the nodes the label, of any value.
    own = {**dict.fromkeys(supply.requirements.open_keys), **_labels(labels)}
    expiry = seconds(at(template, "spec", "expireAfter"))
    after = seconds(at(obj.spec, "disruption", "consolidateAfter"))
    return Placement(
        labels=own,
        open_labels=isinstance(labels, Hidden),
        hidden_labels=frozenset(key for key, value in own.items() if value is None),
        name_hidden=obj.name_hidden,
        cluster=obj.cluster,
        requirements=supply.requirements.known,
        taints=tuple(read_taints(taints)),
        open_taints=has_hidden(taints),
        # A static pool does not grow for pods (seen: tests/data/truth G14).
        grows=at(obj.spec, "replicas") is None and estate.settings.trust.karpenter,
        weight=_weight(obj.spec, supply.shapes),
        limits=supply.limits.amounts,
        open_limits=supply.limits.is_open,
        retained=keeping.retained,
        karpenter=True,
        expires=isinstance(expiry, Decimal) and expiry <= WEEK * 3600,
        reclaim=_LAG + (after if isinstance(after, Decimal) else Decimal(0)),
    )


def _weight(spec: Any, shapes: tuple[Shape, ...]) -> int:
    """The order of trial; one that can't be read is the one that would keep more GPUs."""
    weight = count(at(spec, "weight"))
    if isinstance(weight, Hidden):
        return 100 if all(shape.gpus != 0 for shape in shapes) else 0
    return weight if isinstance(weight, int) else 0


# Labels that are hidden as a whole leave the pool open to any (`open_labels`).
def _labels(labels: Any) -> Mapping[str, str | None]:
    return {
        key: value if isinstance(value, str) else None
        for key, value in known_mapping(labels).items()
        if isinstance(value, str | Hidden)
    }


def _system(requirements: tuple[Requirement, ...]) -> str:
    windows = any(r.key == "kubernetes.io/os" and r.values == ("windows",) for r in requirements)
    return "windows" if windows else "linux"


def _market(requirements: tuple[Requirement, ...], *, reserves: bool) -> Market:
    """What Karpenter buys: reserved before spot before on-demand, as far as the requirements allow
    (Karpenter docs, "Capacity Type").

    Reserved only where its node class names reservations.
    """
    allowed = _capacity_types(requirements)
    if "reserved" in allowed and (reserves or allowed == {"reserved"}):
        return Market.RESERVED
    return Market.SPOT if "spot" in allowed else Market.ON_DEMAND


def _falls_back(requirements: tuple[Requirement, ...]) -> bool:
    """Whether on-demand nodes are bought where there are no spot ones."""
    return _capacity_types(requirements) >= {"spot", "on-demand"}


def _capacity_types(requirements: tuple[Requirement, ...]) -> set[str]:
    """Those that all requirements allow; on-demand where none names them (Karpenter docs,
    "Capacity Type")."""
    allowed = {"reserved", "spot", "on-demand"}
    named = [r for r in requirements if r.key == _CAPACITY_TYPE]
    for r in named:
        if r.operator == "In":
            allowed &= set(r.values)
        elif r.operator == "NotIn":
            allowed -= set(r.values)
    return allowed if named else {"on-demand"}


def _reserves(estate: Estate, obj: Object) -> bool:
    """Whether the NodePool's node class selects capacity reservations: only the price depends on
    it."""
    name = at(obj.spec, "template", "spec", "nodeClassRef", "name")
    classes = objects(estate, ("karpenter.k8s.aws", "EC2NodeClass"))
    return any(
        known_items(at(node_class.spec, "capacityReservationSelectorTerms"))
        for node_class in classes
        if node_class.name == name
    )


def _claim(estate: Estate, obj: Object) -> Iterable[Part]:
    """A NodeClaim that a program declares itself: one node until it is deleted."""
    path = "spec.requirements"
    listed = items(at(obj.spec, "requirements"))
    if isinstance(listed, Hidden):
        why = f"{path} is {listed.value} at preview: its node may have GPUs"
        yield Undecided(obj.urn, path, why, SETTLE)
        return
    requirements = read_requirements(obj, listed, path)
    cloud = _cloud(obj.spec)
    types = find_types(estate, cloud, requirements.known)
    unknown = tuple(_unknown_type(obj, path, name) for name in types.unknown)
    undecided = (*requirements.undecided, *unknown)
    gpu_shapes = tuple(shape for shape in types.shapes if shape.gpus != 0)
    if not gpu_shapes or len(gpu_shapes) < len(types.shapes):
        yield from undecided
        return
    because = Evidence(obj.urn, "", None, "a NodeClaim declared here is a node until it is deleted")
    fix = "Let a NodePool make the node when pods ask for it"
    yield Pool(
        urn=obj.urn,
        name=obj.shown_name,
        platform="Karpenter NodeClaim",
        cloud=cloud,
        shapes=gpu_shapes,
        holds=(Hold(cause=Cause.INSTANCE, urn=obj.urn, units=1, evidence=(because,), fix=fix),),
        desired=1,
        ceiling=1,
        market=_market(requirements.known, reserves=False),
        falls_back=_falls_back(requirements.known),
        region=estate.region(obj.resource, cloud),
        undecided=undecided,
        assumptions=(TRUSTED,),
    )
