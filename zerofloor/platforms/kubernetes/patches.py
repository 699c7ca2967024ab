"""`…Patch` resources whose object is not in the estate: what they set may hold GPUs elsewhere.

A patch whose object is there is merged into it (`objects`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from zerofloor.capacity import Part, Undecided
from zerofloor.estate import Estate
from zerofloor.platforms.kubernetes.objects import Object, patches_without_target
from zerofloor.platforms.kubernetes.pods import SETTLE
from zerofloor.platforms.unread import names_gpu
from zerofloor.stack import Hidden
from zerofloor.values import at, get

_NUMBERS: Final = (
    "spec.replicas",
    "spec.minReplicas",
    "spec.minReplicaCount",
    "spec.idleReplicaCount",
    "spec.parallelism",
    "spec.suspend",
    "spec.disruption",
)
_SYSTEM: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Where a cluster's own add-ons run: they ask for no GPUs."""


def read(estate: Estate, kinds: Iterable[tuple[str, str]]) -> Iterator[Part]:
    """An undecided part for each patch of these kinds that may keep GPUs of an object elsewhere."""
    for patch in patches_without_target(estate, *sorted(kinds)):
        if patch.namespace in _SYSTEM:
            continue
        path = _what_it_sets(patch)
        if path is not None:
            why = f"{path} is set on an object that is not in the stack: what it keeps is not known"
            yield Undecided(
                patch.urn,
                path,
                why,
                f"Check it together with the stack that declares the object (--join). {SETTLE}",
            )


def _what_it_sets(patch: Object) -> str | None:
    """The property that may keep GPUs; None where it changes nothing of the kind."""
    if isinstance(patch.spec, Hidden):
        return "spec"
    for path in _NUMBERS:
        value = get(patch.body, path)
        if value is not None and value != 0:
            return path
    annotations: Any = patch.annotations
    if isinstance(annotations, Hidden):
        return "metadata.annotations"
    for key in annotations if isinstance(annotations, Mapping) else ():
        if "keda.sh/" in key or "do-not-disrupt" in key or "min-scale" in key.lower():
            return f'metadata.annotations["{key}"]'
    found = next(names_gpu(at(patch.body, "spec"), "spec"), None)
    return None if found is None else found[0]
