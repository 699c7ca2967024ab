"""GameLift Streams: a stream group keeps capacity on GPU machines in each of its locations."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Cause, Evidence, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws.read import CLOUD, declared
from zerofloor.platforms.declared import Declared, Size, changes_of, size
from zerofloor.stack import Hidden
from zerofloor.values import at, items

GROUPS: Final = ("aws-native:gameliftstreams:StreamGroup",)
READS: Final = frozenset(GROUPS)
_MODELS: Final = {
    "gen4n": "NVIDIA T4",
    "gen5n": "NVIDIA A10G",
    "gen6n": "NVIDIA L4",
    "gen6e": "NVIDIA L40S",
}
_KINDS: Final = ("alwaysOnCapacity", "targetIdleCapacity")
"""Capacity that is paid for idle (GameLift Streams API, LocationConfiguration)."""


def read(estate: Estate) -> Iterator[Part]:
    """Every location of every stream group; all stream classes are GPU machines (GameLift Streams
    API, CreateStreamGroup, streamClass)."""
    for source in declared(estate, *GROUPS):
        listed = items(source.inputs.get("locationConfigurations"))
        if isinstance(listed, Hidden):
            why = "The locations aren't known at preview: they may keep GPU capacity"
            yield source.open("locationConfigurations", why)
            continue
        for index, location in enumerate(listed or [{}]):
            path = f"locationConfigurations[{index}]" if listed else "locationConfigurations"
            yield _location(estate, source, path, location)


def _location(estate: Estate, source: Declared, path: str, location: Any) -> Pool:
    name = source.field("streamClass").value
    shown = name if isinstance(name, str) else "stream class"
    model = _MODELS.get(shown.partition("_")[0], "GPU of a stream class")
    sizes = [
        size(source, [f"{path}.{kind}"], _default(location, kind), _OMITTED) for kind in _KINDS
    ]
    undecided = tuple(part for part in sizes if isinstance(part, Undecided))
    known = [part for part in sizes if isinstance(part, Size)]
    hidden = next((part for part in known if part.is_hidden), None)
    if isinstance(location, Hidden) or hidden is not None:
        why = "How much capacity stays on isn't known at preview: it runs on GPU machines"
        undecided = (source.open(path if hidden is None else hidden.path, why),)
    largest = max(known, key=lambda part: part.known or 0, default=None)
    sessions = (largest.known or 0) if largest is not None else 0
    nodes = -(-sessions // _sharing(shown))
    holds: tuple[Hold, ...] = ()
    kind = source.evidence("streamClass", f"streams run on {model} machines")
    if largest is not None and nodes and not undecided:
        holds = (_hold(source, path, largest, nodes, kind),)
    return Pool(
        urn=source.urn,
        part=source.part(path),
        name=source.name,
        platform="GameLift Streams stream group",
        cloud=CLOUD,
        shapes=(Shape(CLOUD, shown, Decimal(1), model),),
        holds=holds,
        desired=nodes,
        region=estate.region(source.resource, CLOUD),
        undecided=undecided,
        price_as="gameliftstreams",
        evidence=(kind,),
    )


_OMITTED: Final = "omitted: 1 where no other capacity of the newer kind is named"


def _default(location: Any, kind: str) -> int:
    """Always-on capacity is 1 where it is omitted (CloudFormation user guide, StreamGroup), but not
    beside the newer kinds, which have their own minimum."""
    newer = at(location, "maximumCapacity") is not None or at(location, _KINDS[1]) is not None
    return 1 if kind == _KINDS[0] and not newer else 0


def _sharing(stream_class: str) -> int:
    """Sessions that may share one GPU: a lower bound of GPUs follows. Ultra and pro classes have
    one each, high ones two."""
    return 1 if stream_class.endswith(("_ultra", "_pro")) else 2


def _hold(source: Declared, path: str, largest: Size, nodes: int, kind: Evidence) -> Hold:
    pairs = [(f"{path}.{name}", 0) for name in _KINDS]
    given = [pair for pair in pairs if pair[0] == largest.path or _is_given(source, pair[0])]
    return Hold(
        cause=Cause.ENDPOINT,
        urn=source.urn,
        units=nodes,
        evidence=(kind, largest.evidence("this capacity is paid for with or without players")),
        fix="Set alwaysOnCapacity to 0 (and targetIdleCapacity), and onDemandCapacity instead",
        change=changes_of(source, *given),
    )


def _is_given(source: Declared, path: str) -> bool:
    return not source.field(path).is_absent
