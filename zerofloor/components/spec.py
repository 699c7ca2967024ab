"""What the components accept: types, defaults and bounds. What each argument means, the Args types
say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import (
    Name,
    PlainText,
    PlainTexts,
    Problem,
    Quantity,
    Some,
    Spec,
    Text,
    TextItems,
    TextMap,
    Texts,
    Whole,
    camel,
)
from zerofloor.components.wake import OPTIONAL, REQUIRED, WakeSignal, metric_of_the_pods
from zerofloor.hardware.instances import Shape, accelerated_types, lookup
from zerofloor.values import quantity

HOUR = 3600

_GPU_RESOURCES = re.compile(
    r"nvidia\.com/(gpu|mig-\S+)|amd\.com/gpu|aws\.amazon\.com/neuron(core|device)?|habana\.ai/gaudi|google\.com/tpu|gpu\.intel\.com/(i915|xe)"
)


def _gpu_resource(value: Any) -> str:
    if not isinstance(value, str) or not _GPU_RESOURCES.fullmatch(value):
        raise ValueError(
            "must be a device plugin's resource: nvidia.com/gpu, nvidia.com/mig-…, "
            "amd.com/gpu, aws.amazon.com/neuron, "
            "habana.ai/gaudi, google.com/tpu, gpu.intel.com/xe"
        )
    return value


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError("must be a path that starts with /")
    return value


def _toleration(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(
        r"[^=:\s]+(=[^=:\s]*)?(:(NoSchedule|PreferNoSchedule|NoExecute))?", value
    ):
        raise ValueError(
            "must be KEY, KEY=VALUE, or either with :NoSchedule, :PreferNoSchedule or "
            ":NoExecute after it"
        )
    return value


def _capacity_type(value: Any) -> str:
    if value not in ("on-demand", "spot", "reserved"):
        raise ValueError("must be on-demand, spot or reserved")
    return str(value)


def _ami_alias(value: Any) -> str:
    # EC2NodeClass admits windows too, which has no GPU image; AL2 ended in 2026.
    if not isinstance(value, str) or not re.fullmatch(r"(al2023|bottlerocket)@\S+", value):
        raise ValueError("must be al2023@VERSION or bottlerocket@VERSION, such as al2023@latest")
    return value


GpuResource = Annotated[str, BeforeValidator(_gpu_resource)]
Path = Annotated[str, BeforeValidator(_path)]
Toleration = Annotated[str, BeforeValidator(_toleration)]
CapacityType = Annotated[str, BeforeValidator(_capacity_type)]
AmiAlias = Annotated[str, BeforeValidator(_ami_alias)]
Seconds = Annotated[Whole, Field(ge=0, le=7 * 24 * HOUR)]


class DeploymentSpec(Spec):
    """The arguments of a GpuDeployment."""

    name: Name
    namespace: Text = "default"
    labels: TextItems = Field(default_factory=dict)

    image: Text
    command: Texts | None = None
    args: Texts | None = None
    env: TextMap | None = None
    env_from_secrets: Texts | None = None
    port: Annotated[Whole, Field(ge=1, le=65535)] = 8000
    health_path: Path = "/health"
    startup_seconds: Annotated[Whole, Field(ge=10, le=4 * HOUR)] = 600
    termination_grace_seconds: Annotated[Whole, Field(ge=0, le=HOUR)] = 60
    service_account: Text = None
    priority_class: Text = None

    gpus: Annotated[Whole, Field(ge=1, le=128)] = 1
    gpu_resource: GpuResource = "nvidia.com/gpu"
    cpu: Quantity | None = None
    memory: Quantity | None = None
    shared_memory: Quantity | None = None
    instance_types: PlainTexts | None = None
    node_pool: Text = None
    node_selector: TextItems = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()

    cache_path: Path = "/root/.cache/huggingface"
    cache_size: Quantity | None = None
    cache_claim: Text = None
    cache_host_path: Path | None = None

    min_replicas: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_replicas: Annotated[Whole, Field(ge=1, le=1000)] = 1
    cooldown_seconds: Seconds = 300
    idle_cap_seconds: Seconds = HOUR
    polling_seconds: Annotated[Whole, Field(ge=1, le=600)] = 15
    target_per_replica: Annotated[Whole, Field(ge=1, le=1_000_000)] = 10
    max_surge: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_unavailable: Annotated[Whole, Field(ge=0, le=1000)] = 1

    wake_signal: WakeSignal = WakeSignal.HTTP
    trigger_authentication: Text = None
    hosts: PlainTexts | None = None
    interceptor_namespace: PlainText = "keda"
    prometheus_address: Text = None
    prometheus_query: PlainText | None = None
    queue_url: Text = None
    queue_region: Text = None
    redis_address: Text = None
    redis_list: Text = None
    kafka_servers: Text = None
    kafka_topic: Text = None
    kafka_consumer_group: Text = None

    def problems(self) -> Iterator[Problem]:
        """Bounds against each other, the signal against its arguments, and a replica against the
        nodes that should hold it."""
        if self.min_replicas > self.max_replicas:
            yield Problem(
                "minReplicas",
                f"{self.min_replicas} is above maxReplicas, which is {self.max_replicas}",
            )
        yield from _idle_cap("cooldownSeconds", self.cooldown_seconds, self.idle_cap_seconds)
        if self.max_surge == 0 and self.max_unavailable == 0:
            yield Problem(
                "maxUnavailable",
                "must be at least 1 where maxSurge is 0, or no rollout could ever proceed",
            )
        yield from self._signal()
        caches = [
            name
            for name in ("cache_size", "cache_claim", "cache_host_path")
            if getattr(self, name) is not None
        ]
        if len(caches) > 1:
            yield Problem(camel(caches[1]), f"excludes {camel(caches[0])}: the cache is one volume")
        for index, name in enumerate(self.instance_types or ()):
            yield from self._fits(f"instanceTypes[{index}]", name)

    def _signal(self) -> Iterator[Problem]:
        for name in REQUIRED[self.wake_signal]:
            if getattr(self, name) is None:
                yield Problem(camel(name), f'is required with wakeSignal "{self.wake_signal}"')
        for signal in WakeSignal:
            for name in (*REQUIRED[signal], *OPTIONAL.get(signal, ())):
                if signal is not self.wake_signal and getattr(self, name) is not None:
                    yield Problem(
                        camel(name),
                        f'belongs to wakeSignal "{signal}", and this one is "{self.wake_signal}"',
                    )
        metric = metric_of_the_pods(self.prometheus_query or "")
        if metric and self.min_replicas == 0:
            yield Problem(
                "prometheusQuery",
                f"{metric} is exported by the replicas themselves: at zero there is none, "
                "so nothing would ever wake the first one. "
                'Ask for what waits in front of them (a gateway, wakeSignal "http", a queue), '
                "or set minReplicas to 1 and pay for it",
            )

    def _fits(self, path: str, name: str) -> Iterator[Problem]:
        shape = lookup("aws", name)
        why = unusable(name, shape)
        if why is not None or shape is None or shape.gpus is None:
            yield Problem(path, why or "")
            return
        if device_of(self.gpu_resource) != _resource_of(shape):
            yield Problem(
                "gpuResource",
                (
                    f"{self.gpu_resource} is not what {name} has: {shape.accelerator} is "
                    f"{_resource_of(shape)}"
                ),
            )
        elif self.gpus > shape.gpus and device_of(self.gpu_resource) == self.gpu_resource:
            yield Problem("gpus", f"{self.gpus} do not fit on {name}, which holds {shape.gpus}")
        for argument, room, unit in (("cpu", shape.vcpus, 1), ("memory", shape.memory_gib, 2**30)):
            asked = quantity(getattr(self, argument))
            if isinstance(asked, Decimal) and room is not None and asked >= room * unit:
                has = (
                    f"{room:f}{'' if unit == 1 else ' GiB'} in all, and the system needs a "
                    "part of it"
                )
                yield Problem(
                    argument, f"{getattr(self, argument)} does not fit on {name}: it has {has}"
                )


class NodePoolSpec(Spec):
    """The arguments of a GpuNodePool."""

    name: Name
    cluster_name: Text = None
    discovery_tags: TextItems | None = None
    role: Text = None
    instance_profile: Text = None

    instance_types: PlainTexts | None = None
    instance_families: PlainTexts | None = None
    capacity_types: Annotated[tuple[CapacityType, ...], Some] = ("on-demand",)
    zones: Texts | None = None
    max_gpus: Annotated[Whole, Field(ge=1, le=100_000)]
    weight: Annotated[Whole, Field(ge=1, le=100)] | None = None

    consolidate_after_seconds: Seconds = 60
    idle_cap_seconds: Seconds = HOUR
    expire_after_hours: Annotated[Whole, Field(ge=1, le=10_000)] = 720
    termination_grace_seconds: Annotated[Whole, Field(ge=1, le=HOUR)] = 1800

    ami_alias: AmiAlias = "al2023@latest"
    disk_gib: Annotated[Whole, Field(ge=20, le=16_384)] = 200
    labels: TextItems = Field(default_factory=dict)
    tags: TextItems = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        """One way to find the network, one identity, one choice of types, and types that the limit
        lets start."""
        yield from self._one_of("cluster_name", "discovery_tags")
        yield from self._one_of("role", "instance_profile")
        yield from self._one_of("instance_types", "instance_families")
        yield from _idle_cap(
            "consolidateAfterSeconds", self.consolidate_after_seconds, self.idle_cap_seconds
        )
        found: list[Shape] = []
        for index, name in enumerate(self.instance_types or ()):
            shape, path = lookup("aws", name), f"instanceTypes[{index}]"
            why = unusable(name, shape)
            if why is not None or shape is None or shape.gpus is None:
                yield Problem(path, why or "")
                continue
            found.append(shape)
            if shape.gpus > self.max_gpus:
                yield Problem(
                    path,
                    (
                        f"{name} holds {shape.gpus} GPUs and maxGpus is {self.max_gpus}: it "
                        "could never start"
                    ),
                )
        for index, family in enumerate(self.instance_families or ()):
            members = _family(family)
            if not members:
                yield Problem(
                    f"instanceFamilies[{index}]",
                    f"{family} is no family with whole GPUs that zerofloor knows",
                )
            elif min(_gpus(shape) for shape in members) > self.max_gpus:
                least = min(_gpus(shape) for shape in members)
                yield Problem(
                    f"instanceFamilies[{index}]",
                    f"{family} has at least {least} GPUs on a node and maxGpus is {self.max_gpus}",
                )
            found += members
        kinds = {_resource_of(shape) for shape in found}
        if len(kinds) > 1:
            several = "instanceTypes" if self.instance_types else "instanceFamilies"
            yield Problem(
                several,
                (
                    f"mixes {' and '.join(sorted(kinds))}: make one pool for each, as each has "
                    "its own taint and limit"
                ),
            )

    @property
    def gpu_resource(self) -> str:
        """The resource that the pool's nodes offer: key of its taint and of its limit."""
        shapes = [lookup("aws", name) for name in self.instance_types or ()] or [
            _family(name)[0] for name in self.instance_families or ()
        ]
        return next(_resource_of(shape) for shape in shapes if shape is not None)

    def _one_of(self, first: str, second: str) -> Iterator[Problem]:
        given = [name for name in (first, second) if getattr(self, name)]
        if not given:
            yield Problem(camel(first), f"is required, or {camel(second)} in its place")
        if len(given) == 2:
            yield Problem(camel(second), f"excludes {camel(first)}: give one of the two")


def device_of(gpu_resource: str) -> str:
    """The whole device that a resource is a part of, by which nodes are tainted:
    `nvidia.com/mig-1g.5gb` → `nvidia.com/gpu`."""
    if gpu_resource.startswith("nvidia.com/mig-"):
        return "nvidia.com/gpu"
    return (
        "aws.amazon.com/neuron"
        if gpu_resource.startswith("aws.amazon.com/neuron")
        else gpu_resource
    )


def unusable(name: str, shape: Shape | None) -> str | None:
    """Why a GPU can't be placed on an instance type: unknown, of unknown size, without one, or with
    a part of one. None where it can."""
    if shape is None or shape.gpus is None:
        near = difflib.get_close_matches(
            name, [known.instance_type for known in accelerated_types("aws")], n=1
        )
        return f"{name} is no instance type whose GPUs zerofloor knows" + (
            f"; did you mean {near[0]}?" if near else ""
        )
    if shape.gpus == 0:
        return f"{name} has no GPU"
    if shape.gpus != int(shape.gpus):
        return f"{name} has {shape.gpus} of a GPU, and a pod asks for whole ones"
    return (
        None
        if _resource_of(shape)
        else f"{name} has a {shape.accelerator}, for which Karpenter knows no resource"
    )


# Which resource Karpenter's AWS provider counts for which maker (its docs, "NodePools: GPU limits",
# "Accelerators/GPU resources").
_RESOURCES: Mapping[str, str] = {
    "NVIDIA": "nvidia.com/gpu",
    "AMD": "amd.com/gpu",
    "AWS": "aws.amazon.com/neuron",
    "Habana": "habana.ai/gaudi",
}


def _resource_of(shape: Shape) -> str:
    return _RESOURCES.get(shape.accelerator.split(" ", 1)[0], "")


def _family(name: str) -> list[Shape]:
    of = [shape for shape in accelerated_types("aws") if shape.instance_type.startswith(f"{name}.")]
    return [shape for shape in of if unusable(shape.instance_type, shape) is None]


def _gpus(shape: Shape) -> Decimal:
    return shape.gpus or Decimal(0)


def _idle_cap(path: str, seconds: int, cap: int) -> Iterator[Problem]:
    if seconds > cap:
        yield Problem(
            path,
            (
                f"{seconds} bills GPUs for longer after the last request than idleCapSeconds, "
                f"which is {cap}; raise that to allow it"
            ),
        )
