"""Pods that run together: LeaderWorkerSet, JobSet, Volcano jobs, Kubeflow's training jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Cause, Evidence, Hold, Part, PodDemand, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, annotation, change_of, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod
from zerofloor.platforms.kubernetes.queues import switched_off
from zerofloor.platforms.kubernetes.workloads import build, job, replicated, run_to_completion
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import (
    Count,
    Impossible,
    at,
    count,
    items,
    known_items,
    known_mapping,
    known_text,
)

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
        why = (
            f"is invalid: {size.why}" if isinstance(size, Impossible) else "is not known at preview"
        )
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
    domain = annotation(obj, "leaderworkerset.sigs.k8s.io/exclusive-topology")
    if leader is None:
        group_of_alike = replicated(
            estate,
            obj,
            spec,
            "spec",
            template=worker,
            template_path=f"{path}.workerTemplate",
            pods_per_replica=pods,
        )
        yield _exclusive(group_of_alike, pods, domain)
        return
    first = replicated(
        estate,
        obj,
        spec,
        "spec",
        template=leader,
        template_path=f"{path}.leaderTemplate",
        part="leader",
    )
    if pods == 1:
        yield _exclusive(first, 1, domain)
        return
    others = replicated(
        estate,
        obj,
        spec,
        "spec",
        template=worker,
        template_path=f"{path}.workerTemplate",
        part="workers",
        pods_per_replica=pods - 1,
    )
    if domain == _HOST:
        yield replace(
            _exclusive(first, 1, domain),
            part="",
            pod=_sum(first.pod, others.pod, pods - 1),
            undecided=(*first.undecided, *others.undecided),
        )
        return
    yield from (first, others)


_HOST: Final = "kubernetes.io/hostname"


def _exclusive(workload: Workload, together: int, domain: Any) -> Workload:
    """Groups of `together` pods, each alone in its domain (`exclusive-topology`). On a host of its
    own a group is like one big pod; in a wider domain only its pods' nodes are known to be its own
    (seen: lab LWS17, JS21)."""
    if domain is None or (together != 1 and domain != _HOST):
        return workload
    if together == 1 or not together:
        return replace(workload, pod=replace(workload.pod, one_per_node=True))
    pods = workload.pods_per_replica
    each = 1 if pods == together else together
    return replace(
        workload,
        pod=_sum(workload.pod, workload.pod, together - 1),
        holds=tuple(
            hold if hold.units is None else replace(hold, units=hold.units // each)
            for hold in workload.holds
        ),
        desired=workload.desired // each,
        ceiling=None if workload.ceiling is None else workload.ceiling // each,
        pods_per_replica=1,
    )


def _sum(one: PodDemand, other: PodDemand, times: int) -> PodDemand:
    """One pod that asks for what one and so many others ask for, on a node of its own."""
    names = one.accelerators.keys() | other.accelerators.keys()
    return replace(
        one,
        accelerators={
            name: one.accelerators.get(name, Decimal(0))
            + other.accelerators.get(name, Decimal(0)) * times
            for name in sorted(names)
        },
        open_count=one.open_count or other.open_count,
        cpu=one.cpu + other.cpu * times,
        memory=one.memory + other.memory * times,
        tolerations=(*one.tolerations, *other.tolerations),
        one_per_node=True,
    )


def _job_set(estate: Estate, obj: Object) -> Iterable[Workload]:
    yield from _ended_by(list(_replicated_jobs(estate, obj)), _drivers_of_job_set(obj.spec))


def _drivers_of_job_set(spec: Any) -> _Drivers | None:
    """The jobs with whose success a JobSet is complete, and its other jobs are deleted (JobSet
    docs, successPolicy)."""
    policy = at(spec, "successPolicy")
    targets = items(at(policy, "targetReplicatedJobs"))
    if policy is None or isinstance(targets, Hidden):
        return None
    names = frozenset(name for name in targets if isinstance(name, str))
    return _Drivers(names or None, any_of=at(policy, "operator") == "Any")


def _replicated_jobs(estate: Estate, obj: Object) -> Iterator[Workload]:
    spec = obj.spec
    off = switched_off(estate, obj, at(spec, "suspend"))
    for index, group in enumerate(_listed(at(spec, "replicatedJobs"))):
        copies = count(at(group, "replicas"))
        inner = at(group, "template", "spec")
        if isinstance(inner, Mapping):
            # The JobSet sets it on its Jobs, whatever their template says (seen: lab JS24).
            inner = {**inner, "suspend": off}
        number = copies if isinstance(copies, int) else 1
        name = known_text(at(group, "name")) or str(index)  # Only how it is called.
        if isinstance(copies, Hidden | Impossible) and isinstance(inner, Mapping) and off is False:
            inner = {
                **inner,
                "parallelism": copies if isinstance(copies, Hidden) else at(group, "replicas"),
            }
        jobs = job(
            estate,
            obj,
            inner,
            f"spec.replicatedJobs[{index}].template.spec",
            part=name,
            copies=number,
        )
        key = "alpha.jobset.sigs.k8s.io/exclusive-topology"
        # Hidden annotations could only give each Job more of its own.
        own = known_mapping(at(group, "template", "metadata", "annotations")).get(key)
        domain = annotation(obj, key) if own is None else own
        yield _exclusive(jobs, jobs.desired // number if number else 1, domain)


def _volcano(estate: Estate, obj: Object) -> Iterable[Workload]:
    yield from _ended_by(list(_tasks(estate, obj)), _drivers_of_volcano(obj.spec))


_ENDS: Final = frozenset({"CompleteJob", "TerminateJob", "AbortJob"})


def _drivers_of_volcano(spec: Any) -> _Drivers | None:
    """The tasks whose completion ends the job: "the unfinished pods will be killed" (Volcano,
    how_to_use_job_policy)."""
    if _completes(at(spec, "policies")):
        return _Drivers(None, any_of=True)
    names = frozenset(
        name
        for task in _listed(at(spec, "tasks"))
        if _completes(at(task, "policies")) and isinstance(name := at(task, "name"), str)
    )
    return _Drivers(names, any_of=True) if names else None


def _completes(policies: Any) -> bool:
    """Whether a policy ends the job when a task is completed; a hidden one is taken not to."""
    listed = items(policies)
    if isinstance(listed, Hidden):
        return False
    return any(
        str(at(one, "action")) in _ENDS and "TaskCompleted" in _events(one) for one in listed
    )


def _events(policy: Any) -> list[Any]:
    listed = items(at(policy, "events"))
    return [at(policy, "event"), *([] if isinstance(listed, Hidden) else listed)]


def _tasks(estate: Estate, obj: Object) -> Iterator[Workload]:
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
            f"{path}.template.spec.activeDeadlineSeconds",
        )


def _train_job(estate: Estate, obj: Object) -> Workload:
    """Nodes of one container, whose other fields come from a runtime (Kubeflow Trainer docs,
    TrainJob)."""
    trainer = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "trainer")
    # A hidden trainer is the template itself, below.
    container = {**known_mapping(trainer), "resources": at(trainer, "resourcesPerNode")}
    template = trainer if isinstance(trainer, Hidden) else {"spec": {"containers": [container]}}
    group = {"replicas": at(trainer, "numNodes"), "template": template}
    return _run(
        estate,
        obj,
        group,
        "spec.trainer",
        "",
        switched_off(estate, obj, at(obj.spec, "suspend")),
        at(obj.spec, "activeDeadlineSeconds"),
        "spec.activeDeadlineSeconds",
    )


class _Drivers(Value, frozen=True):
    """Whose completion ends the other pods."""

    names: frozenset[str] | None
    """Parts by name; None: each part."""
    any_of: bool
    """Whether one of them is enough."""


def _ended_by(parts: list[Workload], drivers: _Drivers | None) -> Iterator[Workload]:
    """The parts, those that never end by themselves ended by the drivers, if these end."""
    leading = [w for w in parts if drivers and (drivers.names is None or w.part in drivers.names)]
    done = [not w.holds and not w.undecided for w in leading]
    over = bool(done) and (any(done) if drivers and drivers.any_of else all(done))
    for workload in parts:
        if over and (workload not in leading or (drivers and drivers.any_of)):
            yield replace(workload, holds=(), undecided=())
        else:
            yield workload


_CHIEFS: Final = frozenset({"Master", "Chief", "Launcher"})


def _training(estate: Estate, obj: Object, field: str) -> Iterable[Workload]:
    """The roles of a training job. What becomes of pods that still run when it is done,
    cleanPodPolicy says: by default they stay (training-operator and mpi-operator, defaults)."""
    parts = list(_roles(estate, obj, field))
    policy = at(obj.spec, "runPolicy", "cleanPodPolicy")
    if policy is None and obj.kind == "MPIJob":  # Where it stood before v2beta1.
        policy = at(obj.spec, "cleanPodPolicy")
    if policy in ("Running", "All"):
        chiefs = frozenset(w.part for w in parts if w.part in _CHIEFS)
        ended = list(_ended_by(parts, _Drivers(chiefs, any_of=False) if chiefs else None))
        yield from (_beside_launcher(obj, workload, ended) for workload in ended)
        return
    for workload in parts:
        if obj.kind == "MPIJob" and workload.part == "Worker":
            yield _stays(obj, workload, policy)
        else:
            yield workload


def _beside_launcher(obj: Object, worker: Workload, parts: list[Workload]) -> Workload:
    """An MPIJob's workers run sshd for as long as its launcher runs (seen: lab MP08)."""
    launcher = next((one for one in parts if one.part == "Launcher"), None)
    if obj.kind != "MPIJob" or worker.part != "Worker" or launcher is None:
        return worker
    if worker.ceiling is None and (launcher.holds or launcher.undecided):
        return replace(worker, undecided=(*worker.undecided, _how_many(obj)))
    if not worker.desired:
        return worker
    if not launcher.holds:
        return replace(worker, undecided=(*worker.undecided, *launcher.undecided))
    holds = tuple(replace(hold, units=worker.desired) for hold in launcher.holds)
    return replace(worker, holds=holds, notices=())


def _how_many(obj: Object) -> Undecided:
    path = "spec.mpiReplicaSpecs.Worker.replicas"
    return Undecided(obj.urn, path, "How many workers stay is not known at preview", SETTLE)


def _stays(obj: Object, worker: Workload, policy: Any) -> Workload:
    """An MPIJob's workers run sshd and never end by themselves."""
    path = "spec.runPolicy.cleanPodPolicy"
    if isinstance(policy, Hidden):
        part = Undecided(obj.urn, path, f"{path} is {policy.value}: its workers may stay", SETTLE)
        return replace(worker, undecided=(*worker.undecided, part))
    if worker.ceiling is None:
        return replace(worker, undecided=(*worker.undecided, _how_many(obj)))
    if not worker.desired:
        return worker
    why = "its workers run sshd, and nothing removes them when the launcher is done"
    because = Evidence(obj.urn, path, policy, f"{path} is None by default: {why}")
    fix = f"Set {path} to Running"
    change = change_of(obj, path, "Running")
    hold = Hold(
        cause=Cause.ENDLESS_JOB,
        urn=obj.urn,
        units=worker.desired,
        evidence=(because,),
        fix=fix,
        change=change,
    )
    return replace(worker, holds=(hold,), notices=())


def _roles(estate: Estate, obj: Object, field: str) -> Iterable[Workload]:
    policy = at(obj.spec, "runPolicy")
    off = switched_off(estate, obj, at(policy, "suspend"))
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
    for role, group in sorted(known_mapping(roles).items()):  # Hidden roles are one part, above.
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
            # mpi-operator and training-operator, defaults of an MPIJob (seen: lab MP07).
            default=0 if (obj.kind, role) == ("MPIJob", "Worker") else 1,
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
    *,
    default: int = 1,
) -> Workload:
    replicas = count(at(group, "replicas"))
    pods: Count = default if replicas is None else replicas
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
