"""How the texts read that people see: every finding, fix, undecided point, notice, assumption and
reason of every table, case and example; and the source and the pages, for words to avoid."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.cases import cases, stack_of
from tests.platforms.stacks import TODAY, every_stack
from tests.rules.examples import report_on
from zerofloor.judge import judge
from zerofloor.prices.book import open_book
from zerofloor.report import Report
from zerofloor.rules import all_rules
from zerofloor.settings import Settings, parse

ROOT = Path(__file__).parents[2]

SENTENCES = ("message", "fix", "footnote")
"""With a capital and a full stop."""

POINTS = ("why", "settle", "hold.fix", "notice.fix", "assumption")
"""With a capital; the report adds the full stop."""

CLAUSES = ("because",)
"""Neither: a message goes on with them."""

LONGEST = 200
LONGEST_WITH_PATH = 280
"""For a text with a property path of more than 30 characters, or with the names of several."""

BANNED = (
    r"nobody",
    r"somebody",
    r"for good",
    r"for ever",
    r"is a least",
    r"dear(er|est)?",
    r"brings?",
    r"brought",
    r"comes? up",
    r"goes away",
    r"go away",
    r"taken to",
    r"in so far",
    r"can't be:",
    r"half a sentence",
    r"a word about",
    r"told by",
    r"<unknown>",
    r"<secret>",
    r"no page",
    r"read nowhere",
    r"has no zero",
    r"no table (knows|says)",
    r"(stopped|off) too",
    r"\w+, (how many|which of them|and to what) .*(says|is) no",
    r"judge .* along",
)
"""A dialect: what a technical writer of this field would not say (STYLE in CONTRIBUTING)."""

VERBS = frozenset(
    [
        "Add",
        "Plan",
        "Ask",
        "Allow",
        "Ask",
        "Attach",
        "Buy",
        "Cancel",
        "Deallocate",
        "Fix",
        "Register",
        "Track",
        "Watch",
        "Base",
        "Change",
        "Check",
        "Choose",
        "Commit",
        "Compare",
        "Correct",
        "Create",
        "Declare",
        "Delete",
        "Deploy",
        "Describe",
        "Destroy",
        "Disable",
        "Drop",
        "Enable",
        "End",
        "Give",
        "Grant",
        "Import",
        "Keep",
        "Leave",
        "Let",
        "List",
        "Load",
        "Lower",
        "Mark",
        "Make",
        "Move",
        "Name",
        "Pass",
        "Pause",
        "Please",
        "Point",
        "Put",
        "Raise",
        "Read",
        "Reduce",
        "Release",
        "Remove",
        "Render",
        "Replace",
        "Run",
        "Scale",
        "Schedule",
        "Serve",
        "Set",
        "Shorten",
        "Simulate",
        "Start",
        "State",
        "Stop",
        "Switch",
        "Tag",
        "Taint",
        "Terminate",
        "Train",
        "Turn",
        "Undeploy",
        "Update",
        "Use",
        "Wait",
        "Waive",
        "Write",
        "Uninstall",
        "Install",
        "Clear",
        "Count",
        "Select",
        "Preview",
        "Limit",
        "Record",
    ]
)

NOUNS = (
    "pod|node|machine|instance|GPU|replica|unit|worker|container|task|host|second|hour|day|"
    "chip|accelerator|copy|resource|zone|type"
)


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Each text once by its kind, with where it was seen."""
    found: dict[str, dict[str, str]] = {}
    for where, report in _reports():
        for kind, text in _texts_of(report):
            found.setdefault(kind, {}).setdefault(text, where)
    return found


def _reports() -> Iterator[tuple[str, Report]]:
    book = open_book()
    for name, stack in every_stack().items():
        yield name, judge(stack.parts, book, parse(dict(stack.settings), "test"), TODAY)
    for name, case in cases().items():
        yield name, judge((stack_of(case),), book, Settings(), TODAY)
    for rule in all_rules():
        yield f"{rule.id} bad", report_on(rule.bad)
        yield f"{rule.id} good", report_on(rule.good)


def _texts_of(report: Report) -> Iterator[tuple[str, str]]:
    for finding in report.findings:
        yield "message", finding.message
        yield "fix", finding.fix
    for open_one in report.floor.undecided:
        yield "why", open_one.why
        yield "settle", open_one.settle
    for notice in report.floor.notices:
        yield "notice", notice.message
        yield "notice.fix", notice.fix
    for assumption in report.assumptions:
        yield "assumption", f"{assumption.what}: {assumption.because}"
    for entry in report.floor.entries:
        for link in entry.evidence:
            yield "because", link.because
        for hold in entry.holds:
            yield "hold.fix", hold.fix
            for link in hold.evidence:
                yield "because", link.because
    for note in report.estimate.footnotes:
        yield "footnote", note


def _wrong(kinds: tuple[str, ...], is_wrong: re.Pattern[str]) -> list[str]:
    return [
        f"{kind}: {text} ({where})"
        for kind in kinds
        for text, where in texts()[kind].items()
        if is_wrong.search(text)
    ]


def test_a_sentence_ends_with_one_full_stop() -> None:
    assert _wrong(SENTENCES, re.compile(r"[^.!?]$|\.\.$")) == []


def test_a_point_has_no_full_stop_of_its_own() -> None:
    assert _wrong((*POINTS, *CLAUSES), re.compile(r"\.$")) == []


# A name of the document or a property path may stand first, as it is spelled there.
_SMALL = re.compile(
    r"^(its?|the|an?|what|whether|how|when|empty|no|there|this|that|some|any|nothing|another|one|"
    r"they|if|of|for|after|in|on)\b"
)


def test_a_text_starts_with_a_capital() -> None:
    assert _wrong(("message", "fix", "why", "settle", "hold.fix", "notice"), _SMALL) == []


def test_a_fix_starts_with_a_verb() -> None:
    kinds = ("fix", "settle", "hold.fix", "notice.fix")
    wrong = {text for kind in kinds for text in texts()[kind] if text.split()[0] not in VERBS}
    assert wrong == set()


def test_a_text_is_short() -> None:
    wrong = []
    for kind in ("message", "fix", "why", "settle", "notice"):
        for text, where in texts()[kind].items():
            words = re.split(r"\s", text)
            lists = text.count(" and ") > 2 or text.count(", ") > 4
            most = LONGEST_WITH_PATH if lists or max(map(len, words)) > 30 else LONGEST
            if len(text) > most:
                wrong.append(f"{len(text)} {kind}: {text} ({where})")
    assert wrong == []


def test_a_number_goes_with_its_noun() -> None:
    plural = rf"(?<![\d.,:\w-])1 (?:{NOUNS})s\b"
    single = rf"(?<![\w.:/-])(?:[2-9]|[1-9]\d+) (?:{NOUNS})\b(?![-'])"
    kinds = (*SENTENCES, *POINTS, *CLAUSES, "notice")
    assert _wrong(kinds, re.compile(f"{plural}|{single}")) == []


def test_a_path_stands_once() -> None:
    wrong = re.compile(r"(?<![\w.\"])([a-z]\w*(?:\.\w+)+|[a-z]+[A-Z]\w*):? \1\b")
    assert _wrong(("message", "why", "notice"), wrong) == []


@pytest.mark.parametrize("words", BANNED)
def test_nothing_is_said_in_dialect(words: str) -> None:
    kinds = (*SENTENCES, *POINTS, *CLAUSES, "notice")
    pattern = rf"(?<![\w-]){words}(?![\w-])" if words[0] != "<" else words
    assert _wrong(kinds, re.compile(pattern, re.I)) == []


SOURCE_BANNED = re.compile(
    r"(?<![\w-])(nobody|somebody|for good|for ever|is a least|are a least|dear(er|est)?|brings?|"
    r"brought|comes? up|goes? away|is taken to|are taken to|in so far|can't be:|half a sentence|"
    r"a word about)(?![\w-])",
    re.I,
)

EXEMPT = ("dearest", '"dearest": {', '"dearest",')
"""A key of the JSON report."""


OTHER_FILES = (".yaml", ".json")
"""Templates that `adopt` writes, and the schemas with what they say of each field."""


def _words_of(path: Path) -> Iterator[tuple[int, str]]:
    """Texts, docstrings and comments of a module; the lines of a file that is none."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _dialect_in(root: Path) -> list[str]:
    paths = (path for suffix in (".py", *OTHER_FILES) for path in root.rglob(f"*{suffix}"))
    return [
        f"{path.relative_to(root)}:{line}: {match[0]}"
        for path in sorted(paths)
        if path.parent.name != "snapshot" and path.name != "names.json"  # Data of others.
        for line, text in _words_of(path)
        if text.strip() not in EXEMPT
        for match in SOURCE_BANNED.finditer(text)
    ]


def test_the_source_is_written_in_plain_words() -> None:
    assert _dialect_in(ROOT / "zerofloor") == []


ROOMS = sorted(
    path.relative_to(ROOT / "zerofloor").as_posix()
    for path in (ROOT / "zerofloor").rglob("*")
    if path.is_dir() and path.name not in ("__pycache__", "snapshot")
)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("bad.py", 'def f():\n    return "Nobody lowers it"\n'),
        ("bad.py", 'def f(n):\n    return f"{n} nodes that nobody lowers"\n'),
        ("bad.py", '"""What nobody lowers."""\n'),
        ("bad.py", "A = 1  # What nobody lowers.\n"),
        ("bad.yaml", "# What nobody lowers.\n"),
    ],
)
def test_a_bad_word_is_found_in_every_room(file: str, text: str, tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir(parents=True, exist_ok=True)
        (tmp_path / room / file).write_text(text, encoding="utf-8")
    assert {found.rpartition("/")[0] for found in _dialect_in(tmp_path)} == set(ROOMS)


EVIDENCE_PAGES = frozenset({"cases.md", "how-do-we-know.md", "ways.md"})
"""Made of what the cases and scenarios say themselves."""


def test_the_pages_are_written_in_plain_words() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in pages
        if path.name not in EVIDENCE_PAGES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in SOURCE_BANNED.finditer(line)
    ]
    assert wrong == []
