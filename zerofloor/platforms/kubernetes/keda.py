"""KEDA: ScaledObject, ScaledJob and the HTTP add-on. What each declaration does was seen on KEDA
2.20.2 (tests/data/truth, S…)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    NOT_KNOWN,
    WEEK,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Notice,
    NotKnown,
    Part,
    Scaler,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes import keda_triggers as triggers_of
from zerofloor.platforms.kubernetes.hpa import keeps_peak
from zerofloor.platforms.kubernetes.keda_types import correction_of, refused_by_type
from zerofloor.platforms.kubernetes.objects import Object, annotation, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod
from zerofloor.platforms.kubernetes.workloads import build, job
from zerofloor.stack import Hidden
from zerofloor.values import (
    Count,
    Impossible,
    at,
    count,
    hidden,
    known_items,
    known_mapping,
    known_text,
    seconds,
)
from zerofloor.words import counted

KINDS = frozenset(
    {
        ("keda.sh", "ScaledObject"),
        ("keda.sh", "ScaledJob"),
        ("keda.sh", "TriggerAuthentication"),
        ("keda.sh", "ClusterTriggerAuthentication"),
        ("http.keda.sh", "HTTPScaledObject"),
        ("http.keda.sh", "InterceptorRoute"),
    }
)

TRUSTED: Final = Assumption(
    "KEDA runs in the cluster and reconciles its objects",
    "a KEDA object is declared; set trust.keda: false if it does not",
)
COOLDOWN: Final = Decimal(300)
"""cooldownPeriod's default in seconds (KEDA docs, "ScaledObject specification")."""


def read(estate: Estate) -> Iterable[Part]:
    trust = estate.settings.trust.keda
    for obj in objects(estate, ("keda.sh", "ScaledObject")):
        yield _untrusted(obj, "scaleTargetRef") if not trust else _scaled_object(estate, obj)
    for obj in objects(estate, ("http.keda.sh", "HTTPScaledObject")):
        yield _untrusted(obj, "scaleTargetRef") if not trust else _http_scaled_object(estate, obj)
    for obj in objects(estate, ("keda.sh", "ScaledJob")):
        yield _scaled_job(estate, obj)


def _untrusted(obj: Object, ref: str) -> Scaler:
    why = "the settings say that KEDA does not run: nothing reconciles it"
    return _scaler(obj, at(obj.spec, ref), not_in_effect=Evidence(obj.urn, "", None, why))


def _scaler(obj: Object, target: Any, **fields: Any) -> Scaler:
    """A scaler on the target of an object; `fields` are those of `Scaler` that differ from its
    defaults."""
    return Scaler(
        urn=obj.urn,
        kind=obj.kind,
        namespace=obj.namespace,
        cluster=obj.cluster,
        target_kind=""
        if hidden(at(target, "kind"))
        else known_text(at(target, "kind")) or "Deployment",
        target_name=known_text(at(target, "name")),  # None stands for a hidden one.
        target_urns=tuple((obj.resource.property_dependencies or {}).get("spec", ())),
        **fields,
    )


_MOST: Final = 100
"""The maximum where none is declared (KEDA docs, "ScaledObject specification" and "HTTPScaledObject
reference")."""


def _most(maximum: Count | None) -> int | NotKnown:
    if maximum is None:
        return _MOST
    return maximum if isinstance(maximum, int) else NOT_KNOWN


def _scaled_object(estate: Estate, obj: Object) -> Scaler:
    spec = obj.spec
    target = at(spec, "scaleTargetRef")
    undecided = _hidden_parts(
        obj,
        spec,
        ("minReplicaCount", "maxReplicaCount", "idleReplicaCount", "cooldownPeriod", "triggers"),
    )
    minimum, maximum, idle = (
        count(at(spec, field))
        for field in ("minReplicaCount", "maxReplicaCount", "idleReplicaCount")
    )
    # Hidden triggers are undecided by `_hidden_parts`.
    triggers = known_items(at(spec, "triggers"))
    pause = _pause(obj)
    most = _most(maximum)
    common: dict[str, Any] = {
        "maximum": most,
        "takes_charge": True,
        "assumptions": (TRUSTED, *_assume_quiet(triggers)),
        "notices": tuple(_notices(estate, obj, minimum)),
        "idle_tail": _tail(at(spec, "cooldownPeriod")),
        "yields_to_hpa": not _takes_hpa(obj),
    }
    if undecided:
        return _scaler(obj, target, undecided=tuple(undecided), **common)
    refused = _refused(estate, obj, minimum, maximum, idle, triggers)
    if refused is not None:
        correction = correction_of(obj, refused)
        return _scaler(obj, target, not_in_effect=refused, correction=correction, **common)
    if isinstance(pause, Undecided):
        return _scaler(obj, target, undecided=(pause,), **common)
    if isinstance(pause, Hold):
        return _scaler(
            obj, target, holds=(pause,) if pause.units else (), evidence=pause.evidence, **common
        )
    if isinstance(pause, Evidence):
        resumed = change_of(obj, pause.path, None)
        return _scaler(obj, target, suspended=pause, correction=resumed, **common)
    floor = minimum if isinstance(minimum, int) else 0
    holds, peak, open_parts = _kept(
        estate,
        obj,
        floor,
        idle if isinstance(idle, int) else None,
        most if isinstance(most, int) else None,
        triggers,
    )
    return _scaler(obj, target, holds=holds, keeps_peak=peak, undecided=open_parts, **common)


def _assume_quiet(triggers: list[Any]) -> Iterator[Assumption]:
    """A query is often put together from outputs, such as a Deployment's name, and then hidden."""
    queries = (at(trigger, "metadata", "query") for trigger in triggers)
    if any(isinstance(query, Hidden) for query in queries):
        yield Assumption(
            "KEDA's queries are zero while there are no requests",
            "a query isn't known at preview",
        )


def _kept(
    estate: Estate,
    obj: Object,
    floor: int,
    idle: int | None,
    maximum: int | None,
    triggers: list[Any],
) -> tuple[tuple[Hold, ...], Hold | None, tuple[Undecided, ...]]:
    """What a ScaledObject in effect keeps after a week without a request."""
    kept = idle if idle is not None else floor
    field = "idleReplicaCount" if idle is not None else "minReplicaCount"
    if idle:
        # Seen (S52): it then flaps between idle and minimum; the larger keeps the nodes.
        kept = max(idle, floor)
    only_resources = triggers_of.only_resource_metrics(triggers)
    holds: list[Hold] = []
    undecided: list[Undecided] = []
    if kept:
        holds.append(_minimum(obj, field, kept, only_resources=only_resources))
    if _true(annotation(obj, "autoscaling.keda.sh/force-activation")):
        holds.append(_forced(obj, floor))
    if only_resources:
        holds.append(_always_active(obj, floor))
    for index, trigger in enumerate(triggers):
        for part in triggers_of.kept(estate, obj, index, trigger, floor, maximum):
            if isinstance(part, Hold):
                holds.append(part)
            else:
                undecided.append(part)
    formula = triggers_of.formula(obj, floor)
    if formula is not None:
        holds.append(formula)
    return tuple(holds), _peak(obj, kept), tuple(undecided)


def _minimum(obj: Object, field: str, kept: int, *, only_resources: bool) -> Hold:
    because = Evidence(
        obj.urn,
        f"spec.{field}",
        at(obj.spec, field),
        f"{field} keeps {counted(kept, 'replica')} without a request",
    )
    # With cpu and memory only, KEDA's webhook would refuse a minimum of 0.
    change = () if only_resources else change_of(obj, f"spec.{field}", 0)
    fix = f"Set spec.{field} to 0"
    return Hold(
        cause=Cause.SCALER_MINIMUM,
        urn=obj.urn,
        units=kept,
        evidence=(because,),
        fix=fix,
        change=change,
    )


def _forced(obj: Object, floor: int) -> Hold:
    path = 'metadata.annotations["autoscaling.keda.sh/force-activation"]'
    because = Evidence(
        obj.urn, path, "true", "forced activation keeps at least one replica without a request"
    )
    return Hold(
        cause=Cause.ALWAYS_ON_TRIGGER,
        urn=obj.urn,
        units=max(1, floor),
        evidence=(because,),
        fix=f"Remove {path}",
        change=change_of(obj, path, None),
    )


def _always_active(obj: Object, floor: int) -> Hold:
    because = Evidence(
        obj.urn,
        "spec.triggers",
        at(obj.spec, "triggers"),
        "cpu and memory triggers are always active: it never goes below one replica",
    )
    fix = "Add a trigger that is inactive while there are no requests"
    return Hold(
        cause=Cause.ALWAYS_ON_TRIGGER,
        urn=obj.urn,
        units=max(1, floor),
        evidence=(because,),
        fix=fix,
    )


def _peak(obj: Object, kept: int) -> Hold | None:
    """What keeps the replicas of the busiest hour, if anything does."""
    spec = obj.spec
    paused = annotation(obj, "autoscaling.keda.sh/paused-scale-in")
    if paused is not None and not _go_false(paused):
        path = 'metadata.annotations["autoscaling.keda.sh/paused-scale-in"]'
        because = Evidence(
            obj.urn, path, "true", "scaling in is paused: the replicas of the busiest hour stay"
        )
        change = change_of(obj, path, None)
        return Hold(
            cause=Cause.PAUSED_SCALER,
            urn=obj.urn,
            units=None,
            evidence=(because,),
            fix=f"Remove {path}",
            change=change,
        )
    if _tail(at(spec, "cooldownPeriod")) > WEEK * 3600:
        path = "spec.cooldownPeriod"
        because = Evidence(
            obj.urn, path, at(spec, "cooldownPeriod"), "the last replica stays for more than a week"
        )
        change = change_of(obj, path, 300)
        fix = f"Set {path} to 300"
        return Hold(
            cause=Cause.KEPT_PEAK,
            urn=obj.urn,
            units=None,
            evidence=(because,),
            fix=fix,
            change=change,
        )
    if not kept:
        return None
    behavior = "advanced.horizontalPodAutoscalerConfig.behavior"
    return keeps_peak(obj, at(spec, *behavior.split(".")), f"spec.{behavior}", kept)


def _hidden_parts(obj: Object, spec: Any, fields: tuple[str, ...]) -> list[Undecided]:
    if isinstance(spec, Hidden):
        return [
            Undecided(
                obj.urn,
                "spec",
                f"The spec is {spec.value} at preview: what it keeps is not known",
                SETTLE,
            )
        ]
    found: list[Undecided] = []
    if isinstance(obj.annotations, Hidden):
        why = "The annotations are not known at preview: they may pause it or force it active"
        found.append(Undecided(obj.urn, "metadata.annotations", why, SETTLE))
    # Annotations that are hidden as a whole are undecided already.
    for key, value in sorted(known_mapping(obj.annotations).items()):
        if "keda.sh/" in key and isinstance(value, Hidden):
            path = f'metadata.annotations["{key}"]'
            found.append(
                Undecided(
                    obj.urn,
                    path,
                    f"{path} is {value.value} at preview: it may pause it or force it active",
                    SETTLE,
                )
            )
    for field in fields:
        value = at(spec, field)
        if isinstance(value, Hidden):
            why = f"spec.{field} is {value.value} at preview: what it keeps is not known"
            found.append(Undecided(obj.urn, f"spec.{field}", why, SETTLE))
    if isinstance(at(spec, "advanced", "scalingModifiers", "formula"), Hidden):
        why = "The scaling formula is not known at preview: it may never fall to zero"
        found.append(Undecided(obj.urn, "spec.advanced.scalingModifiers.formula", why, SETTLE))
    # Triggers that are hidden as a whole are undecided already.
    for index, trigger in enumerate(known_items(at(spec, "triggers"))):
        found += _hidden_trigger(obj, f"spec.triggers[{index}]", trigger)
    return found


def _hidden_trigger(obj: Object, path: str, trigger: Any) -> list[Undecided]:
    """The first of its parts that is hidden."""
    kind, meta = at(trigger, "type"), at(trigger, "metadata")
    parts = ((path, trigger), (f"{path}.type", kind), (f"{path}.metadata", meta))
    for where, value in parts:
        if isinstance(value, Hidden):
            why = f"{where} is {value.value} at preview: it may be always active"
            return [Undecided(obj.urn, where, why, SETTLE)]
    return []


def _refused(
    estate: Estate,
    obj: Object,
    minimum: Count | None,
    maximum: Count | None,
    idle: Count | None,
    triggers: list[Any],
) -> Evidence | None:
    """Why the API server, KEDA's webhook or its operator turns it down: then its target keeps its
    own replicas."""
    wrong = refused_by_type(obj) or _refused_counts(obj, minimum, maximum, idle)
    if wrong is not None:
        return wrong
    if not triggers:
        why = "KEDA refuses a ScaledObject without triggers"
        return Evidence(obj.urn, "spec.triggers", at(obj.spec, "triggers"), why)
    wakes_from_zero = not triggers_of.only_resource_metrics(triggers)
    to_zero = minimum in (None, 0) and not isinstance(idle, int)
    if to_zero and not wakes_from_zero and estate.settings.trust.keda_webhook:
        why = "KEDA's webhook refuses a minimum of 0 with cpu and memory triggers only"
        return Evidence(obj.urn, "spec.minReplicaCount", minimum, why)
    unusable = (triggers_of.unusable(obj, *numbered) for numbered in enumerate(triggers))
    return next((one for one in unusable if one is not None), None)


def _refused_counts(
    obj: Object, minimum: Count | None, maximum: Count | None, idle: Count | None
) -> Evidence | None:
    fields = ("minReplicaCount", "maxReplicaCount", "idleReplicaCount")
    for value, field in zip((minimum, maximum, idle), fields, strict=True):
        if isinstance(value, Impossible):
            why = f"the API server refuses it: {value.why}"
            return Evidence(obj.urn, f"spec.{field}", at(obj.spec, field), why)
    floor = minimum if isinstance(minimum, int) else 0
    if isinstance(maximum, int) and maximum < 1:
        why = "the API server refuses a maximum below 1"
        return Evidence(obj.urn, "spec.maxReplicaCount", maximum, why)
    if isinstance(maximum, int) and floor > maximum:
        why = f"the API server refuses a minimum above the maximum ({maximum})"
        return Evidence(obj.urn, "spec.minReplicaCount", minimum, why)
    if isinstance(idle, int) and idle >= max(floor, 1):
        why = f"KEDA refuses an idle count that is not below the minimum ({floor})"
        return Evidence(obj.urn, "spec.idleReplicaCount", idle, why)
    return None


def _pause(obj: Object) -> Hold | Evidence | Undecided | None:
    """What the pause annotations make of it: a pinned number, a freeze, or nothing. paused-replicas
    beats all others (S18, S80)."""
    key = "autoscaling.keda.sh/paused-replicas"
    path = f'metadata.annotations["{key}"]'
    pinned = annotation(obj, key)
    if pinned is not None:
        number = count(pinned)
        if isinstance(number, Hidden):
            return Undecided(
                obj.urn,
                path,
                f"{path} is {number.value} at preview: it pins an unknown number of replicas",
                SETTLE,
            )
        if isinstance(number, int):
            because = Evidence(
                obj.urn, path, pinned, f"paused at {counted(number, 'replica')}, whatever the load"
            )
            return Hold(
                cause=Cause.PAUSED_SCALER,
                urn=obj.urn,
                units=number,
                evidence=(because,),
                fix=f'Remove {path}, or set it to "0"',
                change=change_of(obj, path, "0"),
            )
        return Evidence(
            obj.urn,
            path,
            pinned,
            "it isn't a number: KEDA stops scaling and the replicas stay as they are",
        )
    key = "autoscaling.keda.sh/paused"
    path = f'metadata.annotations["{key}"]'
    paused = annotation(obj, key)
    if isinstance(paused, Hidden):
        return Undecided(
            obj.urn, path, f"{path} is {paused.value} at preview: scaling may be paused", SETTLE
        )
    if paused is not None and not _go_false(paused):
        return Evidence(
            obj.urn,
            path,
            paused,
            ("scaling is paused by any value but a false boolean: the replicas stay as they are"),
        )
    return None


def _notices(estate: Estate, obj: Object, minimum: Count | None) -> Iterable[Notice]:
    spec = obj.spec
    cap = estate.settings.caps.idle_tail_seconds
    for field in ("cooldownPeriod", "initialCooldownPeriod"):
        value = seconds(at(spec, field))
        if isinstance(value, Decimal) and value > cap:
            because = Evidence(
                obj.urn,
                f"spec.{field}",
                at(spec, field),
                f"GPUs bill for {value} s after the last request",
            )
            message = (
                f"{field} of {value} s is above the cap of {cap} s: every burst bills that "
                "long after its last request"
            )
            yield Notice(
                cause=Cause.LONG_IDLE_TAIL,
                urn=obj.urn,
                message=message,
                fix=f"Set spec.{field} to {cap} or less",
                evidence=(because,),
            )
    replicas = count(at(spec, "fallback", "replicas"))
    if isinstance(replicas, int) and replicas > 0:
        because = Evidence(
            obj.urn,
            "spec.fallback.replicas",
            replicas,
            "an outage of the metric's source keeps or wakes that many replicas",
        )
        message = (
            f"The fallback keeps {counted(replicas, 'replica')} for as long as a trigger fails"
        )
        yield Notice(
            cause=Cause.FALLBACK,
            urn=obj.urn,
            message=message,
            fix="Remove spec.fallback: while the source fails, KEDA then keeps what runs",
            evidence=(because,),
        )
    if minimum in (None, 0):
        # A notice says what is known.
        for index, trigger in enumerate(known_items(at(spec, "triggers"))):
            query = known_text(at(trigger, "metadata", "query")) or ""
            if triggers_of.reads_an_engine(query):
                path = f"spec.triggers[{index}].metadata.query"
                because = Evidence(
                    obj.urn,
                    path,
                    query,
                    "these metrics come from the pods that it scales: at zero there are none",
                )
                message = (
                    "The trigger reads metrics of the pods it scales, so it never wakes from zero"
                )
                yield Notice(
                    cause=Cause.SELF_METRIC,
                    urn=obj.urn,
                    message=message,
                    fix="Use a signal that exists while no replica runs (a gateway, a queue)",
                    evidence=(because,),
                )


def _http_scaled_object(estate: Estate, obj: Object) -> Scaler:
    spec = obj.spec
    target = at(spec, "scaleTargetRef") if at(spec, "scaleTargetRef") is not None else None
    undecided = _hidden_parts(obj, spec, ("replicas",))
    bounds = at(spec, "replicas")
    minimum, maximum = count(at(bounds, "min")), count(at(bounds, "max"))
    for value, field in ((minimum, "min"), (maximum, "max")):
        if isinstance(value, Hidden) and not hidden(bounds):
            why = f"spec.replicas.{field} is {value.value} at preview: what it keeps is not known"
            undecided.append(Undecided(obj.urn, f"spec.replicas.{field}", why, SETTLE))
    holds: tuple[Hold, ...] = ()
    refused: Evidence | None = None
    if not isinstance(bounds, Mapping | Hidden | None):
        refused = Evidence(
            obj.urn, "spec.replicas", bounds, "the API server refuses it: it is not an object"
        )
    elif (wrong := _no_whole_number(bounds)) is not None:
        field, why = wrong
        path = f"spec.replicas.{field}"
        why = f"the API server refuses it: {why}"
        refused = Evidence(obj.urn, path, at(bounds, field), why)
    elif isinstance(minimum, int) and minimum > 0:
        because = Evidence(
            obj.urn,
            "spec.replicas.min",
            minimum,
            f"keeps {counted(minimum, 'replica')} without a request",
        )
        holds = (
            Hold(
                cause=Cause.SCALER_MINIMUM,
                urn=obj.urn,
                units=minimum,
                evidence=(because,),
                fix="Set spec.replicas.min to 0",
                change=change_of(obj, "spec.replicas.min", 0),
            ),
        )
    tail = seconds(at(spec, "scaledownPeriod"))
    return _scaler(
        obj,
        target,
        holds=holds,
        not_in_effect=refused,
        maximum=_most(maximum),
        undecided=tuple(undecided),
        assumptions=(TRUSTED,),
        idle_tail=tail if isinstance(tail, Decimal) else COOLDOWN,
    )


def _no_whole_number(bounds: Any) -> tuple[str, str] | None:
    """The bound of an HTTPScaledObject that the API server refuses, and why."""
    for field in ("min", "max"):
        value = at(bounds, field)
        number = count(value)
        if isinstance(number, Impossible):
            return field, number.why
        if isinstance(value, str):
            return field, "a whole number is wanted, not text"
    return None


def _scaled_job(estate: Estate, obj: Object) -> Workload:
    spec = obj.spec
    path = "spec.jobTargetRef"
    inner = at(spec, "jobTargetRef")
    undecided = _hidden_parts(obj, spec, ("minReplicaCount", "maxReplicaCount"))
    minimum, maximum = count(at(spec, "minReplicaCount")), count(at(spec, "maxReplicaCount"))
    reading = read_pod(
        estate, obj, spec if isinstance(spec, Hidden) else at(inner, "template"), f"{path}.template"
    )
    if undecided:
        return build(estate, obj, reading, undecided=tuple(undecided), ceiling=None)
    for value, field in ((minimum, "minReplicaCount"), (maximum, "maxReplicaCount")):
        if isinstance(value, Impossible):
            why = f"spec.{field} is invalid: {value.why}"
            return build(
                estate,
                obj,
                reading,
                undecided=(Undecided(obj.urn, f"spec.{field}", why, "Correct the value"),),
                ceiling=None,
            )
    if maximum == 0 or not estate.settings.trust.keda:
        return build(estate, obj, reading)
    most = maximum if isinstance(maximum, int) else 100
    once = job(estate, obj, inner, path)
    holds: tuple[Hold, ...] = ()
    if isinstance(minimum, int) and minimum > 0:
        because = Evidence(
            obj.urn,
            "spec.minReplicaCount",
            minimum,
            f"keeps {counted(minimum, 'Job')} running: each one that ends is replaced",
        )
        holds = (
            Hold(
                cause=Cause.SCALER_MINIMUM,
                urn=obj.urn,
                units=minimum,
                evidence=(because,),
                fix="Set spec.minReplicaCount to 0",
                change=change_of(obj, "spec.minReplicaCount", 0),
            ),
        )
    elif once.holds:
        # A ScaledJob never stops running Jobs (S46): those of the busy hour stay.
        kept = once.holds[0]
        holds = (
            Hold(
                cause=kept.cause,
                urn=obj.urn,
                units=None,
                evidence=kept.evidence,
                fix=kept.fix,
                change=kept.change,
            ),
        )
    return build(
        estate,
        obj,
        reading,
        holds=holds,
        ceiling=most,
        assumptions=(TRUSTED,),
        notices=once.notices,
        undecided=once.undecided,
    )


def _takes_hpa(obj: Object) -> bool:
    return _true(annotation(obj, "scaledobject.keda.sh/transfer-hpa-ownership"))


def _tail(value: Any) -> Decimal:
    found = seconds(value)
    return found if isinstance(found, Decimal) else COOLDOWN


def _go_false(value: Any) -> bool:
    """Whether Go's strconv.ParseBool reads it as false."""
    return value is False or (
        isinstance(value, str) and value in ("0", "f", "F", "false", "FALSE", "False")
    )


def _true(value: Any) -> bool:
    """Whether Go's strconv.ParseBool reads it as true."""
    return value is True or (
        isinstance(value, str) and value in ("1", "t", "T", "true", "TRUE", "True")
    )
