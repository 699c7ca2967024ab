"""Make the embedded price snapshot from gathered tables, or say whether it is what its manifest
says.

python tools/snapshot.py make FOLDER --gathered 2026-11-23    copies the tables, writes the
manifest, prints what changed
python tools/snapshot.py verify                               exit 1 where something is wrong with
the snapshot
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import io
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from zerofloor.hardware.instances import lookup
from zerofloor.prices.book import PriceBook
from zerofloor.prices.embedded import TABLES
from zerofloor.prices.verify import KEYS, check_table, verify

SNAPSHOT = Path(__file__).parent.parent / "zerofloor" / "prices" / "snapshot"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    make_parser = commands.add_parser("make")
    make_parser.add_argument("folder", type=Path)
    make_parser.add_argument("--gathered", type=datetime.date.fromisoformat, required=True)
    make_parser.add_argument("--into", type=Path, default=SNAPSHOT)
    commands.add_parser("verify")
    given = parser.parse_args(arguments)
    lines = make(given.folder, given.into, given.gathered) if given.command == "make" else check()
    print("\n".join(lines) or "nothing to say")  # noqa: T201
    return 1 if given.command == "verify" and lines else 0


def make(source: Path, target: Path, gathered: datetime.date) -> list[str]:
    """Put the gathered tables into `target`, sorted by what identifies a row, and say what changed.
    ValueError for a bad row."""
    changes: list[str] = []
    tables = {name: _sorted(name, (source / name).read_text(encoding="utf-8")) for name in TABLES}
    problems = [problem for name, text in tables.items() for problem in check_table(name, text)]
    if problems:
        raise ValueError("\n".join(f"{problem.where} {problem.text}" for problem in problems))
    for name, text in tables.items():
        old = target / name
        changes.extend(diff(name, old.read_text(encoding="utf-8") if old.exists() else "", text))
    unknown = sorted(
        {
            row["instance_type"]
            for row in csv.DictReader(io.StringIO(tables["gpu_prices.csv"]))
            if (shape := lookup(row["cloud"], row["instance_type"])) is None or shape.gpus is None
        }
    )
    target.mkdir(parents=True, exist_ok=True)
    for name, text in tables.items():
        (target / name).unlink(missing_ok=True)
        (target / name).write_text(text, encoding="utf-8")
    manifest = {
        "gathered": gathered.isoformat(),
        "sha256": {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in tables.items()
        },
        "types_of_unknown_size": unknown,
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return changes


def diff(name: str, old: str, new: str) -> Iterator[str]:
    """One line for each row that came, went or changed; a price's change in percent."""
    before, after = _by_key(name, old), _by_key(name, new)
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        what = f"{name}: {' '.join(key)}"
        if was is None or now is None:
            yield f"{'+' if was is None else '-'} {what}"
            continue
        changed = [column for column in now if was.get(column) != now[column]]
        for column in changed:
            percent = ""
            if column.startswith("usd") and was.get(column) and now[column]:
                percent = f" ({(Decimal(now[column]) / Decimal(was[column]) - 1) * 100:+.1f}%)"
            yield f"~ {what}: {column} {was.get(column)} -> {now[column]}{percent}"


def check() -> list[str]:
    """The errors of the snapshot that is in the tree (its age is judged where it is used)."""
    today = datetime.date.fromisoformat(PriceBook().snapshot_as_of)
    return [f"{problem.where} {problem.text}" for problem in verify(PriceBook(), today)]


def _sorted(name: str, text: str) -> str:
    head, *rows = list(csv.reader(io.StringIO(text)))
    columns = [head.index(column) for column in KEYS[name]]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [head, *sorted(rows, key=lambda row: [row[column] for column in columns])]
    )
    return out.getvalue()


def _by_key(name: str, text: str) -> dict[tuple[str, ...], dict[str, str]]:
    return {
        tuple(row[column] for column in KEYS[name]): row
        for row in csv.DictReader(io.StringIO(text))
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
