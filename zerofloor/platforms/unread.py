"""What no platform reads but what names a GPU: undecided, never invisible."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.accelerators import is_accelerator
from zerofloor.hardware.instances import lookup
from zerofloor.stack import STACK_TYPE, Hidden, Resource
from zerofloor.values import count, known_items, known_text, switch

SETTLE: Final = (
    "Add a hint (runs: one-shot, always or never) with a reason to zerofloor.yaml, or a waiver"
)

_GPU_KEY: Final = re.compile(
    r"(?:.*[a-z])?(?:gpu|accelerator|tpu)s?(?:type|count|number|num|kind|model|name|ids?|limit|size|memory)?",
    re.I,
)
_COUNT_KEY: Final = re.compile(
    r"(?:.*[a-z])?(?:gpu|accelerator|tpu)s?(?:count|number|num|limit)?", re.I
)
# Names of accelerators as clouds and vendors write them, as one part of a type's name:
# `BM.GPU.GB200.4`, `L4-1-24G`, `gpu-h100x8-640gb`.
_GPU_PART: Final = re.compile(
    r"gpus?|nvidia|tesla|rtx\w*|[abh](?:10|16|30|40|100|200|300|800)(?:x\d+|s)?|gh200|gb[23]00|l4(?:x\d+)?|l40s?(?:x\d+)?|t4(?:x\d+)?|v100s?(?:x\d+)?"
    r"|p100|p4|k80|m60|a10g|a4000|a5000|a6000|mi\d{3}x?|gaudi\d?|tpu\w*|v\d(?:litepod|p|e)",
    re.I,
)
# Words that describe and never ask: tags, names, images, texts for people.
_WORDS: Final = frozenset(
    {
        "tags",
        "labels",
        "annotations",
        "description",
        "displayName",
        "image",
        "imageName",
        "metadata",
        "__provider",
        "tagSpecifications",
        "comment",
        "namePrefix",
    }
)
_TYPE_KEY: Final = re.compile(
    r".*(?:type|size|shape|sku|class|flavou?r(?:name|id)?|plan|machine|profile|node|instance)s?",
    re.I,
)

# What asks for machines or devices, under whatever type: hidden, it may ask for GPUs.
_ASKING: Final = frozenset(
    {
        "instanceType",
        "instanceTypes",
        "machineType",
        "vmSize",
        "resources",
        "limits",
        "requests",
        "nodeSelector",
    }
)
_ASKING_LABEL: Final = "node.kubernetes.io/instance-type"

# Their properties describe what others do: they hold nothing themselves.
_INERT: Final = re.compile(
    r"(?:pulumi:|aws:(?:iam|s3|ssm|cloudwatch|kms|ecr|sns|sqs|route53|secretsmanager|budgets|servicequotas|ce|pricing|cloudtrail|cfg|config)/"
    r"|aws:ec2/(?:securityGroup|subnet|vpc|launchTemplate|launchConfiguration|ami|placementGroup|keyPair|eip|tag)"
    r"|aws-native:(?:iam|s3|ssm|cloudwatch|kms|ecr|sns|sqs|servicequotas|budgets):|random:|tls:|command:|time:|null:|docker|kubernetes:core/v1:(?:ConfigMap|Secret|Namespace|Service"
    r"|ServiceAccount|ResourceQuota|LimitRange|PersistentVolume|PersistentVolumeClaim|PodTemplate)|kubernetes:[^:]*(?:rbac|networking|scheduling|admission|storage|policy|apiextensions)"
    r"|gcp:(?:compute/(?:network|subnetwork|firewall|address|disk|image)|projects|serviceaccount|storage|secretmanager|logging|monitoring))"
)


def read(estate: Estate, is_read: Callable[[str], bool]) -> Iterable[Part]:
    """An undecided part for each resource of a type for which `is_read` is false and that names a
    GPU it may hold."""
    for stack in estate.stacks:
        for resource in stack.resources:
            if resource.type == STACK_TYPE or is_read(resource.type) or _INERT.match(resource.type):
                continue
            if not resource.custom and (
                stack.previewed_by != "in-process" or estate.children.get(resource.urn)
            ):
                # A component is no thing in the cloud: what it makes stands beside it in the
                # document.
                continue
            if _read_above(estate, resource, is_read):
                continue
            found = next(names_gpu(resource.inputs, ""), None)
            if found is not None:
                path, what = found
                why = (
                    f"{resource.type} is no type that zerofloor reads, and {path} names a GPU "
                    f"({what}): it may bill while idle"
                )
                yield Undecided(resource.urn, path, why, SETTLE)


def _read_above(estate: Estate, resource: Resource, is_read: Callable[[str], bool]) -> bool:
    parent = estate.by_urn.get(resource.parent or "")
    return parent is not None and parent.type != STACK_TYPE and is_read(parent.type)


def names_gpu(value: Any, path: str, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The first places in a value that ask for a GPU, with what they say; a count of zero asks for
    none."""
    if depth > 40:
        return
    if _GPU_KEY.fullmatch(key) and isinstance(value, Mapping | list | tuple) and value:
        if any(
            _asks(inner) for inner in known_items(value) if isinstance(inner, Mapping)
        ) or not isinstance(known_items(value)[0], Mapping):
            yield path, key
    elif is_accelerator(key):
        if not isinstance(count(value), int) or count(value) != 0:
            yield path, key
    elif isinstance(value, Mapping):
        asked = _zero_count(value)
        for name in sorted(value):
            if name in _WORDS or (asked and _GPU_KEY.fullmatch(name)):
                continue
            yield from names_gpu(value[name], f"{path}.{name}" if path else name, name, depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from names_gpu(inner, f"{path}[{index}]", key, depth + 1)
    elif isinstance(value, Hidden):
        if _GPU_KEY.fullmatch(key) or key in _ASKING or key == _ASKING_LABEL:
            yield path, f"{key} is {value.value}"
    elif _COUNT_KEY.fullmatch(key) and not isinstance(value, str):
        if value is not False and isinstance(value, int | float) and value > 0:
            yield path, f"{key}: {value}"
    elif isinstance(value, str) and value and _named(key, value, path):
        yield path, _short(value)


def _named(key: str, value: str, path: str) -> bool:
    """Whether a text under this key names an accelerator or a type of machine that has one."""
    if _GPU_KEY.fullmatch(key):
        return value.lower() not in ("0", "false", "none", "no", "off", "disabled")
    if key == "name":
        # `sku: {name: …}` is a type; a resource's own name is not.
        return "." in path and _accelerated(value)
    if not _TYPE_KEY.fullmatch(key) or not re.fullmatch(r"[A-Za-z0-9_.-]{2,48}", value):
        return False
    return _accelerated(value) or any(map(_GPU_PART.fullmatch, re.split(r"[._-]", value)))


def _asks(value: Mapping[str, Any]) -> bool:
    """Whether an object under a GPU's key asks for any: `{count: 0}` and `{enabled: false}`
    don't."""
    return count(value.get("count", 1)) != 0 and switch(value.get("enabled", True)) is not False


def _zero_count(value: Mapping[str, Any]) -> bool:
    """Whether the object says that its number of GPUs is zero."""
    return any(
        _COUNT_KEY.fullmatch(name) and not isinstance(v, bool) and count(v) == 0
        for name, v in value.items()
    )


def _accelerated(value: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{4,48}", value):
        return False
    return any(
        (shape := lookup(cloud, value)) is not None and shape.gpus != 0
        for cloud in ("aws", "azure", "gcp")
    )


def _short(value: str) -> str:
    shown = known_text(value) or ""
    return shown if len(shown) <= 40 else shown[:39] + "…"
