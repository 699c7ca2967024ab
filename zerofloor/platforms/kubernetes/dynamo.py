"""NVIDIA Dynamo: a DynamoGraphDeployment is a map (v1alpha1: `services`) or a list (v1beta1:
`components`) of parts, each with replicas and pods of its own.

Source: ai-dynamo/dynamo, deploy/operator/api.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.model_servers import as_limits
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.values import at, count, items, mapping, switch, text

_GROUP: Final = "nvidia.com"
KINDS = frozenset(
    (_GROUP, kind)
    for kind in (
        "DynamoGraphDeployment",
        "DynamoComponentDeployment",
        "DynamoGraphDeploymentScalingAdapter",
        "DynamoModel",
    )
)
_MAIN: Final = "main"


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "DynamoGraphDeployment")):
        yield from _graph(estate, obj)
    for obj in objects(estate, (_GROUP, "DynamoComponentDeployment")):
        yield _component(estate, obj, obj.spec, "spec", "")


def _graph(estate: Estate, obj: Object) -> Iterator[Workload]:
    if isinstance(obj.spec, Hidden):
        yield _component(estate, obj, obj.spec, "spec", "")
        return
    services = mapping(at(obj.spec, "services"))
    if isinstance(services, Hidden):
        yield _component(estate, obj, services, "spec.services", "")
    else:
        for name, service in sorted(services.items()):
            yield _component(estate, obj, service, f"spec.services.{name}", name)
    components = items(at(obj.spec, "components"))
    for index, component in enumerate(
        [components] if isinstance(components, Hidden) else components
    ):
        named = text(at(component, "name"))
        part = named if isinstance(named, str) else str(index)
        yield _component(estate, obj, component, f"spec.components[{index}]", part)


def _component(estate: Estate, obj: Object, spec: Any, path: str, part: str) -> Workload:
    """`replicas` of `multinode.nodeCount` pods each; autoscaling of its own is deprecated and does
    nothing."""
    reading = read_pod(estate, obj, _template(spec), path)
    nodes = at(spec, "multinode", "nodeCount")
    size = count(2 if nodes is None and at(spec, "multinode") is not None else nodes)
    if isinstance(size, Hidden):
        why = f"How many nodes serve one replica is {size.value} at preview"
        unread = Undecided(obj.urn, f"{path}.multinode.nodeCount", why, SETTLE)
        return build(estate, obj, reading, part=part, undecided=(unread,), ceiling=None)
    return keep_pods(
        estate,
        obj,
        reading,
        value=at(spec, "replicas"),
        path=f"{path}.replicas",
        part=part,
        pods_per_replica=size if isinstance(size, int) and size else 1,
        fix=_advice(spec, path),
    )


def _advice(spec: Any, path: str) -> str:
    if switch(at(spec, "scalingAdapter", "enabled")) is True:
        return f"Set {path}.replicas to 0 when idle, or scale it through its scaling adapter"
    return f"Set {path}.replicas to 0 when idle"


def _template(spec: Any) -> Any:
    """The pod: `podTemplate` (v1beta1) with the container `main`, or `extraPodSpec` with
    `mainContainer`, and the component's own `resources`."""
    if isinstance(spec, Hidden):
        return spec
    given = at(spec, "podTemplate")
    if given is not None:
        return given
    extra = mapping(at(spec, "extraPodSpec"))
    if isinstance(extra, Hidden):
        return extra
    listed = items(extra.get("containers"))
    if isinstance(listed, Hidden):
        return {"spec": {"containers": listed}}
    main = mapping(extra.get("mainContainer"))
    if isinstance(main, Hidden):
        return {"spec": {"containers": [main]}}
    own = _resources(at(spec, "resources"))
    container = {**main, "resources": own if own is not None else main.get("resources")}
    annotations = at(spec, "extraPodMetadata", "annotations")
    pod = {key: value for key, value in extra.items() if key != "mainContainer"}
    return {
        "metadata": {"annotations": annotations},
        "spec": {**pod, "containers": [container, *listed]},
    }


def _resources(resources: Any) -> Any:
    """`limits` (else `requests`) of `{gpu, gpuType, custom}` as a container's resources."""
    if isinstance(resources, Hidden) or resources is None:
        return resources
    limits, requests = at(resources, "limits"), at(resources, "requests")
    if isinstance(limits, Hidden) or isinstance(requests, Hidden):
        return UNKNOWN
    asked = {
        **(requests if isinstance(requests, Mapping) else {}),
        **(limits if isinstance(limits, Mapping) else {}),
    }
    return as_limits(asked)
