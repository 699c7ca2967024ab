"""Which resources a program makes only inside an `apply` whose value a preview does not know. Runs
in the program's process: imports nothing of zerofloor."""

from __future__ import annotations

import dis
import functools
import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

_TOKEN = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9_./-]+(?::[A-Za-z0-9]+)?")
DEEPEST = 4
"""Calls of the program's own functions that are followed."""

Waiting = tuple[Callable[..., Any], list[bool]]
"""A callback, and whether it ran."""


def watch(output: Any, is_own: Callable[[str], bool]) -> list[Waiting]:
    """Watches every callback of the program's own that is given to `apply`."""
    waiting: list[Waiting] = []
    original = output.apply

    @functools.wraps(original)
    def apply(self: Any, func: Any, *args: Any, **kwargs: Any) -> Any:
        code = getattr(func, "__code__", None)
        if code is None or not is_own(code.co_filename):
            return original(self, func, *args, **kwargs)
        ran: list[bool] = []
        waiting.append((func, ran))

        @functools.wraps(func)
        def called(value: Any) -> Any:
            ran.append(True)
            return func(value)

        return original(self, called, *args, **kwargs)

    output.apply = apply
    return waiting


def never_ran(
    waiting: list[Waiting], resource: type, is_own: Callable[[str], bool]
) -> Iterator[tuple[Callable[..., Any], list[str]]]:
    """The callbacks that did not run and that make resources, with the types of these."""
    for func, ran in waiting:
        if ran:
            continue
        kinds = sorted(set(_made(func, resource, is_own, 0)))
        if kinds:
            yield func, kinds


def _made(func: Any, resource: type, is_own: Callable[[str], bool], depth: int) -> Iterator[str]:
    """The types of the resources that a function makes, as far as its code names them."""
    code = getattr(func, "__code__", None)
    if code is None or depth > DEEPEST or not is_own(code.co_filename):
        return
    names = {**getattr(func, "__globals__", {}), **_enclosed(func)}
    for inner in _codes(code):
        for value in _named(inner, names):
            if inspect.isclass(value) and issubclass(value, resource):
                yield from _types_of(value, inner, resource, is_own, depth)
            elif isinstance(value, types.FunctionType) and value is not func:
                yield from _made(value, resource, is_own, depth + 1)


def _types_of(
    kind: Any, code: types.CodeType, resource: type, is_own: Callable[[str], bool], depth: int
) -> Iterator[str]:
    token = getattr(kind, "pulumi_type", None)
    if isinstance(token, str):
        yield token
        return
    if kind.__module__.startswith("pulumi.") or kind.__module__ == "pulumi":
        texts = [text for text in code.co_consts if isinstance(text, str)]
        found = [text for text in texts if _TOKEN.fullmatch(text) and text.count(":") == 2]
        yield from found or ["resource"]
        return
    yield from _made(kind.__init__, resource, is_own, depth + 1)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code of a function and of those defined in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _codes(const)


def _enclosed(func: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    cells = getattr(func, "__closure__", None) or ()
    for name, cell in zip(func.__code__.co_freevars, cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:
            continue  # Not set yet.
    return found


def _named(code: types.CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """What the code refers to by name: `k8s.core.v1.Pod` as the class."""
    current: Any = None
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            yield current
            current = names.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            # Only of modules: an attribute of an object may be anything, and cost anything.
            is_module = isinstance(current, types.ModuleType)
            current = getattr(current, step.argval, None) if is_module else None
        elif step.opname not in ("PUSH_NULL", "PRECALL", "CACHE", "EXTENDED_ARG"):
            yield current
            current = None
    yield current
