"""Objects that hold others (AppWrapper, ConfigurationPolicy, ManifestWork, …): what they hold is
read as if it stood by itself (`objects`); what can't be read is undecided here."""

from __future__ import annotations

from collections.abc import Iterable

from zerofloor.capacity import Accounted, Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import WRAPPERS, creates_nothing, held_by, objects
from zerofloor.platforms.kubernetes.pods import SETTLE
from zerofloor.stack import Hidden
from zerofloor.values import at

KINDS = frozenset(WRAPPERS)


def read(estate: Estate) -> Iterable[Part]:
    for obj in objects(estate, *WRAPPERS):
        if creates_nothing(estate, obj):
            yield Accounted(urn=obj.urn, path="", because="it is suspended and creates nothing")
            continue
        for place, manifest in held_by(estate, obj):
            for value in (manifest, at(manifest, "kind"), at(manifest, "apiVersion")):
                if isinstance(value, Hidden):
                    why = f"{place} is {value.value} at preview: it may ask for GPUs"
                    yield Undecided(obj.urn, place, why, SETTLE)
                    break
