"""What a GpuDeployment accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from zerofloor.components.arguments import (
    Name,
    PlainText,
    PlainTexts,
    Problem,
    Quantity,
    Spec,
    Text,
    TextItems,
    TextMap,
    Texts,
    Whole,
)
from zerofloor.components.spec import (
    HOUR,
    GpuResource,
    Path,
    Seconds,
    Toleration,
    above_idle_cap,
    device_of,
    resource_of,
    unusable,
)
from zerofloor.components.wake import OPTIONAL, REQUIRED, WakeSignal, metric_of_the_pods
from zerofloor.hardware.instances import lookup
from zerofloor.values import quantity


class DeploymentSpec(Spec):
    """The arguments of a GpuDeployment."""

    stand_ins: ClassVar[Mapping[str, Any]] = {"image": "image"}
    replacing: ClassVar[frozenset[str]] = frozenset({"name", "namespace", "wake_signal"})

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
                "min_replicas",
                f"{self.min_replicas} is above `max_replicas`, which is {self.max_replicas}",
            )
        yield from above_idle_cap("cooldown_seconds", self.cooldown_seconds, self.idle_cap_seconds)
        if self.max_surge == 0 and self.max_unavailable == 0:
            yield Problem(
                "max_unavailable",
                "must be at least 1 where `max_surge` is 0, or no rollout could ever proceed",
            )
        yield from self._signal()
        caches = [
            name
            for name in ("cache_size", "cache_claim", "cache_host_path")
            if getattr(self, name) is not None
        ]
        if len(caches) > 1:
            yield Problem(caches[1], f"excludes `{caches[0]}`: the cache is one volume")
        for index, name in enumerate(self.instance_types or ()):
            yield from self._fits(f"instance_types[{index}]", name)

    def _signal(self) -> Iterator[Problem]:
        for name in REQUIRED[self.wake_signal]:
            if getattr(self, name) is None:
                yield Problem(name, f'is required with `wake_signal` "{self.wake_signal}"')
        for signal in WakeSignal:
            for name in (*REQUIRED[signal], *OPTIONAL.get(signal, ())):
                if signal is not self.wake_signal and getattr(self, name) is not None:
                    yield Problem(
                        name,
                        f'belongs to `wake_signal` "{signal}", and this one is '
                        f'"{self.wake_signal}"',
                    )
        metric = metric_of_the_pods(self.prometheus_query or "")
        if metric and self.min_replicas == 0:
            yield Problem(
                "prometheus_query",
                f"{metric} is exported by the replicas themselves: at zero there is none, "
                "so nothing would ever wake the first one. "
                'Ask for what waits in front of them (a gateway, `wake_signal` "http", a queue), '
                "or set `min_replicas` to 1 and pay for it",
            )

    def _fits(self, path: str, name: str) -> Iterator[Problem]:
        shape = lookup("aws", name)
        why = unusable(name, shape)
        if why is not None or shape is None or shape.gpus is None:
            yield Problem(path, why or "")
            return
        if device_of(self.gpu_resource) != resource_of(shape):
            yield Problem(
                "gpu_resource",
                (
                    f"{self.gpu_resource} is not what {name} has: {shape.accelerator} is "
                    f"{resource_of(shape)}"
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
