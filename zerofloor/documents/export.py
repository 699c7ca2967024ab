"""`pulumi stack export`, and the checkpoint that a file backend keeps: what is deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from zerofloor.documents.refusal import refusal, shown, undecodable
from zerofloor.documents.steps import State, names_in, resource_of
from zerofloor.errors import InputError
from zerofloor.patterns import lazy
from zerofloor.stack import Resource, Stack
from zerofloor.values import at

NEWEST = 4
"""The highest version of a deployment that is known; features of a version 4 add to it and take
nothing away."""


class NothingDeployed(InputError):
    """The stack exists and has never been deployed."""


class Deployed(State, rename="camel", gc=False, kw_only=True):
    delete: bool = False
    external: bool = False
    pending_replacement: bool = False
    outputs: msgspec.Raw = msgspec.Raw(b"null")


class Operated(msgspec.Struct, gc=False):
    urn: str = ""
    type: str = ""
    custom: bool = False
    inputs: dict[str, Any] | None = None


class Operation(msgspec.Struct, gc=False):
    type: str = ""
    resource: Operated = msgspec.field(default_factory=Operated)


class Deployment(msgspec.Struct):
    """The needed fields of pulumi/pulumi, sdk/go/common/apitype/core.go."""

    resources: list[Deployed] | None = None
    pending_operations: list[Operation] | None = None


class Checkpoint(msgspec.Struct):
    latest: Deployment | None = None


class Export(msgspec.Struct):
    version: int | None = None
    deployment: Deployment | None = None
    checkpoint: Checkpoint | None = None


_MACHINE: Final = lazy(
    r"(?i)type|size|shape|sku|machine|instance|node|gpu|accelerator|plan|flavou?r|spec|template"
)
"""Inputs that say what machine an interrupted operation creates; the others are left out."""

_DECODER = msgspec.json.Decoder(Export)


def read_export(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """The stack as deployed; every resource is `same`, or `read` where it is external.

    Raises InputError where the export is broken, and for a baseline, which an export does not need.
    """
    if baseline is not None:
        raise refusal(name, "a stack export is whole: it takes no --baseline")
    version, deployment = _decoded(name, data)
    resources: dict[str, Resource] = {}
    notes = []
    leftovers: list[Resource] = []
    for state in deployment.resources or ():
        if state.delete:
            notes.append(
                f"{shown(state.urn)} is about to be deleted (a replacement left it "
                "behind): what it bills until then is not counted"
            )
            leftovers.append(_deployed(name, state, "delete", links=version >= 3))
        elif state.pending_replacement:
            notes.append(
                f"{shown(state.urn)} is deleted and not yet created again: it is not counted"
            )
        elif state.urn in resources:
            raise refusal(name, f"{shown(state.urn)} is there twice")
        else:
            op = "read" if state.external else "same"
            resources[state.urn] = _deployed(name, state, op, links=version >= 3)
    for operation in deployment.pending_operations or ():
        begun = operation.resource
        what = f"{shown(operation.type)} {shown(begun.urn)}".strip()
        notes.append(
            f"{what} was under way when the last update stopped: whether it happened is not known"
        )
        if operation.type == "creating" and begun.type and begun.urn not in resources:
            leftovers.append(_begun(name, begun))
    project, stack = names_in(resources)
    return Stack(
        kind="export",
        resources=tuple(resources[urn] for urn in sorted(resources)),
        project=project,
        name=stack,
        document=name,
        notes=tuple(sorted(notes)),
        leftovers=tuple(sorted(leftovers, key=lambda r: r.urn)),
    )


def _decoded(name: str, data: bytes) -> tuple[int, Deployment]:
    """The version of the export and the deployment in it."""
    try:
        export = _DECODER.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise undecodable(name, data, error) from None
    version = export.version or 3
    if not 1 <= version <= NEWEST:
        raise refusal(
            name, f"a stack export of version {version}: versions 1 to {NEWEST} are known"
        )
    deployment = export.deployment or (export.checkpoint.latest if export.checkpoint else None)
    if deployment is None:
        why = "a stack export without a deployment: nothing has been deployed yet"
        raise NothingDeployed(str(refusal(name, why)))
    return version, deployment


def _begun(name: str, state: Operated) -> Resource:
    """What an operation that did not end may have created, by those inputs that say what machine
    it is."""
    inputs = {key: value for key, value in (state.inputs or {}).items() if _MACHINE.search(key)}
    created = State(urn=state.urn, type=state.type, custom=state.custom, inputs=inputs)
    return resource_of(name, state.urn, created, "create", links=False)


def _deployed(name: str, state: Deployed, op: str, *, links: bool) -> Resource:
    """The state as a resource, with those of its outputs that say what machine or which object of a
    cluster it is."""
    resource = resource_of(name, state.urn, state, op, links)
    try:
        outputs = msgspec.json.decode(state.outputs)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return resource
    if not isinstance(outputs, dict):
        return resource
    texts = {key: value for key, value in outputs.items() if isinstance(value, str)}
    uid = at(outputs, "metadata", "uid") if state.type.startswith("kubernetes:") else None
    if isinstance(uid, str):
        texts["metadata.uid"] = uid
    return replace(resource, outputs=texts)
