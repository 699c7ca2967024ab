"""Mutated documents: `python -m tests.documents.fuzz 20000 [SEED]` runs as many as asked; the suite
runs a sample.

Each starts from a labelled case, a scenario of the real controllers or a document of the engine's,
and is cut, mistyped or filled with hostile values. Whatever it is, it is judged or refused in one
line; and where only what is known became less (a value hidden, a file cut), a stack that failed
does not pass. A value of a wrong type that makes one pass is printed as well: mostly the platform
refuses it, and then it is right.
"""

from __future__ import annotations

import copy
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.cases import DATA, cases, digest_of, truth_manifests, truths
from zerofloor import platforms
from zerofloor.documents import read
from zerofloor.errors import InputError
from zerofloor.estate import estate
from zerofloor.floor.find import find_floor
from zerofloor.settings import Settings
from zerofloor.stack import Stack

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET_MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    2**63,
    10**400,
    float("1.5"),
    "",
    " ",
    "\u0000",
    "\ud800",
    "٣",
    "1e9",
    "x" * 10_000,
    "{{ .Values.gpu }}",
    [],
    {},
    [[]],
    {"": ""},
    {"__proto__": {"x": 1}},
    {"4dabf18193072939515e22adb298388d": "no such mark"},
)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutated document."""

    base: str
    what: str
    data: bytes
    poorer: bool
    """Whether it only says less than its base: then it must not pass where that failed."""
    mistyped: bool = False
    """Whether a value is of a type that its place can't have."""


@cache
def bases() -> dict[str, Any]:
    """Documents by name: digests as objects, manifests as lists of objects, others as text."""
    found: dict[str, Any] = {name: json.loads(digest_of(case)) for name, case in cases().items()}
    for name, truth in truths().items():
        objects = json.loads(truth_manifests(truth))
        found[f"truth {name}"] = objects
    for path in sorted((DATA / "engine").glob("*.json*")):
        found[f"engine {path.name}"] = path.read_text()
    return found


def mutants(count: int, seed: int) -> Iterator[Mutant]:
    """As many mutants, the same for the same seed."""
    chance = random.Random(seed)
    names = sorted(bases())
    for _ in range(count):
        name = chance.choice(names)
        yield chance.choice(_WAYS)(chance, name, bases()[name])


def _text(base: Any) -> str:
    return base if isinstance(base, str) else json.dumps(base)


def _cut(chance: random.Random, name: str, base: Any) -> Mutant:
    data = _text(base).encode()
    end = chance.randrange(len(data))
    return Mutant(name, f"cut at {end}", data[:end], poorer=not name.endswith(".jsonl"))


def _bytes(chance: random.Random, name: str, base: Any) -> Mutant:
    data = bytearray(_text(base).encode())
    for _ in range(chance.randrange(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return Mutant(name, "bytes", bytes(data), poorer=False)


def _value(chance: random.Random, name: str, base: Any) -> Mutant:
    return _put(chance, name, base, chance.choice(HOSTILE), poorer=False)


def _hide(chance: random.Random, name: str, base: Any) -> Mutant:
    return _put(chance, name, base, chance.choice((UNKNOWN, SECRET_MARK)), poorer=True)


def _mistype(chance: random.Random, name: str, base: Any) -> Mutant:
    """A value of another type than the one that stands there."""
    return _put(chance, name, base, None, poorer=False, other=True)


def _remove(chance: random.Random, name: str, base: Any) -> Mutant:
    return _put(chance, name, base, _GONE, poorer=False)


_GONE = object()
_WAYS: tuple[Callable[[random.Random, str, Any], Mutant], ...] = (
    _cut, _bytes, _value, _value, _hide, _hide, _mistype, _mistype, _remove,
)  # fmt: skip


def _put(
    chance: random.Random, name: str, base: Any, new: Any, *, poorer: bool, other: bool = False
) -> Mutant:
    if isinstance(base, str):
        return _bytes(chance, name, base)
    document = copy.deepcopy(base)
    places = [path for path in _paths(document) if _is_input(path)]
    path = chance.choice(places)
    holder = document
    for step in path[:-1]:
        holder = holder[step]
    if other:
        new = _of_another_type(chance, holder[path[-1]])
    if new is _GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    shown = ".".join(map(str, path))
    what = f"{shown} = {str(new)[:40]!r}"
    return Mutant(name, what, _dump(document), poorer, mistyped=other)


def _dump(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", errors="surrogatepass")


def _of_another_type(chance: random.Random, value: Any) -> Any:
    """Something that the platform would refuse in this place."""
    if isinstance(value, dict | list):
        return chance.choice(("text", 7))
    if isinstance(value, str):
        return chance.choice(({"a": "b"}, [["a"]]))
    return chance.choice(("seven", {"a": 1}))


def _is_input(path: Path) -> bool:
    """Whether a path leads into a resource's inputs: what is around them is the engine's."""
    return "inputs" in path[:-1] or "items" in path[:2]


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    steps: Any = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        yield (*path, step)
        yield from _paths(inner, (*path, step))


@cache
def fails(name: str) -> bool:
    """Whether the base itself is held or undecided."""
    return verdict(_text(bases()[name]).encode()) not in ("zero", "refused")


def verdict(data: bytes) -> str:
    """held, undecided or zero; refused where it is refused in one line."""
    try:
        stack: Stack = read("document", data)
        whole = estate((stack,), Settings())
        return find_floor(platforms.read(whole), whole).verdict
    except InputError as error:
        if "\n" in str(error):
            raise ValueError("a message of several lines") from error
        return "refused"


def fault(mutant: Mutant) -> str | None:
    """What is wrong with how a mutant is judged; None where nothing is."""
    started = time.monotonic()
    try:
        found = verdict(mutant.data)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if time.monotonic() - started > 20:
        return "more than 20 s"
    if mutant.poorer and found == "zero" and fails(mutant.base):
        return "passes, and its base fails"
    return None


def doubt(mutant: Mutant) -> str | None:
    """Whether a value of a wrong type makes a failing stack pass: to be looked at."""
    if mutant.mistyped and fails(mutant.base) and verdict(mutant.data) == "zero":
        return "mistyped, passes, and its base fails"
    return None


def main() -> int:
    """Prints each fault; exit 1 where there is one."""
    count, seed = (int(word) for word in (*sys.argv[1:], "1000", "1")[:2])
    faults = doubts = 0
    for mutant in mutants(count, seed):
        said = fault(mutant)
        faults += said is not None
        if said is None:
            said = doubt(mutant)
            doubts += said is not None
        if said is not None:
            sys.stdout.write(f"{mutant.base}: {mutant.what}: {said}\n")
    sys.stdout.write(f"{count} documents, {faults} faults, {doubts} mistyped ones that pass\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
