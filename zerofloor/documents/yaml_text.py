"""YAML as Kubernetes reads it -> plain values, within bounds.

Built from the parser's events, since PyYAML's own constructors take no bounds: aliases multiply
("billion laughs"), deep nesting
overflows the C stack, duplicate keys pass silently, and dates and `1:30` become what Kubernetes
takes for text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from zerofloor.documents.properties import DEEPEST
from zerofloor.documents.refusal import refusal, shown
from zerofloor.patterns import lazy

MOST_NODES: Final = 2_000_000
"""Values in one file, with every alias counted as what it stands for."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {
    word: value
    for words, value in ((("true", "yes", "on"), True), (("false", "no", "off"), False))
    for lower in words
    for word in (lower, lower.capitalize(), lower.upper())
}
# The YAML 1.1 that Kubernetes still reads (sigs.k8s.io/yaml); there, too, a lone y or n is text.
_INT: Final = lazy(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+|0o?[0-7_]+)")
_FLOAT: Final = lazy(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# `.nan` and `.inf` stay text: JSON, which is what the API takes, has neither.
_TAGS: Final = "tag:yaml.org,2002:"
_MERGE: Final = object()
_NO_KEY: Final = object()


class _Open(msgspec.Struct):
    """A list or an object whose end has not been read."""

    value: list[Any] | dict[str, Any]
    line: int
    anchor: str | None
    before: int
    """Values read before this one, itself included, so that its size is known at its end."""
    key: Any = _NO_KEY
    merged: list[Any] | None = None


class _Tree:
    """The value of a document, grown event by event; anchors hold within one document, the bound on
    values within one text."""

    def __init__(self, name: str) -> None:
        self.root: Any = None
        self._name = name
        self._values = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}

    def clear(self) -> None:
        self.root = None
        self._anchors.clear()

    def open_collection(self, empty: Any, kind: str, event: Any, line: int) -> None:
        self._values += 1
        if len(self._open) >= DEEPEST:
            raise refusal(self._name, f"line {line}: nested more than {DEEPEST} levels deep")
        if event.tag not in (None, "!", _TAGS + kind):
            why = f"the tag {shown(str(event.tag))} has no meaning in a Kubernetes manifest"
            raise refusal(self._name, f"line {line}: {why}")
        self._open.append(_Open(empty, line, event.anchor, self._values))
        if event.anchor:
            self._anchors.pop(event.anchor, None)  # not to be referred to from within itself

    def add_scalar(self, event: Any, line: int) -> None:
        self._values += 1
        around = self._open[-1] if self._open else None
        is_key = around is not None and isinstance(around.value, dict) and around.key is _NO_KEY
        value = _scalar(self._name, line, event, is_key)
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        self._put(value, line)

    def add_alias(self, event: Any, line: int) -> None:
        if event.anchor not in self._anchors:
            why = f"the alias *{shown(str(event.anchor))} refers to nothing before it"
            raise refusal(self._name, f"line {line}: {why}")
        value, size = self._anchors[event.anchor]
        self._values += size
        self._put(value, line)

    def close_collection(self, line: int) -> None:
        done = self._open.pop()
        value = _closed(self._name, done)
        if done.anchor:
            self._anchors[done.anchor] = value, self._values - done.before + 1
        self._put(value, line)

    def _put(self, value: Any, line: int) -> None:
        if self._values > MOST_NODES:
            why = f"more than {MOST_NODES} values, aliases counted as what they stand for"
            raise refusal(self._name, f"line {line}: {why}")
        if self._open:
            _put(self._name, self._open[-1], value, line)
        else:
            self.root = value


def yaml_documents(name: str, text: str) -> Iterator[tuple[int, int, Any]]:  # noqa: C901 – a case an event
    """Each document that is not empty: its number and its first line, both from 1, and its value.

    Raises InputError for what is no YAML, or beyond the bounds.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    number, first = 0, 1
    tree = _Tree(name)
    try:
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            match event:
                case yaml.DocumentStartEvent():
                    number, first = number + 1, line
                    tree.clear()
                case yaml.DocumentEndEvent():
                    if tree.root is not None:
                        yield number, first, tree.root
                case yaml.SequenceStartEvent():
                    tree.open_collection([], "seq", event, line)
                case yaml.MappingStartEvent():
                    tree.open_collection({}, "map", event, line)
                case yaml.ScalarEvent():
                    tree.add_scalar(event, line)
                case yaml.AliasEvent():
                    tree.add_alias(event, line)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    tree.close_collection(line)
                case _:
                    pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise refusal(name, f"{where}not valid YAML: {shown(str(problem))}") from None


def _put(name: str, parent: _Open, value: Any, line: int) -> None:
    if isinstance(parent.value, list):
        parent.value.append(value)
    elif parent.key is _NO_KEY:
        if isinstance(value, (dict, list)):
            raise refusal(name, f"line {line}: a list or an object as a key")
        key = value if value is _MERGE or isinstance(value, str) else _key_text(value)
        if key is not _MERGE and key in parent.value:
            raise refusal(name, f"line {line}: the key {shown(key)!r} is there twice")
        parent.key = key
    else:
        if parent.key is _MERGE:
            parent.merged = [
                *(parent.merged or []),
                *(value if isinstance(value, list) else [value]),
            ]
        else:
            parent.value[parent.key] = value
        parent.key = _NO_KEY


def _closed(name: str, done: _Open) -> list[Any] | dict[str, Any]:
    if isinstance(done.value, dict):
        for source in done.merged or ():
            if not isinstance(source, dict):
                raise refusal(name, f"line {done.line}: `<<` merges objects only")
            for key, value in source.items():
                done.value.setdefault(key, value)
    return done.value


def _scalar(name: str, line: int, event: Any, is_key: bool) -> Any:
    text: str = event.value
    tag: str | None = event.tag
    if tag is None or (tag == "!" and event.implicit[0]):
        if not event.implicit[0]:
            return text
        if is_key and text == "<<":
            return _MERGE
        return _plain(text)
    short = tag.removeprefix(_TAGS)
    if tag == "!" or short in ("str", "binary", "timestamp"):
        return text
    if short in ("int", "float", "bool", "null"):
        return _plain(text)
    raise refusal(
        name, f"line {line}: the tag {shown(tag)} has no meaning in a Kubernetes manifest"
    )


def _plain(text: str) -> Any:
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) and len(text) < 400:
        digits = text.replace("_", "")
        sign = -1 if digits[0] == "-" else 1
        digits = digits.lstrip("+-")
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            return sign * int(digits, 8)
        return sign * int(digits, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) != float("inf") else text
    return text


def _key_text(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
