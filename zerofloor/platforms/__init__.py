"""Platforms translate resources into pools, workloads and scalers. One module a platform;
`all_platforms` lists them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Final

from zerofloor.capacity import (
    Accounted,
    Assumption,
    Capacity,
    Notice,
    Part,
    Pool,
    Scaler,
    Undecided,
    Workload,
)
from zerofloor.estate import Estate
from zerofloor.platforms import unread
from zerofloor.platforms.clusters import in_its_cluster
from zerofloor.platforms.platform import Platform
from zerofloor.values import hidden

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "aws.services": ("aws", "eks:"),
    "google.services": ("gcp:", "google", "kubernetes:cloud.google.com/"),
    "azure.services": ("azure",),
    "kubernetes": ("kubernetes", "helm:", "aws:eks/", "aws-native:eks:", "eks:"),
    "clouds.services": ("",),
}
"""The modules of the families, and how the types that one reads begin: what an estate has nothing
of is not imported. A test holds them against every type in the tables."""


@cache
def _family(module: str) -> tuple[Platform, ...]:
    found: tuple[Platform, ...] = importlib.import_module(f"{__name__}.{module}").PLATFORMS
    return found


def families() -> tuple[tuple[Platform, ...], ...]:
    """The platforms by family; within one they may read each other's resources."""
    return tuple(map(_family, FAMILIES))


def all_platforms() -> tuple[Platform, ...]:
    """Every platform that zerofloor reads."""
    return tuple(platform for family in families() for platform in family)


def _platforms_for(token: str) -> Iterator[Platform]:
    for module, beginnings in FAMILIES.items():
        if token.startswith(beginnings):
            yield from _family(module)


@lru_cache(maxsize=4096)
def is_read(token: str) -> bool:
    """Whether some platform knows this resource type."""
    return any(platform.reads(token) for platform in _platforms_for(token))


@lru_cache(maxsize=4096)
def holds_nothing(token: str) -> bool:
    """Whether a platform knows this type as one that never holds a GPU."""
    return any(platform.holds_nothing(token) for platform in _platforms_for(token))


def may_hold_gpu(token: str) -> bool:
    """Whether a resource of this type may hold a GPU: a platform reads it, or it is a machine."""
    if holds_nothing(token) or unread.is_inert(token):
        return False
    return is_read(token) or unread.is_machine(token) or unread.custom_kind(token)


def _unreadable(estate: Estate, known: Callable[[str], bool]) -> Iterator[Undecided]:
    """Resources of a known type whose inputs are one secret: what they hold is not known, never
    nothing."""
    for token, resources in estate.by_type.items():
        for resource in resources if known(token) else ():
            if hidden(resource.inputs.get("__inputs")):
                why = (
                    f"All inputs of this {resource.type} are "
                    f"{resource.inputs['__inputs'].value}: it may hold GPUs"
                )
                yield Undecided(resource.urn, "", why, unread.SETTLE)


def _with_sharing(estate: Estate, parts: list[Part]) -> list[Part]:
    """The parts with what the device plugin's configuration makes of their GPUs."""
    if not any(token.startswith("kubernetes:") for token in estate.by_type):
        return parts
    from zerofloor.platforms.kubernetes.sharing import is_configured, with_sharing

    if not is_configured(estate):
        return parts
    return [with_sharing(estate, p) if isinstance(p, Pool) else p for p in parts]


def read(estate: Estate) -> Capacity:
    """All pools, workloads and scalers of an estate, each sorted by URN, with what can't be
    decided."""
    parts: list[Part] = []
    for module, beginnings in FAMILIES.items():
        # What has nothing of a family does not pay for it: a resource policy reads one resource at
        # a time.
        if not any(token.startswith(beginnings) for token in estate.by_type):
            continue
        family = _family(module)
        if any(platform.reads(token) for token in estate.by_type for platform in family):
            parts += [part for platform in family for part in platform.read(estate)]
    parts = [in_its_cluster(estate, p) if isinstance(p, Pool) else p for p in parts]
    parts = _with_sharing(estate, parts)
    parts += _unreadable(estate, is_read)
    parts += estate.used_hints()
    parts += list(unread.read(estate, is_read, tuple(parts), holds_nothing))
    return Capacity(
        pools=tuple(
            sorted(
                (p for p in parts if isinstance(p, Pool)), key=lambda p: (p.urn, p.name, p.platform)
            )
        ),
        workloads=tuple(
            sorted((p for p in parts if isinstance(p, Workload)), key=lambda w: (w.urn, w.name))
        ),
        scalers=tuple(sorted((p for p in parts if isinstance(p, Scaler)), key=lambda s: s.urn)),
        undecided=tuple(
            sorted(
                {p for p in parts if isinstance(p, Undecided)}, key=lambda u: (u.urn, u.path, u.why)
            )
        ),
        notices=tuple(p for p in parts if isinstance(p, Notice)),
        assumptions=tuple(
            sorted(
                {p for p in parts if isinstance(p, Assumption)}, key=lambda a: (a.what, a.because)
            )
        ),
        accounted=tuple(
            sorted({p for p in parts if isinstance(p, Accounted)}, key=lambda a: (a.urn, a.path))
        ),
    )
