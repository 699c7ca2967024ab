"""KServe's InferenceServices, joined to the ServingRuntimes that define their containers.

Source: kserve/kserve, pkg/apis/serving and pkg/controller/v1beta1/inferenceservice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Assumption,
    Cause,
    Change,
    Evidence,
    Hold,
    Part,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import (
    Object,
    annotation,
    change_of,
    meet,
    merged,
    objects,
)
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, add_to, read_pod
from zerofloor.platforms.kubernetes.serving import CLASS, HPA, TRUSTED, lowest_of
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import Impossible, at, count, items, text
from zerofloor.words import counted

_GROUP: Final = "serving.kserve.io"
RUNTIMES = frozenset({(_GROUP, "ServingRuntime"), (_GROUP, "ClusterServingRuntime")})
"""They run nothing by themselves."""
KINDS = frozenset({(_GROUP, "InferenceService"), *RUNTIMES})

SERVERLESS: Final = Assumption(
    "KServe runs in serverless (Knative) mode",
    "minReplicas 0 is declared and no serving.kserve.io/deploymentMode says otherwise",
)
_MODE: Final = "serving.kserve.io/deploymentMode"
_CLASS: Final = "serving.kserve.io/autoscalerClass"
_STOP: Final = "serving.kserve.io/stop"
_RAW: Final = ("RawDeployment", "Standard")


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "InferenceService")):
        for component in ("predictor", "transformer", "explainer"):
            whole = component == "predictor" and isinstance(obj.spec, Hidden)
            if whole or at(obj.spec, component) is not None:
                yield from _component(estate, obj, component)


class _Floor(Value, frozen=True, kw_only=True):
    """What a component keeps without a request, and why."""

    kept: int = 0
    because: Evidence | None = None
    fix: str = ""
    change: tuple[Change, ...] = ()
    assumptions: tuple[Assumption, ...] = (TRUSTED,)
    open: Undecided | None = None
    """Why that can't be told."""
    stopped: bool = False
    others: bool = False
    """True where KServe makes a Deployment and leaves its scaling to others."""


def _component(estate: Estate, obj: Object, component: str) -> Iterator[Workload]:
    spec = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, component)
    path = "spec" if isinstance(obj.spec, Hidden) else f"spec.{component}"
    runtime = _runtime(estate, obj, spec, path) if component == "predictor" else None
    floor = _floor(estate, obj, spec, path)
    maximum = count(at(spec, "maxReplicas"))
    ceiling = maximum if isinstance(maximum, int) and maximum > 0 else None
    reading = _reading(estate, obj, spec, path, runtime)
    part = "" if component == "predictor" else component
    worker = at(spec, "workerSpec") if component == "predictor" else None
    if worker is None:
        yield _workload(
            estate, obj, reading, floor, part=part, ceiling=ceiling, component=component
        )
        return
    head, inner, others = _across_nodes(estate, obj, reading, worker, path, runtime)
    yield _workload(estate, obj, head, floor, part=part, ceiling=ceiling, component=component)
    if others:
        name = f"{component} workers"
        yield _workload(estate, obj, inner, floor, part=name, ceiling=ceiling, pods=others)


def _across_nodes(
    estate: Estate,
    obj: Object,
    head: PodReading,
    worker: Any,
    path: str,
    runtime: Object | Undecided | None,
) -> tuple[PodReading, PodReading, int]:
    """The head, the workers and their number where one replica runs on several nodes: tensor ×
    pipeline GPUs in all, one on each pod that asks for none (`computeRayNodeAndGPUs`)."""
    base = at(runtime.spec, "workerSpec") if isinstance(runtime, Object) else None
    template = merged(base, worker) if base is not None else worker
    inner = read_pod(estate, obj, _as_template(template), f"{path}.workerSpec")
    sizes = [count(at(template, field)) for field in ("tensorParallelSize", "pipelineParallelSize")]
    if any(isinstance(size, Hidden) for size in sizes):
        why = "How many pods serve one replica is not known at preview"
        where = f"{path}.workerSpec.pipelineParallelSize"
        inner = add_to(inner, undecided=(Undecided(obj.urn, where, why, SETTLE),))
    tensor, pipeline = (size if isinstance(size, int) and size else 1 for size in sizes)
    head, inner = _with_one(obj, head, path), _with_one(obj, inner, f"{path}.workerSpec")
    first_gpus, each = head.demand.gpus or 1, inner.demand.gpus or 1
    others = math.ceil(max(0, tensor * pipeline - first_gpus) / each)
    return head, inner, max(others, pipeline - 1)


def _with_one(obj: Object, reading: PodReading, path: str) -> PodReading:
    if reading.demand.wants_gpu or reading.undecided:
        return reading
    why = "KServe gives each pod of a model on several nodes at least one GPU"
    because = Evidence(obj.urn, f"{path}.workerSpec", None, why)
    demand = replace(reading.demand, accelerators={"nvidia.com/gpu": Decimal(1)})
    return add_to(replace(reading, demand=demand), evidence=(because,))


def _workload(
    estate: Estate,
    obj: Object,
    reading: PodReading,
    floor: _Floor,
    *,
    part: str,
    ceiling: int | None,
    component: str = "",
    pods: int = 1,
) -> Workload:
    if floor.stopped:
        return build(estate, obj, reading, part=part)
    if floor.open is not None:
        return build(estate, obj, reading, part=part, undecided=(floor.open,), ceiling=ceiling)
    holds: tuple[Hold, ...] = ()
    if floor.kept and floor.because is not None:
        cause = Cause.FIXED_REPLICAS if floor.others else Cause.SCALER_MINIMUM
        hold = Hold(
            cause=cause,
            urn=obj.urn,
            units=floor.kept,
            evidence=(floor.because,),
            fix=floor.fix,
            change=floor.change,
        )
        holds = (hold,)
    if floor.others:
        own = build(
            estate,
            obj,
            reading,
            part=part,
            holds=holds,
            replicas=floor.kept,
            desired=floor.kept,
            ceiling=floor.kept,
            kind="Deployment",
            assumptions=floor.assumptions,
            pods_per_replica=pods,
        )
        return replace(own, name=f"{obj.shown_name}-{component}")
    return build(
        estate,
        obj,
        reading,
        part=part,
        holds=holds,
        desired=max(1, floor.kept),
        ceiling=ceiling,
        assumptions=floor.assumptions,
        pods_per_replica=pods,
    )


def _floor(estate: Estate, obj: Object, spec: Any, path: str) -> _Floor:
    stop = annotation(obj, _STOP)
    if stop in ("true", True):
        return _Floor(stopped=True)
    value = at(spec, "minReplicas")
    minimum = count(value)
    where = f"{path}.minReplicas"
    if isinstance(minimum, Hidden | Impossible) or isinstance(obj.annotations, Hidden):
        wrong = f"is invalid: {minimum.why}" if isinstance(minimum, Impossible) else ""
        why = f"{where} {wrong or 'is not known at preview'}"
        return _Floor(open=Undecided(obj.urn, where, why, SETTLE))
    mode, scaler = annotation(obj, _MODE), annotation(obj, _CLASS)
    if mode in _RAW and scaler in ("external", "none"):
        return _left_to_others(obj, minimum, scaler)
    if minimum != 0:
        return _least(obj, where, value, minimum)
    if isinstance(mode, Hidden) or isinstance(scaler, Hidden):
        why = "The mode or the autoscaler's class isn't known, and not every one scales to zero"
        return _Floor(open=Undecided(obj.urn, "metadata.annotations", why, SETTLE))
    if mode in _RAW:
        return _standard(estate, obj, spec, where, mode, scaler)
    return _serverless(estate, obj, mode, spec, path)


def _least(obj: Object, where: str, value: Any, minimum: int | None) -> _Floor:
    default_said = "" if minimum is not None else "KServe's default is 1: "
    kept = 1 if minimum is None else minimum
    pods = counted(kept, "pod")
    mode, scaler = annotation(obj, _MODE), annotation(obj, _CLASS)
    helps = mode not in _RAW or scaler == "keda"
    return _Floor(
        kept=kept,
        because=Evidence(obj.urn, where, value, f"{default_said}it keeps {pods} without a request"),
        fix=f"Set {where} to 0 (serverless mode, or KEDA in standard mode)",
        change=change_of(obj, where, 0) if helps else (),
    )


def _serverless(estate: Estate, obj: Object, mode: Any, spec: Any, path: str) -> _Floor:
    """Knative goes to zero, unless its class or its own settings keep a pod. KServe writes
    minReplicas over every min-scale annotation (`SetAutoScalingAnnotations`)."""
    chosen: Any = None
    # The component's own annotations win over the object's.
    for place, said in (
        (f"{path}.annotations", at(spec, "annotations")),
        ("metadata.annotations", obj.annotations),
    ):
        chosen = at(said, CLASS)
        if isinstance(chosen, Hidden):
            why = "The autoscaler's class isn't known at preview, and not every one scales to zero"
            return _Floor(open=Undecided(obj.urn, place, why, SETTLE))
        if chosen == HPA:
            where = f'{place}["{CLASS}"]'
            why = "Knative's HPA class never scales below one pod"
            return _Floor(
                kept=1,
                because=Evidence(obj.urn, where, chosen, why),
                fix=f"Remove {where}: the default class scales to zero",
                change=change_of(obj, where, None),
            )
        if chosen is not None:
            break
    lowest = lowest_of(estate, obj, {CLASS: chosen}, 0)
    if isinstance(lowest, Undecided):
        return _Floor(open=lowest)
    if lowest is not None:
        return _Floor(
            kept=lowest.kept, because=lowest.because, fix=lowest.fix, change=lowest.change
        )
    if not estate.settings.trust.knative:
        why = "the settings say that Knative and KServe do not scale it"
        because = Evidence(obj.urn, "", None, why)
        return _Floor(kept=1, because=because, fix="Set trust.knative in zerofloor.yaml if it does")
    return _Floor(assumptions=(TRUSTED, SERVERLESS) if mode is None else (TRUSTED,))


def _standard(estate: Estate, obj: Object, spec: Any, where: str, mode: Any, scaler: Any) -> _Floor:
    """A Deployment with an HPA, which never goes below one pod (KServe raises a minimum below 1),
    or with KEDA, which needs a trigger that can be quiet."""
    path = where.rpartition(".")[0]
    if scaler != "keda":
        why = f"in {mode} mode KServe makes an HPA, which never goes below one pod"
        fix = f"Use serverless mode, or set {_CLASS} to keda with a metric of requests"
        return _Floor(kept=1, because=Evidence(obj.urn, where, 0, why), fix=fix)
    metrics = items(at(spec, "autoScaling", "metrics"))
    place = f"{path}.autoScaling.metrics"
    kinds = metrics if isinstance(metrics, Hidden) else [at(one, "type") for one in metrics]
    if isinstance(kinds, Hidden) or any(isinstance(kind, Hidden) for kind in kinds):
        why = "The metrics that it scales by are not known at preview"
        return _Floor(open=Undecided(obj.urn, place, why, SETTLE))
    if not any(kind in ("External", "PodMetric") for kind in kinds):
        why = "KEDA refuses a minimum of 0 without a metric beside cpu and memory: one pod stays"
        fix = f"Add a metric of the type External or PodMetric to {place}"
        return _Floor(kept=1, because=Evidence(obj.urn, place, kinds or None, why), fix=fix)
    if not estate.settings.trust.keda:
        why = "the settings say that KEDA does not run"
        fix = "Set trust.keda in zerofloor.yaml if it does"
        return _Floor(kept=1, because=Evidence(obj.urn, "", None, why), fix=fix)
    return _Floor()


def _left_to_others(obj: Object, minimum: int | None, scaler: Any) -> _Floor:
    """A Deployment that KServe makes without a scaler: another one of the estate may move it
    (KServe docs, "Autoscaler class")."""
    kept = max(1, minimum or 0)
    path = f'metadata.annotations["{_CLASS}"]'
    pods = counted(kept, "pod")
    because = Evidence(obj.urn, path, scaler, f"KServe makes no scaler: {pods} without a request")
    fix = (
        "Declare a KEDA ScaledObject with minReplicaCount 0 on its Deployment, or let KServe "
        "make one (autoscalerClass keda)"
    )
    return _Floor(kept=kept, because=because, fix=fix, others=True)


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
    listed = items(spec.get("containers"))
    containers = listed if isinstance(listed, Hidden) else [*listed, *servers]
    return {
        "metadata": {"labels": spec.get("labels"), "annotations": spec.get("annotations")},
        "spec": {**spec, "containers": containers},
    }


_KNOWN_RUNTIMES: Final = frozenset(
    f"kserve-{name}"
    for name in (
        "autogluonserver",
        "huggingfaceserver",
        "lgbserver",
        "mlserver",
        "openvino",
        "paddleserver",
        "pmmlserver",
        "predictiveserver",
        "sklearnserver",
        "tensorflow-serving",
        "torchserve",
        "tritonserver",
        "xgbserver",
    )
)
"""The runtimes that KServe installs and that ask for no GPU (config/runtimes)."""

_CLASSIC: Final = frozenset({"sklearn", "xgboost", "lightgbm", "pmml", "mlflow", "spacy", "alibi"})
"""Model formats that run on CPUs."""


def _runtime(estate: Estate, obj: Object, spec: Any, path: str) -> Object | Undecided | None:
    """The runtime that KServe merges with the model: the named one, or the one that it selects by
    the model's format."""
    model = at(spec, "model")
    if model is None or isinstance(model, Hidden):
        return None
    name, form = text(at(model, "runtime")), text(at(model, "modelFormat", "name"))
    runtimes = [
        *(one for one in objects(estate, (_GROUP, "ServingRuntime")) if meet(one, obj)),
        *objects(estate, (_GROUP, "ClusterServingRuntime")),
    ]
    where = f"{path}.model.runtime"
    if isinstance(name, Hidden):
        why = f"{where} is {name.value} at preview: its containers may ask for GPUs"
        return Undecided(obj.urn, where, why, SETTLE)
    if name is None:
        return next((one for one in runtimes if _selects(one, form)), None)
    named = next((one for one in runtimes if one.name == name), None)
    if named is not None or name in _KNOWN_RUNTIMES or form in _CLASSIC:
        return named
    why = f"The runtime {name} isn't in the stack, and its containers may ask for GPUs"
    return Undecided(
        obj.urn,
        where,
        why,
        "Check it together with the runtime's stack (--join), or waive it",
    )


def _selects(runtime: Object, form: str | Hidden | None) -> bool:
    """Whether KServe selects a runtime by itself for a model's format; one that can't be read may
    be."""
    formats = items(at(runtime.spec, "supportedModelFormats"))
    if isinstance(formats, Hidden) or isinstance(form, Hidden):
        return True
    return any(
        _may_be(at(one, "name"), form) and _may_be(at(one, "autoSelect"), True) for one in formats
    )


def _may_be(value: Any, wanted: Any) -> bool:
    return isinstance(value, Hidden) or value == wanted


def _reading(
    estate: Estate, obj: Object, spec: Any, path: str, runtime: Object | Undecided | None
) -> PodReading:
    template = _as_template(spec)
    if not isinstance(runtime, Object) or isinstance(template, Hidden):
        reading = read_pod(estate, obj, template, path)
        if isinstance(runtime, Undecided) and not reading.demand.wants_gpu:
            reading = add_to(reading, undecided=(runtime,))
        return reading
    base = runtime.spec
    if isinstance(base, Hidden):
        why = f"The runtime {runtime.shown_name} isn't known at preview and may ask for GPUs"
        unread = Undecided(runtime.urn, "spec", why, SETTLE)
        return add_to(read_pod(estate, obj, template, path), undecided=(unread,))
    # The runtime's first container and the model are one container (MergeRuntimeContainers).
    own = _as_template({**spec, "model": None} if isinstance(spec, Mapping) else spec)
    containers = items(at(base, "containers"))
    if isinstance(containers, Hidden):
        return read_pod(estate, obj, {"spec": base}, path)
    model = {"name": at(containers[0], "name") if containers else "kserve-container"}
    asked = at(spec, "model", "resources")
    model |= {} if asked is None else {"resources": asked}
    given = [one for one in at(own, "spec", "containers") or [] if one is not None]
    pod = {key: value for key, value in at(own, "spec").items() if value is not None}
    joined = merged(base, {**pod, "containers": [model, *given]})
    return read_pod(estate, obj, {"metadata": at(own, "metadata"), "spec": joined}, path)
