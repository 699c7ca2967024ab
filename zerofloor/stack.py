"""The resources of one program as planned or deployed, and the two values that can't be read:
unknown and secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from zerofloor import structs


class Hidden(Enum):
    """A value that can't be read. It has no truth value, so that no `if` takes it for absent by
    accident."""

    UNKNOWN = "unknown"
    """Not known before the update: an output of a resource that does not exist yet."""
    SECRET = "secret"
    """Known to the engine and not to be shown; its content never gets this far."""

    def __bool__(self) -> bool:
        raise TypeError(f"a {self.value} value has no truth value: compare with `is` first")

    def __repr__(self) -> str:
        return f"<{self.value}>"


UNKNOWN: Final = Hidden.UNKNOWN
SECRET: Final = Hidden.SECRET

Value: TypeAlias = bool | int | float | str | Hidden | Sequence[Any] | Mapping[str, Any] | None
"""A property value as the engine sees it. Lists and dicts are never changed after reading; whole
numbers are ints."""

Kind = Literal["cloudformation", "digest", "events", "export", "manifests", "plan", "program"]
"""What a stack was read from."""

PreviewedBy = Literal["engine", "in-process", "document"]
"""Who evaluated the program: the real engine, our resource monitor, or none (a document that was
there)."""

STACK_TYPE: Final = "pulumi:pulumi:Stack"


class Resource(structs.Value, frozen=True):
    """One resource that exists after the update (deleted ones have left)."""

    urn: str
    type: str
    """The type token, e.g. `aws:eks/nodeGroup:NodeGroup` or `kubernetes:apps/v1:Deployment`."""
    name: str
    """The last part of the URN: Pulumi's name, not the cloud's."""
    inputs: Mapping[str, Any]
    """The inputs with camelCase keys, `__defaults` stripped, unknown and secret parts as `UNKNOWN`
    and `SECRET`."""
    parent: str | None = None
    """The parent's URN; None for the stack's own children of a document that does not say."""
    op: str = "create"
    """What the update does: create, update, same, read, replace, …"""
    provider: str | None = None
    """The provider reference (`URN::ID`), None where the document does not say."""
    property_dependencies: Mapping[str, tuple[str, ...]] | None = None
    """For each input property the URNs it was computed from; None where the document leaves links
    out."""
    ignore_changes: tuple[str, ...] = ()
    source_position: str | None = None
    """Where the program declares it, as `FILE:LINE`."""
    custom: bool = True
    """False for a component: a group of resources that is nothing in the cloud itself."""
    aliases: tuple[str, ...] = ()
    """URNs that it had before, as the program declares."""
    replaced_before_delete: bool = False
    """True where the update creates this one before it deletes its predecessor: for a while both
    bill."""
    outputs: Mapping[str, Any] | None = None
    """What the cloud said about it, where the document is of a deployed stack; None elsewhere."""
    before: Mapping[str, Any] | None = None
    """Its inputs before the update that changes it in place; None for any other op."""
    remote: bool = False
    """True for a component of another package whose children this preview can't know."""


class Stack(structs.Value, frozen=True):
    """What one document or program declares."""

    kind: Kind
    resources: tuple[Resource, ...]
    """Sorted by URN; URNs are unique."""
    project: str = ""
    name: str = ""
    config: Mapping[str, str] | None = None
    """The stack's configuration without secret values (`aws:region` → `us-west-2`); None where the
    document has none."""
    previewed_by: PreviewedBy = "document"
    document: str = ""
    """The file it was read from, as the user named it."""
    notes: tuple[str, ...] = ()
    """What was assumed while reading (an answered invoke, a filled gap): each becomes a printed
    assumption."""
    leftovers: tuple[Resource, ...] = ()
    """What may run in the cloud without being of the stack: retained on delete (op `delete`), its
    deletion pending, or its creation begun by an update that stopped (op `create`)."""
