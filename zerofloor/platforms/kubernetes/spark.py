"""Spark operator: applications run once, or again and again by schedule or restart policy.

Source: kubeflow/spark-operator, api/v1beta2/sparkapplication_types.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from zerofloor.capacity import Part, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, objects
from zerofloor.platforms.kubernetes.pods import one_container, read_pod, suspended
from zerofloor.platforms.kubernetes.workloads import build, keep_pods
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.values import at, count, text

_GROUP: Final = "sparkoperator.k8s.io"
KINDS = frozenset({(_GROUP, "SparkApplication"), (_GROUP, "ScheduledSparkApplication")})


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "SparkApplication")):
        yield from _application(estate, obj, obj.spec, "spec")
    for obj in objects(estate, (_GROUP, "ScheduledSparkApplication")):
        spec = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "template")
        stopped, schedule = suspended(at(obj.spec, "suspend")), text(at(obj.spec, "schedule"))
        for workload in _application(estate, obj, spec, "spec.template"):
            if stopped is True:
                yield replace(workload, holds=(), undecided=(), desired=0, ceiling=0)
            elif isinstance(schedule, Hidden):
                yield replace(workload, desired=0, schedule_hidden=True)
            else:
                yield replace(workload, desired=0, schedule=schedule)


def _application(estate: Estate, obj: Object, spec: Any, path: str) -> Iterator[Workload]:
    restarts = at(spec, "restartPolicy", "type")
    if isinstance(at(spec, "restartPolicy"), Hidden):
        restarts = UNKNOWN
    for role in ("driver", "executor"):
        pod = spec if isinstance(spec, Hidden) else at(spec, role)
        where = f"{path}.{role}"
        template = _template(pod)
        instances = at(pod, "instances") if role == "executor" else 1
        if restarts == "Always" or isinstance(restarts, Hidden):
            unread = isinstance(restarts, Hidden)
            yield keep_pods(
                estate,
                obj,
                read_pod(estate, obj, template, where),
                value=restarts if unread else instances,
                path=f"{path}.restartPolicy.type" if unread else f"{where}.instances",
                fix=f"Set {path}.restartPolicy.type to OnFailure or Never",
                part=role,
            )
            continue
        number = count(1 if instances is None else instances)
        most = number if isinstance(number, int) else None
        reading = read_pod(estate, obj, template, where)
        yield build(estate, obj, reading, part=role, desired=most or 0, ceiling=most)
        if isinstance(spec, Hidden):
            return


def _template(pod: Any) -> Any:
    if isinstance(pod, Hidden):
        return pod
    name, quantity = text(at(pod, "gpu", "name")), at(pod, "gpu", "quantity")
    if isinstance(name, Hidden) or isinstance(at(pod, "gpu"), Hidden):
        return one_container({"resources": UNKNOWN}, pod)
    limits = {} if name is None else {name: quantity}
    return one_container({"resources": {"limits": limits}}, pod)
