"""Scaling to zero for a workload that exists already: its owner keeps it, and this its replicas."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
import pulumi
import pulumi_kubernetes as k8s

from zerofloor.components.arguments import camel, read
from zerofloor.components.lease import declare
from zerofloor.components.scaler_spec import KNOWN_KINDS, ScalerSpec
from zerofloor.components.scaling import (
    declare_route,
    lease_of,
    leased,
    metadata,
    scaled_object,
    triggers,
)
from zerofloor.components.scaling_args import ScalingArgs


class GpuScalerArgs(ScalingArgs, total=False):
    """What a GpuScaler is made from."""

    target_name: str
    """Name of the workload to scale. Its own program must leave its replicas alone: ignore changes
    of spec.replicas, or leave them out."""
    target_kind: str
    """Kind of the workload: Deployment, StatefulSet, ReplicaSet, LeaderWorkerSet, Rollout, or
    another one with a scale subresource. Default Deployment."""
    target_api_version: str
    """API version of its kind, where that is none of those."""
    inference_service: str
    """In place of targetName: a KServe InferenceService in standard (raw) mode, which must have
    the annotation serving.kserve.io/autoscalerClass: external."""
    service: pulumi.Input[str]
    """wakeSignal http: the workload's own Service. Without it that of the inferenceService."""
    port: float
    """wakeSignal http: port of that Service. Without it 80 for an inferenceService."""
    startup_seconds: float
    """Longest time from a container's start to its first answer. Default 600."""
    replaces_hpa: str
    """Name of a HorizontalPodAutoscaler that scales the workload today: KEDA takes it over, as
    two scalers of one workload work against each other."""


class GpuScaler(pulumi.ComponentResource):
    """Scales a workload to zero and back that something else declares: a Deployment, a Helm
    release's, an InferenceService. A KEDA ScaledObject, and a route of the HTTP add-on.

    Needs KEDA in the cluster, and with wakeSignal http (the default) the KEDA HTTP add-on 0.14 or
    newer.
    """

    name: pulumi.Output[str]
    """Name of the ScaledObject."""
    url: pulumi.Output[str]
    """wakeSignal http: where callers inside the cluster send requests so that a workload at zero
    wakes up; else empty."""

    def __init__(self, name: str, args: GpuScalerArgs, opts: pulumi.ResourceOptions | None = None):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(ScalerSpec, "GpuScaler", name, args)
        super().__init__(
            "zerofloor:index:GpuScaler",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        own = {"app.kubernetes.io/name": spec.name}
        address = pulumi.Output.from_input("")
        if spec.http:
            address = declare_route(
                self,
                name,
                spec,
                own,
                service=spec.service or spec.target,
                port=spec.port or 80,
                ready_seconds=spec.start_seconds,
            )
        target = {"name": spec.target}
        if spec.target_kind != "Deployment":
            target |= {"apiVersion": spec.api_version, "kind": spec.target_kind}
        scaled = scaled_object(spec, target, triggers(spec), spec.max_replicas)
        described = leased(spec, metadata(spec, spec.name, own))
        if spec.replaces_hpa is not None:
            described["annotations"] = {
                **described.get("annotations", {}),
                "scaledobject.keda.sh/transfer-hpa-ownership": "true",
            }
            scaled["advanced"]["horizontalPodAutoscalerConfig"]["name"] = spec.replaces_hpa
        k8s.apiextensions.CustomResource(
            f"{name}-scaler",
            api_version="keda.sh/v1alpha1",
            kind="ScaledObject",
            metadata=described,
            spec=scaled,
            opts=pulumi.ResourceOptions(parent=self),
        )
        if spec.ends is not None:
            group = spec.api_version.rpartition("/")[0]
            plural = KNOWN_KINDS[spec.target_kind][1]
            declare(self, name, lease_of(spec, "scaledobjects", (group, plural, spec.target)))
        self.name = pulumi.Output.from_input(spec.name)
        self.url = address
        self.register_outputs({"name": self.name, "url": self.url})
