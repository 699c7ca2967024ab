"""Which known name a mistyped one is nearest to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence, Set


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` with the nearest of the known names; empty where none is near."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""


def none_of(word: str, known: Sequence[str]) -> str:
    """`X is none of A, B, C; did you mean B?`."""
    return f"{word} is none of {', '.join(known)}{did_you_mean(word, known)}"


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str:
    """The known name that is spelled most like it, in any case, with `-` for `_`, without dashes
    before it; empty where none is near. Of equally near ones that with the nearest numbers, then
    the first as given."""
    import difflib  # Takes 5 ms, and only a mistake needs it.

    names: dict[str, str] = {}
    for name in sorted(known) if isinstance(known, Set) else known:
        names.setdefault(_plain(name), name)
    wanted = _plain(word)
    close = difflib.get_close_matches(wanted, names, n=max(1, len(names)), cutoff=least)
    if not close:
        return ""
    best = difflib.SequenceMatcher(None, close[0], wanted).ratio()
    ties = [
        name for name in close if difflib.SequenceMatcher(None, name, wanted).ratio() >= best - 1e-9
    ]
    order = list(names)
    return names[min(ties, key=lambda name: (_distance(name, wanted), order.index(name)))]


def _plain(name: str) -> str:
    return name.strip().strip("-").lower().replace("_", "-")


def _distance(name: str, wanted: str) -> float:
    """How far apart the numbers in two names are."""
    of_name, of_wanted = _numbers(name), _numbers(wanted)
    if len(of_name) != len(of_wanted):
        return math.inf
    return sum(abs(one - other) for one, other in zip(of_name, of_wanted, strict=True))


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d{1,9}", name)]
