"""The bytes of a stack's state -> `Stack`; what is compressed is inflated within a bound."""

from __future__ import annotations

import zlib
from typing import Final

from zerofloor.documents import read
from zerofloor.documents.export import NothingDeployed
from zerofloor.documents.refusal import refusal
from zerofloor.stack import Stack

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"


def read_state(name: str, data: bytes, most: int) -> Stack:
    """The stack of a state; without resources where nothing is deployed.

    Raises InputError where it can't be read.
    """
    text = _inflated(name, data, most)
    try:
        return read(name, text, input_format="export", max_bytes=most)
    except NothingDeployed:
        return Stack(kind="export", resources=(), document=name)


def _inflated(name: str, data: bytes, most: int) -> bytes:
    if data.startswith(ZSTD):
        raise refusal(name, "compressed with zstd, which isn't supported: export the stack instead")
    if not data.startswith(GZIP):
        return data
    if len(data) > most:
        return data  # `read` tells how large it is.
    inflating = zlib.decompressobj(wbits=31)
    try:
        text = inflating.decompress(data, most + 1)
    except zlib.error:
        raise refusal(name, "its gzip is damaged") from None
    if len(text) <= most and not inflating.eof:
        raise refusal(name, "its gzip ends too early: it was cut off, or is still being written")
    return text
