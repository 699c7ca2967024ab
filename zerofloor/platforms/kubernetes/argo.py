"""Argo Workflows: templates that run to their end, in the workflow itself or by reference.

Source: Argo Workflows docs, "Workflow Templates" and "Cron Workflows".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from zerofloor.capacity import Assumption, Part, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, meet, objects
from zerofloor.platforms.kubernetes.pods import SETTLE, read_pod, suspended
from zerofloor.platforms.kubernetes.rows import run_once
from zerofloor.platforms.kubernetes.workloads import build
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.values import at, items, text

_GROUP: Final = "argoproj.io"
KINDS = frozenset({(_GROUP, "Workflow"), (_GROUP, "CronWorkflow")})


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, (_GROUP, "Workflow")):
        yield from _workflow(estate, obj, obj.spec, "spec")
    for obj in objects(estate, (_GROUP, "CronWorkflow")):
        spec = obj.spec if isinstance(obj.spec, Hidden) else at(obj.spec, "workflowSpec")
        for part in _workflow(estate, obj, spec, "spec.workflowSpec"):
            yield _scheduled(obj, part) if isinstance(part, Workload) else part


def _scheduled(obj: Object, workload: Workload) -> Workload:
    if suspended(at(obj.spec, "suspend")) is True:
        return replace(workload, holds=(), undecided=(), desired=0, ceiling=0)
    listed = items(at(obj.spec, "schedules"))
    first = listed[0] if isinstance(listed, list) and listed else listed
    given = text(at(obj.spec, "schedule"))
    schedule = given if given is not None else text(first)
    if isinstance(schedule, Hidden):
        return replace(workload, desired=0, schedule_hidden=True)
    return replace(workload, desired=0, schedule=schedule)


def _workflow(estate: Estate, obj: Object, spec: Any, path: str) -> Iterator[Part]:
    if isinstance(spec, Hidden):
        yield build(estate, obj, read_pod(estate, obj, spec, path), ceiling=None)
        return
    yield from _templates(estate, obj, at(spec, "templates"), f"{path}.templates", "")
    names = set(_references(spec))
    known = [one for one in objects(estate, *_TEMPLATES) if meet(one, obj)]
    for name in sorted(one for one in names if isinstance(one, str)):
        found = [one for one in known if one.name == name]
        if not found and any(one.name_hidden for one in known):
            names.add(UNKNOWN)
        elif not found:
            what = f"{obj.kind} {obj.shown_name} runs to its end"
            yield Assumption(what, f"the template {name} is not in the stack")
        for one in found[:1]:
            place = f"{path}.workflowTemplateRef"
            yield from _templates(estate, obj, at(one.spec, "templates"), place, f"{name} ")

    if any(isinstance(name, Hidden) for name in names):
        why = "A template that it refers to is not known at preview: it may keep GPUs"
        yield Undecided(obj.urn, f"{path}.workflowTemplateRef", why, SETTLE)


_TEMPLATES: Final = ((_GROUP, "WorkflowTemplate"), (_GROUP, "ClusterWorkflowTemplate"))


def _templates(
    estate: Estate, obj: Object, templates: Any, path: str, prefix: str
) -> Iterator[Workload]:
    listed = items(templates)
    for index, part in enumerate([listed] if isinstance(listed, Hidden) else listed):
        yield run_once(estate, obj, part, f"{path}[{index}]", f"{prefix}{index}")


_STEPS: Final = frozenset({"steps", "dag", "tasks", "templateRef", "workflowTemplateRef"})


def _references(value: Any, key: str = "", depth: int = 0) -> Iterator[str | Hidden]:
    """The names of the workflow templates that a workflow refers to, at any depth; hidden where a
    name or a step is."""
    if depth > 20:
        return
    if isinstance(value, Hidden):
        if key in _STEPS:
            yield value
    elif isinstance(value, Mapping):
        name = text(value.get("name"))
        if key in ("workflowTemplateRef", "templateRef") and name is not None:
            yield name
        for inner_key, inner in value.items():
            yield from _references(inner, inner_key, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _references(inner, key, depth + 1)
