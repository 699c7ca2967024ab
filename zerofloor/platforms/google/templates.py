"""Instance templates and machine images: what the machines made of them are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from zerofloor.capacity import Accounted, Assumption, Market, Part
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared
from zerofloor.platforms.google.read import (
    SETTLE_TEMPLATE,
    declared,
    link,
    machines,
    market,
    resources,
)
from zerofloor.platforms.machines import Machines
from zerofloor.stack import Hidden

_NATIVE: Final = ("google-native:compute/v1", "google-native:compute/beta")
_ALPHA: Final = "google-native:compute/alpha"


def native(kind: str) -> tuple[str, ...]:
    """The google-native tokens of a kind of Compute Engine."""
    return tuple(f"{base}:{kind}" for base in (*_NATIVE, _ALPHA))


TEMPLATES: Final = (
    "gcp:compute/instanceTemplate:InstanceTemplate",
    "gcp:compute/regionInstanceTemplate:RegionInstanceTemplate",
    *native("InstanceTemplate"),
    *native("RegionInstanceTemplate"),
)
INSTANCES: Final = ("gcp:compute/instance:Instance", *native("Instance"))
MACHINE_IMAGES: Final = ("gcp:compute/machineImage:MachineImage", *native("MachineImage"))
READS: Final = frozenset({*TEMPLATES, *MACHINE_IMAGES})


def read(estate: Estate) -> Iterator[Part]:
    """A template bills nothing by itself."""
    for source in declared(estate, *TEMPLATES, *MACHINE_IMAGES):
        because = "bills nothing by itself: the machines that are made of it do"
        yield Accounted(urn=source.urn, path="", because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A machine as an instance or a template describes it."""

    machines: Machines
    source: Declared
    prefix: str = ""
    """Where the description starts in the resource's inputs."""
    market: Market = Market.ON_DEMAND
    assumptions: tuple[Assumption, ...] = ()


def described(estate: Estate, source: Declared, prefix: str = "") -> Described:
    """The machine that stands in the resource itself, at a prefix."""
    found = machines(
        estate,
        source,
        [f"{prefix}machineType"],
        [f"{prefix}guestAccelerators"],
    )
    if not found.shapes and not found.undecided:
        # Required by the API, so an absent type is one that isn't seen here.
        why = "Nothing says the machine type: it could be a GPU type"
        found = Machines(undecided=(source.open(f"{prefix}machineType", why),))
    return Described(machines=found, source=source, prefix=prefix, market=market(source, prefix))


def of_template(estate: Estate, user: Declared, prop: str, path: str, value: Any) -> Described:
    """The machine of the template at a property; `prop` is the top-level property of its links.

    Where several templates could be meant and all are alike, that is the machine.
    """
    found = link(estate, user, prop, *TEMPLATES, value=value)
    candidates = [_template(estate, template) for template in resources(estate, found)]
    alike = {one.machines.shapes for one in candidates}
    # A known name that only a template of hidden name may bear could be one outside the stack.
    is_elsewhere = found.open and isinstance(value, str)
    if is_elsewhere and all(one.machines.plain for one in candidates):
        candidates = []
    if len(candidates) == 1 or (candidates and len(alike) == 1):
        first = candidates[0]
        given = () if found.assumption is None else (found.assumption,)
        if len(candidates) > 1:
            named = " or ".join(sorted({one.source.name for one in candidates})[:3])
            because = "which of them isn't known yet, and their machines are the same"
            given = (Assumption(f"{user.name} uses the template {named}", because),)
        undecided = tuple(part for one in candidates for part in one.machines.undecided)
        return replace(
            first, machines=replace(first.machines, undecided=undecided), assumptions=given
        )
    if candidates and all(one.machines.plain for one in candidates):
        return candidates[0]
    why = (
        "Which instance template is meant isn't known"
        if candidates
        else "The instance template isn't in the stack: it could have GPUs"
    )
    return Described(
        machines=Machines(undecided=(user.open(path, why, SETTLE_TEMPLATE),)), source=user
    )


def _template(estate: Estate, template: Declared) -> Described:
    is_native = template.resource.type.startswith("google-native:")
    prefix = "properties." if is_native else ""
    whole = template.field("properties")
    if is_native and isinstance(whole.value, Hidden):
        why = "The template's properties aren't known: they could name GPUs"
        return Described(machines=Machines(undecided=(whole.undecided(why),)), source=template)
    return described(estate, template, prefix)
