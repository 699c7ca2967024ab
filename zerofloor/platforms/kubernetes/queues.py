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


def switched_off(estate: Estate, obj: Object, value: Any, *made: Any) -> bool | Hidden:
    """A `suspend` field as it will stand: Kueue sets it to false when it admits the object.

    `made` has the labels of what the object makes, where that is what waits: a CronJob's Jobs.
    """
    off = suspended(value)
    if off is False:
        return False
    (labels,) = made or (at(obj.body, "metadata", "labels"),)
    waits = queued(estate, obj, labels)
    if isinstance(waits, Hidden):
        return waits
    return False if waits else off
