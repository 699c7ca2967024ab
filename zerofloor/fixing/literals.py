"""A literal in the source of a program, at the line that declares the resource: Python, TypeScript
and Go."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

_PLAIN: Final = (bool, int, float, str)
CODE: Final = (".py", ".ts", ".js", ".go")


def replace_literal(
    text: str, suffix: str, line: int, names: Sequence[str], now: Any, to: Any
) -> str | None:
    """The source with the argument of one of these names changed from `now` to `to` in the call
    that begins in `line`; None where it doesn't stand there once, as a literal."""
    if not isinstance(to, _PLAIN) or not isinstance(now, _PLAIN):
        return None
    if suffix == ".py":
        return _replace_python(text, line, names, now, to)
    if suffix in CODE:
        return _replace_braces(text, line, names, now, to)
    return None


def names_of(path: str, argument: str = "") -> tuple[str, ...]:
    """How languages spell the last name of a path, and a component's argument: `minSize` is
    min_size in Python and MinSize in Go."""
    last = re.split(r"[.\[\]\"]+", path.rstrip(']"'))[-1]
    spellings = [last, _snake(last), last[:1].upper() + last[1:]]
    if argument:
        camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), argument)
        spellings += [argument, camel, camel[:1].upper() + camel[1:]]
    return tuple(dict.fromkeys(spellings))


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda letter: f"_{letter[1].lower()}", name)


def _replace_python(text: str, line: int, names: Sequence[str], now: Any, to: Any) -> str | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    # The outermost call of the line: what it declares may stand in a nested one.
    outermost = [call for call in calls if call.lineno == min(one.lineno for one in calls)]
    found = {
        (value.lineno, value.col_offset): value
        for call in outermost
        for value in _arguments(call, names)
        if isinstance(value, ast.Constant) and _is_same(value.value, now)
    }
    if len(found) != 1:
        return None
    (value,) = found.values()
    lines = text.splitlines(keepends=True)
    encoded = lines[value.lineno - 1].encode()
    new = encoded[: value.col_offset] + repr(to).encode() + encoded[value.end_col_offset :]
    return "".join([*lines[: value.lineno - 1], new.decode(), *lines[value.lineno :]])


def _arguments(call: ast.Call, names: Sequence[str]) -> Iterator[ast.expr]:
    for node in ast.walk(call):
        if isinstance(node, ast.keyword) and node.arg in names:
            yield node.value
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in names:
                    yield value


def _is_same(value: Any, now: Any) -> bool:
    return isinstance(value, bool) == isinstance(now, bool) and bool(value == now)


def _replace_braces(text: str, line: int, names: Sequence[str], now: Any, to: Any) -> str | None:
    lines = text.splitlines(keepends=True)
    if not 0 < line <= len(lines):
        return None
    start = sum(len(one) for one in lines[: line - 1])
    end = _statement_end(text, start)
    literal = re.escape(json.dumps(now))
    name = "|".join(map(re.escape, names))
    wrapped = r"(?:pulumi\.\w+\(\s*)?"
    pattern = re.compile(rf"\b(?:{name})[\"']?\s*:\s*{wrapped}({literal})(?![\w.])")
    found = list(pattern.finditer(text, start, end))
    if len(found) != 1:
        return None
    return text[: found[0].start(1)] + json.dumps(to) + text[found[0].end(1) :]


def _statement_end(text: str, start: int) -> int:
    """Where the brackets that open in the statement are closed again."""
    depth = 0
    for index in range(start, len(text)):
        if text[index] in "([{":
            depth += 1
        elif text[index] in ")]}":
            depth -= 1
            if depth <= 0:
                return index + 1
    return len(text)
