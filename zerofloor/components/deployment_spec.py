"""What a GpuDeployment accepts: types, defaults and bounds. What each argument means, its Args type
says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from zerofloor.components import bounds, merges
from zerofloor.components.arguments import (
    Flag,
    PlainMap,
    PlainText,
    PlainTexts,
    Problem,
    Quantity,
    Text,
    TextItems,
    TextMap,
    Texts,
    Whole,
)
from zerofloor.components.choices import Engine, ModelType, Probe, Rollout, Run, ScaleBy
from zerofloor.components.engines import PRESETS, Parallel, Preset, store_of
from zerofloor.components.scaling import is_queue
from zerofloor.components.scaling_spec import NODE_SECONDS, Amount, ScalingSpec
from zerofloor.components.spec import (
    HOUR,
    GpuResource,
    Path,
    Toleration,
    device_of,
    resource_of,
    unusable,
)
from zerofloor.floor.misfits import beyond
from zerofloor.hardware.allocatable import room_for_pods
from zerofloor.hardware.instances import Shape
from zerofloor.values import quantity
from zerofloor.words import counted

_SECRET_KEY = re.compile(r"[a-z0-9][-a-z0-9.]*/[-._A-Za-z0-9]+")
_SCALE_TARGETS: Mapping[ScaleBy, float] = {ScaleBy.WAITING: 5, ScaleBy.KV_CACHE: 80}


class DeploymentSpec(ScalingSpec):
    """The arguments of a GpuDeployment."""

    stand_ins: ClassVar[Mapping[str, Any]] = {"image": "image"}
    replacing: ClassVar[frozenset[str]] = frozenset(
        {"name", "namespace", "nodes", "run", "wake_signal", "warm_up_image"}
    )

    image: Text
    engine: Engine | None = None
    model: PlainText | None = None
    model_billions: Amount | None = None
    model_type: ModelType = ModelType.BF16
    command: Texts | None = None
    args: Texts | None = None
    env: TextMap | None = None
    env_from_secrets: Texts | None = None
    env_from_secret_keys: TextItems = Field(default_factory=dict)
    image_pull_secrets: Texts | None = None
    annotations: TextItems = Field(default_factory=dict)
    port: Annotated[Whole, Field(ge=1, le=65535)] | None = None
    probe: Probe | None = None
    probe_command: Texts | None = None
    health_path: Path | None = None
    startup_seconds: Annotated[Whole, Field(ge=10, le=4 * HOUR)] = 600
    drain_seconds: Annotated[Whole, Field(ge=0, le=HOUR)] | None = None
    termination_grace_seconds: Annotated[Whole, Field(ge=0, le=24 * HOUR)] = 60
    service_account: Text = None
    priority_class: Text = None
    runtime_class: Text = None
    restricted: Flag = False
    run_as_user: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = None
    pod: PlainMap | None = None
    container: PlainMap | None = None

    gpus: Annotated[Whole, Field(ge=1, le=128)] = 1
    nodes: Annotated[Whole, Field(ge=1, le=64)] = 1
    tensor_parallel: Annotated[Whole, Field(ge=1, le=1024)] | None = None
    pipeline_parallel: Annotated[Whole, Field(ge=1, le=64)] | None = None
    gpu_resource: GpuResource = "nvidia.com/gpu"
    cpu: Quantity | None = None
    memory: Quantity | None = None
    shared_memory: Quantity | None = None
    instance_types: PlainTexts | None = None
    region: PlainText | None = None
    node_pool: Text = None
    node_selector: TextItems = Field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()

    cache_path: Path | None = None
    cache_size: Quantity | None = None
    cache_claim: Text = None
    cache_host_path: Path | None = None
    stream_concurrency: Annotated[Whole, Field(ge=1, le=256)] | None = None
    pre_pull: Flag = False
    pre_pull_idle_image: Text = "registry.k8s.io/pause:3.10"

    max_hourly_cost: Amount | None = None
    scale_by: ScaleBy | None = None
    max_surge: Annotated[Whole, Field(ge=0, le=1000)] = 0
    max_unavailable: Annotated[Whole, Field(ge=0, le=1000)] = 1
    rollout: Rollout = Rollout.AT_ONCE
    warm_up_image: Text = "busybox:1.37"

    run: Run = Run.SERVER
    job_seconds: Annotated[Whole, Field(ge=1, le=7 * 24 * HOUR)] = HOUR
    job_retries: Annotated[Whole, Field(ge=0, le=100)] = 0

    @property
    def preset(self) -> Preset | None:
        """What is known of the engine."""
        return None if self.engine is None else PRESETS[self.engine]

    @property
    def listens_on(self) -> int | None:
        """The port on which a replica serves; None where it does not."""
        if self.port is not None:
            return self.port
        if all(is_queue(signal) for signal in self.signals):
            return None
        return self.preset.port if self.preset else 8000

    @property
    def probed(self) -> Probe:
        """How the kubelet sees that a replica works."""
        if self.probe is not None:
            return self.probe
        if self.listens_on is None or self.run is Run.JOB:
            return Probe.NONE
        return self.preset.probe if self.preset else Probe.HTTP

    @property
    def health(self) -> str:
        """The path that the probe asks."""
        return self.health_path or (self.preset.health_path if self.preset else "/health")

    @property
    def cached_at(self) -> str:
        """Where the model cache is mounted."""
        if self.cache_path is not None:
            return self.cache_path
        if self.restricted:
            return "/cache"
        return self.preset.cache_path if self.preset else "/root/.cache/huggingface"

    @property
    def drains(self) -> int:
        """Seconds between a replica's removal from its Service and the signal to stop."""
        if self.drain_seconds is not None:
            return self.drain_seconds
        served = self.listens_on is not None and self.run is Run.SERVER
        return min(5, self.termination_grace_seconds // 2) if served else 0

    @property
    def split(self) -> Parallel:
        """Over how many GPUs and nodes one replica is split."""
        pipeline = self.pipeline_parallel or self.nodes
        tensor = self.tensor_parallel or max(1, self.gpus * self.nodes // pipeline)
        return Parallel(tensor=tensor, pipeline=pipeline, nodes=self.nodes)

    @property
    def start_seconds(self) -> int:
        """How long a replica may take from nothing to its first answer."""
        return NODE_SECONDS + self.startup_seconds

    @property
    def each(self) -> int:
        """Requests, messages or items that one replica should have: a Job has one."""
        given = "target_per_replica" in self.model_fields_set
        return self.target_per_replica if given or self.run is Run.SERVER else 1

    @property
    def reads_engine(self) -> bool:
        """Whether Prometheus is asked for more than what wakes the first replica."""
        return self.scale_query is not None or self.scale_by is not None

    @property
    def scale_at(self) -> float:
        """The value of the engine's metric that one replica should have."""
        if self.scale_target is not None or self.scale_by is None:
            return super().scale_at
        return _SCALE_TARGETS[self.scale_by]

    @property
    def most(self) -> int:
        """Replicas at any load, by their number and by what they cost."""
        if self.max_hourly_cost is None or not self.instance_types or self.region is None:
            return self.max_replicas
        affordable, _ = bounds.affordable(
            self.instance_types, self.region, self.max_hourly_cost, self.nodes
        )
        return min(self.max_replicas, affordable)

    def problems(self) -> Iterator[Problem]:
        """What several arguments together decide."""
        yield from super().problems()
        if self.max_surge == 0 and self.max_unavailable == 0:
            yield Problem(
                "max_unavailable",
                "must be at least 1 where `max_surge` is 0, or no rollout could ever proceed",
            )
        yield from self._serving_problems()
        yield from self._engine_problems()
        yield from self._job_problems()
        yield from self._cache_problems()
        yield from self._security_problems()
        yield from self._size_problems()
        yield from self._cost_problems()
        yield from merges.problems("pod", self.pod)
        yield from merges.problems("container", self.container)

    def warnings(self) -> Iterator[str]:
        """What is allowed and probably not meant."""
        tensor = self.split.tensor
        if self.engine is not None and tensor & (tensor - 1):
            yield (
                f"tensor_parallel {tensor} is not a power of two: an engine refuses to start where "
                "the model's attention heads can't be divided by it"
            )
        billions, guessed = self.model_billions, False
        if billions is None and self.model is not None:
            billions, guessed = billions_in(self.model), True
        room = self._gpu_room()
        if billions is None or room is None:
            return
        gpu_type, has = room
        weights = bounds.weights_gib(billions, self.model_type)
        needs = weights * bounds.WITH_CACHE
        if needs > has:
            source = f"the name {self.model}" if guessed else "model_billions"
            yield (
                f"A model of {billions:g} billion parameters ({source}) in {self.model_type} has "
                f"{weights:.0f} GiB of weights, with KV cache and activations about {needs:.0f} "
                f"GiB; a replica's {counted(self.gpus * self.nodes, 'GPU')} on {gpu_type} with "
                f"{has:.0f} GiB are too few. "
                "Take more GPUs, a larger type, or another model_type"
            )

    def _gpu_room(self) -> tuple[str, Decimal] | None:
        """The type with the least GPU memory, and that of one replica in GiB."""
        known = [
            (gib * self.gpus * self.nodes, name)
            for name in self.instance_types or ()
            if (gib := bounds.gpu_memory_gib(name)) is not None
        ]
        least = min(known, default=None)
        return None if least is None else (least[1], least[0])

    def _serving_problems(self) -> Iterator[Problem]:
        if self.probed is Probe.EXEC and self.probe_command is None and not self._preset_probe():
            yield Problem("probe_command", 'is required with `probe` "exec"')
        if self.probe_command is not None and self.probed is not Probe.EXEC:
            yield Problem(
                "probe_command", f'belongs to `probe` "exec", and this one is "{self.probed}"'
            )
        if self.listens_on is None and self.probed in (Probe.HTTP, Probe.TCP):
            yield Problem("port", f'is required with `probe` "{self.probed}"')
        if self.health_path is not None and self.probed is not Probe.HTTP:
            yield Problem(
                "health_path", f'belongs to `probe` "http", and this one is "{self.probed}"'
            )
        if self.drains > self.termination_grace_seconds:
            yield Problem(
                "drain_seconds",
                f"{self.drains} is above `termination_grace_seconds`, which is "
                f"{self.termination_grace_seconds}: the replica would be killed first",
            )

    def _preset_probe(self) -> bool:
        return self.preset is not None and bool(self.preset.probe_command)

    def _engine_problems(self) -> Iterator[Problem]:
        preset = self.preset
        if preset is None:
            for name in ("model", "scale_by"):
                if getattr(self, name) is not None:
                    yield Problem(name, f"belongs to `engine`: one of {', '.join(Engine)}")
        elif self.model is None:
            yield Problem("model", f'is required with `engine` "{self.engine}"')
        elif self.command is not None:
            yield Problem("command", f"is made by `engine`, which is {self.engine}; leave one out")
        yield from self._store_problems()
        if preset is not None and self.scale_by is not None and self.scale_by not in preset.metrics:
            known = ", ".join(preset.metrics) or "none"
            yield Problem("scale_by", f"{self.engine} exports no such metric; it has: {known}")
        if self.scale_by is not None and self.scale_query is not None:
            yield Problem("scale_by", "excludes `scale_query`: give one of the two")
        yield from self._parallel_problems()

    def _store_problems(self) -> Iterator[Problem]:
        """A model in an object store against the engine that shall read it."""
        preset, store = self.preset, store_of(self.model or "")
        streamed = preset is not None and preset.streams and store in preset.stores
        if self.stream_concurrency is not None and not streamed:
            yield Problem(
                "stream_concurrency",
                "belongs to a `model` in an object store and an `engine` that streams it: vllm, "
                "sglang",
            )
        if preset is None or store is None:
            return
        if store not in preset.stores:
            known = " ".join(f"{scheme}://" for scheme in preset.stores) or "no object store"
            yield Problem(
                "model",
                f"{self.engine} does not read {store}://; it reads {known}. Mount the bucket as a "
                "volume and take its `cache_claim`",
            )
        account = "AZURE_STORAGE_ACCOUNT_NAME"
        if store == "az" and streamed and isinstance(self.env or {}, Mapping):
            given = {*(self.env or {}), *self.env_from_secret_keys}
            if account not in given and self.env_from_secrets is None:
                yield Problem(f"env.{account}", "is required with a `model` on az://")

    def _parallel_problems(self) -> Iterator[Problem]:
        preset, all_gpus = self.preset, self.gpus * self.nodes
        given = [
            n for n in ("tensor_parallel", "pipeline_parallel") if getattr(self, n) is not None
        ]
        if preset is None or not preset.splits:
            for name in given:
                yield Problem(name, "belongs to an `engine` that splits a model: vllm, sglang, tgi")
        elif self.pipeline_parallel is not None and not preset.pipelines:
            yield Problem("pipeline_parallel", f"{self.engine} has none; only vllm and sglang do")
        elif given or all_gpus > 1:
            split = self.split
            if split.tensor * split.pipeline != all_gpus:
                yield Problem(
                    given[0] if given else "gpus",
                    f"tensor {split.tensor} times pipeline {split.pipeline} is "
                    f"{split.tensor * split.pipeline}, and `gpus` times `nodes` is {all_gpus}",
                )
        if self.nodes > 1:
            if preset is not None and not preset.several_nodes:
                yield Problem(
                    "nodes", f"{self.engine} runs on one node; only vllm and sglang on several"
                )
            if self.run is Run.JOB:
                yield Problem("nodes", 'must be 1 with `run` "job"')
            if self.rollout is Rollout.WARM_UP:
                yield Problem("rollout", '"warm_up" tries one node; it needs `nodes` 1')

    def _job_problems(self) -> Iterator[Problem]:
        given = self.model_fields_set
        if self.run is Run.SERVER:
            for name in ("job_seconds", "job_retries"):
                if name in given:
                    yield Problem(name, 'belongs to `run` "job"')
            return
        if not all(is_queue(signal) for signal in self.signals):
            yield Problem("wake_signal", '`run` "job" needs a queue: sqs, redis or kafka')
        if self.min_replicas:
            yield Problem("min_replicas", 'must be 0 with `run` "job": a Job ends by itself')
        for name in ("port", "probe", "office_hours", "scale_by", "scale_query"):
            if name in given and getattr(self, name):
                yield Problem(name, 'belongs to `run` "server"')
        if self.rollout is Rollout.WARM_UP:
            yield Problem("rollout", '"warm_up" needs a server to wait for')

    def _cache_problems(self) -> Iterator[Problem]:
        caches = [
            name
            for name in ("cache_size", "cache_claim", "cache_host_path")
            if getattr(self, name) is not None
        ]
        if len(caches) > 1:
            yield Problem(caches[1], f"excludes `{caches[0]}`: the cache is one volume")
        chosen = self.node_pool is not None or self.node_selector or self.instance_types
        if self.pre_pull and not chosen:
            yield Problem(
                "pre_pull",
                "needs `node_pool`, `node_selector` or `instance_types`: else every node of the "
                "cluster would pull the image",
            )
        if "pre_pull_idle_image" in self.model_fields_set and not self.pre_pull:
            yield Problem("pre_pull_idle_image", "belongs to `pre_pull`, which is not set")
        shared, memory = quantity(self.shared_memory), quantity(self.memory)
        if isinstance(shared, Decimal) and isinstance(memory, Decimal) and shared >= memory:
            yield Problem(
                "shared_memory",
                f"{self.shared_memory} counts against `memory`, which is {self.memory}",
            )

    def _security_problems(self) -> Iterator[Problem]:
        if self.run_as_user is not None and not self.restricted:
            yield Problem("run_as_user", "belongs to `restricted`, which is not set")
        if self.restricted and self.cache_host_path is not None:
            yield Problem("cache_host_path", "is a hostPath, which `restricted` forbids")
        if self.restricted and self.rollout is Rollout.WARM_UP:
            return
        for variable, place in sorted(self.env_from_secret_keys.items()):
            if isinstance(place, str) and not _SECRET_KEY.fullmatch(place):
                yield Problem(f"env_from_secret_keys.{variable}", "must be SECRET/KEY")

    def _size_problems(self) -> Iterator[Problem]:
        for index, name in enumerate(self.instance_types or ()):
            yield from self._fits(f"instance_types[{index}]", name)
        most, largest = bounds.most_gpus(self.gpu_resource)
        if not self.instance_types and self.gpus > most > 0:
            yield Problem(
                "gpus",
                f"{self.gpus} are more than any node has: the most is {most}, of {largest}; use "
                "`nodes` for more",
            )
        room = self._gpu_room()
        if self.model_billions is not None and room is not None:
            weights = bounds.weights_gib(self.model_billions, self.model_type)
            if weights > room[1]:
                yield Problem(
                    "model_billions",
                    f"{self.model_billions:g} billion parameters in {self.model_type} have "
                    f"{weights:.0f} GiB of weights, above the {room[1]:.0f} GiB of a replica's "
                    f"{counted(self.gpus * self.nodes, 'GPU')} on {room[0]}",
                )

    def _cost_problems(self) -> Iterator[Problem]:
        if self.max_hourly_cost is None:
            return
        for name in ("instance_types", "region"):
            if not getattr(self, name):
                yield Problem(name, "is required with `max_hourly_cost`, which is about its price")
        if not self.instance_types or self.region is None:
            return
        unknown = bounds.unknown_region(bounds.cloud_of(self.instance_types[0]), self.region)
        if unknown is not None:
            yield unknown
            return
        count, problems = bounds.affordable(
            self.instance_types, self.region, self.max_hourly_cost, self.nodes
        )
        yield from problems
        if not problems and self.min_replicas > count:
            yield Problem(
                "min_replicas",
                f"{self.min_replicas} cost more than `max_hourly_cost`, which pays for {count}",
            )

    def _fits(self, path: str, name: str) -> Iterator[Problem]:
        shape = bounds.shape_of(name)
        why = unusable(name, shape, bounds.cloud_of(name))
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
        yield from self._room_problems(name, shape)

    def _room_problems(self, name: str, shape: Shape) -> Iterator[Problem]:
        room = room_for_pods(shape)
        for argument in ("cpu", "memory", "shared_memory"):
            asked = quantity(getattr(self, argument))
            if not isinstance(asked, Decimal):
                continue
            cpu = asked if argument == "cpu" else Decimal(0)
            over = beyond(room, cpu, Decimal(0) if argument == "cpu" else asked, name)
            if over is not None:
                yield Problem(
                    argument,
                    f"{getattr(self, argument)} does not fit: {over[1]}; the kubelet and "
                    "the system keep the rest",
                )


def billions_in(model: str) -> float | None:
    """How many billion parameters a model's name claims (`Qwen3-8B` → 8); None where it does not.
    A mixture of experts (`8x7B`) has fewer than the product, so its name tells nothing."""
    found = re.search(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[bB](?![a-zA-Z0-9])", model)
    return None if found is None else float(found[1])
