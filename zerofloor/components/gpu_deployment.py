"""A model server on GPUs that scales to zero when idle: Deployment, Service and KEDA
scaling."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
from collections.abc import Mapping, Sequence
from typing import Any, Required

import pulumi
import pulumi_kubernetes as k8s

from zerofloor.components.arguments import camel, read
from zerofloor.components.choices import Engine, ModelType, Probe, Rollout, Run, ScaleBy
from zerofloor.components.deployment_spec import DeploymentSpec
from zerofloor.components.lease import declare
from zerofloor.components.pod import (
    follower_pod,
    job_pod,
    pre_pull_pod,
    selector,
    server_pod,
    template,
    warm_up_pod,
)
from zerofloor.components.scaling import (
    declare_route,
    lease_of,
    leased,
    metadata,
    scaled_object,
    triggers,
)
from zerofloor.components.scaling_args import ScalingArgs


class GpuDeploymentArgs(ScalingArgs, total=False):
    """What a GpuDeployment is made from. Numbers, names and the query are checked, so they must be
    plain; the rest may be Outputs."""

    image: Required[pulumi.Input[str]]
    """The model server's image."""
    engine: Engine
    """The model server in the image: its arguments, port, health path, cache and metrics are then
    made."""
    model: str
    """engine: the model to serve, by its name or path; for triton its repository of models. With
    vllm and sglang also s3://, gs:// or az://, from where the weights are streamed to the GPUs
    without a copy on the disk; with triton s3://, gs:// or as://. serviceAccount may read it."""
    model_billions: float
    """Parameters of the model in billions: weights that no type of instanceTypes holds are
    refused, a model that leaves too little for the KV cache is warned about. Without it they are
    read from the model's name, and only warned about."""
    model_type: ModelType
    """What the model's weights are made of. Default bf16."""
    command: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's command, where the image's own is not right."""
    args: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's arguments; with an engine, behind those that are made."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Environment variables. A secret Output stays secret in Pulumi; in the cluster it can be read
    in the Deployment."""
    env_from_secrets: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Names of Kubernetes Secrets whose keys become environment variables."""
    env_from_secret_keys: Mapping[str, pulumi.Input[str]]
    """Environment variables from single keys of Secrets, each as SECRET/KEY, such as HF_TOKEN from
    hub/token."""
    image_pull_secrets: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Names of the Secrets with which the image is pulled."""
    annotations: Mapping[str, pulumi.Input[str]]
    """Annotations of the pods."""
    port: float
    """Port on which the server answers. Without it the engine's own, else 8000; none with a queue
    as the only signal, and then there is no Service and no probe."""
    probe: Probe
    """How the kubelet sees that a replica works. Without it the engine's way, else http where there
    is a port, else none."""
    probe_command: pulumi.Input[Sequence[pulumi.Input[str]]]
    """probe exec: the command."""
    health_path: str
    """probe http: path that answers 200 once the model is loaded. Without it the engine's, else
    /health."""
    startup_seconds: float
    """Longest time from the container's start to an answer of the probe: it loads the model
    meanwhile. Default 600."""
    drain_seconds: float
    """Time between a replica's removal from its Service and the signal to stop. Without it 5
    where something serves, else 0."""
    termination_grace_seconds: float
    """Time for requests or a message in flight when a replica is stopped. Default 60."""
    service_account: pulumi.Input[str]
    """Service account of the pods. Without it they get no token."""
    priority_class: pulumi.Input[str]
    """Priority class of the pods."""
    runtime_class: pulumi.Input[str]
    """Runtime class of the pods, such as nvidia."""
    restricted: bool
    """A security context that passes the Pod Security Standard restricted. The image must run as
    another user than root; home and cache are at cachePath. Default false."""
    run_as_user: float
    """restricted: the user, without it 1000."""
    pod: Mapping[str, Any]
    """More of the pod's specification, in Kubernetes' own words (volumes, initContainers,
    containers, topologySpreadConstraints, dnsConfig, …): each field is checked against its type,
    and none may ask for GPUs or undo what other arguments decide."""
    container: Mapping[str, Any]
    """More of the server's container, likewise (volumeMounts, resources of other kinds, lifecycle,
    securityContext, …)."""

    gpus: float
    """Whole GPUs for each replica, or for each of its nodes. Default 1."""
    nodes: float
    """Nodes for each replica, for models that no single one holds: more than one makes a
    LeaderWorkerSet, whose controller must be in the cluster. Default 1."""
    tensor_parallel: float
    """engine: GPUs over which each layer is split. Without it gpus times nodes by
    pipelineParallel."""
    pipeline_parallel: float
    """engine vllm or sglang: stages into which the layers are split. Without it nodes."""
    gpu_resource: str
    """The device plugin's resource; its taint is tolerated. Default nvidia.com/gpu."""
    cpu: str
    """CPU request of a replica, such as 3 or 500m. There is no CPU limit."""
    memory: str
    """Memory request and limit of a replica, such as 24Gi. The kubelet and the system keep a part
    of each node."""
    shared_memory: str
    """Size of /dev/shm, such as 8Gi, which counts against memory. With several GPUs there is one
    without a limit of its own anyway."""
    instance_types: Sequence[str]
    """Machine types that may run a replica: EC2 instance types, Google machine types, Azure VM
    sizes. A replica must fit on each."""
    region: str
    """maxHourlyCost: the region whose prices count."""
    node_pool: pulumi.Input[str]
    """Name of the Karpenter NodePool that should run the replicas, such as a GpuNodePool's name."""
    node_selector: Mapping[str, pulumi.Input[str]]
    """More node labels that a node must have."""
    tolerations: Sequence[str]
    """More taints to tolerate, each as KEY or KEY=VALUE, with or without :NoSchedule or another
    effect after it."""

    cache_path: str
    """Where the model cache is mounted. Without it where the engine keeps models, else
    /root/.cache/huggingface; /cache with restricted."""
    cache_size: str
    """Size of a cache on the node's disk that goes with the replica, such as 100Gi; a node whose
    disk is smaller is not taken. Without a cache argument it has no limit of its own."""
    cache_claim: pulumi.Input[str]
    """Name of a PersistentVolumeClaim for the cache, in place of the node's disk; it must be
    ReadWriteMany for several replicas."""
    cache_host_path: str
    """A folder of the node for the cache, in place of one of the pod's: replicas on the same node
    share it."""
    stream_concurrency: float
    """engine vllm or sglang, model in an object store: requests at one time with which its weights
    are read, from 1 to 256. Without it the streamer's own number."""
    pre_pull: bool
    """A DaemonSet that pulls the image on each node that a replica may run on, and keeps none. It
    saves the pull on nodes that run for other pods or that are still there; a new node is made for
    a replica that pulls at the same time. The image must have a shell. Default false."""
    pre_pull_idle_image: pulumi.Input[str]
    """prePull: the image that idles on those nodes. Default registry.k8s.io/pause:3.10."""

    max_hourly_cost: float
    """The most that all replicas may cost an hour, in USD on demand: maxReplicas is lowered to
    what it pays for, each replica on a node of its own of the most expensive type. Needs
    instanceTypes and region."""
    scale_by: ScaleBy
    """engine: its own metric that asks for more replicas once one runs, read from
    prometheusAddress; scaleTarget is 5 for waiting and 80 for kv_cache, without it."""
    max_surge: float
    """Replicas above the wanted number during a rollout. Each needs GPUs of its own, so a rollout
    buys nodes for it. Default 0."""
    max_unavailable: float
    """Replicas that may be missing during a rollout. Default 1."""
    rollout: Rollout
    """How a new image or model is tried. Default at_once."""
    warm_up_image: pulumi.Input[str]
    """rollout warm_up: an image with the command true, which ends the Job. Default busybox:1.37."""

    run: Run
    """Whether replicas are servers or Jobs. Default server."""
    job_seconds: float
    """run job: longest time for one Job. Default 3600."""
    job_retries: float
    """run job: how often a Job that fails is tried again. Default 0."""


class GpuDeployment(pulumi.ComponentResource):
    """A model server or queue worker on GPUs: a Deployment, its Service, and a KEDA ScaledObject
    that takes it to zero and wakes it again.

    Needs KEDA in the cluster, and with wakeSignal http (the default) the KEDA HTTP add-on 0.14 or
    newer.
    """

    name: pulumi.Output[str]
    """Name of the Deployment, the Service and the ScaledObject."""
    url: pulumi.Output[str]
    """Where callers inside the cluster send requests so that a server at zero wakes up; without
    wakeSignal http the Service itself, and empty where nothing serves."""

    def __init__(
        self, name: str, args: GpuDeploymentArgs, opts: pulumi.ResourceOptions | None = None
    ):
        """Declares the resources.

        Raises:
            SpecError: an argument is unknown, missing or impossible; each problem is named.
        """
        spec = read(DeploymentSpec, "GpuDeployment", name, args)
        super().__init__(
            "zerofloor:index:GpuDeployment",
            name,
            {camel(key): value for key, value in args.items()},
            opts,
        )
        for warning in spec.warnings():
            pulumi.log.warn(f'GpuDeployment "{name}": {warning}', self)
        child = pulumi.ResourceOptions(parent=self)
        if spec.pre_pull:
            self._declare_pre_pull(name, spec, child)
        if spec.run is Run.JOB:
            self._declare_jobs(name, spec)
            address = pulumi.Output.from_input("")
        else:
            self._declare_server(name, spec)
            address = self._declare_service(name, spec, child)
        self.name = pulumi.Output.from_input(spec.name)
        self.url = address
        self.register_outputs({"name": self.name, "url": self.url})

    def _declare_server(self, name: str, spec: DeploymentSpec) -> None:
        seconds = f"{spec.start_seconds}s"
        before = [self._declare_warm_up(name, spec)] if spec.rollout is Rollout.WARM_UP else []
        options = pulumi.ResourceOptions(
            parent=self,
            # The scaler owns the count after creation: an `up` that wrote it again would restore
            # idle GPUs.
            ignore_changes=["spec.replicas"],
            custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds),
            depends_on=before,
        )
        described: Any = metadata(spec, spec.name, selector(spec))
        workload: pulumi.Resource
        if spec.nodes > 1:
            target = {
                "apiVersion": "leaderworkerset.x-k8s.io/v1",
                "kind": "LeaderWorkerSet",
                "name": spec.name,
            }
            workload = k8s.apiextensions.CustomResource(
                name,
                api_version=target["apiVersion"],
                kind=target["kind"],
                metadata=described,
                spec=_leader_worker_set(spec),
                opts=options,
            )
        else:
            target = {"name": spec.name}
            workload = k8s.apps.v1.Deployment(
                name, metadata=described, spec=_deployment(spec), opts=options
            )
        made = triggers(spec, _engine_query(spec))
        k8s.apiextensions.CustomResource(
            f"{name}-scaler",
            api_version="keda.sh/v1alpha1",
            kind="ScaledObject",
            metadata=leased(spec, described),
            spec=scaled_object(spec, target, made, spec.most),
            # KEDA acts on what its target has at that moment, and the target must outlive it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[workload]),
        )
        if spec.ends is not None:
            several = ("leaderworkerset.x-k8s.io", "leaderworkersets", spec.name)
            one = ("apps", "deployments", spec.name)
            self._declare_lease(name, spec, "scaledobjects", several if spec.nodes > 1 else one)

    def _declare_jobs(self, name: str, spec: DeploymentSpec) -> None:
        k8s.apiextensions.CustomResource(
            f"{name}-scaler",
            api_version="keda.sh/v1alpha1",
            kind="ScaledJob",
            metadata=leased(spec, metadata(spec, spec.name, selector(spec))),
            spec=_scaled_job(spec),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if spec.ends is not None:
            self._declare_lease(name, spec, "scaledjobs", None)

    def _declare_service(
        self, name: str, spec: DeploymentSpec, child: pulumi.ResourceOptions
    ) -> pulumi.Output[str]:
        port = spec.listens_on
        if port is None:
            return pulumi.Output.from_input("")
        k8s.core.v1.Service(
            name,
            metadata=metadata(spec, spec.name, selector(spec)),
            spec=_service(spec, port),
            opts=child,
        )
        if not spec.http:
            host = pulumi.Output.concat(spec.name, ".", spec.namespace, ".svc.cluster.local")
            return pulumi.Output.concat("http://", host, f":{port}")
        return declare_route(
            self,
            name,
            spec,
            selector(spec),
            service=spec.name,
            port=port,
            ready_seconds=spec.start_seconds,
        )

    def _declare_pre_pull(
        self, name: str, spec: DeploymentSpec, child: pulumi.ResourceOptions
    ) -> None:
        own = {"app.kubernetes.io/name": f"{spec.name}-pre-pull"}
        described = metadata(spec, f"{spec.name}-pre-pull", own)
        # An update waits for no node to have the image.
        quiet: Any = {**described, "annotations": {"pulumi.com/skipAwait": "true"}}
        daemon: Any = {
            "selector": {"matchLabels": own},
            # Without the replicas' annotations: one of them may keep a pod's node.
            "template": {"metadata": {"labels": described["labels"]}, "spec": pre_pull_pod(spec)},
            # A node's own pull depends on no other's.
            "updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%"}},
        }
        k8s.apps.v1.DaemonSet(
            f"{name}-pre-pull",
            metadata=quiet,
            spec=daemon,
            opts=child,
        )

    def _declare_warm_up(self, name: str, spec: DeploymentSpec) -> pulumi.Resource:
        own = {"app.kubernetes.io/name": f"{spec.name}-warm-up"}
        seconds = spec.start_seconds + 60
        job: Any = {
            "backoffLimit": 0,
            # A machine that is taken away says nothing of the image.
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "Ignore",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    }
                ]
            },
            "activeDeadlineSeconds": seconds,
            "template": template(spec, warm_up_pod(spec), own),
        }
        return k8s.batch.v1.Job(
            f"{name}-warm-up",
            metadata=metadata(spec, f"{spec.name}-warm-up", own),
            spec=job,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A Job's template can't be changed.
                replace_on_changes=["spec"],
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s"),
            ),
        )

    def _declare_lease(
        self,
        name: str,
        spec: DeploymentSpec,
        scaler: str,
        target: tuple[str, str, str] | None,
    ) -> None:
        declare(self, name, lease_of(spec, scaler, target))


def _engine_query(spec: DeploymentSpec) -> Any:
    """The engine's own metric over all replicas, by the labels that Prometheus puts on what it
    scrapes from pods."""
    if spec.scale_by is None or spec.preset is None:
        return None
    metric = spec.preset.metrics[spec.scale_by]
    scale = "100 * " if spec.scale_by is ScaleBy.KV_CACHE else ""
    return pulumi.Output.concat(
        scale, "sum(", metric, '{namespace="', spec.namespace, f'",pod=~"{spec.name}-.*"}})'
    )


def _deployment(spec: DeploymentSpec) -> Any:
    return {
        # Written once, at creation: unset it would be 1, so a first GPU would be bought before KEDA
        # looks.
        "replicas": spec.min_replicas,
        "selector": {"matchLabels": selector(spec)},
        "progressDeadlineSeconds": spec.start_seconds,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": spec.max_surge, "maxUnavailable": spec.max_unavailable},
        },
        "template": template(spec, server_pod(spec)),
    }


def _leader_worker_set(spec: DeploymentSpec) -> dict[str, Any]:
    return {
        "replicas": spec.min_replicas,
        "startupPolicy": "LeaderCreated",
        "rolloutStrategy": {
            "type": "RollingUpdate",
            "rollingUpdateConfiguration": {
                "maxSurge": spec.max_surge,
                "maxUnavailable": spec.max_unavailable,
            },
        },
        "leaderWorkerTemplate": {
            "size": spec.nodes,
            # The nodes of a replica only work together.
            "restartPolicy": "RecreateGroupOnPodRestart",
            "leaderTemplate": template(spec, server_pod(spec)),
            "workerTemplate": template(
                spec, follower_pod(spec), {"app.kubernetes.io/name": f"{spec.name}-worker"}
            ),
        },
    }


def _scaled_job(spec: DeploymentSpec) -> dict[str, Any]:
    return {
        "jobTargetRef": {
            "backoffLimit": spec.job_retries,
            "activeDeadlineSeconds": spec.job_seconds,
            "template": template(spec, job_pod(spec)),
        },
        "pollingInterval": spec.polling_seconds,
        "minReplicaCount": 0,
        "maxReplicaCount": spec.most,
        "successfulJobsHistoryLimit": 5,
        "failedJobsHistoryLimit": 5,
        "rollout": {"strategy": "gradual"},
        "triggers": triggers(spec),
    }


def _service(spec: DeploymentSpec, port: int) -> Any:
    return {
        "selector": selector(spec),
        "ports": [{"name": "http", "port": port, "targetPort": "http"}],
    }
