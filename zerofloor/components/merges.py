"""What users add to a pod or its container in Kubernetes' own words: each field checked against
its type, and none that could hold an uncounted GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args, get_origin

import pulumi
import pulumi_kubernetes as k8s
from pulumi._types import input_type_types, is_input_type, unwrap_type

from zerofloor.components.arguments import Problem
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.spelling import did_you_mean

_OWN_OF_POD: Final[Mapping[str, str]] = {
    "enableServiceLinks": "is false, since a Service's variables (VLLM_PORT) break engines",
    "nodeName": "would keep the pod from every other node; use `node_pool` or `node_selector`",
    "nodeSelector": "is made from `node_pool` and `node_selector`",
    "priorityClassName": "is `priority_class`",
    "resourceClaims": "could ask for GPUs that are not counted; use `gpus`",
    "resources": "could ask for GPUs that are not counted; use `cpu`, `memory` and `gpus`",
    "restartPolicy": "is decided by `run`",
    "serviceAccountName": "is `service_account`",
    "terminationGracePeriodSeconds": "is `termination_grace_seconds`",
    "tolerations": "is made from `gpu_resource` and `tolerations`",
    "activeDeadlineSeconds": "would end a replica in the middle of its work; see `job_seconds`",
}
_OWN_OF_CONTAINER: Final[Mapping[str, str]] = {
    "args": "is `args`",
    "command": "is `command`",
    "image": "is `image`",
    "name": "is always server",
    "restartPolicy": "is decided by `run`",
}


def problems(path: str, given: Mapping[str, Any] | None) -> Iterator[Problem]:
    """What is wrong with `pod` or `container`."""
    own = _OWN_OF_POD if path == "pod" else _OWN_OF_CONTAINER
    kind = k8s.core.v1.PodSpecArgs if path == "pod" else k8s.core.v1.ContainerArgs
    for key in sorted(given or {}):
        if key in own:
            yield Problem(f"{path}.{key}", own[key])
    yield from _typed(given or {}, kind, path)
    yield from _uncounted(given or {}, path)


def merged(base: Mapping[str, Any], more: Mapping[str, Any] | None) -> dict[str, Any]:
    """The base with what is added: maps by key, lists of named things by name and else behind each
    other, anything else replaced."""
    made = dict(base)
    for key, value in (more or {}).items():
        there = made.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            made[key] = merged(there, value)
        elif isinstance(there, list) and isinstance(value, Sequence):
            names = {one["name"] for one in value if isinstance(one, Mapping) and "name" in one}
            kept = [
                one for one in there if not (isinstance(one, Mapping) and one.get("name") in names)
            ]
            made[key] = [*kept, *value]
        else:
            made[key] = value
    return made


def _typed(value: Any, kind: Any, path: str) -> Iterator[Problem]:
    """Fields that the type does not have, and values of another type. An Output may be anything."""
    if isinstance(value, pulumi.Output):
        return
    if is_input_type(kind):
        yield from _typed_map(value, kind, path)
    elif get_origin(kind) in (list, Sequence):
        if isinstance(value, str) or not isinstance(value, Sequence):
            yield Problem(path, "must be a list")
            return
        for index, item in enumerate(value):
            yield from _typed(item, unwrap_type(get_args(kind)[0]), f"{path}[{index}]")
    else:
        wanted, right = _SIMPLE.get(kind, ("", lambda _: True))
        if not right(value):
            yield Problem(path, f"must be {wanted}")


_SIMPLE: Final[Mapping[Any, tuple[str, Callable[[Any], bool]]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str: ("text", lambda value: isinstance(value, str)),
    int: (
        "a number",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    ),
}


def _typed_map(value: Any, kind: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(path, "must be a map")
        return
    types = input_type_types(kind)
    for key, item in value.items():
        if key in types:
            yield from _typed(item, types[key], f"{path}.{key}")
            continue
        near = did_you_mean(str(key), types)
        yield Problem(f"{path}.{key}", f"is not a field that Kubernetes knows here{near}")


def _uncounted(given: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """GPUs that `gpus` does not tell of, and parts in which they could hide."""
    if path == "container":
        yield from _of_resources(given.get("resources"), "container.resources")
        return
    for key in ("containers", "initContainers"):
        several = given.get(key) or ()
        if isinstance(several, pulumi.Output):
            yield Problem(f"{path}.{key}", _HIDDEN)
            continue
        for index, one in enumerate(several if isinstance(several, Sequence) else ()):
            where = f"{path}.{key}[{index}]"
            if isinstance(one, pulumi.Output):
                yield Problem(where, _HIDDEN)
            elif isinstance(one, Mapping):
                if not one.get("name") or one.get("name") == "server":
                    yield Problem(where, "needs a name other than server")
                yield from _of_resources(one.get("resources"), f"{where}.resources")


_HIDDEN: Final = "must be plain, not an Output: it could ask for GPUs that are not counted"


def _of_resources(resources: Any, where: str) -> Iterator[Problem]:
    if isinstance(resources, pulumi.Output):
        yield Problem(where, _HIDDEN)
        return
    if not isinstance(resources, Mapping):
        return
    if resources.get("claims"):
        yield Problem(f"{where}.claims", "could ask for GPUs that are not counted; use `gpus`")
    for key in ("limits", "requests"):
        amounts = resources.get(key)
        if isinstance(amounts, pulumi.Output):
            yield Problem(f"{where}.{key}", _HIDDEN)
        for resource in sorted(amounts or ()) if isinstance(amounts, Mapping) else ():
            if is_accelerator(resource):
                yield Problem(
                    f"{where}.{key}.{resource}",
                    "asks for GPUs that are not counted: a replica has those of `gpus`",
                )
