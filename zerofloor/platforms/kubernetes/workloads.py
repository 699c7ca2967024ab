"""Kubernetes' own workloads: Deployment, StatefulSet, ReplicaSet, DaemonSet, Pod, Job, CronJob."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from zerofloor.capacity import (
    WEEK,
    Assumption,
    Cause,
    Evidence,
    Hold,
    Notice,
    Part,
    PodDemand,
    Subject,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate, workload_hint
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.kubernetes.endless import endless, is_placeholder, unreadable
from zerofloor.platforms.kubernetes.objects import Object, change_of, meet, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, read_pod, suspended
from zerofloor.platforms.kubernetes.queues import switched_off
from zerofloor.stack import Hidden
from zerofloor.values import Count, Impossible, at, count, get, seconds, text
from zerofloor.words import counted

REPLICATED = (
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "ReplicaSet"),
    ("core", "ReplicationController"),
    ("extensions", "Deployment"),
)
WITH_SCALE = frozenset(
    {
        *REPLICATED,
        ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"),
        ("argoproj.io", "Rollout"),
        ("apps.kruise.io", "CloneSet"),
        ("apps.kruise.io", "StatefulSet"),
        ("kubeai.org", "Model"),
        ("production-stack.vllm.ai", "VLLMRuntime"),
        ("kaito.sh", "InferenceSet"),
        ("orchestration.aibrix.ai", "StormService"),
        ("orchestration.aibrix.ai", "RayClusterFleet"),
        ("machinelearning.seldon.io", "SeldonDeployment"),
        ("nvidia.com", "DynamoGraphDeploymentScalingAdapter"),
        ("kubevirt.io", "VirtualMachineInstanceReplicaSet"),
        ("pool.kubevirt.io", "VirtualMachinePool"),
    }
)
"""Kinds with a scale subresource (their definitions, `subresources.scale`): no scaler moves
others."""

KINDS = frozenset(
    {
        *REPLICATED,
        ("apps", "DaemonSet"),
        ("core", "Pod"),
        ("batch", "Job"),
        ("batch", "CronJob"),
        ("core", "PodTemplate"),
    }
)


DEADLINE: Final = 86_400
"""Seconds after which a run is ended, where a change has to name a number: a day."""


def read(estate: Estate) -> Iterable[Part]:
    """All core workloads; those without a GPU too, since they can land on a GPU node."""
    for obj in objects(estate, *REPLICATED):
        workload = replicated(estate, obj, obj.spec, "spec")
        rollout = _successor(estate, obj)
        yield workload if rollout is None else _handed_over(workload, rollout)
    for obj in objects(estate, ("apps", "DaemonSet")):
        reading = read_pod(estate, obj, at(obj.spec, "template"), "spec.template")
        yield build(estate, obj, reading, daemon=True)
    for obj in objects(estate, ("core", "Pod")):
        yield _pod(estate, obj)
    for obj in objects(estate, ("batch", "Job")):
        yield job(estate, obj, obj.spec, "spec")
    for obj in objects(estate, ("batch", "CronJob")):
        runs = job(estate, obj, at(obj.spec, "jobTemplate", "spec"), "spec.jobTemplate.spec")
        schedule = text(at(obj.spec, "schedule"))
        yield (
            replace(runs, schedule_hidden=True)
            if isinstance(schedule, Hidden)
            else replace(runs, schedule=schedule)
        )


def _successor(estate: Estate, obj: Object) -> Object | None:
    """The Rollout that takes a Deployment over and then to zero (`workloadRef.scaleDown`; it leaves
    it alone by default; seen: lab AR13, AR14)."""
    for rollout in objects(estate, ("argoproj.io", "Rollout")):
        reference = at(rollout.spec, "workloadRef")
        named = at(reference, "kind") == obj.kind and at(reference, "name") == obj.name
        if named and at(reference, "scaleDown") in ("onsuccess", "progressively"):
            return rollout if meet(rollout, obj) else None
    return None


def _handed_over(workload: Workload, rollout: Object) -> Workload:
    assumption = Assumption(
        "Argo Rollouts runs and takes a Deployment to zero when its Rollout is healthy",
        f"Rollout {rollout.shown_name} takes {workload.name} over (workloadRef.scaleDown)",
    )
    assumptions = (*workload.assumptions, assumption)
    return replace(workload, holds=(), replicas=0, desired=0, assumptions=assumptions)


def build(
    estate: Estate,
    obj: Object,
    reading: PodReading,
    *,
    holds: tuple[Hold, ...] = (),
    replicas: int | None = None,
    desired: int = 0,
    ceiling: int | None = 0,
    daemon: bool = False,
    kind: str | None = None,
    pods_per_replica: int = 1,
    part: str = "",
    scales: bool = True,
    undecided: tuple[Undecided, ...] = (),
    notices: tuple[Notice, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
) -> Workload:
    """A workload from a pod template as read, with what the user's hints say of it.

    A pod that the API server refuses is never there; undecided parts only count where the pod may
    ask for a GPU.
    """
    evidence = reading.evidence
    pod = replace(reading.demand, cluster=obj.cluster)
    undecided = (*reading.undecided, *reading.placing, *undecided)
    pod_unread = bool(reading.undecided)
    if reading.refused is not None:
        evidence = (*evidence, reading.refused)
        holds, desired, ceiling, replicas, undecided = (
            (),
            0,
            0,
            0 if replicas is not None else None,
            (),
        )
        pod_unread = False
    hint = workload_hint(estate.settings, obj.urn)
    if hint is not None:
        runs, assumption = hint
        assumptions = (*assumptions, assumption)
        undecided, pod_unread = (), False
        if runs == "always" and not pod.wants_gpu:
            pod = replace(pod, open_count=True)
        if runs != "always":
            holds, replicas = (), None
            desired, ceiling = (0, 0) if runs == "never" else (desired, ceiling)
        elif not holds:
            because = Evidence(
                obj.urn,
                "",
                None,
                f"the hint in zerofloor.yaml says that it always runs: {assumption.because}",
            )
            holds = (
                Hold(
                    cause=Cause.FIXED_REPLICAS,
                    urn=obj.urn,
                    units=max(1, desired),
                    evidence=(because,),
                    fix="Scale it to zero, or correct the hint",
                ),
            )
    if obj.inside:
        part = f"{obj.inside} {part}".strip()
        undecided = tuple(replace(u, path=f"{obj.inside}.{u.path}") for u in undecided)
        evidence = tuple(_within(obj, link) for link in evidence)
        holds = tuple(
            replace(hold, evidence=tuple(_within(obj, link) for link in hold.evidence))
            for hold in holds
        )
    shape = _selected_shape(estate, pod)
    return Workload(
        urn=obj.urn,
        name=obj.shown_name,
        namespace=obj.namespace or "",
        kind=kind or obj.kind,
        pod=pod,
        holds=holds,
        replicas=replicas,
        desired=desired,
        ceiling=ceiling,
        pod_unread=pod_unread,
        daemon=daemon,
        name_hidden=obj.name_hidden,
        autonamed=obj.name is None and not obj.name_hidden,
        part=part,
        pods_per_replica=pods_per_replica,
        has_scale=scales and (kind is not None or (obj.group, obj.kind) in WITH_SCALE),
        undecided=undecided,
        notices=(*(notices if pod.wants_gpu else ()), *_refusal(obj, kind, reading)),
        assumptions=assumptions,
        evidence=evidence,
        node_shape=shape,
        region=None if shape is None else estate.region(obj.resource, shape.cloud),
    )


def _refusal(obj: Object, kind: str | None, reading: PodReading) -> tuple[Notice, ...]:
    """A warning where the API server turns the pod down: who declares it waits for it in vain."""
    refused = reading.refused
    if refused is None:
        return ()
    message = (
        f"{kind or obj.kind} {obj.shown_name} never starts a pod because {refused.path} has no "
        "limit beside it, which the API server refuses"
    )
    fix = f"Set {refused.path.replace('.requests[', '.limits[')} to the same number"
    return (
        Notice(
            cause=Cause.UNFIT_REPLICA, urn=obj.urn, message=message, fix=fix, evidence=(refused,)
        ),
    )


def _within(obj: Object, link: Evidence) -> Evidence:
    """A link of an object that stands inside another one, with the path in that one."""
    return replace(link, path=f"{obj.inside}.{link.path}") if link.urn == obj.urn else link


def _selected_shape(estate: Estate, pod: PodDemand) -> Shape | None:
    """The type of node that the pod insists on."""
    for key in ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"):
        wanted = pod.node_selector.get(key)
        for cloud in ("aws", "azure", "gcp"):
            shape = estate.shape(cloud, wanted) if wanted else None
            if shape is not None and shape.gpus != 0:
                return shape
    return None


def replicated(
    estate: Estate,
    obj: Object,
    spec: Any,
    path: str,
    *,
    default: int = 1,
    template: Any = None,
    template_path: str | None = None,
    part: str = "",
    pods_per_replica: int = 1,
    field: str = "replicas",
    reading: PodReading | None = None,
) -> Workload:
    """A workload that keeps `replicas` pods of one template; `default` where it does not say (1 by
    the API: apps/v1).

    `reading` stands in for a template that is read already.
    """
    template = at(spec, "template") if template is None else template
    if reading is None:
        reading = read_pod(
            estate,
            obj,
            spec if isinstance(spec, Hidden) else template,
            template_path or f"{path}.template",
        )
    value = at(spec, field)
    placeholder = is_placeholder(at(template, "spec"))
    return keep_pods(
        estate,
        obj,
        reading,
        value=value,
        path=f"{path}.{field}",
        default=default,
        cause=Cause.PAUSE_PODS if placeholder else Cause.FIXED_REPLICAS,
        fix="Remove the placeholder pods, or scale them by schedule" if placeholder else None,
        part=part,
        pods_per_replica=pods_per_replica,
    )


def scaled_to_zero(path: str, *, declared: bool) -> str:
    """How a workload gets to zero: a count that stays declared would wake it at each update
    (GPU106), and one at 0 is woken by nothing."""
    removed = f" and remove {path}" if declared else ""
    return (
        f"Add a KEDA ScaledObject with minReplicaCount 0{removed} (`zerofloor explain GPU001`); "
        f"or, if it isn't needed, set {path} to 0: it stays off"
    )


def keep_pods(
    estate: Estate,
    obj: Object,
    reading: PodReading,
    *,
    value: Any,
    path: str,
    default: int = 1,
    cause: Cause = Cause.FIXED_REPLICAS,
    fix: str | None = None,
    part: str = "",
    pods_per_replica: int = 1,
    ceiling: int | None = None,
    scales: bool = True,
    undecided: tuple[Undecided, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
) -> Workload:
    """A workload that keeps as many pods as the number at `path` says; `default` where it is
    absent. `ceiling` where something scales it further out; without `scales` no scaler moves it."""
    number = count(value)
    replicas = default if number is None else number
    shape: dict[str, Any] = {
        "part": part,
        "pods_per_replica": pods_per_replica,
        "scales": scales,
    }
    if not isinstance(replicas, int):
        why = (
            f"{path} is {replicas.value} at preview, so the number of GPU pods is not known"
            if isinstance(replicas, Hidden)
            else f"{path} is invalid: {replicas.why}"
        )
        settle = SETTLE if isinstance(replicas, Hidden) else "Correct the value"
        parts = (*undecided, Undecided(obj.urn, path, why, settle, about=Subject.REPLICAS))
        return build(estate, obj, reading, undecided=parts, ceiling=None, **shape)
    holds: tuple[Hold, ...] = ()
    if replicas:
        default_said = "" if number is not None else f"the default is {default}: "
        pods = counted(replicas * pods_per_replica, "pod")
        because = f"{default_said}it keeps {pods} without a request"
        kept = Evidence(obj.urn, path, value, because)
        scalable = scales and (obj.group, obj.kind) in WITH_SCALE
        advice = (
            scaled_to_zero(path, declared=number is not None)
            if scalable
            else f"Set {path} to 0 when idle: {obj.kind} has no scale subresource for a scaler"
        )
        change = change_of(obj, path, 0)
        hold = Hold(
            cause=cause,
            urn=obj.urn,
            units=replicas,
            evidence=(kept,),
            fix=fix or advice,
            change=change,
        )
        holds = (hold,)
    return build(
        estate,
        obj,
        reading,
        holds=holds,
        replicas=replicas,
        desired=replicas,
        ceiling=replicas if ceiling is None else max(ceiling, replicas),
        undecided=undecided,
        assumptions=assumptions,
        **shape,
    )


def _pod(estate: Estate, obj: Object) -> Workload:
    reading = read_pod(estate, obj, obj.body, "")
    spec = obj.spec
    policy = at(spec, "restartPolicy")
    if isinstance(policy, Hidden):
        why = f"spec.restartPolicy is {policy.value} at preview: the pod may never exit"
        return build(
            estate,
            obj,
            reading,
            desired=1,
            ceiling=1,
            undecided=(Undecided(obj.urn, "spec.restartPolicy", why, SETTLE),),
        )
    if _ends_within_a_week(at(spec, "activeDeadlineSeconds")):
        return build(estate, obj, reading, desired=1, ceiling=1)
    never = endless(spec)
    closed = unreadable(spec)
    if policy in ("Never", "OnFailure") and never is None and closed is not None:
        return build(
            estate,
            obj,
            reading,
            desired=1,
            ceiling=1,
            undecided=(_may_not_end(obj, f"spec.{closed}", "spec.activeDeadlineSeconds"),),
        )
    if policy in ("Never", "OnFailure") and never is None:
        notices = (_no_deadline(obj, "spec.activeDeadlineSeconds"),)
        return build(estate, obj, reading, desired=1, ceiling=1, notices=notices)
    if policy in ("Never", "OnFailure") and never is not None:
        why = f"the container {never[1]}, and there is no deadline"
        kept = Evidence(obj.urn, f"spec.{never[0]}", get(spec, never[0]), why)
        hold = Hold(
            cause=Cause.ENDLESS_JOB,
            urn=obj.urn,
            units=1,
            evidence=(kept,),
            fix="Set spec.activeDeadlineSeconds, or delete the pod when idle",
            change=change_of(obj, "spec.activeDeadlineSeconds", DEADLINE),
        )
    else:
        kept = Evidence(
            obj.urn,
            "spec.restartPolicy",
            policy,
            "a bare pod that is always restarted runs until it is deleted",
        )
        hold = Hold(
            cause=Cause.BARE_POD,
            urn=obj.urn,
            units=1,
            evidence=(kept,),
            fix=(
                "Run it as a Job with activeDeadlineSeconds, or as a Deployment scaled to zero by "
                "KEDA"
            ),
        )
    return build(estate, obj, reading, holds=(hold,), desired=1, ceiling=1)


def job(
    estate: Estate, obj: Object, spec: Any, path: str, *, part: str = "", copies: int = 1
) -> Workload:
    """A Job's specification (also that of a CronJob, a ScaledJob, a JobSet): it ends, unless its
    command shows otherwise."""
    template = spec if isinstance(spec, Hidden) else at(spec, "template")
    by_schedule = obj.kind == "CronJob"
    made = [at(obj.spec, "jobTemplate", "metadata", "labels")] if by_schedule else []
    stopped = switched_off(estate, obj, at(spec, "suspend"), *made)
    if by_schedule and stopped is False:
        stopped = suspended(at(obj.spec, "suspend"))
    parallelism, completions = count(at(spec, "parallelism")), count(at(spec, "completions"))
    pods = 1 if parallelism is None else parallelism
    if isinstance(completions, int) and isinstance(pods, int):
        pods = min(pods, completions)
    if stopped is True:
        pods = 0
    elif isinstance(stopped, Hidden):
        pods = stopped
    deadline = at(spec, "activeDeadlineSeconds")
    return run_to_completion(
        estate,
        obj,
        template,
        f"{path}.template",
        pods * copies if isinstance(pods, int) else pods,
        f"{path}.{'suspend' if isinstance(stopped, Hidden) else 'parallelism'}",
        deadline=deadline
        if deadline is not None
        else at(template, "spec", "activeDeadlineSeconds"),
        deadline_path=f"{path}.activeDeadlineSeconds",
        part=part,
    )


def run_to_completion(
    estate: Estate,
    obj: Object,
    template: Any,
    template_path: str,
    pods: Count,
    pods_path: str,
    *,
    deadline: Any,
    deadline_path: str,
    part: str = "",
) -> Workload:
    """Pods that run until their work is done: nothing is held, unless the command shows that it
    never is."""
    reading = read_pod(estate, obj, template, template_path)
    pod_spec = at(template, "spec")
    never, closed = endless(pod_spec), unreadable(pod_spec)
    if pods == 0:
        return build(estate, obj, reading, part=part)
    if isinstance(pods, Impossible):
        why = f"{pods_path} is invalid: {pods.why}"
        return build(
            estate,
            obj,
            reading,
            part=part,
            undecided=(Undecided(obj.urn, pods_path, why, "Correct the value"),),
        )
    limit = seconds(deadline)
    ends = _ends_within_a_week(deadline)
    if (
        not ends
        and (never is not None or closed is not None)
        and (never is None or isinstance(limit, Hidden) or isinstance(pods, Hidden))
    ):
        where = (
            f"{template_path}.spec.{closed}"
            if never is None
            else deadline_path
            if isinstance(limit, Hidden)
            else pods_path
        )
        open_part = _may_not_end(obj, where, deadline_path)
        most = pods if isinstance(pods, int) else None
        return build(
            estate, obj, reading, part=part, desired=most or 0, ceiling=most, undecided=(open_part,)
        )
    most = pods if isinstance(pods, int) else None
    # A CronJob starts nothing when it is created.
    desired = 0 if obj.kind == "CronJob" else most or 0
    if never is not None and not ends and most is not None:
        why = f"the container {never[1]}, and no deadline ends it within a week"
        place = f"{template_path}.spec.{never[0]}"
        kept = Evidence(obj.urn, place, get(pod_spec, never[0]), why)
        hold = Hold(
            cause=Cause.ENDLESS_JOB,
            urn=obj.urn,
            units=most,
            evidence=(kept,),
            fix=f"Set {deadline_path}, or let the command end",
            change=change_of(obj, deadline_path, DEADLINE),
        )
        return build(estate, obj, reading, part=part, holds=(hold,), desired=desired, ceiling=most)
    notices = () if deadline is not None else (_no_deadline(obj, deadline_path),)
    return build(estate, obj, reading, part=part, desired=desired, ceiling=most, notices=notices)


def _ends_within_a_week(deadline: Any) -> bool:
    limit = seconds(deadline)
    return isinstance(limit, Decimal) and limit <= WEEK * 3600


def _may_not_end(obj: Object, where: str, path: str) -> Undecided:
    why = (
        f"{where} can't be read at preview and no deadline is known: zerofloor can't tell whether "
        "the pod ends by itself"
    )
    return Undecided(
        obj.urn,
        where,
        why,
        (f"Set {path}, or add a hint (runs: one-shot) with a reason to zerofloor.yaml"),
    )


def _no_deadline(obj: Object, path: str) -> Notice:
    message = (
        f"{obj.kind} {obj.shown_name} asks for GPUs and has no deadline: a run that hangs "
        "bills indefinitely"
    )
    return Notice(
        cause=Cause.NO_DEADLINE,
        urn=obj.urn,
        message=message,
        fix=f"Set {path}",
        evidence=(Evidence(obj.urn, path, None, "no deadline ends a run that hangs"),),
    )
