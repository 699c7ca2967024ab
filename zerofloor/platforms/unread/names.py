"""Where a value names a GPU: a walk over properties, and over the JSON and YAML that stands in
their text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from zerofloor.platforms.unread.texts import launched, parsed
from zerofloor.platforms.unread.vocabulary import (
    Key,
    is_gpu_kind,
    is_gpu_machine,
    is_strange_device,
    key_of,
)
from zerofloor.stack import Hidden
from zerofloor.values import Impossible, count, known_items, switch


class Named(NamedTuple):
    """One place that names a GPU."""

    path: str
    said: str
    """What stands there, short enough for a message."""
    hidden: bool = False
    """True where it is not known: it may name one."""


DEEPEST: Final = 60
"""Levels of nesting that are looked at; texts inside texts count too."""

# What asks for machines or devices, under whatever type: hidden, it may ask for GPUs.
_ASKING: Final = frozenset(
    {
        "instanceType",
        "instanceTypes",
        "instanceTypeName",
        "instanceShapeName",
        "instanceFamily",
        "machineType",
        "machineTypes",
        "nodeType",
        "nodeTypeId",
        "nodeShape",
        "vmSize",
        "skuName",
        "flavorName",
        "resources",
        "limits",
        "requests",
        "nodeSelector",
        "node.kubernetes.io/instance-type",
        "containers",
        "podTemplate",
        "podSpec",
        "hardware",
        "hardwareProfile",
        "machineProfile",
        "nodeConfig",
        "agentPoolProfiles",
    }
)
_NOTHING: Final = re.compile(
    r"(?i)(?:0|false|none|no|off|disabled|null|cpu.*|default|auto|.*unspecified|-|n/a)?"
)
_REPLICAS: Final = re.compile(
    r"(?:desired|target|fixed|initial|num|min|max)?_?(?:node|instance|worker|replica|server|pod|vm)s?"
    r"_?(?:counts?|quantity|number|num|desired)?|replicas|(?:desired|target|num)_?(?:counts?|nodes?"
    r"|size|capacity|workers?|instances?|replicas?)|min_?idle_?instances|(?:min|max)_?(?:size|count"
    r"|nodes?|replicas?|instances?|scale|workers?)|count|size|capacity|quantity",
    re.I,
)
_AUTOSCALES: Final = re.compile(r"auto_?scal(?:e|er|ing)(?:_?enabled)?|enable_?auto_?scaling", re.I)


def names_gpu(value: Any, path: str, key: str = "") -> Iterator[Named]:
    """The places in a value that ask for a GPU; a count of zero asks for none."""
    yield from _walk(value, path, key, 0)


def _walk(value: Any, path: str, key: str, depth: int) -> Iterator[Named]:
    if depth > DEEPEST:
        return
    kind = type(value)
    if kind is str and value:
        yield from _text(value, path, key, depth)
    elif kind is dict:
        yield from _object(value, path, depth)
    elif kind is list or kind is tuple:
        # The elements of a list of resources are their names.
        of = "" if key == "resources" else key
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{index}]", of, depth + 1)
    elif isinstance(value, Mapping):
        yield from _object(value, path, depth)
    elif isinstance(value, Hidden):
        if key in _ASKING or key_of(key) in (Key.GPU, Key.GPU_COUNT, Key.DEVICE):
            yield Named(path, f"{key} is {value.value}", hidden=True)
    elif _is_some(value) and key_of(key) in (Key.GPU_COUNT, Key.DEVICE):
        yield Named(path, f"{key}: {value}")


def _is_some(value: Any) -> bool:
    return isinstance(value, bool | int | float) and value > 0


def _object(value: Mapping[str, Any], path: str, depth: int) -> Iterator[Named]:  # noqa: C901 – a case a kind of key
    if _runs_none(value):
        return
    for name in sorted(value):
        inner, kind = value[name], key_of(name)
        if kind is Key.OTHER and type(inner) in _SCALARS and not _is_text(inner):
            continue  # Most of what there is: this is where the time goes.
        place = f"{path}{_step(name)}" if path else name
        match kind:
            case Key.WORDS:
                continue
            case Key.PLACE:
                if name == "nodeSelector":
                    yield from _selected(inner, place)
            case Key.GPU | Key.GPU_COUNT:
                if not _zero_gpus(value):
                    yield from _under_gpu(inner, place, name, depth)
            case Key.DEVICE:
                yield from _device(inner, place, name)
            case _:
                yield from _walk(inner, place, name, depth + 1)
                if name in ("limits", "requests"):
                    yield from _strange(inner, place)


_GPU_LABEL: Final = re.compile(
    r"cloud\.google\.com/gke-(?:accelerator|tpu-).*|nvidia\.com/(?:gpu|mig)\..*"
    r"|karpenter\.k8s\.aws/instance-gpu-.*|eks\.amazonaws\.com/instance-gpu-.*"
    r"|.*accelerator.*|.*gpu.*"
)


def _selected(labels: Any, path: str) -> Iterator[Named]:
    """Labels of nodes that insist on one with a GPU."""
    if isinstance(labels, Hidden):
        yield Named(path, f"nodeSelector is {labels.value}")
    if not isinstance(labels, Mapping):
        return
    for label in sorted(labels):
        value = labels[label]
        of_a_type = label.endswith(("instance-type", "machine-type"))
        if isinstance(value, Hidden):
            if of_a_type:
                yield Named(join(path, label), f"{label} is {value.value}")
        elif _GPU_LABEL.fullmatch(label):
            if not _NOTHING.fullmatch(str(value)):
                yield Named(join(path, label), f"{label}: {value}")
        elif of_a_type and isinstance(value, str) and is_gpu_machine(value):
            yield Named(join(path, label), value)


def _under_gpu(value: Any, path: str, key: str, depth: int) -> Iterator[Named]:
    """What stands under a key that is about GPUs."""
    if isinstance(value, Mapping | list | tuple):
        listed = known_items(value)
        if any(not isinstance(inner, Mapping) or _asks(inner) for inner in listed):
            yield Named(path, key)
    elif isinstance(value, str):
        if not _NOTHING.fullmatch(value.strip()):
            yield Named(path, _short(value))
    else:
        yield from _walk(value, path, key, depth + 1)


def _device(value: Any, path: str, key: str) -> Iterator[Named]:
    amount = count(value)
    if not isinstance(amount, int) or amount != 0:
        if isinstance(value, Mapping) and not value:
            return
        yield Named(path, key)


def _strange(value: Any, path: str) -> Iterator[Named]:
    """Extended resources under limits or requests that no list has as harmless."""
    if not isinstance(value, Mapping):
        return
    for name in sorted(value):
        if key_of(name) is not Key.DEVICE and is_strange_device(name):
            yield from _device(value[name], join(path, name), name)


_LONGEST_NAME: Final = 160
"""Characters: what is longer is no name of a machine or a kind."""


def _text(value: str, path: str, key: str, depth: int) -> Iterator[Named]:
    kind = key_of(key)
    if kind is Key.SCRIPT:
        said = launched(value)
        if said is not None:
            yield Named(path, said)
    elif _is_gpu_text(value, path, kind):
        yield Named(path, _short(value))
    if len(value) > SHORTEST:
        for document in parsed(value):
            yield from _walk(document, path, key, depth + 10)


def _is_gpu_text(value: str, path: str, kind: Key) -> bool:
    """Whether a text under a key of this kind names a GPU by itself."""
    match kind:
        case Key.GPU | Key.GPU_COUNT:
            return not _NOTHING.fullmatch(value.strip())
        case Key.MACHINE | Key.KIND if len(value) <= _LONGEST_NAME:
            return is_gpu_kind(value, machine=kind is Key.MACHINE)
        case Key.NAME:
            # `sku: {name: …}` is a type; a resource's own name is not.
            return "." in path and is_gpu_machine(value)
        case _:
            return False


def _asks(value: Mapping[str, Any]) -> bool:
    """Whether an object under a GPU's key asks for any: `{count: 0}` and `{enabled: false}`
    don't."""
    return (
        bool(value)
        and count(value.get("count", 1)) != 0
        and switch(value.get("enabled", True)) is not False
        and not all(isinstance(v, str) and _NOTHING.fullmatch(v) for v in value.values())
    )


def _zero_gpus(value: Mapping[str, Any]) -> bool:
    """Whether the object says that its number of GPUs is zero."""
    return any(
        key_of(name) is Key.GPU_COUNT and not isinstance(inner, bool) and count(inner) == 0
        for name, inner in value.items()
    )


@lru_cache(maxsize=4096)
def _counts(name: str) -> bool:
    return _REPLICAS.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _autoscales(name: str) -> bool:
    return _AUTOSCALES.fullmatch(name) is not None


def _runs_none(value: Mapping[str, Any]) -> bool:
    """Whether the object says that it runs nothing: its counts of machines or pods are all zero and
    nothing scales them out."""
    zero = False
    for name, inner in value.items():
        if not (_counts(name) or _autoscales(name)) or isinstance(inner, Mapping | list | tuple):
            continue
        if _autoscales(name):
            if isinstance(inner, Hidden) or switch(inner) is not False:
                return False
        elif _counts(name):
            number = count(inner)
            if isinstance(inner, bool) or isinstance(number, Impossible):
                continue  # `size: gpu-h100x1-80gb` is no number
            if number != 0:
                return False
            # A minimum of zero alone says nothing about what runs.
            zero = zero or not name.lower().startswith("min") or "idle" in name.lower()
    return zero and not any(map(_runs_some, value.values()))


def _runs_some(value: Any, depth: int = 0) -> bool:
    """Whether something below has a count of its own that is not zero, or that can't be read."""
    if depth > 12:
        return True
    if isinstance(value, list | tuple):
        return any(_runs_some(inner, depth + 1) for inner in value)
    if not isinstance(value, Mapping):
        return False
    for name, inner in value.items():
        if isinstance(inner, Mapping | list | tuple):
            if _autoscales(name) or _runs_some(inner, depth + 1):
                return True
        elif _counts(name) and not isinstance(inner, str) and count(inner) != 0:
            return True
    return False


def join(path: str, key: str) -> str:
    """`spec` and `limits` → `spec.limits`; a key with a dot or a slash in it goes into brackets."""
    return f"{path}{_step(key)}" if path else key


@lru_cache(maxsize=8192)
def _step(key: str) -> str:
    return f'["{key}"]' if re.search(r"[./\[\]]", key) else f".{key}"


_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
SHORTEST: Final = 12
"""Characters that a text must exceed to be looked into."""


def _is_text(value: Any) -> bool:
    return type(value) is str and len(value) > SHORTEST


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:39] + "…"
