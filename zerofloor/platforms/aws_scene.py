"""An estate as the AWS readers see it: with the indexes that keep their links linear in the number of resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from zerofloor.capacity import Assumption
from zerofloor.estate import Estate, Link
from zerofloor.stack import Resource
from zerofloor.values import hidden

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene(Estate):
    """An estate with what was worked out from it once."""

    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Any, work_out: Callable[[], T]) -> T:
        """What `work_out` gives, worked out at the first call for this key."""
        if key not in self.known:
            self.known[key] = work_out()
        found: T = self.known[key]
        return found

    def names(self, types: tuple[str, ...], names: tuple[str, ...]) -> _Names:
        """The resources of these types by the inputs that name them."""
        return self.once(("names", types, names), lambda: _index(self, types, names))


@dataclass(frozen=True, slots=True)
class _Names:
    by_name: Mapping[str, tuple[Resource, ...]]
    by_pulumi_name: Mapping[str, tuple[Resource, ...]]
    """Those that say no name of their own, by Pulumi's name for them."""
    unnamed: tuple[Resource, ...]
    """Those whose name is hidden."""
    by_stack: Mapping[int, tuple[Resource, ...]]
    by_parent: Mapping[tuple[int, str | None], tuple[Resource, ...]]


def scene(estate: Estate) -> Scene:
    """The estate for the AWS readers."""
    return Scene(estate.stacks, estate.settings, estate.by_urn, estate.by_type, estate.children, estate.stack_of)


def _index(estate: Estate, types: tuple[str, ...], names: tuple[str, ...]) -> _Names:
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
    return _Names(_frozen(by_name), _frozen(by_pulumi_name), tuple(unnamed), _frozen(by_stack), _frozen(by_parent))


K = TypeVar("K")


def _frozen(found: Mapping[K, list[Resource]]) -> Mapping[K, tuple[Resource, ...]]:
    return {key: tuple(resources) for key, resources in found.items()}


def link(scene: Scene, user: Resource, prop: str, types: tuple[str, ...], value: Any = None, names: tuple[str, ...] = ("name",)) -> Link:
    """`Estate.link` in constant time, and with one thing more: a known name may mean a resource whose own name is hidden."""
    dependencies = (user.property_dependencies or {}).get(prop, ())
    direct = tuple(r for urn in sorted(set(dependencies)) if (r := scene.by_urn.get(urn)) is not None and r.type in types)
    if direct:
        return Link(direct)
    index = scene.names(types, names)
    stack = id(scene.stack_of.get(user.urn))
    if isinstance(value, str):
        found = index.by_name.get(value, ()) or index.by_pulumi_name.get(value, ())
        if found:
            return Link(found)
        return Link(index.unnamed, open=True) if index.unnamed else Link()
    siblings, candidates = index.by_parent.get((stack, user.parent), ()), index.by_stack.get(stack, ())
    for group in (siblings, candidates):
        if len(group) == 1:
            what = f"{user.name} uses {group[0].name}"
            return Link(group, Assumption(what, f"{prop} is not known yet and it is the only candidate in reach"))
    return Link(siblings or candidates, open=True)
