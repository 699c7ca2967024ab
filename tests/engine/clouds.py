"""Programs for a cloud, previewed here or recorded by the real engine, and what is found in them."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

from tests.engine.real_engine import HERE
from tests.hiding import floor_of
from zerofloor.documents import read
from zerofloor.engine.program import preview_in_process
from zerofloor.stack import Stack

RECORDED = HERE.parent / "data" / "engine" / "programs"


def previewed(name: str, folder: Path, settings: str) -> Stack:
    """The Python program of a name, previewed in this process with more lines of settings."""
    copied = folder / "program"
    shutil.copytree(HERE / "programs" / name, copied)
    with (copied / "Pulumi.dev.yaml").open("a") as file:
        file.write(settings)
    return preview_in_process(copied, "dev", time_limit=60)


def recorded(name: str, old: str = "", new: str = "") -> Stack:
    """The digest of a program as the real engine recorded it, with `old` replaced by `new`."""
    text = (RECORDED / f"{name}.digest.json").read_text(encoding="utf-8")
    assert old in text
    return read(f"{name}.json", (text.replace(old, new) if old else text).encode())


def found(stack: Stack) -> tuple[str, Decimal | None]:
    """The verdict and the GPUs that are held."""
    floor = floor_of(stack)
    return floor.verdict, floor.gpus
