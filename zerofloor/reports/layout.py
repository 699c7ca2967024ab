"""Lines for a terminal: wrapped by the cells that text takes, with colour where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

STYLES: Final = {
    "": "",
    "bold": "1",
    "dim": "2",
    "error": "1;31",
    "warning": "33",
    "info": "36",
    "pass": "1;32",
}
"""Escape codes by what they mean."""


def cells(text: str) -> int:
    """How many columns a text takes: East Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def styled(text: str, style: str, colour: bool) -> str:
    """The text in a style; as it is without colour."""
    code = STYLES[style]
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code and text else text


def wrapped(text: str, width: int, *, indent: str = "", hang: str | None = None) -> Iterator[str]:
    """The text in lines of at most `width` columns; a word that is longer is divided."""
    hang = indent if hang is None else hang
    line, room = "", max(width - len(indent), 8)
    start = indent
    for word in _words(text, max(width - len(hang), 8)):
        joined = f"{line} {word}" if line else word
        if line and cells(joined) > room:
            yield f"{start}{line}"
            line, start, room = word, hang, max(width - len(hang), 8)
        else:
            line = joined
    yield f"{start}{line}".rstrip()


def columns(rows: Sequence[Sequence[str]], right: frozenset[int]) -> Iterator[str]:
    """Rows with their columns aligned, two spaces apart; those in `right` to the right."""
    widths = [max(cells(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        parts = (
            " " * (widths[at] - cells(text)) + text
            if at in right
            else text + " " * (widths[at] - cells(text))
            for at, text in enumerate(row)
        )
        yield "  ".join(parts).rstrip()


def _words(text: str, width: int) -> Iterator[str]:
    for word in text.split():
        while cells(word) > width:
            at = _fitting(word, width)
            yield word[:at]
            word = word[at:]
        yield word


def _fitting(word: str, width: int) -> int:
    taken = 0
    for at, char in enumerate(word):
        taken += _cells(char)
        if taken > width:
            return max(at, 1)
    return len(word)


def _cells(char: str) -> int:
    if char.isascii():
        return 1
    import unicodedata  # A large table, which most reports don't need.

    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
