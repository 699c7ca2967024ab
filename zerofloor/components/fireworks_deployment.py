"""A model on Fireworks' GPUs that scales to zero when idle: an on-demand deployment with the same
bounds as a GpuDeployment."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping
from typing import Any, Final, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.declare import CloudResource
from zerofloor.components.fireworks_deployment_spec import FireworksDeploymentSpec

URL: Final = "https://api.fireworks.ai/inference/v1"


class FireworksDeploymentArgs(TypedDict, total=False):
    """What a FireworksDeployment is made from. Bounds and names are checked, so they must be plain
    values; the rest may be Outputs."""

    name: str
    """ID of the deployment. Default: the component's own name. Changing it replaces the
    deployment."""
    base_model: Required[pulumi.Input[str]]
    """The model, such as accounts/fireworks/models/qwen3-8b, or one of your own. Changing it
    replaces the deployment."""
    accelerator_type: str
    """GPU type, such as NVIDIA_H100_80GB. Changing it replaces the deployment."""
    gpus: float
    """GPUs for each replica. Without it, what the model needs: a preview asks Fireworks."""
    deployment_shape: pulumi.Input[str]
    """In place of acceleratorType, gpus and precision: a deployment shape of the model."""
    precision: str
    """Precision of the weights, such as FP8. Changing it replaces the deployment."""
    placement: str
    """Where it may run: GLOBAL, US, EUROPE or APAC. Default GLOBAL."""
    enable_addons: bool
    """Whether LoRA add-ons can be loaded on it. Default false."""
    annotations: Mapping[str, pulumi.Input[str]]
    """Annotations; owner, team, project and environment say whose usage it is."""

    min_replicas: float
    """Replicas kept while idle: each bills its GPUs. Default 0."""
    max_replicas: float
    """The most replicas at any load. Default 1."""
    cooldown_seconds: float
    """Time without a request after which the last replica stops, and for which surplus replicas
    are kept; at least 300. Default 300."""
    idle_cap_seconds: float
    """The longest cooldownSeconds that is accepted. Default 3600."""
    target_per_replica: float
    """Concurrent requests that one replica should have; more of them make more replicas. Without
    it, Fireworks' own target."""


class FireworksDeployment(pulumi.ComponentResource):
    """A model on an on-demand deployment of Fireworks that scales to zero.

    It takes the bounds of a GpuDeployment, so that a model can move between a cluster and
    Fireworks. At zero a request gets 503 DEPLOYMENT_SCALING_UP at once and wakes it: callers must
    retry. Needs the provider plugin pulumi-resource-fireworks (docs/fireworks.md).
    """

    name: pulumi.Output[str]
    """ID of the deployment."""
    model: pulumi.Output[str]
    """The model string of inference calls."""
    url: pulumi.Output[str]
    """Base address of Fireworks' OpenAI-compatible API."""

    def __init__(
        self, name: str, args: FireworksDeploymentArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the deployment.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(FireworksDeploymentSpec, "FireworksDeployment", name, args)
        super().__init__(
            "zerofloor:index:FireworksDeployment",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        deployment = CloudResource(
            "fireworks:index:Deployment",
            name,
            _deployment(spec),
            pulumi.ResourceOptions(parent=self),
            outputs=("model",),
        )
        self.name = deployment.urn.apply(lambda _: spec.name)
        self.model = deployment.output("model")
        self.url = pulumi.Output.from_input(URL)
        self.register_outputs({"name": self.name, "model": self.model, "url": self.url})


def _deployment(spec: FireworksDeploymentSpec) -> dict[str, Any]:
    return {
        "deploymentId": spec.name,
        "baseModel": spec.base_model,
        "acceleratorType": spec.accelerator_type,
        "acceleratorCount": spec.gpus,
        "deploymentShape": spec.deployment_shape,
        "precision": spec.precision,
        "placement": {"multiRegion": spec.placement},
        "enableAddons": spec.enable_addons or None,
        "annotations": dict(spec.annotations) or None,
        "minReplicaCount": spec.min_replicas,
        "maxReplicaCount": spec.max_replicas,
        "autoscalingPolicy": _policy(spec),
    }


def _policy(spec: FireworksDeploymentSpec) -> dict[str, Any]:
    policy: dict[str, Any] = {
        "scaleToZeroWindow": f"{spec.cooldown_seconds}s",
        # Fireworks allows an hour at most; the window of the last replica is the one above.
        "scaleDownWindow": f"{min(spec.cooldown_seconds, 3600)}s",
    }
    if spec.target_per_replica is not None:
        policy["loadTargets"] = {"concurrent_requests": spec.target_per_replica}
    return policy
