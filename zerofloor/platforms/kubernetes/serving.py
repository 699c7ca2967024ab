"""Knative Services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Notice,
    Part,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import Impossible, at, count, get, known_mapping, seconds, switch
from zerofloor.words import counted

KINDS = frozenset({("serving.knative.dev", "Service")})

TRUSTED: Final = Assumption(
    "Knative and KServe run in the cluster and scale what is theirs",
    "their objects are declared; set trust.knative: false if not",
)
MIN_SCALE: Final = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")
_MAX_SCALE: Final = ("autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale")
CLASS: Final = "autoscaling.knative.dev/class"
_RETENTION: Final = "autoscaling.knative.dev/scale-to-zero-pod-retention-period"
HPA: Final = "hpa.autoscaling.knative.dev"
_CONFIGS: Final = (
    (("core", "ConfigMap"), "data"),
    (("operator.knative.dev", "KnativeServing"), "spec.config.autoscaler"),
    (("operator.knative.dev", "KnativeServing"), "spec.config.config-autoscaler"),
)
"""Where an installation of Knative sets up its autoscaler (its docs, "Configuring scale to zero",
"Configuring the Operator"); the ConfigMap is named config-autoscaler."""


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, ("serving.knative.dev", "Service")):
        yield _knative(estate, obj)


def _knative(estate: Estate, obj: Object) -> Workload:
    template = at(obj.spec, "template")
    reading = read_pod(
        estate, obj, obj.spec if isinstance(obj.spec, Hidden) else template, "spec.template"
    )
    annotations = at(template, "metadata", "annotations")
    path = "spec.template.metadata.annotations"
    if isinstance(annotations, Hidden):
        part = Undecided(
            obj.urn,
            path,
            f"{path} is {annotations.value} at preview: its minimum scale is not known",
            SETTLE,
        )
        return build(estate, obj, reading, undecided=(part,), ceiling=None)
    key, minimum = first(annotations, MIN_SCALE)
    least = count(minimum)
    maximum = count(first(annotations, _MAX_SCALE)[1])
    ceiling = maximum if isinstance(maximum, int) and maximum > 0 else None
    if isinstance(least, Hidden | Impossible):
        why = "is not known at preview" if isinstance(least, Hidden) else f"is invalid: {least.why}"
        part = Undecided(obj.urn, f'{path}["{key}"]', f'{path}["{key}"] {why}', SETTLE)
        return build(estate, obj, reading, undecided=(part,), ceiling=ceiling)
    kept = least or 0
    # Hidden annotations are undecided above.
    if not kept and isinstance(known_mapping(annotations).get(CLASS), Hidden):
        part = Undecided(
            obj.urn,
            f'{path}["{CLASS}"]',
            "The autoscaler's class isn't known at preview, and not every class can scale to zero",
            SETTLE,
        )
        return build(estate, obj, reading, undecided=(part,), ceiling=ceiling)
    because = Evidence(
        obj.urn,
        f'{path}["{key}"]',
        minimum,
        f"min-scale keeps {counted(kept, 'pod')} without a request",
    )
    fix = f'Set {path}["{key}"] to "0"'
    change = change_of(obj, f'{path}["{key}"]', "0")
    if not kept and known_mapping(annotations).get(CLASS) == HPA:
        kept = 1
        because = Evidence(
            obj.urn,
            f'{path}["{CLASS}"]',
            known_mapping(annotations)[CLASS],
            "Knative's HPA class never scales below one pod",
        )
        fix = f'Remove {path}["{CLASS}"]: the default class scales to zero'
        change = change_of(obj, f'{path}["{CLASS}"]', None)
    if not kept:
        lowest = lowest_of(estate, obj, annotations, minimum)
        if isinstance(lowest, Undecided):
            return build(estate, obj, reading, undecided=(lowest,), ceiling=ceiling)
        if lowest is not None:
            kept, because, fix, change = lowest.kept, lowest.because, lowest.fix, lowest.change
    if not kept and not estate.settings.trust.knative:
        kept = 1
        because = Evidence(obj.urn, "", None, "the settings say that Knative does not scale it")
        fix = "Set trust.knative in zerofloor.yaml if it does"
        change = ()
    holds: tuple[Hold, ...] = ()
    if kept:
        holds = (
            Hold(
                cause=Cause.SCALER_MINIMUM,
                urn=obj.urn,
                units=kept,
                evidence=(because,),
                fix=fix,
                change=change,
            ),
        )
    # A new revision starts with initial-scale pods (1 by default) until the first idle window is
    # over.
    return build(
        estate,
        obj,
        reading,
        holds=holds,
        desired=max(1, kept),
        ceiling=ceiling,
        assumptions=(TRUSTED,),
        notices=tuple(_long_tail(estate, obj, annotations)),
    )


def _long_tail(estate: Estate, obj: Object, annotations: Any) -> Iterator[Notice]:
    """A warning where the last pod stays longer than the cap: by the revision's own annotation, or
    by what the installation sets for those without one."""
    own = known_mapping(annotations).get(_RETENTION)
    path = f'spec.template.metadata.annotations["{_RETENTION}"]'
    said = [(obj, path, own)] if own is not None else list(_retained(estate, obj))
    cap = estate.settings.caps.idle_tail_seconds
    for source, where, value in said:
        tail = seconds(value)
        if not isinstance(tail, Decimal) or tail <= cap:
            continue
        message = (
            f"Knative keeps the last pod of {obj.shown_name} for {tail.normalize():f} s after its "
            f"last request, above the cap of {cap} s"
        )
        because = Evidence(source.urn, where, value, "GPUs bill for this long")
        fix = f"Set {where} to {cap}s or less"
        yield Notice(
            cause=Cause.LONG_IDLE_TAIL, urn=obj.urn, message=message, fix=fix, evidence=(because,)
        )


def _retained(estate: Estate, obj: Object) -> Iterator[tuple[Object, str, Any]]:
    key = _RETENTION.rpartition("/")[2]
    for config, path, values in _configured(estate, obj):
        value = known_mapping(values).get(key)
        if value is not None:
            yield config, f'{path}["{key}"]', value


class Lowest(Value, frozen=True, kw_only=True):
    """The fewest pods that an installation of Knative allows, and why."""

    kept: int
    because: Evidence
    fix: str
    change: tuple[Change, ...]


def lowest_of(
    estate: Estate, obj: Object, annotations: Any, minimum: Any
) -> Lowest | Undecided | None:
    """What the installation's own settings keep of a revision whose minimum is 0 or left out; None
    where they let it go to zero. `minimum` None: left out, so the installation's default counts."""
    for config, path, values in _configured(estate, obj):
        if isinstance(values, Hidden):
            why = "Knative's settings aren't known at preview: they may keep a pod"
            return Undecided(config.urn, path, why, SETTLE)
        lowest = _lowest(config, path, values, annotations, minimum)
        if lowest is not None:
            return lowest
    return None


def _configured(estate: Estate, obj: Object) -> Iterator[tuple[Object, str, Any]]:
    """The settings of the autoscaler in the object's cluster, whatever their namespace."""
    for kind, path in _CONFIGS:
        for config in objects(estate, kind):
            elsewhere = obj.cluster is not None and not obj.cluster.may_be(config.cluster)
            named = config.name == "config-autoscaler" or config.name_hidden
            named = named or kind[1] != "ConfigMap"
            values = get(config.body, path)
            if named and not elsewhere and values is not None:
                yield config, path, values


def _lowest(
    config: Object, path: str, values: Any, annotations: Any, minimum: Any
) -> Lowest | Undecided | None:
    def place(key: str) -> str:
        return f'{path}["{key}"]'

    given = known_mapping(values)
    # Key by key: what is hidden may be the one that keeps a pod.
    asking = ["enable-scale-to-zero"]
    asking += ["min-scale"] if minimum is None else []
    asking += ["pod-autoscaler-class"] if at(annotations, CLASS) is None else []
    unknown = next((key for key in asking if isinstance(given.get(key), Hidden)), None)
    if unknown is not None:
        why = f"Knative's {unknown} isn't known at preview: it may keep a pod"
        return Undecided(config.urn, place(unknown), why, SETTLE)
    least = count(given.get("min-scale")) if minimum is None else 0
    if switch(given.get("enable-scale-to-zero")) is False:
        key, kept, to = "enable-scale-to-zero", 1, "true"
        why = "Knative keeps the last pod of every revision where scaling to zero is off"
    elif (
        "min-scale" in asking and isinstance(least := count(given.get("min-scale")), int) and least
    ):
        key, kept, to = "min-scale", least, "0"
        why = f"every revision without a min-scale of its own keeps {counted(least, 'pod')}"
    elif "pod-autoscaler-class" in asking and given.get("pod-autoscaler-class") == HPA:
        key, kept, to = "pod-autoscaler-class", 1, "kpa.autoscaling.knative.dev"
        why = "Knative's HPA class never scales below one pod"
    else:
        return None
    return Lowest(
        kept=kept,
        because=Evidence(config.urn, place(key), given[key], why),
        fix=f'Set {place(key)} of {config.kind} {config.shown_name} to "{to}"',
        change=change_of(config, place(key), to),
    )


def first(annotations: Any, keys: tuple[str, ...]) -> tuple[str, Any]:
    """The first of several spellings of an annotation that is there."""
    for key in keys:
        value = known_mapping(annotations).get(key)
        if value is not None:
            return key, value
    return keys[0], None
