"""Helm charts whose values say how many pods they keep and what each asks for: those are read as
the objects that the chart makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from zerofloor.capacity import Cause, Evidence, Undecided, Workload
from zerofloor.estate import Estate
from zerofloor.patterns import lazy
from zerofloor.platforms.kubernetes.charts import plain_name
from zerofloor.platforms.kubernetes.model_servers import node_affinity, profile_resources
from zerofloor.platforms.kubernetes.objects import Object, merged
from zerofloor.platforms.kubernetes.pods import SETTLE, PodReading, one_container, read_pod
from zerofloor.platforms.kubernetes.workloads import build, keep_pods, scaled_to_zero
from zerofloor.stack import UNKNOWN, Hidden
from zerofloor.structs import Value
from zerofloor.values import at, count, get, items, mapping, switch, text


class Chart(Value, frozen=True, kw_only=True):
    """One chart, or one of the parts that its values list."""

    name: re.Pattern[str]
    number: str
    """The path of the number of pods without a request."""
    default: int
    """The number where it is absent."""
    template: Callable[[Any, Any], Any]
    """The pod template that the chart makes of the values and a part of them."""
    asks: str
    """The path (in a part) at which the values ask for GPUs."""
    source: str
    cause: Cause = Cause.FIXED_REPLICAS
    each: str = ""
    """The path of a list or map of parts; empty: the chart is one part."""
    only_if: str = ""
    """The path of a switch without which there is no such part."""
    others: tuple[str, ...] = ()
    """Paths of switches that, turned on, leave the number to something else."""
    maximum: str = ""
    """The path of the number that its own scaler scales out to."""
    needs: str = ""
    """The path of an object without which it is another chart of this name."""
    kind: str = ""
    """What the chart makes, where a scaler may move it."""
    called: Callable[[str | None, Any, Any], str | None] | None = None
    """The name of that, by the release's name (None: made up), the values and the part; None where
    it can't be told."""


def _runner(values: Any, _: Any) -> Any:
    return at(values, "template")


def _ollama(values: Any, _: Any) -> Any:
    gpu = at(values, "ollama", "gpu")
    number, kind = at(gpu, "number"), text(at(gpu, "type"))
    on = switch(at(gpu, "enabled"))
    if isinstance(on, Hidden) or isinstance(kind, Hidden):
        return UNKNOWN
    given = at(values, "resources")
    if on:
        resource = "amd.com/gpu" if kind == "amd" else "nvidia.com/gpu"
        given = merged(given or {}, {"limits": {resource: 1 if number is None else number}})
    return one_container({"resources": given}, values)


def _stack_model(values: Any, part: Any) -> Any:
    kind = text(at(part, "requestGPUType"))
    if isinstance(kind, Hidden):
        return kind
    resources = {"limits": {kind or "nvidia.com/gpu": at(part, "requestGPU")}}
    own, shared = at(part, "tolerations"), at(values, "servingEngineSpec", "tolerations")
    placed = {
        "nodeSelector": at(part, "nodeSelector"),
        "affinity": node_affinity(at(part, "nodeSelectorTerms")),
        "tolerations": shared if own is None else own,
    }
    return one_container({"resources": resources}, placed)


def _nim(values: Any, _: Any) -> Any:
    given = at(values, "resources")
    resources = {"limits": {"nvidia.com/gpu": 1}} if given is None else given
    return one_container({"resources": resources}, values)


def _kubeai(_: Any, part: Any) -> Any:
    profile = at(part, "resourceProfile")
    # The chart's own catalogue has one for each model.
    resources = UNKNOWN if profile is None else profile_resources(profile)
    # Where it may run stands in the profile, which is not here.
    return one_container({"resources": resources}, {"tolerations": [{"operator": "Exists"}]})


def _ollama_name(release: str | None, values: Any, _: Any) -> str | None:
    """`ollama.fullname`, as charts that `helm create` made have it."""
    whole, short = text(at(values, "fullnameOverride")), text(at(values, "nameOverride"))
    if isinstance(whole, Hidden) or isinstance(short, Hidden):
        return None
    if whole or release is None:
        return whole or None
    chart = short or "ollama"
    return release if chart in release else f"{release}-{chart}"


def _stack_name(release: str | None, _: Any, part: Any) -> str | None:
    name = text(at(part, "name"))
    if release is None or not isinstance(name, str):
        return None
    return f"{release}-{name}-deployment-vllm"


CHARTS: Final = (
    Chart(
        name=lazy("gha-runner-scale-set"),
        number="minRunners",
        default=0,
        maximum="maxRunners",
        template=_runner,
        asks="template",
        cause=Cause.SCALER_MINIMUM,
        source="actions/actions-runner-controller, charts/gha-runner-scale-set/values.yaml: "
        "minRunners idle runners, 0 by default",
    ),
    Chart(
        name=lazy("ollama"),
        number="replicaCount",
        default=1,
        template=_ollama,
        asks="ollama.gpu",
        others=("autoscaling.enabled", "knative.enabled", "ollama.gpu.mig.enabled"),
        needs="ollama.gpu",
        kind="Deployment",
        called=_ollama_name,
        source="otwld/ollama-helm, values.yaml: replicaCount 1, ollama.gpu.number 1",
    ),
    Chart(
        name=lazy("vllm-stack"),
        each="servingEngineSpec.modelSpec",
        number="replicaCount",
        default=1,
        template=_stack_model,
        asks="requestGPU",
        others=("keda.enabled", "raySpec.enabled"),
        needs="servingEngineSpec",
        kind="Deployment",
        called=_stack_name,
        source="vllm-project/production-stack, helm/templates/deployment-vllm-multi.yaml",
    ),
    Chart(
        name=lazy("nim-llm"),
        number="replicaCount",
        default=1,
        template=_nim,
        asks="resources",
        others=("autoscaling.enabled", "multiNode.enabled"),
        kind="StatefulSet",
        source="https://docs.nvidia.com/nim/large-language-models/latest/deploy-helm.html: "
        "replicaCount 1, resources.limits nvidia.com/gpu 1",
    ),
    Chart(
        name=lazy("models|kubeai"),
        each="catalog",
        only_if="enabled",
        number="minReplicas",
        default=0,
        maximum="maxReplicas",
        template=_kubeai,
        asks="resourceProfile",
        cause=Cause.SCALER_MINIMUM,
        others=("autoscalingDisabled",),
        source="substratusai/kubeai, charts/models/templates/models.yaml",
    ),
)


def chart_of(chart: str) -> Chart | None:
    """The row of a chart whose values are read."""
    name = plain_name(chart)
    return next((row for row in CHARTS if row.name.fullmatch(name)), None)


def hides_gpus(row: Chart, values: Any, path: str) -> str | None:
    """Where values that aren't known may ask for GPUs; None where none do."""
    for part, where, _ in _parts(row, values, path):
        if isinstance(part, Hidden) or isinstance(get(part, row.asks), Hidden):
            return where if isinstance(part, Hidden) else f"{where}.{row.asks}"
        if isinstance(at(get(part, row.asks), "spec"), Hidden):
            return f"{where}.{row.asks}.spec"
    return None


def read_values(
    estate: Estate, obj: Object, row: Chart, values: Any, path: str
) -> Iterator[Workload] | None:
    """The workloads that the values at `path` declare; None where they don't tell. `obj` is the
    release, nameless where its name is made up."""
    if row.needs and not isinstance(get(values, row.needs), Mapping):
        return None
    found = list(_parts(row, values, path))
    readable = [part for part, _, _ in found if isinstance(part, Mapping)]
    if not found or len(readable) != len(found):
        return None
    if row.each and not any(_is_there(row, part) is not False for part in readable):
        return None
    in_text = get(obj.resource.inputs, path) != values
    made = (
        _named(_workload(estate, obj, row, (values, part), where, name), obj, row, values, part)
        for part, where, name in found
        if _is_there(row, part) is not False
    )
    return (_without_changes(one) if in_text else one for one in made)


def _without_changes(workload: Workload) -> Workload:
    """The same where its values stand in a text, in which no path is."""
    return replace(workload, holds=tuple(replace(hold, change=()) for hold in workload.holds))


def _at_its_path(obj: Object, row: Chart, part: Any, where: str, reading: PodReading) -> PodReading:
    """A pod as read, told by the values that it comes from rather than by the pod that the chart
    makes."""
    path = f"{where}.{row.asks}"
    told = tuple(
        Evidence(obj.urn, path, get(part, row.asks), one.because) for one in reading.evidence
    )
    undecided = tuple(replace(one, path=path) for one in reading.undecided)
    return replace(reading, evidence=told, undecided=undecided)


def _named(workload: Workload, obj: Object, row: Chart, values: Any, part: Any) -> Workload:
    """The workload as what the chart makes of it, so that a scaler of the stack finds it."""
    if not row.kind:
        return workload
    name = row.called(obj.name, values, part) if row.called is not None else None
    return replace(
        workload,
        kind=row.kind,
        name=name or workload.name,
        name_hidden=name is None,
        autonamed=False,
        has_scale=True,
    )


def _is_there(row: Chart, part: Any) -> bool | Hidden:
    wanted = switch(get(part, row.only_if)) if row.only_if else True
    return False if wanted is None else wanted


def _parts(row: Chart, values: Any, path: str) -> Iterator[tuple[Any, str, str]]:
    """Each part with its path and its name."""
    if not row.each:
        yield values, path, ""
        return
    listed = get(values, row.each)
    known = mapping(listed)
    if isinstance(listed, Mapping) and isinstance(known, Mapping):
        for name, part in sorted(known.items()):
            yield part, f'{path}.{row.each}["{name}"]', str(name)
        return
    elements = items(listed)
    if isinstance(elements, Hidden):
        yield elements, f"{path}.{row.each}", ""
        return
    for index, part in enumerate(elements):
        called = text(at(part, "name"))
        name = called if isinstance(called, str) else str(index)
        yield part, f"{path}.{row.each}[{index}]", name


def _workload(
    estate: Estate, obj: Object, row: Chart, given: tuple[Any, Any], where: str, name: str
) -> Workload:
    """`given` are the values and the part of them."""
    part = given[1]
    reading = _at_its_path(
        obj, row, part, where, read_pod(estate, obj, row.template(*given), where)
    )
    open_switch = next(
        (path for path in row.others if switch(get(part, path)) not in (None, False)), None
    )
    there = _is_there(row, part)
    if open_switch is not None or isinstance(there, Hidden):
        at_fault = f"{where}.{open_switch or row.only_if}"
        why = f"{at_fault} leaves the number of GPU pods to what isn't in the document"
        undecided = Undecided(obj.urn, at_fault, why, SETTLE)
        return build(estate, obj, reading, undecided=(undecided,), ceiling=None, part=name)
    number = f"{where}.{row.number}"
    maximum = count(get(part, row.maximum)) if row.maximum else None
    return keep_pods(
        estate,
        obj,
        reading,
        value=get(part, row.number),
        path=number,
        default=row.default,
        cause=row.cause,
        fix=(
            scaled_to_zero(number, declared=get(part, row.number) is not None)
            if row.kind
            else f"Set {number} to 0"
        ),
        part=name,
        ceiling=maximum if isinstance(maximum, int) else None,
        scales=row.cause is Cause.FIXED_REPLICAS,
    )
