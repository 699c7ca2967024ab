"""Kueue: what waits in a queue is suspended by its manifest and resumed at admission.

Sources: Kueue docs, "Run A Kubernetes Job" and "Run JobSets in Kueue"; seen in the lab (KQ03, KQ04,
KQ13, KQ16, KQ18, KQ22).
"""

from __future__ import annotations

from typing import Any

from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, queued
from zerofloor.platforms.kubernetes.pods import suspended
from zerofloor.stack import Hidden
from zerofloor.values import at


def switched_off(estate: Estate, obj: Object, value: Any, also: Any = None) -> bool | Hidden:
    """A `suspend` field as it will stand: Kueue sets it to false when it admits the object.

    `also` are more labels than the object's own: those of what it makes.
    """
    off = suspended(value)
    if off is False:
        return False
    for labels in (at(obj.body, "metadata", "labels"), also):
        waits = queued(estate, obj, labels)
        if waits is not False:
            return waits if isinstance(waits, Hidden) else False
    return off
