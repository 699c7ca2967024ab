"""The net under the readers: whatever names a GPU and was not accounted for is undecided, never
invisible."""

from __future__ import annotations

from zerofloor.platforms.unread.names import Named, names_gpu
from zerofloor.platforms.unread.net import SETTLE, read
from zerofloor.platforms.unread.types import custom_kind, is_inert, is_machine

__all__ = ["SETTLE", "Named", "custom_kind", "is_inert", "is_machine", "names_gpu", "read"]
