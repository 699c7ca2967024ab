"""The pod of a GpuDeployment: a container with GPUs, its cache, its probes, where it may run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pulumi

from zerofloor.components import merges
from zerofloor.components.choices import Engine, Probe, Run
from zerofloor.components.deployment_spec import DeploymentSpec
from zerofloor.components.engines import follow, start, streaming
from zerofloor.components.spec import device_of


def selector(spec: DeploymentSpec) -> dict[str, str]:
    """The label by which a replica is found."""
    return {"app.kubernetes.io/name": spec.name}


def template(
    spec: DeploymentSpec, pod: Mapping[str, Any], own: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A pod template with its labels and annotations."""
    found = selector(spec) if own is None else own
    metadata: dict[str, Any] = {"labels": {**spec.labels, **found}}
    if spec.annotations:
        metadata["annotations"] = dict(spec.annotations)
    return {"metadata": metadata, "spec": pod}


def server_pod(spec: DeploymentSpec) -> dict[str, Any]:
    """A replica, or the first node of one."""
    return _pod(spec, _container(spec, leads=True))


def follower_pod(spec: DeploymentSpec) -> dict[str, Any]:
    """Each other node of a replica: nothing serves there."""
    return _pod(spec, _container(spec, leads=False))


def job_pod(spec: DeploymentSpec) -> dict[str, Any]:
    """A replica that ends by itself."""
    return {**server_pod(spec), "restartPolicy": "Never"}


def warm_up_pod(spec: DeploymentSpec) -> dict[str, Any]:
    """A replica that is there until it works: a sidecar, so that the pod ends with its container,
    which Kubernetes starts once the sidecar's startup probe has passed."""
    pod = server_pod(spec)
    server = next(one for one in pod["containers"] if one["name"] == "server")
    sidecar = {key: value for key, value in server.items() if key in _OF_SIDECAR}
    check: dict[str, Any] = {
        "name": "check",
        "image": spec.warm_up_image,
        "command": ["true"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    if spec.restricted:
        check["securityContext"] = _container_security()
    return {
        **pod,
        "restartPolicy": "Never",
        "initContainers": [
            *pod.get("initContainers", ()),
            {**sidecar, "restartPolicy": "Always"},
        ],
        "containers": [check],
    }


_OF_SIDECAR = (
    "name", "image", "command", "args", "env", "envFrom", "resources", "volumeMounts", "ports",
    "startupProbe", "securityContext", "workingDir", "imagePullPolicy", "volumeDevices",
)  # fmt: skip


def pre_pull_pod(spec: DeploymentSpec) -> dict[str, Any]:
    """What runs once on each node that a replica may run on, so that it has the image: it asks for
    no GPU, and as a DaemonSet's it keeps no node."""
    idle = {"requests": {"cpu": "10m", "memory": "16Mi"}}
    containers = [
        # Without a GPU: images built on CUDA would be shown all of them.
        {
            "name": "image",
            "image": spec.image,
            "command": ["sh", "-c", "exit 0"],
            "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}],
            "resources": idle,
        },
        {"name": "idle", "image": spec.pre_pull_idle_image, "resources": idle},
    ]
    if spec.restricted:
        containers = [{**one, "securityContext": _container_security()} for one in containers]
    pod: dict[str, Any] = {
        "initContainers": containers[:1],
        "containers": containers[1:],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
    }
    return {**pod, **_placed(spec), **_pulled(spec), **_secured(spec)}


def _pod(spec: DeploymentSpec, container: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "containers": [merges.merged(container, spec.container)],
        "volumes": _volumes(spec),
        "terminationGracePeriodSeconds": spec.termination_grace_seconds,
        # Kubernetes would put VLLM_PORT=tcp://… into the container for a Service called vllm, and
        # vLLM ends with an error over it (vllm/envs.py); other engines have such variables too.
        "enableServiceLinks": False,
        **_placed(spec),
        **_pulled(spec),
        **_secured(spec),
    }
    if spec.service_account is not None:
        pod["serviceAccountName"] = spec.service_account
    else:
        # A model server does not ask the API server.
        pod["automountServiceAccountToken"] = False
    if spec.priority_class is not None:
        pod["priorityClassName"] = spec.priority_class
    if spec.runtime_class is not None:
        pod["runtimeClassName"] = spec.runtime_class
    return merges.merged(pod, spec.pod)


def _placed(spec: DeploymentSpec) -> dict[str, Any]:
    """On which nodes."""
    placed: dict[str, Any] = {
        "tolerations": [
            {"key": device_of(spec.gpu_resource), "operator": "Exists", "effect": "NoSchedule"},
            *map(_toleration, spec.tolerations),
        ]
    }
    chosen = dict(spec.node_selector)
    if spec.node_pool is not None:
        chosen["karpenter.sh/nodepool"] = spec.node_pool
    if chosen:
        placed["nodeSelector"] = chosen
    if spec.instance_types:
        placed["affinity"] = _of_types(spec)
    return placed


def _pulled(spec: DeploymentSpec) -> dict[str, Any]:
    """With which secrets images are pulled."""
    if spec.image_pull_secrets is None:
        return {}
    named = _through(spec.image_pull_secrets, lambda names: [{"name": name} for name in names])
    return {"imagePullSecrets": named}


def _secured(spec: DeploymentSpec) -> dict[str, Any]:
    """As which user."""
    if not spec.restricted:
        return {}
    user = spec.run_as_user or 1000
    context = {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {"securityContext": context}


def _of_types(spec: DeploymentSpec) -> dict[str, Any]:
    term = {
        "key": "node.kubernetes.io/instance-type",
        "operator": "In",
        "values": list(spec.instance_types or ()),
    }
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [term]}]
            }
        }
    }


def _container(spec: DeploymentSpec, *, leads: bool) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "server",
        "image": spec.image,
        "resources": _resources(spec),
        "volumeMounts": _mounts(spec),
    }
    if leads:
        container |= _serving(spec)
    container |= _started(spec, leads=leads)
    env = _env(spec)
    if env is not None:
        container["env"] = env
    if spec.env_from_secrets is not None:
        container["envFrom"] = _through(
            spec.env_from_secrets, lambda names: [{"secretRef": {"name": name}} for name in names]
        )
    if spec.restricted:
        container["securityContext"] = _container_security()
    return container


def _container_security() -> dict[str, Any]:
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _resources(spec: DeploymentSpec) -> dict[str, Any]:
    limits: dict[str, str] = {spec.gpu_resource: str(spec.gpus)}
    requests: dict[str, str] = {}
    if spec.cpu is not None:
        requests["cpu"] = spec.cpu
    if spec.memory is not None:
        requests["memory"] = limits["memory"] = spec.memory
    if spec.cache_size is not None:
        # So that a node whose disk can't hold the cache is not taken: the pod would be evicted
        # there, again and again, on a node that bills.
        requests["ephemeral-storage"] = spec.cache_size
    # Kubernetes refuses a device in requests that is not in limits, and takes the limit for the
    # request where there is none.
    return {"limits": limits, **({"requests": requests} if requests else {})}


def _mounts(spec: DeploymentSpec) -> list[dict[str, Any]]:
    mounts = [{"name": "cache", "mountPath": spec.cached_at}]
    if _shares_memory(spec):
        mounts.append({"name": "shared-memory", "mountPath": "/dev/shm"})
    return mounts


def _shares_memory(spec: DeploymentSpec) -> bool:
    # The GPUs of a replica talk over /dev/shm (NCCL), of which a container has 64 MiB by default.
    return spec.shared_memory is not None or spec.gpus > 1


def _serving(spec: DeploymentSpec) -> dict[str, Any]:
    """Ports, probes and drain of a container that serves, or of one that can at least be probed."""
    made: dict[str, Any] = {}
    port = spec.listens_on
    if port is not None:
        made["ports"] = [{"name": "http", "containerPort": port}]
        metrics = spec.preset.metrics_port if spec.preset else None
        if metrics is not None and metrics != port:
            made["ports"].append({"name": "metrics", "containerPort": metrics})
    answer = _probe(spec)
    if answer is not None:
        made["startupProbe"] = {
            **answer,
            "periodSeconds": 10,
            "failureThreshold": math.ceil(spec.startup_seconds / 10),
        }
        if spec.run is Run.SERVER:
            made["readinessProbe"] = {**answer, "periodSeconds": 5}
        made["livenessProbe"] = {
            **answer,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        }
    if spec.drains:
        # Requests still come until each proxy knows that the replica is going.
        made["lifecycle"] = {"preStop": {"sleep": {"seconds": spec.drains}}}
    return made


def _probe(spec: DeploymentSpec) -> dict[str, Any] | None:
    match spec.probed:
        case Probe.HTTP:
            return {"httpGet": {"path": spec.health, "port": "http"}}
        case Probe.TCP:
            return {"tcpSocket": {"port": "http"}}
        case Probe.EXEC:
            own = spec.preset.probe_command if spec.preset else ()
            return {"exec": {"command": spec.probe_command or list(own)}}
        case Probe.NONE:
            return None


def _started(spec: DeploymentSpec, *, leads: bool) -> dict[str, Any]:
    """Command and arguments, by the engine's preset or as they are given."""
    if spec.engine is None or spec.model is None:
        made = {"command": spec.command, "args": spec.args}
        return {key: value for key, value in made.items() if value is not None}
    port = spec.listens_on or (spec.preset.port if spec.preset else 8000)
    begin = start if leads else follow
    engine, model, split = spec.engine, spec.model, spec.split
    streamed = streaming(engine, model, spec.stream_concurrency)
    given: Any = spec.args or ()
    if isinstance(given, pulumi.Output):
        begun = begin(engine, model, port, split, streamed)
        return {**begun, "args": given.apply(lambda more: [*begun["args"], *more])}
    return begin(engine, model, port, split, [*streamed, *given])


def _env(spec: DeploymentSpec) -> Any:
    """Environment variables by name: the preset's, the user's own, single keys of Secrets."""
    plain: dict[str, Any] = dict((spec.preset.env if spec.preset else None) or {})
    if spec.engine is Engine.OLLAMA:
        plain["ZEROFLOOR_MODEL"] = spec.model
    if spec.restricted:
        # The home of a user without one; libraries write their caches there.
        plain |= {"HOME": spec.cached_at, "HF_HOME": spec.cached_at}
    keys = [
        {"name": name, "valueFrom": {"secretKeyRef": _secret_key(place)}}
        for name, place in sorted(spec.env_from_secret_keys.items())
    ]
    if spec.env is None and not plain and not keys:
        return None
    return _through(
        spec.env or {},
        lambda env: [
            *({"name": name, "value": value} for name, value in sorted({**plain, **env}.items())),
            *keys,
        ],
    )


def _secret_key(place: Any) -> Any:
    def read(text: str) -> dict[str, str]:
        secret, _, key = text.partition("/")
        return {"name": secret, "key": key}

    return place.apply(read) if isinstance(place, pulumi.Output) else read(place)


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
    if _shares_memory(spec):
        medium = {"medium": "Memory"}
        if spec.shared_memory is not None:
            medium["sizeLimit"] = spec.shared_memory
        volumes.append({"name": "shared-memory", "emptyDir": medium})
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
