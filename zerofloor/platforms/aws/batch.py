"""AWS Batch: a compute environment keeps instances for its minimum of vCPUs, whatever the queue
holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from zerofloor.capacity import Assumption, Cause, Hold, Market, Part, Pool, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.aws.read import (
    CLOUD,
    declared,
    family_shapes,
    is_plain_family,
    machines,
    narrowed,
    nodes_for,
)
from zerofloor.platforms.declared import Declared, changes_of, size
from zerofloor.platforms.machines import Machines, union
from zerofloor.values import at, hidden, known_items, known_text
from zerofloor.words import counted

ENVIRONMENTS: Final = (
    "aws:batch/computeEnvironment:ComputeEnvironment",
    "aws-native:batch:ComputeEnvironment",
)
READS: Final = frozenset(ENVIRONMENTS)
_CHOSEN_BY_BATCH: Final = ("optimal", "default_x86_64", "default_arm64")
"""Batch chooses among C, M and R families (Batch user guide, "Compute environment parameters")."""


def read(estate: Estate) -> Iterator[Part]:
    """Every managed compute environment on EC2. A disabled one keeps its minimum too (Batch API,
    UpdateComputeEnvironment)."""
    for source in declared(estate, *ENVIRONMENTS):
        resources = source.inputs.get("computeResources")
        # Hidden, it is taken for one that Batch manages on EC2: that one holds the most.
        if known_text(source.inputs.get("type")) == "UNMANAGED" or resources is None:
            continue
        if hidden(resources):
            why = "The compute resources aren't known at preview: they may keep GPU instances"
            yield source.open("computeResources", why)
            continue
        if (known_text(at(resources, "type")) or "").startswith("FARGATE"):
            continue  # no GPUs on Fargate
        yield from _environment(estate, source)


def _environment(estate: Estate, source: Declared) -> Iterator[Part]:
    found = _machines(estate, source)
    if found.plain:
        return
    spot = source.pick("computeResources.type")[1] == "SPOT"
    minimum = size(source, ["computeResources.minVcpus", "computeResources.minvCpus"], 0, "omitted")
    maximum = size(source, ["computeResources.maxVcpus", "computeResources.maxvCpus"])
    wrong = tuple(part for part in (minimum, maximum) if isinstance(part, Undecided))
    pool = Pool(
        urn=source.urn,
        name=source.name,
        platform="Batch compute environment",
        cloud=CLOUD,
        shapes=found.shapes,
        part=source.part(),
        desired=0,
        market=Market.SPOT if spot else Market.ON_DEMAND,
        region=estate.region(source.resource, CLOUD),
        evidence=found.evidence,
        assumptions=(
            *found.assumptions,
            Assumption(
                f"Batch scales {source.name} in to its minimum",
                "its own scheduler does so when idle",
            ),
        ),
        undecided=wrong,
    )
    if isinstance(minimum, Undecided) or isinstance(maximum, Undecided):
        yield pool
        return
    if minimum.is_hidden:
        yield replace(
            pool,
            undecided=(minimum.open(maximum.known),),
        )
        return
    low, high = minimum.known or 0, maximum.known
    if high is not None and low > high:
        why = f"{minimum.path} {low} is above {maximum.path} {high}: Batch refuses it"
        yield replace(pool, undecided=(source.open(minimum.path, why, "Correct the values"),))
        return
    sized = (
        replace(found, weights=tuple(shape.vcpus or Decimal(1) for shape in found.shapes))
        if found.shapes
        else found
    )
    if not low:
        yield replace(pool, ceiling=None if high is None else nodes_for(sized, high))
        return
    chosen = narrowed(sized, low)
    nodes = nodes_for(chosen, low)
    step = minimum.evidence(f"{counted(low, 'vCPU')} kept: at least {counted(nodes, 'instance')}")
    hold = Hold(
        cause=Cause.POOL_MINIMUM,
        urn=source.urn,
        units=nodes,
        evidence=(*found.evidence, step),
        fix=f"Set {minimum.path} to 0",
        change=changes_of(source, (minimum.path, 0)),
    )
    undecided = found.undecided
    ceiling = None if high is None else nodes_for(chosen, high)
    yield replace(
        pool,
        shapes=chosen.shapes,
        holds=(hold,),
        desired=nodes if chosen.shapes else None,
        ceiling=ceiling,
        undecided=undecided,
    )


def _machines(estate: Estate, source: Declared) -> Machines:
    path, value = source.pick("computeResources.instanceTypes")
    if hidden(value) or value is None:
        return machines(estate, source, path, value)
    parts: list[Machines] = []
    for index, item in enumerate(known_items(value)):  # Not hidden: asked above.
        where = f"{path}[{index}]"
        if isinstance(item, str) and (
            item in _CHOSEN_BY_BATCH or ("." not in item and is_plain_family(estate, item))
        ):
            plain = estate.shape(CLOUD, "m5.large" if item in _CHOSEN_BY_BATCH else f"{item}.large")
            parts.append(Machines((plain,) if plain else ()))
        elif isinstance(item, str) and "." not in item and family_shapes(item):
            evidence = source.evidence(where, f"any size of {item}, all with GPUs")
            parts.append(Machines(family_shapes(item), evidence=(evidence,)))
        else:
            parts.append(machines(estate, source, where, item))
    return union(parts)
