"""`terraform show -json` (or `tofu show -json`) of a plan or a state: what exists after it.

Source: developer.hashicorp.com/terraform/internals/json-format (format 1.x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from zerofloor.documents import manifests
from zerofloor.documents.properties import inputs_of as inputs_of_object
from zerofloor.documents.refusal import refusal, shown, undecodable
from zerofloor.documents.terraform.configuration import (
    Configuration,
    constant,
    keep_what_is_set,
    without_indexes,
)
from zerofloor.documents.terraform.names import inputs_of, property_of, token_of
from zerofloor.documents.yaml_text import yaml_documents
from zerofloor.errors import InputError
from zerofloor.stack import SECRET, UNKNOWN, Resource, Stack

DEEPEST: Final = 100
"""Levels of nesting beyond which a value is refused: no provider's schema has that."""

_OPS: Final[Mapping[tuple[str, ...], str]] = {
    ("no-op",): "same",
    ("create",): "create",
    ("read",): "read",
    ("update",): "update",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
}
_GONE: Final = (("delete",), ("forget",))

_MANIFESTS: Final = {"kubernetes_manifest": "manifest", "kubectl_manifest": "yaml_body"}
"""Types that are any object of Kubernetes', and the attribute that has it."""

_PLACES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "aws": ("aws", ("region",)),
    "google": ("gcp", ("region", "zone", "project")),
    "google-beta": ("gcp", ("region", "zone", "project")),
}
"""Providers whose arguments say where their resources are, and their names in Pulumi."""


class Change(msgspec.Struct):
    actions: list[str] = []
    after: Any = None
    after_unknown: Any = None
    after_sensitive: Any = None


class ResourceChange(msgspec.Struct):
    address: str = ""
    mode: str = "managed"
    type: str = ""
    change: Change = msgspec.field(default_factory=Change)
    provider_name: str = ""


class Instance(msgspec.Struct):
    """A resource of a state."""

    address: str = ""
    mode: str = "managed"
    type: str = ""
    values: dict[str, Any] | None = None
    sensitive_values: Any = None


class Module(msgspec.Struct):
    resources: list[Instance] = []
    child_modules: list[Module] = []


class Values(msgspec.Struct):
    root_module: Module | None = None


class Document(msgspec.Struct):
    format_version: str = ""
    resource_changes: list[ResourceChange] | None = None
    deferred_changes: list[Any] | None = None
    planned_values: msgspec.Raw = msgspec.Raw(b"")
    configuration: dict[str, Any] | None = None
    variables: dict[str, Any] | None = None
    values: Values | None = None
    errored: bool = False
    complete: bool | None = None


_DECODER: Final = msgspec.json.Decoder(Document)


def read_plan(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The resources after a plan, or of a state, in Pulumi's types and spelling.

    Raises InputError where the document is broken, of another version, or leaves resources out.
    """
    if baseline is not None:
        raise refusal(name, "a Terraform plan is whole: it takes no --baseline")
    try:
        document = _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise undecodable(name, data, error) from None
    if document.format_version.partition(".")[0] not in ("1", "0"):
        version = shown(document.format_version) or "none"
        raise refusal(name, f"a Terraform document of format {version}: format 1 is known")
    if document.errored:
        raise refusal(name, "the plan failed: it lacks resources; mend it and plan again")
    if document.deferred_changes:
        raise refusal(
            name,
            f"the plan defers {len(document.deferred_changes)} of its changes, so it lacks "
            "resources: apply what comes first, and plan again",
        )
    configuration = Configuration(document.configuration or {})
    changes = _changes_of(name, document)
    urns = {change.address: _urn(name, change) for change in changes}
    links = _Links(configuration, urns)
    providers = _providers(name, configuration, document.variables or {})
    resources = {resource.urn: resource for resource in providers.values()}
    for change in changes:
        for resource in _resources(name, change, configuration, links, providers):
            if resource.urn in resources:
                raise refusal(name, f"{shown(change.address)} is there twice")
            resources[resource.urn] = resource
    return Stack(
        kind="plan",
        resources=tuple(resources[urn] for urn in sorted(resources)),
        document=name,
        notes=("Terraform's types and properties are read as Pulumi's of the same provider",),
    )


def _changes_of(name: str, document: Document) -> list[ResourceChange]:
    """What exists afterwards; of a state everything that it has."""
    if document.resource_changes is not None or bytes(document.planned_values):
        changes = document.resource_changes or []
        return [change for change in changes if _remains(name, change)]
    if document.values is None:
        raise refusal(name, "neither a plan nor a state: run `terraform show -json PLANFILE`")
    return [
        ResourceChange(
            address=instance.address,
            mode=instance.mode,
            type=instance.type,
            change=Change(
                actions=["no-op"],
                after=instance.values,
                after_sensitive=instance.sensitive_values,
            ),
        )
        for instance in _instances(document.values.root_module or Module())
        if instance.mode == "managed"
    ]


def _instances(module: Module) -> Iterator[Instance]:
    yield from module.resources
    for child in module.child_modules:
        yield from _instances(child)


def _remains(name: str, change: ResourceChange) -> bool:
    actions = tuple(change.change.actions)
    if actions in _GONE or change.mode != "managed":
        return False
    if actions not in _OPS:
        told = shown("/".join(actions)) or "none"
        raise refusal(name, f"{shown(change.address)}: the action {told} is not known")
    return True


def _urn(name: str, change: ResourceChange) -> str:
    return _urn_of(name, token_of(change.type), change.address)


def _urn_of(name: str, token: str, address: str) -> str:
    file, called = manifests.file_in_urn(name), address.replace("::", ":")
    return f"urn:pulumi:terraform::{file}::{token}::{called}"


def _providers(
    name: str, configuration: Configuration, variables: Mapping[str, Any]
) -> dict[str, Resource]:
    """The providers that say where their resources are, by the key that resources name them by."""
    found: dict[str, Resource] = {}
    for key, config in sorted(configuration.providers.items()):
        given = config if isinstance(config, Mapping) else {}
        place = _PLACES.get(str(given.get("name", "")))
        if place is None:
            continue
        package, arguments = place
        expressions = given.get("expressions")
        values = expressions if isinstance(expressions, Mapping) else {}
        inputs = {one: constant(values.get(one), variables) for one in arguments}
        token = f"pulumi:providers:{package}"
        found[key] = Resource(
            urn=_urn_of(name, token, key),
            type=token,
            name=key,
            inputs={one: value for one, value in inputs.items() if value is not None},
        )
    return found


_COMMAND: Final = "command:local:Command"


def _resources(
    name: str,
    change: ResourceChange,
    configuration: Configuration,
    links: _Links,
    providers: Mapping[str, Resource],
) -> Iterator[Resource]:
    found = change.change
    try:
        values = merge(found.after, found.after_unknown, found.after_sensitive)
    except RecursionError:
        raise refusal(name, f"{shown(change.address)} is nested too deeply") from None
    attribute = _MANIFESTS.get(change.type)
    if attribute is not None:
        yield from _objects(name, change, values.get(attribute))
        return
    expressions = configuration.expressions(change.address)
    token = token_of(change.type)
    provider = providers.get(configuration.provider_key(change.address))
    actions = tuple(found.actions)
    commands = configuration.commands(change.address)
    if commands:  # What a provisioner runs is what a Command of Pulumi runs.
        yield Resource(
            urn=_urn_of(name, _COMMAND, change.address),
            type=_COMMAND,
            name=change.address,
            inputs={"create": "\n".join(commands)},
            op=_OPS[actions],
        )
    yield Resource(
        urn=_urn(name, change),
        type=token,
        name=change.address,
        inputs=inputs_of(token, keep_what_is_set(values, expressions)),
        op=_OPS[actions],
        provider=None if provider is None else f"{provider.urn}::id",
        property_dependencies=links.of(token, change.address),
        replaced_before_delete=actions == ("create", "delete"),
    )


def _objects(name: str, change: ResourceChange, value: Any) -> Iterator[Resource]:
    """The objects of Kubernetes' in a resource that takes any."""
    objects = [value]
    if isinstance(value, str):
        try:
            objects = [found for _, _, found in yaml_documents(name, value)]
        except InputError:
            objects = [UNKNOWN]
    for number, found in enumerate(objects):
        address = f"{change.address}#{number}" if number else change.address
        yield _object(name, address, _OPS[tuple(change.change.actions)], found)


def _object(name: str, address: str, op: str, value: Any) -> Resource:
    """One object; where its kind can't be read, a group of resources that nothing is known of."""
    version, kind = _version_and_kind(value)
    if version is None or kind is None:
        token = "kubernetes:yaml:ConfigGroup"
        urn = _urn_of(name, token, address)
        return Resource(
            urn=urn, type=token, name=address, inputs={}, op=op, custom=False, remote=True
        )
    token = manifests.token_of(version, kind)
    inputs = inputs_of_object(token, value)
    return Resource(
        urn=_urn_of(name, token, address), type=token, name=address, inputs=inputs, op=op
    )


def _version_and_kind(value: Any) -> tuple[str | None, str | None]:
    if not isinstance(value, Mapping):
        return None, None
    version, kind = value.get("apiVersion"), value.get("kind")
    return version if isinstance(version, str) else None, kind if isinstance(kind, str) else None


class _Links:
    """What each resource was computed from, as URNs."""

    def __init__(self, configuration: Configuration, urns: Mapping[str, str]) -> None:
        self._configuration = configuration
        self._urns = urns
        self._instances: dict[str, list[str]] = {}
        for address in urns:
            self._instances.setdefault(without_indexes(address), []).append(address)

    def of(self, token: str, address: str) -> dict[str, tuple[str, ...]] | None:
        """By property; None where the plan doesn't tell."""
        links = self._configuration.links(address)
        if links is None:
            return None
        return {
            property_of(token, attribute): self._urns_of(address, targets)
            for attribute, targets in links.items()
        }

    def _urns_of(self, address: str, targets: tuple[str, ...]) -> tuple[str, ...]:
        found = set()
        for target in targets:
            candidates = self._instances.get(target, [])
            # `each.key` on both sides: the instances of one key belong together.
            same = [one for one in candidates if _keys(one) == _keys(address)]
            found |= {self._urns[one] for one in same or candidates}
        return tuple(sorted(found))


def _keys(address: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\[[^\]]*\]", address))


def merge(after: Any, unknown: Any, sensitive: Any, depth: int = 0) -> Any:
    """The value with what is not known and what is secret in its place.

    Raises RecursionError where it is nested more than `DEEPEST` levels.
    """
    if depth > DEEPEST:
        raise RecursionError
    if unknown is True:
        return UNKNOWN
    if sensitive is True:
        return SECRET
    if isinstance(after, Mapping) or isinstance(unknown, Mapping):
        return _merge_objects(after, unknown, sensitive, depth)
    if isinstance(after, list) or (isinstance(unknown, list) and unknown):
        return _merge_lists(after, unknown, sensitive, depth)
    if isinstance(after, float) and after.is_integer():
        return int(after)
    return after


def _merge_objects(after: Any, unknown: Any, sensitive: Any, depth: int) -> dict[str, Any]:
    values, hidden, secret = (
        one if isinstance(one, Mapping) else {} for one in (after, unknown, sensitive)
    )
    keys = [*values, *(key for key in hidden if key not in values)]
    made = {
        key: merge(values.get(key), hidden.get(key), secret.get(key), depth + 1) for key in keys
    }
    return {key: value for key, value in made.items() if value is not None}


def _merge_lists(after: Any, unknown: Any, sensitive: Any, depth: int) -> list[Any]:
    values, hidden, secret = (
        one if isinstance(one, list) else [] for one in (after, unknown, sensitive)
    )
    return [
        merge(_at(values, index), _at(hidden, index), _at(secret, index), depth + 1)
        for index in range(max(len(values), len(hidden)))
    ]


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None
