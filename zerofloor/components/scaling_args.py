"""The arguments of scaling, which a GpuDeployment and a GpuScaler have alike."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi

from zerofloor.components.choices import ColdStart
from zerofloor.components.wake import WakeSignal


class ScalingArgs(TypedDict, total=False):
    """Bounds, signals, hours, cold start and lease."""

    name: str
    """Name of the objects that are made. Default: the component's own name."""
    namespace: pulumi.Input[str]
    """Namespace, which must exist. Default default."""
    labels: Mapping[str, pulumi.Input[str]]
    """More labels for the objects and the pods."""

    min_replicas: float
    """Replicas kept while idle: each holds its GPUs. Default 0."""
    max_replicas: float
    """The most replicas at any load. Default 1."""
    cooldown_seconds: float
    """Time without a request after which the last replica is removed, and for which surplus
    replicas stay; it also begins when the scaler is made. Default 300."""
    idle_cap_seconds: float
    """The longest cooldownSeconds that is accepted. Default 3600."""
    polling_seconds: float
    """How often a signal is asked; a queue or gateway wakes a replica that much later at worst.
    Default 15."""
    scale_up_seconds: float
    """For how long more replicas must have been wanted before they are made. Default 0."""
    scale_down_seconds: float
    """For how long fewer replicas must have been wanted before surplus ones go; it does not
    concern the last. Without it cooldownSeconds, at most 3600."""
    target_per_replica: float
    """Requests, messages or items that one replica should have at a time; more of them make more
    replicas; a Job has one unless it is set. Default 10."""

    wake_signal: WakeSignal
    """What wakes a replica from zero, and counts for more than one. Default http."""
    more_signals: Sequence[WakeSignal]
    """More signals beside wakeSignal, each with its own arguments; the one that asks for the most
    replicas counts, and the last replica is removed when none of them is active."""
    trigger_authentication: pulumi.Input[str]
    """Name of a KEDA TriggerAuthentication for the signals other than http. Without it an SQS
    queue is read with KEDA's own identity."""
    hosts: Sequence[str]
    """wakeSignal http: more host names under which the interceptor accepts requests, beside those
    of the Service NAME-proxy."""
    interceptor_namespace: str
    """wakeSignal http: namespace of the KEDA HTTP add-on, without it keda."""
    prometheus_address: pulumi.Input[str]
    """wakeSignal gateway, or scaleQuery: URL of the Prometheus server."""
    prometheus_query: str
    """wakeSignal gateway: query for requests that wait at a gateway. A metric of the replicas
    themselves is refused at minReplicas 0."""
    queue_url: pulumi.Input[str]
    """wakeSignal sqs: URL of the queue. Messages in flight count."""
    queue_region: pulumi.Input[str]
    """wakeSignal sqs: AWS region of the queue."""
    redis_address: pulumi.Input[str]
    """wakeSignal redis: HOST:PORT. A password belongs in triggerAuthentication."""
    redis_list: pulumi.Input[str]
    """wakeSignal redis: name of the list."""
    kafka_servers: pulumi.Input[str]
    """wakeSignal kafka: bootstrap servers, HOST:PORT, separated by commas."""
    kafka_topic: pulumi.Input[str]
    """wakeSignal kafka: topic. There are never more replicas than it has partitions."""
    kafka_consumer_group: pulumi.Input[str]
    """wakeSignal kafka: consumer group of the replicas."""

    scale_query: str
    """Prometheus query by which more replicas are made once one runs, such as the engine's queue;
    at zero it may have no value. Whatever its value, it neither wakes a replica nor keeps the last
    one: the signals do."""
    scale_target: float
    """Value of scaleQuery that one replica should have."""
    office_hours: Sequence[str]
    """Hours in which officeReplicas are kept, each as days and hours (Mon-Fri 08:00-19:00) or as
    two cron expressions (0 8 * * 1-5 to 0 19 * * 1-5). They bill whether anyone asks or not."""
    office_replicas: float
    """Replicas kept in officeHours. Default 1."""
    time_zone: str
    """Time zone of officeHours. Default Etc/UTC."""

    cold_start: ColdStart
    """wakeSignal http: what a caller gets while no replica is ready. Default hold."""
    readiness_seconds: float
    """wakeSignal http: how long a request waits for a replica. Without it as long as a start may
    take; 30 with coldStart fallback."""
    response_seconds: float
    """wakeSignal http: how long a replica may take to begin its answer. Without it the add-on's
    own limit, 300."""
    retry_after_seconds: float
    """coldStart retry_after: after how many seconds the caller is asked to return. Without it
    30, or cooldownSeconds where that is less. OpenAI's clients obey what is below 60."""
    fallback_service: str
    """coldStart fallback: Service, in the same namespace, that answers instead."""
    fallback_port: float
    """coldStart fallback: its port."""

    expires_at: str
    """Lease: the day or time at which the replicas are scaled to zero (2026-12-31, or
    2026-12-31T18:00Z). From then on a preview fails until it is extended or the component is
    removed."""
    starts_at: str
    """Lease: when ttlHours begin; a date from configuration."""
    ttl_hours: float
    """Lease: hours after startsAt, in place of expiresAt."""
    lease_image: pulumi.Input[str]
    """Lease: image with kubectl that ends it. Default registry.k8s.io/kubectl:v1.34.2."""
