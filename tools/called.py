"""A pytest plugin: which functions of zerofloor each test calls, and how much CPU time it takes.

`pytest -p tools.called --called FILE` writes `{test: [seconds, [function, …]]}` as JSON; a function
is `file:line` of its first line, relative to the checkout. Calls in other processes aren't seen.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

_SEEN: set[CodeType] = set()
_FOUND: dict[str, tuple[float, list[str]]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--called", type=Path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _SEEN.clear()
    began = _cpu_seconds()
    sys.setprofile(_note)
    try:
        return (yield)
    finally:
        sys.setprofile(None)
        inside = f"{item.config.rootpath}/zerofloor/"
        called = [code for code in _SEEN if code.co_filename.startswith(inside)]
        skip = len(f"{item.config.rootpath}/")
        names = sorted(f"{code.co_filename[skip:]}:{code.co_firstlineno}" for code in called)
        _FOUND[item.nodeid] = (round(_cpu_seconds() - began, 3), names)


def _cpu_seconds() -> float:
    """Of this process and of those that it has waited for: a busy machine doesn't count."""
    return sum(os.times()[:4])


def _note(frame: FrameType, event: str, _: Any) -> None:
    if event == "call":
        _SEEN.add(frame.f_code)


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--called")
    if path is not None:
        path.write_text(json.dumps(_FOUND), encoding="utf-8")
