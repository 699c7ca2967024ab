"""All that a cluster needs to serve a model from zero: GPU nodes, KEDA with its HTTP add-on, device
plugin, metrics, and the model server."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Required, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from zerofloor.components.aks_gpu_node_pool import AksGpuNodePool
from zerofloor.components.arguments import camel, read
from zerofloor.components.gke_gpu_node_pool import GkeGpuNodePool
from zerofloor.components.gpu_deployment import GpuDeployment
from zerofloor.components.gpu_node_pool import GpuNodePool
from zerofloor.components.platform_spec import PlatformSpec


class _Chart(NamedTuple):
    name: str
    version: str
    repository: str
    namespace: str


_KEDA: Final = "https://kedacore.github.io/charts"
_CHARTS: Final[Mapping[str, _Chart]] = {
    # The versions that zerofloor's own tests run against a real control plane (tools/lab).
    "keda": _Chart("keda", "2.20.2", _KEDA, "keda"),
    "http-add-on": _Chart("keda-add-ons-http", "0.15.0", _KEDA, "keda"),
    # https://github.com/NVIDIA/k8s-device-plugin and dcgm-exporter, releases.
    "device-plugin": _Chart(
        "nvidia-device-plugin",
        "0.18.2",
        "https://nvidia.github.io/k8s-device-plugin",
        "kube-system",
    ),
    "metrics": _Chart(
        "dcgm-exporter",
        "4.8.2",
        "https://nvidia.github.io/dcgm-exporter/helm-charts",
        "kube-system",
    ),
}
_ON_GPU_NODES: Final[Mapping[str, Any]] = {
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "nodeSelector": {"nvidia.com/gpu.present": "true"},
}
_SPOT_OF_AKS: Final = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"


class GpuPlatformArgs(TypedDict, total=False):
    """What a GpuPlatform is made from. Bounds, types and names are checked, so they must be plain
    values; the rest may be Outputs."""

    name: str
    """Name of the model server and of the node pool. Default: the component's own name."""
    cloud: Required[str]
    """The cluster: eks (with Auto Mode), gke or aks."""
    cluster_name: Required[pulumi.Input[str]]
    """Name of the cluster. It needs nodes for system pods; EKS Auto Mode makes them itself."""
    role: pulumi.Input[str]
    """cloud eks: IAM role of the nodes, by name."""
    location: str
    """cloud gke: region or zone of the cluster."""
    resource_group: pulumi.Input[str]
    """cloud aks: resource group of the cluster."""
    installed: Sequence[str]
    """What the cluster has already, so that it isn't installed: keda, http-add-on, device-plugin,
    metrics."""

    machine_types: Required[Sequence[str]]
    """Types of the GPU nodes, such as g6e.xlarge, g2-standard-8 or Standard_NC24ads_A100_v4; on GKE
    and AKS a single one."""
    capacity_type: str
    """Market: on-demand or spot; on EKS spot falls back to on-demand. Default on-demand."""
    max_nodes: Required[float]
    """The most GPU nodes: the ceiling of what the platform can cost."""

    namespace: pulumi.Input[str]
    """Namespace of the model server, which must exist. Default default."""
    image: Required[pulumi.Input[str]]
    """The model server's image."""
    args: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's arguments."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Environment variables."""
    port: float
    """Port on which the server answers. Default 8000."""
    health_path: str
    """Path that answers 200 once the model is loaded. Default /health."""
    gpus: float
    """Whole GPUs for each replica. Default 1."""
    min_replicas: float
    """Replicas kept while idle: each holds its GPUs. Default 0."""
    max_replicas: float
    """The most replicas at any load. Default 1."""


class GpuPlatform(pulumi.ComponentResource):
    """A cluster made ready to serve a model from zero: a GPU node pool, KEDA and its HTTP add-on,
    and the model server as a GpuDeployment; on AKS also NVIDIA's device plugin and DCGM exporter,
    which EKS Auto Mode and GKE have their own of.

    It is for a cluster with nothing in it yet, and installs pinned Helm charts. Where the cluster
    has some of them, name those in installed; for several servers, use GpuDeployment beside it.
    """

    name: pulumi.Output[str]
    """Name of the node pool, for more servers on its nodes."""
    url: pulumi.Output[str]
    """Where callers inside the cluster send requests so that a server at zero wakes up."""

    def __init__(
        self, name: str, args: GpuPlatformArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(PlatformSpec, "GpuPlatform", name, args)
        super().__init__(
            "zerofloor:index:GpuPlatform",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        pool = self._pool(f"{name}-nodes", spec)
        releases: list[pulumi.Resource] = []
        for chart in spec.charts:
            # The add-on's objects are of KEDA's kinds.
            after = releases[:1] if chart == "http-add-on" else []
            releases.append(self._release(f"{name}-{chart}", chart, after))
        server = GpuDeployment(
            f"{name}-server",
            self._server(spec, pool),  # type: ignore[arg-type]
            pulumi.ResourceOptions(parent=self, depends_on=releases),
        )
        self.name, self.url = pool.name, server.url
        self.register_outputs({"name": self.name, "url": self.url})

    def _pool(self, name: str, spec: PlatformSpec) -> GpuNodePool | GkeGpuNodePool | AksGpuNodePool:
        args: Any = spec.pool()
        child = pulumi.ResourceOptions(parent=self)
        match spec.cloud:
            case "eks":
                return GpuNodePool(name, args, child)
            case "gke":
                return GkeGpuNodePool(name, args, child)
            case _:
                return AksGpuNodePool(name, args, child)

    def _release(self, name: str, key: str, after: list[pulumi.Resource]) -> k8s.helm.v3.Release:
        chart = _CHARTS[key]
        on_nodes = key in ("device-plugin", "metrics")
        return k8s.helm.v3.Release(
            name,
            name=chart.name,
            chart=chart.name,
            version=chart.version,
            repository_opts={"repo": chart.repository},
            namespace=chart.namespace,
            create_namespace=True,
            values=dict(_ON_GPU_NODES) if on_nodes else {},
            # At zero nodes no pod of a daemon set ever gets ready.
            skip_await=on_nodes,
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )

    def _server(self, spec: PlatformSpec, pool: Any) -> dict[str, Any]:
        server = spec.server()
        if spec.cloud == "eks":
            return {**server, "node_pool": pool.name}
        label = "cloud.google.com/gke-nodepool"
        if spec.cloud == "aks":
            label = "kubernetes.azure.com/agentpool"
            if spec.capacity_type == "spot":
                server["tolerations"] = [_SPOT_OF_AKS]
        return {**server, "node_selector": {label: pool.name}}
