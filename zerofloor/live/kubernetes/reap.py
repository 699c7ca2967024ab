"""Puts idle and orphaned workloads of clusters to zero: what would be done, a notice first, and how
to undo it.

Nothing is deleted and no node is touched: replicas become 0, a minimum becomes 0, a Job, JobSet or
RayCluster is suspended. Each is one patch of an object that still has the values that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from zerofloor.errors import InputError
from zerofloor.live.journal import NotDone, Step
from zerofloor.live.kubernetes.api import Api, Kind, Refused, Unreachable
from zerofloor.live.kubernetes.kubeconfig import Access, open_access
from zerofloor.live.kubernetes.read import HTTP_SCALED_OBJECT, OWNERS, SCALED_OBJECT
from zerofloor.live.kubernetes.values import Owner, Ref, Seen
from zerofloor.live.plan import Left, Target, notice_of
from zerofloor.live.values import Use
from zerofloor.structs import Value
from zerofloor.values import at, known_items, known_mapping

NOTICE: Final = "zerofloor/reap-after"
"""The annotation of the notice; its value is the time from which the workload may be at zero."""

PAUSED: Final = "autoscaling.keda.sh/paused-replicas"

_SCALED: Final = frozenset(
    {
        ("", "ReplicationController"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("argoproj.io", "Rollout"),
        ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"),
    }
)
"""Kinds with a scale subresource that takes 0 (lab: scenarios ar16, lws14)."""

_SUSPENDED: Final = frozenset(
    {("batch", "Job"), ("jobset.x-k8s.io", "JobSet"), ("ray.io", "RayCluster")}
)
"""Kinds that `spec.suspend` ends, and resumes (lab: scenarios js08, kr08, kr09)."""

_BY_HAND: Final[Mapping[str, str]] = {
    "CronJob": "suspend it and end its running Job by hand",
    "DaemonSet": "a DaemonSet has no scale",
    "InferenceService": "set spec.predictor.minReplicas to 0",
    "Pod": "a pod without a controller can only be deleted, which this never does",
    "RayJob": "a suspended RayJob starts from the beginning",
    "RayService": "a RayService can only be deleted, which this never does",
    "Service": "set the annotation autoscaling.knative.dev/min-scale to 0",
}
"""What a person can do about kinds that have no way to zero and back."""

_GITOPS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
)


ATTEMPTS: Final = 5
"""Of a patch that meets another change."""

Place = tuple[str, str]
"""Server and context: what names a cluster."""


class Action(Value, frozen=True, kw_only=True):
    """One patch, and the one that takes it back."""

    told: str
    """`scale to 0`."""
    ref: Ref
    plural: str
    scale: bool
    """Whether it is a patch of the scale subresource."""
    forth: Mapping[str, Any]
    back: Mapping[str, Any]
    uid: str

    @property
    def kind(self) -> Kind:
        return Kind(
            self.ref.group, self.ref.api_version.rpartition("/")[2], self.ref.kind, self.plural
        )


def _kind(ref: Ref, plural: str) -> Kind:
    return Kind(ref.group, ref.version, ref.kind, plural)


def judge(api: Api, seen: Seen, *, owned: bool) -> Target | Left:
    """Whether a unit is put to zero: orphans that are idle, and with `owned` what a stack declares,
    may be at zero and is idle. What is busy, or what no metric knows, is left."""
    what = f"{seen.unit.kind} {seen.unit.id} in {seen.unit.cluster}"
    action = _refusal(seen, owned) or _action(seen)
    if isinstance(action, str):
        return Left(what, action)
    owner = seen.unit.owner
    assert owner is not None
    return Target(
        would=action.told,
        why=seen.why,
        monthly=seen.monthly,
        notice=notice_of(at(owner.body, "metadata", "annotations", NOTICE)),
        announce=partial(_announce, api, owner),
        step=_step(api, what, seen, action),
    )


def _refusal(seen: Seen, owned: bool) -> str:
    """Why a unit is left; empty where it is not."""
    if seen.unit.node is not None:
        return f"nodes are not touched: {seen.why}"
    if seen.use is not Use.IDLE:
        return f"it isn't shown to be idle: {seen.why}"
    owners = [stack for stack in (seen.stack, seen.scaler_stack) if stack]
    if owners and not owned:
        return f"{owners[0]} declares it: change the program, or add --owned"
    return seen.keeps or _manager(seen.unit.owner)


def _manager(owner: Owner | None) -> str:
    """What would set a workload back, as a reason to leave it."""
    if owner is None or owner.body is None:
        return (
            "" if owner is None or not owner.why_unread else f"it can't be read: {owner.why_unread}"
        )
    metadata = at(owner.body, "metadata")
    for place, key, name in _GITOPS:
        value = at(metadata, place, key)
        if value:
            return f"{name} ({str(value).partition(':')[0]}) manages it, and would set it back"
    if at(metadata, "labels", "kueue.x-k8s.io/queue-name"):
        return "Kueue decides when it runs, and would resume it"
    return ""


def _action(seen: Seen) -> Action | str:
    """The patch that puts a workload to zero, or why there is none."""
    owner = seen.unit.owner
    assert owner is not None
    group_kind = owner.ref.group, owner.ref.kind
    if owner.body is None:
        told = f"nothing here puts a {owner.ref.kind} to zero and back"
        return _BY_HAND.get(owner.ref.kind, told)
    if seen.scaler is not None and seen.scaler.ref.kind == "ScaledObject":
        return _of_scaled_object(seen.scaler)
    if seen.scaler is not None and seen.scaler.ref.kind == "HTTPScaledObject":
        return _of_http_scaled_object(seen.scaler)
    if group_kind in _SCALED:
        return _of_scale(owner, "" if seen.scaler is None else " (its HPA is off for as long)")
    if group_kind in _SUSPENDED:
        return _patch(
            owner,
            OWNERS[group_kind],
            "suspend (its pods end; on undo they start anew)",
            forth={"spec": {"suspend": True}},
            back={"spec": {"suspend": at(owner.body, "spec", "suspend")}},
        )
    return _BY_HAND.get(owner.ref.kind, f"nothing here puts a {owner.ref.kind} to zero and back")


def _of_scale(owner: Owner, more: str) -> Action | str:
    replicas = at(owner.body, "spec", "replicas")
    if at(owner.body, "spec", "persistentVolumeClaimRetentionPolicy", "whenScaled") == "Delete":
        return "scaling it in deletes its volumes (whenScaled: Delete)"
    return _patch(
        owner,
        OWNERS[owner.ref.group, owner.ref.kind],
        f"scale to 0{more}",
        forth={"spec": {"replicas": 0}},
        back={"spec": {"replicas": 1 if replicas is None else replicas}},
        scale=True,
    )


def _of_scaled_object(scaler: Owner) -> Action:
    """A minimum of 0 where the triggers may then let go, and it still wakes; else KEDA's own pause
    at 0, from which nothing wakes it."""
    spec, annotations = at(scaler.body, "spec"), at(scaler.body, "metadata", "annotations")
    least, paused = at(spec, "minReplicaCount"), at(annotations, PAUSED)
    types = {at(trigger, "type") for trigger in known_items(at(spec, "triggers"))}
    can_be_0 = bool(types - {"cpu", "memory"})  # KEDA's webhook refuses 0 with these alone
    if least and can_be_0 and paused is None:
        return _patch(
            scaler,
            SCALED_OBJECT.plural,
            f"set minReplicaCount of ScaledObject {scaler.ref.name} to 0",
            forth={"spec": {"minReplicaCount": 0}},
            back={"spec": {"minReplicaCount": least}},
        )
    return _patch(
        scaler,
        SCALED_OBJECT.plural,
        f"pause ScaledObject {scaler.ref.name} at 0 (nothing wakes it until undone)",
        forth={"metadata": {"annotations": {PAUSED: "0"}}},
        back={"metadata": {"annotations": {PAUSED: paused}}},
    )


def _of_http_scaled_object(scaler: Owner) -> Action | str:
    least = at(scaler.body, "spec", "replicas", "min")
    if not least:
        return f"HTTPScaledObject {scaler.ref.name} lets it be at 0 already"
    return _patch(
        scaler,
        HTTP_SCALED_OBJECT.plural,
        f"set replicas.min of HTTPScaledObject {scaler.ref.name} to 0",
        forth={"spec": {"replicas": {"min": 0}}},
        back={"spec": {"replicas": {"min": least}}},
    )


def _patch(
    owner: Owner,
    plural: str,
    told: str,
    *,
    forth: Mapping[str, Any],
    back: Mapping[str, Any],
    scale: bool = False,
) -> Action:
    return Action(
        told=told,
        ref=owner.ref,
        plural=plural,
        scale=scale,
        forth=forth,
        back=back,
        uid=owner.uid,
    )


def _announce(api: Api, owner: Owner, until: str) -> None:
    kind = _kind(owner.ref, OWNERS[owner.ref.group, owner.ref.kind])
    body = {"metadata": {"annotations": {NOTICE: until}}}
    place, name = owner.ref.namespace, owner.ref.name
    _tell(lambda: api.patch(kind, place, name, body, scale=False))


def _step(api: Api, what: str, seen: Seen, action: Action) -> Step:
    unit = seen.unit
    return Step(
        what=what,
        record={
            "cloud": "kubernetes",
            "kind": unit.kind,
            "id": unit.id,
            "context": api.access.context,
            "server": api.access.server,
            "kubeconfig": _file_of(api.access),
            "apiVersion": action.ref.api_version,
            "patched": action.ref.kind,
            "plural": action.plural,
            "namespace": action.ref.namespace,
            "name": action.ref.name,
            "uid": action.uid,
            "scale": action.scale,
            "forth": action.forth,
            "back": action.back,
        },
        act=partial(_tell, partial(_change, api, action)),
    )


def _file_of(access: Access) -> str:
    """The kubeconfig's path; empty for a stack's own, which is no file."""
    path = Path(access.source)
    return str(path.absolute()) if path.is_file() else ""


def _change(api: Api, action: Action) -> None:
    """Patches an object if what is patched is as it was read, whatever else changes meanwhile (KEDA
    writes the status of an active ScaledObject at every poll)."""
    kind, ref = _kind(action.ref, action.plural), action.ref
    for _ in range(ATTEMPTS):
        body = api.get(kind, ref.namespace, ref.name)
        if action.uid and at(body, "metadata", "uid") != action.uid:
            raise NotDone("it was deleted and created anew since", certain=True)
        if not _has(body, action.back):
            raise NotDone("it was changed since, so it is left as it is", certain=True)
        version = {"resourceVersion": at(body, "metadata", "resourceVersion")}
        metadata = {**known_mapping(action.forth.get("metadata")), **version}
        patch = {**action.forth, "metadata": metadata}
        try:
            return api.patch(kind, ref.namespace, ref.name, patch, scale=action.scale)
        except Refused as refused:
            if refused.code != HTTPStatus.CONFLICT:
                raise
    raise NotDone("it changes too often to be patched", certain=True)


def _tell(act: Callable[[], None]) -> None:
    """Runs a change. Raises NotDone where the API server refuses it or doesn't answer."""
    try:
        act()
    except Refused as refused:
        raise NotDone(str(refused), certain=0 < refused.code < 500) from None
    except Unreachable as error:
        raise NotDone(str(error), certain=False) from None


def restore(apis: dict[Place, Api], kubeconfig: Path | None, record: Mapping[str, Any]) -> None:
    """Takes back what a record of an undo file says, if it has not been changed since. `apis` keeps
    the clusters that were opened.

    Raises NotDone, and KeyError, TypeError or ValueError where it is no such record.
    """
    place = str(record["server"]), str(record["context"])
    if place not in apis:
        apis[place] = Api(_access_again(record, kubeconfig))
    undoing = Action(
        told="",
        ref=Ref(*(str(record[key]) for key in ("apiVersion", "patched", "namespace", "name"))),
        plural=str(record["plural"]),
        scale=bool(record["scale"]),
        forth=dict(record["back"]),
        back=dict(record["forth"]),
        uid=str(record["uid"]),
    )
    _tell(partial(_take_back, apis[place], undoing))


def _access_again(record: Mapping[str, Any], kubeconfig: Path | None) -> Access:
    if kubeconfig is None and not record["kubeconfig"]:
        raise NotDone("its kubeconfig was a stack's own: give --kubeconfig", certain=True)
    try:
        path = kubeconfig or Path(str(record["kubeconfig"]))
        access = open_access(path, str(record["context"]))
    except InputError as error:
        raise NotDone(str(error), certain=True) from None
    if access.server != record["server"]:
        told = f"context {access.context} is {access.server} now, and was {record['server']}"
        raise NotDone(f"{told}: give its --kubeconfig", certain=True)
    return access


def _take_back(api: Api, action: Action) -> None:
    body = api.get(_kind(action.ref, action.plural), action.ref.namespace, action.ref.name)
    if _has(body, action.forth) and at(body, "metadata", "uid") == action.uid:
        return  # as it was: the change was not made, or has been taken back
    _change(api, action)


def _has(body: Any, patch: Any) -> bool:
    """Whether an object is as a merge patch would leave it."""
    if not isinstance(patch, Mapping):
        return bool(body == patch)
    return all(_has(at(body, key), value) for key, value in patch.items())
