"""Which words name an accelerator: Kubernetes resource names, and how they match the accelerators
of instance types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from zerofloor.patterns import lazy

# The device plugins' own resource names (NVIDIA, AMD, Intel, Habana, AWS Neuron, Google TPU,
# Alibaba, Tencent, HAMi, Qualcomm).
_RESOURCE = lazy(
    r"(?:nvidia\.com/(?:gpu.*|mig-.+|shared-gpu|vgpu.*)|k8s\.amazonaws\.com/vgpu|amd\.com/gpu.*|gpu\.intel\.com/.+|habana\.ai/.+|intel\.com/gaudi.*"
    r"|aws\.amazon\.com/neuron.*|google\.com/tpu|cloud-tpus\.google\.com/.+|alpha\.kubernetes\.io/nvidia-gpu|aliyun\.com/gpu.*"
    r"|tencent\.com/(?:vcuda|gpu).*|qualcomm\.com/.+|gpu\.deckhouse\.io/.+|volcano\.sh/vgpu.*"
    r"|huawei\.com/.+|cambricon\.com/.+|kunlunxin\.com/.+|baidu\.com/.+|mthreads\.com/.+|enflame\.com/.+"
    r"|hygon\.com/.+|iluvatar\.(?:com|ai)/.+|metax-tech\.com/.+|birentech\.com/.+|vastaitech\.com/.+"
    r"|furiosa\.ai/.+|rebellions\.(?:ai|in)/.+|tenstorrent\.com/.+|graphcore\.ai/.+|sophgo\.com/.+)"
)
# What a vendor calls its device: `nvidia.com/pgpu`, `intel.com/gpu`, `example.com/xpu`.
_WORD = lazy(
    r"(?:.*[^a-z])?(?:[pv]?gpus?|[nxtdgp]pus?|[mg][lc]u|dcu|ascend\d*\w*|cuda|accelerators?|neuron\w*|gaudi\d*)(?:[^a-z].*)?",
    re.I,
)
_HARMLESS = lazy(
    r"[^/]+|(?:[^/]*\.)?(?:kubernetes|k8s)\.io/.+|devices\.kubevirt\.io/.+|bridge\.network\.kubevirt\.io/.+"
    r"|smarter-devices/.+|squat\.ai/.+|akri\.sh/.+|(?:cmk|power)\.intel\.com/.+|github\.com/.+|openshift\.io/.+|k8s\.cni\.cncf\.io/.+|koordinator\.sh/.+"
    r"|vpc\.amazonaws\.com/.+|aws\.ec2\.nitro/.+|networking\..+|mellanox\.com/.+|rdma/.+|xilinx\.com/.+"
    r"|(?:qat|sgx|dsa|iaa|dlb|fpga)\.intel\.com/.+|intel\.com/(?:qat|sgx|sriov|dsa|fpga|iavf|intel_).*"
    r"|tke\.cloud\.tencent\.com/.+|aliyun/.+|[^/]*/.*(?:sriov|rdma|roce|hostdev|efa|nics?|infiniband|eni|fuse|kvm|hugepages).*"
    r"|nvidia\.com/(?:(?:ib|cx|bf)\w*|.*(?:net|port|vf).*)",
    re.I,
)
"""Extended resources that are no accelerators: network devices, virtualisation, crypto, FPGAs."""
_MIG = lazy(r"nvidia\.com/mig-(\d)g\.\d+gb(?:\..+)?")
_MEMORY_OR_CORES = lazy(
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
    if _RESOURCE.fullmatch(resource):
        return True
    return "/" in resource and not _HARMLESS.fullmatch(resource) and _is_named_so(resource)


def _is_named_so(resource: str) -> bool:
    vendor, _, device = resource.partition("/")
    return vendor in ("nvidia.com", "amd.com") or _WORD.fullmatch(device) is not None


@lru_cache(maxsize=4096)
def may_be_accelerator(resource: str) -> bool:
    """Whether a container's resource is a device that may be an accelerator, by a name that tells
    nothing."""
    return "/" in resource and not _HARMLESS.fullmatch(resource)


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


_NVIDIA = frozenset(
    {
        "nvidia.com",
        "k8s.amazonaws.com",
        "alpha.kubernetes.io",
        "aliyun.com",
        "tencent.com",
        "gpu.deckhouse.io",
        "volcano.sh",
    }
)
"""Whose plugins hand out NVIDIA's GPUs."""


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
    if resource.startswith(("gpu.intel.com/", "intel.com/")):
        return "intel" in name
    vendor = resource.partition("/")[0]
    return "nvidia" in name and vendor in _NVIDIA


_NOUNS: Final = (
    ("TPU", "TPU chip"),
    ("Inferentia", "Neuron device"),
    ("Trainium", "Neuron device"),
    ("Gaudi", "Gaudi accelerator"),
)


def device_noun(names: Iterable[str]) -> str:
    """What people call accelerators of these names, in the singular: GPU, TPU chip, Neuron
    device."""
    found = {next((noun for word, noun in _NOUNS if word in name), "GPU") for name in names}
    if len(found) > 1:
        return "accelerator"
    return found.pop() if found else "GPU"
