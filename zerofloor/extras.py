"""How to get a package that an optional part of zerofloor needs."""

from __future__ import annotations

import sys

from zerofloor.errors import InputError


def lacking(part: str, package: str, extra: str) -> InputError:
    """The error to raise where a part of zerofloor needs a package that is not installed."""
    return InputError(f"{part} needs {package}: {how_to_add(extra)}")


def how_to_add(extra: str) -> str:
    """How to install an extra, from where zerofloor was installed: it is on no public index."""
    source = _source(extra)
    if source is None:
        return f"install zerofloor with its [{extra}] extra, from where you installed it"
    return f"{sys.executable} -m pip install {source}"


def _source(extra: str) -> str | None:
    """What `pip install` takes, by the record it keeps of an installation from elsewhere than an
    index (PEP 610); None where it has none, or one with a password."""
    import json
    from importlib import metadata
    from urllib.parse import unquote, urlsplit

    try:
        written = metadata.distribution("zerofloor").read_text("direct_url.json") or ""
        record = json.loads(written)
        url, vcs = urlsplit(record["url"]), record.get("vcs_info") or {}
    except (metadata.PackageNotFoundError, OSError, ValueError, KeyError, TypeError):
        return None
    if url.scheme == "file" and not vcs:
        editable = (record.get("dir_info") or {}).get("editable")
        return f"{'-e ' if editable else ''}'{unquote(url.path)}[{extra}]'"
    if not vcs or "@" in url.netloc:
        return None
    return f"'zerofloor[{extra}] @ {vcs['vcs']}+{record['url']}@{vcs['commit_id']}'"
