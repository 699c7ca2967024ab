"""GKE's custom compute classes: which nodes pods get. A class makes no node by itself; a buffer
does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from zerofloor.capacity import Accounted, Part
from zerofloor.estate import Estate
from zerofloor.platforms.declared import Declared
from zerofloor.stack import Hidden
from zerofloor.values import at, known_text

_TOKENS: Final = frozenset(
    f"kubernetes:cloud.google.com/{version}:ComputeClass" for version in ("v1", "v1alpha1")
)
_ACTIVE: Final = "buffer.x-k8s.io/active-capacity"


def reads(token: str) -> bool:
    """Whether a type is a compute class."""
    return token in _TOKENS


def read(estate: Estate) -> Iterator[Part]:
    """Classes, undecided where a buffer keeps nodes that may have GPUs."""
    for resource in estate.of_type(*sorted(_TOKENS)):
        source = Declared(resource, resource.inputs, resource.name)
        buffers = source.field("spec.buffers").items()
        because = "a compute class makes no node: pods that select it do"
        if not isinstance(buffers, Hidden) and not any(_keeps(one) for one in buffers):
            yield Accounted(urn=source.urn, path="", because=because)
        elif _may_have_gpus(source):
            why = "Active buffers keep nodes of the class running, of unknown number and type"
            settle = f"Remove spec.buffers with {_ACTIVE}, or use standby capacity"
            yield source.open("spec.buffers", why, settle)
        else:
            yield Accounted(urn=source.urn, path="", because="its nodes have no GPU")


def _keeps(buffer: object) -> bool:
    """Whether a buffer keeps nodes running: not standby ones, which are suspended."""
    strategy = known_text(at(buffer, "provisioningStrategy"))
    return strategy is None or "standby" not in strategy


def _may_have_gpus(source: Declared) -> bool:
    """Whether a priority names accelerators, or a machine that may have them."""
    listed = source.field("spec.priorities").items()
    if isinstance(listed, Hidden):
        return True
    for priority in listed:
        if isinstance(priority, Hidden):
            return True
        if any(at(priority, name) is not None for name in ("gpu", "tpu", "nodepools")):
            return True
        named = [at(priority, name) for name in ("machineType", "machineFamily")]
        if any(isinstance(one, Hidden) for one in named):
            return True
        if any(str(one).split("-")[0] in _FAMILIES for one in named if one is not None):
            return True
    return False


_FAMILIES: Final = frozenset(
    {"a2", "a3", "a4", "a4x", "g2", "g4", "ct4p", "ct5l", "ct5lp", "ct5p", "ct6e", "tpu7x"}
)
