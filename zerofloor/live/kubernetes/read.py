"""A cluster read whole: GPU nodes, the pods on them, who owns those, and what scales the owners.

Lists alone are read; docs/live.md has the role that allows just these.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Market
from zerofloor.estate import estate
from zerofloor.hardware.accelerators import devices, is_accelerator, may_be_accelerator
from zerofloor.hardware.instances import lookup
from zerofloor.live.kubernetes.api import Api, Kind, Refused, Unreachable
from zerofloor.live.kubernetes.values import CLAIM, NODE, POD, Node, Owner, Pod, Ref
from zerofloor.live.values import Fault
from zerofloor.platforms.kubernetes.objects import as_object
from zerofloor.platforms.kubernetes.pods import read_pod
from zerofloor.settings import Settings
from zerofloor.stack import Resource, Stack
from zerofloor.structs import Value
from zerofloor.values import at, known_items, known_mapping, known_text

HPA: Final = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
SCALED_OBJECT: Final = Kind("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")
HTTP_SCALED_OBJECT: Final = Kind(
    "http.keda.sh", "v1alpha1", "HTTPScaledObject", "httpscaledobjects"
)
SCALERS: Final = (HPA, SCALED_OBJECT, HTTP_SCALED_OBJECT)

OWNERS: Final[Mapping[tuple[str, str], str]] = {
    ("", "ReplicationController"): "replicationcontrollers",
    ("apps", "ReplicaSet"): "replicasets",
    ("apps", "Deployment"): "deployments",
    ("apps", "StatefulSet"): "statefulsets",
    ("apps", "DaemonSet"): "daemonsets",
    ("batch", "Job"): "jobs",
    ("batch", "CronJob"): "cronjobs",
    ("argoproj.io", "Rollout"): "rollouts",
    ("jobset.x-k8s.io", "JobSet"): "jobsets",
    ("keda.sh", "ScaledJob"): "scaledjobs",
    ("kubeflow.org", "MPIJob"): "mpijobs",
    ("kubeflow.org", "Notebook"): "notebooks",
    ("kubeflow.org", "PyTorchJob"): "pytorchjobs",
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): "leaderworkersets",
    ("ray.io", "RayCluster"): "rayclusters",
    ("ray.io", "RayJob"): "rayjobs",
    ("ray.io", "RayService"): "rayservices",
    ("serving.knative.dev", "Configuration"): "configurations",
    ("serving.knative.dev", "Revision"): "revisions",
    ("serving.knative.dev", "Service"): "services",
    ("serving.kserve.io", "InferenceService"): "inferenceservices",
    ("serving.kserve.io", "LLMInferenceService"): "llminferenceservices",
}
"""The kinds whose owners are looked up in turn, with their plurals. Any other owner is the last
that is known: it has its name from the reference to it."""

MOST_LEVELS: Final = 10
"""Owners above a pod; more would be a circle."""

SKEW: Final = datetime.timedelta(minutes=5)
"""How far the clocks of this machine and a cluster may be apart."""

_CLOUDS: Final = {"aws": "aws", "gce": "gcp", "azure": "azure"}
"""Schemes of `spec.providerID` that aren't the cloud's name here."""


class Contents(Value, frozen=True, kw_only=True):
    """What of a cluster has to do with GPUs."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    """Those that ask for GPUs, and others that stand on GPU nodes."""
    owners: Mapping[tuple[str, str], Owner]
    """What stands at the top of each pod that asks for a GPU, by namespace and name of the pod."""
    scalers: tuple[Mapping[str, Any], ...]
    faults: tuple[Fault, ...]


def read_cluster(api: Api, namespaces: Sequence[str], now: datetime.datetime) -> Contents:
    """The GPU nodes and workloads of a cluster, in some namespaces or in all. What can't be read is
    a fault; the rest is there."""
    reader = _Reader(api, now)
    nodes = [node for node in map(_node, reader.objects_of(NODE)) if node.gpus or node.slots]
    pods = reader.pods(namespaces, {node.name for node in nodes})
    owners = reader.owners([pod for pod in pods if _asks(pod)])
    scalers = list(reader.scalers(sorted({pod.namespace for pod in pods if _asks(pod)})))
    return Contents(
        nodes=tuple(sorted(nodes, key=lambda node: node.name)),
        pods=tuple(sorted(pods, key=lambda pod: (pod.namespace, pod.name))),
        owners=owners,
        scalers=tuple(scalers),
        faults=tuple(dict.fromkeys(reader.faults)),
    )


def _asks(pod: Pod) -> bool:
    return pod.gpus > 0 or pod.holds_open


class _Reader:
    """Reads one cluster; what it refuses is a fault, and the rest is read."""

    def __init__(self, api: Api, now: datetime.datetime) -> None:
        self.faults: list[Fault] = []
        self._api = api
        self._latest = now + SKEW
        self._refused: dict[tuple[Kind, str], str] = {}
        self._unreachable = ""
        """Why nothing more is asked; empty while it answers."""

    def objects_of(
        self, kind: Kind, namespace: str = "", *, absent: bool = False, keep: Any = None
    ) -> list[Any]:
        """All objects of a kind; none, and a fault, where that is refused. `absent`: the cluster
        may not have this kind."""
        if self._unreachable:
            self._refused[kind, namespace] = self._unreachable
            return []
        try:
            found = self._api.objects_of(kind, namespace or None, keep)
        except Unreachable as error:
            self._refused[kind, namespace] = self._unreachable = str(error)
            what = f"{self._api.access.server} ({self._api.access.context})"
            self.faults.append(Fault(what, str(error)))
            return []
        except Refused as refused:
            if refused.code == 404 and absent:
                return []
            place = f"in namespace {namespace}" if namespace else "in all namespaces"
            place = place if kind.namespaced else "of the cluster"
            what = f"list {kind.shown} {place} of {self._api.access.name}"
            what = what.replace("of the cluster of", "of")
            self._refused[kind, namespace] = str(refused)
            self.faults.append(Fault(what, str(refused)))
            return []
        self._check_clock(found)
        return found

    def _check_clock(self, found: Iterable[Any]) -> None:
        if any((made := _created(one)) and made > self._latest for one in found):
            why = "objects there are newer than now: this machine's clock is behind"
            self.faults.append(Fault(f"the clock of {self._api.access.name}", why))
            self._latest = datetime.datetime.max.replace(tzinfo=datetime.UTC)

    def pods(self, namespaces: Sequence[str], gpu_nodes: set[str]) -> list[Pod]:
        def candidate(body: Any) -> Any:
            phase = at(body, "status", "phase")
            if phase in ("Succeeded", "Failed"):
                return None
            near = at(body, "spec", "nodeName") in gpu_nodes
            return body if near or _may_ask(body) else None

        bodies: list[Any] = []
        for space in namespaces or [""]:
            bodies += self.objects_of(POD, space, keep=candidate)
        claims: list[Any] = []
        for space in sorted(
            {_space(body) for body in bodies if at(body, "spec", "resourceClaims")}
        ):
            claims += self.objects_of(CLAIM, space, absent=True)
        whole = estate((stack_of("pods", claims),), Settings())
        return [_pod(whole, body) for body in bodies]

    def owners(self, pods: Sequence[Pod]) -> dict[tuple[str, str], Owner]:
        """What stands at the top of each pod."""
        known: dict[Ref, Owner] = {}
        wanted = {ref for pod in pods if (ref := _reference(pod.owner, pod.namespace)) is not None}
        for _ in range(MOST_LEVELS):
            if not wanted:
                break
            for ref, owner in self._look_up(wanted).items():
                known[ref] = owner
            parents = (_parent(known[ref]) for ref in wanted)
            wanted = {ref for ref in parents if ref is not None and ref not in known}
        return {(pod.namespace, pod.name): _top(pod, known) for pod in pods}

    def _look_up(self, wanted: set[Ref]) -> dict[Ref, Owner]:
        together: dict[tuple[str, str, str], list[Ref]] = defaultdict(list)
        for ref in wanted:
            together[ref.api_version, ref.kind, ref.namespace].append(ref)
        found: dict[Ref, Owner] = {}
        for (api_version, kind_name, space), refs in sorted(together.items()):
            group, version = _split(api_version)
            plural = OWNERS.get((group, kind_name))
            bodies: dict[str, Any] = {}
            why = ""
            if plural is not None:
                kind = Kind(group, version, kind_name, plural)
                names = {ref.name for ref in refs}
                listed = self.objects_of(kind, space, keep=_named(names))
                bodies = {str(at(one, "metadata", "name")): _slim(one) for one in listed}
                why = self._refused.get((kind, space), "")
            for ref in refs:
                body = bodies.get(ref.name)
                found[ref] = _owner(ref, body, why)
        return found

    def scalers(self, namespaces: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        """KEDA's objects, and HPAs that none of them made."""
        for space in namespaces:
            for kind in SCALERS:
                api_version = f"{kind.group}/{kind.version}"
                for body in self.objects_of(kind, space, absent=kind is not HPA):
                    if _controller(body) is None:
                        yield {"apiVersion": api_version, "kind": kind.kind, **_slim(body)}


def _reference(given: Mapping[str, Any] | None, namespace: str) -> Ref | None:
    if given is None or given.get("kind") == "Node":  # a static pod is its node's
        return None
    parts = (given.get("apiVersion"), given.get("kind"), given.get("name"))
    if not all(isinstance(part, str) and part for part in parts):
        return None
    return Ref(str(parts[0]), str(parts[1]), namespace, str(parts[2]))


def _controller(body: Any) -> Mapping[str, Any] | None:
    """The reference to what controls an object; else its first owner's."""
    listed = [one for one in known_items(at(body, "metadata", "ownerReferences")) if one]
    controllers = [one for one in listed if at(one, "controller") is True]
    return next(iter(controllers or listed), None)


def _parent(owner: Owner) -> Ref | None:
    return None if owner.body is None else _reference(_controller(owner.body), owner.ref.namespace)


def _top(pod: Pod, known: Mapping[Ref, Owner]) -> Owner:
    ref = _reference(pod.owner, pod.namespace)
    if ref is None:
        return Owner(ref=Ref("v1", "Pod", pod.namespace, pod.name))
    passed = {ref}
    owner = known[ref]
    while (above := _parent(owner)) is not None and above in known and above not in passed:
        passed.add(above)
        owner = known[above]
    return owner


def _owner(ref: Ref, body: Mapping[str, Any] | None, why: str) -> Owner:
    return Owner(
        ref=ref,
        uid=str(at(body, "metadata", "uid") or ""),
        body=None if body is None else {**body, "apiVersion": ref.api_version, "kind": ref.kind},
        why_unread=why,
    )


def _split(api_version: str) -> tuple[str, str]:
    group, _, version = api_version.rpartition("/")
    return group, version


def _named(names: set[str]) -> Any:
    return lambda body: body if at(body, "metadata", "name") in names else None


def _slim(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what a declaration never has."""
    metadata = {**known_mapping(at(body, "metadata"))}
    metadata.pop("managedFields", None)
    kept = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    return {**kept, "metadata": metadata, "status": {"replicas": at(body, "status", "replicas")}}


def stack_of(name: str, bodies: Iterable[Mapping[str, Any]]) -> Stack:
    """Objects of a cluster as a stack, so that the platforms' readers read them."""
    resources = []
    for body in bodies:
        group, version = _split(str(body.get("apiVersion") or "v1"))
        token = f"kubernetes:{group or 'core'}/{version}:{body.get('kind')}"
        space, called = _space(body), str(at(body, "metadata", "name"))
        inputs = {key: value for key, value in body.items() if key != "status"}
        urn = f"urn:pulumi:live::{name}::{token}::{space}/{called}"
        resources.append(Resource(urn=urn, type=token, name=called, inputs=inputs))
    return Stack(
        kind="manifests",
        resources=tuple(sorted(resources, key=lambda one: one.urn)),
        project=name,
        name="live",
    )


def _space(body: Any) -> str:
    return str(at(body, "metadata", "namespace") or "")


def _created(body: Any) -> datetime.datetime | None:
    text = at(body, "metadata", "creationTimestamp")
    try:
        made = datetime.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return made if made is None or made.tzinfo else made.replace(tzinfo=datetime.UTC)


def _may_ask(body: Any) -> bool:
    """Whether a pod may ask for an accelerator."""
    spec = at(body, "spec")
    if at(spec, "resourceClaims"):
        return True
    containers = (
        *known_items(at(spec, "containers")),
        *known_items(at(spec, "initContainers")),
        {"resources": at(spec, "resources")},
    )
    for container in containers:
        for which in ("limits", "requests"):
            for name in known_mapping(at(container, "resources", which)):
                if isinstance(name, str) and (is_accelerator(name) or may_be_accelerator(name)):
                    return True
    return False


def _pod(whole: Any, body: Any) -> Pod:
    pod = {"apiVersion": "v1", "kind": "Pod", **body}
    (resource,) = stack_of("pods", [pod]).resources
    demand = read_pod(whole, as_object(whole, resource), resource.inputs, "").demand
    return Pod(
        namespace=_space(body),
        name=str(at(body, "metadata", "name")),
        node=known_text(at(body, "spec", "nodeName")) or "",
        gpus=demand.gpus,
        owner=_controller(body),
        created=_created(body),
        pins=_pins_of_pod(body, demand.unevictable, demand.do_not_disrupt is True),
        holds_open=demand.open_count,
    )


def _pins_of_pod(body: Any, unevictable: str, do_not_disrupt: bool) -> str:
    owner = _controller(body)
    if at(owner, "kind") == "DaemonSet":
        return ""
    if do_not_disrupt:
        return "karpenter.sh/do-not-disrupt"
    if owner is None:
        return "no controller, so it is not moved"
    return unevictable


def _node(body: Any) -> Node:
    labels = {
        str(key): value
        for key, value in known_mapping(at(body, "metadata", "labels")).items()
        if isinstance(value, str)
    }
    instance_type = _first(
        labels, "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"
    )
    cloud = _cloud(known_text(at(body, "spec", "providerID")) or "", instance_type)
    slots = _slots(body)
    shape = lookup(cloud, instance_type) if cloud else None
    of_type = Decimal(0) if shape is None or shape.gpus is None else shape.gpus
    # Without slots its device plugin is not there (yet): then the type or a label tells.
    gpus = _physical(labels, slots) if slots else of_type or _labelled(labels)
    return Node(
        name=str(at(body, "metadata", "name")),
        labels=labels,
        instance_type=instance_type,
        cloud=cloud,
        region=_first(
            labels, "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"
        )
        or _first(labels, "topology.kubernetes.io/zone"),
        zone=_first(
            labels, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"
        ),
        market=_market(labels),
        slots=slots,
        gpus=gpus,
        card="" if of_type else labels.get(_CARD, ""),
        bare=shape is not None and not of_type,
        created=_created(body),
        pins=_pins_of_node(at(body, "metadata", "annotations")),
    )


def _first(labels: Mapping[str, str], *keys: str) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")


def _slots(body: Any) -> Decimal:
    """Devices that pods can ask for: allocatable, since kwok's capacity is what was asked for."""
    offered = known_mapping(at(body, "status", "allocatable") or at(body, "status", "capacity"))
    total = Decimal(0)
    for name, amount in offered.items():
        if isinstance(name, str) and is_accelerator(name) and str(amount).isdecimal():
            total += devices(name, Decimal(str(amount)))[0]
    return total


def _physical(labels: Mapping[str, str], slots: Decimal) -> Decimal:
    """GPUs behind the slots: NVIDIA's device plugin may offer each several times (GPU feature
    discovery, `nvidia.com/gpu.replicas`)."""
    replicas, number = labels.get("nvidia.com/gpu.replicas", ""), labels.get("nvidia.com/gpu.count")
    if replicas.isdecimal() and int(replicas) > 1 and (number or "").isdecimal():
        return Decimal(number or 0)
    return slots


_CARD: Final = "cloud.google.com/gke-accelerator"
_SIGNS: Final = (_CARD, "nvidia.com/gpu.present", "k8s.amazonaws.com/accelerator")
"""Labels of nodes with accelerators: GKE's, GPU feature discovery's, EKS'."""


def _labelled(labels: Mapping[str, str]) -> Decimal:
    """GPUs by the labels of a node: their number, else at least one."""
    number = _first(labels, "nvidia.com/gpu.count", "cloud.google.com/gke-accelerator-count")
    if number.isdecimal():
        return Decimal(number)
    return Decimal(any(labels.get(sign, "false") != "false" for sign in _SIGNS))


def _cloud(provider_id: str, instance_type: str) -> str:
    """The cloud by the node's provider ID; else the only one that has such a type."""
    scheme = provider_id.partition("://")[0] if "://" in provider_id else ""
    if provider_id.startswith("ocid1."):
        return "oci"
    if scheme and scheme != "kwok":
        return _CLOUDS.get(scheme, scheme)
    known = [cloud for cloud in ("aws", "gcp", "azure") if lookup(cloud, instance_type) is not None]
    return known[0] if len(known) == 1 else ""


_SPOT: Final = (
    ("karpenter.sh/capacity-type", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("cloud.google.com/gke-spot", "true"),
    ("cloud.google.com/gke-preemptible", "true"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
)


def _market(labels: Mapping[str, str]) -> Market:
    if any(labels.get(key) == value for key, value in _SPOT):
        return Market.SPOT
    if labels.get("karpenter.sh/capacity-type") == "reserved":
        return Market.RESERVED
    return Market.ON_DEMAND


def _pins_of_node(annotations: Any) -> str:
    for key in (
        "karpenter.sh/do-not-disrupt",
        "cluster-autoscaler.kubernetes.io/scale-down-disabled",
    ):
        if at(annotations, key) == "true":
            return f"its annotation {key}"
    return ""
