"""Small wrong changes, one at a time, against the tests of their room: `make mutants`.

A fixed seed chooses a sample over every room. Each mutant is tried in a copy of the checkout; one
that no test kills is printed with its file, line and change. Prints the share killed, by room.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SEED = 20261127
COMMON = ("tests/test_cases.py", "tests/platforms/test_hiding.py")
TESTS: dict[str, tuple[str, ...]] = {
    "cost": ("tests/cost", "tests/test_judge.py"),
    "documents": ("tests/documents",),
    "floor": ("tests/floor", "tests/platforms", "tests/test_cases.py"),
    "gate": ("tests/gate", "tests/test_judge.py", "tests/rules", "tests/cli"),
    "hardware": ("tests/hardware", "tests/platforms"),
    "platforms/aws": ("tests/platforms/aws", *COMMON),
    "platforms/azure": ("tests/platforms/azure", *COMMON),
    "platforms/clouds": ("tests/platforms/clouds", *COMMON),
    "platforms/google": ("tests/platforms/google", *COMMON),
    "platforms/kubernetes": ("tests/platforms/kubernetes", *COMMON),
    "platforms": ("tests/platforms", "tests/test_cases.py"),
    "prices": ("tests/prices", "tests/cost"),
    "reports": ("tests/reports", "tests/cli"),
    "rules": ("tests/rules", "tests/test_judge.py"),
    "settings": ("tests/settings", "tests/test_gate.py", "tests/gate", "tests/cli"),
}
"""By the longest prefix of a file under zerofloor/: the tests that mirror it."""

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


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong change."""

    room: str
    file: str
    """Relative to the checkout."""
    line: int
    what: str
    text: str
    """The file's whole text with the change in it."""


def mutants_of(path: Path, room: str) -> Iterator[Mutant]:
    """Every small wrong change of a file that parses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    file = str(path.relative_to(ROOT))
    nodes = list(ast.walk(tree))
    for index, node in enumerate(nodes):
        for what, change in _changes(node):
            mutated = copy.deepcopy(tree)
            change(list(ast.walk(mutated))[index])
            line = getattr(node, "lineno", 0)
            yield Mutant(room, file, line, what, ast.unparse(ast.fix_missing_locations(mutated)))


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield f"comparison {type(node.ops[0]).__name__} swapped", _swap_comparison
    if isinstance(node, ast.BoolOp):
        yield "and/or swapped", _swap_boolean
    if isinstance(node, ast.If) and not isinstance(node.test, ast.Constant):
        yield "branch never taken", _never
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", _drop_not
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("min", "max")
    ):
        yield "min/max swapped", _swap_extreme
    if isinstance(node, ast.Constant) and type(node.value) is int and 0 <= node.value < 1000:
        yield f"{node.value} becomes {node.value + 1}", _increment


def _swap_comparison(node: ast.AST) -> None:
    assert isinstance(node, ast.Compare)
    node.ops[0] = SWAPS[type(node.ops[0])]()


def _swap_boolean(node: ast.AST) -> None:
    assert isinstance(node, ast.BoolOp)
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


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
    node.value = int(str(node.value)) + 1


def room_of(path: Path) -> str | None:
    """The longest entry of TESTS that a file stands under."""
    inside = path.relative_to(ROOT / "zerofloor").with_suffix("").as_posix()
    fitting = [room for room in TESTS if inside == room or inside.startswith(f"{room}/")]
    return max(fitting, key=len, default=None)


def sample(number: int) -> list[Mutant]:
    """A sample with a fixed seed, spread over the rooms."""
    chooser = random.Random(SEED)
    by_room: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((ROOT / "zerofloor").rglob("*.py")):
        room = room_of(path)
        if room is not None:
            by_room[room].append(path)
    chosen: list[Mutant] = []
    for room, paths in sorted(by_room.items()):
        every = [mutant for path in paths for mutant in mutants_of(path, room)]
        wanted = max(1, number // len(by_room))
        chosen += chooser.sample(every, min(wanted, len(every)))
    return chosen


def is_killed(mutant: Mutant, checkout: Path) -> bool:
    """Whether a test of the mutant's room fails with it."""
    target = checkout / mutant.file
    before = target.read_text(encoding="utf-8")
    target.write_text(mutant.text, encoding="utf-8")
    tests = [test for test in TESTS[mutant.room] if (checkout / test).exists()]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not long",
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    try:
        done = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, timeout=600, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        target.write_text(before, encoding="utf-8")
    return done.returncode != 0


def main() -> int:
    """0; the figures are for people to judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=200, help="mutants (default: 200)")
    parser.add_argument("--room", help="only this room")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [m for m in sample(options.number) if options.room in (None, m.room)]
    killed: dict[str, int] = defaultdict(int)
    tried: dict[str, int] = defaultdict(int)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        copies = [Path(folder) / str(number) for number in range(options.jobs)]
        for place in copies:
            ignored = shutil.ignore_patterns(".venv", ".work", ".git", "__pycache__")
            shutil.copytree(ROOT, place, ignore=ignored)
        lanes = [chosen[lane :: options.jobs] for lane in range(options.jobs)]
        work = [
            pool.submit(lambda lane, place: [(m, is_killed(m, place)) for m in lane], lane, place)
            for lane, place in zip(lanes, copies, strict=True)
        ]
        results = [result for done in work for result in done.result()]
    for mutant, dead in results:
        tried[mutant.room] += 1
        killed[mutant.room] += dead
        if not dead:
            sys.stdout.write(f"survived: {mutant.file}:{mutant.line} {mutant.what}\n")
    for room in sorted(tried):
        share = 100 * killed[room] / tried[room]
        sys.stdout.write(f"{room:22} {killed[room]:>3} of {tried[room]:>3} killed, {share:.0f} %\n")
    total = 100 * sum(killed.values()) / max(1, sum(tried.values()))
    sys.stdout.write(f"all                    {total:.0f} % killed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
