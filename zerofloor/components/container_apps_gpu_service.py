"""A model server on Azure Container Apps with a GPU a replica, and no replica while idle."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.container_apps_spec import PROFILES, ContainerAppsSpec
from zerofloor.components.declare import CloudResource, given, through

_TRIES: Final = 10
"""The most failures that a probe may wait for (Container Apps, "Health probes")."""


class ContainerAppsGpuServiceArgs(TypedDict, total=False):
    """What a ContainerAppsGpuService is made from. Bounds, sizes and places are checked, so they
    must be plain values; the rest may be Outputs."""

    name: str
    """Name of the app: 2 to 32 lower-case letters, digits and dashes. Default: the component's own
    name. Changing it replaces the app."""
    resource_group: Required[pulumi.Input[str]]
    """Resource group of the app, and of its environment where that is made here. Changing it
    replaces the app."""
    location: Required[str]
    """Location. Which ones have serverless GPUs, Azure's documentation says. Changing it replaces
    the app."""
    any_region: bool
    """Accept a location in which no GPU has a known price. Default false."""
    environment_id: pulumi.Input[str]
    """An environment that exists and has a GPU profile. Without it, the component makes one.
    Changing it replaces the app."""
    workload_profile_name: str
    """With environmentId: the name of its consumption profile for the gpu."""

    image: Required[pulumi.Input[str]]
    """The model server's image."""
    args: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's arguments."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Environment variables that anyone may see who may read the app."""
    secret_env: Mapping[str, pulumi.Input[str]]
    """Environment variables that are kept as the app's secrets."""
    port: float
    """Port on which the server answers. Default 8000."""
    health_path: str
    """Path that answers 200 once the model is loaded. Default /health."""
    startup_seconds: float
    """Longest time from the container's start to an answer at healthPath: it loads the model
    meanwhile. At most 2400. Default 600."""
    external: bool
    """Whether callers outside the environment reach it. Default false."""

    gpu: str
    """The GPU of each replica, always one: T4 or A100. Default T4."""
    cpu: str
    """vCPUs of a replica. Without it, all of the profile: 8 for T4, 24 for A100."""
    memory: str
    """Memory of a replica. Without it, all of the profile: 56Gi for T4, 220Gi for A100."""

    min_replicas: float
    """Replicas kept while idle: each holds its GPU and bills in full. Default 0."""
    max_replicas: Required[float]
    """The most replicas at any load: the ceiling of what the app can cost."""
    concurrency: float
    """Requests that one replica should have at a time; more of them start more replicas. Default
    10."""
    cooldown_seconds: float
    """Time without a request after which the last replica is removed. Default 300."""
    idle_cap_seconds: float
    """The longest cooldownSeconds that is accepted. Default 3600."""
    tags: Mapping[str, pulumi.Input[str]]
    """Azure tags for the app and its environment."""


class ContainerAppsGpuService(pulumi.ComponentResource):
    """A model server on Azure Container Apps with one serverless GPU a replica, from 0 replicas on:
    the app, and its environment with the GPU's consumption profile unless one is given.

    A request starts the first replica. The ingress gives up after 240 seconds, so a model that
    takes longer to start answers only the caller that tries again. There is no idle rate for GPUs:
    a replica bills in full from its start to its end.
    """

    name: pulumi.Output[str]
    """Name of the app."""
    url: pulumi.Output[str]
    """Address of the app; in an environment that is given, of its newest revision."""

    def __init__(
        self,
        name: str,
        args: ContainerAppsGpuServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(ContainerAppsSpec, "ContainerAppsGpuService", name, args)
        super().__init__(
            "zerofloor:index:ContainerAppsGpuService",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        environment: CloudResource | None = None
        if spec.environment_id is None:
            environment = CloudResource(
                "azure-native:app:ManagedEnvironment",
                f"{name}-environment",
                _environment(spec),
                pulumi.ResourceOptions(parent=self, replace_on_changes=["location"]),
                outputs=("defaultDomain",),
            )
        app = CloudResource(
            "azure-native:app:ContainerApp",
            name,
            _app(spec, spec.environment_id if environment is None else environment.id),
            pulumi.ResourceOptions(
                parent=self,
                # Azure lets neither be changed on an app that exists.
                replace_on_changes=["environmentId", "location"],
                delete_before_replace=True,
            ),
            outputs=("latestRevisionFqdn",),
        )
        self.name = app.urn.apply(lambda _: spec.name)
        host = app.output("latestRevisionFqdn")
        if environment is not None:
            inside = "" if spec.external else "internal."
            domain = environment.output("defaultDomain")
            host = domain.apply(lambda domain: f"{spec.name}.{inside}{domain}")
        self.url = host.apply(lambda host: f"https://{host}")
        self.register_outputs({"name": self.name, "url": self.url})


def _environment(spec: ContainerAppsSpec) -> dict[str, Any]:
    return given(
        {
            "resourceGroupName": spec.resource_group,
            "environmentName": f"{spec.name}-environment",
            "location": spec.location,
            "workloadProfiles": [
                {"name": "Consumption", "workloadProfileType": "Consumption"},
                # Without bounds: Azure refuses them for a consumption profile.
                {"name": _profile(spec), "workloadProfileType": PROFILES[spec.gpu][0]},
            ],
            "tags": dict(spec.tags) or None,
        }
    )


def _profile(spec: ContainerAppsSpec) -> str:
    return spec.workload_profile_name or "gpu"


def _app(spec: ContainerAppsSpec, environment: Any) -> dict[str, Any]:
    ingress = {"external": spec.external, "targetPort": spec.port, "transport": "auto"}
    rule = {"name": "http", "http": {"metadata": {"concurrentRequests": str(spec.concurrency)}}}
    secrets = [
        {"name": _secret(key), "value": value} for key, value in sorted(spec.secret_env.items())
    ]
    return given(
        {
            "resourceGroupName": spec.resource_group,
            "containerAppName": spec.name,
            "location": spec.location,
            "environmentId": environment,
            "workloadProfileName": _profile(spec),
            "configuration": given(
                {
                    # An older revision that stays active would keep replicas of its own.
                    "activeRevisionsMode": "Single",
                    "ingress": ingress,
                    "secrets": secrets or None,
                }
            ),
            "template": {
                "containers": [_container(spec)],
                "scale": {
                    "minReplicas": spec.min_replicas,
                    "maxReplicas": spec.max_replicas,
                    "cooldownPeriod": spec.cooldown_seconds,
                    "rules": [rule],
                },
            },
            "tags": dict(spec.tags) or None,
        }
    )


def _secret(variable: str) -> str:
    """The name of the secret of an environment variable: `HF_TOKEN` → `hf-token`."""
    return variable.lower().strip("_").replace("_", "-")


def _container(spec: ContainerAppsSpec) -> dict[str, Any]:
    cpu, memory = spec.sizes
    answer = {"path": spec.health_path, "port": spec.port}
    secrets = [{"name": key, "secretRef": _secret(key)} for key in sorted(spec.secret_env)]
    plain = through(
        spec.env or {},
        lambda env: [{"name": key, "value": env[key]} for key in sorted(env)] + secrets,
    )
    return given(
        {
            "name": "server",
            "image": spec.image,
            "args": spec.args,
            "env": plain,
            "resources": {"cpu": cpu, "memory": memory},
            "probes": [
                {
                    "type": "Startup",
                    "httpGet": answer,
                    "periodSeconds": math.ceil(spec.startup_seconds / _TRIES),
                    "failureThreshold": _TRIES,
                    "timeoutSeconds": 5,
                },
                {"type": "Readiness", "httpGet": answer, "periodSeconds": 5, "timeoutSeconds": 5},
            ],
        }
    )
