"""Readers: a document that the engine or a person wrote -> `Stack`, or InputError with one line
that says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

from zerofloor.documents.detect import EXPECTED, DocumentKind, detect, text_of
from zerofloor.documents.digest import decoded, stack_of
from zerofloor.documents.misplaced import is_foreign
from zerofloor.documents.refusal import refusal
from zerofloor.errors import InputError
from zerofloor.stack import Stack

MAX_BYTES: Final = 64 * 2**20
"""The largest document that is read unless a caller says otherwise."""

FEWEST_BYTES: Final = 12
"""Bytes for each object and list in a large document: the engine writes about sixty, a hostile one
two, and 64 MiB of that are 2 GB."""


_READERS: Final[Mapping[DocumentKind, tuple[str, str]]] = {
    "cloudformation": ("cloudformation", "read_template"),
    "digest": ("digest", "read_digest"),
    "events": ("events", "read_events"),
    "export": ("export", "read_export"),
    "manifests": ("manifests", "read_manifests"),
    "plan": ("terraform.plan", "read_plan"),
}
"""The module and the function that read each kind: a run mostly needs one of them."""

KINDS: Final[tuple[DocumentKind, ...]] = tuple(_READERS)
"""What `input_format` may name."""

_Reader: TypeAlias = Callable[[str, bytes, Stack | None], Stack]


def _reader(kind: DocumentKind) -> _Reader:
    module, function = _READERS[kind]
    found: _Reader = getattr(import_module(f"{__name__}.{module}"), function)
    return found


def read(
    name: str,
    data: bytes,
    *,
    input_format: str | None = None,
    baseline: Stack | None = None,
    max_bytes: int = MAX_BYTES,
) -> Stack:
    """The stack of a document; its kind is told from its content unless `input_format` names it.

    `name` is the document as the user knows it. `baseline` is the stack of a `pulumi stack export`:
    what a preview does not
    mention (unchanged resources, or others than its targets) is filled in from it. Raises
    InputError where the document
    can't be read, or leaves resources out.
    """
    if len(data) > max_bytes:
        raise _too_large(name, len(data), max_bytes)
    data = text_of(name, data)
    if len(data) > 2**20 and (data.count(b"[") + data.count(b"{")) * FEWEST_BYTES > len(data):
        raise refusal(
            name, "almost nothing but brackets: none of the documents that are read is like that"
        )
    try:
        digest = None if input_format else decoded(data)
        if digest is not None:
            return stack_of(name, digest, baseline)
        if input_format:
            return _reader(_named(input_format))(name, data, baseline)
        return _detected(name, data, baseline)
    except RecursionError:
        raise refusal(name, "nested too deeply") from None


def _detected(name: str, data: bytes, baseline: Stack | None) -> Stack:
    kind = detect(name, data)
    try:
        return _reader(kind)(name, data, baseline)
    except InputError:
        if kind != "manifests" or not is_foreign(name, data):
            raise
    raise refusal(name, f"not a format that zerofloor reads: {EXPECTED}")


def _named(given: str) -> DocumentKind:
    for kind in KINDS:
        if kind == given:
            return kind
    raise InputError(f"--input-format {given}: one of {', '.join(KINDS)}")


def read_file(
    path: str | Path,
    *,
    input_format: str | None = None,
    baseline: Stack | None = None,
    max_bytes: int = MAX_BYTES,
) -> Stack:
    """`read` for a file, of which never more than `max_bytes` are loaded."""
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            size = Path(path).stat().st_size
            if size > max_bytes:
                raise _too_large(name, size, max_bytes)
            data = file.read(max_bytes + 1)  # a pipe has no size
    except OSError as error:
        raise refusal(name, f"can't be read: {error.strerror or error}") from None
    except ValueError:  # a NUL in the name
        raise refusal(name, "can't be read: no such file name") from None
    return read(name, data, input_format=input_format, baseline=baseline, max_bytes=max_bytes)


def _too_large(name: str, size: int, most: int) -> InputError:
    return refusal(
        name,
        (
            f"at least {size / 2**20:.1f} MiB, more than the {most / 2**20:.1f} MiB that are "
            "read: raise the limit to read it"
        ),
    )
