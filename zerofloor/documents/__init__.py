"""Readers: a document that the engine or a person wrote -> `Stack`, or InputError with one line that says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from zerofloor.documents.detect import DocumentKind, detect, text_of
from zerofloor.documents.digest import read_digest
from zerofloor.documents.events import read_events
from zerofloor.documents.export import read_export
from zerofloor.documents.manifests import read_manifests
from zerofloor.documents.refusal import refusal
from zerofloor.errors import InputError
from zerofloor.stack import Stack

MAX_BYTES: Final = 64 * 2**20
"""The largest document that is read unless a caller says otherwise."""

MOST_CONTAINERS: Final = 8_000_000
"""Objects and lists in a document; the engine writes one in about sixty bytes, a hostile document one in three."""

_READERS: Final[Mapping[DocumentKind, Callable[[str, bytes, Stack | None], Stack]]] = {
    "digest": read_digest,
    "events": read_events,
    "export": read_export,
    "manifests": read_manifests,
}

KINDS: Final = tuple(_READERS)
"""What `input_format` may name."""


def read(name: str, data: bytes, *, input_format: str | None = None, baseline: Stack | None = None, max_bytes: int = MAX_BYTES) -> Stack:
    """The stack of a document; its kind is told from its content unless `input_format` names it.

    `name` is the document as the user knows it. `baseline` is the stack of a `pulumi stack export`: what a preview leaves out
    as unchanged is filled in from it. Raises InputError where the document can't be read, or leaves resources out.
    """
    if len(data) > max_bytes:
        raise _too_large(name, len(data), max_bytes)
    data = text_of(name, data)
    if len(data) > 3 * MOST_CONTAINERS and data.count(b"[") + data.count(b"{") > MOST_CONTAINERS:
        raise refusal(name, f"more than {MOST_CONTAINERS} objects and lists: no engine writes that")
    for kind, reader in _READERS.items():
        if kind == (input_format or detect(name, data)):
            return reader(name, data, baseline)
    raise InputError(f"--input-format {input_format}: one of {', '.join(KINDS)}")


def read_file(path: str | Path, *, input_format: str | None = None, baseline: Stack | None = None, max_bytes: int = MAX_BYTES) -> Stack:
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
    return refusal(name, f"at least {size / 2**20:.1f} MiB, more than the {most / 2**20:.1f} MiB that are read: raise the limit to read it")
