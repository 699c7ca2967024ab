"""Regular expressions that are compiled when they are first used: all of them would take a sixth of
a small check, which uses a third of them."""

from __future__ import annotations

import re
from typing import Any, Final, cast

_METHODS: Final = ("findall", "finditer", "fullmatch", "match", "pattern", "search", "split", "sub")


class _Lazy:
    __slots__ = ("_flags", "_text", *_METHODS)

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """The compiled pattern's own, which from now on stands where it was looked for."""
        compiled = re.compile(self._text, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def lazy(text: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`."""
    return cast("re.Pattern[str]", _Lazy(text, flags))
