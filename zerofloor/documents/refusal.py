"""How a reader says no: one line that names the document, whatever the document or its name
contains."""

from __future__ import annotations

import msgspec

from zerofloor.errors import InputError

_LONGEST = 200


def refusal(name: str, why: str) -> InputError:
    """The error to raise for the document called `name`: printable, on one line."""
    return InputError(f"{shown(name)}: {_one_line(why)}")


def shown(text: str) -> str:
    """A foreign text (a file's name, a URN) as it may stand in a message: one line, not endless."""
    line = _one_line(text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def undecodable(name: str, data: bytes, error: Exception) -> InputError:
    """What to raise where msgspec could not decode `data`; its messages tell types and places,
    never values."""
    if isinstance(error, RecursionError):
        return refusal(name, "nested too deeply to be a document of the engine's")
    if isinstance(error, UnicodeDecodeError):
        return refusal(name, f"not UTF-8 text at {place(data, error.start)}")
    if isinstance(error, msgspec.ValidationError):
        return refusal(name, f"not as the engine writes it: {error}")
    why = str(error)
    if "truncated" in why:
        return refusal(
            name,
            (
                f"the JSON ends too early, at {place(data, len(data))}: was it cut off, or is "
                "it still being written?"
            ),
        )
    head, _, tail = why.rpartition("(byte ")
    offset = tail.rstrip(")")
    return refusal(
        name, f"{head.strip() or why} at {place(data, int(offset))}" if offset.isdigit() else why
    )


def place(data: bytes, offset: int) -> str:
    """`line 3, column 14` of a byte offset, both from one."""
    start = data.rfind(b"\n", 0, offset) + 1
    line = data.count(b"\n", 0, offset) + 1
    return f"line {line}, column {offset - start + 1}"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()
