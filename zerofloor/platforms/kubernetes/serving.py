"""Serving platforms: Knative Services, KServe InferenceServices and LLMInferenceServices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from zerofloor.capacity import Assumption, Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, annotation, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, elsewhere, read_pod
from zerofloor.platforms.kubernetes.workloads import build, replicated
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, at, count, hidden, known_items, known_mapping
from zerofloor.words import counted

KINDS = frozenset(
    {
        ("serving.knative.dev", "Service"),
        ("serving.kserve.io", "InferenceService"),
        ("serving.kserve.io", "LLMInferenceService"),
        ("serving.kserve.io", "LLMInferenceServiceConfig"),
        ("serving.kserve.io", "ServingRuntime"),
        ("serving.kserve.io", "ClusterServingRuntime"),
        ("serving.kserve.io", "ClusterStorageContainer"),
    }
)

TRUSTED: Final = Assumption(
    "Knative and KServe run in the cluster and scale what is theirs",
    "their objects are declared; set trust.knative: false if not",
)
SERVERLESS: Final = Assumption(
    "KServe runs in serverless (Knative) mode",
    "minReplicas 0 is declared and no serving.kserve.io/deploymentMode says otherwise",
)
_MIN_SCALE: Final = ("autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/minScale")
_MAX_SCALE: Final = ("autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/maxScale")
_CLASS: Final = "autoscaling.knative.dev/class"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, ("serving.knative.dev", "Service")):
        yield _knative(estate, obj)
    for obj in objects(estate, ("serving.kserve.io", "InferenceService")):
        for component in ("predictor", "transformer", "explainer"):
            if at(obj.spec, component) is not None or (
                component == "predictor" and isinstance(obj.spec, Hidden)
            ):
                yield from _inference_service(estate, obj, component)
    for obj in objects(estate, ("serving.kserve.io", "LLMInferenceService")):
        yield from _llm_inference_service(estate, obj)


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
    key, minimum = _first(annotations, _MIN_SCALE)
    least = count(minimum)
    maximum = count(_first(annotations, _MAX_SCALE)[1])
    ceiling = maximum if isinstance(maximum, int) and maximum > 0 else None
    if isinstance(least, Hidden | Impossible):
        why = "is not known at preview" if isinstance(least, Hidden) else f"can't be: {least.why}"
        part = Undecided(obj.urn, f'{path}["{key}"]', f'{path}["{key}"] {why}', SETTLE)
        return build(estate, obj, reading, undecided=(part,), ceiling=ceiling)
    kept = least or 0
    if not kept and isinstance(known_mapping(annotations).get(_CLASS), Hidden):
        part = Undecided(
            obj.urn,
            f'{path}["{_CLASS}"]',
            "the autoscaler's class is not known at preview: not each scales to zero",
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
    if not kept and known_mapping(annotations).get(_CLASS) == "hpa.autoscaling.knative.dev":
        kept = 1
        because = Evidence(
            obj.urn,
            f'{path}["{_CLASS}"]',
            known_mapping(annotations)[_CLASS],
            "Knative's HPA class never scales below one pod",
        )
        fix = f'Remove {path}["{_CLASS}"]: the default class scales to zero'
    if not kept and not estate.settings.trust.knative:
        kept = 1
        because = Evidence(obj.urn, "", None, "the settings say that Knative does not scale it")
        fix = "Set trust.knative in zerofloor.yaml if it does"
    holds = (Hold(Cause.SCALER_MINIMUM, obj.urn, kept, (because,), fix),) if kept else ()
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


def _inference_service(estate: Estate, obj: Object, component: str) -> Iterable[Workload]:
    spec = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, component)
    path = f"spec.{component}" if not isinstance(obj.spec, Hidden) else "spec"
    part = "" if component == "predictor" else component
    reading = read_pod(estate, obj, _as_template(spec), path)
    worker = at(spec, "workerSpec")
    if annotation(obj, "serving.kserve.io/stop") in ("true", True):
        yield build(estate, obj, reading, part=part)
        return
    value = at(spec, "minReplicas")
    minimum = count(value)
    maximum = count(at(spec, "maxReplicas"))
    ceiling = maximum if isinstance(maximum, int) and maximum > 0 else None
    where = f"{path}.minReplicas"
    if isinstance(minimum, Hidden | Impossible) or isinstance(obj.annotations, Hidden):
        why = (
            f"can't be: {minimum.why}"
            if isinstance(minimum, Impossible)
            else "is not known at preview"
        )
        open_part = Undecided(obj.urn, where, f"{where} {why}", SETTLE)
        yield build(estate, obj, reading, part=part, undecided=(open_part,), ceiling=ceiling)
        return
    said = (
        f"minReplicas is {minimum}"
        if minimum is not None
        else "minReplicas is not set and KServe's default is 1"
    )
    kept = 1 if minimum is None else minimum
    because = Evidence(obj.urn, where, value, f"{said}: {kept} pods run without a request")
    fix = f"Set {where} to 0 (serverless mode, or KEDA in standard mode)"
    assumptions: tuple[Assumption, ...] = (TRUSTED,)
    mode = annotation(obj, "serving.kserve.io/deploymentMode")
    scaler = annotation(obj, "serving.kserve.io/autoscalerClass")
    if kept == 0 and (isinstance(mode, Hidden) or isinstance(scaler, Hidden)):
        why = (
            "the deployment mode or the autoscaler's class is not known at preview: not each "
            "scales to zero"
        )
        yield build(
            estate,
            obj,
            reading,
            part=part,
            undecided=(Undecided(obj.urn, "metadata.annotations", why, SETTLE),),
            ceiling=ceiling,
        )
        return
    _, scale = _first(obj.annotations, _MIN_SCALE)
    if (
        kept == 0
        and isinstance(count(scale), int)
        and count(scale)
        and mode in (None, "Serverless", "Knative")
    ):
        kept = max(kept, int(scale))
        because = Evidence(
            obj.urn,
            f'metadata.annotations["{_MIN_SCALE[0]}"]',
            scale,
            f"min-scale keeps {counted(kept, 'pod')} without a request",
        )
    if mode in ("RawDeployment", "Standard") and scaler in ("external", "none"):
        yield _scaled_by_others(estate, obj, reading, component, part, minimum)
        return
    if kept == 0 and mode in ("RawDeployment", "Standard") and scaler != "keda":
        # KServe's HPA reconciler raises a minimum below 1 to 1 (kserve/pkg/controller,
        # "DefaultMinReplicas").
        kept = 1
        because = Evidence(
            obj.urn,
            where,
            value,
            f"in {mode} mode KServe makes an HPA, which never goes below one pod",
        )
        fix = 'Use serverless mode, or set serving.kserve.io/autoscalerClass to "keda"'
    elif kept == 0 and mode is None:
        assumptions = (*assumptions, SERVERLESS)
    if kept == 0 and not estate.settings.trust.knative:
        kept = 1
        because = Evidence(
            obj.urn, "", None, "the settings say that Knative and KServe do not scale it"
        )
    holds = (Hold(Cause.SCALER_MINIMUM, obj.urn, kept, (because,), fix),) if kept else ()
    yield build(
        estate,
        obj,
        reading,
        part=part,
        holds=holds,
        desired=max(1, kept),
        ceiling=ceiling,
        assumptions=assumptions,
    )
    if worker is not None:
        inner = read_pod(estate, obj, _as_template(worker), f"{path}.workerSpec")
        size = count(at(worker, "pipelineParallelSize"))
        others = size - 1 if isinstance(size, int) and size > 1 else 1
        yield build(
            estate,
            obj,
            inner,
            part=f"{component} workers",
            holds=holds,
            desired=max(1, kept),
            ceiling=ceiling,
            pods_per_replica=others,
        )


def _scaled_by_others(
    estate: Estate, obj: Object, reading: PodReading, component: str, part: str, minimum: int | None
) -> Workload:
    """A Deployment that KServe makes without a scaler: another one of the estate may move it
    (KServe docs, "Autoscaler class")."""
    kept = max(1, minimum or 0)
    path = 'metadata.annotations["serving.kserve.io/autoscalerClass"]'
    because = Evidence(
        obj.urn,
        path,
        annotation(obj, "serving.kserve.io/autoscalerClass"),
        f"KServe makes no scaler: {kept} pods stay",
    )
    fix = (
        "Declare a KEDA ScaledObject with minReplicaCount 0 on its Deployment, or let KServe "
        "make one (autoscalerClass keda)"
    )
    hold = Hold(Cause.FIXED_REPLICAS, obj.urn, kept, (because,), fix)
    own = build(
        estate,
        obj,
        reading,
        part=part,
        holds=(hold,),
        replicas=kept,
        desired=kept,
        ceiling=kept,
        kind="Deployment",
    )
    return replace(own, name=f"{obj.shown_name}-{component}", assumptions=(TRUSTED,))


# What an InferenceService's component may name its model server by; each has a container's fields.
_FRAMEWORKS = (
    "model",
    "sklearn",
    "xgboost",
    "tensorflow",
    "pytorch",
    "triton",
    "onnx",
    "huggingface",
    "pmml",
    "lightgbm",
    "paddle",
    "alibi",
    "art",
)


def _as_template(spec: Any) -> Any:
    """A component of an InferenceService as a pod template: its model server counts as a
    container."""
    if not isinstance(spec, Mapping):
        return spec
    servers = [spec[name] for name in _FRAMEWORKS if name in spec]
    listed = spec.get("containers")
    containers = listed if hidden(listed) else [*known_items(listed), *servers]
    return {
        "metadata": {"labels": spec.get("labels"), "annotations": spec.get("annotations")},
        "spec": {**spec, "containers": containers},
    }


def _llm_inference_service(estate: Estate, obj: Object) -> Iterable[Workload]:
    spec = obj.spec
    if isinstance(spec, Hidden):
        yield replicated(estate, obj, spec, "spec")
        return
    for role, path in ((spec, "spec"), (at(spec, "prefill"), "spec.prefill")):
        if role is None:
            continue
        name = "" if path == "spec" else "prefill"
        if isinstance(role, Hidden):
            yield replicated(estate, obj, role, path, part=name)
            continue
        stopped = annotation(obj, "serving.kserve.io/stop") in ("true", True)
        scaling = at(role, "scaling")
        floor = (
            {"replicas": 0}
            if stopped
            else {"replicas": at(scaling, "minReplicas")}
            if scaling is not None
            else role
        )
        template = at(role, "template")
        if template is None and at(role, "worker") is None:
            if name == "" and not stopped and at(spec, "prefill") is None:
                reading = elsewhere(
                    obj, path, "its pod template comes from a configuration outside the declaration"
                )
                yield replicated(estate, obj, floor, path, reading=reading)
            continue
        inner = {"spec": template}
        yield replicated(
            estate, obj, floor, path, template=inner, template_path=f"{path}.template", part=name
        )
        worker = at(role, "worker")
        if worker is not None:
            sizes = [count(at(role, "parallelism", axis)) for axis in ("pipeline", "data")]
            others = max(1, *(size - 1 for size in sizes if isinstance(size, int)), 1)
            yield replicated(
                estate,
                obj,
                floor,
                path,
                template={"spec": worker},
                template_path=f"{path}.worker",
                part=f"{name} workers".strip(),
                pods_per_replica=others,
            )


def _first(annotations: Any, keys: tuple[str, ...]) -> tuple[str, Any]:
    """The first of several spellings of an annotation that is there."""
    for key in keys:
        value = known_mapping(annotations).get(key)
        if value is not None:
            return key, value
    return keys[0], None
