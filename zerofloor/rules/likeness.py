"""Which resource a URN pattern that matches nothing may have meant."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.spelling import nearest


def did_you_mean_urn(pattern: str, names: Iterable[str]) -> str:
    """` (did you mean *::NAME?)` with the resource whose name is spelled most like the pattern's
    end; empty where none is, or one has that very name. In a manifest `llm` is `default/llm`."""
    word = pattern.rpartition("::")[2].strip("*")
    whole = set(names)
    if not word or word in whole:
        return ""
    by_end = {name.rpartition("/")[2]: name for name in sorted(whole, reverse=True)}
    near = nearest(word, [*by_end, *sorted(whole)])
    return f" (did you mean *::{by_end.get(near, near)}?)" if near else ""
