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
from zerofloor.platforms.rows import COUNT, Idle, Kept, Row, as_declared, read_rows

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
        because="an endpoint never goes below it",
        fix="Set compute.scaling.minReplica to 0 and compute.scaling.scaleToZeroTimeout to 15",
        change=((COUNT, 0), ("compute.scaling.scaleToZeroTimeout", 15)),
        idle=Idle(path="compute.scaling.scaleToZeroTimeout", unit=60, default=60),
        also="0 without `scaleToZeroTimeout` is undecided",
        source="Hugging Face Inference Endpoints docs, “Autoscaling”",
        derived=True,
        stopped="paused: free until it is resumed by hand; scaled to zero: free",
    ),
)
_SPACE_COUNTS: Final = re.compile(r".*x(\d)|(\d)x.*")


def _space(name: str) -> Shape | None:
    """Hardware of a Space: cpu-basic, t4-small, a10g-largex2, l40sx4, zero-a10g."""
    if name.startswith(("cpu", "zero")):
        return Shape(CLOUD, name, Decimal(0))
    several = _SPACE_COUNTS.fullmatch(name)
    number = next((group for group in several.groups() if group), "1") if several else "1"
    return Shape(CLOUD, name, Decimal(number), accelerator_name(name.partition("-")[0]))


SPACES: Final = (
    Row(
        cloud=CLOUD,
        tokens=tokens("huggingface-spaces:index/space:Space", "huggingface:index/space:Space"),
        platform="Hugging Face Space",
        machine=("hardware",),
        translate=_space,
        cause=Cause.INSTANCE,
        because="a Space on paid hardware never sleeps by itself",
        fix="Set sleepTime to 300 (seconds)",
        change=(("sleepTime", 300),),
        source="Hugging Face Spaces docs, “Set a custom sleep time” (paid hardware: never)",
        derived=True,
        stopped="asleep or paused: free",
    ),
)
READS: Final = token_set((*ROWS, *SPACES))


def read(estate: Estate) -> Iterator[Part]:
    yield from read_rows(estate, ROWS, keep=_kept)
    yield from read_rows(estate, SPACES, keep=_awake)


def _awake(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A Space that sleeps: -1 and an omitted sleepTime mean never."""
    kept = as_declared(estate, source, row, number, found)
    seconds = source.field("sleepTime").count()
    if isinstance(seconds, int) and seconds > 0:
        return Kept(ceiling=kept.ceiling)
    return kept


def _kept(estate: Estate, source: Declared, row: Row, number: Size, found: Machines) -> Kept:
    """A minimum of 0 without a timeout: the documentation says an hour, the SDK none."""
    kept = as_declared(estate, source, row, number, found)
    timeout = source.field("compute.scaling.scaleToZeroTimeout")
    if number.known != 0 or not (timeout.is_absent or timeout.is_hidden):
        return kept
    why = "minReplica is 0 without a scaleToZeroTimeout: sources differ on whether it goes to zero"
    settle = "Set compute.scaling.scaleToZeroTimeout to 15 (minutes)"
    return replace(kept, undecided=(*kept.undecided, timeout.undecided(why, settle)))
