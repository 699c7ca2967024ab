"""What a Kubernetes node leaves to pods: its size less what the kubelet and the system keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from zerofloor.hardware.instances import Shape
from zerofloor.structs import Value

MIB: Final = Decimal(2**20)
GIB: Final = Decimal(2**30)

KARPENTER_OVERHEAD: Final = Decimal("0.075")
"""The share of memory that Karpenter's AWS provider takes for lost to the hypervisor and the kernel
(v1.14.1, pkg/operator/options/options.go, VM_MEMORY_OVERHEAD_PERCENT, default)."""

KERNEL_OVERHEAD: Final = Decimal("0.015")
"""At least this share never reaches the kubelet: a c6a.2xlarge of 16 GiB reports 15.75 (nodeadm,
internal/containerd/config.go), which is the least that is known."""

_EVICTION: Final = 100 * MIB
"""The kubelet's default eviction threshold, memory.available (Kubernetes docs, "Node-pressure
eviction")."""


class Room(Value, frozen=True):
    """The most that pods can ask for on one node; None: not known."""

    cpu: Decimal | None
    """Cores."""
    memory: Decimal | None
    """Bytes."""


def room_for_pods(shape: Shape, overhead: Decimal = KERNEL_OVERHEAD) -> Room:
    """An upper bound of what a node of this type leaves to pods, by its cloud's own formula."""
    cpu = memory = None
    reserve = _RESERVES.get(shape.cloud)
    if shape.vcpus is not None:
        cpu = shape.vcpus - (_reserved_cpu(shape.vcpus) if reserve else Decimal(0))
    if shape.memory_gib is not None:
        total = shape.memory_gib * GIB
        memory = total * (1 - overhead) - _EVICTION
        memory -= reserve(shape) if reserve else Decimal(0)
    return Room(cpu=cpu, memory=memory)


def _reserved_cpu(cores: Decimal) -> Decimal:
    # 6% of the first core, 1% of the second, 0.5% of the next two, 0.25% of the others: EKS' AMI
    # (nodeadm, internal/kubelet/config.go), Karpenter's AWS provider (instancetype/types.go) and
    # GKE's docs ("Plan node sizes"). AKS keeps more: 140 millicores of 4 cores, where this says 80
    # (AKS docs, "Node resource reservations").
    parts = (
        (Decimal(1), Decimal("0.06")),
        (Decimal(1), Decimal("0.01")),
        (Decimal(2), Decimal("0.005")),
    )
    kept, left = Decimal(0), cores
    for size, share in parts:
        kept += min(left, size) * share
        left = max(Decimal(0), left - size)
    return kept + left * Decimal("0.0025")


def _reserved_on_eks(shape: Shape) -> Decimal:
    # 255 MiB and 11 MiB for each pod that the node's network interfaces allow (nodeadm,
    # internal/kubelet/maxpods, GetMemoryMebibytesToReserve; Karpenter's instancetype/types.go).
    return (255 + 11 * _pods(shape.instance_type)) * MIB


def _reserved_on_gke(shape: Shape) -> Decimal:
    # 25% of the first 4 GiB, 20% of the next 4, 10% of the next 8, 6% of the next 112, 2% of the
    # rest; from 1.37 on 15 MiB for each pod (110 by default) and a base, where that is less (GKE
    # docs, "Plan node sizes: Memory and CPU reservations"). Which version runs is not known here.
    left, kept = shape.memory_gib or Decimal(0), Decimal(0)
    for size, share in ((4, "0.25"), (4, "0.20"), (8, "0.10"), (112, "0.06")):
        kept += min(left, Decimal(size)) * Decimal(share)
        left = max(Decimal(0), left - size)
    return min((kept + left * Decimal("0.02")) * GIB, 110 * 15 * MIB)


def _reserved_on_aks(shape: Shape) -> Decimal:
    # 20 MB for each pod and 50 MB, or a quarter if that is less (AKS docs, "Node resource
    # reservations", Kubernetes 1.29 and newer); a node takes 30 pods or more.
    quarter = (shape.memory_gib or Decimal(0)) * GIB / 4
    return min(quarter, Decimal(650_000_000))


_RESERVES: Final[Mapping[str, Callable[[Shape], Decimal]]] = {
    "aws": _reserved_on_eks,
    "gcp": _reserved_on_gke,
    "azure": _reserved_on_aks,
}

# The most pods of an EC2 type, by its network interfaces (EKS' AMI, eni-max-pods.txt, 2026-11):
# those of accelerated types that differ from what their size has elsewhere.
_PODS_BY_TYPE: Final[Mapping[str, int]] = {
    "dl1.24xlarge": 737, "dl2q.24xlarge": 737, "g4ad.xlarge": 8, "g4ad.2xlarge": 8,
    "g4ad.4xlarge": 29, "g4ad.8xlarge": 58, "g4ad.16xlarge": 234, "g4dn.xlarge": 29,
    "g4dn.2xlarge": 29, "g4dn.4xlarge": 29, "g4dn.8xlarge": 58, "g4dn.12xlarge": 234,
    "g4dn.16xlarge": 58, "g4dn.metal": 737, "g5.12xlarge": 737, "g5.16xlarge": 234,
    "g5.24xlarge": 737, "g5.48xlarge": 345, "g5g.16xlarge": 737, "g6.12xlarge": 234,
    "g6.16xlarge": 737, "g6.24xlarge": 737, "g6.48xlarge": 737, "g6e.12xlarge": 292,
    "g6e.16xlarge": 737, "g6e.24xlarge": 492, "g6e.48xlarge": 492, "inf1.xlarge": 38,
    "inf1.2xlarge": 38, "inf1.6xlarge": 234, "inf1.24xlarge": 321, "inf2.24xlarge": 737,
    "inf2.48xlarge": 737, "p3.8xlarge": 234, "p3.16xlarge": 234, "p3dn.24xlarge": 737,
    "p4d.24xlarge": 737, "p4de.24xlarge": 737, "p5.4xlarge": 118, "p5.48xlarge": 100,
    "p5e.48xlarge": 100, "p5en.48xlarge": 198, "p6-b200.48xlarge": 198, "p6-b300.48xlarge": 198,
}  # fmt: skip
_PODS_BY_SIZE: Final[Mapping[str, int]] = {
    "xlarge": 58, "2xlarge": 58, "4xlarge": 234, "8xlarge": 234,
}  # fmt: skip


def _pods(instance_type: str) -> int:
    """The most pods of an EC2 type; 0 where no table has it, so that nothing is refused for it."""
    size = instance_type.rpartition(".")[2]
    return _PODS_BY_TYPE.get(instance_type, _PODS_BY_SIZE.get(size, 0))
