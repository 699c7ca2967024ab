"""A model server on Cloud Run with a GPU an instance, and no instance while idle."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
import math
from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi

from zerofloor.components.arguments import camel, read
from zerofloor.components.cloud_run_spec import INGRESS, CloudRunSpec
from zerofloor.components.declare import CloudResource, given, through


class CloudRunGpuServiceArgs(TypedDict, total=False):
    """What a CloudRunGpuService is made from. Bounds, sizes and places are checked, so they must be
    plain values; the rest may be Outputs."""

    name: str
    """Name of the service. Default: the component's own name. Changing it replaces the service."""
    location: Required[str]
    """Region. Which ones have GPUs on Cloud Run, its documentation says. Changing it replaces the
    service."""
    any_region: bool
    """Accept a region in which no GPU has a known price. Default false."""

    image: Required[pulumi.Input[str]]
    """The model server's image, in Artifact Registry or Docker Hub."""
    args: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's arguments."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Environment variables. A secret Output stays secret in Pulumi; in Google Cloud it can be read
    in the service."""
    port: float
    """Port on which the server answers. Default 8080."""
    health_path: str
    """Path that answers 200 once the model is loaded. Without it, an open port is enough."""
    startup_seconds: float
    """Longest time from the container's start until the server answers: it loads the model
    meanwhile. At most 1800. Default 600."""
    service_account: pulumi.Input[str]
    """Service account of the instances, by e-mail address."""

    gpu: str
    """The GPU of each instance, always one: nvidia-l4 or nvidia-rtx-pro-6000. Default nvidia-l4."""
    cpu: str
    """vCPUs of an instance. Without it, the least for the GPU: 4, or 20 for nvidia-rtx-pro-6000."""
    memory: str
    """Memory of an instance. Without it, the least for the GPU: 16Gi, or 80Gi for
    nvidia-rtx-pro-6000."""
    zonal_redundancy: bool
    """Reserve GPUs in another zone for the case that one fails: 56 % more for each GPU. Default
    false."""

    min_instances: float
    """Instances kept while idle: each holds its GPU and bills in full. Default 0."""
    max_instances: Required[float]
    """The most instances at any load: the ceiling of what the service can cost."""
    concurrency: float
    """Requests that one instance takes at a time; more of them start more instances. Default 10."""
    timeout_seconds: float
    """Longest time for a request, the start of an instance included. At most 3600. Default 3600."""
    ingress: str
    """Who may call: all, internal or internal-and-load-balancing. Callers need the role
    run.invoker in any case. Default internal."""
    labels: Mapping[str, pulumi.Input[str]]
    """Google Cloud labels of the service."""


class CloudRunGpuService(pulumi.ComponentResource):
    """A model server on Cloud Run with one GPU an instance, from 0 instances on.

    Cloud Run holds the first request until an instance answers. The CPU is never throttled, as GPUs
    need it: an instance bills in full from its start until Cloud Run ends it, some 10 to 15 minutes
    after its last request, which can't be set.
    """

    name: pulumi.Output[str]
    """Name of the service."""
    url: pulumi.Output[str]
    """Address of the service."""

    def __init__(
        self, name: str, args: CloudRunGpuServiceArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resource.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(CloudRunSpec, "CloudRunGpuService", name, args)
        super().__init__(
            "zerofloor:index:CloudRunGpuService",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        service = CloudResource(
            "gcp:cloudrunv2/service:Service",
            name,
            _service(spec),
            pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            outputs=("uri",),
        )
        self.name = service.urn.apply(lambda _: spec.name)
        self.url = service.output("uri")
        self.register_outputs({"name": self.name, "url": self.url})


def _service(spec: CloudRunSpec) -> dict[str, Any]:
    return given(
        {
            "name": spec.name,
            "location": spec.location,
            "ingress": INGRESS[spec.ingress],
            "deletionProtection": False,
            "labels": dict(spec.labels) or None,
            "template": given(
                {
                    "containers": [_container(spec)],
                    "nodeSelector": {"accelerator": spec.gpu},
                    "gpuZonalRedundancyDisabled": not spec.zonal_redundancy,
                    "scaling": {
                        "minInstanceCount": spec.min_instances,
                        "maxInstanceCount": spec.max_instances,
                    },
                    "maxInstanceRequestConcurrency": spec.concurrency,
                    "timeout": f"{spec.timeout_seconds}s",
                    "serviceAccount": spec.service_account,
                }
            ),
        }
    )


def _container(spec: CloudRunSpec) -> dict[str, Any]:
    cpu, memory = spec.sizes
    open_port = {"tcpSocket": {"port": spec.port}}
    answer = {"httpGet": {"path": spec.health_path, "port": spec.port}}
    return given(
        {
            "image": spec.image,
            "args": spec.args,
            "envs": None
            if spec.env is None
            else through(
                spec.env, lambda env: [{"name": key, "value": env[key]} for key in sorted(env)]
            ),
            "ports": {"containerPort": spec.port},
            "resources": {
                "limits": {"cpu": cpu, "memory": memory, "nvidia.com/gpu": "1"},
                # A GPU needs its CPU all the time (Cloud Run docs, "GPU support for services").
                "cpuIdle": False,
                "startupCpuBoost": True,
            },
            "startupProbe": {
                **(open_port if spec.health_path is None else answer),
                "periodSeconds": 10,
                "timeoutSeconds": 5,
                "failureThreshold": math.ceil(spec.startup_seconds / 10),
            },
        }
    )
