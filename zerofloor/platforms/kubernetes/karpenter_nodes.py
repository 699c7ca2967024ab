"""What keeps the nodes of a Karpenter NodePool: static capacity, and settings for which empty nodes
are never removed (seen on Karpenter 1.14.1: tests/data/truth, N… and G…)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import WEEK, Cause, Change, Evidence, Hold, Notice, Taint, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.kubernetes.objects import Object, change_of
from zerofloor.platforms.kubernetes.pods import DO_NOT_DISRUPT, SETTLE, do_not_disrupt
from zerofloor.schedules import BadSchedule, hours_for
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import Impossible, at, count, get, known_items, known_text, quantity, seconds
from zerofloor.words import counted

_AFTER: Final = "spec.disruption.consolidateAfter"
_WEEK_SECONDS: Final = WEEK * 3600


class Keeping(Value, frozen=True, kw_only=True):
    """What keeps nodes of a NodePool while nothing runs on them."""

    holds: tuple[Hold, ...] = ()
    """Nodes without any pod."""
    retained: Hold | None = None
    """Set if a node that was launched for a pod is never removed."""
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()


def find_static_cpu(obj: Object) -> Keeping:
    """The nodes of a static NodePool without GPUs: they bill no GPU, but pods may run on them."""
    replicas = count(at(obj.spec, "replicas"))
    if not isinstance(replicas, int) or not replicas:
        return Keeping()
    hold = Hold(cause=Cause.STATIC_POOL, urn=obj.urn, units=replicas, evidence=(), fix="")
    return Keeping(holds=(hold,))


def find_static(estate: Estate, obj: Object) -> Keeping:
    """Static capacity: nodes that a NodePool keeps without any pod, where the feature gate is
    on."""
    path = "spec.replicas"
    replicas = count(get(obj.body, path))
    gate = _static_gate(estate, obj)
    if replicas is None or replicas == 0 or gate is False:
        return Keeping()
    if isinstance(replicas, Impossible):
        return _open(obj, path, f"{path} is invalid: {replicas.why}")
    if isinstance(replicas, Hidden):
        return _open(obj, path, f"{path} is not known at preview")
    if gate is None:
        why = (
            f"{path} keeps {counted(replicas, 'node')} where Karpenter's StaticCapacity gate is "
            "on, and none where it is off"
        )
        settle = f"Set trust.karpenterStaticCapacity in zerofloor.yaml, or remove {path}"
        return _open(obj, path, why, settle)
    limit = quantity(at(obj.spec, "limits", "nodes"))
    # Seen (lab L81): the limit on nodes caps a static pool.
    capped = isinstance(limit, Decimal) and limit < replicas
    nodes = int(limit) if isinstance(limit, Decimal) and capped else replicas
    because = f"static capacity: {counted(nodes, 'node')} with no pod at all"
    hold = Hold(
        cause=Cause.STATIC_POOL,
        urn=obj.urn,
        units=nodes,
        evidence=(Evidence(obj.urn, path, get(obj.body, path), because),),
        fix=f"Remove {path}, so that nodes are provisioned for pods and removed when empty",
        change=change_of(obj, path, None),
    )
    return Keeping(holds=(hold,))


def _static_gate(estate: Estate, obj: Object) -> bool | None:
    """Whether the StaticCapacity feature gate is on; None where nothing tells."""
    gate = estate.settings.trust.karpenter_static_capacity
    node_class = get(obj.body, "spec.template.spec.nodeClassRef.group")
    if gate is None and node_class == "eks.amazonaws.com":
        return True  # EKS Auto Mode has it on.
    return gate


def find_emptying(obj: Object) -> Keeping:
    """Why a node that was launched for a pod is never removed, if so. Expiry within a week removes
    it anyway (seen: N48, N50)."""
    expiry = seconds(get(obj.body, "spec.template.spec.expireAfter"))
    if isinstance(expiry, Decimal) and expiry <= _WEEK_SECONDS:
        return Keeping()
    retained = _never_consolidated(obj) or _never_disrupted(obj) or _blocked_by_budget(obj)
    if retained is not None:
        return Keeping(retained=retained)
    return Keeping(undecided=tuple(_open_disruption(obj)))


def _never_consolidated(obj: Object) -> Hold | None:
    after = get(obj.body, _AFTER)
    wait = seconds(after)
    if after == "Never":
        because = "empty nodes are never removed: those of the busiest hour stay"
    elif isinstance(wait, Decimal) and wait > _WEEK_SECONDS:
        because = "an empty node stays for more than a week: those of the busiest hour stay"
    else:
        return None
    return _never_emptied(
        Evidence(obj.urn, _AFTER, after, because),
        fix=f"Set {_AFTER} to a duration such as 60s",
        change=change_of(obj, _AFTER, "60s"),
    )


def _never_disrupted(obj: Object) -> Hold | None:
    if not do_not_disrupt(at(obj.spec, "template")):
        return None
    path = f'spec.template.metadata.annotations["{DO_NOT_DISRUPT}"]'
    because = "its nodes are never disrupted, empty or not: those of the busiest hour stay"
    return _never_emptied(
        Evidence(obj.urn, path, "true", because),
        fix=f"Remove {path}",
        change=change_of(obj, path, None),
    )


def _blocked_by_budget(obj: Object) -> Hold | None:
    """The first disruption budget that never allows an empty node to be removed."""
    for index, budget in enumerate(_budgets(obj)):
        if _is_open(budget) or not (_blocks_empty(budget) and _is_always_active(budget)):
            continue
        path = f"spec.disruption.budgets[{index}]"
        because = "the budget allows no empty node to be removed"
        return _never_emptied(
            Evidence(obj.urn, f"{path}.nodes", at(budget, "nodes"), because),
            fix=f"Remove {path}, or leave Empty out of it",
            change=change_of(obj, path, None),
        )
    return None


def _never_emptied(evidence: Evidence, *, fix: str, change: tuple[Change, ...]) -> Hold:
    return Hold(
        cause=Cause.NEVER_EMPTIED,
        urn=evidence.urn,
        units=None,
        evidence=(evidence,),
        fix=fix,
        change=change,
    )


def _budgets(obj: Object) -> list[Any]:
    # Budgets that are hidden as a whole are undecided by `_open_disruption`.
    return known_items(get(obj.body, "spec.disruption.budgets"))


def _is_open(budget: Any) -> bool:
    """Whether what the budget allows, and for which reasons, can't be read."""
    reasons = at(budget, "reasons")
    # Hidden reasons are among the parts themselves.
    parts = (budget, reasons, at(budget, "nodes"), *known_items(reasons))
    return any(isinstance(part, Hidden) for part in parts)


def _blocks_empty(budget: Any) -> bool:
    reasons = known_items(at(budget, "reasons"))  # Not hidden: asked before.
    return at(budget, "nodes") in ("0", "0%", 0) and (not reasons or "Empty" in reasons)


def _is_always_active(budget: Any) -> bool:
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


def _open_disruption(obj: Object) -> Iterator[Undecided]:
    """What can't be read of whether its empty nodes are removed."""
    for path in ("spec.disruption", _AFTER, "spec.disruption.budgets"):
        if isinstance(get(obj.body, path), Hidden):
            why = "It isn't known at preview whether empty nodes are ever removed"
            yield Undecided(obj.urn, path, why, SETTLE)
            break
    if do_not_disrupt(at(obj.spec, "template")) is None:
        why = "It isn't known at preview whether its nodes are ever disrupted"
        yield Undecided(obj.urn, "spec.template.metadata.annotations", why, SETTLE)
    for index, budget in enumerate(_budgets(obj)):
        if _is_open(budget):
            why = "It isn't known at preview whether the budget keeps empty nodes"
            yield Undecided(obj.urn, f"spec.disruption.budgets[{index}]", why, SETTLE)


def _open(obj: Object, path: str, why: str, settle: str = SETTLE) -> Keeping:
    return Keeping(undecided=(Undecided(obj.urn, path, why, settle),))


def warnings(
    estate: Estate,
    obj: Object,
    *,
    limits: Mapping[str, Decimal],
    shapes: tuple[Shape, ...],
    taints: tuple[Taint, ...],
) -> Iterator[Notice]:
    """What makes a NodePool with GPUs cost more than it must."""
    yield from _long_tail(obj, estate.settings.caps.idle_tail_seconds)
    if any(shape.gpus == 0 for shape in shapes):
        return
    if not any(name in ("cpu", "nodes", "memory") or is_accelerator(name) for name in limits):
        yield _unlimited(obj)
    keeps_pods_off = any(taint.effect in ("NoSchedule", "NoExecute") for taint in taints)
    if not keeps_pods_off and get(obj.body, "spec.template.spec.taints") is None:
        yield _untainted(obj)


def _long_tail(obj: Object, cap: Decimal) -> Iterator[Notice]:
    after = seconds(get(obj.body, _AFTER))
    if not isinstance(after, Decimal) or after <= cap:
        return
    because = "an empty node bills that long"
    yield Notice(
        cause=Cause.LONG_IDLE_TAIL,
        urn=obj.urn,
        message=f"Empty nodes stay for {after:f} s, above the cap of {cap:f} s",
        fix=f"Set {_AFTER} to {cap:f}s or less",
        evidence=(Evidence(obj.urn, _AFTER, get(obj.body, _AFTER), because),),
    )


def _unlimited(obj: Object) -> Notice:
    because = "nothing limits how many GPU nodes it may launch"
    return Notice(
        cause=Cause.NO_LIMIT,
        urn=obj.urn,
        message="The NodePool has no limit, so a runaway workload may provision any number of GPUs",
        fix='Set spec.limits["nvidia.com/gpu"]',
        evidence=(Evidence(obj.urn, "spec.limits", None, because),),
    )


def _untainted(obj: Object) -> Notice:
    path = "spec.template.spec.taints"
    because = "pods without a GPU may land on its nodes and keep them"
    return Notice(
        cause=Cause.UNTAINTED_POOL,
        urn=obj.urn,
        message=(
            "The GPU NodePool has no NoSchedule taint, so pods without a GPU can keep its nodes"
        ),
        fix=f"Add the taint nvidia.com/gpu:NoSchedule to {path}, and tolerate it in GPU workloads",
        evidence=(Evidence(obj.urn, path, None, because),),
    )
