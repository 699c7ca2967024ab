"""The net under the readers: whatever names a GPU and was not accounted for is undecided, never
invisible."""

from __future__ import annotations

from zerofloor.platforms.unread.names import Named, names_gpu
from zerofloor.platforms.unread.net import SETTLE, read

__all__ = ["SETTLE", "Named", "names_gpu", "read"]
