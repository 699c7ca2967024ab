"""Small wrong changes, one at a time, against the tests of their room: `make mutants`.

A sample over every room, chosen by a fixed seed and by what each change is, so that an edit
elsewhere leaves it as it was. Each mutant is tried in a copy of the checkout. Prints each that no
test kills, and the share killed by room. Results are kept in `.work/mutants.jsonl`: a second run
tries what is new, what has changed, and what survived.

A change that no input can tell from the original stands in `tools/mutants_equivalent.yaml` with
the reason; it is listed and not counted.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml

ROOT = Path(__file__).parents[1]
LOG = ROOT / ".work" / "mutants.jsonl"
EQUIVALENT = ROOT / "tools" / "mutants_equivalent.yaml"
SEED = "20261127"
LEAST = 5
"""Mutants of a room at least; the rest of the sample goes by the size of the rooms."""
JUDGED = ("tests/test_cases.py", "tests/test_judge.py")
NICE = 10
LIMIT = 240.0
"""CPU seconds of tests (as recorded, under a profiler) for one mutant: of more, every so many."""


def _platform(name: str) -> tuple[str, ...]:
    return (
        f"tests/platforms/{name}",
        "tests/platforms/test_hiding.py",
        "tests/platforms/test_changes.py",
        "tests/platforms/test_links.py",
        "tests/platforms/test_families.py",
        *JUDGED,
    )


STACKS = tuple(
    f"tests/platforms/{name}" for name in ("aws", "azure", "clouds", "google", "kubernetes")
)
TESTS: dict[str, tuple[str, ...]] = {
    "cli": ("tests/cli", "tests/fireworks/test_commands.py", "tests/test_ci_pages.py"),
    "components": ("tests/components",),
    "cost": ("tests/cost", "tests/rules", "tests/reports", *JUDGED),
    "documents": ("tests/documents", "tests/platforms/aws/test_stacks.py"),
    "engine": ("tests/engine",),
    "fireworks": ("tests/fireworks",),
    "floor": (
        "tests/floor",
        "tests/platforms/kubernetes",
        "tests/platforms/aws",
        "tests/rules",
        *JUDGED,
    ),
    "gate": ("tests/gate", "tests/rules", "tests/test_judge.py"),
    "hardware": ("tests/hardware", *STACKS),
    "model": (
        "tests/test_estate.py",
        "tests/test_extras.py",
        "tests/test_schedules.py",
        "tests/test_words.py",
        "tests/test_judge.py",
        "tests/rules",
        "tests/cost",
        *STACKS,
    ),
    "platforms/aws": _platform("aws"),
    "platforms/azure": _platform("azure"),
    "platforms/clouds": _platform("clouds"),
    "platforms/google": _platform("google"),
    "platforms/kubernetes": _platform("kubernetes"),
    "platforms/shared": (
        "tests/platforms/test_unread.py",
        "tests/simulation/test_services.py",
        *STACKS,
        *JUDGED,
    ),
    "prices": ("tests/prices", "tests/cost"),
    "reports": ("tests/reports",),
    "rules": ("tests/rules", "tests/test_docs.py", *JUDGED),
    "settings": ("tests/settings", "tests/gate", "tests/rules"),
}
"""By room: the tests that mirror it, the likeliest to fail first."""


def tests_of(room: str) -> tuple[str, ...]:
    """The tests of a room; of one that isn't listed, the folder of its name."""
    return TESTS.get(room) or (f"tests/{room}",)


DATA = ("zerofloor/schema/",)
"""What is data and no code."""


def room_of(file: str) -> str:
    """The room of a file under zerofloor/: its folder; its platform, for those with a folder."""
    parts = Path(file).parts[1:]
    if len(parts) == 1:
        return "model"
    if parts[0] != "platforms":
        return parts[0]
    room = f"platforms/{parts[1]}"
    return room if len(parts) > 2 and room in TESTS else "platforms/shared"


# --- what a mutant is -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong change."""

    file: str
    """Relative to the checkout."""
    line: int
    key: str
    """`file::function: expression: change`, and a number where the same occurs again."""
    function: int
    """The first line of the function around it; 0 outside of functions."""
    text: str
    """The file's whole text with the change in it."""

    @property
    def room(self) -> str:
        return room_of(self.file)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


SWAPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
Change = Callable[[ast.AST], None]


def mutants_of(path: Path) -> Iterator[_Made]:
    """Every small wrong change of a file, each made when it is called for."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    file = path.relative_to(ROOT).as_posix()
    nodes = list(ast.walk(tree))
    places, functions = _places(tree)
    again: Counter[str] = Counter()
    for index, node in enumerate(nodes):
        if id(node) not in places:
            continue
        for what, change in _changes(node):
            shown = " ".join(ast.unparse(_shown(node)).split())[:120]
            key = f"{file}::{places[id(node)]}: {shown}: {what}"
            again[key] += 1
            if again[key] > 1:
                key += f" #{again[key]}"
            line = getattr(node, "lineno", 0)
            yield _Made(tree, index, change, file, line, functions[id(node)], key)


@dataclass(frozen=True, slots=True)
class _Made:
    """A change that isn't made yet."""

    tree: ast.Module
    index: int
    change: Change
    file: str
    line: int
    function: int
    key: str

    def __call__(self) -> Mutant:
        mutated = copy.deepcopy(self.tree)
        self.change(list(ast.walk(mutated))[self.index])
        text = ast.unparse(ast.fix_missing_locations(mutated))
        return Mutant(self.file, self.line, self.key, self.function, text)


def _shown(node: ast.AST) -> ast.AST:
    return node.test if isinstance(node, ast.If) else node


def _places(tree: ast.Module) -> tuple[dict[int, str], dict[int, int]]:
    """By node that runs: the name of the function or class around it, and the first line of that
    function. Annotations are left out."""
    names: dict[int, str] = {}
    functions: dict[int, int] = {}

    def visit(node: ast.AST, place: str, function: int) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        names[id(node)], functions[id(node)] = place, function
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            place = f"{place}.{node.name}".lstrip(".")
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "type_params"):
                continue
            inner = function
            if isinstance(node, ast.FunctionDef) and name == "body":
                inner = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child, place, inner)

    visit(tree, "", 0)
    return names, functions


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield f"{type(node.ops[0]).__name__} swapped", _swap_comparison
    if isinstance(node, ast.BoolOp):
        yield "and/or swapped", _swap_boolean
        for number in range(len(node.values)):
            yield f"operand {number + 1} dropped", _dropping(number)
    if isinstance(node, ast.If) and not isinstance(node.test, ast.Constant):
        yield "never taken", _never
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", _drop_not
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("min", "max")
    ):
        yield "min/max swapped", _swap_extreme
    if isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value < 1000:
        yield "one more", _increment


def _swap_comparison(node: ast.AST) -> None:
    assert isinstance(node, ast.Compare)
    node.ops[0] = SWAPS[type(node.ops[0])]()


def _swap_boolean(node: ast.AST) -> None:
    assert isinstance(node, ast.BoolOp)
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


def _dropping(number: int) -> Change:
    def drop(node: ast.AST) -> None:
        assert isinstance(node, ast.BoolOp)
        del node.values[number]
        if len(node.values) == 1:  # Unparsed, an "and" of one is that one.
            node.values.append(node.values[0])

    return drop


def _never(node: ast.AST) -> None:
    assert isinstance(node, ast.If)
    node.test = ast.Constant(value=False)


def _drop_not(node: ast.AST) -> None:
    assert isinstance(node, ast.UnaryOp)
    node.op, node.operand = ast.Not(), ast.UnaryOp(op=ast.Not(), operand=node.operand)


def _swap_extreme(node: ast.AST) -> None:
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    node.func.id = "max" if node.func.id == "min" else "min"


def _increment(node: ast.AST) -> None:
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, int)
    node.value += 1


# --- the sample -----------------------------------------------------------------------------


def sample(number: int, seed: str = SEED) -> list[Mutant]:
    """As many mutants, some of each room. What is chosen depends on the seed and on each mutant's
    own key, so that it stays the same while other code changes."""
    by_room: dict[str, list[_Made]] = defaultdict(list)
    for path in sorted((ROOT / "zerofloor").rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        if not file.startswith(DATA):
            by_room[room_of(file)] += mutants_of(path)
    every = sum(map(len, by_room.values()))
    by_size = max(0, number - LEAST * len(by_room))
    chosen: list[Mutant] = []
    for _, makers in sorted(by_room.items()):
        wanted = LEAST + round(by_size * len(makers) / every)
        ranked = sorted(makers, key=lambda maker: _rank(maker.key, seed))
        chosen += [maker() for maker in ranked[:wanted]]
    return chosen


def _rank(key: str, seed: str) -> str:
    return hashlib.sha256(f"{seed} {key}".encode()).hexdigest()


def equivalents() -> Mapping[str, str]:
    """By key: why no input can tell the change."""
    found: Mapping[str, str] = yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or {}
    return found


# --- trying ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """What the tests made of a mutant."""

    key: str
    digest: str
    killed_by: str
    """The first test that failed; empty where none did."""
    seconds: float


class Log:
    """The results so far, a line each; a later one of a key replaces an earlier one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[str, Result] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                result = Result(**json.loads(line))
                self.results[result.key] = result

    def killed(self, mutant: Mutant) -> bool:
        """Whether exactly this change was killed before."""
        known = self.results.get(mutant.key)
        return known is not None and known.digest == mutant.digest and bool(known.killed_by)

    def add(self, result: Result) -> None:
        self.results[result.key] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            line = {name: getattr(result, name) for name in Result.__slots__}
            file.write(json.dumps(line) + "\n")


class Failed(Exception):
    """The tests can't judge a mutant."""


def pytest(checkout: Path, tests: Sequence[str], limit: float, *options: str) -> str:
    """The first test that fails in a checkout; empty where all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    command += ["-m", "not long and not engine", *options, *tests]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(checkout)
    try:
        done = subprocess.run(
            command,
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "time limit"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if not lines and done.returncode not in (1, 2, 4):
        raise Failed(f"pytest ended with {done.returncode}: {done.stdout}{done.stderr}")
    return (lines[0] if lines else f"exit {done.returncode}")[:300]


class Called:
    """Which functions each test of a room calls, and how long it takes."""

    def __init__(self, room: str, checkout: Path) -> None:
        tests = [test for test in tests_of(room) if (checkout / test).exists()]
        digest = hashlib.sha256()
        for folder in ("zerofloor", *tests, "tests/platforms/stacks.py", "tests/cases.py"):
            for path in sorted((ROOT / folder).rglob("*") or [ROOT / folder]):
                if path.is_file() and path.suffix in (".py", ".yaml", ".json"):
                    digest.update(path.read_bytes())
        kept = LOG.parent / "mutants" / f"{room.replace('/', '-')}-{digest.hexdigest()[:16]}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            written = kept.with_suffix(".part")
            options = ["-p", "tools.called", "--called", str(written)]
            name = room.removeprefix("platforms/")
            if f"tests/platforms/{name}" in tests:
                others = "test_hiding or test_changes or test_links"
                options += ["-k", f"not ({others}) or {name}/ or -{name}"]
            failing = pytest(checkout, tests, 3600, *options)
            if failing:
                raise Failed(f"{room}: its tests fail without a change: {failing}")
            written.replace(kept)
        found = json.loads(kept.read_text(encoding="utf-8"))
        self.tests: dict[str, tuple[float, frozenset[str]]] = {
            test: (seconds, frozenset(names)) for test, (seconds, names) in found.items()
        }

    def chosen(self, mutant: Mutant) -> list[str]:
        """The tests that may tell it: those that call its function (its file, for what runs at
        import), and those that call nothing here since they start another process. The quickest
        first; every so many where they take more than LIMIT."""
        function = f"{mutant.file}:{mutant.function}"
        near = {test for test, (_, names) in self.tests.items() if function in names}
        if not near:
            near = {
                test
                for test, (_, names) in self.tests.items()
                if any(name.startswith(f"{mutant.file}:") for name in names)
            }
        blind = {test for test, (_, names) in self.tests.items() if not names}
        return [*self._limited(near), *self._limited(blind)]

    def _limited(self, tests: set[str]) -> list[str]:
        ranked = sorted(tests, key=lambda test: (self.tests[test][0], test))
        whole = sum(self.tests[test][0] for test in ranked)
        return ranked[:: max(1, round(whole / LIMIT))]


def attempt(mutant: Mutant, checkout: Path, tests: Sequence[str]) -> Result:
    """The result of one mutant."""
    target = checkout / mutant.file
    before = target.read_text(encoding="utf-8")
    began = time.monotonic()
    target.write_text(mutant.text, encoding="utf-8")
    try:
        killed_by = pytest(checkout, tests, 900) if tests else ""
    finally:
        target.write_text(before, encoding="utf-8")
    return Result(mutant.key, mutant.digest, killed_by, round(time.monotonic() - began, 1))


def copied(place: Path) -> Path:
    """A copy of the checkout that shares what `make engine` has built."""
    ignored = shutil.ignore_patterns(".venv", ".work", ".git", ".*_cache")
    shutil.copytree(ROOT, place, ignore=ignored)
    if (ROOT / ".work").is_dir():
        (place / ".work").mkdir()
        for built in (ROOT / ".work").iterdir():
            if built.is_dir():
                (place / ".work" / built.name).symlink_to(built)
    return place


def try_again(mutants: Sequence[Mutant], place: Path, log: Log) -> list[Mutant]:
    """The mutants that aren't killed by the test that killed the same change in an earlier text
    of its file."""
    left = []
    for mutant in mutants:
        known = log.results.get(mutant.key)
        test = known.killed_by.removeprefix("FAILED ").split(" - ")[0] if known else ""
        result = attempt(mutant, place, [test]) if test.startswith("tests/") else None
        if result is not None and result.killed_by.startswith("FAILED"):
            log.add(result)
            print(f"killed   {result.seconds:6.1f} s  {mutant.key}", flush=True)  # noqa: T201
        else:
            left.append(mutant)
    return left


def try_room(room: str, mutants: Sequence[Mutant], places: Sequence[Path], log: Log) -> None:
    """Try a room's mutants, each in the copy that is free; raises Failed where its tests fail
    without a change."""
    mutants = try_again(mutants, places[0], log)
    if not mutants:
        return
    called = Called(room, places[0])
    free: SimpleQueue[Path] = SimpleQueue()
    for place in places:
        free.put(place)

    def work(mutant: Mutant) -> None:
        place = free.get()
        try:
            result = attempt(mutant, place, called.chosen(mutant))
        finally:
            free.put(place)
        log.add(result)
        told = "killed" if result.killed_by else "SURVIVED"
        print(f"{told:8} {result.seconds:6.1f} s  {mutant.key}", flush=True)  # noqa: T201

    with ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(work, mutants))


# --- telling --------------------------------------------------------------------------------


def summary(chosen: Sequence[Mutant], log: Log, known: Mapping[str, str]) -> Iterator[str]:
    """The survivors, the equivalent ones, and the share killed by room."""
    tried: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for mutant in chosen:
        result = log.results.get(mutant.key)
        if mutant.key in known:
            same[mutant.room] += 1
        elif result is not None:
            tried[mutant.room] += 1
            killed[mutant.room] += bool(result.killed_by)
            if not result.killed_by:
                yield f"survived: line {mutant.line} of {mutant.key}"
    for key in sorted(known.keys() & {mutant.key for mutant in chosen}):
        yield f"equivalent: {key}: {known[key]}"
    yield f"{'room':22} tried killed equivalent  share"
    for room in sorted(tried | same):
        yield _row(room, tried[room], killed[room], same[room])
    yield _row("all", tried.total(), killed.total(), same.total())


def _row(room: str, tried: int, killed: int, same: int) -> str:
    share = f"{100 * killed / tried:4.0f} %" if tried else "     -"
    return f"{room:22} {tried:5} {killed:6} {same:10} {share}"


def main() -> int:
    """0; the figures are for people to judge. 2 where tests fail without a change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("number", nargs="?", type=int, default=200, help="default: 200")
    parser.add_argument("--room", action="append", help="only this room; may be given again")
    parser.add_argument("--seed", default=SEED, help=f"another sample (default: {SEED})")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--fresh", action="store_true", help="try again what was killed before")
    parser.add_argument("--list", action="store_true", help="print the sample and try nothing")
    options = parser.parse_args()
    chosen = [
        m
        for m in sample(options.number, options.seed)
        if not options.room or m.room in options.room
    ]
    if options.list:
        for mutant in chosen:
            print(f"line {mutant.line} of {mutant.key}")  # noqa: T201
        return 0
    os.nice(NICE)
    log, known = Log(LOG), equivalents()
    by_room: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in chosen:
        if mutant.key not in known and (options.fresh or not log.killed(mutant)):
            by_room[mutant.room].append(mutant)
    with tempfile.TemporaryDirectory() as folder:
        places = [copied(Path(folder) / str(number)) for number in range(options.jobs)]
        failed = False
        for room, mutants in sorted(by_room.items()):
            try:
                try_room(room, mutants, places, log)
            except Failed as error:
                failed = True
                print(error, file=sys.stderr, flush=True)  # noqa: T201
    for line in summary(chosen, log, known):
        print(line)  # noqa: T201
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
