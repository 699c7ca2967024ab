"""Karpenter: NodePools as pools. What keeps their nodes was seen on Karpenter 1.14.1
(tests/data/truth, N… and G…)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Market,
    Notice,
    Part,
    Placement,
    Pool,
    Subject,
    Taint,
    Undecided,
)
from zerofloor.estate import Estate
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import Shape, accelerated_types
from zerofloor.hardware.node_labels import CPU_NODE, INSTANCE_TYPE, Requirement, label_of, meets
from zerofloor.platforms.kubernetes.objects import Object, change_of, objects
from zerofloor.platforms.kubernetes.pods import DO_NOT_DISRUPT, SETTLE, do_not_disrupt, requirement
from zerofloor.schedules import BadSchedule, hours_for
from zerofloor.stack import Hidden
from zerofloor.values import (
    Impossible,
    at,
    count,
    get,
    items,
    known_items,
    known_mapping,
    known_text,
    quantity,
    seconds,
)
from zerofloor.words import counted

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

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, ("karpenter.sh", "NodePool")):
        yield _pool(estate, obj)
    for obj in objects(estate, ("karpenter.sh", "NodeClaim")):
        yield from _claim(estate, obj)


def _pool(estate: Estate, obj: Object) -> Pool:
    spec = obj.spec
    template = at(spec, "template")
    undecided: list[Undecided] = []
    for where in ("spec", "spec.template", "spec.template.spec", "spec.template.spec.requirements"):
        value = get(obj.body, where)
        if isinstance(value, Hidden):
            undecided.append(
                Undecided(
                    obj.urn,
                    where,
                    f"{where} is {value.value} at preview: it may supply GPUs and keep them",
                    SETTLE,
                )
            )
            break
    cloud = _cloud(at(template, "spec"))
    # Requirements that are hidden as a whole are undecided above.
    requirements, open_parts = _requirements(obj, known_items(at(template, "spec", "requirements")))
    undecided += open_parts
    shapes, unknown = candidates(estate, cloud, requirements)
    limits, limit_parts = _limits(obj, at(spec, "limits"))
    undecided += limit_parts
    for name in unknown:
        path = "spec.template.spec.requirements"
        undecided.append(
            Undecided(
                obj.urn,
                path,
                f"{name} is not an instance type that zerofloor knows: it may carry GPUs",
                _hint(name),
            )
        )
    if undecided and not shapes:
        shapes = accelerated_types(cloud)
    supplies_gpu = any(shape.gpus != 0 for shape in shapes) and not _limited_to_none(limits)
    holds: tuple[Hold, ...] = ()
    notices: list[Notice] = []
    assumptions: list[Assumption] = [TRUSTED]
    if supplies_gpu:
        holds, static_parts = _static(estate, obj, template)
        undecided += static_parts
        notices += _notices(estate, obj, limits, shapes, template)
    else:
        undecided = [part for part in undecided if part.about is not Subject.LIMIT]
        static = count(at(spec, "replicas"))
        if isinstance(static, int) and static:
            holds = (Hold(Cause.STATIC_POOL, obj.urn, static, (), ""),)
    retained, retained_parts = _retained(estate, obj, template)
    if supplies_gpu:
        undecided += retained_parts
    if not estate.settings.trust.karpenter:
        retained = None
    replicas = count(at(spec, "replicas"))
    return Pool(
        urn=obj.urn,
        name=obj.shown_name,
        platform="Karpenter NodePool",
        cloud=cloud,
        shapes=shapes,
        holds=holds,
        desired=replicas if isinstance(replicas, int) and holds else 0,
        ceiling=None,
        market=_market(requirements, _reserves(estate, template)),
        falls_back=_falls_back(requirements),
        os="windows"
        if any(r.key == "kubernetes.io/os" and r.values == ("windows",) for r in requirements)
        else "linux",
        region=estate.region(obj.resource, cloud),
        placement=Placement(
            labels=_labels(template),
            open_labels=isinstance(at(template, "metadata", "labels"), Hidden),
            name_hidden=obj.name_hidden,
            cluster=obj.cluster,
            requirements=requirements,
            taints=_taints(obj, at(template, "spec", "taints")),
            # A static pool does not grow for pods (seen: tests/data/truth G14).
            grows=at(spec, "replicas") is None and estate.settings.trust.karpenter,
            weight=_weight(spec, shapes),
            limits=limits,
            retained=retained if supplies_gpu else None,
            karpenter=True,
            expires=isinstance(expiry := seconds(at(template, "spec", "expireAfter")), Decimal)
            and expiry <= WEEK * 3600,
            reclaim=_LAG
            + (
                after
                if isinstance(after := seconds(at(spec, "disruption", "consolidateAfter")), Decimal)
                else Decimal(0)
            ),
        ),
        undecided=tuple(undecided),
        notices=tuple(notices),
        assumptions=tuple(assumptions),
    )


def _cloud(spec: Any) -> str:
    kind = at(spec, "nodeClassRef", "kind")
    return "azure" if kind == "AKSNodeClass" else "aws"


def _requirements(
    obj: Object, listed: list[Any]
) -> tuple[tuple[Requirement, ...], list[Undecided]]:
    found: list[Requirement] = []
    undecided: list[Undecided] = []
    for index, value in enumerate(listed):
        path = f"spec.template.spec.requirements[{index}]"
        if isinstance(value, Hidden) or any(
            isinstance(at(value, f), Hidden) for f in ("key", "operator", "values")
        ):
            undecided.append(
                Undecided(
                    obj.urn, path, f"{path} is not known at preview: it may allow GPU types", SETTLE
                )
            )
            continue
        if any(isinstance(v, Hidden) for v in known_items(at(value, "values"))):
            if at(value, "key") in _TYPE_KEYS:
                undecided.append(
                    Undecided(
                        obj.urn,
                        f"{path}.values",
                        "A value isn't known at preview and may allow GPU types",
                        SETTLE,
                    )
                )
            continue
        read = requirement(value)
        if isinstance(read, Requirement):
            found.append(read)
    return tuple(found), undecided


_TYPE_KEYS = frozenset(
    {
        INSTANCE_TYPE,
        "beta.kubernetes.io/instance-type",
        "karpenter.k8s.aws/instance-family",
        "karpenter.k8s.aws/instance-category",
    }
    | {
        "eks.amazonaws.com/instance-family",
        "eks.amazonaws.com/instance-category",
        "karpenter.k8s.aws/instance-size",
    }
    | {
        f"{domain}/instance-{field}"
        for domain in ("karpenter.k8s.aws", "eks.amazonaws.com")
        for field in ("gpu-name", "gpu-count")
    }
    | {
        f"{domain}/instance-{field}"
        for domain in ("karpenter.k8s.aws", "eks.amazonaws.com")
        for field in ("accelerator-name", "accelerator-count")
    }
    | {
        f"karpenter.azure.com/sku-{field}"
        for field in ("family", "gpu-count", "gpu-name", "name", "series")
    }
)


def candidates(
    estate: Estate, cloud: str, requirements: tuple[Requirement, ...]
) -> tuple[tuple[Shape, ...], list[str]]:
    """The node shapes that requirements leave open, and the named types that are unknown.

    Types without accelerators stand as themselves where they are named, else as one `CPU_NODE`.
    """
    named = [
        r
        for r in requirements
        if r.key in (INSTANCE_TYPE, "beta.kubernetes.io/instance-type") and r.operator == "In"
    ]
    others = tuple(r for r in requirements if r not in named)
    if named:
        types = sorted(set.intersection(*(set(r.values) for r in named)))
        shapes = [(name, estate.shape(cloud, name)) for name in types]
        unknown = [name for name, shape in shapes if shape is None]
        return tuple(
            shape for _, shape in shapes if shape is not None and meets(shape, others)
        ), unknown
    accelerated = tuple(shape for shape in accelerated_types(cloud) if meets(shape, others))
    hinted = [estate.shape(cloud, hint.instance_type) for hint in estate.settings.hints.instances]
    accelerated += tuple(
        s for s in hinted if s is not None and s.gpus and s not in accelerated and meets(s, others)
    )
    unknown_families = _unknown_families(estate, cloud, others)
    return (*((CPU_NODE,) if _may_be_cpu(cloud, others) else ()), *accelerated), unknown_families


def _unknown_families(
    estate: Estate, cloud: str, requirements: tuple[Requirement, ...]
) -> list[str]:
    """Named families that neither the table nor the naming scheme knows, and accelerated ones
    without a row."""
    found: list[str] = []
    for r in requirements:
        if label_of(r.key) == "instance-family" and r.operator == "In":
            for family in r.values:
                shape = estate.shape(cloud, f"{family}.xlarge")
                known = any(
                    s.instance_type.startswith(f"{family}.") for s in accelerated_types(cloud)
                )
                if not known and (shape is None or shape.gpus != 0):
                    found.append(f"{family}.*")
    return found


_ACCELERATED_CATEGORIES = frozenset({"g", "gr", "p", "inf", "trn", "dl", "vt"})


def _may_be_cpu(cloud: str, requirements: tuple[Requirement, ...]) -> bool:
    """Whether types without an accelerator meet the requirements."""
    for r in requirements:
        field = label_of(r.key)
        if field in ("sku-family", "sku-name", "sku-series") and r.operator == "In":
            return any(map(_is_plain_sku, r.values))
        field = re.sub(r"^sku-gpu-", "instance-gpu-", field)
        if field in ("instance-gpu-count", "instance-accelerator-count"):
            if r.operator in ("Exists", "In") or (
                r.operator in ("Gt", "Gte") and r.values and r.values[0] not in ("-1",)
            ):
                return r.operator == "In" and "0" in r.values
        elif field in (
            "instance-gpu-name",
            "instance-gpu-manufacturer",
            "instance-gpu-memory",
            "instance-accelerator-name",
        ):
            if r.operator in ("In", "Exists", "Gt", "Gte"):
                return False
        elif field == "instance-accelerator-manufacturer" and r.operator in ("In", "Exists"):
            return False
        elif field == "instance-category" and r.operator == "In":
            return any(value not in _ACCELERATED_CATEGORIES for value in r.values)
        elif field == "instance-family" and r.operator == "In":
            known = {shape.instance_type.split(".")[0] for shape in accelerated_types(cloud)}
            return any(value not in known for value in r.values)
    return True


def _is_plain_sku(value: str) -> bool:
    """Whether an Azure family (`D`), series or size stands for machines without a GPU."""
    name = re.sub(r"^standard_", "", value, flags=re.IGNORECASE).upper()
    return not name.startswith("N") or name.startswith(("NP", "NM"))


def _limits(obj: Object, limits: Any) -> tuple[Mapping[str, Decimal], list[Undecided]]:
    found: dict[str, Decimal] = {}
    undecided: list[Undecided] = []
    if isinstance(limits, Hidden):
        why = f"spec.limits is {limits.value} at preview"
        return {}, [Undecided(obj.urn, "spec.limits", why, SETTLE, about=Subject.LIMIT)]
    # A hidden value is no limit: that may raise a floor.
    for name, value in known_mapping(limits).items():
        amount = quantity(value)
        if isinstance(amount, Decimal):
            found[name] = amount
        elif isinstance(amount, Impossible):
            undecided.append(
                Undecided(
                    obj.urn,
                    f'spec.limits["{name}"]',
                    f"The limit is invalid: {amount.why}",
                    "Correct the value",
                )
            )
    return found, undecided


def _limited_to_none(limits: Mapping[str, Decimal]) -> bool:
    return any(
        amount == 0 and (name in ("cpu", "memory", "nodes") or is_accelerator(name))
        for name, amount in limits.items()
    )


def _static(estate: Estate, obj: Object, template: Any) -> tuple[tuple[Hold, ...], list[Undecided]]:
    """Static capacity: nodes that a NodePool keeps without any pod, where the feature gate is
    on."""
    value = at(obj.spec, "replicas")
    replicas = count(value)
    if replicas is None or replicas == 0:
        return (), []
    gate = estate.settings.trust.karpenter_static_capacity
    if gate is None and at(template, "spec", "nodeClassRef", "group") == "eks.amazonaws.com":
        gate = True
    if gate is False:
        return (), []
    if not isinstance(replicas, int):
        wrong = f"is invalid: {replicas.why}" if isinstance(replicas, Impossible) else ""
        why = f"spec.replicas {wrong or 'is not known at preview'}"
        return (), [Undecided(obj.urn, "spec.replicas", why, SETTLE)]
    if gate is None:
        why = (
            f"spec.replicas keeps {counted(replicas, 'node')} where Karpenter's StaticCapacity "
            "gate is on, and none where it is off"
        )
        return (), [
            Undecided(
                obj.urn,
                "spec.replicas",
                why,
                "Set trust.karpenterStaticCapacity in zerofloor.yaml, or remove spec.replicas",
            )
        ]
    most = quantity(at(obj.spec, "limits", "nodes"))
    if isinstance(most, Decimal) and most < replicas:
        # Seen (lab L81): the limit on nodes caps a static pool.
        replicas = int(most)
    because = Evidence(
        obj.urn,
        "spec.replicas",
        value,
        f"static capacity: {counted(replicas, 'node')} with no pod at all",
    )
    return (
        Hold(
            Cause.STATIC_POOL,
            obj.urn,
            replicas,
            (because,),
            "Remove spec.replicas, so that nodes are provisioned for pods and removed when empty",
            change=change_of(obj, "spec.replicas", None),
        ),
    ), []


def _retained(estate: Estate, obj: Object, template: Any) -> tuple[Hold | None, list[Undecided]]:
    """Why a node that came once is never removed, if so. Expiry within a week removes it all the
    same (seen: N48, N50)."""
    expiry = at(template, "spec", "expireAfter")
    expires = seconds(expiry)
    if isinstance(expires, Decimal) and expires <= WEEK * 3600:
        return None, []
    disruption = at(obj.spec, "disruption")
    undecided = [
        Undecided(
            obj.urn,
            f"spec.disruption{path}",
            "It isn't known at preview whether empty nodes are ever removed",
            SETTLE,
        )
        for value, path in (
            (disruption, ""),
            (at(disruption, "consolidateAfter"), ".consolidateAfter"),
            (at(disruption, "budgets"), ".budgets"),
        )
        if isinstance(value, Hidden)
    ][:1]

    def hold(path: str, value: Any, because: str, fix: str, change: tuple[Change, ...]) -> Hold:
        kept = Evidence(obj.urn, path, value, because)
        return Hold(Cause.NEVER_EMPTIED, obj.urn, None, (kept,), fix, change=change)

    if at(disruption, "consolidateAfter") == "Never":
        path = "spec.disruption.consolidateAfter"
        return hold(
            path,
            "Never",
            "empty nodes are never removed: those of the busiest hour stay",
            f"Set {path} to a duration such as 60s",
            change_of(obj, path, "60s"),
        ), []
    wait = seconds(at(disruption, "consolidateAfter"))
    if isinstance(wait, Decimal) and wait > WEEK * 3600:
        path = "spec.disruption.consolidateAfter"
        return hold(
            path,
            at(disruption, "consolidateAfter"),
            "an empty node stays for more than a week: those of the busiest hour stay",
            f"Set {path} to a duration such as 60s",
            change_of(obj, path, "60s"),
        ), []
    kept = do_not_disrupt(template)
    if kept is None:
        path = "spec.template.metadata.annotations"
        undecided.append(
            Undecided(
                obj.urn,
                path,
                "It isn't known at preview whether its nodes are ever disrupted",
                SETTLE,
            )
        )
    if kept:
        path = f'spec.template.metadata.annotations["{DO_NOT_DISRUPT}"]'
        return hold(
            path,
            "true",
            "its nodes are never disrupted, empty or not: those of the busiest hour stay",
            f"Remove {path}",
            change_of(obj, path, None),
        ), []
    # Budgets that are hidden as a whole are undecided above.
    for index, budget in enumerate(known_items(at(disruption, "budgets"))):
        path = f"spec.disruption.budgets[{index}]"
        reasons = at(budget, "reasons")
        nodes = at(budget, "nodes")
        if any(
            isinstance(part, Hidden) for part in (budget, reasons, nodes, *known_items(reasons))
        ):
            undecided.append(
                Undecided(
                    obj.urn,
                    path,
                    "It isn't known at preview whether the budget keeps empty nodes",
                    SETTLE,
                )
            )
            continue
        blocks = nodes in ("0", "0%", 0) and (
            not known_items(reasons) or "Empty" in known_items(reasons)
        )
        if blocks and _always(budget):
            return hold(
                f"{path}.nodes",
                nodes,
                "the budget allows no empty node to be removed",
                f"Remove {path}, or leave Empty out of it",
                change_of(obj, path, None),
            ), []
    return None, undecided


def _always(budget: Any) -> bool:
    """Whether a disruption budget is active at all times: without a schedule, or with windows that
    leave no gap."""
    # A hidden schedule counts as none, which is always: that may raise a floor.
    schedule, duration = known_text(at(budget, "schedule")), seconds(at(budget, "duration"))
    if schedule is None or not isinstance(duration, Decimal):
        return True
    try:
        return hours_for(schedule, datetime.timedelta(seconds=float(duration))) >= WEEK
    except BadSchedule:
        return False


def _notices(
    estate: Estate,
    obj: Object,
    limits: Mapping[str, Decimal],
    shapes: tuple[Shape, ...],
    template: Any,
) -> list[Notice]:
    found: list[Notice] = []
    cap = estate.settings.caps.idle_tail_seconds
    after = seconds(at(obj.spec, "disruption", "consolidateAfter"))
    path = "spec.disruption.consolidateAfter"
    if isinstance(after, Decimal) and after > cap:
        message = f"Empty nodes stay for {after:f} s, above the cap of {cap:f} s"
        because = Evidence(
            obj.urn,
            path,
            at(obj.spec, "disruption", "consolidateAfter"),
            "an empty node bills that long",
        )
        found.append(
            Notice(
                Cause.LONG_IDLE_TAIL,
                obj.urn,
                message,
                f"Set {path} to {cap:f}s or less",
                (because,),
            )
        )
    gpu_only = all(shape.gpus != 0 for shape in shapes)
    if gpu_only and not any(
        is_accelerator(name) or name in ("cpu", "nodes", "memory") for name in limits
    ):
        because = Evidence(
            obj.urn, "spec.limits", None, "nothing limits how many GPU nodes it may launch"
        )
        message = (
            "The NodePool has no limit, so a runaway workload may provision any number of GPUs"
        )
        found.append(
            Notice(
                Cause.NO_LIMIT, obj.urn, message, 'Set spec.limits["nvidia.com/gpu"]', (because,)
            )
        )
    taints = _taints(obj, at(template, "spec", "taints"))
    if (
        gpu_only
        and not any(taint.effect in ("NoSchedule", "NoExecute") for taint in taints)
        and at(template, "spec", "taints") is None
    ):
        because = Evidence(
            obj.urn,
            "spec.template.spec.taints",
            None,
            "pods without a GPU may land on its nodes and keep them",
        )
        message = (
            "The GPU NodePool has no NoSchedule taint, so pods without a GPU can keep its nodes"
        )
        fix = "Add the taint nvidia.com/gpu:NoSchedule to spec.template.spec.taints"
        found.append(Notice(Cause.UNTAINTED_POOL, obj.urn, message, fix, (because,)))
    return found


def _weight(spec: Any, shapes: tuple[Shape, ...]) -> int:
    """The order of trial; one that can't be read is the one that would keep more GPUs."""
    weight = count(at(spec, "weight"))
    if isinstance(weight, Hidden):
        return 100 if all(shape.gpus != 0 for shape in shapes) else 0
    return weight if isinstance(weight, int) else 0


# Labels that are hidden as a whole leave the pool open to any (`open_labels`).
def _labels(template: Any) -> Mapping[str, str | None]:
    return {
        key: value if isinstance(value, str) else None
        for key, value in known_mapping(at(template, "metadata", "labels")).items()
        if isinstance(value, str | Hidden)
    }


# A taint that is hidden keeps no pod off: that may raise a floor.
def _taints(obj: Object, listed: Any) -> tuple[Taint, ...]:
    return tuple(
        Taint(
            key,
            known_text(at(taint, "value")) or "",
            known_text(at(taint, "effect")) or "NoSchedule",
        )
        for taint in known_items(listed)
        if (key := known_text(at(taint, "key"))) is not None
    )


def _market(requirements: tuple[Requirement, ...], reserves: bool) -> Market:
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
    asked = [r for r in requirements if r.key == CAPACITY_TYPE]
    for r in asked:
        if r.operator == "In":
            allowed &= set(r.values)
        elif r.operator == "NotIn":
            allowed -= set(r.values)
    return allowed if asked else {"on-demand"}


def _reserves(estate: Estate, template: Any) -> bool:
    """Whether the NodePool's node class selects capacity reservations."""
    name = at(template, "spec", "nodeClassRef", "name")
    classes = objects(estate, ("karpenter.k8s.aws", "EC2NodeClass"))
    return any(
        one.name == name and known_items(at(one.spec, "capacityReservationSelectorTerms"))
        for one in classes
    )


def _claim(estate: Estate, obj: Object) -> Iterable[Part]:
    """A NodeClaim that a program declares itself: one node until it is deleted."""
    path = "spec.requirements"
    listed = items(at(obj.spec, "requirements"))
    if isinstance(listed, Hidden):
        why = f"{path} is {listed.value} at preview: its node may have GPUs"
        yield Undecided(obj.urn, path, why, SETTLE)
        return
    requirements, undecided = _requirements(obj, listed)
    cloud = _cloud(obj.spec)
    shapes, unknown = candidates(estate, cloud, requirements)
    for name in unknown:
        why = f"{name} is not an instance type that zerofloor knows: it may carry GPUs"
        undecided.append(Undecided(obj.urn, path, why, _hint(name)))
    gpus = tuple(shape for shape in shapes if shape.gpus != 0)
    if not gpus or len(gpus) < len(shapes):
        yield from undecided
        return
    because = Evidence(obj.urn, "", None, "a NodeClaim declared here is a node until it is deleted")
    fix = "Let a NodePool make the node when pods ask for it"
    yield Pool(
        urn=obj.urn,
        name=obj.shown_name,
        platform="Karpenter NodeClaim",
        cloud=cloud,
        shapes=gpus,
        holds=(Hold(Cause.INSTANCE, obj.urn, 1, (because,), fix),),
        desired=1,
        ceiling=1,
        market=_market(requirements, False),
        falls_back=_falls_back(requirements),
        region=estate.region(obj.resource, cloud),
        undecided=tuple(undecided),
        assumptions=(TRUSTED,),
    )


def _hint(name: str) -> str:
    return (
        f"Add a hint to zerofloor.yaml: hints.instances: [{{instanceType: {name}, gpus: N, "
        f"reason: …}}]"
    )
