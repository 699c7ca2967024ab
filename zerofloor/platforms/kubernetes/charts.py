"""Helm charts by their names: which ask for a GPU by default, which serve the GPUs of others, which
run without any."""

from __future__ import annotations

import re
from typing import Final

from zerofloor.patterns import lazy
from zerofloor.structs import Value


class Served(Value, frozen=True, kw_only=True):
    """A chart whose pods ask for GPUs unless its values say otherwise."""

    name: re.Pattern[str]
    gpus: str
    """What each of its pods asks for by default."""
    source: str


def _served(name: str, gpus: str, source: str) -> Served:
    return Served(name=lazy(name), gpus=gpus, source=source)


SERVED: Final = (
    _served(
        r"nim-.+|.+-nim(?:-.+)?|nim|nvidia-nim-.+",
        "1 GPU",
        "https://docs.nvidia.com/nim/large-language-models/latest/deploy-helm.html: resources, "
        '"more than the default of one GPU"',
    ),
    _served(r"riva-api|riva-.*", "1 GPU", "https://docs.nvidia.com/deeplearning/riva/"),
    _served(
        r"vllm|vllm-openai|vllm-server",
        "1 GPU",
        "https://github.com/vllm-project/vllm, examples/online_serving/chart-helm/values.yaml: "
        "resources.limits nvidia.com/gpu 1",
    ),
    _served(
        r"triton|tritonserver|triton-?inference-?server|tritoninferenceserver",
        "1 GPU",
        "https://github.com/triton-inference-server/server, deploy/k8s-onprem/values.yaml: "
        "image.numGpus 1",
    ),
    _served(
        r"tgi|text-generation-inference|huggingface-tgi",
        "a GPU",
        "https://huggingface.co/docs/text-generation-inference: a GPU server",
    ),
    _served(
        r"sglang(?:-.+)?|lmdeploy|tensorrt-llm(?:-.+)?|aphrodite(?:-engine)?|tabbyapi|exllama.*",
        "a GPU",
        "servers that run on GPUs only",
    ),
    _served(
        r"llm-d(?:-(?:modelservice|infra|deployer))?|dynamo-graph|stable-diffusion(?:-.+)?|comfyui",
        "a GPU",
        "https://llm-d.ai/docs and the charts' own values",
    ),
)
"""Charts of model servers. A chart that only may have a GPU (Ollama, LocalAI: off by default) is
read by its values."""

_DRIVERS: Final = lazy(
    r"gpu-operator|nvidia-device-plugin|k8s-device-plugin|dcgm-exporter|gpu-feature-discovery"
    r"|(?:[\w-]*-)?gpu(?:-[\w-]*)?-exporter|device-metrics-exporter"
    r"|nvidia-network-operator|network-operator|node-feature-discovery|amd-gpu(?:-operator)?"
    r"|gpu-operator-charts|neuron-helm-chart|neuron-device-plugin|aws-efa-k8s-device-plugin"
    r"|nvidia-dra-driver-gpu|hami|kai-scheduler|kueue|volcano|karpenter(?:-crd)?"
    r"|cluster-autoscaler|keda|keda-add-ons-http|kube-prometheus-stack|prometheus|grafana|opencost"
    r"|kubecost|cost-analyzer|knative-operator|kserve|kserve-crd|kuberay-operator|lws|jobset"
    r"|leader-worker-set|k8s-nim-operator|nim-operator|triton-operator|dynamo-platform|dynamo-crds"
)
"""Charts of drivers, operators and schedulers: they name GPUs and run on GPU nodes as daemons, or
manage what others declare."""

_INFRASTRUCTURE: Final = lazy(
    r"ingress-nginx|nginx-ingress|nginx|traefik|cert-manager|external-dns|external-secrets"
    r"|aws-load-balancer-controller|metrics-server|argo-cd|argocd|argo-workflows|argo-rollouts"
    r"|argo-events|aws-(?:ebs|efs|fsx|mountpoint-s3)-csi-driver|aws-node-termination-handler"
    r"|aws-for-fluent-bit|fluent-bit|fluentd|loki(?:-stack)?|tempo|promtail|mimir.*|alloy|datadog"
    r"|newrelic.*|nri-bundle|opentelemetry-.*|istio.*|base|istiod|gateway|linkerd.*|cilium|calico"
    r"|tigera-operator|vault|consul|postgresql(?:-ha)?|mysql|mariadb|mongodb|redis(?:-cluster)?"
    r"|valkey|rabbitmq|kafka|strimzi.*|elasticsearch|opensearch|minio|velero|sealed-secrets"
    r"|reloader|descheduler|kyverno|gatekeeper|harbor|gitlab|keycloak|oauth2-proxy|cloudnative-pg"
    r"|wordpress|jenkins|sonarqube|nats|temporal|airflow|ghost|drupal|concourse|apache|tomcat"
    r"|zookeeper|memcached|etcd|superset|metabase|nextcloud|gitea|flux2?|crossplane|tekton.*|dex"
    r"|pihole|homeassistant|aws-vpc-cni|coredns|kube-state-metrics|node-problem-detector|contour"
    r"|kong|emissary-ingress|haproxy.*|litellm.*|cluster-proportional-autoscaler|goldilocks|vpa"
    r"|secrets-store-csi-driver.*|csi-secrets-store.*|azure-.*|nfs-.*|longhorn|rook-ceph.*"
)
"""Charts known to run without accelerators: hidden values (a password in an output) leave them
quiet."""

_MODEL_SERVER: Final = lazy(
    r"gpu|vllm|ollama|triton|inference|\bllm|llm\b|\bnim\b|\btgi\b|sglang|localai|local-ai"
)


def plain_name(chart: str) -> str:
    """A chart's own name: without repository, folder, version and `.tgz`."""
    name = chart.rstrip("/").rsplit("/", 1)[-1].partition("?")[0]
    return re.sub(r"(?:[-@:]v?\d+\.\d+.*)?(?:\.tgz)?$", "", name)


def serves_models(chart: str) -> Served | None:
    """The chart's entry in the table of those that ask for a GPU by default."""
    name = plain_name(chart)
    if is_driver(chart):
        return None
    return next((served for served in SERVED if served.name.fullmatch(name)), None)


def is_driver(chart: str) -> bool:
    """Whether it serves the GPUs that others hold."""
    return _DRIVERS.fullmatch(plain_name(chart)) is not None


def is_infrastructure(chart: str) -> bool:
    """Whether it is known to run without a GPU."""
    name = plain_name(chart)
    return _INFRASTRUCTURE.fullmatch(name) is not None and not _MODEL_SERVER.search(name)


def names_model_server(name: str) -> bool:
    """Whether a chart or release is called like a model server."""
    return _MODEL_SERVER.search(name) is not None and not name.startswith("litellm")


_OFF_BY_DEFAULT: Final = lazy(
    # otwld/ollama-helm: ollama.gpu.enabled false; go-skynet/helm-charts: no resources;
    # vllm-project/production-stack: servingEngineSpec.modelSpec [].
    r"ollama|local-?ai|vllm-stack"
    # What stands before model servers or watches them runs on CPUs.
    r"|inference-?pool|.*-(?:gateway|router|proxy|scheduler|monitor(?:ing)?|exporter|dashboards?"
    r"|crds?|operator|controller(?:-manager)?|extension|web-?ui|ui|perf|guard)"
)


def may_serve_models(chart: str) -> bool:
    """Whether a chart that no table has is called like a model server, so that its own default may
    ask for GPUs."""
    name = plain_name(chart)
    return names_model_server(name) and _OFF_BY_DEFAULT.fullmatch(name) is None
