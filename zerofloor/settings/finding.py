"""Where settings are: `zerofloor.yaml` or `[tool.zerofloor]` of a folder; what looks like settings
and is none is refused, not passed over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from zerofloor.errors import InputError
from zerofloor.settings.nodes import Node, read_file, read_pyproject
from zerofloor.settings.values import FILE_NAME

PYPROJECT: Final = "pyproject.toml"

POLICY_VARIABLE: Final = "ZEROFLOOR_POLICY"
"""Names the organisation's settings file where no option does."""

_SUFFIXES: Final = (".yaml", ".yml", ".yam", ".ymal")


def find_settings(folders: Iterable[Path]) -> tuple[Node, Path] | None:
    """The settings of the first folder that has any, with that folder; None if none has.

    Raises InputError where a file can't be read, or has a name that is nearly right.
    """
    for folder in folders:
        node = settings_in(folder)
        if node is not None:
            return node, folder
    return None


def settings_in(folder: Path) -> Node | None:
    """The settings that stand in a folder. Raises InputError as `find_settings` does."""
    path = folder / FILE_NAME
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return None
    near = next((name for name in sorted(names) if _is_near(name)), None)
    if near is not None:
        raise InputError(f"{folder / near}: settings must be named {FILE_NAME}")
    node = None
    if FILE_NAME in names:
        if path.is_dir():
            raise InputError(f"{path}: settings can't be a folder")
        if not path.exists():
            raise InputError(f"{path}: a link to nothing")
        node = read_file(path)
    if PYPROJECT in names and (folder / PYPROJECT).is_file():
        table = read_pyproject(folder / PYPROJECT)
        if table is not None and node is not None:
            raise InputError(
                f"{folder}: settings stand both in {FILE_NAME} and in {PYPROJECT}; keep one"
            )
        node = node or table
    return node


def read_settings(path: Path) -> Node:
    """The settings in a file that was named.

    Raises InputError where there is none.
    """
    if path.is_dir():
        raise InputError(f"{path}: a folder; name the settings file in it")
    return read_file(path)


def _is_near(name: str) -> bool:
    if name == FILE_NAME:
        return False
    stem, _, suffix = name.lstrip("._").lower().rpartition(".")
    if not stem:
        return suffix == "zerofloor" and name.startswith(".")
    if f".{suffix}" not in _SUFFIXES:
        return False
    plain = stem.replace("-", "").replace("_", "").replace(" ", "")
    if plain == "zerofloor" or abs(len(plain) - 9) > 1:
        return plain == "zerofloor"
    import difflib

    return difflib.SequenceMatcher(None, plain, "zerofloor").ratio() > 0.88
