"""Scalers applied to workloads: how many pods are kept while idle, and for how many hours of a
week."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TypeAlias

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


class _Index(Value, frozen=True, kw_only=True):
    """The workloads of an estate, as a scaler looks for its target."""

    by_kind: Mapping[str, list[Workload]]
    by_name: Mapping[tuple[str, str], list[Workload]]
    """By kind and name."""
    charts: tuple[Workload, ...]
    """What a chart makes is not in the document: a scaler without another target may be meant for
    it."""


def _match(capacity: Capacity) -> Mapping[str, tuple[_Matched, ...]]:
    """By workload (its key): the scalers that scale it, or may."""
    index = _build_index(capacity.workloads)
    found: dict[str, list[_Matched]] = defaultdict(list)
    for scaler in capacity.scalers:
        for workload, guess in _find_targets(scaler, index):
            found[workload.key].append(_Matched(scaler, guess))
    return {key: tuple(matches) for key, matches in found.items()}


def _build_index(workloads: Iterable[Workload]) -> _Index:
    by_kind: dict[str, list[Workload]] = defaultdict(list)
    by_name: dict[tuple[str, str], list[Workload]] = defaultdict(list)
    for workload in workloads:
        by_kind[workload.kind].append(workload)
        by_name[workload.kind, workload.name].append(workload)
    charts = tuple(workload for workload in workloads if workload.opaque)
    return _Index(by_kind=by_kind, by_name=by_name, charts=charts)


_Target: TypeAlias = tuple[Workload, Assumption | None]
"""A workload that a scaler scales, and the guess behind it if there is one."""


def _find_targets(scaler: Scaler, index: _Index) -> list[_Target]:
    """The first way that finds any: by name, by a name that is hidden, among charts; without a
    name by the dependencies of the program, else all that fit."""
    name = scaler.target_name
    if name is not None and scaler.target_kind:
        return (
            _by_name(scaler, name, index)
            or _by_hidden_name(scaler, name, index)
            or _by_chart(scaler, name, index)
        )
    return _without_name(scaler, index)


def _by_name(scaler: Scaler, name: str, index: _Index) -> list[_Target]:
    found: list[_Target] = []
    for workload in index.by_name.get((scaler.target_kind, name), ()):
        if workload.autonamed or not _same(scaler, workload):
            continue
        guess = None
        if not _surely_same(scaler, workload):
            what = f"{scaler.kind} {name} scales {workload.kind} {workload.name}"
            guess = Assumption(what, "one of their namespaces is not known yet")
        found.append((workload, guess))
    return found


def _by_hidden_name(scaler: Scaler, name: str, index: _Index) -> list[_Target]:
    return [
        (
            workload,
            Assumption(f"{scaler.kind} {name} scales {workload.name}", "its name is not known yet"),
        )
        for workload in index.by_kind.get(scaler.target_kind, ())
        if workload.name_hidden and _same(scaler, workload)
    ]


def _by_chart(scaler: Scaler, name: str, index: _Index) -> list[_Target]:
    for chart in index.charts:
        # Of a chart with hidden values it isn't known what it installs, nor how often.
        if _surely_same(scaler, chart) and not chart.pod.open_count:
            what = f"{scaler.kind} {name} scales what {chart.name} installs"
            return [(chart, Assumption(what, "nothing else fits"))]
    return []


def _without_name(scaler: Scaler, index: _Index) -> list[_Target]:
    kinds = [scaler.target_kind] if scaler.target_kind else sorted(index.by_kind)
    of_kind = [workload for kind in kinds for workload in index.by_kind.get(kind, ())]
    candidates = [w for w in of_kind if _same(scaler, w) and w.replicas is not None]
    linked = [w for w in candidates if w.urn in scaler.target_urns]
    if linked:
        return [(workload, None) for workload in linked]
    unknown = "its target's name is not known yet"
    if len(candidates) == 1:
        what = f"{scaler.kind} {scaler.urn.rsplit('::', 1)[-1]} scales {candidates[0].name}"
        return [(candidates[0], Assumption(what, f"{unknown} and it is the only candidate"))]
    return [(w, Assumption(f"A scaler may scale {w.name}", unknown)) for w in candidates]


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
    """A workload under the scalers that are in charge of it: their numbers replace its own."""
    workload = alone.workload
    scalers = [match.scaler for match in matches]
    guesses = tuple(match.guess for match in matches if match.guess is not None)
    holds = tuple(_holds_of(scalers))
    return Scaled(
        workload=workload,
        holds=_largest_first(holds),
        desired=_desired_under(workload, scalers),
        ceiling=_ceiling_under(scalers),
        undecided=tuple(_undecided_under(alone, scalers, holds, guesses)),
        notices=(
            *alone.notices,
            *(n for s in scalers for n in s.notices if workload.pod.wants_gpu),
            *_beside(workload, scalers, estate),
        ),
        assumptions=(*alone.assumptions, *guesses, *(a for s in scalers for a in s.assumptions)),
        evidence=(*alone.evidence, *(e for s in scalers for e in s.evidence)),
        idle_tail=max(s.idle_tail for s in scalers),
    )


def _holds_of(scalers: list[Scaler]) -> Iterator[Hold]:
    for scaler in scalers:
        yield from scaler.holds
    for scaler in scalers:
        if scaler.keeps_peak is not None:
            yield scaler.keeps_peak


def _undecided_under(
    alone: Scaled,
    scalers: list[Scaler],
    holds: tuple[Hold, ...],
    guesses: tuple[Assumption, ...],
) -> Iterator[Undecided]:
    workload = alone.workload
    for scaler in scalers:
        yield from scaler.undecided
    if holds and not workload.opaque:
        # The scaler's numbers count in place of its replicas.
        yield from (part for part in workload.undecided if part.about is not Subject.REPLICAS)
    if guesses:
        yield from _doubt_guess(alone, holds, guesses[0])


def _doubt_guess(alone: Scaled, holds: tuple[Hold, ...], guess: Assumption) -> Iterator[Undecided]:
    """A guess may raise a floor, never lower it: neither the replicas nor the scaler's minimum is
    certain."""
    own = max((hold.least for hold in alone.holds), default=0)
    if own <= max((hold.least for hold in holds if hold.units is not None), default=0):
        return
    kept = f"its {counted(own, 'replica')} {verb(own, 'stays', 'stay')}"
    yield Undecided(
        alone.workload.urn,
        "spec.replicas",
        f"{guess.what} ({guess.because}); if not, {kept}",
        "Name the scaler's target in a way that the preview knows",
    )


def _desired_under(workload: Workload, scalers: list[Scaler]) -> int:
    """Pods at creation: a scaler that never goes to zero raises them to its minimum at once."""
    kept = (h.least for s in scalers if not s.wakes_from_zero for h in s.holds)
    return max(workload.desired, *kept, 0)


def _ceiling_under(scalers: list[Scaler]) -> int | None:
    """The most pods that any of them allows; None if one's maximum isn't known."""
    known = [s.maximum for s in scalers if not isinstance(s.maximum, NotKnown)]
    return max(known) if len(known) == len(scalers) else None


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
