"""The embedded snapshot: each row says where it comes from, none is a slip, and what changed can be
read as rows."""

from __future__ import annotations

import csv
import datetime
import io
import json
from importlib import resources
from pathlib import Path

import pytest

from tools.snapshot import check, diff, make
from zerofloor.prices.book import PriceBook
from zerofloor.prices.embedded import TABLES
from zerofloor.prices.verify import check_table, verify

HEAD = "cloud,instance_type,region,purchase_option,usd_per_hour,source,source_date\n"
ROWS = [
    "aws,g5.xlarge,us-east-1,on_demand,1.006,list,2026-07-20",
    "aws,g5.xlarge,us-west-2,on_demand,1.006,list,2026-07-20",
    "aws,g5.2xlarge,us-west-2,on_demand,1.212,list,unknown",
]


def test_the_snapshot_is_whole() -> None:
    assert verify(PriceBook(), datetime.date(2026, 11, 24)) == ()
    assert check() == []


def test_a_table_that_was_edited_by_hand_and_a_type_that_nobody_knows_are_found(
    tmp_path: Path,
) -> None:
    with resources.as_file(resources.files("zerofloor.prices").joinpath("snapshot")) as folder:
        for name in (*TABLES, "manifest.json"):
            (tmp_path / name).write_bytes((folder / name).read_bytes())
    with (tmp_path / "gpu_prices.csv").open("a") as file:
        file.write("aws,g99.xlarge,us-east-1,on_demand,1.5,somebody,2026-11-01\n")
    problems = verify(PriceBook(), datetime.date(2026, 11, 24), tmp_path)
    assert [(problem.severity, problem.where) for problem in problems] == [
        ("error", "gpu_prices.csv"),
        ("error", "gpu_prices.csv: aws g99.xlarge"),
    ]


def test_an_old_snapshot_is_a_warning() -> None:
    (problem,) = verify(PriceBook(), datetime.date(2027, 3, 1))
    assert (problem.severity, problem.text) == ("warning", "gathered 98 days ago, on 2026-11-23")


def test_only_azure_has_types_of_unknown_size() -> None:
    # Preview sizes that no page lists: a price and no count. A new one must be looked up, not added
    # here.
    text = resources.files("zerofloor.prices").joinpath("snapshot", "manifest.json").read_text()
    names = json.loads(text)["types_of_unknown_size"]
    assert len(names) == 12
    assert all(name.startswith(("Standard_NC", "Standard_ND")) for name in names)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("aws,g5.xlarge,us-east-2,on_demand,1.006,,2026-07-20", "no source"),
        ("aws,g5.xlarge,us-east-2,on_demand,1.006,list,", "no date"),
        ("aws,g5.xlarge,us-east-2,on_demand,1.006,list,July", "no date"),
        ("aws,g5.xlarge,us-east-2,on_demand,,list,unknown", "not a price"),
        ("aws,g5.xlarge,us-east-2,on_demand,0,list,unknown", "not a price"),
        ("aws,g5.xlarge,us-east-2,on_demand,NaN,list,unknown", "not a price"),
        ("aws,g5.xlarge,us-east-1,on_demand,1.006,list,unknown", "is listed twice"),
        ("aws,g5.xlarge,us-east-2,on_demand,24,list,unknown", "20 times off its family g5"),
        ("aws,g5.xlarge,us-east-2,on_demand,0.05,list,unknown", "20 times off its family g5"),
    ],
)
def test_a_bad_row_is_found(row: str, says: str) -> None:
    assert [*check_table("gpu_prices.csv", HEAD + "\n".join(ROWS) + "\n")] == []
    problems = [*check_table("gpu_prices.csv", HEAD + "\n".join([*ROWS, row]) + "\n")]
    assert any(
        says in problem.text and "g5.xlarge us-east" in problem.where for problem in problems
    ), problems


def test_a_change_of_prices_reads_as_rows() -> None:
    old = HEAD + "\n".join(ROWS) + "\n"
    new = (
        HEAD
        + "\n".join(
            [
                ROWS[0].replace("1.006", "1.1066"),
                ROWS[1],
                "aws,g6.xlarge,us-east-1,on_demand,0.8048,list,unknown",
            ]
        )
        + "\n"
    )
    assert [*diff("gpu_prices.csv", old, new)] == [
        "- gpu_prices.csv: aws g5.2xlarge us-west-2 on_demand",
        (
            "~ gpu_prices.csv: aws g5.xlarge us-east-1 on_demand: usd_per_hour 1.006 -> 1.1066 "
            "(+10.0%)"
        ),
        "+ gpu_prices.csv: aws g6.xlarge us-east-1 on_demand",
    ]


def test_made_anew_from_its_own_tables_it_stays_the_same(tmp_path: Path) -> None:
    with resources.as_file(resources.files("zerofloor.prices").joinpath("snapshot")) as folder:
        make(folder, tmp_path, datetime.date(2026, 11, 23))
        for name in (*TABLES, "manifest.json"):
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_bad_row_does_not_get_into_the_snapshot(tmp_path: Path) -> None:
    source, target = tmp_path / "gathered", tmp_path / "snapshot"
    with resources.as_file(resources.files("zerofloor.prices").joinpath("snapshot")) as folder:
        source.mkdir()
        for name in TABLES:
            (source / name).write_bytes((folder / name).read_bytes())
    rows = list(csv.reader(io.StringIO((source / "cpu_prices.csv").read_text())))
    rows[1][-2] = ""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    (source / "cpu_prices.csv").write_text(text.getvalue())
    with pytest.raises(ValueError, match="has no source"):
        make(source, target, datetime.date(2026, 11, 23))
    assert not target.exists()
