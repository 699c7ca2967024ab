"""What the specs of several components share: types of arguments, and what fits on an instance
type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from zerofloor.components.arguments import Problem, Spec, Whole
from zerofloor.components.launch import FAST_ENOUGH
from zerofloor.hardware.instances import Shape, accelerated_types
from zerofloor.spelling import did_you_mean

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
Throughput = Annotated[Whole, Field(ge=125, le=750)]
"""MiB/s of a gp3 disk with its 3,000 IOPS, each of which carries 0.25 (EBS user guide, "General
Purpose SSD volumes")."""
Rate = Annotated[Whole, Field(ge=100, le=300)]
"""MiB/s at which a disk is filled from its snapshot (EC2 API, EbsBlockDevice:
VolumeInitializationRate)."""
Seconds = Annotated[Whole, Field(ge=0, le=7 * 24 * HOUR)]


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


_CALLED: Mapping[str, str] = {"aws": "instance type", "gcp": "machine type", "azure": "VM size"}


def unusable(name: str, shape: Shape | None, cloud: str = "aws") -> str | None:
    """Why a GPU can't be placed on an instance type: unknown, of unknown size, without one, or with
    a part of one. None where it can."""
    if shape is None or shape.gpus is None:
        near = did_you_mean(name, [known.instance_type for known in accelerated_types(cloud)])
        return f"{name} is not among the {_CALLED[cloud]}s whose GPUs zerofloor knows{near}"
    if shape.gpus == 0:
        return f"{name} has no GPU"
    if shape.gpus != int(shape.gpus):
        return f"{name} has {shape.gpus} of a GPU, and a pod asks for whole ones"
    return (
        None
        if resource_of(shape)
        else f"{name} has a {shape.accelerator}, for which Karpenter knows no resource"
    )


# Which resource Karpenter's AWS provider counts for which maker (its docs, "NodePools: GPU limits",
# "Accelerators/GPU resources"); TPUs by GKE's docs ("Deploy TPU workloads").
_RESOURCES: Mapping[str, str] = {
    "Google": "google.com/tpu",
    "NVIDIA": "nvidia.com/gpu",
    "AMD": "amd.com/gpu",
    "AWS": "aws.amazon.com/neuron",
    "Habana": "habana.ai/gaudi",
}


def resource_of(shape: Shape) -> str:
    """The device plugin's resource for a type's accelerators; empty where there is none."""
    return _RESOURCES.get(shape.accelerator.split(" ", 1)[0], "")


def family_shapes(name: str) -> list[Shape]:
    """The types of an EC2 family that have whole GPUs."""
    of = [shape for shape in accelerated_types("aws") if shape.instance_type.startswith(f"{name}.")]
    return [shape for shape in of if unusable(shape.instance_type, shape) is None]


def gpus_of(shape: Shape) -> Decimal:
    """Whole GPUs of a type; 0 where they are not known."""
    return shape.gpus or Decimal(0)


def above_idle_cap(path: str, seconds: int, cap: int) -> Iterator[Problem]:
    """The problem of a wait that bills for longer than the cap."""
    if seconds > cap:
        yield Problem(
            path,
            (
                f"{seconds} bills GPUs for longer after the last request than "
                "`idle_cap_seconds`, "
                f"which is {cap}; raise that to allow it"
            ),
        )


def one_of_many(value: Any, allowed: Sequence[str]) -> str:
    """The value, which must be one of these texts.

    Raises:
        ValueError: it is none; with the nearest that is.
    """
    if value in allowed:
        return str(value)
    near = did_you_mean(value.lower(), allowed) if isinstance(value, str) else ""
    raise ValueError(f"must be one of {', '.join(allowed)}{near}")


def one_of(spec: Spec, first: str, second: str) -> Iterator[Problem]:
    """The problem of two arguments of which exactly one must be given."""
    given = [name for name in (first, second) if getattr(spec, name)]
    if not given:
        yield Problem(first, f"is required, or `{second}` in its place")
    if len(given) == 2:
        yield Problem(second, f"excludes `{first}`: give one of the two")


def image_problems(
    spec: Any, *, bottlerocket: bool, image: str, joins_disks: bool
) -> Iterator[Problem]:
    """How the images get onto an EC2 node's disk; `image` is the argument that chooses the
    system."""
    if spec.parallel_pull and not joins_disks and spec.disk_throughput < FAST_ENOUGH:
        yield Problem(
            "parallel_pull",
            f"needs `disk_throughput` {FAST_ENOUGH} or more, or `local_disk`: a slower disk makes "
            "pulls take longer",
        )
    if spec.image_snapshot is None:
        if spec.snapshot_rate is not None:
            yield Problem("snapshot_rate", "belongs to `image_snapshot`, which is not set")
        return
    if not bottlerocket:
        yield Problem(
            "image_snapshot", f"needs `{image}` of Bottlerocket, which has images on their own disk"
        )
    elif joins_disks:
        yield Problem("image_snapshot", "excludes `local_disk`, where the images would be instead")
    if spec.parallel_pull:
        yield Problem(
            "image_snapshot", "excludes `parallel_pull`, which doesn't find images of the snapshot"
        )
