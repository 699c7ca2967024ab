"""A settings file as a tree that still knows its lines, so that a mistake is named where it stands.

A key that is set twice is refused, aliases are bounded, and an error quotes nothing of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from zerofloor.errors import InputError

LARGEST: Final = 2**20
"""Bytes of a settings file."""

MOST_NODES: Final = 50_000
"""Values in a file, each alias counted as what it stands for."""

DEEPEST: Final = 30
"""Levels of nesting."""

KINDS: Final = frozenset({"map", "seq", "str", "int", "float", "bool", "null", "timestamp"})
"""What YAML tags may stand for."""

EXTENDS_AT_MOST: Final = 5
"""Files in a chain of `extends`."""

ADDED: Final = frozenset({"waivers", "instances", "workloads", "scoped"})
"""Lists to which a file adds where it extends another one; everything else it replaces."""


class Node(msgspec.Struct, frozen=True):
    """A value with the place where it stands."""

    value: Any
    """A scalar, a list of nodes, or a mapping of text to nodes."""
    file: str
    line: int = 0
    """From 1; 0 where it is not known."""
    text: str = ""
    """A scalar as it was written."""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def node_of(data: Any, name: str) -> Node:
    """Decoded data as a tree (what is no file: a pack's configuration)."""
    if isinstance(data, Mapping):
        return Node({str(key): node_of(value, name) for key, value in data.items()}, name)
    if isinstance(data, list | tuple):
        return Node([node_of(value, name) for value in data], name)
    return Node(data, name, text=data if isinstance(data, str) else "")


def read_file(path: Path) -> Node:
    """The tree of a settings file, with what it extends.

    Raises InputError where a file can't be read, is not YAML, is too large, or has a key twice.
    """
    return _extended(path, ())


def read_pyproject(path: Path) -> Node | None:
    """The tree of `[tool.zerofloor]`; None where there is none."""
    text = _text(path)
    if "zerofloor" not in text:
        return None
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None  # Not ours to complain about: whoever reads the project does.
    tool = data.get("tool")
    table = tool.get("zerofloor") if isinstance(tool, dict) else None
    return None if table is None else _with_lines(node_of(table, str(path)), text)


def _extended(path: Path, before: tuple[Path, ...]) -> Node:
    whole = path.resolve()
    if whole in before:
        raise InputError(f"{path}: extends itself")
    if len(before) >= EXTENDS_AT_MOST:
        raise InputError(f"{path}: more than {EXTENDS_AT_MOST} files extend one another")
    node = _read_yaml(path)
    base = node.value.get("extends") if isinstance(node.value, dict) else None
    if base is None:
        return node
    if not isinstance(base.value, str) or not base.value or "://" in base.value:
        raise InputError(f"{base.place}: extends must name a file, relative to this one")
    return merged(_extended(path.parent / base.value, (*before, whole)), node)


def merged(base: Node, over: Node, key: str = "") -> Node:
    """What `over` says on top of `base`."""
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        together = dict(base.value)
        for name, node in over.value.items():
            known = together.get(name)
            together[name] = node if known is None else merged(known, node, name)
        return Node(together, over.file, over.line)
    if isinstance(base.value, list) and isinstance(over.value, list) and key in ADDED:
        return Node([*base.value, *over.value], over.file, over.line)
    return over


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise InputError(f"{path}: too large for settings (over {LARGEST // 2**20} MiB)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: can't be read: it is not UTF-8 text") from None


def _read_yaml(path: Path) -> Node:
    import yaml

    text = _text(path)
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is None:
            return Node({}, str(path), 1)
        return _Reading(str(path), loader).node(root, 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        problem = str(getattr(error, "problem", "") or "it can't be parsed")
        raise InputError(f"{where}: not YAML: {_unquoted(problem)}") from None
    except RecursionError:
        raise InputError(f"{path}: nested more than {DEEPEST} levels deep") from None
    finally:
        if loader is not None:
            loader.dispose()


def _unquoted(problem: str) -> str:
    """The parser's words without what it quotes of the file."""
    return " ".join(re.sub(r"['\"].*['\"]", "…", problem).split())


class _Reading:
    """One pass over the parsed nodes of a file."""

    def __init__(self, name: str, loader: Any) -> None:
        self.name = name
        self.loader = loader
        self.nodes = 0

    def node(self, raw: Any, depth: int) -> Node:
        self.nodes += 1
        line = raw.start_mark.line + 1
        if self.nodes > MOST_NODES or depth > DEEPEST:
            raise InputError(f"{self.name}:{line}: too many or too deeply nested values")
        kind = raw.tag.rpartition(":")[2]
        if kind not in KINDS:
            raise InputError(f"{self.name}:{line}: a YAML tag has no meaning here")
        if raw.id == "mapping":
            return Node(self._mapping(raw, depth), self.name, line)
        if raw.id == "sequence":
            return Node([self.node(part, depth + 1) for part in raw.value], self.name, line)
        return Node(self._scalar(raw, line), self.name, line, raw.value)

    def _mapping(self, raw: Any, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in raw.value:
            line = key.start_mark.line + 1
            if key.id != "scalar":
                raise InputError(f"{self.name}:{line}: a key must be text")
            if key.value in found:
                first = found[key.value].line
                twice = f"{shown_key(key.value)} is set twice (first in line {first})"
                raise InputError(f"{self.name}:{line}: {twice}")
            found[key.value] = msgspec.structs.replace(self.node(value, depth + 1), line=line)
        return found

    def _scalar(self, raw: Any, line: int) -> Any:
        try:
            return self.loader.construct_object(raw)
        except ValueError:
            raise InputError(f"{self.name}:{line}: no such date or number") from None


def shown_key(key: str) -> str:
    """A key as it may be quoted. `extends` may name any file: what is no name in it is content."""
    return key if re.fullmatch(r"[A-Za-z][\w-]{0,39}|\d{1,6}", key) else "a key"


def _with_lines(node: Node, text: str) -> Node:
    """A TOML tree with the lines of its keys, by the first line that begins with the key."""
    if not isinstance(node.value, dict):
        return node
    found = {}
    for key, value in node.value.items():
        spelled = re.search(
            rf'^\s*(\[+tool\.zerofloor\S*\.)?["\']?{re.escape(key)}["\']?\s*[=\]]', text, re.M
        )
        line = text.count("\n", 0, spelled.end()) + 1 if spelled else 0
        found[key] = msgspec.structs.replace(_with_lines(value, text), line=line)
    return Node(found, node.file, node.line)
