"""Interactive sessions: Kubeflow notebooks are StatefulSets of one pod until they are stopped
them."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.capacity import Cause, Evidence, Hold, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, annotation, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import Hidden
from zerofloor.values import at

KINDS = frozenset({("kubeflow.org", "Notebook")})

STOPPED = "kubeflow-resource-stopped"
"""The annotation by which the dashboard and the culler stop a notebook (kubeflow/notebooks,
`culler.go`)."""


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, *KINDS):
        yield _notebook(estate, obj)


def _notebook(estate: Estate, obj: Object) -> Workload:
    reading = read_pod(
        estate,
        obj,
        obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "template"),
        "spec.template",
    )
    path = f'metadata.annotations["{STOPPED}"]'
    stopped = annotation(obj, STOPPED)
    if isinstance(stopped, Hidden):
        part = Undecided(
            obj.urn, path, "Whether the notebook is stopped is not known at preview", SETTLE
        )
        return build(estate, obj, reading, undecided=(part,), desired=1, ceiling=1)
    if stopped is not None:
        return build(estate, obj, reading, ceiling=1)
    because = Evidence(obj.urn, path, None, "a notebook runs one pod until it is stopped")
    hold = Hold(
        cause=Cause.INTERACTIVE,
        urn=obj.urn,
        units=1,
        evidence=(because,),
        fix=f"Stop it when idle: {path}, or the notebook controller's culling with a hint",
    )
    return build(estate, obj, reading, holds=(hold,), desired=1, ceiling=1)
