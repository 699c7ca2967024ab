"""How the texts in the source read: those too that no table reaches. By name and by place of the
argument they are messages, reasons, points and fixes; what an f-string inserts stays in braces."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.reports.test_words import LONGEST, NOUNS, VERBS

ROOT = Path(__file__).parents[2]
PLACED = {
    "Undecided": {2: "point", 3: "fix"},
    "Evidence": {3: "clause"},
    "Hold": {4: "fix"},
    "Notice": {2: "point", 3: "fix"},
    "Problem": {1: "sentence", 2: "fix"},
    "Assumption": {0: "point", 1: "clause"},
    "open": {1: "point", 2: "fix"},
    "undecided": {0: "point", 1: "fix"},
    "evidence": {-1: "clause"},
    "Row": {},
    "Release": {},
    "Accounted": {},
}
"""Constructors and readers' methods: what each positional argument is."""
NAMED = {"why": "point", "settle": "fix", "fix": "fix", "message": "sentence", "because": "clause"}
"""The same of keyword arguments."""
OF_CONSTRUCTOR = {("Notice", "message"): "point"}
"""Where a keyword argument is something else than NAMED says."""
READERS = ("platforms/", "floor/", "rules/")
"""The rooms that write them; others say their own sentences."""
OTHER_SHAPE = ("found.open", "baseline.read")
"""Methods of the same name with other arguments."""


class Text(NamedTuple):
    kind: str
    text: str
    place: str


@cache
def texts() -> tuple[Text, ...]:
    return tuple(
        text
        for path in sorted((ROOT / "zerofloor").rglob("*.py"))
        for text in _texts_of(path, path.relative_to(ROOT / "zerofloor").as_posix())
    )


def _texts_of(path: Path, file: str) -> Iterator[Text]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from (Text("any", text, f"{file}:{node.lineno}") for text in _written(node))
        elif isinstance(node, ast.FunctionDef) and file.startswith(READERS):
            yield from _arguments_in(node, file)
        elif isinstance(node, ast.Call) and file.startswith("components/"):
            yield from _predicates(node, file)


def _arguments_in(function: ast.FunctionDef, file: str) -> Iterator[Text]:
    """Those given there, and those that a local variable stands for."""
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, []).append(node.value)
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for kind, value in (pair for call in calls for pair in _arguments(call)):
        if isinstance(value, ast.Name):
            before = [one for one in assigned.get(value.id, []) if one.lineno <= value.lineno]
            value = max(before, key=lambda one: one.lineno, default=value)
        for text in _written(value):
            if " " in text.strip():
                yield Text(kind, text, f"{file}:{value.lineno}")


def _predicates(call: ast.Call, file: str) -> Iterator[Text]:
    """What is wrong with an argument of a component: it goes on after the argument's name."""
    if getattr(call.func, "id", "") == "Problem" and len(call.args) > 1:
        for text in _written(call.args[1]):
            yield Text("predicate", text, f"{file}:{call.lineno}")


def _arguments(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name not in PLACED or ast.unparse(call.func) in OTHER_SHAPE:
        return
    for index, kind in PLACED[name].items():
        if -len(call.args) <= index < len(call.args):
            yield kind, call.args[index]
    for keyword in call.keywords:
        argument = keyword.arg or ""
        named = OF_CONSTRUCTOR.get((name, argument), NAMED.get(argument))
        if named is not None:
            yield named, keyword.value


def _written(value: ast.expr) -> Iterator[str]:
    """What an expression may be, as far as it is written there."""
    match value:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr():
            yield "".join(
                str(part.value)
                if isinstance(part, ast.Constant)
                else f"{{{ast.unparse(getattr(part, 'value', part))}}}"
                for part in value.values
            )
        case ast.IfExp():
            yield from _written(value.body)
            yield from _written(value.orelse)


def wrong(kinds: str, is_wrong: re.Pattern[str]) -> list[str]:
    return [
        f"{one.place}: {one.text}"
        for one in texts()
        if one.kind in kinds and is_wrong.search(one.text)
    ]


def test_many_texts_are_found() -> None:
    kinds = {"point", "fix", "sentence", "clause", "predicate", "any"}
    assert {one.kind for one in texts()} == kinds
    assert (
        len({one.place.split("/")[1] for one in texts() if one.place.startswith("platforms/")}) > 5
    )


def test_a_point_and_a_sentence_start_with_a_capital() -> None:
    assert wrong("point sentence", re.compile(r"^(?![\w.]+[.\[A-Z(]\w*)[a-z]")) == []


def test_a_fix_starts_with_a_verb() -> None:
    bad = [
        f"{one.place}: {one.text}"
        for one in texts()
        if one.kind == "fix" and one.text[0] != "{" and one.text.split()[0] not in VERBS
    ]
    assert bad == []


def test_only_a_sentence_has_a_full_stop() -> None:
    assert wrong("sentence", re.compile(r"[^.}]$")) == []
    assert wrong("point clause", re.compile(r"\.$")) == []


def test_a_predicate_goes_on_with_its_sentence() -> None:
    assert wrong("predicate", re.compile(r"^(?!API|AWS|EKS)[A-Z]|\.$")) == []


def test_what_a_thing_is_not_is_said_plainly() -> None:
    """`is not a number`, and not `is no number`."""
    pattern = re.compile(r"(?<!here )\b(?:is|are) no (?!longer\b|more\b)[a-z{`]")
    assert wrong("point fix sentence clause predicate any", pattern) == []


def test_a_clause_has_no_capital() -> None:
    names = "A[A-Z]|[A-Z][a-z]*[A-Z]|AWS|Azure|Google|KEDA|Karpenter|Kubernetes"
    assert wrong("clause", re.compile(rf"^(?!{names})(The|An?|It|Its|This|No|Nothing)\b")) == []


def test_a_number_is_counted() -> None:
    """`counted(n, "node")` and not `{n} nodes`."""
    inserted = (
        r"(?<! to )\{(?!(?:counted|hours)\()(?![^{}]*(?:name|model|path|component)\})[^{}]*\}"
    )
    assert wrong("any", re.compile(rf"{inserted} (?:{NOUNS})s?\b(?![-'])")) == []


def test_a_path_stands_once() -> None:
    assert wrong("point sentence", re.compile(r"(\{[\w.]*(?:path|field|where)[\w.]*\}).*\1")) == []


def test_what_is_written_is_short() -> None:
    bad = [
        f"{one.place}: {len(one.text)}"
        for one in texts()
        if one.kind not in ("any", "predicate")
        and len(re.sub(r"\{[^{}]*\}", "", one.text)) > LONGEST
    ]
    assert bad == []
