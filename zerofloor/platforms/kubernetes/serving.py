"""Knative Services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, known_mapping
from zerofloor.words import counted

KINDS = frozenset({("serving.knative.dev", "Service")})

TRUSTED: Final = Assumption(
    "Knative and KServe run in the cluster and scale what is theirs",
    "their objects are declared; set trust.knative: false if not",
)
MIN_SCALE: Final = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")
_MAX_SCALE: Final = ("autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale")
_CLASS: Final = "autoscaling.knative.dev/class"


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
    if not kept and isinstance(known_mapping(annotations).get(_CLASS), Hidden):
        part = Undecided(
            obj.urn,
            f'{path}["{_CLASS}"]',
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
    if not kept and known_mapping(annotations).get(_CLASS) == "hpa.autoscaling.knative.dev":
        kept = 1
        because = Evidence(
            obj.urn,
            f'{path}["{_CLASS}"]',
            known_mapping(annotations)[_CLASS],
            "Knative's HPA class never scales below one pod",
        )
        fix = f'Remove {path}["{_CLASS}"]: the default class scales to zero'
        change = change_of(obj, f'{path}["{_CLASS}"]', None)
    if not kept and not estate.settings.trust.knative:
        kept = 1
        because = Evidence(obj.urn, "", None, "the settings say that Knative does not scale it")
        fix = "Set trust.knative in zerofloor.yaml if it does"
        change = ()
    holds: tuple[Hold, ...] = ()
    if kept:
        holds = (Hold(Cause.SCALER_MINIMUM, obj.urn, kept, (because,), fix, change=change),)
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
    )


def first(annotations: Any, keys: tuple[str, ...]) -> tuple[str, Any]:
    """The first of several spellings of an annotation that is there."""
    for key in keys:
        value = known_mapping(annotations).get(key)
        if value is not None:
            return key, value
    return keys[0], None
