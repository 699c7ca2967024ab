"""The words by which providers name a GPU: keys of properties, machine types, parts of their
names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Final

from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import lookup
from zerofloor.patterns import lazy


class Key(Enum):
    """What a property's name says about its value."""

    WORDS = "describes and never asks"
    GPU = "is about GPUs"
    GPU_COUNT = "is a number of GPUs"
    DEVICE = "is an extended resource that stands for an accelerator"
    MACHINE = "names a machine"
    KIND = "names some type, size or plan"
    NAME = "is a name: of a type where an object like a SKU holds it"
    PLACE = "says on which nodes pods run"
    DEMAND = "says what a container asks for, by resource"
    SCRIPT = "is a script that a machine runs"
    OTHER = "anything"


_GPU: Final = lazy(
    r"(?:.*[a-z0-9_])?(?:gpu|accelerator|tpu|npu)s?"
    r"(?:_?(?:type|count|number|num|kind|model|name|id|family|limit|size|memory|slug|sku|request"
    r"|requests|class|vendor|product|shape|config|spec|resource|plan|profile|core)s?)?"
    r"(?:_?(?:id|name|type|list|priority|count|slug)s?){0,2}",
    re.I,
)
_GPU_COUNT: Final = lazy(
    r"(?:.*[a-z0-9_])?(?:gpu|accelerator|tpu|npu)s?_?(?:count|number|num|limit|request)?s?"
    r"|num_?gpus?.*|request_?gpus?",
    re.I,
)
# Keys with a GPU's word in them that configure what runs on it, or that mean another thing.
_NO_GPU_KEY: Final = lazy(
    r".*(?:driver|plugin|metrics?|exporter|operator|toolkit|feature|partition_?mode|profile"
    r"|arn|policy|image|quota|log|ssl_?accelerator|global_?accelerators?|transfer_?accelerat.*"
    r"|timeshar.*|sharing|label|selector|memory_?fraction|utilization|threshold).*",
    re.I,
)
_MACHINE: Final = lazy(
    r"(?:.*[a-z_.-])?(?:instance|machine|node|vm|worker|driver|hardware|compute|server)s?"
    r"_?(?:types?|sizes?|shapes?|skus?|class(?:es)?|famil(?:y|ies)|flavou?rs?|plans?|profiles?"
    r"|presets?|slugs?|models?|hardware)"
    r"_?(?:names?|ids?|list|on_?demand|spots?|preferred_?spots?|preferred|primary|fallback|overrides?)?"
    r"|(?:.*[a-z_])?(?:machines?|shapes?|flavou?rs?|preset|platform|hardware)_?(?:names?|ids?|list)?"
    r"|node\.kubernetes\.io/instance-type|workload_?type|v[mM]_?[sS]ku",
    re.I,
)
_KIND: Final = lazy(
    r"(?:.*[a-z_])?(?:types?|sizes?|skus?|class(?:es)?|plans?|profiles?|slugs?|famil(?:y|ies)"
    r"|tiers?|cloud_?services?|capacity|offering|product)_?(?:names?|ids?|list)?",
    re.I,
)
_NO_MACHINE_KEY: Final = lazy(
    r"(?:runtime|priority|storage|ingress|gateway|scheduler|snapshot|load_?balancer|issuer|class)\w*class"
    r"(?:_?name)?|(?:runtime|priority|storage|ingress|gateway)_?class(?:_?name)?|scheduler_?name",
    re.I,
)
_WORDS: Final = frozenset(
    {
        "tags",
        "tagsAll",
        "labels",
        "annotations",
        "description",
        "displayName",
        "image",
        "imageName",
        "imageUri",
        "imageUrl",
        "sourceImage",
        "mimeType",
        "contentType",
        "tagSpecifications",
        "comment",
        "namePrefix",
        "namespace",
        "title",
        "summary",
        "message",
        "query",
        "expr",
        "readme",
        "notes",
        "topics",
        "keywords",
        "matchLabels",
        "podSelector",
        "labelSelector",
        "openAPIV3Schema",
        "dashboardBody",
        "dashboardJson",
        "assumeRolePolicy",
        "policyDocument",
        "resourceGroupName",
        "__provider",
        "apiVersion",
        "kind",
        "env",
        "envVars",
        "envVariables",
        "environment",
        "environmentVariables",
        "variables",
        "generateName",
        "serviceAccountName",
        "pathType",
        "uuid",
        "amiType",  # an image: the instance type beside it has the GPU
    }
)
_PLACES: Final = frozenset(
    {"nodeSelector", "affinity", "nodeAffinity", "tolerations", "topologySpreadConstraints"}
)
_FIXED: Final[Mapping[str, Key]] = {
    **dict.fromkeys(_WORDS, Key.WORDS),
    **dict.fromkeys(_PLACES, Key.PLACE),
    **dict.fromkeys(("limits", "requests"), Key.DEMAND),
}
"""Keys that mean the same wherever they stand."""
_SCRIPT: Final = lazy(
    r"user_?data(?:_?base64|_?replace.*)?|startup_?scripts?|custom_?data|cloud_?config"
    r"|metadata_?startup_?script|commands?|args|create|update|script|content",
    re.I,
)


@lru_cache(maxsize=8192)
def key_of(key: str) -> Key:
    """What a property of this name may say."""
    if key in _FIXED:
        return _FIXED[key]
    if is_accelerator(key) or is_unknown_device(key):
        return Key.DEVICE
    if _GPU.fullmatch(key) and not _NO_GPU_KEY.fullmatch(key):
        return Key.GPU_COUNT if _GPU_COUNT.fullmatch(key) else Key.GPU
    if key == "name":
        return Key.NAME
    if key in ("id", "value") or _NO_MACHINE_KEY.fullmatch(key):
        return Key.OTHER
    for pattern, kind in ((_SCRIPT, Key.SCRIPT), (_MACHINE, Key.MACHINE), (_KIND, Key.KIND)):
        if pattern.fullmatch(key):
            return kind
    return Key.OTHER


# Extended resources that are no accelerator: networks, storage, kernel devices, shares of a CPU.
_HARMLESS_DEVICE: Final = lazy(
    r"(?:[^/]*\.)?(?:kubernetes\.io|k8s\.io|openshift\.io|cni\.cncf\.io)/.*"
    r"|vpc\.amazonaws\.com/.*|rdma/.*|.*/(?:.*rdma.*|.*sriov.*|.*hostdev.*|.*mlnx.*|.*roce.*|ib.*"
    r"|.*infiniband.*|.*nic.*|.*eni.*|.*efa.*|.*vf.*|.*bond.*|.*net.*|qat.*|.*qat|sgx.*|fuse|kvm"
    r"|tun|vhost.*|tap.*|epc|.*fpga.*|.*disk.*|.*storage.*|.*ip.*|.*cpu.*|.*memory.*|.*volume.*"
    r"|.*port.*|.*usb.*|.*serial.*|.*video.*|.*snd.*|.*dongle.*|.*license.*|.*slot.*)"
    r"|devices\.kubevirt\.io/.*|smarter-devices/.*|squat\.ai/.*|akri\.sh/.*|qat\.intel\.com/.*"
    r"|sgx\.intel\.com/.*|dsa\.intel\.com/.*|iaa\.intel\.com/.*|dlb\.intel\.com/.*"
    r"|example\.(?:com|org)/(?:dongle|foo|bar)"
)
_DEVICE_WORD: Final = lazy(
    r"nvidia\.com/(?!pod-).+|(?:.*[^a-z])?(?:v?gpu|xpu|npu|tpu|mlu|dcu|gcu|ppu|vpu|hpu|ipu)(?:s?(?:[^a-z].*)?)"
    r"|huawei\.com/.+|cambricon\.com/.+|.*ascend.*|kunlunxin\.com/.+|mthreads\.com/.+"
    r"|enflame\.com/.+|hygon\.com/.+|iluvatar\.(?:ai|com).*/.+|metax-tech\.com/.+|.*metax.*"
    r"|baidu\.com/.*cgpu.*|furiosa\.ai/.+|rebellions\.ai/.+|tenstorrent\.com/.+|graphcore\.ai/.+"
    r"|.*gaudi.*|birentech\.com/.+|sophgo\.com/.+|xilinx\.com/.*(?:ai|u\d).*",
    re.I,
)
_DEVICE_SHAPE: Final = lazy(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z]{2,}/[A-Za-z0-9._-]+")


@lru_cache(maxsize=4096)
def is_unknown_device(key: str) -> bool:
    """Whether a key reads like an accelerator's extended resource of a vendor that no table has."""
    return bool(
        "/" in key
        and _DEVICE_SHAPE.fullmatch(key)
        and not _HARMLESS_DEVICE.fullmatch(key)
        and _DEVICE_WORD.fullmatch(key)
        and key not in _LABELS
    )


_LABELS: Final = frozenset(
    {
        "nvidia.com/gpu.present",
        "nvidia.com/gpu.product",
        "nvidia.com/gpu.count",
        "nvidia.com/gpu.memory",
        "nvidia.com/gpu.family",
        "nvidia.com/gpu.deploy.driver",
        "nvidia.com/mig.config",
        "nvidia.com/mig.strategy",
    }
)


@lru_cache(maxsize=4096)
def is_strange_device(key: str) -> bool:
    """Whether a key under limits or requests is an extended resource that may be an
    accelerator: it is not on the list of harmless ones."""
    return bool("/" in key and _DEVICE_SHAPE.fullmatch(key) and not _HARMLESS_DEVICE.fullmatch(key))


# Names that stand for one accelerator and for nothing else.
_MODEL: Final = (
    r"(?:[abh][123]00|h800|h20|a800|b300|gh200|gb[23]00|l40s?|v100s?|p100|k80|a10g|mi[23]\d\d[ax]?"
    r"|gaudi\d?|rtx\w*|a[456]000)"
)
_STRONG: Final = lazy(
    rf"v?gpus?|\d{{1,2}}x?gpus?|gpu\w*\d\w*|multigpu|nvidia\w*|tesla\w*|geforce\w*|quadro\w*"
    rf"|radeon|instinct|inferentia\d?|trainium\d?|neuron|tpu|tpu[-_]?v\d\w*|v[2-6](?:litepod|p|e)"
    rf"|ct\dl?p?|hightpu|(?:high|ultra|mega|edge|max)gpu"
    rf"|(?:\d{{1,2}}x?|x)?{_MODEL}(?:x?\d{{1,2}}|x\d{{1,2}}|ib|sxm\d?|pcie|nvl\w*)?(?:ib|sxm\d?|pcie)?"
    # Alibaba's and Tencent's GPU families; Civo's; CoreWeave's prefix stands before a model.
    rf"|(?:ebm)?gn\d{{1,2}}\w*|[vs](?:cc)?gn\d\w*|sccgn\d\w*|g4g|gnv\d\w*|pnv\d\w*",
    re.I,
)
_WEAK: Final = lazy(r"(?:\d{1,2}x?)?(?:t4|l4|p4|a2|a10|a16|a30|a40|m60|k520)(?:x\d{1,2})?", re.I)
_NO_WEAK: Final = lazy(
    r"(?:db|cache|dms|search|kafka|mq|ml)\..*|.*\.(?:search|elasticsearch)"
    # Azure's A series has no accelerator, whatever its number.
    r"|(?:standard|basic)_a\d{1,2}m?(?:_v2)?",
    re.I,
)
_NAME: Final = lazy(r"[A-Za-z0-9][A-Za-z0-9_.:/ -]{1,120}")
_AWS: Final = lazy(
    r"(?:ml\.)?[a-z]{1,3}\d+[a-z0-9-]*\.(?:\d*x?(?:nano|micro|small|medium|large|xlarge)"
    r"|\d+xlarge|metal(?:-\d+xl)?)"
)
_AZURE: Final = lazy(r"(?:standard|basic|internal)_[a-z]+\d\w*", re.I)
_GOOGLE: Final = lazy(
    r"(?:a2|a3|a4x?|g2|g4|ct\w+|tpu\w+)-(?:standard|(?:high|ultra|mega|edge|max)gpu|hightpu)-\w+"
)
# Tencent's GN and GI families with a size: GN10Xp.2XLARGE40; IBM's gx2, gx3; Exoscale's gpu2.
_OTHER_TYPES: Final = lazy(
    r"G[NI]\d{1,2}[A-Za-z]{0,2}\.\w+|gx\d-\w+|gx\d?\w*\.\w+|(?:[a-z0-9]+\.)?g[pe]u\w*\..+|p2s?v?\.\w+"
    r"|pi\d\w*\.\w+",
)


@lru_cache(maxsize=8192)
def is_gpu_machine(value: str) -> bool:
    """Whether a text is the name of a machine type that some table or family knows to have an
    accelerator."""
    name = value.strip().rsplit("/", 1)[-1]
    for cloud, pattern in (("aws", _AWS), ("azure", _AZURE), ("gcp", _GOOGLE)):
        if pattern.fullmatch(name):
            shape = lookup(cloud, name)
            return shape is not None and shape.gpus != 0
    return bool(_OTHER_TYPES.fullmatch(name))


@lru_cache(maxsize=8192)
def names_model(value: str, *, alone: bool) -> bool:
    """Whether a type's name has the name of an accelerator among its parts.

    Short names (T4, L4, P4) are versions and tiers elsewhere: they count beside a number, or where
    the key is about machines (`alone`).
    """
    name = value.strip().rsplit("/", 1)[-1]
    if not _NAME.fullmatch(name):
        return False
    parts = [part for part in re.split(r"[._\-: ]+", name) if part]
    if any(map(_STRONG.fullmatch, parts)):
        return True
    if _NO_WEAK.fullmatch(name):
        return False
    short = [part for part in parts if _WEAK.fullmatch(part)]
    if not short:
        # IBM writes cores, memory and cards in one part: gx3-16x80x1l4.
        return bool(re.fullmatch(r".*\d+x\d+x\d+(?:l4|a100|v100|h100|h200|l40s).*", name))
    beside = [
        part for part in parts if re.fullmatch(r"\d+|\d+g[b]?|x?\d+x?|sxm\d|pcie", part, re.I)
    ]
    return alone or bool(beside)


def is_gpu_kind(value: str, *, machine: bool) -> bool:
    """Whether a text under a type's key names a machine with an accelerator, or the accelerator."""
    return is_gpu_machine(value) or names_model(value, alone=machine)
