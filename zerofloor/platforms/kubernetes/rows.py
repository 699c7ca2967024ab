"""Custom resources that need no decision: where their replicas, their pod template or their GPUs
stand, and what the default is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from zerofloor.capacity import Part, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, merged, objects
from zerofloor.platforms.kubernetes.pods import PodReading, elsewhere, one_container
from zerofloor.platforms.kubernetes.workloads import replicated, run_to_completion
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, get, keys, known_items, known_text


class Row(Value, frozen=True, kw_only=True):
    """One kind of workload."""

    group: str
    kind: str
    replicas: str
    """The path of the number of replicas; the last step is the field."""
    default: int
    """What the number is where it is absent, by `source`."""
    template: str
    """The path of the pod template, or of what stands in for its only container."""
    source: str
    container: bool = False
    """True where `template` is a container's fields (its `resources`) rather than a pod
    template."""
    each: str = ""
    """The path of a list of such parts, each with `replicas` and `template` of its own; empty where
    the object is one part."""


_ROLLOUT = "Argo Rollouts docs, Specification: replicas defaults to 1"
_KRUISE = "OpenKruise API, apps/v1alpha1 and v1beta1: replicas, if unspecified, defaults to 1"
_ARC = "actions/actions-runner-controller, AutoscalingRunnerSet: minRunners defaults to 0"
_SELDON = "Seldon Core docs, SeldonDeployment: replicas defaults to 1"

ROWS: Final = (
    Row(
        group="argoproj.io",
        kind="Rollout",
        replicas="spec.replicas",
        default=1,
        template="spec.template",
        source=_ROLLOUT,
    ),
    Row(
        group="actions.github.com",
        kind="AutoscalingRunnerSet",
        replicas="spec.minRunners",
        default=0,
        template="spec.template",
        source=_ARC,
    ),
    Row(
        group="apps.kruise.io",
        kind="CloneSet",
        replicas="spec.replicas",
        default=1,
        template="spec.template",
        source=_KRUISE,
    ),
    Row(
        group="apps.kruise.io",
        kind="StatefulSet",
        replicas="spec.replicas",
        default=1,
        template="spec.template",
        source=_KRUISE,
    ),
    Row(
        group="machinelearning.seldon.io",
        kind="SeldonDeployment",
        replicas="replicas",
        default=1,
        template="componentSpecs[0]",
        source=_SELDON,
        each="spec.predictors",
    ),
)

ONE_SHOT: Final = {("tekton.dev", "TaskRun"): "spec.taskSpec.steps"}
"""Kinds whose parts run once: the path of the list of parts, each with a container."""

INERT: Final = frozenset(
    {
        ("argoproj.io", "WorkflowTemplate"),
        ("argoproj.io", "ClusterWorkflowTemplate"),
        ("nvidia.com", "ClusterPolicy"),
        ("nvidia.com", "NVIDIADriver"),
        ("nvidia.com", "GPUCluster"),
        ("amd.com", "DeviceConfig"),
        ("resource.k8s.io", "ResourceClaimTemplate"),
        ("resource.k8s.io", "ResourceClaim"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("kueue.x-k8s.io", "ClusterQueue"),
        ("kueue.x-k8s.io", "LocalQueue"),
        ("kueue.x-k8s.io", "ResourceFlavor"),
        ("kueue.x-k8s.io", "Cohort"),
        ("kueue.x-k8s.io", "AdmissionCheck"),
        ("kueue.x-k8s.io", "WorkloadPriorityClass"),
        ("kueue.x-k8s.io", "Topology"),
        ("scheduling.volcano.sh", "Queue"),
        ("scheduling.volcano.sh", "PodGroup"),
        ("nfd.k8s-sigs.io", "NodeFeatureRule"),
        ("monitoring.coreos.com", "PrometheusRule"),
        ("monitoring.coreos.com", "ServiceMonitor"),
        ("monitoring.coreos.com", "PodMonitor"),
        ("core", "PodTemplate"),
        ("karpenter.sh", "NodeOverlay"),
        ("cloud.google.com", "ComputeClass"),
        ("scheduling.run.ai", "Queue"),
        ("trainer.kubeflow.org", "TrainingRuntime"),
        ("trainer.kubeflow.org", "ClusterTrainingRuntime"),
        ("serving.kserve.io", "ClusterStorageContainer"),
        ("kueue.x-k8s.io", "ProvisioningRequestConfig"),
        ("ome.io", "ServingRuntime"),
        ("ome.io", "ClusterServingRuntime"),
    }
)
"""Kinds that name GPUs and run none: device drivers, quotas, queues, templates, alerts."""

KINDS = frozenset({*((row.group, row.kind) for row in ROWS), *ONE_SHOT, *INERT})


def read(estate: Estate) -> Iterable[Part]:
    for row in ROWS:
        for obj in objects(estate, (row.group, row.kind)):
            if not row.each:
                yield _row(estate, obj, row, obj.body, "", "")
                continue
            listed = get(obj.body, row.each)
            for index, part in enumerate(
                [listed] if isinstance(listed, Hidden) else known_items(listed)
            ):
                yield _row(estate, obj, row, part, f"{row.each}[{index}].", str(index))
    for (group, kind), path in ONE_SHOT.items():
        for obj in objects(estate, (group, kind)):
            listed = get(obj.body, path)
            for index, part in enumerate(
                [listed] if isinstance(listed, Hidden) else known_items(listed)
            ):
                yield run_once(estate, obj, part, f"{path}[{index}]", str(index))


def _row(estate: Estate, obj: Object, row: Row, body: Any, prefix: str, part: str) -> Workload:
    *parents, field = keys(row.replicas)
    holder = at(body, *parents)
    template = get(body, row.template)
    reading: PodReading | None = None
    if (row.group, row.kind) == ("argoproj.io", "Rollout") and at(
        body, "spec", "workloadRef"
    ) is not None:
        template = _referenced(estate, obj)
        if template is None:
            reading = elsewhere(
                obj, "spec.workloadRef", "The workload that it takes over isn't in the stack"
            )
    if row.container and not isinstance(template, Hidden):
        template = one_container(template, template)
    path = prefix + ".".join(str(step) for step in parents)
    where = prefix + row.template
    return replicated(
        estate,
        obj,
        holder,
        path.rstrip("."),
        default=row.default,
        template=template,
        template_path=where,
        part=part,
        field=str(field),
        reading=reading,
    )


def _referenced(estate: Estate, obj: Object) -> Any:
    """The pod template of the Deployment that a Rollout takes over (`spec.workloadRef`)."""
    name = at(obj.spec, "workloadRef", "name")
    for other in objects(
        # A hidden kind is nearly always the default; the name must fit, too.
        estate,
        ("apps", known_text(at(obj.spec, "workloadRef", "kind")) or "Deployment"),
    ):
        if other.name == name or isinstance(name, Hidden):
            return at(other.spec, "template")
    return None


def _of_step(part: Any) -> Any:
    inner = next(
        (at(part, key) for key in ("container", "script") if at(part, key) is not None), part
    )
    compute = at(inner, "computeResources")  # Tekton's v1 name of a step's resources.
    if compute is not None and isinstance(inner, Mapping):
        inner = {**inner, "resources": compute}
    template = one_container(inner, part)
    several = at(part, "containerSet", "containers")
    return template if several is None else merged(template, {"spec": {"containers": several}})


def run_once(estate: Estate, obj: Object, part: Any, path: str, name: str) -> Workload:
    """What runs to its end: a step, or a template with `container`, `script` or `containerSet`."""
    template = part if isinstance(part, Hidden) else _of_step(part)
    deadlines = (
        at(part, "activeDeadlineSeconds"),
        at(obj.spec, "activeDeadlineSeconds"),
        at(obj.spec, "timeout"),
    )
    deadline = next((value for value in deadlines if value is not None), None)
    path_of_it = "spec.activeDeadlineSeconds"
    if obj.group == "tekton.dev":
        # A TaskRun ends after an hour by default (Tekton docs, "Configuring the failure timeout").
        deadline, path_of_it = "1h" if deadline is None else deadline, "spec.timeout"
    return run_to_completion(
        estate,
        obj,
        template,
        path,
        1,
        path,
        deadline=deadline,
        deadline_path=path_of_it,
        part=name,
    )
