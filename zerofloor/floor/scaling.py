"""Scalers applied to workloads: how many pods are kept while idle, and for how many hours of a
week."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from zerofloor.capacity import (
    Assumption,
    Capacity,
    Cause,
    Evidence,
    Hold,
    Notice,
    NotKnown,
    Scaler,
    Subject,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.floor.matching import meets
from zerofloor.structs import Value
from zerofloor.values import get
from zerofloor.words import counted, verb


class Scaled(Value, frozen=True):
    """A workload with its scalers applied."""

    workload: Workload
    holds: tuple[Hold, ...]
    """What keeps its pods (units are replicas), the largest first."""
    desired: int
    """Replicas at creation."""
    ceiling: int | None
    """Replicas at most; None: unbounded, or not known."""
    undecided: tuple[Undecided, ...] = ()
    notices: tuple[Notice, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    idle_tail: Decimal = Decimal(0)

    def pods(self, hours: Decimal) -> int:
        """Pods that are kept for at least so many hours of a week."""
        return self.workload.pods_per_replica * max(
            (hold.least for hold in self.holds if hold.hours_per_week >= hours), default=0
        )


def scale(capacity: Capacity, estate: Estate) -> tuple[Scaled, ...]:
    """Each workload with its scalers, in the order of the workloads."""
    matched = _match(capacity)
    scaled = tuple(
        _scaled(workload, matched.get(workload.key, ()), estate) for workload in capacity.workloads
    )
    by_urn = {s.workload.urn: s for s in scaled if not s.workload.follows}
    return tuple(
        _share(s, by_urn[s.workload.follows]) if s.workload.follows in by_urn else s for s in scaled
    )


def find_scalers(capacity: Capacity) -> Mapping[str, tuple[Scaler, ...]]:
    """The scalers of each workload (by its key) that are in charge, and those that have no effect
    or are paused."""
    found: dict[str, tuple[Scaler, ...]] = {}
    for key, matches in _match(capacity).items():
        effective = [match for match in matches if match.scaler.not_in_effect is None]
        idle = [match for match in matches if match.scaler.not_in_effect is not None]
        found[key] = tuple(match.scaler for match in (*_in_charge(effective), *idle))
    return found


def _share(buffer: Scaled, followed: Scaled) -> Scaled:
    """A buffer that keeps a share of another workload: of what is held of that, of its size at
    creation, and at most."""
    share = buffer.workload.share

    def of(replicas: int) -> int:
        return math.ceil(replicas * share)

    own = buffer.holds[0]
    holds = tuple(
        replace(
            own,
            units=of(hold.least),
            hours_per_week=hold.hours_per_week,
            evidence=(*hold.evidence, *own.evidence),
        )
        for hold in followed.holds
    )
    ceiling = None if followed.ceiling is None else of(followed.ceiling)
    return replace(
        buffer,
        holds=holds,
        desired=of(followed.desired),
        ceiling=ceiling,
        undecided=(*buffer.undecided, *followed.undecided),
    )


class _Matched(Value, frozen=True):
    scaler: Scaler
    guess: Assumption | None = None
    """Set where the target is hidden and this is the only workload that it may be."""


def _match(capacity: Capacity) -> Mapping[str, tuple[_Matched, ...]]:
    found: dict[str, list[_Matched]] = defaultdict(list)
    by_kind: dict[str, list[Workload]] = defaultdict(list)
    by_name: dict[tuple[str, str], list[Workload]] = defaultdict(list)
    opaque: list[Workload] = []
    for workload in capacity.workloads:
        by_kind[workload.kind].append(workload)
        by_name[workload.kind, workload.name].append(workload)
        if workload.opaque:
            opaque.append(workload)
    for scaler in capacity.scalers:
        for urn, match in _targets(scaler, by_kind, by_name, opaque):
            found[urn].append(match)
    return {urn: tuple(matches) for urn, matches in found.items()}


def _targets(
    scaler: Scaler,
    by_kind: Mapping[str, list[Workload]],
    by_name: Mapping[tuple[str, str], list[Workload]],
    opaque: list[Workload],
) -> Iterable[tuple[str, _Matched]]:
    if scaler.target_name is not None and scaler.target_kind:
        named = [
            w
            for w in by_name.get((scaler.target_kind, scaler.target_name), ())
            if _same(scaler, w) and not w.autonamed
        ]
        # What a chart makes is not in the document: a scaler without another target may be meant
        # for it.
        unnamed = (
            [w for w in by_kind.get(scaler.target_kind, ()) if w.name_hidden and _same(scaler, w)]
            if not named
            else []
        )
        for workload in unnamed:
            yield (
                workload.key,
                _Matched(
                    scaler,
                    Assumption(
                        f"{scaler.kind} {scaler.target_name} scales {workload.name}",
                        "its name is not known yet",
                    ),
                ),
            )
        charts = [w for w in opaque if _surely_same(scaler, w)] if not named and not unnamed else []
        for workload in named:
            what = f"{scaler.kind} {scaler.target_name} scales {workload.kind} {workload.name}"
            sure = _surely_same(scaler, workload)
            yield (
                workload.key,
                _Matched(
                    scaler,
                    None if sure else Assumption(what, "one of their namespaces is not known yet"),
                ),
            )
        for workload in charts[:1]:
            what = f"{scaler.kind} {scaler.target_name} scales what {workload.name} installs"
            yield workload.key, _Matched(scaler, Assumption(what, "nothing else fits"))
        return
    of_kind = (
        by_kind.get(scaler.target_kind, [])
        if scaler.target_kind
        else [w for kind in sorted(by_kind) for w in by_kind[kind]]
    )
    candidates = [w for w in of_kind if _same(scaler, w) and w.replicas is not None]
    linked = [w for w in candidates if w.urn in scaler.target_urns]
    if linked:
        for workload in linked:
            yield workload.key, _Matched(scaler)
    elif len(candidates) == 1:
        what = f"{scaler.kind} {scaler.urn.rsplit('::', 1)[-1]} scales {candidates[0].name}"
        yield (
            candidates[0].key,
            _Matched(
                scaler,
                Assumption(what, "its target's name is not known yet and it is the only candidate"),
            ),
        )
    else:
        for workload in candidates:
            yield (
                workload.key,
                _Matched(
                    scaler,
                    Assumption(
                        f"A scaler may scale {workload.name}", "its target's name is not known yet"
                    ),
                ),
            )


def _same(scaler: Scaler, workload: Workload) -> bool:
    return meets(scaler.cluster, workload.pod.cluster) and (
        scaler.namespace is None or not workload.namespace or scaler.namespace == workload.namespace
    )


def _surely_same(scaler: Scaler, workload: Workload) -> bool:
    """Two hidden namespaces are assumed to be the same: usually that of a Namespace in the
    stack."""
    return (scaler.namespace or "") == workload.namespace and meets(
        scaler.cluster, workload.pod.cluster
    )


def _scaled(workload: Workload, matches: tuple[_Matched, ...], estate: Estate) -> Scaled:
    # What zero pods ask for doesn't matter.
    undecided = () if workload.replicas == 0 else workload.undecided
    alone = Scaled(
        workload,
        _largest_first(workload.holds),
        workload.desired,
        workload.ceiling,
        undecided,
        workload.notices,
        assumptions=workload.assumptions,
        evidence=workload.evidence,
    )
    if not workload.has_scale:
        return _without_scale(alone, matches, estate)
    if workload.replicas is None and not workload.undecided:
        return alone
    for match in matches:
        if match.scaler.not_in_effect is not None:
            alone = replace(
                alone,
                holds=_blamed(
                    alone.holds,
                    Cause.SCALER_NOT_IN_EFFECT,
                    match.scaler,
                    match.scaler.not_in_effect,
                ),
            )
    effective = [match for match in matches if match.scaler.not_in_effect is None]
    suspended = next((m.scaler for m in effective if m.scaler.suspended is not None), None)
    if suspended is not None and suspended.suspended is not None:
        return replace(
            alone,
            holds=_blamed(alone.holds, Cause.PAUSED_SCALER, suspended, suspended.suspended),
            notices=alone.notices,
        )
    if not effective:
        return alone
    if workload.replicas == 0 and all(m.scaler.off_at_zero for m in effective):
        off = Evidence(
            workload.urn,
            "spec.replicas",
            0,
            "replicas 0 switches the HPA off, or it returns there when nothing is asked for",
        )
        return replace(alone, evidence=(*alone.evidence, off), ceiling=0)
    return _under(alone, _in_charge(effective), estate)


def _without_scale(alone: Scaled, matches: tuple[_Matched, ...], estate: Estate) -> Scaled:
    """A workload of a kind without a scale subresource: no scaler moves it."""
    for match in matches:
        why = f"{alone.workload.kind} has no scale subresource, so the scaler never takes effect"
        resource = estate.by_urn.get(match.scaler.urn)
        target = get(resource.inputs, "spec.scaleTargetRef") if resource else None
        because = Evidence(match.scaler.urn, "spec.scaleTargetRef", target, why)
        holds = _blamed(alone.holds, Cause.SCALER_NOT_IN_EFFECT, match.scaler, because)
        alone = replace(alone, holds=holds)
    return alone


def _in_charge(effective: list[_Matched]) -> list[_Matched]:
    """Whose word counts where several scale one target: a ScaledObject that took the HPA over, else
    the largest of all.

    KEDA's webhook refuses a ScaledObject beside an HPA, and a second ScaledObject (seen: S41, S43),
    and which of them came
    first is not in a declaration.
    """
    owners = [
        m
        for m in effective
        if m.scaler.wakes_from_zero and not m.scaler.yields_to_hpa and m.scaler.takes_charge
    ]
    return owners or effective


def _under(alone: Scaled, matches: list[_Matched], estate: Estate) -> Scaled:
    workload = alone.workload
    scalers = [match.scaler for match in matches]
    holds = [hold for scaler in scalers for hold in scaler.holds]
    holds += [scaler.keeps_peak for scaler in scalers if scaler.keeps_peak is not None]
    guesses = tuple(match.guess for match in matches if match.guess is not None)
    undecided = [part for scaler in scalers for part in scaler.undecided]
    if holds and not workload.opaque:
        undecided += [part for part in workload.undecided if part.about is not Subject.REPLICAS]
    own = max((hold.least for hold in alone.holds), default=0)
    if guesses and own > max((hold.least for hold in holds if hold.units is not None), default=0):
        # A guess may raise a floor, never lower it: neither the replicas nor the scaler's minimum
        # is certain.
        kept = f"its {counted(own, 'replica')} {verb(own, 'stays', 'stay')}"
        why = f"{guesses[0].what} ({guesses[0].because}); if not, {kept}"
        undecided.append(
            Undecided(
                workload.urn,
                "spec.replicas",
                why,
                "Name the scaler's target in a way that the preview knows",
            )
        )
    maxima = [scaler.maximum for scaler in scalers]
    known = [maximum for maximum in maxima if not isinstance(maximum, NotKnown)]
    kept_as_it_is = [scaler for scaler in scalers if not scaler.wakes_from_zero]
    desired = (
        workload.desired
        if not kept_as_it_is
        else max(workload.desired, *(h.least for s in kept_as_it_is for h in s.holds), 0)
    )
    return Scaled(
        workload=workload,
        holds=_largest_first(tuple(holds)),
        desired=desired,
        ceiling=max(known) if len(known) == len(maxima) else None,
        undecided=tuple(undecided),
        notices=(
            *alone.notices,
            *(n for s in scalers for n in s.notices if workload.pod.wants_gpu),
            *_beside(workload, scalers, estate),
        ),
        assumptions=(
            *alone.assumptions,
            *guesses,
            *(a for scaler in scalers for a in scaler.assumptions),
        ),
        evidence=(*alone.evidence, *(e for scaler in scalers for e in scaler.evidence)),
        idle_tail=max(scaler.idle_tail for scaler in scalers),
    )


def _beside(workload: Workload, scalers: list[Scaler], estate: Estate) -> tuple[Notice, ...]:
    """A declared number of replicas beside a scaler: each `pulumi up` puts it back."""
    resource = estate.by_urn.get(workload.urn)
    declared = get(resource.inputs, "spec.replicas") if resource is not None else None
    keda = next((scaler for scaler in scalers if scaler.takes_charge), None)
    if (
        resource is None
        or keda is None
        or not isinstance(declared, int)
        or declared <= 0
        or not workload.pod.wants_gpu
    ):
        return ()
    if any(path in ("spec", "spec.replicas") for path in resource.ignore_changes):
        return ()
    because = Evidence(
        workload.urn,
        "spec.replicas",
        declared,
        "each update of the resource puts the replicas back until KEDA's next poll",
    )
    message = (
        f"Each deployment sets {workload.kind} {workload.name} back to "
        f"{counted(declared, 'replica')} and starts a GPU node, though a ScaledObject scales it"
    )
    fix = "Remove spec.replicas (in a Pulumi program: ignore_changes=['spec.replicas'])"
    return (
        Notice(
            cause=Cause.REPLICAS_BESIDE_SCALER,
            urn=workload.urn,
            message=message,
            fix=fix,
            evidence=(because,),
        ),
    )


def _blamed(
    holds: tuple[Hold, ...], cause: Cause, scaler: Scaler, because: Evidence
) -> tuple[Hold, ...]:
    """The workload's own holds, where a scaler that should lower them does not."""
    fix = f"Correct {scaler.kind} {scaler.urn.rsplit('::', 1)[-1]}: {because.because}"
    change = scaler.correction
    return tuple(
        replace(
            hold,
            cause=cause,
            urn=scaler.urn,
            evidence=(because, *hold.evidence),
            fix=fix,
            change=change,
        )
        for hold in holds
    )


def _largest_first(holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
    return tuple(
        sorted(
            holds, key=lambda hold: (-hold.least, -hold.hours_per_week, hold.urn, hold.cause.value)
        )
    )
