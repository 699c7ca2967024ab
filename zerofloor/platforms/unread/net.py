"""What names a GPU and was accounted for by no reader."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Evidence,
    Part,
    Pool,
    Scaler,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate, workload_hint
from zerofloor.patterns import lazy
from zerofloor.platforms.unread.names import Named, join, names_gpu
from zerofloor.platforms.unread.texts import machine_in, starts_machines
from zerofloor.platforms.unread.types import (
    custom_kind,
    is_actor,
    is_data_service,
    is_definition,
    is_gpu_by_nature,
    is_inert,
    is_lone_machine,
    is_machine,
    makes_no_gpu,
    renders_manifests,
)
from zerofloor.platforms.unread.vocabulary import Key, is_gpu_machine, key_of
from zerofloor.stack import STACK_TYPE, Hidden, Resource
from zerofloor.structs import Value
from zerofloor.values import count, hidden

SETTLE: Final = (
    "Add a hint (runs: one-shot, always or never) with a reason to zerofloor.yaml, or a waiver"
)
RENDER: Final = (
    "Check the manifests together with the stack (--join), preview with --baseline or on a cluster "
    "that exists, or add a hint (runs: never) with a reason to zerofloor.yaml"
)


class Seen(Value, frozen=True):
    """What the readers said about the resources of an estate."""

    whole: frozenset[str]
    """URNs of resources whose GPUs a reader found, or left undecided itself."""
    paths: Mapping[str, tuple[str, ...]]
    """By URN the property paths that a reader looked at and judged."""
    placed: frozenset[str]
    """URNs of workloads: where their pods may run was read."""
    scaled: frozenset[str]
    """Kinds that a scaler of the estate moves."""

    def covers(self, urn: str, path: str) -> bool:
        """Whether a reader judged this property or one above it."""
        wanted = _plain(path)
        return any(
            wanted == known or wanted.startswith((f"{known}.", f"{known}[", f"{known}:"))
            for known in self.paths.get(urn, ())
        )


def read(
    estate: Estate,
    is_read: Callable[[str], bool],
    parts: Iterable[Part] = (),
    holds_nothing: Callable[[str], bool] = lambda token: False,
) -> Iterator[Part]:
    """An undecided part for each resource that names a GPU (or hides what may) and that `parts`
    don't account for.

    `holds_nothing` says of a type that a platform reads that it never holds a GPU.
    """
    seen = _seen(parts)
    for token, resources in estate.by_type.items():
        if token == STACK_TYPE or is_inert(token) or holds_nothing(token):
            continue
        for resource in resources:
            # What is only looked up is another program's.
            if resource.op != "read" and resource.urn not in seen.whole:
                yield from _resource(estate, resource, is_read, seen)
    for stack in estate.stacks:
        for resource in stack.leftovers:
            yield from _leftover(resource)


def _resource(
    estate: Estate, resource: Resource, is_read: Callable[[str], bool], seen: Seen
) -> Iterator[Part]:
    doubt = _doubt(estate, resource, is_read, seen)
    if doubt is None:
        yield from _acts(resource)
        return
    hint = workload_hint(estate.settings, resource.urn)
    if hint is not None and hint[0] != "always":
        yield hint[1]
        return
    yield doubt


def _doubt(
    estate: Estate, resource: Resource, is_read: Callable[[str], bool], seen: Seen
) -> Undecided | None:
    """Why this resource may hold a GPU that no reader found; None where it holds none."""
    if not resource.custom:
        return _component(estate, resource, is_read)
    if _read_above(estate, resource, is_read, seen):
        return None
    if is_actor(resource.type) and not _starts_machines(resource):
        return None
    for named in _named(estate, resource, seen, known=is_read(resource.type)):
        if is_read(resource.type) and "instanceRequirements" in named.path:
            continue  # EC2 chooses by them: what is left of all types is the reader's to say
        if is_definition(resource.type) and not _is_used(estate, resource, is_read, seen):
            return None
        return _undecided(resource, named, is_read(resource.type))
    given = _given_machine(resource) if is_actor(resource.type) else None
    if given is not None:
        return _undecided(resource, given, is_read(resource.type))
    return _shapeless(resource)


def _undecided(resource: Resource, named: Named, known: bool) -> Undecided:
    because = "no reader accounts for it" if known else "zerofloor doesn't read this type"
    said = f"{named.path} says {named.said}" if named.path else named.said
    why = f"{_kind(resource)} may keep a GPU: {said}, and {because}"
    return Undecided(resource.urn, named.path, why, SETTLE)


_LABEL: Final = lazy(r"(?:^|\.)(?:node|kubernetes|custom)_?labels[.\[]", re.I)


def _named(estate: Estate, resource: Resource, seen: Seen, *, known: bool) -> Iterator[Named]:
    """The places that name a GPU and that no reader judged."""
    if is_gpu_by_nature(resource.type) and not _never_runs(resource):
        yield Named("", "its type has GPUs by nature")
    for named in names_gpu(resource.inputs, ""):
        if seen.covers(resource.urn, named.path):
            continue
        if named.hidden and is_data_service(resource.type):
            continue
        if resource.urn in seen.placed and "nodeSelector" in named.path:
            continue
        if known and _LABEL.search(named.path) and not named.hidden:
            continue  # its reader reads the size: a label of its nodes says nothing more
        yield named
    yield from _hidden_type(resource, seen)
    yield from _misshapen(resource)
    if resource.outputs:
        yield from _in_outputs(resource.outputs)
    if _kind(resource) in seen.scaled:
        # A declared zero does not hold where a scaler moves it.
        yield from names_gpu(_unscaled(resource.inputs), "")


_HIDING: Final = frozenset(
    {
        "size",
        "shape",
        "type",
        "plan",
        "sku",
        "flavor",
        "flavorId",
        "flavorName",
        "serverType",
        "commercialType",
        "profile",
        "platform",
        "preset",
        "hardware",
        "slug",
        "machine",
        "resources",
        "nodePool",
        "template",
    }
)
_SPECS: Final = frozenset({"spec", "template", "containers", "values", "podTemplate"})


def _hidden_type(resource: Resource, seen: Seen) -> Iterator[Named]:
    """A hidden property that decides what a machine or a custom object is."""
    inputs = resource.inputs
    if hidden(inputs.get("__inputs")):
        if is_machine(resource.type) or custom_kind(resource.type):
            yield Named("", f"all its inputs are {inputs['__inputs'].value}")
        return
    if is_machine(resource.type):
        for name in sorted(_HIDING.intersection(inputs)):
            if hidden(inputs[name]) and not seen.covers(resource.urn, name):
                yield Named(name, f"{name} is {inputs[name].value}")
    if custom_kind(resource.type):
        yield from _hidden_specs(inputs, "", 0)


def _hidden_specs(value: Any, path: str, depth: int) -> Iterator[Named]:
    if not isinstance(value, Mapping) or depth > 6:
        return
    for name in sorted(value):
        place = f"{path}.{name}" if path else name
        inner = value[name]
        if isinstance(inner, Hidden):
            if name in _SPECS:
                yield Named(place, f"{name} is {inner.value}")
        elif name != "metadata":
            yield from _hidden_specs(inner, place, depth + 1)


_OBJECTS: Final = frozenset(
    {
        "nodeConfig",
        "machineSpec",
        "hardwareProfile",
        "defaultNodePool",
        "agentPoolProfiles",
        "guestAccelerators",
        "nodePools",
        "servedEntities",
        "productionVariants",
        "virtualMachineProfile",
        "scalingConfig",
    }
)
"""Properties that are objects or lists of them."""
_HOLDERS: Final = _OBJECTS | {"properties"}
_NAMES: Final = frozenset(
    {"instanceType", "machineType", "vmSize", "nodeType", "nodeTypeId", "computeType", "skuName"}
)
"""Properties that are texts."""
_DECIDING: Final = _HOLDERS | _NAMES


def _misshapen(resource: Resource) -> Iterator[Named]:
    """A property that decides what a machine is, of a type that no platform takes: what it was
    meant to say is not known."""
    if _DECIDING.isdisjoint(resource.inputs) or not (
        is_machine(resource.type) or resource.type.startswith(("kubernetes:", "azure-native:"))
    ):
        return
    for holder, path in ((resource.inputs, ""), *_objects_in(resource.inputs)):
        for name in sorted(_OBJECTS.intersection(holder)):
            given = holder[name]
            listed = given if isinstance(given, list | tuple) else (given,)
            if any(isinstance(item, str | int | float) for item in listed):
                yield Named(join(path, name), f"{str(given)[:20]!r}, which is not an object")
        for name in sorted(_NAMES.intersection(holder)):
            if isinstance(holder[name], Mapping | list | tuple):
                yield Named(join(path, name), "an object, which is not a name")


def _objects_in(inputs: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The objects in which such properties stand, one level down."""
    for name in sorted(_HOLDERS.intersection(inputs)):
        if isinstance(inputs[name], Mapping):
            yield inputs[name], name


def _in_outputs(outputs: Mapping[str, Any]) -> Iterator[Named]:
    """A GPU machine type among what the cloud said about a deployed resource."""
    for name in sorted(outputs):
        value = outputs[name]
        if isinstance(value, str) and key_of(name) is Key.MACHINE and is_gpu_machine(value):
            yield Named(name, f"{value} (in its outputs)")


def _never_runs(resource: Resource) -> bool:
    names = ("nodeCount", "replicas", "count", "alwaysOnCapacity", "unitCount", "desiredCount")
    return any(count(resource.inputs.get(name)) == 0 for name in names)


_SCALED_COUNT: Final = frozenset({"replicas", "size", "count", "nodeCount"})


def _unscaled(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inputs without the counts that a scaler moves."""
    spec = inputs.get("spec")
    plain = {key: value for key, value in inputs.items() if key not in _SCALED_COUNT}
    if isinstance(spec, Mapping):
        plain["spec"] = {key: value for key, value in spec.items() if key not in _SCALED_COUNT}
    return plain


def _component(
    estate: Estate, resource: Resource, is_read: Callable[[str], bool]
) -> Undecided | None:
    """A component is nothing in the cloud: what it makes stands beside it, or is not known."""
    if estate.children.get(resource.urn) or _read_whole(resource.type, is_read):
        return None
    named = next(names_gpu(resource.inputs, ""), None)
    if named is not None:
        why = (
            f"What component {resource.name} creates isn't in the document, and {named.path} says "
            f"{named.said}: it may keep a GPU"
        )
        return Undecided(resource.urn, named.path, why, RENDER)
    if renders_manifests(resource.type) and not _renders_plainly(resource):
        why = (
            f"What {_kind(resource)} renders isn't in the document (a file or a provider that is "
            "not known yet): it may ask for GPUs"
        )
        return Undecided(resource.urn, "", why, RENDER)
    if is_gpu_by_nature(resource.type):
        why = f"What component {resource.name} creates isn't in the document: it may keep a GPU"
        return Undecided(resource.urn, "", why, RENDER)
    if resource.remote and not makes_no_gpu(resource.type):
        why = (
            f"What component {resource.name} of another package creates isn't known in-process: it "
            "may keep a GPU"
        )
        return Undecided(
            resource.urn,
            "",
            why,
            "Preview with the Pulumi engine (--engine pulumi), or add a hint (runs: never) with a "
            "reason to zerofloor.yaml",
        )
    return None


def _read_whole(token: str, is_read: Callable[[str], bool]) -> bool:
    """Whether a platform reads the component itself, so that its children need not be there."""
    return is_read(token) and not renders_manifests(token)


def _renders_plainly(resource: Resource) -> bool:
    """Whether all that a component renders stands in its inputs, known, with no file to read."""
    inputs = resource.inputs
    given = (
        {name for name, value in inputs.items() if value not in (None, [], ())}
        if not any(map(hidden, _shallow(inputs)))
        else {"hidden"}
    )
    return bool(given & {"objs", "yaml"}) and not given & {"files", "file", "directory", "hidden"}


def _shallow(inputs: Mapping[str, Any]) -> Iterator[Any]:
    """Each input and each element of those that are lists."""
    for value in inputs.values():
        yield value
        if isinstance(value, list | tuple):
            yield from value


def _shapeless(resource: Resource) -> Undecided | None:
    """A machine without a single input: what it is, nothing says."""
    if resource.inputs or resource.op == "read" or not is_lone_machine(resource.type):
        return None
    if resource.outputs:
        return None
    why = f"{_kind(resource)} has no inputs in this document: it may be a GPU machine"
    return Undecided(resource.urn, "", why, SETTLE)


def _read_above(
    estate: Estate, resource: Resource, is_read: Callable[[str], bool], seen: Seen
) -> bool:
    """Whether a component above it was judged as a whole, so that its parts are accounted for."""
    parent = estate.by_urn.get(resource.parent or "")
    return (
        parent is not None
        and parent.type != STACK_TYPE
        and not parent.custom
        and is_read(parent.type)
        and parent.urn in seen.whole
    )


def _is_used(
    estate: Estate, resource: Resource, is_read: Callable[[str], bool], seen: Seen
) -> bool:
    """Whether something that no reader accounts for uses a template."""
    users = _users(estate, resource)
    return any(user.urn not in seen.whole and not is_read(user.type) for user in users)


def _users(estate: Estate, resource: Resource) -> Iterator[Resource]:
    """The resources that refer to this one: by the engine's links, by name, or by a hidden ID."""
    index: Mapping[str, list[Resource]] = estate.once(("users",), lambda: _links(estate))
    yield from index.get(resource.urn, ())
    stack = estate.stack_of.get(resource.urn)
    names = {resource.name, *_texts(resource.inputs, ("name", "namePrefix"))}
    for other in stack.resources if stack else ():
        if other.urn == resource.urn or is_inert(other.type) or not other.custom:
            continue
        if other.property_dependencies is None and is_machine(other.type):
            if any(hidden(value) or value in names for value in _leaves(other.inputs)):
                yield other
        elif any(isinstance(value, str) and value in names for value in _leaves(other.inputs)):
            yield other


def _links(estate: Estate) -> Mapping[str, list[Resource]]:
    index: dict[str, list[Resource]] = defaultdict(list)
    for stack in estate.stacks:
        for resource in stack.resources:
            for urns in (resource.property_dependencies or {}).values():
                for urn in urns:
                    index[urn].append(resource)
    return index


def _texts(inputs: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = inputs.get(name)
        if isinstance(value, str):
            yield value


def _leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    if depth > 20:
        return
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, depth + 1)
    else:
        yield value


def _starts_machines(resource: Resource) -> bool:
    """Whether something that acts calls an API that starts machines which stay."""
    texts = (text for _, text in _scripts(resource.inputs, "", 0))
    return any(starts_machines(text) for text in texts)


def _given_machine(resource: Resource) -> Named | None:
    """The GPU machine that a variable of something which starts machines names
    (`TF_VAR_instance_type`)."""
    for path, text in _scripts(resource.inputs.get("environment"), "environment", 0):
        machine = machine_in(text)
        if machine is not None:
            return Named(path, machine)
    return None


def _acts(resource: Resource) -> Iterator[Assumption]:
    """A printed word where a script, function or command names a GPU machine that it may start."""
    if not is_actor(resource.type):
        return
    for path, text in _scripts(resource.inputs, "", 0):
        machine = machine_in(text)
        if machine is not None:
            yield Assumption(
                f"{_kind(resource)} starts no GPU machine that stays on",
                f"{path} names {machine}: what a script starts isn't judged",
            )
            return


def _scripts(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every text in something that acts, with its path."""
    if isinstance(value, str):
        if len(value) > 5:
            yield path, value
    elif isinstance(value, Mapping) and depth <= 12:
        for name in sorted(value):
            yield from _scripts(value[name], join(path, name), depth + 1)
    elif isinstance(value, list | tuple) and depth <= 12:
        for index, inner in enumerate(value):
            yield from _scripts(inner, f"{path}[{index}]", depth + 1)


def _leftover(resource: Resource) -> Iterator[Part]:
    """A resource that the update drops from the stack, or failed to delete, and that still runs."""
    if not resource.custom or is_inert(resource.type) or is_definition(resource.type):
        return
    named = next(names_gpu(resource.inputs, ""), None)
    if named is None and resource.outputs:
        named = next(_in_outputs(resource.outputs), None)
    if named is None and is_gpu_by_nature(resource.type):
        named = Named("", resource.type)
    if named is None:
        return
    state = "leaves the stack and keeps running"
    settle = (
        "Delete it in the cloud, or let the update delete it (drop retainOnDelete, or run "
        "`pulumi up` to finish the deletion)"
    )
    if resource.op == "create":
        state = "may exist, since an update stopped while it was being created"
        settle = "Run `pulumi refresh`; import or delete it if it exists in the cloud"
    why = f"{_kind(resource)} {state}: {named.path} says {named.said}"
    yield Undecided(resource.urn, named.path, why, settle)


def _kind(resource: Resource) -> str:
    return f"{resource.type.rsplit(':', 1)[-1]} {resource.name}"


def _seen(parts: Iterable[Part]) -> Seen:
    whole: set[str] = set()
    paths: dict[str, set[str]] = defaultdict(set)
    scaled: set[str] = set()
    parts = tuple(parts)
    for part in parts:
        match part:
            case Pool() | Workload() if _may_have_gpu(part):
                whole |= {part.urn, *(link.urn for link in _evidence(part))}
            case Pool() | Workload():
                _note(paths, part)
            case Undecided():
                whole.add(part.urn)
            case Accounted():
                if part.path:
                    paths[part.urn].add(_plain(part.path))
                else:
                    whole.add(part.urn)
            case Scaler():
                if part.undecided:
                    whole.add(part.urn)
                scaled.add(f"{part.target_kind} {part.target_name}")
            case _:
                pass
    return Seen(
        frozenset(whole),
        {urn: tuple(sorted(found)) for urn, found in paths.items()},
        frozenset(part.urn for part in parts if isinstance(part, Workload)),
        frozenset(scaled),
    )


def _may_have_gpu(part: Pool | Workload) -> bool:
    if part.undecided:
        return True
    if isinstance(part, Pool):
        return not part.shapes or any(shape.gpus != 0 for shape in part.shapes)
    selects_gpu = part.node_shape is not None and part.node_shape.gpus != 0
    return part.pod.wants_gpu or part.pod_unread or selects_gpu


def _note(paths: dict[str, set[str]], part: Pool | Workload) -> None:
    """What was read of a part without a GPU."""
    for link in _evidence(part):
        if link.path:
            paths[link.urn].add(_plain(link.path))
    if isinstance(part, Pool) and part.placement is not None:
        paths[part.urn].add("spec.limits")


def _evidence(part: Pool | Workload) -> Iterator[Evidence]:
    yield from part.evidence
    for hold in part.holds:
        yield from hold.evidence
    if isinstance(part, Pool):
        for hold in part.extra:
            yield from hold.evidence


@lru_cache(maxsize=4096)
def _plain(path: str) -> str:
    """A path in one spelling: a custom resource's fields may be in snake_case."""
    return re.sub(r'\["([^"]*)"\]', r".\1", path).replace("_", "").lower()
