"""Cloud TPU: VMs, nodes and queued resources, counted in chips. They bill while they exist."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause, Hold, Market, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware import google
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.declared import Declared, size
from zerofloor.platforms.google.read import CLOUD, declared, last, pool_of
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden
from zerofloor.words import counted

_NATIVE: Final = tuple(f"google-native:tpu/{v}:Node" for v in ("v1", "v1alpha1", "v2", "v2alpha1"))
NODES: Final = ("gcp:tpu/v2Vm:V2Vm", "gcp:tpu/node:Node", *_NATIVE)
QUEUED: Final = (
    "gcp:tpu/v2QueuedResource:V2QueuedResource",
    "google-native:tpu/v2alpha1:QueuedResource",
)
READS: Final = frozenset({*NODES, *QUEUED})

_DEFAULT: Final = "v2-8"
"""What the provider takes where no type is given (SDK docstring of acceleratorType)."""
_GENERATIONS: Final = {
    "V2": "v2",
    "V3": "v3",
    "V4": "v4",
    "V5LITE_POD": "v5e",
    "V5E": "v5e",
    "V5P": "v5p",
    "V6E": "v6e",
}
_FIX: Final = "Delete the TPU when the work ends, or run it as a GKE TPU pool that scales to zero"


def read(estate: Estate) -> Iterator[Part]:
    """Every TPU."""
    for source in declared(estate, *NODES):
        yield from _tpu(estate, source, "", platform="Cloud TPU")
    for source in declared(estate, *QUEUED):
        path = source.pick("tpu.nodeSpecs", "tpu.nodeSpec")[0]
        listed = source.field(path).items()
        if isinstance(listed, Hidden):
            yield source.open(path, "The TPUs that it asks for aren't known")
            continue
        for index in range(len(listed)):
            yield from _tpu(estate, source, f"{path}[{index}].", platform="Queued TPU")


def _tpu(estate: Estate, source: Declared, prefix: str, *, platform: str) -> Iterator[Part]:
    inner = f"{prefix}node." if prefix else ""
    found = _machines(source, inner)
    slices = size(source, [f"{prefix}multiNodeParams.nodeCount"], 1)
    undecided: tuple[Undecided, ...] = ()
    units = 1
    if isinstance(slices, Undecided):
        undecided = (slices,)
    elif slices.is_hidden:
        undecided = (source.open(slices.path, "The number of TPU slices isn't known"),)
    else:
        units = slices.known or 0
    step = source.evidence(f"{inner}acceleratorType", "a TPU bills while it exists")
    hold = Hold(
        cause=Cause.INSTANCE,
        urn=source.urn,
        units=units,
        evidence=(*found.evidence, step),
        fix=_FIX,
    )
    pool = pool_of(
        estate,
        source,
        found,
        platform=platform,
        holds=() if undecided else (hold,),
        undecided=undecided,
        desired=units,
        ceiling=units,
        sold=_market(source, inner),
        part=prefix.rstrip("."),
    )
    if pool is not None:
        yield pool


def _machines(source: Declared, prefix: str) -> Machines:
    named = source.field(f"{prefix}acceleratorType")
    config = source.field(f"{prefix}acceleratorConfig")
    if named.is_hidden or config.is_hidden:
        where = named if named.is_hidden else config
        return Machines(undecided=(where.undecided("The TPU's type isn't known at preview"),))
    if named.is_absent and config.value:
        return _configured(source, config.path)
    name = str(last(named.value) or _DEFAULT).lower()
    chips = google.slice_chips(name)
    if chips is None:
        why = f"{name} is not a TPU type that zerofloor knows: its chips can't be counted"
        return Machines(undecided=(named.undecided(why),))
    said = named.evidence(f"{name} has {counted(chips[0], 'chip')}")
    return Machines((Shape(CLOUD, name, *chips, card=_chip(chips[1])),), evidence=(said,))


def _configured(source: Declared, path: str) -> Machines:
    kind, topology = source.field(f"{path}.type"), source.field(f"{path}.topology")
    chips = google.topology_chips(topology.value) if isinstance(topology.value, str) else None
    if chips is None:
        why = "The topology isn't known or isn't one: the TPU's chips can't be counted"
        return Machines(undecided=(topology.undecided(why),))
    # A generation that isn't known changes the price alone.
    generation = _GENERATIONS.get(str(kind.value), "") if isinstance(kind.value, str) else ""
    accelerator = f"Google TPU {generation}".strip()
    shape = Shape(
        CLOUD,
        f"{generation or 'TPU'} {topology.value}",
        Decimal(chips),
        accelerator,
        card=_chip(accelerator),
    )
    said = topology.evidence(counted(chips, "chip"))
    return Machines((shape,), evidence=(said,))


def _chip(accelerator: str) -> str:
    """The price list's name of one chip."""
    return f"tpu-{accelerator.rsplit(' ', 1)[-1].lower()}-chip"


def _market(source: Declared, prefix: str) -> Market:
    plan = f"{prefix}schedulingConfig"
    if any(source.field(f"{plan}.{name}").value is True for name in ("spot", "preemptible")):
        return Market.SPOT
    return Market.RESERVED if source.field(f"{plan}.reserved").value is True else Market.ON_DEMAND
