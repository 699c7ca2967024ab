"""Platforms translate resources into pools, workloads and scalers. One module a platform; `PLATFORMS` is all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from zerofloor.capacity import Part
from zerofloor.estate import Estate

Reader: TypeAlias = Callable[[Estate], Iterable[Part]]
"""A platform: everything of its kind in an estate."""
