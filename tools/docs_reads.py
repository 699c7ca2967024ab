"""Writes docs/reads.md, what zerofloor reads of each cloud, from the readers' own tables; with
--check says whether it is stale and writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

PAGE = ROOT / "docs" / "reads.md"
MADE = "<!-- Made by tools/docs_reads.py; edit the readers' tables. -->"
TABLES = ("ROWS", "GROUPS", "SPACES")
BIG = {"aws": "AWS", "azure": "Azure", "google": "Google Cloud"}


def page() -> Iterator[str]:
    """docs/reads.md"""
    yield "# What zerofloor reads"
    yield MADE
    yield ""
    yield (
        "By cloud: the resource types, the property that decides whether GPUs stay on, what an "
        "omitted value means, what a stopped machine bills, and where the platform says so. A type "
        "that isn't listed and names a GPU is undecided, never passed. Types marked *derived* "
        "follow the naming rule of the Terraform bridge and were not seen in a package."
    )
    for folder, name in BIG.items():
        yield from _big(folder, name)
    yield from _kubernetes()
    yield from _smaller()


def _big(folder: str, name: str) -> Iterator[str]:
    """A cloud whose services have files of their own: their types, then its table of rows."""
    services = import_module(f"zerofloor.platforms.{folder}.services")
    rows = [row for module in _modules(folder) for row in getattr(module, "ROWS", ())]
    yield ""
    yield f"## {name}"
    yield ""
    yield "| service | types |"
    yield "|---|---|"
    in_rows = {token for row in rows for token in row.tokens}
    for service, _, types in services._SERVICES:
        listed = sorted(set(types) - in_rows)
        if listed:
            yield f"| {service} | {_tokens(listed)} |"
    if rows:
        yield ""
        yield from _table(rows)


def _kubernetes() -> Iterator[str]:
    yield ""
    yield "## Kubernetes"
    yield ""
    yield "| reader | kinds |"
    yield "|---|---|"
    for module in _modules("kubernetes"):
        kinds = sorted(kind for _, kind in getattr(module, "KINDS", ()))
        if kinds:
            name = module.__name__.rpartition(".")[2].replace("_", " ")
            yield f"| {name} | {', '.join(dict.fromkeys(kinds))} |"


def _smaller() -> Iterator[str]:
    from zerofloor.platforms.clouds.services import SERVICES, load

    for name, module, _ in SERVICES:
        cloud: Any = load(module)
        yield ""
        yield f"## {name}"
        yield ""
        yield from _table([row for name in TABLES for row in getattr(cloud, name, ())])


def _modules(folder: str) -> Iterator[Any]:
    package = import_module(f"zerofloor.platforms.{folder}")
    for found in sorted(iter_modules(package.__path__), key=lambda one: one.name):
        yield import_module(f"zerofloor.platforms.{folder}.{found.name}")


def _table(rows: Iterable[Any]) -> Iterator[str]:
    yield "| what | types | what decides | omitted | stopped | source |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        derived = " *derived*" if row.derived else ""
        cells = (
            row.platform,
            _tokens(row.tokens) + derived,
            _decides(row),
            str(row.default) if row.count else "",
            row.stopped,
            row.source,
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _tokens(tokens: Iterable[str]) -> str:
    """The types, each in its first spelling: the bridges know `p:m/box:Box` as `p:m:Box` too."""
    known = list(tokens)
    short = {_short(token) for token in known if "/" in token}
    return ", ".join(f"`{token}`" for token in known if "/" in token or token not in short)


def _short(token: str) -> str:
    package, _, rest = token.partition(":")
    module, _, kind = rest.rpartition(":")
    return f"{package}:{module.partition('/')[0]}:{kind}"


def _decides(row: Any) -> str:
    each = f"{row.each}[]." if row.each else ""
    if row.count:
        text = ", else ".join(f"`{each}{path}`" for path in row.count)
    else:
        text = f"that it exists, with `{each}{row.machine[0]}`"
    if row.scaling is not None:
        switch = f"`{each}{row.scaling.switch}` on" if row.scaling.switch else "given"
        text = f"{switch}: `{each}{row.scaling.minimum[0]}`; else {text}"
    for release in row.releases:
        values = " or ".join(_value(value) for value in release.values)
        only = f" ({release.only})" if release.only else ""
        text += f"; `{each}{release.path}` {values}{only}: {release.because}"
    return f"{text}; {row.also}" if row.also else text


def _value(value: object) -> str:
    if value is None:
        return "omitted"
    if isinstance(value, str | bool | int):
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"
    return "given"


def main(arguments: list[str]) -> int:
    text = "\n".join(page()) + "\n"
    if "--check" in arguments:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
        if stale:
            print("docs/reads.md is stale: run `make docs`")  # noqa: T201
        return int(stale)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
