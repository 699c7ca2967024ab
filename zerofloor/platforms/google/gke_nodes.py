"""How pods get onto the nodes of a GKE pool: labels and taints, its own and those of GKE."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import (
    Market,
    Placement,
    Taint,
)
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.google.read import (
    last,
)
from zerofloor.platforms.google.tokens import CLUSTERS
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.taints import read_taints
from zerofloor.stack import Hidden
from zerofloor.values import get, has_hidden, known_mapping, known_text

_RECLAIM: Final = Decimal(600)
"""Seconds for which a node must be unneeded before it is removed (Cluster Autoscaler FAQ,
scale-down-unneeded-time)."""

_FAMILY_CARDS: Final = {
    "a2-highgpu": "nvidia-tesla-a100",
    "a2-megagpu": "nvidia-tesla-a100",
    "a2-ultragpu": "nvidia-a100-80gb",
    "a3-highgpu": "nvidia-h100-80gb",
    "a3-edgegpu": "nvidia-h100-80gb",
    "a3-megagpu": "nvidia-h100-mega-80gb",
    "a3-ultragpu": "nvidia-h200-141gb",
    "a4-highgpu": "nvidia-b200",
    "a4x-highgpu": "nvidia-gb200",
    "a4x-maxgpu": "nvidia-gb300",
    "g2-standard": "nvidia-l4",
    "g4-standard": "nvidia-rtx-pro-6000",
}
_TPU_LABELS: Final = {
    "ct3": "tpu-v3-device",
    "ct3p": "tpu-v3-slice",
    "ct4p": "tpu-v4-podslice",
    "ct5l": "tpu-v5-lite-device",
    "ct5lp": "tpu-v5-lite-podslice",
    "ct5p": "tpu-v5p-slice",
    "ct6e": "tpu-v6e-slice",
    "tpu7x": "tpu7x",
}
_OPEN_LABELS: Final = (
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.gke.io/zone",
    "cloud.google.com/gke-boot-disk",
    "cloud.google.com/gke-container-runtime",
    "cloud.google.com/gke-cpu-scaling-level",
    "cloud.google.com/gke-memory-gb-scaling-level",
    "cloud.google.com/gke-logging-variant",
    "cloud.google.com/gke-max-pods-per-node",
    "cloud.google.com/gke-netd-ready",
    "cloud.google.com/gke-os-distribution",
    "cloud.google.com/gke-stack-type",
    "cloud.google.com/private-node",
    "iam.gke.io/gke-metadata-server-enabled",
)
"""Labels that GKE puts on nodes and whose values no declaration settles."""
_POOL_LABEL: Final = "cloud.google.com/gke-nodepool"


def placement_of(
    source: Declared,
    prefix: str,
    config: str,
    found: Machines,
    *,
    region: str | None,
    grows: bool,
    open_growth: bool,
    sold: Market,
    by_gke: bool,
) -> Placement:
    """The placement. `by_gke`: GKE taints accelerator nodes, since the cluster has others."""
    given = source.field(f"{config}.labels")
    name = source.field(f"{prefix}name").text()
    is_default = source.resource.type in CLUSTERS and not prefix
    labels: dict[str, str | None] = {
        **dict.fromkeys(_OPEN_LABELS),
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": region,
        _POOL_LABEL: "default-pool" if is_default else known_text(name),
        **_market_labels(source, config, sold),
    }
    if len(found.shapes) == 1 and not found.undecided:
        labels |= _type_labels(source, prefix, config, found)
    else:
        labels |= dict.fromkeys(_TYPE_LABELS)
    # A hidden label may be any: `open_labels` says so where the whole map is hidden.
    own = {str(key): known_text(value) for key, value in known_mapping(given.value).items()}
    return Placement(
        labels={**labels, **own},
        open_labels=given.is_hidden,
        hidden_labels=frozenset(key for key, value in own.items() if value is None)
        | ({_POOL_LABEL} if isinstance(name, Hidden) else frozenset()),
        taints=_taints(source, config, found, by_gke=by_gke and not is_default),
        open_taints=has_hidden(get(source.inputs, f"{config}.taints")),
        grows=grows,
        open_growth=open_growth,
        reclaim=_RECLAIM,
        tolerates_by_request=True,
    )


_TYPE_LABELS: Final = (
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "cloud.google.com/machine-family",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-accelerator-count",
    "cloud.google.com/gke-tpu-accelerator",
    "cloud.google.com/gke-tpu-topology",
    "cloud.google.com/gke-gpu-partition-size",
)


def _market_labels(source: Declared, config: str, sold: Market) -> dict[str, str | None]:
    spot = source.field(f"{config}.spot").switch()
    preemptible = source.field(f"{config}.preemptible").switch()
    if isinstance(spot, Hidden) or isinstance(preemptible, Hidden):
        return dict.fromkeys(
            (
                "cloud.google.com/gke-spot",
                "cloud.google.com/gke-preemptible",
                "cloud.google.com/gke-provisioning",
            )
        )
    labels: dict[str, str | None] = {"cloud.google.com/gke-provisioning": "standard"}
    if spot is True:
        labels |= {
            "cloud.google.com/gke-spot": "true",
            "cloud.google.com/gke-provisioning": "spot",
        }
    elif preemptible is True:
        labels |= {
            "cloud.google.com/gke-preemptible": "true",
            "cloud.google.com/gke-provisioning": "preemptible",
        }
    if source.field(f"{config}.flexStart").switch() is True:
        labels["cloud.google.com/gke-flex-start"] = "true"
    return labels


def _type_labels(
    source: Declared, prefix: str, config: str, found: Machines
) -> dict[str, str | None]:
    shape = found.shapes[0]
    kind = shape.instance_type
    family = kind.split("-")[0]
    labels: dict[str, str | None] = {
        "node.kubernetes.io/instance-type": kind,
        "beta.kubernetes.io/instance-type": kind,
        "cloud.google.com/machine-family": family,
    }
    if not shape.gpus:
        return labels
    number = None if shape.gpus is None else f"{shape.gpus.normalize():f}"
    labels["cloud.google.com/gke-accelerator-count"] = number
    if family in _TPU_LABELS:
        topology = source.field(f"{prefix}placementPolicy.tpuTopology").text()
        labels["cloud.google.com/gke-tpu-accelerator"] = _TPU_LABELS[family]
        # Without one GKE takes the default topology of the type, which the pod must name as well.
        labels["cloud.google.com/gke-tpu-topology"] = known_text(topology)
        return labels
    base = f"{config}.guestAccelerators[0]"
    listed = source.field(f"{base}.type", f"{config}.accelerators[0].acceleratorType").text()
    labels["cloud.google.com/gke-gpu"] = "true"
    labels["cloud.google.com/gke-gpu-driver-version"] = None
    labels["cloud.google.com/gke-accelerator"] = known_text(last(listed)) or _FAMILY_CARDS.get(
        "-".join(kind.split("-")[:2])
    )
    for prop, label in (
        ("gpuPartitionSize", "cloud.google.com/gke-gpu-partition-size"),
        ("gpuSharingConfig.gpuSharingStrategy", "cloud.google.com/gke-gpu-sharing-strategy"),
        (
            "gpuSharingConfig.maxSharedClientsPerGpu",
            "cloud.google.com/gke-max-shared-clients-per-gpu",
        ),
    ):
        value = get(source.inputs, f"{base}.{prop}")
        if value is not None:
            labels[label] = None if isinstance(value, Hidden) else _label_value(value)
    # Set by NVIDIA's GPU feature discovery where it runs.
    return {
        **labels,
        "nvidia.com/gpu.present": None,
        "nvidia.com/gpu.product": None,
        "nvidia.com/gpu.count": None,
    }


def _label_value(value: Any) -> str:
    # GKE writes the strategy in lower case with a dash: TIME_SHARING → time-sharing.
    return str(value).lower().replace("_", "-")


def _taints(source: Declared, config: str, found: Machines, *, by_gke: bool) -> tuple[Taint, ...]:
    taints = list(read_taints(get(source.inputs, f"{config}.taints")))
    names = {shape.accelerator for shape in found.shapes if shape.gpus != 0}
    keys = {taint.key for taint in taints}
    if not by_gke:
        return tuple(taints)
    # GKE taints the GPU nodes of a cluster that has others (GKE docs, "Run GPUs in Standard node
    # pools"; cluster-toolkit PR 1285 tried it).
    for key, word in (("nvidia.com/gpu", "NVIDIA"), ("google.com/tpu", "TPU")):
        if key not in keys and names and all(word in name for name in names):
            taints.append(Taint(key=key, value="present"))
    return tuple(taints)
