"""Where a value names a GPU: a walk over properties, and over the JSON and YAML that stands in
their text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from zerofloor.patterns import lazy
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
_NOTHING: Final = lazy(
    r"(?i)(?:0|false|none|no|off|disabled|null|cpu.*|default|auto|.*unspecified|-|n/a)?"
)
_REPLICAS: Final = lazy(
    r"(?:desired|target|fixed|initial|num|min|max)?_?(?:node|instance|worker|replica|server|pod|vm)s?"
    r"_?(?:counts?|quantity|number|num|desired)?|replicas|(?:desired|target|num)_?(?:counts?|nodes?"
    r"|size|capacity|workers?|instances?|replicas?)|min_?idle_?instances|(?:min|max)_?(?:size|count"
    r"|nodes?|replicas?|instances?|scale|workers?)|count|size|capacity|quantity",
    re.I,
)
_AUTOSCALES: Final = lazy(r"auto_?scal(?:e|er|ing)(?:_?enabled)?|enable_?auto_?scaling", re.I)


def names_gpu(value: Any, path: str, key: str = "") -> Iterator[Named]:
    """The places in a value that ask for a GPU; a count of zero asks for none."""
    yield from _walk(value, path, key, 0)


# What follows returns lists, since it runs over each value of whatever no reader took: generators
# inside one another take twice the time.


def _walk(value: Any, path: str, key: str, depth: int) -> Sequence[Named]:
    if depth > DEEPEST:
        return ()
    kind = type(value)
    if kind is str:
        return _text(value, path, key, depth) if value else ()
    if kind is dict:
        return _object(value, path, depth)
    if kind is list or kind is tuple:
        return _list(value, path, key, depth)
    if isinstance(value, Mapping):
        return _object(value, path, depth)
    return _value(value, path, key)


def _value(value: Any, path: str, key: str) -> Sequence[Named]:
    """What a hidden value or a number says under its key."""
    kind = key_of(key)
    if isinstance(value, Hidden):
        if key in _ASKING or kind in (Key.GPU, Key.GPU_COUNT, Key.DEVICE):
            return (Named(path, f"{key} is {value.value}", hidden=True),)
    elif kind in (Key.GPU_COUNT, Key.DEVICE) and isinstance(value, int | float) and value > 0:
        return (Named(path, f"{key}: {value}"),)
    return ()


def _list(value: Sequence[Any], path: str, key: str, depth: int) -> Sequence[Named]:
    # The elements of a list of resources are their names.
    of = "" if key == "resources" else key
    plain = key_of(of) is _OTHER
    found: list[Named] = []
    for index, inner in enumerate(value):
        if not (plain and _is_plain(inner)):
            found += _walk(inner, f"{path}[{index}]", of, depth + 1)
    return found


def _object(value: Mapping[str, Any], path: str, depth: int) -> Sequence[Named]:
    found: list[Named] = []
    for name, kind, step in _telling(tuple(value)):
        inner = value[name]
        if kind is not _OTHER:
            found += _property(value, name, kind, path + step if path else name, depth)
        elif type(inner) is dict and depth < DEEPEST:
            found += _object(inner, path + step if path else name, depth + 1)
        elif not _is_plain(inner):
            found += _walk(inner, path + step if path else name, name, depth + 1)
    # Asked last, since most objects name nothing.
    return () if not found or _runs_none(value) else found


_OTHER: Final = Key.OTHER


@lru_cache(maxsize=2048)
def _telling(names: tuple[str, ...]) -> tuple[tuple[str, Key, str], ...]:
    """Of an object's properties those that may say something, each with what its name says and its
    step in a path. Objects of one type mostly have the same ones."""
    kinds = {name: key_of(name) for name in sorted(names)}
    return tuple((name, kind, _step(name)) for name, kind in kinds.items() if kind is not Key.WORDS)


def _property(
    value: Mapping[str, Any], name: str, kind: Key, place: str, depth: int
) -> Sequence[Named]:
    """The places in one property of an object that ask for a GPU."""
    inner = value[name]
    match kind:
        case Key.PLACE:
            return _selected(inner, place) if name == "nodeSelector" else ()
        case Key.GPU | Key.GPU_COUNT:
            return () if _zero_gpus(value) else _under_gpu(inner, place, name, depth)
        case Key.DEVICE:
            return _device(inner, place, name)
        case Key.DEMAND:
            return (*_walk(inner, place, name, depth + 1), *_strange(inner, place))
        case _:
            return _walk(inner, place, name, depth + 1)


_GPU_LABEL: Final = lazy(
    r"cloud\.google\.com/gke-(?:accelerator|tpu-).*|nvidia\.com/(?:gpu|mig)\..*"
    r"|karpenter\.k8s\.aws/instance-gpu-.*|eks\.amazonaws\.com/instance-gpu-.*"
    r"|.*accelerator.*|.*gpu.*"
)


def _selected(labels: Any, path: str) -> Sequence[Named]:
    """Labels of nodes that insist on one with a GPU."""
    if isinstance(labels, Hidden):
        return (Named(path, f"nodeSelector is {labels.value}"),)
    return list(_of_labels(labels, path)) if isinstance(labels, Mapping) else ()


def _of_labels(labels: Mapping[str, Any], path: str) -> Iterator[Named]:
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


def _under_gpu(value: Any, path: str, key: str, depth: int) -> Sequence[Named]:
    """What stands under a key that is about GPUs."""
    if isinstance(value, Mapping | list | tuple):
        listed = known_items(value)
        asks = any(not isinstance(inner, Mapping) or _asks(inner) for inner in listed)
        return (Named(path, key),) if asks else ()
    if isinstance(value, str):
        return () if _NOTHING.fullmatch(value.strip()) else (Named(path, _short(value)),)
    return _walk(value, path, key, depth + 1)


def _device(value: Any, path: str, key: str) -> Sequence[Named]:
    empty = isinstance(value, Mapping) and not value
    return () if empty or count(value) == 0 else (Named(path, key),)


def _strange(value: Any, path: str) -> Iterator[Named]:
    """Extended resources under limits or requests that no list has as harmless."""
    if not isinstance(value, Mapping):
        return
    for name in sorted(value):
        if key_of(name) is not Key.DEVICE and is_strange_device(name):
            yield from _device(value[name], join(path, name), name)


_LONGEST_NAME: Final = 160
"""Characters: what is longer is no name of a machine or a kind."""


def _text(value: str, path: str, key: str, depth: int) -> Sequence[Named]:
    kind = key_of(key)
    found: list[Named] = []
    if kind is Key.SCRIPT:
        said = launched(value)
        if said is not None:
            found.append(Named(path, said))
    elif _is_gpu_text(value, path, kind):
        found.append(Named(path, _short(value)))
    if len(value) > SHORTEST:
        for document in parsed(value):
            found += _walk(document, path, key, depth + 10)
    return found


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


_SCALARS: Final = frozenset({int, float, bool, type(None)})
SHORTEST: Final = 12
"""Characters that a text must exceed to be looked into."""


def _is_plain(value: Any) -> bool:
    """Whether a value says nothing by itself: most values, so this is where the time goes."""
    kind = type(value)
    return len(value) <= SHORTEST if kind is str else kind in _SCALARS


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:39] + "…"
