"""KEDA's objects as a ScalingSpec asks for them: triggers, ScaledObject, route of the HTTP
add-on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from zerofloor.components.choices import ColdStart
from zerofloor.components.lease import Leased
from zerofloor.components.scaling_spec import ScalingSpec
from zerofloor.components.wake import WakeSignal, interceptor, trigger
from zerofloor.leases import KEY

ONE_HOUR = 3600
_NEVER = "1000000000"
"""A value that no metric of an engine reaches."""


def metadata(spec: ScalingSpec, name: str, own: Mapping[str, str]) -> Any:
    """Name, namespace and labels of an object."""
    return {"name": name, "namespace": spec.namespace, "labels": {**spec.labels, **own}}


def leased(spec: ScalingSpec, described: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a scaler, which a lease pauses when it runs out: declared as not paused, so
    that the next update of a longer lease takes it back to work."""
    if spec.ends is None:
        return described
    annotations = {
        KEY: spec.ends.strftime("%Y-%m-%dT%H:%MZ"),
        "autoscaling.keda.sh/paused": "false",
        # The lease's CronJob owns the field once it has paused the scaler.
        "pulumi.com/patchForce": "true",
    }
    return {**described, "annotations": annotations}


def lease_of(spec: ScalingSpec, scaler: str, target: tuple[str, str, str] | None) -> Leased:
    """What the lease ends: a scaler by its plural, and its target by API group, plural and name."""
    assert spec.ends is not None
    return Leased(
        name=spec.name,
        namespace=spec.namespace,
        # Not those of the replicas: their Service would find the lease's pod.
        labels={**spec.labels, "app.kubernetes.io/name": f"{spec.name}-lease"},
        scaler=scaler,
        target=target,
        ends=spec.ends,
        image=spec.lease_image,
    )


def triggers(spec: ScalingSpec, engine_query: Any = None) -> list[dict[str, Any]]:
    """What wakes a replica, then what asks for more of them, then the hours that keep some."""
    made = [trigger(signal, spec) for signal in spec.signals]
    query = spec.scale_query or engine_query
    if query is not None:
        more: dict[str, Any] = {
            "type": "prometheus",
            "metadata": {
                "serverAddress": spec.prometheus_address,
                "query": query,
                "threshold": f"{spec.scale_at:g}",
                # It may have a value while no signal asks: that keeps no replica and wakes none.
                "activationThreshold": _NEVER,
            },
        }
        if spec.trigger_authentication is not None:
            more["authenticationRef"] = {"name": spec.trigger_authentication}
        made.append(more)
    made += [
        {
            "type": "cron",
            "metadata": {
                "timezone": spec.time_zone,
                "start": one.start,
                "end": one.end,
                "desiredReplicas": str(spec.office_replicas),
            },
        }
        for one in spec.office_hours
    ]
    return made


def scaled_object(
    spec: ScalingSpec, target: Mapping[str, Any], made: list[dict[str, Any]], maximum: int
) -> dict[str, Any]:
    """The ScaledObject's spec."""
    down = spec.scale_down_seconds
    behavior: dict[str, Any] = {
        # cooldownPeriod is only about the last replica; for the others this window is (Kubernetes
        # allows an hour at most).
        "scaleDown": {
            "stabilizationWindowSeconds": min(spec.cooldown_seconds, ONE_HOUR)
            if down is None
            else down
        }
    }
    if spec.scale_up_seconds:
        behavior["scaleUp"] = {"stabilizationWindowSeconds": spec.scale_up_seconds}
    return {
        "scaleTargetRef": dict(target),
        "minReplicaCount": spec.min_replicas,
        "maxReplicaCount": maximum,
        "cooldownPeriod": spec.cooldown_seconds,
        # Without it what runs when the scaler is made goes at once: nothing has asked yet.
        "initialCooldownPeriod": spec.cooldown_seconds,
        "pollingInterval": spec.polling_seconds,
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": made,
    }


def route(spec: ScalingSpec, service: Any, port: int, ready_seconds: int) -> dict[str, Any]:
    """The InterceptorRoute's spec: which requests wait, for how long, and what they get."""
    proxy = f"{spec.name}-proxy"
    inside = [
        pulumi.Output.concat(proxy, ".", spec.namespace),
        pulumi.Output.concat(proxy, ".", spec.namespace, ".svc.cluster.local"),
    ]
    chosen = spec.cold_start
    metric: dict[str, Any] = {"concurrency": {"targetValue": spec.target_per_replica}}
    # The first request waits for a node, the image and the model; one that shall go elsewhere
    # waits for as long as the add-on does by default.
    waits = 30 if chosen is ColdStart.FALLBACK else ready_seconds
    timeouts = {"readiness": f"{spec.readiness_seconds or waits}s"}
    if spec.response_seconds is not None:
        timeouts["responseHeader"] = f"{spec.response_seconds}s"
    made: dict[str, Any] = {
        "target": {"service": service, "port": port},
        "rules": [{"hosts": [proxy, *inside, *(spec.hosts or ())]}],
        "scalingMetric": metric,
        "timeouts": timeouts,
    }
    if chosen is ColdStart.RETRY_AFTER:
        # A request that is answered at once counts for no concurrency; its rate over a minute does.
        # Only the first counts: for more replicas there is the concurrency.
        metric["requestRate"] = {"targetValue": 1_000_000, "granularity": "1s", "window": "1m"}
        made["coldStart"] = {
            "placeholder": {
                "response": {
                    "statusCode": 503,
                    "headers": {
                        "Retry-After": str(retry_seconds(spec)),
                        "Content-Type": "application/json",
                    },
                    "body": '{"error": {"message": "The model is starting; retry later.", '
                    '"type": "service_unavailable", "code": 503}}',
                }
            }
        }
    if chosen is ColdStart.FALLBACK:
        service_port = {"name": spec.fallback_service, "port": spec.fallback_port}
        made["coldStart"] = {"fallback": {"service": service_port}}
    return made


def retry_seconds(spec: ScalingSpec) -> int:
    """After how many seconds a caller should ask again."""
    if spec.retry_after_seconds is not None:
        return spec.retry_after_seconds
    return max(1, min(30, spec.cooldown_seconds))


def declare_route(
    parent: pulumi.ComponentResource,
    name: str,
    spec: ScalingSpec,
    own: Mapping[str, str],
    *,
    service: Any,
    port: int,
    ready_seconds: int,
) -> pulumi.Output[str]:
    """The route and the Service by which callers reach the interceptor; its address."""
    child = pulumi.ResourceOptions(parent=parent)
    proxy: Any = {"type": "ExternalName", "externalName": interceptor(spec.interceptors)}
    k8s.core.v1.Service(
        f"{name}-proxy",
        metadata=metadata(spec, f"{spec.name}-proxy", own),
        spec=proxy,
        opts=child,
    )
    k8s.apiextensions.CustomResource(
        f"{name}-route",
        api_version="http.keda.sh/v1beta1",
        kind="InterceptorRoute",
        metadata=metadata(spec, spec.name, own),
        spec=route(spec, service, port, ready_seconds),
        opts=child,
    )
    return pulumi.Output.concat(
        "http://", spec.name, "-proxy.", spec.namespace, ".svc.cluster.local:8080"
    )


def is_queue(signal: WakeSignal) -> bool:
    """Whether work waits in a queue, so that no caller reaches the replicas."""
    return signal not in (WakeSignal.HTTP, WakeSignal.GATEWAY)
