"""The bytes of a stack's state -> `Stack`; what is compressed is inflated within a bound."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

from zerofloor.documents import read
from zerofloor.documents.export import NothingDeployed
from zerofloor.documents.refusal import refusal
from zerofloor.extras import how_to_add
from zerofloor.stack import Stack
from zerofloor.structs import Value


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
    packed = next((packed for packed in (GZIP, ZSTD) if data.startswith(packed.magic)), None)
    if packed is None or len(data) > most:
        return data  # `read` tells how large it is.
    inflating = packed.open(name)
    try:
        text: bytes = inflating.decompress(data, most + 1)
    except Exception:  # each library has an error of its own
        raise refusal(name, f"its {packed.name} is damaged") from None
    if len(text) <= most and not inflating.eof:
        why = "ends too early: it was cut off, or is still being written"
        raise refusal(name, f"its {packed.name} {why}")
    return text


def _open_gzip(name: str) -> Any:
    return zlib.decompressobj(wbits=31)


def _open_zstd(name: str) -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ModuleNotFoundError:
        told = f"packed with zstd, which needs backports.zstd: {how_to_add('audit')}"
        raise refusal(name, told) from None
    return zstd.ZstdDecompressor()


class Packing(Value, frozen=True):
    """A way in which the engine compresses states (pkg/backend/diy: gzip, and zstd since 3.224)."""

    name: str
    magic: bytes
    """How what is compressed so begins; the engine goes by it, too, not by the file's name."""
    open: Callable[[str], Any]
    """A decompressor that takes a limit, for the state of this name. Raises InputError."""


GZIP: Final = Packing("gzip", b"\x1f\x8b", _open_gzip)
ZSTD: Final = Packing("zstd", b"\x28\xb5\x2f\xfd", _open_zstd)
