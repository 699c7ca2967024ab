"""KAITO: Workspace, InferenceSet, MultiRoleInference and RAGEngine keep nodes of a GPU type, or
take GPUs of nodes that are there.

Source: kaito-project/kaito, api/v1beta1 and api/v1alpha1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Evidence, Part, PodDemand, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, read_pod
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import Hidden
from zerofloor.values import Count, at, count, get, items, text

_GROUP: Final = "kaito.sh"
KINDS = frozenset(
    (_GROUP, kind) for kind in ("Workspace", "InferenceSet", "MultiRoleInference", "RAGEngine")
)
_TYPE: Final = "node.kubernetes.io/instance-type"
_DELETE: Final = "Delete the {kind} when idle: nothing scales it to zero"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "Workspace")):
        yield _workspace(estate, obj)
    for obj in objects(estate, (_GROUP, "InferenceSet")):
        yield _inference_set(estate, obj)
    for obj in objects(estate, (_GROUP, "MultiRoleInference")):
        yield from _multi_role(estate, obj)
    for obj in objects(estate, (_GROUP, "RAGEngine")):
        yield from _rag_engine(estate, obj)


def _workspace(estate: Estate, obj: Object) -> Workload:
    """`resource.count` nodes, for inference and also after a tuning job is done: the Workspace owns
    its nodes until it is deleted."""
    resource = at(obj.body, "resource")
    reading = _reading(estate, obj, resource, at(obj.body, "inference"), "")
    if at(obj.body, "tuning") is not None and _type_of(resource) is None:
        return build(estate, obj, reading, desired=1, ceiling=1)  # A Job on nodes that are there.
    return keep_pods(
        estate,
        obj,
        reading,
        value=at(resource, "count"),
        path="resource.count",
        fix=_DELETE.format(kind="Workspace"),
    )


def _inference_set(estate: Estate, obj: Object) -> Workload:
    template = at(obj.spec, "template")
    if isinstance(template, Hidden):
        reading = read_pod(estate, obj, template, "spec.template")
    else:
        resource, inference = at(template, "resource"), at(template, "inference")
        reading = _reading(estate, obj, resource, inference, "spec.template.")
    return keep_pods(estate, obj, reading, value=at(obj.spec, "replicas"), path="spec.replicas")


def _multi_role(estate: Estate, obj: Object) -> Iterator[Workload]:
    roles = items(at(obj.spec, "roles"))
    for index, role in enumerate([roles] if isinstance(roles, Hidden) else roles):
        path = f"spec.roles[{index}]"
        kind = text(at(role, "type"))
        yield keep_pods(
            estate,
            obj,
            _reading(estate, obj, role, {"preset": at(obj.spec, "model")}, f"{path}."),
            value=at(role, "replicas"),
            path=f"{path}.replicas",
            fix=_DELETE.format(kind="MultiRoleInference"),
            part=kind if isinstance(kind, str) else str(index),
        )


def _rag_engine(estate: Estate, obj: Object) -> Iterator[Workload]:
    """Nodes for the embedding model that runs locally; without `compute` it runs on any CPU."""
    compute = at(obj.spec, "compute")
    if compute is None:
        return
    embedding = {"preset": at(obj.spec, "embedding", "local")}
    yield keep_pods(
        estate,
        obj,
        _reading(estate, obj, compute, embedding, "spec.compute."),
        value=at(compute, "count"),
        path="spec.compute.count",
        fix=_DELETE.format(kind="RAGEngine"),
    )


def _type_of(resource: Any) -> str | Hidden | None:
    return text(at(resource, "instanceType"))


def _reading(estate: Estate, obj: Object, resource: Any, inference: Any, prefix: str) -> PodReading:
    """What the pods on one node take: the node as a whole, a partition of GPUs, or what the pod
    template says."""
    template = at(inference, "template")
    place = f"{prefix}resource" if prefix in ("", "spec.template.") else prefix.rstrip(".")
    wanted = _type_of(resource)
    if isinstance(resource, Hidden) or isinstance(inference, Hidden) or isinstance(wanted, Hidden):
        part = Undecided(
            obj.urn, place, f"{place} is not known at preview: it asks for GPUs", SETTLE
        )
        return PodReading(PodDemand(open_count=True), undecided=(part,))
    selector = _selector(resource, wanted)
    if template is not None and wanted is None:
        return read_pod(estate, obj, template, f"{prefix}inference.template")
    if wanted is not None and _is_plain(estate, wanted):
        return PodReading(PodDemand(node_selector=selector))
    accelerators, at_least = _partition(at(resource, "partition"))
    path = f"{place}.instanceType" if wanted is not None else f"{place}.labelSelector"
    because = (
        f"its nodes are of the type {wanted}"
        if wanted is not None
        else "the model takes GPUs of nodes that are there"
    )
    value = get(obj.body, path)
    demand = PodDemand(
        accelerators=accelerators, open_count=at_least, node_selector=selector, one_per_node=True
    )
    return PodReading(demand, evidence=(Evidence(obj.urn, path, value, because),))


def _selector(resource: Any, wanted: str | None) -> Mapping[str, str]:
    if wanted is not None:
        return {_TYPE: wanted}
    labels = at(resource, "labelSelector", "matchLabels")
    if not isinstance(labels, Mapping):
        return {}
    # A label that is hidden may be any: left out, the pod may land on more nodes.
    return {key: value for key, value in labels.items() if isinstance(value, str)}


def _is_plain(estate: Estate, wanted: str) -> bool:
    """Whether this is a type that is known and has no GPU."""
    shapes = [estate.shape(cloud, wanted) for cloud in ("azure", "aws")]
    known = [shape for shape in shapes if shape is not None]
    return bool(known) and all(shape.gpus == 0 for shape in known)


def _partition(partition: Any) -> tuple[Mapping[str, Decimal], bool]:
    """Whole GPUs of a partition by number, else at least a part of one; without a partition what
    the node has."""
    number: Count | None = count(at(partition, "count"))
    if isinstance(number, int) and number and at(partition, "mode") == "accelerator":
        return {"nvidia.com/gpu": Decimal(number)}, False
    return {}, True
