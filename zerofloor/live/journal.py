"""The undo file: complete on disk before the first change, and rewritten after each one, so that an
abort at any moment leaves a true record."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from zerofloor.errors import InputError
from zerofloor.live.values import UNDO_SCHEMA, Fault
from zerofloor.structs import Value


class Stage(StrEnum):
    """How far a change got."""

    PLANNED = "planned"
    """Not confirmed: it was not begun, or its answer never arrived."""
    DONE = "done"
    FAILED = "failed"
    """Refused, so certainly not made."""
    UNDONE = "undone"


_TO_UNDO: Final = (Stage.PLANNED, Stage.DONE)


class NotDone(Exception):
    """A change that did not succeed."""

    def __init__(self, why: str, *, certain: bool) -> None:
        super().__init__(why)
        self.certain = certain
        """Whether it certainly was not made."""


class Step(Value, frozen=True, kw_only=True):
    """One change."""

    what: str
    """What it changes, for people."""
    record: Mapping[str, Any]
    """What undoing it takes, as JSON."""
    act: Callable[[], None]
    """Makes it; raises NotDone."""


class Outcome(Value, frozen=True):
    """How many changes were made, and what failed."""

    done: int
    faults: tuple[Fault, ...]


def carry_out(path: Path, steps: Sequence[Step]) -> Outcome:
    """Writes the undo file, then makes each change; one that fails leaves the others to be made.

    Raises InputError where the file can't be written: nothing is changed then, or no more.
    """
    _refuse_occupied(path)
    stages = [Stage.PLANNED] * len(steps)
    records = [step.record for step in steps]
    try:
        _write(path, records, stages)
    except OSError as error:
        raise InputError(f"{path}: {_cause(error)}; nothing is changed") from None
    faults = []
    for index, step in enumerate(steps):
        try:
            step.act()
            stages[index] = Stage.DONE
        except NotDone as error:
            faults.append(Fault(step.what, str(error)))
            stages[index] = Stage.FAILED if error.certain else Stage.PLANNED
        try:
            _write(path, records, stages)
        except OSError as error:
            told = f"stopped after {index + 1} of {len(steps)}; the file has what was planned"
            raise InputError(f"{path}: {_cause(error)}; {told}") from None
    return Outcome(stages.count(Stage.DONE), tuple(faults))


def undo(path: Path, act: Callable[[Mapping[str, Any]], None]) -> Outcome:
    """Undoes what an undo file has as done or planned, and marks it. `act` raises NotDone, and
    KeyError, TypeError or ValueError for a record that is none.

    Raises InputError where the file is no undo file.
    """
    records = _read(path)
    stages = [_stage_of(path, record) for record in records]
    faults = []
    done = 0
    for index, record in enumerate(records):
        if stages[index] not in _TO_UNDO:
            continue
        try:
            act(record)
        except NotDone as error:
            faults.append(Fault(name_of(record), str(error)))
            continue
        except (KeyError, TypeError, ValueError):
            raise _no_undo_file(path) from None
        stages[index] = Stage.UNDONE
        done += 1
        # A file that can't be marked must not stop the undoing.
        with contextlib.suppress(OSError):
            _write(path, records, stages)
    return Outcome(done, tuple(faults))


def to_undo(path: Path) -> int:
    """How many changes an undo file has that are not undone. Raises InputError where it is none."""
    return sum(_stage_of(path, record) in _TO_UNDO for record in _read(path))


def name_of(record: Mapping[str, Any]) -> str:
    """What a record changes, for people."""
    place = record.get("region") or record.get("context") or ""
    return f"{record.get('kind')} {record.get('id')} in {place}"


def _refuse_occupied(path: Path) -> None:
    """Raises InputError where writing the file would lose something."""
    if not path.name:
        raise InputError("reap: --undo-file is an empty name; nothing is changed")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path}: not an ordinary file, so no place for an undo file")
    if path.exists() and to_undo(path):
        told = "has changes that are not undone: undo them, or name another --undo-file"
        raise InputError(f"{path}: {told}; nothing is changed")


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    except ValueError:
        raise _no_undo_file(path) from None
    records = document.get("undo") if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise _no_undo_file(path)
    return records


def _stage_of(path: Path, record: Mapping[str, Any]) -> Stage:
    try:
        return Stage(record.get("stage", Stage.DONE))  # files of before had only what was done
    except ValueError:
        raise _no_undo_file(path) from None


def _no_undo_file(path: Path) -> InputError:
    return InputError(f"{path}: not an undo file of `zerofloor reap`")


def _cause(error: OSError) -> str:
    return f"can't be written: {error.strerror or error}"


def _write(path: Path, records: Sequence[Mapping[str, Any]], stages: Sequence[Stage]) -> None:
    """The whole file on disk, in place of the one before it. Raises OSError."""
    listed = [{**record, "stage": stage} for record, stage in zip(records, stages, strict=True)]
    text = json.dumps({"schema": UNDO_SCHEMA, "undo": listed}, indent=2) + "\n"
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    with _folder_of(path) as folder:
        os.fsync(folder)


@contextlib.contextmanager
def _folder_of(path: Path) -> Iterator[int]:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield folder
    finally:
        os.close(folder)
