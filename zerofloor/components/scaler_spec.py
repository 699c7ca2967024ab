"""What a GpuScaler accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from zerofloor.components.arguments import PlainText, Problem, Text, Whole
from zerofloor.components.scaling_spec import ScalingSpec
from zerofloor.components.spec import HOUR
from zerofloor.spelling import did_you_mean

# Kinds with a scale subresource, by their API group and version.
KNOWN_KINDS: Mapping[str, tuple[str, str]] = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "LeaderWorkerSet": ("leaderworkerset.x-k8s.io/v1", "leaderworkersets"),
    "Rollout": ("argoproj.io/v1alpha1", "rollouts"),
}


# Tried in the lab (tests/lab/scenarios KR17, JS23): the ScaledObject is accepted and does nothing.
WITHOUT_SCALE: Mapping[str, str] = {
    "RayCluster": "declare minReplicas 0 and enableInTreeAutoscaling in the RayCluster",
    "RayService": "declare minReplicas 0 and enableInTreeAutoscaling in its rayClusterConfig",
    "RayJob": "a RayJob ends by itself with shutdownAfterJobFinishes",
    "JobSet": "a JobSet ends by itself; suspend it to stop it",
    "Job": 'a Job ends by itself; a GpuDeployment with `run` "job" makes one for each message',
    "DaemonSet": "select no node to stop it",
    "InferenceService": "give its name as `inference_service`",
}
"""Kinds without a scale subresource, so that nothing can scale them, and what to do instead."""


class ScalerSpec(ScalingSpec):
    """The arguments of a GpuScaler."""

    stand_ins: ClassVar[Mapping[str, Any]] = {}

    target_name: PlainText | None = None
    target_kind: PlainText = "Deployment"
    target_api_version: PlainText | None = None
    inference_service: PlainText | None = None
    service: Text = None
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = None
    startup_seconds: Annotated[Whole, Field(ge=10, le=4 * HOUR)] = 600
    replaces_hpa: PlainText | None = None

    @property
    def target(self) -> str:
        """The name of what is scaled."""
        if self.inference_service is not None:
            # KServe's name for the Deployment of a predictor in its standard (raw) mode.
            return f"{self.inference_service}-predictor"
        return self.target_name or ""

    @property
    def api_version(self) -> str:
        """Of what is scaled."""
        if self.target_api_version is not None:
            return self.target_api_version
        return KNOWN_KINDS[self.target_kind][0]

    @property
    def start_seconds(self) -> int:
        """How long a replica may take from nothing to its first answer."""
        return 600 + self.startup_seconds

    def problems(self) -> Iterator[Problem]:
        """What several arguments together decide."""
        yield from super().problems()
        if self.target_name is None and self.inference_service is None:
            yield Problem("target_name", "is required, or `inference_service` in its place")
        if self.target_name is not None and self.inference_service is not None:
            yield Problem("inference_service", "excludes `target_name`: give one of the two")
        if self.inference_service is not None and self.target_kind != "Deployment":
            yield Problem("target_kind", "must be Deployment with `inference_service`")
        if self.target_kind in WITHOUT_SCALE:
            yield Problem(
                "target_kind",
                f"{self.target_kind} has no scale subresource that KEDA could use: "
                f"{WITHOUT_SCALE[self.target_kind]}",
            )
        elif self.target_kind not in KNOWN_KINDS and self.target_api_version is None:
            yield Problem(
                "target_kind",
                f"{self.target_kind} needs `target_api_version`"
                f"{did_you_mean(self.target_kind, list(KNOWN_KINDS))}",
            )
        if self.ends is not None and self.target_kind not in KNOWN_KINDS:
            yield Problem("expires_at", f"needs one of the kinds {', '.join(KNOWN_KINDS)}")
        for name in ("service", "port"):
            if self.http and getattr(self, name) is None and not self.inference_service:
                yield Problem(name, 'is required with `wake_signal` "http"')
            if not self.http and getattr(self, name) is not None:
                yield Problem(name, 'belongs to `wake_signal` "http"')
