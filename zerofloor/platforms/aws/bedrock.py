"""Amazon Bedrock: provisioned throughput bills by the hour for its model units, with requests or
without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Cause, Hold, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.platforms.aws.read import CLOUD, declared
from zerofloor.platforms.declared import size

_THROUGHPUT: Final = (
    "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput",
    "aws-native:bedrock:ProvisionedModelThroughput",
)
READS: Final = frozenset(_THROUGHPUT)


def read(estate: Estate) -> Iterator[Part]:
    """Provisioned model throughput, in model units of an unpublished number of GPUs (Bedrock guide,
    "Provisioned Throughput")."""
    for source in declared(estate, *_THROUGHPUT):
        units = size(source, ["modelUnits"], 1)
        shape = Shape(CLOUD, "bedrock model unit", None, "accelerators of a model unit")
        undecided: tuple[Undecided, ...] = ()
        holds: tuple[Hold, ...] = ()
        known: int | None = None
        if isinstance(units, Undecided):
            undecided = (units,)
        elif units.is_hidden:
            undecided = (
                source.open(units.path, "How many model units are bought isn't known at preview"),
            )
        elif units.known:
            known = units.known
            committed = source.inputs.get("commitmentDuration")
            note = (
                "by the hour until it is deleted"
                if committed is None
                else "for the whole commitment"
            )
            step = units.evidence(f"{known} model units bill {note}, used or not")
            fix = "Use on-demand inference (a model or inference profile), or delete it when idle"
            holds = (
                Hold(cause=Cause.ENDPOINT, urn=source.urn, units=known, evidence=(step,), fix=fix),
            )
        yield Pool(
            urn=source.urn,
            name=source.name,
            platform="Bedrock provisioned throughput",
            cloud=CLOUD,
            shapes=(shape,),
            holds=holds,
            desired=known,
            ceiling=known,
            region=estate.region(source.resource, CLOUD),
            undecided=undecided,
            price_as="bedrock",
        )
