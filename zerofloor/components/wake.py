"""What wakes a model server from zero: a signal that exists while no replica runs, as a KEDA
trigger (KEDA 2.20, "Scalers")."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class WakeSignal(StrEnum):
    """Where requests wait while no replica runs."""

    HTTP = "http"
    """Requests held by the interceptor of the KEDA HTTP add-on (0.14 or newer, which has
    InterceptorRoute)."""
    GATEWAY = "gateway"
    """A Prometheus query for requests waiting at a gateway or router in front of the model
    server."""
    SQS = "sqs"
    """Messages in an Amazon SQS queue."""
    REDIS = "redis"
    """Items in a Redis list."""
    KAFKA = "kafka"
    """The lag of a Kafka consumer group. The consumer must start at the earliest offset, as the
    trigger counts from there."""


REQUIRED: Mapping[WakeSignal, tuple[str, ...]] = {
    WakeSignal.HTTP: (),
    WakeSignal.GATEWAY: ("prometheus_address", "prometheus_query"),
    WakeSignal.SQS: ("queue_url", "queue_region"),
    WakeSignal.REDIS: ("redis_address", "redis_list"),
    WakeSignal.KAFKA: ("kafka_servers", "kafka_topic", "kafka_consumer_group"),
}
"""The arguments that a signal can't do without; they belong to no other signal."""

OPTIONAL: Mapping[WakeSignal, tuple[str, ...]] = {
    WakeSignal.HTTP: ("hosts", "interceptor_namespace"),
}
"""The arguments that only this signal has, and that it can do without."""

# What the scaled pods export themselves, so what is absent at zero: vLLM, SGLang, TGI, TEI, Triton,
# TensorRT-LLM, llama.cpp, the GPUs' own
# exporter and the kubelet's view of containers. Each project's page on its metrics names them so.
_OF_THE_PODS = re.compile(
    r"(?<![\w:])(vllm:\w+|vllm_\w+|sglang[:_]\w+|tgi_\w+|te_request_\w+|te_queue_\w+|nv_\w+|trtllm[:_]\w+|llamacpp:\w+|DCGM_FI_\w+|container_\w+)"
)
# The production stack's router exports these under vLLM's prefix; it runs while no engine does (its
# KEDA page scales to zero by them).
_OF_A_ROUTER = (
    "vllm:num_incoming_requests",
    "vllm:current_qps",
    "sglang_router_",
    "sglang:router_",
)


def metric_of_the_pods(query: str) -> str | None:
    """The first metric in a Prometheus query that only a running replica exports; None where there
    is none."""
    for metric in _OF_THE_PODS.findall(query):
        if not metric.startswith(_OF_A_ROUTER):
            return str(metric)
    return None


def scaler_address(interceptor_namespace: str) -> str:
    """Where the HTTP add-on's chart puts its external scaler."""
    return f"keda-add-ons-http-external-scaler.{interceptor_namespace}:9090"


def interceptor(interceptor_namespace: str) -> str:
    """Where the HTTP add-on's chart puts its interceptor (port 8080)."""
    return f"keda-add-ons-http-interceptor-proxy.{interceptor_namespace}.svc.cluster.local"


def trigger(signal: WakeSignal, args: Any) -> dict[str, Any]:
    """The KEDA trigger for a signal; `args` is a ScalingSpec. All values are text, as KEDA wants
    them."""
    target = str(args.each)
    match signal:
        case WakeSignal.HTTP:
            kind = "external-push"
            metadata = {
                "scalerAddress": scaler_address(args.interceptors),
                "interceptorRoute": args.name,
            }
        case WakeSignal.GATEWAY:
            kind = "prometheus"
            metadata = {
                "serverAddress": args.prometheus_address,
                "query": args.prometheus_query,
                "threshold": target,
            }
        case WakeSignal.SQS:
            kind = "aws-sqs-queue"
            metadata = {
                "queueURL": args.queue_url,
                "awsRegion": args.queue_region,
                "queueLength": target,
            }
            if args.trigger_authentication is None:
                metadata["identityOwner"] = "operator"
        case WakeSignal.REDIS:
            kind = "redis"
            metadata = {
                "address": args.redis_address,
                "listName": args.redis_list,
                "listLength": target,
            }
        case WakeSignal.KAFKA:
            kind = "kafka"
            metadata = {
                "bootstrapServers": args.kafka_servers,
                "topic": args.kafka_topic,
                "consumerGroup": args.kafka_consumer_group,
                "lagThreshold": target,
                # With `latest` a group that has not committed yet counts as one message: a GPU held
                # for an empty topic.
                "offsetResetPolicy": "earliest",
            }
    made: dict[str, Any] = {"type": kind, "metadata": metadata}
    if args.trigger_authentication is not None and signal is not WakeSignal.HTTP:
        made["authenticationRef"] = {"name": args.trigger_authentication}
    return made
