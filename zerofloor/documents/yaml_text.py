"""YAML as Kubernetes reads it -> plain values, within bounds.

Built from the parser's events, since PyYAML's own constructors take no bounds: aliases multiply
("billion laughs"), deep nesting
overflows the C stack, duplicate keys pass silently, and dates and `1:30` become what Kubernetes
takes for text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from zerofloor.documents.properties import DEEPEST
from zerofloor.documents.refusal import refusal, shown

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
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+|0o?[0-7_]+)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# `.nan` and `.inf` stay text: JSON, which is what the API takes, has neither.
_TAGS: Final = "tag:yaml.org,2002:"
_MERGE: Final = object()
_NO_KEY: Final = object()


@dataclass(slots=True)
class _Open:
    """A list or an object whose end has not been read."""

    value: list[Any] | dict[str, Any]
    line: int
    anchor: str | None
    before: int
    """Values read before this one, itself included, so that its size is known at its end."""
    key: Any = _NO_KEY
    merged: list[Any] | None = None


def yaml_documents(name: str, text: str) -> Iterator[tuple[int, int, Any]]:
    """Each document that is not empty: its number and its first line, both from 1, and its value.

    Raises InputError for what is no YAML, or beyond the bounds.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    number = nodes = 0
    stack: list[_Open] = []
    anchors: dict[str, tuple[Any, int]] = {}
    root: Any = None
    first = 1
    try:
        for event in yaml.parse(text, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark else 0
            if isinstance(event, yaml.DocumentStartEvent):
                number, root, first = number + 1, None, line
                anchors.clear()
                continue
            if isinstance(event, yaml.DocumentEndEvent):
                if root is not None:
                    yield number, first, root
                continue
            if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                nodes += 1
                if len(stack) >= DEEPEST:
                    raise refusal(name, f"line {line}: nested more than {DEEPEST} levels deep")
                is_list = isinstance(event, yaml.SequenceStartEvent)
                if event.tag not in (None, "!", _TAGS + ("seq" if is_list else "map")):
                    raise refusal(
                        name,
                        (
                            f"line {line}: the tag {shown(str(event.tag))} has no meaning in a "
                            "Kubernetes manifest"
                        ),
                    )
                stack.append(_Open([] if is_list else {}, line, event.anchor, nodes))
                if event.anchor:
                    anchors.pop(event.anchor, None)  # not to be referred to from within itself
                continue
            if isinstance(event, yaml.ScalarEvent):
                nodes += 1
                is_key = (
                    bool(stack) and isinstance(stack[-1].value, dict) and stack[-1].key is _NO_KEY
                )
                value, size = _scalar(name, line, event, is_key), 1
                if event.anchor:
                    anchors[event.anchor] = value, size
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    raise refusal(
                        name,
                        (
                            f"line {line}: the alias *{shown(str(event.anchor))} refers to "
                            "nothing before it"
                        ),
                    )
                value, size = anchors[event.anchor]
                nodes += size
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                done = stack.pop()
                value, size = _closed(name, done), nodes - done.before + 1
                if done.anchor:
                    anchors[done.anchor] = value, size
            else:
                continue
            if nodes > MOST_NODES:
                raise refusal(
                    name,
                    (
                        f"line {line}: more than {MOST_NODES} values, aliases counted as what "
                        "they stand for"
                    ),
                )
            if stack:
                _put(name, stack[-1], value, line)
            else:
                root = value
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
