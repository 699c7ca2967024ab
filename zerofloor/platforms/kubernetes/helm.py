"""Helm releases, whoever installs them: what a chart makes is not in the document, so its name and
its values tell whether it may ask for GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Evidence,
    Part,
    PodDemand,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate, workload_hint
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.patterns import lazy
from zerofloor.platforms.kubernetes.chart_values import chart_of, hides_gpus, read_values
from zerofloor.platforms.kubernetes.charts import (
    is_driver,
    is_infrastructure,
    may_serve_models,
    names_model_server,
    plain_name,
    serves_models,
)
from zerofloor.platforms.kubernetes.objects import Object, cluster_of, group_kind
from zerofloor.platforms.unread import names_gpu
from zerofloor.platforms.unread.texts import documents_in
from zerofloor.stack import Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import (
    at,
    count,
    get,
    hidden,
    items,
    known_items,
    known_mapping,
    known_text,
    quantity,
)

TYPES: Final = frozenset(
    {
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:helm.sh/v3:Chart",
        "kubernetes:helm.sh/v4:Chart",
        "kubernetes:helm.sh/v2:Chart",
        "helm:index/release:Release",
        "aws-native:eks:Addon",
        "aws:eks/addon:Addon",
    }
)
_TERRAFORM: Final = "helm:index/release:Release"
"""hashicorp/helm's helm_release through the Terraform bridge."""
_FLUX: Final = ("helm.toolkit.fluxcd.io", "HelmRelease")
_K3S: Final = ("helm.cattle.io", "HelmChart")
_ARGO: Final = ("argoproj.io", "Application")
_ARGO_SET: Final = ("argoproj.io", "ApplicationSet")
KINDS: Final = frozenset({_FLUX, _K3S, _ARGO, _ARGO_SET})
"""Custom resources by which a controller in the cluster installs a chart."""

SETTLE: Final = (
    "Render it (helm template) and check the manifests together with the stack (--join), or add a "
    "hint with a reason to zerofloor.yaml"
)


_Values = tuple[tuple[str, Any], ...]


class Release(Value, frozen=True, kw_only=True):
    """One chart that is installed with these values."""

    resource: Resource
    chart: str | Hidden | None
    chart_path: str
    name: str
    is_name_known: bool = True
    """False where the name is hidden, and `name` is the program's own for it."""
    namespace: str
    values: tuple[tuple[str, Any], ...]
    """Each set of values with its path; a later one overrides an earlier one."""
    unseen: str = ""
    """The path of values that stand in a file which is not in the document."""


def reads(token: str) -> bool:
    """Whether this type installs a chart."""
    return token in TYPES or group_kind(token) in KINDS


def read(estate: Estate) -> Iterable[Part]:
    for token in sorted(estate.by_type):
        if not reads(token) or "addon" in token.lower():
            continue
        for resource in estate.by_type[token]:
            if token.endswith(":Chart") and estate.children.get(resource.urn):
                # A Chart renders its manifests as children: those are read instead.
                continue
            for release in _releases(resource):
                profiles = tuple(_profiles(release))
                yield from profiles
                yield from _judged(estate, _without(release, profiles) if profiles else release)


def _releases(resource: Resource) -> Iterator[Release]:
    """The charts that a resource installs: several for an Argo CD application with sources."""
    kind = group_kind(resource.type)
    inputs, spec = resource.inputs, resource.inputs.get("spec")
    if kind == _FLUX:
        path = "spec.chart.spec.chart"
        yield _of_object(resource, at(spec, "chart", "spec", "chart"), path, ("spec.values",))
    elif kind == _K3S:
        paths = ("spec.valuesContent", "spec.set")
        yield _of_object(resource, at(spec, "chart"), "spec.chart", paths)
    elif kind in (_ARGO, _ARGO_SET):
        yield from _of_argo(resource, kind == _ARGO_SET)
    else:
        chart = inputs.get("chart")
        files = inputs.get("valueYamlFiles")
        texts, unseen = _from_files(files)
        own: _Values = (("values", inputs["values"]),) if "values" in inputs else ()
        if resource.type == _TERRAFORM:
            own = _of_terraform(inputs)
        yield Release(
            resource=resource,
            chart=chart if isinstance(chart, str | Hidden) else None,
            chart_path="chart",
            name=known_text(inputs.get("name")) or resource.name,
            is_name_known=not hidden(inputs.get("name")),
            namespace=_namespace(inputs.get("namespace"), inputs),
            values=(*texts, *own),
            unseen=unseen,
        )


def _of_terraform(inputs: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """YAML texts, then what is set one by one (hashicorp/helm: `values`, `set`)."""
    found: list[tuple[str, Any]] = []
    texts = items(inputs.get("values"))
    if isinstance(texts, Hidden):
        found.append(("values", texts))
    else:
        for index, text in enumerate(texts):
            path = f"values[{index}]"
            if isinstance(text, str):
                found += [(path, document) for document in documents_in(text)]
            else:
                found.append((path, text))
    for name in ("sets", "set", "setLists", "setSensitives"):
        if inputs.get(name) is not None:
            found.append((name, _nested(inputs[name])))
    return tuple(found)


def _from_files(files: Any) -> tuple[tuple[tuple[str, Any], ...], str]:
    """Values from files: those whose text is there, and the path of the first that is not."""
    found: list[tuple[str, Any]] = []
    unseen = "valueYamlFiles" if isinstance(files, Hidden) else ""
    for index, file in enumerate(known_items(files) if not isinstance(files, Hidden) else ()):
        path = f"valueYamlFiles[{index}]"
        text = file.get("text") if isinstance(file, Mapping) else None
        parsed = documents_in(text) if isinstance(text, str) else ()
        if parsed or (isinstance(text, str) and not text.strip()):
            found += [(path, document) for document in parsed]
        else:
            unseen = unseen or path
    return tuple(found), unseen


def _of_object(resource: Resource, chart: Any, chart_path: str, paths: tuple[str, ...]) -> Release:
    values: list[tuple[str, Any]] = []
    unseen = ""
    for path in paths:
        value = get(resource.inputs, path)
        if isinstance(value, str):
            values += [(path, document) for document in documents_in(value)]
        elif value is not None:
            values.append((path, _nested(value)))
    others = items(get(resource.inputs, "spec.valuesFrom"))
    if isinstance(others, Hidden) or others:
        unseen = "spec.valuesFrom"
    metadata = resource.inputs.get("metadata")
    return Release(
        resource=resource,
        chart=chart if isinstance(chart, str | Hidden) else None,
        chart_path=chart_path,
        name=known_text(at(metadata, "name")) or resource.name,
        is_name_known=not hidden(at(metadata, "name")),
        namespace=_namespace(at(resource.inputs, "spec", "targetNamespace"), resource.inputs),
        values=tuple(values),
        unseen=unseen,
    )


def _nested(value: Any) -> Any:
    """Values that are given one by one, as `helm --set` spells them (`a.b\\.c`), as the mapping
    that they make."""
    pairs = list(value.items()) if isinstance(value, Mapping) else []
    for item in known_items(value) if not pairs else ():
        name = item if hidden(item) else at(item, "name")
        if isinstance(name, Hidden):
            return name  # any of the values may be the one
        if name is not None:
            pairs.append((str(name), at(item, "value")))
    if not any("." in str(name) for name, _ in pairs):
        return value
    made: dict[str, Any] = {}
    for name, given in pairs:
        *above, last = (part.replace("\\", "") for part in re.split(r"(?<!\\)\.", str(name)))
        inner = made
        for part in above:
            below = inner.setdefault(part, {})
            inner = below if isinstance(below, dict) else {}
        inner[last] = given
    return made


def _of_argo(resource: Resource, is_set: bool) -> Iterator[Release]:
    """The sources of an Argo CD application that are charts; the others are folders of manifests
    elsewhere."""
    spec = "spec.template.spec" if is_set else "spec"
    sources = [f"{spec}.source"]
    listed = items(get(resource.inputs, f"{spec}.sources"))
    if isinstance(listed, Hidden):
        sources.append(f"{spec}.sources")
    else:
        sources += [f"{spec}.sources[{index}]" for index in range(len(listed))]
    for source in sources:
        given = get(resource.inputs, source)
        if isinstance(given, Hidden):
            yield _of_object(resource, given, source, ())
            continue
        if not isinstance(given, Mapping) or not ("chart" in given or "helm" in given):
            continue
        chart = given.get("chart", given.get("path"))
        paths = (
            f"{source}.helm.values",
            f"{source}.helm.valuesObject",
            f"{source}.helm.parameters",
        )
        yield _of_object(resource, chart, f"{source}.chart", paths)


def _namespace(value: Any, inputs: Mapping[str, Any]) -> str:
    if hidden(value):
        return ""
    return known_text(value) or known_text(at(inputs, "metadata", "namespace")) or "default"


def _judged(estate: Estate, release: Release) -> Iterator[Part]:
    chart = release.chart
    if isinstance(chart, Hidden):
        said = f"the chart is {chart.value} at preview"
        yield _workload(estate, release, release.chart_path, said, PodDemand(open_count=True))
        return
    if chart is not None and is_driver(chart):
        yield from _of_a_driver(estate, release, chart)
        return
    infrastructure = chart is not None and is_infrastructure(chart)
    for path, values in release.values:
        if not isinstance(values, Hidden):
            continue
        if infrastructure and release.is_name_known and not names_model_server(release.name):
            because = f"{chart} runs without accelerators"
            yield Accounted(urn=release.resource.urn, path=path, because=because)
            continue
        said = f"values is {values.value} at preview"
        yield _workload(estate, release, path, said, PodDemand(open_count=True))
        return
    found = next(filter(None, (_asks(path, values) for path, values in release.values)), None)
    found = found or _by_name(release) or _hides(release)
    if found is not None:
        path, said, pod = found
        told = _by_values(estate, release)
        if told is not None:
            yield from told
            return
        if _runs_no_pod(release):
            assumption = Assumption(
                f"Chart {chart or release.name} runs no pod",
                "its values say replicas 0; what it does with them is not declared",
            )
            yield _plain(estate, release, pod, assumptions=(assumption,))
            return
        yield _workload(estate, release, path, said, pod)
        return
    if not infrastructure:
        yield from _unshown(estate, release, chart)


_PROFILES: Final = frozenset({"resourceProfiles", "cacheProfiles", "modelServers"})
"""KubeAI's values that Models choose from: they run nothing (KubeAI docs, "Resource profiles")."""


def _profiles(release: Release) -> Iterator[Accounted]:
    if not isinstance(release.chart, str) or plain_name(release.chart) != "kubeai":
        return
    for path, values in release.values:
        given = _PROFILES & values.keys() if isinstance(values, Mapping) else ()
        for name in sorted(given):
            because = "profiles run nothing: Models choose from them"
            yield Accounted(urn=release.resource.urn, path=f"{path}.{name}", because=because)


def _without(release: Release, profiles: tuple[Accounted, ...]) -> Release:
    """The release without those of its values."""
    left = {one.path for one in profiles}
    kept = tuple(
        (path, {key: value for key, value in values.items() if f"{path}.{key}" not in left})
        if isinstance(values, Mapping)
        else (path, values)
        for path, values in release.values
    )
    return replace(release, values=kept)


def _by_values(estate: Estate, release: Release) -> Iterable[Part] | None:
    """What a chart makes of its values, where a table knows that and all of them are here."""
    row = chart_of(release.chart) if isinstance(release.chart, str) else None
    if row is None or release.unseen or len(release.values) != 1:
        return None
    path, values = release.values[0]
    if not isinstance(values, Mapping):
        return None
    obj = Object(
        resource=release.resource,
        group="helm.sh",
        version="v3",
        kind="Release",
        name=_given_name(release.resource),
        name_hidden=False,
        namespace=release.namespace or None,
        body=release.resource.inputs,
        cluster=cluster_of(estate, release.resource),
    )
    return read_values(estate, obj, row, values, path)


def _given_name(resource: Resource) -> str | None:
    """The name that a release has for certain; None where a provider or controller makes it up."""
    kind, inputs = group_kind(resource.type), resource.inputs
    if kind is None:
        return known_text(inputs.get("name"))
    spec = inputs.get("spec")
    if kind == _FLUX and at(spec, "targetNamespace") is None:
        own = known_text(at(spec, "releaseName"))
        return own or known_text(at(inputs, "metadata", "name"))
    return None


def _unshown(estate: Estate, release: Release, chart: str | None) -> Iterator[Part]:
    """A chart of which nothing that is declared asks for a GPU, and that may do so by itself."""
    if release.unseen:
        # In a cluster's own store values are the rule; a program's file is there to be read.
        if release.unseen.startswith("spec.") and not _is_model_server(release):
            yield Assumption(
                f"Chart {chart or release.name} asks for no GPU",
                f"its values stand in {release.unseen}, which is not in the document",
            )
            return
        said = "values that the document doesn't show"
        yield _workload(estate, release, release.unseen, said, PodDemand(open_count=True))
        return
    if release.resource.type.endswith(":Chart"):
        # The provider renders it into children: without any, it was not rendered.
        said = "it was not rendered"
        yield _workload(estate, release, release.chart_path, said, PodDemand(open_count=True))
        return
    if chart is not None and may_serve_models(chart) and not any(v for _, v in release.values):
        said = f"{chart} is called like a model server and no values are given"
        yield _workload(estate, release, release.chart_path, said, PodDemand(open_count=True))
        return
    yield Assumption(
        f"Chart {chart or release.name} asks for no GPU by default",
        "its values name none and its manifests are not in the document",
    )


def _is_model_server(release: Release) -> bool:
    named = (release.chart if isinstance(release.chart, str) else "", release.name)
    return any(map(names_model_server, named))


def _runs_no_pod(release: Release) -> bool:
    last = [values for _, values in release.values if isinstance(values, Mapping)]
    return any(
        count(values.get(name)) == 0 for values in last for name in ("replicaCount", "replicas")
    )


def _of_a_driver(estate: Estate, release: Release, chart: str) -> Iterator[Part]:
    """A driver's or an operator's chart: it names GPUs and asks for none, unless its values do."""
    for path, values in release.values:
        closed = next((found for found in names_gpu(values, path) if found.hidden), None)
        if isinstance(values, Hidden) or closed is not None:
            said = closed.said if closed is not None else "values are hidden at preview"
            yield _workload(estate, release, path, said, PodDemand(open_count=True))
            return
        amounts = dict(_amounts(values))
        if amounts:
            said = ", ".join(sorted(amounts))
            yield _workload(estate, release, path, said, PodDemand(accelerators=amounts))
            return
    because = f"{chart} serves the GPUs that other resources hold"
    yield Accounted(urn=release.resource.urn, path="", because=because)


def _asks(path: str, values: Any) -> tuple[str, str, PodDemand] | None:
    """Where the values ask for a GPU, and for how many."""
    found = next(names_gpu(values, path), None)
    if found is None:
        return None
    amounts = dict(_amounts(values))
    return found.path, found.said, PodDemand(accelerators=amounts, open_count=not amounts)


def _by_name(release: Release) -> tuple[str, str, PodDemand] | None:
    """A chart that asks for GPUs by default, where its values don't say otherwise."""
    chart = release.chart
    if not isinstance(chart, str):
        return None
    served = serves_models(chart)
    if served is not None and not any(_declines(values) for _, values in release.values):
        said = f"its default is {served.gpus} a pod"
        return release.chart_path, said, PodDemand(open_count=True)
    if re.search(r"(?:^|[-/])gpu(?:[-/]|$)", chart):
        return release.chart_path, chart, PodDemand(open_count=True)
    return None


_PLAIN: Final = lazy(
    r".*(?:token|secret|password|key|host|url|uri|name|image|tag|arn|id|domain|class|cidr|region|zone|email|user|version|bucket|endpoint|address|ip|port)s?",
    re.I,
)
"""Values that are text: hidden, they ask for no GPU."""


def _hides_in_row(release: Release) -> str | None:
    """Where the values of a chart that a table has hide what it asks for."""
    row = chart_of(release.chart) if isinstance(release.chart, str) else None
    if row is None:
        return None
    known = ((path, values) for path, values in release.values if isinstance(values, Mapping))
    return next(filter(None, (hides_gpus(row, values, path) for path, values in known)), None)


def _hides(release: Release) -> tuple[str, str, PodDemand] | None:
    """A part of a model server's values that is hidden and may ask for GPUs."""
    closed = _hides_in_row(release)
    if closed is not None:
        said = "a value that isn't known at preview"
        return closed, said, PodDemand(open_count=True)
    if not _is_model_server(release):
        return None
    for path, values in release.values:
        for name, inner in values.items() if isinstance(values, Mapping) else ():
            for key, value in _leading(name, inner):
                if isinstance(value, Hidden) and not _PLAIN.fullmatch(key.partition("[")[0]):
                    said = f"{key} is {value.value} at preview"
                    return f"{path}.{key}", said, PodDemand(open_count=True)
    return None


def _leading(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value, what stands right in it, and the elements of both: models are listed there."""
    yield name, value
    inner = value.items() if isinstance(value, Mapping) else ()
    for path, part in ((name, value), *((f"{name}.{key}", part) for key, part in inner)):
        if path != name:
            yield path, part
        if isinstance(part, list | tuple):
            yield from ((f"{path}[{index}]", item) for index, item in enumerate(part))


_NO_GPU: Final = frozenset({"numGpus", "gpus", "gpuCount", "requestGPU", "nvidia.com/gpu"})


def _declines(value: Any, depth: int = 0) -> bool:
    """Whether values set a number of GPUs to zero."""
    if depth > 40:
        return False
    if isinstance(value, Mapping):
        return any(
            (name in _NO_GPU and count(inner) == 0) or _declines(inner, depth + 1)
            for name, inner in value.items()
        )
    if isinstance(value, list | tuple):
        return any(_declines(inner, depth + 1) for inner in value)
    return False


def _amounts(value: Any, depth: int = 0) -> Iterator[tuple[str, Decimal]]:
    if depth > 40:
        return
    for key, inner in sorted(known_mapping(value).items()):
        if is_accelerator(key):
            amount = quantity(inner)
            if isinstance(amount, Decimal) and amount > 0:
                yield key, amount
        else:
            yield from _amounts(inner, depth + 1)
    for inner in known_items(value) if not known_mapping(value) else ():
        yield from _amounts(inner, depth + 1)


def _workload(estate: Estate, release: Release, path: str, said: str, pod: PodDemand) -> Workload:
    chart = release.chart if isinstance(release.chart, str) else "A chart"
    why = (
        f"Chart {chart} may keep GPU pods: its manifests aren't in the document, and {path} says "
        f"{said}"
    )
    undecided = Undecided(release.resource.urn, path, why, SETTLE)
    return _plain(estate, release, pod, undecided=(undecided,))


def _plain(
    estate: Estate,
    release: Release,
    pod: PodDemand,
    *,
    undecided: tuple[Undecided, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
) -> Workload:
    hint = workload_hint(estate.settings, release.resource.urn)
    if hint is not None and hint[0] != "always":
        undecided, assumptions = (), (*assumptions, hint[1])
    return Workload(
        urn=release.resource.urn,
        name=release.name,
        namespace=release.namespace,
        kind="Helm release",
        pod=pod,
        ceiling=None,
        opaque=True,
        undecided=undecided,
        assumptions=assumptions,
        evidence=(
            Evidence(
                release.resource.urn,
                release.chart_path,
                release.chart,
                "what it installs is not in the document",
            ),
        ),
    )
