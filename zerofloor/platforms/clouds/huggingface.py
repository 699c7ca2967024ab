"""Hugging Face Inference Endpoints (community Terraform providers; token derived)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Cause, Part
from zerofloor.estate import Estate
from zerofloor.hardware.instances import Shape
from zerofloor.hardware.naming import accelerator_name
from zerofloor.platforms.clouds.read import token_set, tokens
from zerofloor.platforms.declared import Declared, Size
from zerofloor.platforms.machines import SETTLE_TYPE, Machines, describe
from zerofloor.platforms.rows import COUNT, Kept, Row, as_declared, read_rows

CLOUD: Final = "huggingface"


def _replica(estate: Estate, source: Declared, prefix: str) -> Machines:
    """What a replica has: an accelerator (cpu, gpu, neuron), a type and a size (`x4`)."""
    accelerator = source.field("compute.accelerator")
    kind = source.field("compute.instanceType")
    size = source.field("compute.instanceSize")
    named, type_name = accelerator.text(), kind.text()
    if named == "cpu":
        return Machines((Shape(CLOUD, "cpu", Decimal(0)),))
    if accelerator.is_hidden or kind.is_hidden:
        field = accelerator if accelerator.is_hidden else kind
        why = f"{field.path} isn't known at preview: it may be a GPU"
        return Machines(undecided=(field.undecided(why, SETTLE_TYPE),))
    if named is None and isinstance(type_name, str) and re.match(r"intel|amd-epyc", type_name):
        return Machines((Shape(CLOUD, type_name, Decimal(0)),))
    if named is None and type_name is None:
        return Machines()
    several = size.text()
    match = re.fullmatch(r"x(\d{1,2})", several) if isinstance(several, str) else None
    gpus = Decimal(match[1]) if match else None
    model = type_name if isinstance(type_name, str) else "gpu"
    neuron = "inf2" in model or named == "neuron"
    card = "AWS Inferentia2" if neuron else accelerator_name(model)
    shape = Shape(CLOUD, model, gpus, card)
    return Machines((shape,), evidence=(kind.evidence(describe((shape,))),))


ROWS: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens(
            "huggingface:index/endpoint:Endpoint",
            "huggingface-endpoints:index/endpoint:Endpoint",
        ),
        platform="Hugging Face endpoint",
        machine=("compute.accelerator", "compute.instanceType"),
        machines=_replica,
        count=("compute.scaling.minReplica",),
        ceiling=("compute.scaling.maxReplica",),
        cause=Cause.ENDPOINT,
        because="an endpoint never goes below it; omitted it is 1",
        fix="Set compute.scaling.minReplica to 0 and compute.scaling.scaleToZeroTimeout to 15",
        change=((COUNT, 0), ("compute.scaling.scaleToZeroTimeout", 15)),
        source="Hugging Face Inference Endpoints docs, “Autoscaling”",
        derived=True,
        stopped="paused: free until it is resumed by hand; scaled to zero: free",
    ),
)
READS: Final = token_set(ROWS)


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS, keep=_kept)


def _kept(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A minimum of 0 without a timeout: the documentation says an hour, the SDK none."""
    kept = as_declared(estate, source, row, number, found)
    timeout = source.field("compute.scaling.scaleToZeroTimeout")
    if number.known != 0 or not (timeout.is_absent or timeout.is_hidden):
        return kept
    why = "minReplica is 0 without a scaleToZeroTimeout: sources differ on whether it goes to zero"
    settle = "Set compute.scaling.scaleToZeroTimeout to 15 (minutes)"
    return replace(kept, undecided=(*kept.undecided, timeout.undecided(why, settle)))
