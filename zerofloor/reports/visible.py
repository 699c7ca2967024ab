"""Text from documents made harmless: what a terminal or a reader's eye could be fooled by becomes
visible."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """The text on one line; control, format, private and unpaired characters (escape sequences,
    text direction) as `\\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if unicodedata.category(char)[0] in "C" or unicodedata.category(char) in ("Zl", "Zp"):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
    return char
