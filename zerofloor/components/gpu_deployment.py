"""A model server on GPUs that scales to zero when idle: Deployment, Service and KEDA
scaling."""

# No `from __future__ import annotations` here: Pulumi reads the annotations at run time to make the
# schema for other languages.
import math
from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from zerofloor.components.arguments import camel, read
from zerofloor.components.deployment_spec import DeploymentSpec
from zerofloor.components.spec import device_of
from zerofloor.components.wake import WakeSignal, interceptor, trigger

NODE_SECONDS = 600
"""How long a node may take from nothing to a running container: a GPU node is ready in about 2
minutes, a 10 GB image pulls in 5 to 10."""


class GpuDeploymentArgs(TypedDict, total=False):
    """What a GpuDeployment is made from. Numbers, names and the query are checked, so they must be
    plain; the rest may be Outputs."""

    name: str
    """Name of the Deployment, the Service and the ScaledObject. Default: the component's own
    name."""
    namespace: pulumi.Input[str]
    """Namespace, which must exist. Default default."""
    labels: Mapping[str, pulumi.Input[str]]
    """More labels for the objects and the pods."""

    image: Required[pulumi.Input[str]]
    """The model server's image."""
    command: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's command, where the image's own is not right."""
    args: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The container's arguments."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Environment variables. A secret Output stays secret in Pulumi; in the cluster it can be read
    in the Deployment."""
    env_from_secrets: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Names of Kubernetes Secrets whose keys become environment variables."""
    port: float
    """Port on which the server answers. Default 8000."""
    health_path: str
    """Path that answers 200 once the model is loaded. Default /health."""
    startup_seconds: float
    """Longest time from the container's start to an answer at healthPath: it loads the model
    meanwhile. Default 600."""
    termination_grace_seconds: float
    """Time for requests in flight when a replica is stopped. Default 60."""
    service_account: pulumi.Input[str]
    """Service account of the pods."""
    priority_class: pulumi.Input[str]
    """Priority class of the pods."""

    gpus: float
    """Whole GPUs for each replica. Default 1."""
    gpu_resource: str
    """The device plugin's resource; its taint is tolerated. Default nvidia.com/gpu."""
    cpu: str
    """CPU request of a replica, such as 3 or 500m. There is no CPU limit."""
    memory: str
    """Memory request and limit of a replica, such as 24Gi."""
    shared_memory: str
    """Size of /dev/shm, such as 8Gi: servers that split a model over several GPUs need it. It
    counts against memory."""
    instance_types: Sequence[str]
    """Amazon EC2 instance types that may run a replica. A replica must fit on each."""
    node_pool: pulumi.Input[str]
    """Name of the Karpenter NodePool that should run the replicas, such as a GpuNodePool's name."""
    node_selector: Mapping[str, pulumi.Input[str]]
    """More node labels that a node must have."""
    tolerations: Sequence[str]
    """More taints to tolerate, each as KEY or KEY=VALUE, with or without :NoSchedule or another
    effect after it."""

    cache_path: str
    """Where the model cache is mounted. Default /root/.cache/huggingface."""
    cache_size: str
    """Size of a cache on the node's disk that goes with the replica, such as 100Gi. Without a cache
    argument it has no limit of its own."""
    cache_claim: pulumi.Input[str]
    """Name of a PersistentVolumeClaim for the cache, in place of the node's disk; it must be
    ReadWriteMany for several replicas."""
    cache_host_path: str
    """A folder of the node for the cache, in place of one of the pod's: replicas on the same node
    share it."""

    min_replicas: float
    """Replicas kept while idle: each holds its GPUs. Default 0."""
    max_replicas: float
    """The most replicas at any load. Default 1."""
    cooldown_seconds: float
    """Time without a request after which the last replica goes, and for which surplus replicas
    stay. Default 300."""
    idle_cap_seconds: float
    """The longest cooldownSeconds that is accepted. Default 3600."""
    polling_seconds: float
    """How often the signal is asked; a queue or gateway wakes a replica that much later at worst.
    Default 15."""
    target_per_replica: float
    """Requests, messages or items that one replica should have at a time; more of them make more
    replicas. Default 10."""
    max_surge: float
    """Replicas above the wanted number during a rollout. Each needs GPUs of its own, so a rollout
    buys nodes for it. Default 0."""
    max_unavailable: float
    """Replicas that may be missing during a rollout. Default 1."""

    wake_signal: WakeSignal
    """What wakes a replica from zero, and counts for more than one. Default http."""
    trigger_authentication: pulumi.Input[str]
    """Name of a KEDA TriggerAuthentication for the signal. Without it an SQS queue is read with
    KEDA's own identity."""
    hosts: Sequence[str]
    """wakeSignal http: more host names under which the interceptor accepts requests, beside those
    of the Service NAME-proxy."""
    interceptor_namespace: str
    """wakeSignal http: namespace of the KEDA HTTP add-on. Default keda."""
    prometheus_address: pulumi.Input[str]
    """wakeSignal gateway: URL of the Prometheus server."""
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
    """wakeSignal kafka: topic."""
    kafka_consumer_group: pulumi.Input[str]
    """wakeSignal kafka: consumer group of the replicas."""


class GpuDeployment(pulumi.ComponentResource):
    """A model server on GPUs: a Deployment, its Service, and a KEDA ScaledObject that takes it to
    zero and wakes it again.

    Needs KEDA in the cluster, and with wakeSignal http (the default) the KEDA HTTP add-on 0.14 or
    newer.
    """

    name: pulumi.Output[str]
    """Name of the Deployment, the Service and the ScaledObject."""
    url: pulumi.Output[str]
    """Where callers inside the cluster send requests so that a server at zero wakes up; for a
    queue, the Service itself."""

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
        metadata = _metadata(spec, spec.name)
        child = pulumi.ResourceOptions(parent=self)

        rollout = f"{_rollout_seconds(spec)}s"
        deployment = k8s.apps.v1.Deployment(
            name,
            metadata=metadata,
            spec=_deployment(spec),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The scaler owns the count after creation: an `up` that wrote it again would
                # restore idle GPUs.
                ignore_changes=["spec.replicas"],
                custom_timeouts=pulumi.CustomTimeouts(create=rollout, update=rollout),
            ),
        )
        k8s.core.v1.Service(name, metadata=metadata, spec=_service(spec), opts=child)
        host = pulumi.Output.concat(spec.name, ".", spec.namespace, ".svc.cluster.local")
        address = pulumi.Output.concat("http://", host, f":{spec.port}")
        if spec.wake_signal is WakeSignal.HTTP:
            k8s.core.v1.Service(
                f"{name}-proxy",
                metadata=_metadata(spec, f"{spec.name}-proxy"),
                spec=_proxy(spec),
                opts=child,
            )
            k8s.apiextensions.CustomResource(
                f"{name}-route",
                api_version="http.keda.sh/v1beta1",
                kind="InterceptorRoute",
                metadata=metadata,
                spec=_route(spec),
                opts=child,
            )
            address = pulumi.Output.concat(
                "http://", spec.name, "-proxy.", spec.namespace, ".svc.cluster.local:8080"
            )
        k8s.apiextensions.CustomResource(
            f"{name}-scaler",
            api_version="keda.sh/v1alpha1",
            kind="ScaledObject",
            metadata=metadata,
            spec=_scaler(spec),
            # KEDA acts on what its target has at that moment, and the target must outlive it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        self.name = pulumi.Output.from_input(spec.name)
        self.url = address
        self.register_outputs({"name": self.name, "url": self.url})


def _metadata(spec: DeploymentSpec, name: str) -> Any:
    return {"name": name, "namespace": spec.namespace, "labels": {**spec.labels, **_selector(spec)}}


def _selector(spec: DeploymentSpec) -> dict[str, str]:
    return {"app.kubernetes.io/name": spec.name}


def _deployment(spec: DeploymentSpec) -> Any:
    return {
        # Written once, at creation: unset it would be 1, so a first GPU would be bought before KEDA
        # looks.
        "replicas": spec.min_replicas,
        "selector": {"matchLabels": _selector(spec)},
        "progressDeadlineSeconds": _rollout_seconds(spec),
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": spec.max_surge, "maxUnavailable": spec.max_unavailable},
        },
        "template": {
            "metadata": {"labels": {**spec.labels, **_selector(spec)}},
            "spec": _pod(spec),
        },
    }


def _rollout_seconds(spec: DeploymentSpec) -> int:
    return NODE_SECONDS + spec.startup_seconds


def _pod(spec: DeploymentSpec) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "containers": [_container(spec)],
        "volumes": _volumes(spec),
        "tolerations": [
            {"key": device_of(spec.gpu_resource), "operator": "Exists", "effect": "NoSchedule"},
            *map(_toleration, spec.tolerations),
        ],
        "terminationGracePeriodSeconds": spec.termination_grace_seconds,
    }
    selector = dict(spec.node_selector)
    if spec.node_pool is not None:
        selector["karpenter.sh/nodepool"] = spec.node_pool
    if selector:
        pod["nodeSelector"] = selector
    if spec.instance_types:
        term = {
            "key": "node.kubernetes.io/instance-type",
            "operator": "In",
            "values": list(spec.instance_types),
        }
        pod["affinity"] = {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [term]}]
                }
            }
        }
    if spec.service_account is not None:
        pod["serviceAccountName"] = spec.service_account
    if spec.priority_class is not None:
        pod["priorityClassName"] = spec.priority_class
    return pod


def _container(spec: DeploymentSpec) -> dict[str, Any]:
    limits, requests = {spec.gpu_resource: str(spec.gpus)}, {}
    if spec.cpu is not None:
        requests["cpu"] = spec.cpu
    if spec.memory is not None:
        requests["memory"] = limits["memory"] = spec.memory
    mounts = [{"name": "cache", "mountPath": spec.cache_path}]
    if spec.shared_memory is not None:
        mounts.append({"name": "shared-memory", "mountPath": "/dev/shm"})
    answer = {"httpGet": {"path": spec.health_path, "port": "http"}}
    container: dict[str, Any] = {
        "name": "server",
        "image": spec.image,
        "ports": [{"name": "http", "containerPort": spec.port}],
        # Kubernetes refuses a device in requests that is not in limits, and takes the limit for the
        # request where there is none.
        "resources": {"limits": limits, **({"requests": requests} if requests else {})},
        "volumeMounts": mounts,
        "startupProbe": {
            **answer,
            "periodSeconds": 10,
            "failureThreshold": math.ceil(spec.startup_seconds / 10),
        },
        "readinessProbe": {**answer, "periodSeconds": 5},
        "livenessProbe": {
            **answer,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
    }
    if spec.command is not None:
        container["command"] = spec.command
    if spec.args is not None:
        container["args"] = spec.args
    if spec.env is not None:
        container["env"] = _through(
            spec.env, lambda env: [{"name": key, "value": env[key]} for key in sorted(env)]
        )
    if spec.env_from_secrets is not None:
        container["envFrom"] = _through(
            spec.env_from_secrets, lambda names: [{"secretRef": {"name": name}} for name in names]
        )
    return container


def _through(value: Any, make: Any) -> Any:
    # A map or list with a secret in it may reach a component from another language as one secret
    # Output.
    return value.apply(make) if isinstance(value, pulumi.Output) else make(value)


def _volumes(spec: DeploymentSpec) -> list[dict[str, Any]]:
    cache: dict[str, Any] = {"emptyDir": {"sizeLimit": spec.cache_size} if spec.cache_size else {}}
    if spec.cache_claim is not None:
        cache = {"persistentVolumeClaim": {"claimName": spec.cache_claim}}
    if spec.cache_host_path is not None:
        cache = {"hostPath": {"path": spec.cache_host_path, "type": "DirectoryOrCreate"}}
    volumes = [{"name": "cache", **cache}]
    if spec.shared_memory is not None:
        volumes.append(
            {
                "name": "shared-memory",
                "emptyDir": {"medium": "Memory", "sizeLimit": spec.shared_memory},
            }
        )
    return volumes


def _toleration(text: str) -> dict[str, str]:
    taint, _, effect = text.partition(":")
    key, equals, value = taint.partition("=")
    toleration = (
        {"key": key, "operator": "Equal", "value": value}
        if equals
        else {"key": key, "operator": "Exists"}
    )
    return {**toleration, "effect": effect} if effect else toleration


def _service(spec: DeploymentSpec) -> Any:
    return {
        "selector": _selector(spec),
        "ports": [{"name": "http", "port": spec.port, "targetPort": "http"}],
    }


def _proxy(spec: DeploymentSpec) -> Any:
    return {"type": "ExternalName", "externalName": interceptor(spec.interceptor_namespace)}


def _route(spec: DeploymentSpec) -> dict[str, Any]:
    proxy = f"{spec.name}-proxy"
    inside = [
        pulumi.Output.concat(proxy, ".", spec.namespace),
        pulumi.Output.concat(proxy, ".", spec.namespace, ".svc.cluster.local"),
    ]
    return {
        "target": {"service": spec.name, "port": spec.port},
        "rules": [{"hosts": [proxy, *inside, *(spec.hosts or ())]}],
        "scalingMetric": {"concurrency": {"targetValue": spec.target_per_replica}},
        # The first request waits for a node, the image and the model.
        "timeouts": {"readiness": f"{_rollout_seconds(spec)}s"},
    }


def _scaler(spec: DeploymentSpec) -> dict[str, Any]:
    return {
        "scaleTargetRef": {"name": spec.name},
        "minReplicaCount": spec.min_replicas,
        "maxReplicaCount": spec.max_replicas,
        "cooldownPeriod": spec.cooldown_seconds,
        "pollingInterval": spec.polling_seconds,
        # cooldownPeriod is only about the last replica; for the others this window is (Kubernetes
        # allows an hour at most).
        "advanced": {
            "horizontalPodAutoscalerConfig": {
                "behavior": {
                    "scaleDown": {"stabilizationWindowSeconds": min(spec.cooldown_seconds, 3600)}
                },
            },
        },
        "triggers": [trigger(spec.wake_signal, spec)],
    }
