"""A lazy expression is the compiled one in all that is asked of it."""

from __future__ import annotations

import re

from zerofloor.patterns import lazy


def test_a_lazy_expression_answers_as_the_compiled_one() -> None:
    text, flags = r"([a-z]+)-(\d)", re.I
    compiled, late = re.compile(text, flags), lazy(text, flags)
    for word in ("A-1", "b-2 c-3", "", "x"):
        assert str(late.fullmatch(word)) == str(compiled.fullmatch(word))
        assert str(late.search(word)) == str(compiled.search(word))
        assert str(late.match(word)) == str(compiled.match(word))
        assert late.findall(word) == compiled.findall(word)
        assert late.split(word) == compiled.split(word)
        assert late.sub("-", word) == compiled.sub("-", word)
    assert (late.pattern, late.flags, late.groups) == (compiled.pattern, compiled.flags, 2)
