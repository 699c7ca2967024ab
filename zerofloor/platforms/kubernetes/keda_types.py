"""The types that KEDA's ScaledObject definition demands: the API server refuses what has others.

Source: kedacore/keda, config/crd/bases/keda.sh_scaledobjects.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Change, Evidence
from zerofloor.platforms.kubernetes.objects import Object, change_of
from zerofloor.stack import Hidden
from zerofloor.values import at, get

_NUMBERS: Final[Mapping[str, int]] = {
    "minReplicaCount": 0,
    "maxReplicaCount": 1,
    "idleReplicaCount": 0,
    "cooldownPeriod": 0,
    "initialCooldownPeriod": 0,
    "pollingInterval": 1,
    "fallback.replicas": 0,
    "fallback.failureThreshold": 0,
}
"""Whole numbers below `spec`, with the least that is accepted."""

_OBJECTS: Final = (
    "scaleTargetRef",
    "fallback",
    "advanced",
    "advanced.horizontalPodAutoscalerConfig",
    "advanced.horizontalPodAutoscalerConfig.behavior",
    "advanced.horizontalPodAutoscalerConfig.behavior.scaleDown",
    "advanced.horizontalPodAutoscalerConfig.behavior.scaleUp",
    "advanced.scalingModifiers",
)
_TEXTS: Final = (
    "scaleTargetRef.name",
    "scaleTargetRef.kind",
    "scaleTargetRef.apiVersion",
    "scaleTargetRef.envSourceContainerName",
    "advanced.scalingModifiers.formula",
    "advanced.scalingModifiers.target",
    "advanced.scalingModifiers.activationTarget",
)
_SWITCHES: Final = ("advanced.restoreToOriginalReplicaCount",)


def refused_by_type(obj: Object) -> Evidence | None:
    """Why the API server refuses a ScaledObject by its types; None where it takes them."""
    for path, value, wanted in _wrong(obj):
        why = f"the API server refuses it: {wanted}"
        return Evidence(obj.urn, path, value, why)
    return None


def correction_of(obj: Object, refused: Evidence) -> tuple[Change, ...]:
    """The same value in the type that is wanted, where it has one: a number quoted, text as a whole
    number."""
    value, path = refused.value, refused.path
    if isinstance(value, bool | int | float) and (".metadata." in path or "annotations[" in path):
        said = str(value).lower() if isinstance(value, bool) else str(value)
        return change_of(obj, path, said)
    if isinstance(value, str) and value.isdigit() and path.removeprefix("spec.") in _NUMBERS:
        return change_of(obj, path, int(value))
    return ()


_Wrong = tuple[str, Any, str]
"""The path of a value, the value, and what is wanted there."""


def _wrong(obj: Object) -> Iterator[_Wrong]:
    spec = obj.spec
    if not isinstance(spec, Mapping):
        yield "spec", spec, "spec must be an object"
        return
    yield from _wrong_kinds(spec, _OBJECTS, Mapping, "an object")
    yield from _wrong_numbers(spec)
    yield from _wrong_kinds(spec, _TEXTS, str, "text")
    yield from _wrong_kinds(spec, _SWITCHES, bool, "true or false")
    yield from _missing(spec)
    yield from _wrong_triggers(spec)
    yield from _wrong_annotations(obj.annotations)


def _wrong_kinds(
    spec: Mapping[str, Any], paths: tuple[str, ...], wanted: type, named: str
) -> Iterator[_Wrong]:
    for path in paths:
        value = get(spec, path)
        if value is not None and not isinstance(value, wanted | Hidden):
            yield f"spec.{path}", value, f"{path} must be {named}"


def _wrong_numbers(spec: Mapping[str, Any]) -> Iterator[_Wrong]:
    for path, least in _NUMBERS.items():
        value = get(spec, path)
        if value is None or isinstance(value, Hidden):
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"spec.{path}", value, f"{path} must be a whole number, not text"
        elif value < least:
            yield f"spec.{path}", value, f"{path} must be {least} or more"


def _missing(spec: Mapping[str, Any]) -> Iterator[_Wrong]:
    fallback = at(spec, "fallback")
    if isinstance(fallback, Mapping):
        for field in ("failureThreshold", "replicas"):
            if fallback.get(field) is None:
                yield f"spec.fallback.{field}", None, f"a fallback needs {field}"
    if at(spec, "scaleTargetRef", "name") is None:
        yield "spec.scaleTargetRef.name", None, "scaleTargetRef needs a name"


def _wrong_annotations(annotations: Any) -> Iterator[_Wrong]:
    if not isinstance(annotations, Mapping):
        return
    for key, value in annotations.items():
        if value is not None and not isinstance(value, str | Hidden):
            yield f'metadata.annotations["{key}"]', value, "annotations must be text"


def _wrong_triggers(spec: Mapping[str, Any]) -> Iterator[_Wrong]:
    listed = spec.get("triggers")
    if not isinstance(listed, list | tuple | Hidden):
        yield "spec.triggers", listed, "triggers must be a list"
        return
    for index, trigger in enumerate(() if isinstance(listed, Hidden) else listed):
        path = f"spec.triggers[{index}]"
        if isinstance(trigger, Hidden):
            continue
        if not isinstance(trigger, Mapping) or not isinstance(trigger.get("type"), str | Hidden):
            yield path, None, "a trigger needs a type"
            continue
        metadata = trigger.get("metadata")
        if not isinstance(metadata, Mapping | Hidden):
            yield f"{path}.metadata", metadata, "a trigger needs metadata, an object"
            continue
        for key, value in () if isinstance(metadata, Hidden) else metadata.items():
            if not isinstance(value, str | Hidden):
                yield f"{path}.metadata.{key}", value, f"{key} must be text: quote it"
        for field, kind in (("metricType", str), ("name", str), ("useCachedMetrics", bool)):
            value = trigger.get(field)
            if value is not None and not isinstance(value, kind | Hidden):
                yield f"{path}.{field}", value, f"{field} must be {kind.__name__}"
