"""Which words name an accelerator: Kubernetes resource names, and how they match the accelerators
of instance types."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

# The device plugins' own resource names (NVIDIA, AMD, Intel, Habana, AWS Neuron, Google TPU,
# Alibaba, Tencent, HAMi, Qualcomm).
_RESOURCE = re.compile(
    r"(?:nvidia\.com/(?:gpu.*|mig-.+|shared-gpu|vgpu.*)|k8s\.amazonaws\.com/vgpu|amd\.com/gpu.*|gpu\.intel\.com/.+|habana\.ai/.+|intel\.com/gaudi.*"
    r"|aws\.amazon\.com/neuron.*|google\.com/tpu|cloud-tpus\.google\.com/.+|alpha\.kubernetes\.io/nvidia-gpu|aliyun\.com/gpu.*"
    r"|tencent\.com/(?:vcuda|gpu).*|qualcomm\.com/qaic.*|gpu\.deckhouse\.io/.+|volcano\.sh/vgpu.*)"
)
_MIG = re.compile(r"nvidia\.com/mig-(\d)g\.\d+gb(?:\..+)?")
_MEMORY_OR_CORES = re.compile(
    r".*(?:gpumem|gpu-mem|gpucores|gpu-memory|vcuda-memory|vgpu-memory|vgpu-cores|memory|\.(?:millicores|tiles)).*"
)

MIG_SLICES: Final = Decimal(7)
"""Compute slices of one GPU under MIG (NVIDIA MIG user guide: 7 on A100, H100, H200, B200)."""

NEURON_CORES: Final = Decimal(2)
"""NeuronCores of one device (Inferentia2 and Trainium have 2, Inferentia 4, Trainium2 8: AWS Neuron
docs, "NeuronCores")."""


@lru_cache(maxsize=4096)
def is_accelerator(resource: str) -> bool:
    """Whether a Kubernetes resource name stands for an accelerator or a part of one."""
    return _RESOURCE.fullmatch(resource) is not None


def devices(resource: str, amount: Decimal) -> tuple[Decimal, bool]:
    """The devices behind an amount of a resource, and whether that number is only a lower bound (a
    slice, a share)."""
    mig = _MIG.fullmatch(resource)
    if mig:
        return (amount * Decimal(mig[1]) / MIG_SLICES).quantize(Decimal("0.001")), True
    if resource == "aws.amazon.com/neuroncore":
        return (amount / NEURON_CORES).quantize(Decimal("0.001")), True
    if _MEMORY_OR_CORES.fullmatch(resource) or resource.endswith(
        (".shared", "shared-gpu", "/vgpu")
    ):
        return Decimal(0), True
    return amount, False


def supplied_by(resource: str, accelerator: str) -> bool:
    """Whether nodes with this accelerator (as the instance table names it) offer the resource."""
    name = accelerator.lower()
    if "hint" in name or "unknown" in name or not name:
        return True
    if resource.startswith("aws.amazon.com/neuron"):
        return "inferentia" in name or "trainium" in name
    if resource.startswith("amd.com/"):
        return "amd" in name or "radeon" in name
    if resource.startswith(("habana.ai/", "intel.com/gaudi")):
        return "gaudi" in name or "habana" in name
    if resource.startswith(("google.com/tpu", "cloud-tpus")):
        return "tpu" in name
    if resource.startswith("qualcomm.com/"):
        return "qualcomm" in name
    if resource.startswith("gpu.intel.com/"):
        return "intel" in name
    return "nvidia" in name
