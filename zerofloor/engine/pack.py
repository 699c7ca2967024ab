"""Where the policy pack of this installation is: what to hand to `pulumi preview --policy-pack`."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from zerofloor import __version__
from zerofloor.errors import InputError

EXECUTABLE = "zerofloor-pack.exe" if os.name == "nt" else "zerofloor-pack"

LAUNCHER = "from zerofloor.engine.analyzer import main\n\nmain()\n"


def pack_path() -> Path:
    """The pack's executable, for an engine of version 3.255 or newer.

    Raises InputError where this installation has none (packages put on the path by hand).
    """
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / EXECUTABLE).is_file():
            return folder / EXECUTABLE
    raise InputError(
        f"{EXECUTABLE} is not beside {sys.executable}: install zerofloor with its [pulumi] extra "
        "into a virtual environment, with pip"
    )


def pack_folder(environ: Mapping[str, str] | None = None, destination: Path | None = None) -> Path:
    """Writes a folder pack for older engines, run by this very Python, and returns it; by default
    in the user's cache folder.

    Raises InputError where it can't be written.
    """
    folder = (
        destination
        or _cache(os.environ if environ is None else environ)
        / f"pack-{__version__}-{_tag(sys.prefix)}"
    )
    # A virtual environment is named; the system's own Python is what the engine takes by itself.
    options = (
        f"  options:\n    virtualenv: {_quoted(sys.prefix)}\n"
        if sys.prefix != sys.base_prefix
        else ""
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "PulumiPolicy.yaml").write_text(
            f"version: {__version__}\nruntime:\n  name: python\n{options}", encoding="utf-8"
        )
        (folder / "__main__.py").write_text(LAUNCHER, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: can't write the pack: {error.strerror}") from None
    return folder


def _cache(environ: Mapping[str, str]) -> Path:
    base = environ.get("LOCALAPPDATA") if os.name == "nt" else environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "zerofloor"


def _tag(prefix: str) -> str:
    import hashlib

    return hashlib.sha256(prefix.encode()).hexdigest()[:8]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
