"""The taints of a pool's nodes, as Kubernetes and the managed clouds spell them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from zerofloor.capacity import Taint
from zerofloor.stack import Hidden
from zerofloor.values import at, known_items, text

_EFFECTS: Final = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}


def read_taints(listed: Any) -> Iterator[Taint]:
    """The taints in a list of {key, value, effect}. One whose key or effect is hidden is left out,
    so it keeps no pod off; `Placement.open_taints` says that there is one."""
    for item in known_items(listed):
        key, value, effect = (text(at(item, part)) for part in ("key", "value", "effect"))
        if not isinstance(key, str) or not key or isinstance(effect, Hidden):
            continue
        known_effect = _EFFECTS.get(effect, effect) if effect else "NoSchedule"
        yield Taint(
            key=key, value=None if isinstance(value, Hidden) else value or "", effect=known_effect
        )
