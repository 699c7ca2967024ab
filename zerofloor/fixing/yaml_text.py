"""One value of a YAML file changed in place: every other byte, comments and order included, stays
as it was.

By the positions that PyYAML's nodes have: a round trip through a parser would write other quotes
and indentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from zerofloor.fixing.paths import Steps

_EMPTY: Final = ("", "~", "null")


class NotEditable(Exception):
    """The value can't be changed by a machine; the text says why."""


def set_value(text: str, document: int, steps: Steps, to: Any) -> str:
    """The text with `to` at a path of a document (from 0); None takes the value away.

    Raises NotEditable where the value is shared by an alias, or the path can't be written.
    """
    node = documents(text)[document]
    parent, key = node, node
    for index, step in enumerate(steps):
        entry = _entry(node, step)
        if entry is None:
            return _insert(text, node, steps[index:], to)
        parent, (key, node) = node, entry
        if node.start_mark.index < entry[0].start_mark.index:
            raise NotEditable("the value is an alias, so other places have it too")
    if to is None and len(steps) > 1 and _has_one(parent):
        # An empty list may mean another thing than none; an object is often required.
        empty: Any = None if isinstance(parent, yaml.SequenceNode) else {}
        return set_value(text, document, steps[:-1], empty)
    if to is None:
        return _remove(text, parent, key, node)
    start, end = _span(text, node)
    if start == end:
        return f"{text[:start]} {_flow(to)}{text[end:]}"
    if key is not node and node.start_mark.line > key.end_mark.line:
        return _replace_below(text, key, end, to)
    return text[:start] + _flow(to) + text[end:]


def value_at(text: str, document: int, steps: Steps) -> Any:
    """The plain value at a path; None where there is none."""
    node: Any = documents(text)[document]
    for step in steps:
        entry = _entry(node, step)
        if entry is None:
            return None
        node = entry[1]
    return yaml.safe_load(text[slice(*_span(text, node))]) if _is_scalar(node) else None


def documents(text: str) -> list[Any]:
    """The documents' nodes; empty documents are left out."""
    composed = yaml.compose_all(text, Loader=yaml.SafeLoader)
    return [node for node in composed if not _is_nothing(node)]


def _is_nothing(node: Any) -> bool:
    return node is None or (_is_scalar(node) and node.value in _EMPTY)


def find_object(text: str, token: str, called: str) -> tuple[int, Steps]:
    """The document and the path of an object of Kubernetes' by its type, such as
    `kubernetes:apps/v1:Deployment`, and its name (NAMESPACE/NAME, or NAME).

    Raises NotEditable where it isn't there.
    """
    for number, node in enumerate(documents(text)):
        for steps, found in _objects(node, ()):
            if _is_called(found, token, called):
                return number, steps
    raise NotEditable("the object isn't in the file as it stands (rendered, or generated)")


def _objects(node: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    yield steps, node
    items = _entry(node, "items")
    if items is not None and isinstance(items[1], yaml.SequenceNode):
        for index, item in enumerate(items[1].value):
            yield from _objects(item, (*steps, "items", index))


def _is_called(node: Any, token: str, called: str) -> bool:
    version, kind = _text(node, "apiVersion"), _text(node, "kind")
    if version is None or kind is None:
        return False
    group = version if "/" in version else f"core/{version}"
    metadata = _entry(node, "metadata")
    if token != f"kubernetes:{group}:{kind}" or metadata is None:
        return False
    name = _text(metadata[1], "name")
    namespace = _text(metadata[1], "namespace") or "default"
    return called in (name, f"{namespace}/{name}")


def _text(node: Any, key: str) -> str | None:
    entry = _entry(node, key)
    return None if entry is None or not _is_scalar(entry[1]) else str(entry[1].value)


def _is_scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _entry(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """The key's and the value's node; of a list the element twice."""
    if isinstance(step, int):
        if step == 0 and isinstance(node, yaml.MappingNode):
            return node, node  # A lone object where a list belongs.
        listed = node.value if isinstance(node, yaml.SequenceNode) else []
        return (listed[step], listed[step]) if step < len(listed) else None
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if _is_scalar(key) and key.value == step:
            return key, value
    return None


def _span(text: str, node: Any) -> tuple[int, int]:
    """A block's mark of its end is the next token's start: without what only separates them."""
    start, end = node.start_mark.index, node.end_mark.index
    return start, start + len(text[start:end].rstrip())


def _flow(value: Any) -> str:
    """A value on one line."""
    dumped = yaml.safe_dump(value, default_flow_style=True, width=2**31, allow_unicode=True)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _replace_below(text: str, key: Any, end: int, to: Any) -> str:
    """A value that stands on the lines below its key goes beside it, before a comment there."""
    colon = text.index(":", key.end_mark.index) + 1
    line = text.index("\n", colon)
    return f"{text[:colon]} {_flow(to)}{text[colon:line].rstrip()}{text[end:]}"


def _insert(text: str, node: Any, steps: Steps, to: Any) -> str:
    """The text with a key that the object doesn't have yet."""
    if to is None:
        return text
    key, *inner = steps
    if isinstance(key, int) or any(isinstance(step, int) for step in inner):
        raise NotEditable("the list has no such element")
    for step in reversed(inner):
        to = {step: to}
    pair = _flow({key: to})[1:-1]
    start = node.start_mark.index
    if _is_scalar(node) and node.value in _EMPTY:
        return f"{text[:start].rstrip(' ')} {{{pair}}}{text[node.end_mark.index :]}"
    if not isinstance(node, yaml.MappingNode):
        raise NotEditable("the value that it belongs to is not an object")
    if node.flow_style:
        separator = ", " if node.value else ""
        return f"{text[: start + 1]}{pair}{separator}{text[start + 1 :]}"
    # A key such as `project:name` needs quotes in {…} alone.
    pair = f"{_flow(key)}: {_flow(to)}"
    return f"{text[:start]}{pair}\n{' ' * node.start_mark.column}{text[start:]}"


def _has_one(node: Any) -> bool:
    return isinstance(node, yaml.CollectionNode) and len(node.value) == 1


def _remove(text: str, parent: Any, key: Any, node: Any) -> str:
    """The text without a key and its value, or without an element of a list."""
    start, (_, end) = key.start_mark.index, _span(text, node)
    if parent.flow_style:
        rest = text[end:].lstrip(" ")
        if rest.startswith(","):
            return text[:start] + rest[1:].lstrip(" ")
        return text[:start].rstrip(" ").removesuffix(",") + text[end:]
    line = text.rfind("\n", 0, start) + 1
    before = "-" if isinstance(parent, yaml.SequenceNode) else ""
    if text[line:start].strip() != before:
        raise NotEditable("it is the first of a list's element")
    following = text.find("\n", end)
    return text[:line] + ("" if following < 0 else text[following + 1 :])
