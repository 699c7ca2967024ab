"""Reading Azure resources: one view over both providers' spellings and ARM templates, machine
types as shapes, links by id in any case."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from zerofloor.capacity import Assumption, Change
from zerofloor.estate import Estate
from zerofloor.platforms.azure import templates
from zerofloor.platforms.azure.tokens import is_native, logical
from zerofloor.platforms.declared import Declared, changes_of
from zerofloor.platforms.machines import Machines, machines_of
from zerofloor.stack import Hidden
from zerofloor.structs import Value
from zerofloor.values import hidden, known_text

CLOUD: Final = "azure"


_CLUSTERS: Final = (
    "azure-native:containerservice:ManagedCluster",
    "azure:containerservice/kubernetesCluster:KubernetesCluster",
)


def declared(estate: Estate, *types: str) -> Iterator[Declared]:
    """The resources of these logical types, also those in ARM templates."""
    known = estate.once("azure", lambda: _index(estate))
    for kind in types:
        yield from known.get(kind, ())


def _index(estate: Estate) -> Mapping[str, tuple[Declared, ...]]:
    found: dict[str, list[Declared]] = defaultdict(list)
    for token, resources in sorted(estate.by_type.items()):
        kind = logical(token)
        if not token.startswith("azure"):
            continue
        for resource in resources:
            found[kind].append(Declared(resource, resource.inputs, resource.name))
            if kind in templates.DEPLOYMENTS or kind in templates.CLASSIC:
                for inside in templates.resources(resource):
                    if inside.logical and not inside.open:
                        found[inside.logical].append(
                            Declared(resource, inside.inputs, inside.name, inside.name, "template")
                        )
    return {kind: tuple(sorted(sources, key=lambda s: s.key)) for kind, sources in found.items()}


def is_looked_up(source: Declared) -> bool:
    """Whether the resource is only read from the cloud (`.get()`), not declared."""
    return source.resource.op == "read" or not source.inputs


def native(source: Declared) -> bool:
    """Whether it has the spelling of `azure-native`: a template's resource has."""
    return source.logical is not None or is_native(source.resource.type)


def machines(estate: Estate, source: Declared, path: str, value: Any) -> Machines:
    """The VM sizes named by a string or a list of strings; no value gives no machines."""
    return machines_of(estate, CLOUD, source, path, value)


def is_text(value: Any, *wanted: str) -> bool:
    """Whether a known text is one of these, in any case: ARM's enums have any."""
    return isinstance(value, str) and value.strip().lower() in {w.lower() for w in wanted}


def change(source: Declared, path: str, to: Any) -> tuple[Change, ...]:
    """A fix of one property as data."""
    return changes_of(source, (path, to))


_HOLDERS: Final = (
    ("kubernetesClusterId", _CLUSTERS),
    ("resourceName", _CLUSTERS),
    (
        "capacityReservationGroupId",
        ("azure:compute/capacityReservationGroup:CapacityReservationGroup",),
    ),
    ("containerAppEnvironmentId", ("azure:containerapp/environment:Environment",)),
    ("environmentId", ("azure-native:app:ManagedEnvironment",)),
    ("managedEnvironmentId", ("azure-native:app:ManagedEnvironment",)),
    ("accountName", ("azure-native:cognitiveservices:Account",)),
    ("cognitiveAccountId", ("azure:cognitive/account:Account",)),
)
"""Properties that tie a resource without a location of its own to one that has it."""


def region(estate: Estate, source: Declared) -> str | None:
    """Where it runs: its own location, else that of what it belongs to."""
    own = source.inputs.get("location")
    if isinstance(own, str):
        return own
    if own is None:
        for path, types in _HOLDERS:
            if source.field(path).is_absent:
                continue
            holder = linked(estate, source, path, types).certain
            if holder is not None and holder.key != source.key:
                return region(estate, holder)
    return estate.region(source.resource, CLOUD)


def iso_seconds(value: Any) -> Decimal | None:
    """An ISO 8601 duration (`PT15M`, `P1DT12H`) or a plain number of seconds, in seconds; None for
    what is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}", value.strip()):
        return Decimal(value.strip())
    match = _ISO.fullmatch(value.strip().upper()) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        return None
    weights = (604800, 86400, 3600, 60, 1)
    return sum(
        (Decimal(part or 0) * weight for part, weight in zip(match.groups(), weights, strict=True)),
        Decimal(0),
    )


_ISO: Final = re.compile(
    r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)

WEEK_SECONDS: Final = Decimal(604800)
"""What waits longer than this to let a machine go keeps it through an idle week."""


class Linked(Value, frozen=True):
    """What a property points at."""

    found: tuple[Declared, ...] = ()
    assumption: Assumption | None = None
    """Set where it is a guess (the only candidate): it may raise a floor and never lower it."""
    open: bool = False
    """True where it can't be told."""

    @property
    def certain(self) -> Declared | None:
        """The one resource that it certainly means."""
        sure = self.found and not self.open and self.assumption is None
        return self.found[0] if sure else None


def linked(estate: Estate, source: Declared, path: str, types: tuple[str, ...]) -> Linked:
    """What the property at `path` (an ARM id or a name) points at among resources of these logical
    types: by property dependency, then by name in any case, else the only candidate."""
    field = source.field(path)
    top = field.path.split(".", 1)[0].split("[", 1)[0]
    candidates = tuple(declared(estate, *types))
    if source.logical is None:
        urns = set((source.resource.property_dependencies or {}).get(top, ()))
        direct = tuple(c for c in candidates if c.urn in urns)
        if direct:
            return Linked(direct, open=len(direct) > 1)
    if isinstance(field.value, str):
        wanted = field.value.rstrip("/").rsplit("/", 1)[-1].lower()
        named = tuple(c for c in candidates if wanted in _names(c))
        if named:
            return Linked(named, open=len(named) > 1)
        unnamed = tuple(c for c in candidates if _is_unnamed(c))
        return Linked(unnamed, open=bool(unnamed))
    if not isinstance(field.value, Hidden):
        return Linked()
    stack = estate.stack_of.get(source.urn)
    near = tuple(c for c in candidates if estate.stack_of.get(c.urn) is stack)
    siblings = tuple(c for c in near if c.resource.parent == source.resource.parent)
    for group in (siblings, near):
        if len(group) == 1:
            what = f"{source.name} uses {group[0].name}"
            because = f"{field.path} is not known yet and it is the only candidate in reach"
            return Linked(group, Assumption(what, because))
    return Linked(near, open=bool(near))


_NAMES: Final = (
    "agentPoolName",
    "capacityReservationGroupName",
    "capacityReservationName",
    "deploymentName",
    "endpointName",
    "environmentName",
    "hostGroupName",
    "hostName",
    "name",
    "resourceName",
    "vmName",
    "vmScaleSetName",
)


def _given_names(source: Declared) -> list[Any]:
    given = [source.inputs.get(name) for name in _NAMES]
    own = [value for value in given if value is not None]
    if "agentPoolName" in source.inputs:  # its resourceName is the cluster's
        own = [source.inputs["agentPoolName"]]
    return own


def _names(source: Declared) -> set[str]:
    own = _given_names(source)
    if not own:
        return {source.name.lower()}
    return {value.lower() for value in own if isinstance(value, str)}


def _is_unnamed(source: Declared) -> bool:
    return any(hidden(value) for value in _given_names(source))


def name_of(source: Declared, *paths: str) -> str | None:
    """The name that the cloud knows it by; None where that is hidden."""
    value = source.field(*paths).value
    return source.name if value is None else known_text(value)
