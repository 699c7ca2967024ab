"""`make mutants` knows every room and its tests, and lists no equivalent change that isn't one."""

from __future__ import annotations

from pathlib import Path

from tools import mutants

ROOT = Path(__file__).parents[1]


def test_every_room_has_tests() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "zerofloor").rglob("*.py")]
    rooms = {mutants.room_of(file) for file in files} - {"schema"}
    lacking = {
        room: test
        for room in rooms
        for test in mutants.tests_of(room)
        if not (ROOT / test).exists()
    }
    assert lacking == {}


def test_each_equivalent_change_is_a_change_of_this_code() -> None:
    for key, reason in mutants.equivalents().items():
        assert reason
        path = ROOT / key.partition("::")[0]
        assert key in {maker.key for maker in mutants.mutants_of(path)}, key
