"""How pods get onto the nodes of a managed Kubernetes pool: what its declaration and its cloud put
on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Placement, Taint
from zerofloor.estate import Estate
from zerofloor.hardware.node_labels import INSTANCE_TYPE
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.machines import Machines
from zerofloor.platforms.taints import read_taints
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import at, has_hidden, hidden, known_items, known_text

UNNEEDED: Final = Decimal(600)
"""Seconds for which a node must be unneeded before it is removed (Cluster Autoscaler FAQ,
scale-down-unneeded-time: 10 minutes); the managed clouds run the Cluster Autoscaler."""


class Nodes(Value, frozen=True, kw_only=True):
    """Where a pool's declaration says what its nodes carry."""

    name: str = "name"
    """Path of the pool's name."""
    name_labels: tuple[str, ...] = ()
    """The labels that carry the pool's name."""
    cloud_labels: tuple[str, ...] = ()
    """Labels that the cloud sets, to values that no declaration has."""
    labels: tuple[str, ...] = ("labels",)
    """Paths of its own labels: objects, or lists of {key, value}."""
    taints: str = "taints"
    """Path of its taints: a list of {key, value, effect}, or an object of `value:effect` by key."""
    tags: str = ""
    """Path of tags that Kapsule turns into labels and taints; empty: none does."""
    gpu_taint: bool = False
    """True where the cloud taints GPU nodes with their device's resource name, NoSchedule."""


def placement_of(
    estate: Estate,
    cloud: str,
    source: Declared,
    prefix: str,
    nodes: Nodes,
    found: Machines,
    *,
    grows: bool,
) -> Placement:
    """How pods get onto the nodes. `grows`: an autoscaler adds nodes for pods that wait."""
    settled = len(found.shapes) == 1 and not found.undecided
    labels: dict[str, str | None] = {
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": None,
        "kubernetes.io/hostname": None,
        INSTANCE_TYPE: found.shapes[0].instance_type if settled else None,
        "topology.kubernetes.io/region": estate.region(source.resource, cloud),
        "topology.kubernetes.io/zone": None,
    }
    name = source.field(prefix + nodes.name)
    labels |= dict.fromkeys(nodes.cloud_labels)  # None: any value.
    labels |= dict.fromkeys(nodes.name_labels, known_text(name.value))
    hidden_labels = set(nodes.name_labels) if name.is_hidden else set()
    open_labels = False
    for path in nodes.labels:
        value = source.field(prefix + path).value
        open_labels = open_labels or _has_open_key(value)
        own = dict(_labels(value))
        hidden_labels |= {key for key, text in own.items() if text is None}
        labels |= own
    given = source.field(prefix + nodes.taints).value
    taints, open_taints = tuple(_taints(given)), has_hidden(given)
    if nodes.tags:
        tags = source.field(prefix + nodes.tags).value
        open_labels = open_labels or has_hidden(tags)
        open_taints = open_taints or has_hidden(tags)
        labels |= dict(_tag_labels(tags))
        taints = (*taints, *_tag_taints(tags))
    if nodes.gpu_taint:
        taints = (*taints, *_device_taints(shape.accelerator for shape in found.shapes))
    return Placement(
        labels=labels,
        open_labels=open_labels,
        hidden_labels=frozenset(hidden_labels),
        taints=taints,
        open_taints=open_taints,
        grows=grows,
        reclaim=UNNEEDED if grows else Decimal(0),
    )


def _labels(value: Any) -> Iterator[tuple[str, str | None]]:
    """The labels; None for a value that is hidden: pods that ask for any may run there."""
    if isinstance(value, Mapping) and not {"key", "value"} >= value.keys():
        for key, inner in value.items():
            yield str(key), known_text(inner)
        return
    for item in known_items(value):
        key = known_text(at(item, "key"))
        if key:
            yield key, known_text(at(item, "value"))


def _has_open_key(value: Any) -> bool:
    """Whether a label's key can't be read."""
    if isinstance(value, Hidden):
        return True
    listed = known_items(value)  # Not hidden here.
    return any(isinstance(item, Hidden) or hidden(at(item, "key")) for item in listed)


def _taints(value: Any) -> Iterator[Taint]:
    """The taints: a list, or an object of `value:effect` by key. A hidden one keeps no pod off
    here; `open_taints` says that there is one."""
    if not isinstance(value, Mapping) or "effect" in value:
        yield from read_taints(value)
        return
    for key, text in value.items():
        if isinstance(text, str):
            content, _, effect = text.rpartition(":")
            yield Taint(str(key), content, effect or "NoSchedule")


_KAPSULE: Final = "k8s.scaleway.com/"


def _tag_labels(tags: Any) -> Iterator[tuple[str, str]]:
    """`foo=bar` gives the label k8s.scaleway.com/foo, `noprefix=foo=bar` the label foo (Scaleway
    docs, Kapsule tags)."""
    for tag in known_items(tags):
        if isinstance(tag, str) and not tag.startswith("taint="):
            key, _, value = tag.removeprefix("noprefix=").partition("=")
            yield (key if tag.startswith("noprefix=") else f"{_KAPSULE}{key}"), value


def _tag_taints(tags: Any) -> Iterator[Taint]:
    """`taint=foo=bar:NoSchedule`, and the same with noprefix."""
    for tag in known_items(tags):
        if not isinstance(tag, str) or not tag.startswith("taint="):
            continue
        rest = tag.removeprefix("taint=")
        plain = rest.removeprefix("noprefix=")
        content, _, effect = plain.rpartition(":")
        key, _, value = content.partition("=")
        yield Taint(key if plain != rest else f"{_KAPSULE}{key}", value, effect)


def _device_taints(accelerators: Iterable[str]) -> Iterator[Taint]:
    makers = {name.split(" ")[0].lower() for name in accelerators if name}
    for maker in sorted(makers & {"nvidia", "amd"}):
        yield Taint(f"{maker}.com/gpu")
