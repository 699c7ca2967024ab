"""One or several stacks that are judged together, indexed for the platforms' readers, with the
links between their resources."""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, TypeVar

import msgspec

from zerofloor.capacity import Assumption
from zerofloor.hardware.instances import Shape, lookup, plain_type
from zerofloor.patterns import lazy
from zerofloor.settings import Settings
from zerofloor.stack import Resource, Stack
from zerofloor.structs import Value
from zerofloor.values import hidden, known_mapping
from zerofloor.words import counted, short

K = TypeVar("K")
T = TypeVar("T")


class Link(Value, frozen=True):
    """What a property of one resource points at."""

    found: tuple[Resource, ...] = ()
    assumption: Assumption | None = None
    """Set where the link is a guess (the only candidate); it may raise a floor and never lower
    it."""
    open: bool = False
    """True where the property is hidden or names something that can't be told: what it points at is
    undecided.
    A known name that matches nothing is neither found nor open: a mismatch."""


class Names(Value, frozen=True):
    """Resources by what names them."""

    by_name: Mapping[str, tuple[Resource, ...]]
    by_pulumi_name: Mapping[str, tuple[Resource, ...]]
    """Those that say no name of their own, by Pulumi's name for them."""
    unnamed: tuple[Resource, ...]
    """Those whose name is hidden."""
    by_stack: Mapping[int, tuple[Resource, ...]]
    by_parent: Mapping[tuple[int, str | None], tuple[Resource, ...]]


_ASKED: Final = "instance types that were looked up"


class Estate(Value, frozen=True):
    stacks: tuple[Stack, ...]
    settings: Settings
    by_urn: Mapping[str, Resource]
    by_type: Mapping[str, tuple[Resource, ...]]
    children: Mapping[str, tuple[Resource, ...]]
    """By the parent's URN."""
    stack_of: Mapping[str, Stack]
    """By URN."""
    today: datetime.date | None = None
    """The day of the check, for what ends at a time; None where it isn't given."""
    known: dict[Any, Any] = msgspec.field(default_factory=dict)
    """What was worked out from it once (`once`)."""

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """All resources of these types, in the order of the types, then by URN."""
        return tuple(resource for kind in types for resource in self.by_type.get(kind, ()))

    def shape(self, cloud: str, instance_type: str) -> Shape | None:
        """`instances.lookup` with the user's hints; remembers which were asked for."""
        hints = self.settings.hints
        if not hints.instances:
            return lookup(cloud, instance_type)
        self.known.setdefault(_ASKED, set()).update(
            (instance_type, plain_type(cloud, instance_type))
        )
        return lookup(cloud, instance_type, hints.gpus_per_type)

    def used_hints(self) -> Iterator[Assumption]:
        """The hints about types that readers have asked for: what rests on them is printed, also
        where a hint is why nothing else tells of the resource."""
        for instance_type in sorted(self.known.get(_ASKED, ())):
            yield from self.hint_assumptions(instance_type)

    def looked_up(self, instance_type: str) -> bool:
        """Whether a reader has asked for this type (remembered where there are hints)."""
        return instance_type in self.known.get(_ASKED, ())

    def hint_assumptions(self, instance_type: str) -> tuple[Assumption, ...]:
        """What must be printed where a hint about this type was used."""
        return tuple(
            Assumption(
                f"{hint.instance_type} has {counted(hint.gpus, 'GPU')} a node",
                hint.reason,
                "hint",
                hint.place,
            )
            for hint in self.settings.hints.instances
            if hint.instance_type == instance_type
        )

    def descendants(self, urn: str) -> tuple[Resource, ...]:
        """The resources below this one in the parents' tree; a cycle ends the walk."""
        found: list[Resource] = []
        seen = {urn}
        waiting = [urn]
        while waiting:
            for child in self.children.get(waiting.pop(), ()):
                if child.urn not in seen:
                    seen.add(child.urn)
                    found.append(child)
                    waiting.append(child.urn)
        return tuple(sorted(found, key=lambda r: r.urn))

    def once(self, key: Any, work_out: Callable[[], T]) -> T:
        """What `work_out` gives, worked out at the first call for this key."""
        if key not in self.known:
            self.known[key] = work_out()
        found: T = self.known[key]
        return found

    def names(self, types: tuple[str, ...], names: tuple[str, ...]) -> Names:
        """The resources of these types by the inputs that name them."""
        return self.once(("names", types, names), lambda: _index(self, types, names))

    def link(
        self,
        resource: Resource,
        prop: str,
        *types: str,
        value: Any = None,
        names: tuple[str, ...] = ("name",),
    ) -> Link:
        """What `resource`'s top-level property `prop` points at among the resources of `types`, in
        constant time.

        `value` is the identifier found there (an id or name, perhaps hidden); `names` are the
        inputs of the candidates that
        it may equal, beside the candidate's Pulumi name. Order: property dependencies, then names
        (a known one may mean a
        candidate whose own name is hidden), then the only candidate under the same parent (or in
        the stack), an assumption.
        """
        dependencies = (resource.property_dependencies or {}).get(prop, ())
        direct = tuple(
            r
            for urn in sorted(set(dependencies))
            if (r := self.by_urn.get(urn)) is not None and r.type in types
        )
        if direct:
            return Link(direct)
        index = self.names(types, names)
        stack = id(self.stack_of.get(resource.urn))
        if isinstance(value, str):
            called = index.by_name.get(value, ()) or index.by_pulumi_name.get(value, ())
            sure = tuple(r for r in called if self.meets(resource, r))
            if sure:
                return Link(sure)
            perhaps = tuple(r for r in called if self.meets(resource, r) is None)
            if perhaps:
                return Link(perhaps, open=True)
            return Link(index.unnamed, open=True) if index.unnamed else Link()
        siblings, candidates = (
            index.by_parent.get((stack, resource.parent), ()),
            index.by_stack.get(stack, ()),
        )
        for group in (siblings, candidates):
            if len(group) == 1 and self.meets(resource, group[0]):
                what = f"{resource.name} uses {group[0].name}"
                return Link(
                    group,
                    Assumption(
                        what, f"{prop} is not known yet and it is the only candidate in reach"
                    ),
                )
        open_to = siblings or candidates
        if len(open_to) <= _FEW:
            open_to = tuple(r for r in open_to if self.meets(resource, r) is not False)
        return Link(open_to, open=True)

    def meets(self, one: Resource, other: Resource) -> bool | None:
        """Whether a name in one may mean the other: not where two known providers, or two known
        regions of AWS, keep them apart; None where a region of its own is hidden."""
        mine, theirs = _provider(one), _provider(other)
        if mine is not None and theirs is not None and mine != theirs and mine[0] == theirs[0]:
            return False
        if not one.type.startswith("aws") or not other.type.startswith("aws"):
            return True
        if hidden(one.inputs.get("region")) or hidden(other.inputs.get("region")):
            return None
        regions = {self.region(one, "aws"), self.region(other, "aws")} - {None}
        return len(regions) < 2

    def region(self, resource: Resource, cloud: str) -> str | None:
        """The region of a resource: its own, its provider's, the stack's config, a setting; None
        where nothing says it."""
        if not _PLACES.isdisjoint(resource.inputs):
            if hidden(resource.inputs.get("region")):
                return None  # another than the provider's, perhaps
            own = _own_region(resource, cloud)
            if own is not None:
                return own
            if cloud == "azure" and hidden(resource.inputs.get("location")):
                return self._group_location(resource, "location")  # `location: group.location`
            # A zone that is not known yet is in its provider's region; a region that is not known
            # is not replaced by another.
            decides = ("region",) if cloud == "aws" else _ZONE_PROPERTIES
            if any(hidden(resource.inputs.get(prop)) for prop in decides):
                return None
        return self._inherited_region(resource, cloud)

    def _inherited_region(self, resource: Resource, cloud: str) -> str | None:
        """The region of a resource that says nothing of one."""
        provider = self.by_urn.get((resource.provider or "").rsplit("::", 1)[0])
        if provider is not None:
            given = [provider.inputs.get(prop) for prop in _PROVIDER_PLACES.get(cloud, ("region",))]
            of_provider = next((place for place in given if place is not None), None)
            if isinstance(of_provider, str):
                return of_provider
            if hidden(of_provider):
                return None
        stack = self.stack_of.get(resource.urn)
        config = (stack.config if stack else None) or {}
        for key in _CONFIGURED.get(cloud) or (f"{cloud}:region",):
            if config.get(key):
                return config[key]
        of_group = self._group_location(resource, "resourceGroupName") if cloud == "azure" else None
        return of_group or self.settings.region.get(cloud)

    def _group_location(self, resource: Resource, prop: str) -> str | None:
        """The location of the Azure resource group that a property was computed from, or names:
        what `azure-native` takes where a resource has none of its own."""
        types = tuple(sorted(filter(_GROUP_TYPE.fullmatch, self.by_type)))
        value = resource.inputs.get(prop)
        names = ("resourceGroupName", "name")
        link = self.link(resource, prop, *types, value=value, names=names)
        if link.open or len(link.found) != 1 or (value is None and link.assumption is not None):
            return None
        place = link.found[0].inputs.get("location")
        return place if isinstance(place, str) else None


_GROUP_TYPE = lazy(
    r"azure-native(?:_\w+)?:resources(?:/\w+)?:ResourceGroup|azure:core/resourceGroup:ResourceGroup"
)


_FEW = 64
"""Candidates that are asked one by one whether they meet; more are taken as they are."""


def _provider(resource: Resource) -> tuple[str, str] | None:
    """The type and URN of a resource's provider; one URN for all default ones of a package."""
    urn = (resource.provider or "").rsplit("::", 1)[0]
    parts = urn.split("::")
    if len(parts) < 4:
        return None
    kind, name = parts[-2], parts[-1]
    return kind, "default" if re.fullmatch(r"default(_[\w.]+)?", name) else urn


def _index(estate: Estate, types: tuple[str, ...], names: tuple[str, ...]) -> Names:
    by_name: dict[str, list[Resource]] = defaultdict(list)
    by_pulumi_name: dict[str, list[Resource]] = defaultdict(list)
    by_stack: dict[int, list[Resource]] = defaultdict(list)
    by_parent: dict[tuple[int, str | None], list[Resource]] = defaultdict(list)
    unnamed: list[Resource] = []
    for resource in estate.of_type(*types):
        stack = id(estate.stack_of.get(resource.urn))
        by_stack[stack].append(resource)
        by_parent[stack, resource.parent].append(resource)
        given = [resource.inputs.get(name) for name in names]
        for value in dict.fromkeys(value for value in given if isinstance(value, str)):
            by_name[value].append(resource)
        if any(hidden(value) for value in given):
            unnamed.append(resource)
        if all(value is None for value in given):
            by_pulumi_name[resource.name].append(resource)
    return Names(
        _frozen(by_name),
        _frozen(by_pulumi_name),
        tuple(unnamed),
        _frozen(by_stack),
        _frozen(by_parent),
    )


def _frozen(found: Mapping[K, list[Resource]]) -> Mapping[K, tuple[Resource, ...]]:
    return {key: tuple(resources) for key, resources in found.items()}


_PROVIDER_PLACES = {"azure": ("location",), "gcp": ("region", "zone")}
_ZONE_PROPERTIES = ("region", "availabilityZone", "zone", "location")
_PLACES = frozenset({*_ZONE_PROPERTIES, "availabilityZones"})
_CONFIGURED = {
    "aws": ("aws:region", "aws-native:region"),
    "gcp": ("gcp:region", "google-native:region", "gcp:zone", "google-native:zone"),
    "azure": ("azure-native:location", "azure:location"),
}
"""The settings of a stack's configuration that name its region."""


def _own_region(resource: Resource, cloud: str) -> str | None:
    for prop in _ZONE_PROPERTIES:
        value = resource.inputs.get(prop)
        if isinstance(value, str) and value:
            return (
                _region_of_zone(value) if cloud == "aws" and prop == "availabilityZone" else value
            )
    zones = resource.inputs.get("availabilityZones")
    first = zones[0] if isinstance(zones, list | tuple) and zones else None
    return _region_of_zone(first) if cloud == "aws" and isinstance(first, str) else None


def _region_of_zone(zone: str) -> str | None:
    """`us-west-2a` → `us-west-2`; of a local zone (`us-west-2-lax-1a`) the region it belongs to."""
    match = re.match(r"[a-z]{2}(?:-[a-z]+)+-\d", zone)
    return match[0] if match else None


def estate(
    stacks: tuple[Stack, ...], settings: Settings, today: datetime.date | None = None
) -> Estate:
    """Index the stacks; with several, names and selectors meet across them."""
    by_type: dict[str, list[Resource]] = defaultdict(list)
    children: dict[str, list[Resource]] = defaultdict(list)
    by_urn: dict[str, Resource] = {}
    stack_of: dict[str, Stack] = {}
    for stack in stacks:
        for resource in stack.resources:
            by_urn[resource.urn] = resource
            stack_of[resource.urn] = stack
            by_type[resource.type].append(resource)
            if resource.parent:
                children[resource.parent].append(resource)
    freeze = {kind: tuple(found) for kind, found in by_type.items()}
    return Estate(
        stacks,
        settings,
        by_urn,
        freeze,
        {urn: tuple(found) for urn, found in children.items()},
        stack_of,
        today,
    )


def workload_hint(settings: Settings, urn: str) -> tuple[str, Assumption] | None:
    """What a hint says of this resource (`one-shot`, `always`, `never`), with the assumption to
    print."""
    for hint in settings.hints.workloads:
        if fnmatchcase(urn, hint.urn):
            what = f"{short(urn)} {_RUNS[hint.runs]}"
            return hint.runs, Assumption(what, hint.reason, "hint", hint.place)
    return None


_RUNS: Final = {"never": "keeps no GPU", "one-shot": "ends by itself", "always": "always runs"}
"""What the words of a hint say of its resource."""


def tags(value: Any) -> Mapping[str, Any]:
    """Tags as a mapping, whether given as an object or as a list of {key, value}."""
    if isinstance(value, Mapping):
        return value
    out: dict[str, Any] = {}
    for item in value if isinstance(value, list | tuple) else ():
        pair = known_mapping(item)
        if isinstance(pair.get("key"), str):
            out[pair["key"]] = pair.get("value")
    return out
