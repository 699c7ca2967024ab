"""Pods that run together: LeaderWorkerSet, JobSet, Volcano jobs, Kubeflow's training jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zerofloor.capacity import Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod, suspended
from zerofloor.platforms.kubernetes.workloads import build, job, replicated, run_to_completion
from zerofloor.stack import Hidden
from zerofloor.values import Count, Impossible, at, count, known_items, known_mapping, known_text

_TRAINING = {
    ("kubeflow.org", "PyTorchJob"): "pytorchReplicaSpecs",
    ("kubeflow.org", "TFJob"): "tfReplicaSpecs",
    ("kubeflow.org", "MPIJob"): "mpiReplicaSpecs",
    ("kubeflow.org", "XGBoostJob"): "xgbReplicaSpecs",
    ("kubeflow.org", "PaddleJob"): "paddleReplicaSpecs",
    ("kubeflow.org", "JAXJob"): "jaxReplicaSpecs",
}
_LWS = ("leaderworkerset.x-k8s.io", "LeaderWorkerSet")
_JOBSET = ("jobset.x-k8s.io", "JobSet")
_VOLCANO = ("batch.volcano.sh", "Job")
_TRAIN_JOB = ("trainer.kubeflow.org", "TrainJob")
KINDS = frozenset({*_TRAINING, _LWS, _JOBSET, _VOLCANO, _TRAIN_JOB})


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, _LWS):
        yield from _leader_worker_set(estate, obj)
    for obj in objects(estate, _JOBSET):
        yield from _job_set(estate, obj)
    for obj in objects(estate, _VOLCANO):
        yield from _volcano(estate, obj)
    for obj in objects(estate, _TRAIN_JOB):
        yield _train_job(estate, obj)
    for obj in objects(estate, *_TRAINING):
        yield from _training(estate, obj, _TRAINING[obj.group, obj.kind])


def _leader_worker_set(estate: Estate, obj: Object) -> Iterable[Workload]:
    """`replicas` groups of `size` pods each (1 and 1 by default); the leader is one of them."""
    spec = obj.spec
    group = at(spec, "leaderWorkerTemplate")
    size = count(at(group, "size"))
    worker, leader = at(group, "workerTemplate"), at(group, "leaderTemplate")
    path = "spec.leaderWorkerTemplate"
    for value, where in ((spec, "spec"), (group, path)):
        if isinstance(value, Hidden):
            yield build(estate, obj, read_pod(estate, obj, value, where), ceiling=None)
            return
    if isinstance(size, Hidden | Impossible):
        why = f"can't be: {size.why}" if isinstance(size, Impossible) else "is not known at preview"
        part = Undecided(
            obj.urn,
            f"{path}.size",
            f"{path}.size {why}, so the pods of a group can't be counted",
            SETTLE,
        )
        reading = read_pod(estate, obj, worker, f"{path}.workerTemplate")
        if count(at(spec, "replicas")) != 0:
            yield build(estate, obj, reading, undecided=(part,), ceiling=None)
        return
    pods = size if isinstance(size, int) else 1
    if leader is None:
        yield replicated(
            estate,
            obj,
            spec,
            "spec",
            template=worker,
            template_path=f"{path}.workerTemplate",
            pods_per_replica=pods,
        )
        return
    yield replicated(
        estate,
        obj,
        spec,
        "spec",
        template=leader,
        template_path=f"{path}.leaderTemplate",
        part="leader",
    )
    if pods > 1:
        yield replicated(
            estate,
            obj,
            spec,
            "spec",
            template=worker,
            template_path=f"{path}.workerTemplate",
            part="workers",
            pods_per_replica=pods - 1,
        )


def _job_set(estate: Estate, obj: Object) -> Iterable[Workload]:
    spec = obj.spec
    off = suspended(at(spec, "suspend"))
    for index, group in enumerate(_listed(at(spec, "replicatedJobs"))):
        copies = count(at(group, "replicas"))
        inner = at(group, "template", "spec")
        if off is not False and isinstance(inner, Mapping):
            inner = {**inner, "suspend": off}
        number = copies if isinstance(copies, int) else 1
        name = known_text(at(group, "name")) or str(index)
        if isinstance(copies, Hidden | Impossible) and isinstance(inner, Mapping) and off is False:
            inner = {
                **inner,
                "parallelism": copies if isinstance(copies, Hidden) else at(group, "replicas"),
            }
        yield job(
            estate,
            obj,
            inner,
            f"spec.replicatedJobs[{index}].template.spec",
            part=name,
            copies=number,
        )


def _volcano(estate: Estate, obj: Object) -> Iterable[Workload]:
    for index, task in enumerate(_listed(at(obj.spec, "tasks"))):
        path = f"spec.tasks[{index}]"
        yield _run(
            estate,
            obj,
            task,
            path,
            known_text(at(task, "name")) or str(index),
            False,
            None,
            "spec.tasks[].template.spec.activeDeadlineSeconds",
        )


def _train_job(estate: Estate, obj: Object) -> Workload:
    """Nodes of one container, whose other fields come from a runtime (Kubeflow Trainer docs,
    TrainJob)."""
    trainer = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "trainer")
    container = {**known_mapping(trainer), "resources": at(trainer, "resourcesPerNode")}
    template = trainer if isinstance(trainer, Hidden) else {"spec": {"containers": [container]}}
    group = {"replicas": at(trainer, "numNodes"), "template": template}
    return _run(
        estate,
        obj,
        group,
        "spec.trainer",
        "",
        suspended(at(obj.spec, "suspend")),
        None,
        "spec.activeDeadlineSeconds",
    )


def _training(estate: Estate, obj: Object, field: str) -> Iterable[Workload]:
    policy = at(obj.spec, "runPolicy")
    off = suspended(at(policy, "suspend"))
    roles = at(obj.spec, field)
    if isinstance(roles, Hidden):
        yield _run(
            estate,
            obj,
            roles,
            f"spec.{field}",
            "",
            off,
            None,
            "spec.runPolicy.activeDeadlineSeconds",
        )
    for role, group in sorted(known_mapping(roles).items()):
        deadline = at(policy, "activeDeadlineSeconds")
        yield _run(
            estate,
            obj,
            group,
            f"spec.{field}.{role}",
            role,
            off,
            deadline,
            "spec.runPolicy.activeDeadlineSeconds",
        )


def _listed(value: Any) -> list[Any]:
    """The parts of a list; a hidden list is one hidden part."""
    return [value] if isinstance(value, Hidden) else known_items(value)


def _run(
    estate: Estate,
    obj: Object,
    group: Any,
    path: str,
    part: str,
    off: bool | Hidden,
    deadline: Any,
    deadline_path: str,
) -> Workload:
    replicas = count(at(group, "replicas"))
    pods: Count = 1 if replicas is None else replicas
    if off is True:
        pods = 0
    elif isinstance(off, Hidden):
        pods = off
    template = group if isinstance(group, Hidden) else at(group, "template")
    deadline = deadline if deadline is not None else at(template, "spec", "activeDeadlineSeconds")
    return run_to_completion(
        estate,
        obj,
        template,
        f"{path}.template",
        pods,
        f"{path}.replicas",
        deadline=deadline,
        deadline_path=deadline_path,
        part=part,
    )
