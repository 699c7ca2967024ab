"""Helm releases: what a chart makes is not in the document, so only its values can tell that it
asks for GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

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
from zerofloor.platforms.unread import names_gpu
from zerofloor.stack import Hidden, Resource
from zerofloor.values import at, count, hidden, known_items, known_mapping, known_text, quantity

TYPES: Final = frozenset(
    {
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:helm.sh/v3:Chart",
        "kubernetes:helm.sh/v4:Chart",
        "kubernetes:helm.sh/v2:Chart",
        "aws-native:eks:Addon",
        "aws:eks/addon:Addon",
    }
)

_DRIVERS: Final = re.compile(
    r"(?:.*/)?(?:gpu-operator|nvidia-device-plugin|k8s-device-plugin|dcgm-exporter|gpu-feature-discovery|nvidia-network-operator|network-operator"
    r"|node-feature-discovery|amd-gpu(?:-operator)?|gpu-operator-charts|neuron-helm-chart|neuron-device-plugin|aws-efa-k8s-device-plugin"
    r"|nvidia-dra-driver-gpu|hami|kai-scheduler|kueue|volcano|karpenter(?:-crd)?|cluster-autoscaler|keda|keda-add-ons-http|kube-prometheus-stack"
    r"|prometheus|grafana|opencost|kubecost|cost-analyzer|knative-operator|kserve|kserve-crd|kuberay-operator|lws|jobset|leader-worker-set)"
)
"""Charts of drivers, operators and schedulers: they name GPUs and run on GPU nodes as daemons, or
manage what others declare."""


_INFRASTRUCTURE: Final = re.compile(
    r"(?:.*/)?(?:ingress-nginx|nginx-ingress|nginx|traefik|cert-manager|external-dns|external-secrets|aws-load-balancer-controller|metrics-server|argo-cd|argocd"
    r"|aws-(?:ebs|efs|fsx|mountpoint-s3)-csi-driver|aws-node-termination-handler|aws-for-fluent-bit|fluent-bit|fluentd|loki(?:-stack)?|tempo|promtail|datadog"
    r"|opentelemetry-collector|istio.*|base|istiod|gateway|linkerd.*|cilium|calico|tigera-operator|vault|consul|postgresql(?:-ha)?|mysql|mariadb|mongodb"
    r"|redis(?:-cluster)?|valkey|rabbitmq|kafka|elasticsearch|opensearch|minio|velero|sealed-secrets|reloader|descheduler|kyverno|gatekeeper|harbor|gitlab"
    r"|keycloak|oauth2-proxy|cloudnative-pg|wordpress|jenkins|sonarqube|nats|temporal|airflow)"
)
"""Charts known to run without accelerators: hidden values (a password in an output) leave them
quiet."""


def read(estate: Estate) -> Iterable[Part]:
    for token in sorted(estate.by_type):
        if token not in TYPES or "addon" in token.lower():
            continue
        for resource in estate.by_type[token]:
            if token.endswith(":Chart") and estate.children.get(resource.urn):
                # A Chart renders its manifests as children: those are read instead.
                continue
            yield from _release(estate, resource)


def _release(estate: Estate, resource: Resource) -> Iterator[Part]:
    chart = known_text(resource.inputs.get("chart"))
    values = resource.inputs.get("values")
    names = [chart or "", known_text(resource.inputs.get("name")) or ""]
    if chart is not None and _DRIVERS.fullmatch(chart.rstrip("/")):
        yield from _of_a_driver(estate, resource, chart, values)
        return
    if isinstance(resource.inputs.get("chart"), Hidden):
        hidden_chart = f"chart is {resource.inputs['chart'].value} at preview"
        yield _workload(estate, resource, "chart", hidden_chart, PodDemand(open_count=True))
        return
    if isinstance(values, Hidden):
        if (
            not any(_names_model_server(name) for name in names)
            and chart is not None
            and _INFRASTRUCTURE.fullmatch(chart.rstrip("/"))
        ):
            yield Accounted(
                urn=resource.urn, path="values", because=f"{chart} runs without accelerators"
            )
            return
        yield _workload(
            estate,
            resource,
            "values",
            f"values is {values.value} at preview",
            PodDemand(open_count=True),
        )
        return
    found = _asks(values) or _from_chart(chart)
    if found is None:
        return
    path, said, pod = found
    if (
        count(known_mapping(values).get("replicaCount")) == 0
        or count(known_mapping(values).get("replicas")) == 0
    ):
        assumption = Assumption(
            f"chart {chart or resource.name} runs no pod",
            "its values say replicas 0; what it does with them is not declared",
        )
        yield _plain(estate, resource, pod, assumptions=(assumption,))
        return
    yield _workload(estate, resource, path, said, pod)


def _of_a_driver(estate: Estate, resource: Resource, chart: str, values: Any) -> Iterator[Part]:
    """A driver's or an operator's chart: it names GPUs and asks for none, unless its values do."""
    amounts = dict(_amounts(values))
    if amounts:
        pod = PodDemand(accelerators=amounts)
        yield _workload(estate, resource, "values", ", ".join(sorted(amounts)), pod)
        return
    because = f"{chart} serves the GPUs that other resources hold"
    yield Accounted(urn=resource.urn, path="", because=because)


def _asks(values: Any) -> tuple[str, str, PodDemand] | None:
    """Where the values ask for a GPU, and for how many."""
    found = next(names_gpu(values, "values"), None)
    if found is None:
        return None
    amounts = dict(_amounts(values))
    return found[0], found[1], PodDemand(accelerators=amounts, open_count=not amounts)


def _from_chart(chart: str | None) -> tuple[str, str, PodDemand] | None:
    return (
        ("chart", chart, PodDemand(open_count=True))
        if chart and re.search(r"(?:^|[-/])gpu(?:[-/]|$)", chart)
        else None
    )


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


def _names_model_server(name: str) -> bool:
    return bool(re.search(r"gpu|vllm|ollama|triton|inference|llm|nim|tgi|sglang", name))


def _workload(estate: Estate, resource: Resource, path: str, said: str, pod: PodDemand) -> Workload:
    chart = known_text(resource.inputs.get("chart")) or "a chart"
    why = (
        f"{chart} is a chart whose manifests are not in the document ({path}: {said}): it may keep "
        "GPU pods"
    )
    settle = (
        "Render it (helm template) and check the manifests along (--join), or add a hint with "
        "a reason to zerofloor.yaml"
    )
    return _plain(estate, resource, pod, undecided=(Undecided(resource.urn, path, why, settle),))


def _plain(
    estate: Estate,
    resource: Resource,
    pod: PodDemand,
    *,
    undecided: tuple[Undecided, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
) -> Workload:
    namespace = resource.inputs.get("namespace")
    hint = workload_hint(estate.settings, resource.urn)
    if hint is not None and hint[0] != "always":
        undecided, assumptions = (), (*assumptions, hint[1])
    return Workload(
        urn=resource.urn,
        name=known_text(resource.inputs.get("name")) or resource.name,
        namespace=""
        if hidden(namespace)
        else known_text(namespace)
        or known_text(at(resource.inputs, "metadata", "namespace"))
        or "default",
        kind="Helm release",
        pod=pod,
        ceiling=None,
        opaque=True,
        undecided=undecided,
        assumptions=assumptions,
        evidence=(
            Evidence(
                resource.urn,
                "chart",
                resource.inputs.get("chart"),
                "what it installs is not in the document",
            ),
        ),
    )
